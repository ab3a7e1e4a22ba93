#include "control/verbs_conns.h"

#include "base/address.h"
#include "control/answers.h"
#include "control/criteria.h"
#include "control/inquiry.h"
#include "control/member.h"
#include "control/verbs_events.h"
#include "control/why.h"

#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 200
#define ID_SHOWN    20
#define JSON        "application/json"

/* A request whose answer the workers know. */
struct asking {
	struct inquiries *inquiries;
	struct feed *feed;
	struct http_request *request;
	struct criteria criteria;
	uint64_t id; /* where one is asked for */
};

static void __attribute__((format(printf, 4, 5)))
refuse(struct http_request *request, unsigned status, const char *code, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	http_error(request, status, code, message, NULL);
}

/* The asking goes on in told(), or has been answered. */
static void ask(struct asking *asking, const struct inquiry_question *question, inquiry_told *told)
{
	int r = inquiry_ask(asking->inquiries, question, told, asking);

	if (r == 0)
		return;
	if (r == -EBUSY)
		refuse(asking->request, 503, "busy",
		       "%d requests wait already for workers that do not answer", INQUIRIES_MAX);
	else
		refuse(asking->request, 503, "memory", "there is no memory to look");
	free(asking);
}

/* Whether a worker is late, and that is answered. */
static bool is_late(const struct asking *asking, const struct inquiry_answer *answer)
{
	if (!*answer->late)
		return false;
	if (answer->killed)
		refuse(asking->request, 503, "worker_late",
		       "not answered within %d s: %s; of the others %" PRIu64
		       " connections were ended",
		       INQUIRY_PATIENCE_MS / 1000, answer->late, answer->killed);
	else
		refuse(asking->request, 503, "worker_late", "not answered within %d s: %s",
		       INQUIRY_PATIENCE_MS / 1000, answer->late);
	return true;
}

/* NULL: it is answered that there is no memory. */
static struct asking *begin(const struct verbs *verbs, struct http_request *request)
{
	struct asking *asking = calloc(1, sizeof(*asking));

	if (!asking) {
		refuse(request, 503, "memory", "there is no memory to look");
		return NULL;
	}
	asking->inquiries = verbs->inquiries;
	asking->feed = verbs->feed;
	asking->request = request;
	return asking;
}

/* Its criteria, of these groups; NULL: it is answered what is wrong with them. */
static struct asking *begin_by_query(const struct verbs *verbs, struct http_request *request,
				     unsigned groups)
{
	struct asking *asking = begin(verbs, request);
	char why[CRITERIA_WHY_MAX];

	if (!asking || criteria_read(request->arguments, request->argument_count, groups,
				     &asking->criteria, why) == 0)
		return asking;
	http_error(request, 400, "argument", why, "uringproxy(8) says what is taken");
	free(asking);
	return NULL;
}

/* ---- A connection in JSON -------------------------------------------------------------------- */

static uint64_t since_ms(const struct glance *glance, uint64_t at_ms)
{
	return glance->now_ms > at_ms ? glance->now_ms - at_ms : 0;
}

static void add_client(struct sheet *sheet, const struct sockaddr_in6 *client)
{
	char text[ADDRESS_TEXT_MAX];

	if (!client->sin6_family)
		return; /* it was gone before it could be asked for */
	member_text(sheet, "client",
		    address_format_socket((const struct sockaddr *)client,
					  client->sin6_family == AF_UNIX
						  ? sizeof(client->sin6_family)
						  : sizeof(*client),
					  text, sizeof(text)));
}

static void add_row(struct sheet *sheet, const struct glance *row)
{
	member_number(sheet, "id", row->id);
	member_number(sheet, "worker", row->worker);
	member_number(sheet, "edition", row->edition);
	member_text(sheet, "proxy", row->proxy);
	member_text(sheet, "listener", row->listener);
	add_client(sheet, &row->client);
	if (*row->sni)
		member_text(sheet, "sni", row->sni);
	if (*row->alpn)
		member_text(sheet, "alpn", row->alpn);
	if (*row->pool)
		member_text(sheet, "pool", row->pool);
	if (*row->server)
		member_text(sheet, "server", row->server);
	member_text(sheet, "state", row->state);
	member_number(sheet, "attempt", row->attempts);
	member_seconds(sheet, "age_seconds", since_ms(row, row->started_ms), 1000);
	member_seconds(sheet, "idle_seconds", since_ms(row, row->active_ms), 1000);
	member_number(sheet, "bytes_up", row->bytes_up);
	member_number(sheet, "bytes_down", row->bytes_down);
	member_number(sheet, "unsent_up", row->unsent_up);
	member_number(sheet, "unsent_down", row->unsent_down);
	if (row->reason)
		member_text(sheet, "reason", reason_name((enum reason)row->reason));
}

