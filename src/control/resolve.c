#include "control/resolve.h"

#include "base/clock.h"

#include "ops/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define TEST_MS           30000 /* more than the resolver's own patience, usually */
#define PATIENCE_FIRST_MS 1000
#define PATIENCE_MAX_MS   30000
#define WARNING_MAX       1200

const char *resolve_place(const struct config *config, const struct config_section *section,
			  const struct config_endpoint *endpoint, bool listens, char *text)
{
	snprintf(text, RESOLVE_PLACE_MAX, "%s:%u: %s %s", config->files[endpoint->file],
		 endpoint->line, section->title, listens ? "listen" : "server");
	return text;
}

static const char *place_of(const struct resolver *resolver, const struct resolution *one,
			    char *text)
{
	return resolve_place(resolver->config, one->section, one->endpoint, one->listens, text);
}

/* What is to be known of a line, in the log or the report. */
__attribute__((format(printf, 4, 5))) static void warn(const struct resolver *resolver,
						       const struct config_endpoint *endpoint,
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

/* ---- Asking ---------------------------------------------------------------------------------- */

static int ask(struct resolver *resolver, struct resolution *one)
{
	const struct address *name = &one->endpoint->address;
	struct name_question question = {.port = name->port};
	int r;

	memcpy(question.host, name->host, sizeof(question.host));
	r = names_ask(resolver->names, (uint64_t)(one - resolver->list), &question,
		      one->failed > 0);

	one->again_ms = UINT64_MAX;
	if (r < 0)
		log_error("cannot look '%s' up: %s; see TasksMax= of the unit",
			  one->endpoint->address.host, strerror(-r));
	return r;
}

static void ask_later(struct resolution *one, uint64_t now_ms)
{
	one->again_ms = now_ms + one->patience_ms;
	one->patience_ms *= 2;
	if (one->patience_ms > PATIENCE_MAX_MS)
		one->patience_ms = PATIENCE_MAX_MS;
}

/* for_good: it is the name that is to blame, and not who should know it. */
static void tell_missing(const struct resolver *resolver, struct resolution *one, const char *why,
			 bool for_good)
{
	char place[RESOLVE_PLACE_MAX];

	if (!one->told)
		warn(resolver, one->endpoint, place_of(resolver, one, place),
		     "cannot resolve '%s': %s; check %s, or write the address%s",
		     one->endpoint->address.host, why,
		     for_good ? "the name" : "the name servers in /etc/resolv.conf",
		     resolver->report ? ""
				      : "; it goes on being asked for, and this line is of no use "
					"meanwhile");
	one->told = true;
}

static void tell_found(const struct resolver *resolver, const struct resolution *one,
		       uint64_t now_ms)
{
	char place[RESOLVE_PLACE_MAX];
	uint64_t lasted = now_ms - one->asked_ms;

	if (one->told)
		log_info("%s: '%s' is resolved now, after %llu.%03u s",
			 place_of(resolver, one, place), one->endpoint->address.host,
			 (unsigned long long)lasted / 1000, (unsigned)(lasted % 1000));
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
		list = realloc(resolver->list, (resolver->count + 1) * sizeof(*list));
		if (!list)
			return log_no_memory("the names");
		resolver->list = list;
		list[resolver->count++] = (struct resolution){
			.section = source,
			.endpoint = &lines[i],
			.listens = listens,
			.asked_ms = clock_now_ms(),
			.again_ms = UINT64_MAX,
			.patience_ms = PATIENCE_FIRST_MS,
		};
	}
	return 0;
}

/* ---- What was known before ------------------------------------------------------------------- */

static const struct resolution *find_known(const struct resolver *before,
					   const struct resolution *one, bool answered)
{
	const struct address *name = &one->endpoint->address;

	for (uint32_t i = 0; before && i < before->count; i++) {
		const struct resolution *known = &before->list[i];

		if ((known->answered || !answered) &&
		    address_is_same(&known->endpoint->address, name))
			return known;
	}
	return NULL;
}

/* What was counted of the same names by another reading goes on. */
static void count_on(struct resolver *resolver)
{
	for (uint32_t i = 0; i < resolver->count; i++) {
		struct resolution *one = &resolver->list[i];
		const struct resolution *known = find_known(resolver->before, one, false);

		one->resolved = known ? known->resolved : 0;
		one->failed = known ? known->failed : 0;
	}
}

int resolver_open(struct resolver *resolver, const struct config *config,
		  const struct resolver *before)
{
	int r = 0;

	*resolver = (struct resolver){.config = config, .before = before};
	if (loops_init(&resolver->loops, config) < 0)
		return log_no_memory("the names");
	for (size_t i = 0; i < config->section_count && r == 0; i++) {
		r = list_names(resolver, &config->sections[i], true);
		if (r == 0)
			r = list_names(resolver, &config->sections[i], false);
	}
	for (size_t i = 0; i < config->pool_count && r == 0; i++)
		r = list_names(resolver, &config->pools[i], false);
	resolver->missing = resolver->count;
	count_on(resolver);
	if (r < 0 || resolver->count == 0)
		return r;
	r = names_open(&resolver->names);
	if (r == -ENOMEM)
		return log_no_memory("the names");
	if (r < 0)
		log_error("cannot prepare to look names up: %s; see LimitNOFILE= of the unit "
			  "(ulimit -n)",
			  strerror(-r));
	for (uint32_t i = 0; i < resolver->count && r == 0; i++)
		r = ask(resolver, &resolver->list[i]);
	return r;
}

