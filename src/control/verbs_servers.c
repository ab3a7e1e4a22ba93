#include "control/verbs_servers.h"

#include "config/config.h"
#include "config/value.h"
#include "control/answers.h"
#include "control/enrol.h"
#include "control/find_server.h"
#include "control/member.h"
#include "control/metrics.h"
#include "control/rulings.h"
#include "control/status.h"
#include "control/steering.h"
#include "control/verbs_events.h"
#include "pool/pool.h"
#include "pool/server.h"
#include "pool/standing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_MAX   16777215 /* as in the configuration */
#define WARNING_MAX 500
#define JSON        "application/json"

static_assert(BODY_TEXT_MAX <= RULINGS_REASON_MAX, "a reason is kept whole");

static const struct edition *edition_of(const struct verbs *verbs)
{
	return verbs->tellers.steering->place.edition;
}

/* ---- What is not there ----------------------------------------------------------------------- */

static void answer_not_found(struct http_request *request, const struct found_server *found)
{
	http_error(request, strcmp(found->code, "ambiguous") ? 404 : 409, found->code, found->why,
		   found->hint);
}

/* NULL: that is answered. */
static const struct metrics_snapshot *snapshot_of(const struct verbs *verbs,
						  struct http_request *request)
{
	const struct metrics_snapshot *snapshot;

	if (verbs->tellers.snapshot(verbs->tellers.owner, &snapshot) == 0)
		return snapshot;
	http_error(request, 503, "memory", "there is no memory to look", "ask again");
	return NULL;
}

/* ---- Looking --------------------------------------------------------------------------------- */

void verb_servers(const struct verbs *verbs, struct http_request *request,
		  const char *const parts[])
{
	const struct metrics_snapshot *snapshot;
	struct found_server found;
	struct sheet sheet = {0};
	const char *pool;

	(void)parts;
	if (!answer_takes_argument(request, "pool", &pool))
		return;
	if (pool && !find_pool(edition_of(verbs), pool, &found)) {
		answer_not_found(request, &found);
		return;
	}
	snapshot = snapshot_of(verbs, request);
	if (!snapshot)
		return;
	status_json_servers(&sheet, snapshot, pool);
	answer_sheet(request, JSON, &sheet);
}

static const struct metrics_server *row_of(const struct metrics_snapshot *snapshot,
					   const struct found_server *found)
{
	for (size_t i = 0; i < snapshot->server_count; i++) {
		const struct metrics_server *row = &snapshot->servers[i];

		if (!strcmp(row->pool, found->pool->config->name) &&
		    !strcmp(row->name, found->member->server->name) &&
		    !strcmp(row->address, found->member->server->address_text))
			return row;
	}
	return NULL; /* the snapshot is of the same edition: there is one */
}

/* One server; with a warning, where it is not "". */
static void answer_server(const struct verbs *verbs, struct http_request *request,
			  const struct found_server *found, const char *warning)
{
	const struct metrics_snapshot *snapshot = snapshot_of(verbs, request);
	const struct metrics_server *row = snapshot ? row_of(snapshot, found) : NULL;
	struct sheet sheet = {0};

	if (!snapshot)
		return;
	sheet_add(&sheet, "{");
	if (row)
		status_json_server(&sheet, snapshot, row);
	member_list(&sheet, "warnings");
	if (*warning)
		sheet_add_json(&sheet, warning);
	sheet_add(&sheet, "]}\n");
	answer_sheet(request, JSON, &sheet);
}

void verb_server(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	struct found_server found;
	const char *unused;

	if (!answer_takes_argument(request, NULL, &unused))
		return;
	if (find_server(edition_of(verbs), parts[0], parts[1], &found))
		answer_server(verbs, request, &found, "");
	else
		answer_not_found(request, &found);
}

/* ---- What is said ---------------------------------------------------------------------------- */

/* As it comes in a body. */
struct said {
	const char *state, *reason, *for_time;
	struct body_number weight, limit;
};

static bool refuse(struct http_request *request, const char *code, const char *why)
{
	http_error(request, 400, code, why, "uringproxy(8) says what is taken");
	return false;
}