/* ---- A page ---------------------------------------------------------------------------------- */

static void told_page(void *owner, const struct inquiry_answer *answer)
{
	struct asking *asking = owner;
	struct sheet sheet = {0};

	if (!is_late(asking, answer)) {
		sheet_add(&sheet, "{");
		member_number(&sheet, "matched", answer->met);
		member_key(&sheet, "next");
		if (answer->met > answer->count && !asking->criteria.by_age)
			sheet_add(&sheet, "%" PRIu64, answer->rows[answer->count - 1]->id);
		else
			sheet_add(&sheet, "null");
		member_list(&sheet, "connections");
		for (uint32_t i = 0; i < answer->count; i++) {
			member_object(&sheet, i);
			add_row(&sheet, answer->rows[i]);
			sheet_add(&sheet, "}");
		}
		sheet_add(&sheet, "]}\n");
		answer_sheet(asking->request, JSON, &sheet);
	}
	free(asking);
}

void conns_list(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	struct asking *asking = begin_by_query(verbs, request, CRITERIA_FILTER | CRITERIA_PAGE);

	(void)parts;
	if (asking)
		ask(asking,
		    &(struct inquiry_question){
			    .filter = asking->criteria.filter,
			    .from = asking->criteria.from,
			    .below = UINT64_MAX,
			    .by_age = asking->criteria.by_age,
			    .room = asking->criteria.limit,
		    },
		    told_page);
}

/* ---- One ------------------------------------------------------------------------------------- */

static void refuse_unknown(struct http_request *request, const char *id)
{
	char message[MESSAGE_MAX];

	snprintf(message, sizeof(message), "there is no connection %.*s", ID_SHOWN, id);
	http_error(request, 404, "no_such_connection", message,
		   "if it has ended, the access log says why");
}

/* Who is not there, or a worker that is late, is answered: then false. */
static bool is_met(const struct asking *asking, const struct inquiry_answer *answer)
{
	char id[ID_SHOWN + 1];

	if (is_late(asking, answer))
		return false;
	snprintf(id, sizeof(id), "%" PRIu64, asking->id);
	if (!answer->count)
		refuse_unknown(asking->request, id);
	return answer->count > 0;
}

static void ask_for_one(const struct verbs *verbs, struct http_request *request, const char *id,
			struct inquiry_question *question, inquiry_told *told)
{
	struct asking *asking;
	const char *none;

	if (!answer_takes_argument(request, NULL, &none))
		return;
	if (criteria_number(id, &question->from) < 0 || question->from == UINT64_MAX) {
		refuse_unknown(request, id);
		return;
	}
	asking = begin(verbs, request);
	if (!asking)
		return;
	asking->id = question->from;
	question->below = question->from + 1;
	question->one = true;
	question->room = 1;
	ask(asking, question, told);
}

static void told_one(void *owner, const struct inquiry_answer *answer)
{
	struct asking *asking = owner;
	struct sheet sheet = {0};

	if (is_met(asking, answer)) {
		sheet_add(&sheet, "{");
		add_row(&sheet, answer->rows[0]);
		sheet_add(&sheet, "}\n");
		answer_sheet(asking->request, JSON, &sheet);
	}
	free(asking);
}

void conns_show(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	ask_for_one(verbs, request, parts[0], &(struct inquiry_question){0}, told_one);
}

static void told_why(void *owner, const struct inquiry_answer *answer)
{
	struct asking *asking = owner;
	struct sheet sheet = {0}, why = {0};
	const char *limit, *text;
	uint64_t left_ms;

	if (is_met(asking, answer)) {
		why_tell(&why, answer->rows[0], answer->detail);
		text = sheet_text(&why);
		limit = why_limit(answer->detail, &left_ms);
		sheet_add(&sheet, "{");
		member_text(&sheet, "why", text ? text : "");
		if (limit) {
			member_text(&sheet, "limit", limit);
			member_seconds(&sheet, "limit_in_seconds", left_ms, 1000);
		}
		add_row(&sheet, answer->rows[0]);
		sheet_add(&sheet, "}\n");
		answer_sheet(asking->request, JSON, &sheet);
		sheet_done(&why);
	}
	free(asking);
}