void resolver_close(struct resolver *resolver)
{
	names_close(resolver->names);
	for (uint32_t i = 0; i < resolver->count; i++)
		free(resolver->list[i].found);
	free(resolver->list);
	loops_done(&resolver->loops);
	*resolver = (struct resolver){0};
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void cut(const struct resolver *resolver, const struct resolution *one)
{
	char place[RESOLVE_PLACE_MAX];

	warn(resolver, one->endpoint, place_of(resolver, one, place),
	     "'%s' has more than %d addresses; the rest is not used", one->endpoint->address.host,
	     one->listens ? RESOLVE_LISTENS_MAX : NAMES_RECORDS_MAX);
}

/* Its addresses, as servers and listeners have them. */
static bool keep_found(struct resolution *one, const struct name_set *set)
{
	bool is_cut = one->listens && set->count > RESOLVE_LISTENS_MAX;
	uint32_t count = is_cut ? RESOLVE_LISTENS_MAX : set->count;

	one->found = calloc(count, sizeof(*one->found));
	for (uint32_t i = 0; one->found && i < count; i++)
		name_record_address(&set->records[i], &one->found[i]);
	one->count = one->found ? count : 0;
	return one->found || log_no_memory("the names") == 0;
}

/* It listens on these places too; what would lead back is found when it is connected to. */
static void note_listens(struct resolver *resolver, const struct resolution *one)
{
	size_t section = (size_t)(one->section - resolver->config->sections);

	if (!one->listens || one->section->kind != CONFIG_PROXY)
		return;
	for (uint32_t i = 0; i < one->count; i++)
		if (loops_listen(&resolver->loops, section, &one->found[i], one->endpoint) < 0)
			(void)log_no_memory("the names");
}

/* It is answered by what another reading knows. */
static bool copy_known(struct resolver *resolver, struct resolution *one,
		       const struct resolution *known)
{
	one->found = malloc(known->count * sizeof(*one->found));
	if (!one->found) {
		(void)log_no_memory("the names");
		return false;
	}
	memcpy(one->found, known->found, known->count * sizeof(*one->found));
	one->count = known->count;
	one->answered = true;
	one->answered_ms = known->answered_ms;
	resolver->missing--;
	return true;
}

/* There is something to be used: those addresses, though nobody has said them again. */
static bool reuse(struct resolver *resolver, struct resolution *one)
{
	const struct resolution *known = find_known(resolver->before, one, true);
	char place[RESOLVE_PLACE_MAX];

	if (!known || !copy_known(resolver, one, known))
		return false;
	warn(resolver, one->endpoint, place_of(resolver, one, place),
	     "'%s' is not answered now: it keeps the address%s it had", one->endpoint->address.host,
	     one->count == 1 ? "" : "es");
	note_listens(resolver, one);
	return true;
}

const struct resolution *resolver_learn(struct resolver *resolver, const struct resolver *other)
{
	for (uint32_t i = 0; i < resolver->count && resolver->missing; i++) {
		struct resolution *one = &resolver->list[i];
		const struct resolution *known;

		if (one->answered || one->listens)
			continue;
		known = find_known(other, one, true);
		if (known && copy_known(resolver, one, known))
			return one;
	}
	return NULL;
}

static void hear_failure(struct resolver *resolver, struct resolution *one,
			 const struct name_answer *answer, uint64_t now_ms)
{
	one->failed++;
	if (reuse(resolver, one))
		return;
	tell_missing(resolver, one, answer->error,
		     answer->status == NAME_NO_NAME || answer->status == NAME_NO_DATA);
	ask_later(one, now_ms);
}

static bool hear_found(struct resolver *resolver, struct resolution *one,
		       const struct name_answer *answer, uint64_t now_ms)
{
	if (!keep_found(one, &answer->set)) {
		ask_later(one, now_ms);
		return false;
	}
	one->answered = true;
	one->resolved++;
	one->answered_ms = now_ms;
	resolver->missing--;
	if (answer->cut || one->count < answer->set.count)
		cut(resolver, one);
	tell_found(resolver, one, now_ms);
	note_listens(resolver, one);
	return true;
}

/* The line that the next answer is for, if it is one; *ret_any: there was any. */
static struct resolution *take_answer(struct resolver *resolver, uint64_t now_ms, bool *ret_any)
{
	struct name_answer answer;
	struct resolution *one;
	bool found = false;
	uint64_t id;

	*ret_any = resolver->names && names_take(resolver->names, &id, &answer);
	if (!*ret_any)
		return NULL;
	one = &resolver->list[id];
	if (one->answered) /* it has what was known before, and was not waited for */
		found = false;
	else if (answer.status == NAME_FOUND)
		found = hear_found(resolver, one, &answer, now_ms);
	else
		hear_failure(resolver, one, &answer, now_ms);
	name_answer_done(&answer);
	return found ? one : NULL;
}

/* Whether all have been heard of, well or not. */
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

		if (!one->answered && !reuse(resolver, one))
			tell_missing(resolver, one, "there is no answer yet", false);
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
	for (uint32_t i = 0; i < resolver->count; i++)
		if (resolver->list[i].endpoint == endpoint)
			return resolver->list[i].answered ? &resolver->list[i] : NULL;
	return NULL;
}