static bool take_state(struct http_request *request, const struct said *said,
		       struct rulings_change *change)
{
	char why[VALUE_WHY_MAX];
	uint32_t state;

	if (value_parse_word(&state, said->state, rulings_states, why) < 0)
		return refuse(request, "state", why);
	change->sets_state = true;
	change->state = (enum ruling_state)state;
	change->reason = said->reason;
	if (!said->for_time)
		return true;
	if (change->state == RULING_READY)
		return refuse(request, "for", "\"for\" goes with drain and maint, not with ready");
	if (value_parse_duration(&change->for_ms, said->for_time, 1000, why) < 0)
		return refuse(request, "for", why);
	return change->for_ms ? true
			      : refuse(request, "for", "\"for\" has to be longer than nothing");
}

static uint32_t number_of(const struct body_number *number)
{
	return number->null ? RULING_AS_CONFIGURED : number->value;
}

/* False: it is answered what is wrong. */
static bool take(struct http_request *request, const struct said *said,
		 struct rulings_change *change)
{
	*change = (struct rulings_change){
		.sets_weight = said->weight.given,
		.sets_limit = said->limit.given,
		.weight = number_of(&said->weight),
		.limit = number_of(&said->limit),
	};
	if (!said->state && (said->reason || said->for_time))
		return refuse(request, "body", "\"reason\" and \"for\" go with a \"state\"");
	if (!said->state && !change->sets_weight && !change->sets_limit)
		return refuse(request, "body",
			      "the body has to have \"state\", \"weight\" or \"max_connections\"");
	return !said->state || take_state(request, said, change);
}

/* ---- What comes of it ------------------------------------------------------------------------ */

static bool is_anybody_left(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->count; i++)
		if (standing_of(&pool->members[i]).takes)
			return true;
	return false;
}

static bool wants_connections(const struct rulings_change *change)
{
	return (change->sets_state && change->state == RULING_READY) ||
	       (change->sets_weight && change->weight > 0);
}

static void tell_refusal(const struct member *member, enum standing_cause cause,
			 char text[WARNING_MAX])
{
	const struct ruled *ruled = rulings_of(member->server);
	const char *place = atomic_load(&member->server->place);
	bool said = ruled && *ruled->why;

	snprintf(text, WARNING_MAX, "it takes no connections all the same: %s%s%s%s",
		 said ? ruled->why : standing_why(cause), said ? "" : " (", said ? "" : place,
		 said ? "" : ")");
}

/* What may not be expected, "" where nothing is; returns text. */
static const char *warning_of(const struct found_server *found, const struct rulings_change *change,
			      char text[WARNING_MAX])
{
	const struct member *member = found->member;
	struct standing standing = standing_of(member);
	uint32_t active = atomic_load(&member->server->active);

	text[0] = 0;
	if (!standing.takes && wants_connections(change))
		tell_refusal(member, standing.cause, text);
	else if (!standing.takes && !is_anybody_left(found->pool))
		snprintf(text, WARNING_MAX,
			 "no server of pool %s takes connections now: whoever comes is refused",
			 found->pool->config->name);
	else if (change->sets_limit && standing.limit && active > standing.limit)
		snprintf(text, WARNING_MAX,
			 "it has %u connections: until fewer than %u are left it takes no more",
			 active, standing.limit);
	return text;
}

static void rule(const struct verbs *verbs, struct http_request *request,
		 const struct found_server *found, const struct rulings_change *change)
{
	char by[ANSWER_ASKER_MAX], warning[WARNING_MAX];

	if (steering_rule(verbs->tellers.steering, found->member->server, change,
			  answer_asker(request, by)) < 0) {
		http_error(request, 503, "memory", "there is no memory for that", "ask again");
		return;
	}
	feed_look(verbs->feed);
	answer_server(verbs, request, found, warning_of(found, change, warning));
}

static bool only_takes_back(const struct rulings_change *change)
{
	return (!change->sets_state || change->state == RULING_READY) &&
	       (!change->sets_weight || change->weight == RULING_AS_CONFIGURED) &&
	       (!change->sets_limit || change->limit == RULING_AS_CONFIGURED);
}