void conns_why(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	ask_for_one(verbs, request, parts[0], &(struct inquiry_question){.closely = true},
		    told_why);
}

/* ---- Ending them ----------------------------------------------------------------------------- */

static uid_t asked_by(const struct http_request *request)
{
	return request->peer.known ? request->peer.uid : (uid_t)-1;
}

static void answer_killed(struct asking *asking, const struct inquiry_answer *answer)
{
	char asker[ANSWER_ASKER_MAX];
	struct sheet sheet = {0}, event = {0};

	(void)answer_asker(asking->request, asker);
	log_info("control: %" PRIu64 " connection%s ended for %s", answer->killed,
		 answer->killed == 1 ? "" : "s", asker);
	feed_begin(&event, "killed");
	member_number(&event, "count", answer->killed);
	member_text(&event, "by", asker);
	feed_tell(asking->feed, &event);
	sheet_add(&sheet, "{");
	member_number(&sheet, "killed", answer->killed);
	sheet_add(&sheet, "}\n");
	answer_sheet(asking->request, JSON, &sheet);
}

static void told_killed_one(void *owner, const struct inquiry_answer *answer)
{
	struct asking *asking = owner;

	if (is_met(asking, answer)) {
		if (answer->killed)
			answer_killed(asking, answer);
		else
			refuse(asking->request, 404, "no_such_connection",
			       "connection %" PRIu64 " has just ended: %s", asking->id,
			       reason_sentence((enum reason)answer->rows[0]->reason));
	}
	free(asking);
}

void conns_kill(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	ask_for_one(verbs, request, parts[0],
		    &(struct inquiry_question){
			    .kills = true, .uid = asked_by(request), .pid = request->peer.pid},
		    told_killed_one);
}

static void told_killed_all(void *owner, const struct inquiry_answer *answer)
{
	struct asking *asking = owner;

	if (!is_late(asking, answer))
		answer_killed(asking, answer);
	free(asking);
}

/* Whether so many are confirmed, or it is answered that they are not. */
static bool is_confirmed(const struct asking *asking, uint64_t met)
{
	const struct criteria *criteria = &asking->criteria;
	char message[MESSAGE_MAX], hint[MESSAGE_MAX];

	if (criteria->confirmed && met <= criteria->confirm)
		return true;
	snprintf(message, sizeof(message),
		 "%" PRIu64 " connection%s meant, and %" PRIu64 " %s confirmed", met,
		 met == 1 ? " is" : "s are", criteria->confirm,
		 criteria->confirm == 1 ? "is" : "are");
	snprintf(hint, sizeof(hint), "say confirm=%" PRIu64 " to end them", met);
	http_error(asking->request, 409, "confirm", message, hint);
	return false;
}

/* Who comes from now on was not counted, and is not ended. */
static void told_count(void *owner, const struct inquiry_answer *answer)
{
	struct asking *asking = owner;

	if (is_late(asking, answer) || !is_confirmed(asking, answer->met)) {
		free(asking);
		return;
	}
	ask(asking,
	    &(struct inquiry_question){
		    .filter = asking->criteria.filter,
		    .below_each = answer->next_ids,
		    .kills = true,
		    .uid = asked_by(asking->request),
		    .pid = asking->request->peer.pid,
	    },
	    told_killed_all);
}

void conns_kill_all(const struct verbs *verbs, struct http_request *request,
		    const char *const parts[])
{
	struct asking *asking = begin_by_query(verbs, request, CRITERIA_FILTER | CRITERIA_CONFIRM);

	(void)parts;
	if (!asking)
		return;
	if (!asking->criteria.narrows) {
		http_error(request, 400, "filter", "it is not said which connections are meant",
			   "name a proxy, client, server, listener or state");
		free(asking);
		return;
	}
	ask(asking,
	    &(struct inquiry_question){.filter = asking->criteria.filter, .below = UINT64_MAX},
	    told_count);
}