int resolver_descriptor(const struct resolver *resolver)
{
	return resolver->names ? names_descriptor(resolver->names) : -1;
}

uint64_t resolver_due_ms(const struct resolver *resolver)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; resolver->missing && i < resolver->count; i++)
		if (!resolver->list[i].answered && resolver->list[i].again_ms < due)
			due = resolver->list[i].again_ms;
	return due;
}

const struct resolution *resolver_turn(struct resolver *resolver, uint64_t now_ms)
{
	struct resolution *one;
	bool any;

	do
		one = take_answer(resolver, now_ms, &any);
	while (any && !one);
	for (uint32_t i = 0; !one && resolver->missing && i < resolver->count; i++) {
		struct resolution *late = &resolver->list[i];

		if (!late->answered && late->again_ms <= now_ms && ask(resolver, late) < 0)
			ask_later(late, now_ms);
	}
	return one;
}

/* ---- Loops ----------------------------------------------------------------------------------- */

/* Where it leads back to that proxy, that is said. */
static int leads_on_from(struct resolver *resolver, size_t section,
			 const struct config_endpoint *endpoint, const struct address *address)
{
	char place[RESOLVE_PLACE_MAX], number[ADDRESS_TEXT_MAX];
	const struct config *config = resolver->config;
	const struct config_section *proxy = &config->sections[section];
	struct loop_found found;
	int r = loops_connect(&resolver->loops, section, address, endpoint, &found);

	if (r < 0)
		return log_no_memory("the servers");
	if (r == 0)
		return 1;
	warn(resolver, endpoint,
	     resolve_place(config, config_pool(config, proxy), endpoint, false, place),
	     "'%s' is %s, where %s listens (%s:%u)%s: connections would go round without end, and "
	     "this server is left out",
	     endpoint->text, address_format(address, number, sizeof(number)),
	     found.section == section ? "this section" : config->sections[found.section].title,
	     config->files[found.line->file], found.line->line,
	     found.onward ? ", which leads back here" : "");
	return 0;
}

int resolve_leads_on(struct resolver *resolver, const struct config_section *pool,
		     const struct config_endpoint *endpoint, const struct address *address)
{
	const struct config *config = resolver->config;
	int r = 1;

	if (pool->kind == CONFIG_PROXY)
		return leads_on_from(resolver, (size_t)(pool - config->sections), endpoint,
				     address);
	for (size_t i = 0; i < config->section_count && r > 0; i++)
		if (config->sections[i].kind == CONFIG_PROXY &&
		    config_pool(config, &config->sections[i]) == pool)
			r = leads_on_from(resolver, i, endpoint, address);
	return r;
}

static int test_server(struct resolver *resolver, const struct config_section *section,
		       const struct config_endpoint *server)
{
	const struct resolution *answer = resolver_answer(resolver, server);
	int r = 1;

	if (server->address.kind != ADDRESS_NAME)
		return resolve_leads_on(resolver, section, server, &server->address);
	for (uint32_t i = 0; answer && i < answer->count && r >= 0; i++)
		r = resolve_leads_on(resolver, section, server, &answer->found[i]);
	return r;
}

static int test_servers(struct resolver *resolver, const struct config_section *section)
{
	int r = 0;

	for (size_t i = 0; i < section->server_count && r >= 0; i++)
		r = test_server(resolver, section, &section->servers[i]);
	return r;
}

int resolver_test(const struct config *config, struct report *report)
{
	/* Of a file with mistakes, those that lead round have been told. */
	bool is_right = !report->found[REPORT_MISTAKE];
	struct resolver resolver;
	struct events *events = NULL;
	int r = resolver_open(&resolver, config, NULL);

	resolver.report = report;
	if (r == 0 && (r = events_open(&events)) < 0)
		(void)events_cannot("wait for the addresses of names", r);
	if (r == 0)
		r = resolver_wait(&resolver, events, TEST_MS);
	events_close(events);
	for (size_t i = 0; is_right && i < config->section_count && r >= 0; i++)
		r = test_servers(&resolver, &config->sections[i]);
	for (size_t i = 0; is_right && i < config->pool_count && r >= 0; i++)
		r = test_servers(&resolver, &config->pools[i]);
	resolver_close(&resolver);
	return r < 0 ? r : 0;
}