/* Of a server that no configuration has now nothing can be said, but that is taken back. */
static void rule_absent(const struct verbs *verbs, struct http_request *request,
			const struct found_server *found, const char *const parts[],
			const struct rulings_change *change)
{
	struct server *server = rulings_find(&verbs->tellers.steering->rulings, parts[0], parts[1]);
	char by[ANSWER_ASKER_MAX];
	json_t *answer;

	if (!server || !only_takes_back(change)) {
		answer_not_found(request, found);
		return;
	}
	answer = json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "pool", parts[0], "name", server->name,
			   "address", server->address_text, "state", "absent", "warnings",
			   "the configuration that is in force has no such server");
	if (steering_rule(verbs->tellers.steering, server, change, answer_asker(request, by)) < 0) {
		json_decref(answer);
		answer = NULL;
	}
	answer_json(request, 200, answer);
}

void verb_rule_server(const struct verbs *verbs, struct http_request *request,
		      const char *const parts[])
{
	struct said said = {0};
	const struct body_field fields[] = {
		{.name = "state", .text = &said.state},
		{.name = "reason", .text = &said.reason},
		{.name = "for", .text = &said.for_time},
		{.name = "weight", .number = &said.weight, .most = CONFIG_WEIGHT_MAX},
		{.name = "max_connections", .number = &said.limit, .most = LIMIT_MAX},
		{0},
	};
	struct found_server found;
	struct rulings_change change;
	const char *unused;
	json_t *body;

	if (!answer_takes_argument(request, NULL, &unused) ||
	    !answer_takes_body(request, fields, &body))
		return;
	if (!take(request, &said, &change))
		; /* and it has been answered what is wrong */
	else if (find_server(edition_of(verbs), parts[0], parts[1], &found))
		rule(verbs, request, &found, &change);
	else
		rule_absent(verbs, request, &found, parts, &change);
	json_decref(body);
}

/* ---- Adding and removing --------------------------------------------------------------------- */

/* There may be several that were called like that. */
static void find_enrolled(const struct verbs *verbs, const struct enrolment *enrolment,
			  struct found_server *found)
{
	const struct pool *pool = find_pool(edition_of(verbs), enrolment->pool, found);

	for (uint32_t i = 0; i < pool->count; i++)
		if (pool->members[i].server == enrolment->server)
			found->member = &pool->members[i];
}

static void enrol(const struct verbs *verbs, struct http_request *request,
		  const char *const parts[], const char *line)
{
	char by[ANSWER_ASKER_MAX], warning[WARNING_MAX];
	struct enrolment enrolment = {
		.pool = parts[0], .name = parts[1], .line = line, .by = answer_asker(request, by)};
	const struct rulings_change ready = {.sets_state = line, .state = RULING_READY};
	struct found_server found;

	if (!verbs->tellers.enrol(verbs->tellers.owner, &enrolment)) {
		http_error(request, enrolment.status, enrolment.code, enrolment.why,
			   enrolment.hint);
		return;
	}
	feed_look(verbs->feed);
	find_enrolled(verbs, &enrolment, &found);
	answer_server(verbs, request, &found, warning_of(&found, &ready, warning));
}

void verb_add_server(const struct verbs *verbs, struct http_request *request,
		     const char *const parts[])
{
	const char *line = NULL, *unused;
	const struct body_field fields[] = {{.name = "server", .text = &line, .needed = true}, {0}};
	json_t *body;

	if (!answer_takes_argument(request, NULL, &unused) ||
	    !answer_takes_body(request, fields, &body))
		return;
	if (line)
		enrol(verbs, request, parts, line);
	else
		(void)refuse(request, "body", "the body has to have \"server\"");
	json_decref(body);
}

void verb_remove_server(const struct verbs *verbs, struct http_request *request,
			const char *const parts[])
{
	const struct body_field fields[] = {{0}};
	const char *unused;
	json_t *body;

	if (!answer_takes_argument(request, NULL, &unused) ||
	    !answer_takes_body(request, fields, &body))
		return;
	enrol(verbs, request, parts, NULL);
	json_decref(body);
}
