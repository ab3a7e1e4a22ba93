#include "control/resolve.h"

#include "base/clock.h"
#include "base/grow.h"
#include "base/hash.h"

#include "ops/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define WARNING_MAX 1200
#define TOLD_AFTER  2 /* look-ups in a row: one alone is not worth a line */

const char *resolve_place(const struct config *config, const struct config_section *section,
			  const struct config_endpoint *endpoint, bool listens, char *text)
{
	const char *key = listens ? "listen" : "server";

	if (endpoint->line)
		snprintf(text, RESOLVE_PLACE_MAX, "%s:%u: %s %s", config->files[endpoint->file],
			 endpoint->line, section->title, key);
	else
		snprintf(text, RESOLVE_PLACE_MAX, "%s %s", section->title, key);
	return text;
}

static const char *place_of(const struct resolver *resolver, const struct resolution *one,
			    char *text)
{
	return resolve_place(resolver->config, one->section, one->endpoint, one->listens, text);
}

void resolve_warn(const struct resolver *resolver, const struct config_endpoint *endpoint,
		  const char *place, const char *format, ...)
{
	char text[WARNING_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (resolver->report)
		report_add(resolver->report, REPORT_WARNING, endpoint->file, endpoint->line,
			   "%s: %s", place, text);
	else
		log_warning("%s: %s", place, text);
}

/* ---- What is told ---------------------------------------------------------------------------- */

/* Who is to blame. */
static const char *advice_for(const struct resolution *one, enum name_status status)
{
	if (status == NAME_NO_NAME || status == NAME_NO_DATA || status == NAME_DENIED)
		return "the name";
	return !one->listens && one->section->settings.resolver
		       ? "resolver ="
		       : "the name servers in /etc/resolv.conf";
}

static void tell_missing(const struct resolver *resolver, struct resolution *one, const char *why,
			 enum name_status status)
{
	char place[RESOLVE_PLACE_MAX];

	if (!one->told)
		resolve_warn(resolver, one->endpoint, place_of(resolver, one, place),
			     "cannot resolve '%s': %s; check %s, or write the address%s",
			     one->endpoint->address.host, why, advice_for(one, status),
			     resolver->report
				     ? ""
				     : "; it goes on being asked for, and this line is of no use "
				       "meanwhile");
	one->told = true;
}

/* It was answered, and is not now, or not all of it is. */
static void tell_stale(const struct resolver *resolver, struct resolution *one, uint64_t now_ms)
{
	char place[RESOLVE_PLACE_MAX];

	if (one->refresh.failures + one->refresh.empties == 1)
		one->asked_ms = now_ms;
	if (one->told || one->refresh.failures + one->refresh.empties < TOLD_AFTER ||
	    one->set.count == 0)
		return;
	log_warning("%s: '%s' is not answered as it should be: %s; it keeps the address%s it had",
		    place_of(resolver, one, place), one->endpoint->address.host, one->error,
		    one->set.count == 1 ? "" : "es");
	one->told = true;
}

static void tell_found(const struct resolver *resolver, struct resolution *one, uint64_t now_ms)
{
	char place[RESOLVE_PLACE_MAX];
	uint64_t lasted = now_ms - one->asked_ms;

	if (one->told)
		log_info("%s: '%s' is resolved now, after %llu.%03u s",
			 place_of(resolver, one, place), one->endpoint->address.host,
			 (unsigned long long)lasted / 1000, (unsigned)(lasted % 1000));
	one->told = false;
}

static void tell_cut(const struct resolver *resolver, const struct resolution *one, int room)
{
	char place[RESOLVE_PLACE_MAX];

	resolve_warn(resolver, one->endpoint, place_of(resolver, one, place),
		     "'%s' has more than %d addresses; the rest is not used",
		     one->endpoint->address.host, room);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static int ask(struct resolver *resolver, struct resolution *one)
{
	struct name_question question;
	int r;

	resolution_question(one, &question);
	r = names_ask(resolver->names, (uint64_t)(one - resolver->list), &question,
		      one->refresh.failures > 0);
	refresh_ask(&one->refresh);
	if (r < 0)
		log_error("cannot look '%s' up: %s; see TasksMax= of the unit", question.host,
			  strerror(-r));
	return r;
}

static void ask_again(struct resolver *resolver, struct resolution *one, uint64_t now_ms)
{
	if (ask(resolver, one) < 0)
		one->refresh.due_ms = now_ms + REFRESH_PATIENCE_MS;
}

/* ---- Listing --------------------------------------------------------------------------------- */

static int list_names(struct resolver *resolver, const struct config_section *source, bool listens)
{
	size_t count = listens ? source->listen_count : source->server_count;
	const struct config_endpoint *lines = listens ? source->listens : source->servers;

	for (size_t i = 0; i < count; i++) {
		struct resolution *list;

		if (lines[i].address.kind != ADDRESS_NAME)
			continue;
		list = grow(resolver->list, resolver->count, 1, sizeof(*list));
		if (!list)
			return log_no_memory("the names");
		resolver->list = list;
		resolution_begin(&list[resolver->count++], source, &lines[i], listens,
				 clock_now_ms());
		resolver->changes |= !listens;
	}
	return 0;
}

static int list_all(struct resolver *resolver)
{
	const struct config *config = resolver->config;
	int r = 0;

	for (size_t i = 0; i < config->section_count && r == 0; i++) {
		r = list_names(resolver, &config->sections[i], true);
		if (r == 0)
			r = list_names(resolver, &config->sections[i], false);
	}
	for (size_t i = 0; i < config->pool_count && r == 0; i++)
		r = list_names(resolver, &config->pools[i], false);
	resolver->missing = resolver->count;
	return r;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static int by_line(const void *left, const void *right, void *list)
{
	const struct config_endpoint *a =
		((const struct resolution *)list)[*(const uint32_t *)left].endpoint;
	const struct config_endpoint *b =
		((const struct resolution *)list)[*(const uint32_t *)right].endpoint;

	return a < b ? -1 : a > b;
}

static uint32_t bucket_of(const struct resolver *resolver, const struct resolution *one)
{
	return hash_text(HASH_BEGIN, one->endpoint->address.host) % resolver->count;
}

/* All are listed. */
static int index_all(struct resolver *resolver)
{
	uint32_t count = resolver->count;

	resolver->by_line = calloc(count, sizeof(*resolver->by_line));
	resolver->by_name = calloc(count, sizeof(*resolver->by_name));
	resolver->next = calloc(count, sizeof(*resolver->next));
	if (!resolver->by_line || !resolver->by_name || !resolver->next)
		return log_no_memory("the names");
	for (uint32_t i = count; i-- > 0;) {
		uint32_t *bucket = &resolver->by_name[bucket_of(resolver, &resolver->list[i])];

		resolver->by_line[i] = i;
		resolver->next[i] = *bucket;
		*bucket = i + 1;
	}
	qsort_r(resolver->by_line, count, sizeof(*resolver->by_line), by_line, resolver->list);
	return 0;
}

/* ---- What was known before ------------------------------------------------------------------- */

static const struct resolution *find_known(const struct resolver *before,
					   const struct resolution *one, bool answered)
{
	uint32_t at = before && before->count ? before->by_name[bucket_of(before, one)] : 0;

	for (; at; at = before->next[at - 1])
		if ((before->list[at - 1].answered || !answered) &&
		    resolution_is_same(&before->list[at - 1], one))
			return &before->list[at - 1];
	return NULL;
}

/* It is answered by what another reading knows. */
static bool copy_known(struct resolver *resolver, struct resolution *one,
		       const struct resolution *known)
{
	resolver->missing -= !one->answered;
	if (resolution_copy(one, known) == 0)
		return true;
	resolver->missing += !one->answered;
	(void)log_no_memory("the names");
	return false;
}

/* What is known of servers is used at once; where to listen a reload may find out anew. */
static void go_on(struct resolver *resolver)
{
	for (uint32_t i = 0; i < resolver->count; i++) {
		struct resolution *one = &resolver->list[i];
		const struct resolution *known = find_known(resolver->before, one, false);

		one->resolved = known ? known->resolved : 0;
		one->failed = known ? known->failed : 0;
		one->changes = known ? known->changes : 0;
		if (known && known->answered && !one->listens)
			(void)copy_known(resolver, one, known);
	}
}

int resolver_open(struct resolver *resolver, const struct config *config,
		  const struct resolver *before)
{
	int r;

	*resolver = (struct resolver){.config = config, .before = before};
	if (loops_init(&resolver->loops, config) < 0)
		return log_no_memory("the names");
	r = list_all(resolver);
	if (r < 0 || resolver->count == 0)
		return r;
	r = index_all(resolver);
	if (r < 0)
		return r;
	go_on(resolver);
	r = names_open(&resolver->names);
	if (r == -ENOMEM)
		return log_no_memory("the names");
	if (r < 0)
		log_error("cannot prepare to look names up: %s; see LimitNOFILE= of the unit "
			  "(ulimit -n)",
			  strerror(-r));
	for (uint32_t i = 0; i < resolver->count && r == 0; i++)
		if (!resolver->list[i].answered)
			r = ask(resolver, &resolver->list[i]);
	return r;
}

void resolver_close(struct resolver *resolver)
{
	names_close(resolver->names);
	for (uint32_t i = 0; i < resolver->count; i++)
		resolution_done(&resolver->list[i]);
	free(resolver->list);
	free(resolver->by_line);
	free(resolver->by_name);
	free(resolver->next);
	loops_done(&resolver->loops);
	*resolver = (struct resolver){0};
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* It listens on these places too; what would lead back is found when it is connected to. */
static void note_listens(struct resolver *resolver, const struct resolution *one)
{
	size_t section = (size_t)(one->section - resolver->config->sections);

	if (!one->listens || one->section->kind != CONFIG_PROXY)
		return;
	for (uint32_t i = 0; i < one->set.count; i++) {
		struct address address;

		name_record_address(&one->set.records[i], &address);
		if (loops_listen(&resolver->loops, section, &address, one->endpoint) < 0)
			(void)log_no_memory("the names");
	}
}

/* There is something to be listened on: those addresses, though nobody has said them again. */
static bool reuse(struct resolver *resolver, struct resolution *one)
{
	const struct resolution *known = find_known(resolver->before, one, true);
	char place[RESOLVE_PLACE_MAX];

	if (!known || !copy_known(resolver, one, known))
		return false;
	resolve_warn(resolver, one->endpoint, place_of(resolver, one, place),
		     "'%s' is not answered now: it keeps the address%s it had",
		     one->endpoint->address.host, one->set.count == 1 ? "" : "es");
	one->told = false;
	one->refresh.due_ms = UINT64_MAX;
	note_listens(resolver, one);
	return true;
}

const struct resolution *resolver_learn(struct resolver *resolver, const struct resolver *other)
{
	for (uint32_t i = 0; i < resolver->count; i++) {
		struct resolution *one = &resolver->list[i];
		const struct resolution *known = one->listens ? NULL : find_known(other, one, true);

		if (!known ||
		    (one->answered && name_set_compare(&one->set, &known->set, NULL, NULL) == 0))
			continue;
		if (copy_known(resolver, one, known))
			return one;
	}
	return NULL;
}

static void hear_none(struct resolver *resolver, struct resolution *one,
		      const struct name_answer *answer, uint64_t now_ms)
{
	if (one->answered)
		tell_stale(resolver, one, now_ms);
	else if (!one->listens || !reuse(resolver, one))
		tell_missing(resolver, one, one->error, answer->status);
}

/* For the first time. */
static void hear_first(struct resolver *resolver, struct resolution *one)
{
	resolver->missing--;
	if (one->listens && one->set.count > RESOLVE_LISTENS_MAX) {
		one->set.count = RESOLVE_LISTENS_MAX;
		tell_cut(resolver, one, RESOLVE_LISTENS_MAX);
	}
	note_listens(resolver, one);
}

/* Whether the line stands for something else now. */
static bool hear(struct resolver *resolver, struct resolution *one, struct name_answer *answer,
		 uint64_t now_ms)
{
	bool is_good = answer->status == NAME_FOUND;
	enum resolution_news news = resolution_hear(one, answer, now_ms, resolver->change);

	if (news == RESOLUTION_FOUND)
		hear_first(resolver, one);
	if (is_good && answer->cut && news != RESOLUTION_NOTHING)
		tell_cut(resolver, one, NAMES_RECORDS_MAX);
	if (is_good && (news == RESOLUTION_FOUND || !resolution_is_stale(one)))
		tell_found(resolver, one, now_ms);
	else if (is_good)
		tell_stale(resolver, one, now_ms);
	else
		hear_none(resolver, one, answer, now_ms);
	return news != RESOLUTION_NOTHING;
}

/* The line that the next answer makes stand for something else; *ret_any: there was any. */
static struct resolution *take_answer(struct resolver *resolver, uint64_t now_ms, bool *ret_any)
{
	struct name_answer answer;
	struct resolution *one;
	bool is_news;
	uint64_t id;

	*ret_any = resolver->names && names_take(resolver->names, &id, &answer);
	if (!*ret_any)
		return NULL;
	one = &resolver->list[id];
	/* One that listens may have what was known before, and was not waited for. */
	is_news = !(one->listens && one->answered) && hear(resolver, one, &answer, now_ms);
	name_answer_done(&answer);
	return is_news ? one : NULL;
}

bool resolver_has_heard(const struct resolver *resolver)
{
	for (uint32_t i = 0; i < resolver->count; i++)
		if (!resolver->list[i].answered && !resolver->list[i].told)
			return false;
	return true;
}

void resolver_hear(struct resolver *resolver)
{
	uint64_t now = clock_now_ms();
	bool any;

	do
		(void)take_answer(resolver, now, &any);
	while (any);
}

void resolver_settle(struct resolver *resolver)
{
	for (uint32_t i = 0; i < resolver->count; i++) {
		struct resolution *one = &resolver->list[i];

		if (!one->answered && (!one->listens || !reuse(resolver, one)))
			tell_missing(resolver, one, "there is no answer yet", NAME_SILENT);
	}
	resolver->before = NULL;
}

/* ---- Waiting for them ------------------------------------------------------------------------ */

struct awaiting {
	struct resolver *resolver;
	struct events *events;
	bool over; /* all are heard of, or it has taken too long */
};

static void end_waiting(void *owner)
{
	struct awaiting *awaiting = owner;

	awaiting->over = true;
	events_stop(awaiting->events);
}

static void on_answers(void *owner, uint32_t ready)
{
	struct awaiting *awaiting = owner;

	(void)ready;
	resolver_hear(awaiting->resolver);
	if (resolver_has_heard(awaiting->resolver))
		end_waiting(awaiting);
}

static int await_answers(struct awaiting *awaiting, uint64_t milliseconds)
{
	struct event *answers = NULL, *patience = NULL;
	int r = events_add_descriptor(awaiting->events, &answers,
				      resolver_descriptor(awaiting->resolver), EPOLLIN, on_answers,
				      awaiting);

	if (r == 0)
		r = events_add_timer(awaiting->events, &patience, end_waiting, awaiting);
	if (r == 0) {
		events_set_in(patience, milliseconds);
		events_run(awaiting->events);
	} else {
		(void)events_cannot("wait for the addresses of names", r);
	}
	events_remove(answers);
	events_remove(patience);
	return r < 0 || awaiting->over ? r : -EINTR;
}

int resolver_wait(struct resolver *resolver, struct events *events, uint64_t milliseconds)
{
	struct awaiting awaiting = {.resolver = resolver, .events = events};
	int r = resolver_has_heard(resolver) ? 0 : await_answers(&awaiting, milliseconds);

	if (r == 0)
		resolver_settle(resolver);
	return r;
}

/* ---- For main and the supervisor ------------------------------------------------------------- */

const struct resolution *resolver_answer(const struct resolver *resolver,
					 const struct config_endpoint *endpoint)
{
	uint32_t low = 0, high = resolver->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct resolution *one = &resolver->list[resolver->by_line[middle]];

		if (one->endpoint == endpoint)
			return one->answered ? one : NULL;
		if (one->endpoint < endpoint)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int resolver_descriptor(const struct resolver *resolver)
{
	return resolver->names ? names_descriptor(resolver->names) : -1;
}

uint64_t resolver_due_ms(const struct resolver *resolver)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < resolver->count; i++)
		if (resolver->list[i].refresh.due_ms < due)
			due = resolver->list[i].refresh.due_ms;
	return due;
}

const struct resolution *resolver_turn(struct resolver *resolver, uint64_t now_ms)
{
	struct resolution *one;
	bool any;

	do
		one = take_answer(resolver, now_ms, &any);
	while (any && !one);
	for (uint32_t i = 0; !one && i < resolver->count; i++)
		if (resolver->list[i].refresh.due_ms <= now_ms)
			ask_again(resolver, &resolver->list[i], now_ms);
	return one;
}
