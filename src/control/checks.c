#include "control/checks.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/spell.h"
#include "base/wheel.h"
#include "control/check_pace.h"
#include "control/probe.h"

#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGUN_MAX    32 /* checks in a turn: a millisecond's work */
#define FORGIVEN_MAX 3  /* turns in a row; then it is said by what is found */

enum { TIMER_DUE, TIMER_DEADLINE };

struct target {
	struct checks *checks;
	struct list link;  /* of its bucket */
	struct list fresh; /* until it has a time */
	struct list watchers;
	struct probe_terms terms;
	struct pace pace;
	struct health health;
	struct check_result last;
	bool alike_good; /* the outcome of so many in a row, since then */
	uint32_t alike;
	uint64_t alike_ms;
	struct wheel_timer due;
	struct run *run;  /* that is under way */
	struct list runs; /* ... and those that part */
};

struct run {
	struct list link;
	struct list late; /* of a turn */
	struct target *target;
	struct probe probe;
	struct wheel_timer deadline;
};

struct checks {
	struct edges *edges; /* the sockets of all checks */
	struct event *timer;
	uint64_t armed_ms; /* what the timer is set to */
	struct wheel wheel;
	struct list fresh; /* targets that came since the last turn */
	struct list buckets[1024];
	uint64_t random;
	uint32_t count, unknown, running;
	uint32_t forgiven;    /* turns in a row */
	struct spell lacking; /* what a check needs of this machine */
};

/* ---- The schedule ---------------------------------------------------------------------------- */

static void rearm(struct checks *checks, uint64_t at_ms)
{
	checks->armed_ms = at_ms;
	events_set(checks->timer, at_ms);
}

static void arm(struct checks *checks)
{
	uint64_t next = wheel_next(&checks->wheel);

	if (next < checks->armed_ms)
		rearm(checks, next);
}

static void schedule(struct target *target)
{
	wheel_set(&target->checks->wheel, &target->due, target->pace.due_ms);
}

/* ---- A check --------------------------------------------------------------------------------- */

static struct check_news news_of(const struct target *target, bool changed)
{
	return (struct check_news){
		.health = &target->health,
		.last = &target->last,
		.title = target->terms.dialogue.title,
		.address = &target->terms.address,
		.changed = changed,
		.alike = target->alike,
		.alike_ms = target->alike_ms,
	};
}

static void tell(const struct target *target, bool changed)
{
	struct check_news news = news_of(target, changed);

	for (struct list *at = target->watchers.next; at != &target->watchers; at = at->next) {
		const struct watcher *watcher = container_of(at, struct watcher, link);

		watcher->told(watcher->owner, &news);
	}
}

/* It could not be asked: nothing is known that was not before. */
static void note_lack(struct checks *checks, const struct check_result *result)
{
	if (checks->lacking.met && result->at_ms > spell_over_ms(&checks->lacking))
		spell_end(&checks->lacking, result->at_ms);
	if (spell_meet(&checks->lacking, result->at_ms))
		log_warning("a server %s; whether servers are well is not found out meanwhile",
			    result->text);
}

static bool note(struct target *target, const struct check_result *result)
{
	bool good = check_is_good(result->code), known = target->health.known;

	if (!check_counts(result->code)) {
		note_lack(target->checks, result);
		target->last = *result;
		return false;
	}
	if (target->alike == 0 || target->alike_good != good) {
		target->alike = 0;
		target->alike_ms = target->pace.begun_ms;
	}
	target->alike_good = good;
	target->alike++;
	target->last = *result;
	target->checks->unknown -= !known;
	return health_note(&target->health, good);
}

static void on_told(void *owner, const struct check_result *result)
{
	const struct run *run = owner;
	struct target *target = run->target;
	struct checks *checks = target->checks;
	bool changed;

	target->run = NULL;
	checks->running--;
	changed = note(target, result);
	pace_over(&target->pace, health_is_changing(&target->health), result->at_ms,
		  &checks->random);
	schedule(target);
	tell(target, changed);
	arm(checks);
}

/* It is in no list. */
static void free_run(struct run *run)
{
	wheel_clear(&run->target->checks->wheel, &run->deadline);
	free(run);
}

static void on_gone(void *owner)
{
	struct run *run = owner;

	list_remove(&run->link);
	free_run(run);
}

static void begin(struct target *target, uint64_t now_ms)
{
	struct run *run = calloc(1, sizeof(*run));

	pace_begin(&target->pace, now_ms);
	if (!run) {
		pace_over(&target->pace, false, now_ms, &target->checks->random);
		schedule(target);
		return;
	}
	run->target = target;
	run->deadline.kind = TIMER_DEADLINE;
	list_push(&target->runs, &run->link);
	wheel_set(&target->checks->wheel, &run->deadline, now_ms + target->terms.timeout_ms);
	target->run = run;
	target->checks->running++;
	probe_begin(&run->probe, &target->terms, on_told, on_gone, run);
}

/* ---- A turn ---------------------------------------------------------------------------------- */

/* A check that we are to blame for: it never was, and is made again at once. */
static void forgive(struct run *run, uint64_t now_ms)
{
	struct target *target = run->target;

	probe_abandon(&run->probe);
	target->run = NULL;
	target->checks->running--;
	target->pace.due_ms = now_ms + 1; /* not in this turn */
	schedule(target);
	list_remove(&run->link);
	free_run(run);
}

/* How many are not decided by what has come meanwhile. */
static uint32_t look(struct list *late)
{
	uint32_t undecided = 0;

	for (struct list *at = late->next; at != late; at = at->next) {
		struct run *run = container_of(at, struct run, late);

		undecided += !probe_look(&run->probe);
	}
	return undecided;
}

static void end_late(struct checks *checks, struct list *late, uint64_t lag_ms, uint64_t now_ms)
{
	uint32_t went_on = checks->running, undecided = look(late), forgiven = 0;

	/* Each of them goes, and the list with them. */
	for (struct list *at = late->next, *next; at != late; at = next) {
		struct run *run = container_of(at, struct run, late);

		next = at->next;
		if (run->target->run == run && checks->forgiven < FORGIVEN_MAX &&
		    pace_forgives(lag_ms, run->target->terms.timeout_ms, undecided, went_on)) {
			forgive(run, now_ms);
			forgiven++;
		} else {
			probe_expire(&run->probe);
		}
	}
	checks->forgiven = forgiven ? checks->forgiven + 1 : 0;
	if (forgiven)
		log_warning("the main thread was late by %" PRIu64 " ms: the %u checks of servers "
			    "that ran out meanwhile do not count",
			    lag_ms, forgiven);
}

static void begin_fresh(struct checks *checks, uint64_t now_ms)
{
	uint32_t count = 0, index = 0;
	struct list *node;

	for (struct list *at = checks->fresh.next; at != &checks->fresh; at = at->next)
		count++;
	while ((node = list_pop(&checks->fresh))) {
		struct target *target = container_of(node, struct target, fresh);

		pace_init(&target->pace, target->pace.every_ms, target->pace.fast_ms, index++,
			  count, now_ms);
		schedule(target);
	}
}

static void turn(void *owner)
{
	struct checks *checks = owner;
	uint64_t now_ms = clock_now_ms();
	uint64_t lag_ms = now_ms > checks->armed_ms ? now_ms - checks->armed_ms : 0;
	struct wheel_timer *timer = NULL;
	unsigned begun = 0;
	struct list late;

	list_init(&late);
	begin_fresh(checks, now_ms);
	while (begun < BEGUN_MAX && (timer = wheel_expire(&checks->wheel, now_ms))) {
		if (timer->kind == TIMER_DEADLINE) {
			list_push(&late, &container_of(timer, struct run, deadline)->late);
		} else {
			begin(container_of(timer, struct target, due), now_ms);
			begun++;
		}
	}
	end_late(checks, &late, lag_ms, now_ms);
	rearm(checks, timer ? now_ms : wheel_next(&checks->wheel));
}

/* ---- Targets --------------------------------------------------------------------------------- */

static bool is_same_dialogue(const struct dialogue *a, const struct dialogue *b)
{
	return a->kind == b->kind && a->header == b->header && a->word_count == b->word_count &&
	       (!a->word_count || !memcmp(a->words, b->words, a->word_count)) &&
	       !strcmp(a->title, b->title) && !a->expected_text == !b->expected_text &&
	       (!a->expected_text || !strcmp(a->expected_text, b->expected_text));
}

static bool is_same(const struct target *a, const struct target *b)
{
	return address_is_same(&a->terms.address, &b->terms.address) &&
	       a->terms.departure == b->terms.departure &&
	       a->terms.timeout_ms == b->terms.timeout_ms && a->pace.every_ms == b->pace.every_ms &&
	       a->pace.fast_ms == b->pace.fast_ms && a->health.rise == b->health.rise &&
	       a->health.fall == b->health.fall &&
	       is_same_dialogue(&a->terms.dialogue, &b->terms.dialogue);
}

static struct list *bucket_of(struct checks *checks, const struct address *address)
{
	uint32_t sum = hash_bytes(HASH_BEGIN, &address->u, address->length);

	return &checks->buckets[sum % array_size(checks->buckets)];
}

static struct target *find(struct checks *checks, const struct target *wanted)
{
	const struct list *bucket = bucket_of(checks, &wanted->terms.address);

	for (struct list *at = bucket->next; at != bucket; at = at->next) {
		struct target *target = container_of(at, struct target, link);

		if (is_same(target, wanted))
			return target;
	}
	return NULL;
}

static int make(struct checks *checks, const struct check_terms *terms, char *why,
		struct target **ret_target)
{
	struct target *target = calloc(1, sizeof(*target));
	int r;

	if (!target)
		return -ENOMEM;
	*target = (struct target){
		.checks = checks,
		.terms = {.edges = checks->edges,
			  .address = terms->address,
			  .departure = terms->departure,
			  .timeout_ms = terms->timeout_ms},
		.pace = {.every_ms = terms->every_ms, .fast_ms = terms->fast_ms},
		.due = {.kind = TIMER_DUE},
	};
	health_init(&target->health, terms->rise, terms->fall);
	list_init(&target->watchers);
	list_init(&target->runs);
	r = dialogue_open(&target->terms.dialogue, &terms->dialogue, &terms->address, why);
	if (r < 0)
		free(target);
	else
		*ret_target = target;
	return r;
}

static void discard(struct target *target)
{
	dialogue_close(&target->terms.dialogue);
	free(target);
}

static void add(struct checks *checks, struct target *target)
{
	uint64_t now_ms = clock_now_ms();

	list_push(bucket_of(checks, &target->terms.address), &target->link);
	list_push(&checks->fresh, &target->fresh);
	checks->count++;
	checks->unknown++;
	if (checks->armed_ms > now_ms)
		rearm(checks, now_ms);
}

static void take_away(struct checks *checks, struct target *target)
{
	/* None is taken out of the list, which goes as a whole. */
	for (struct list *at = target->runs.next, *next; at != &target->runs; at = next) {
		struct run *run = container_of(at, struct run, link);

		next = at->next;
		checks->running -= run == target->run;
		probe_abandon(&run->probe);
		free_run(run);
	}
	if (list_is_linked(&target->fresh))
		list_remove(&target->fresh);
	wheel_clear(&checks->wheel, &target->due);
	list_remove(&target->link);
	checks->count--;
	checks->unknown -= !target->health.known;
	discard(target);
}

int checks_watch(struct checks *checks, struct watcher *watcher, const struct check_terms *terms,
		 char why[VALUE_WHY_MAX])
{
	struct target *target, *known;
	int r = make(checks, terms, why, &target);

	if (r < 0)
		return r;
	known = find(checks, target);
	if (known)
		discard(target);
	else
		add(checks, target);
	watcher->target = known ? known : target;
	list_push(&watcher->target->watchers, &watcher->link);
	return 0;
}

void checks_unwatch(struct checks *checks, struct watcher *watcher)
{
	struct target *target = watcher->target;

	if (!target)
		return;
	watcher->target = NULL;
	list_remove(&watcher->link);
	if (list_is_empty(&target->watchers))
		take_away(checks, target);
}

/* ---- What is known --------------------------------------------------------------------------- */

struct check_news checks_known(const struct watcher *watcher)
{
	return news_of(watcher->target, false);
}

void checks_hurry(struct checks *checks, const struct watcher *watcher, bool refused)
{
	struct target *target = watcher->target;

	if (!target)
		return;
	pace_hurry(&target->pace, refused && !health_is_changing(&target->health), clock_now_ms());
	if (wheel_is_set(&target->due)) {
		schedule(target);
		arm(checks);
	}
}

uint32_t checks_count(const struct checks *checks)
{
	return checks->count;
}

uint32_t checks_unknown(const struct checks *checks)
{
	return checks->unknown;
}

const char *check_title(const struct check_news *news, const struct address *server, char *text,
			size_t size)
{
	struct address host = *news->address;
	char where[ADDRESS_TEXT_MAX];

	if (address_is_same(news->address, server)) {
		snprintf(text, size, "%s", news->title);
		return text;
	}
	host.port = server->port;
	if (host.u.any.sa_family == server->u.any.sa_family && host.kind == ADDRESS_INET) {
		if (host.u.any.sa_family == AF_INET)
			host.u.in.sin_port = server->u.in.sin_port;
		else
			host.u.in6.sin6_port = server->u.in6.sin6_port;
	}
	if (address_is_same(&host, server))
		snprintf(text, size, "%s on :%u", news->title, news->address->port);
	else
		snprintf(text, size, "%s on %s", news->title,
			 address_format(news->address, where, sizeof(where)));
	return text;
}

/* ---- All of them ----------------------------------------------------------------------------- */

int checks_open(struct checks **ret_checks, struct events *events, uint64_t seed)
{
	struct checks *checks = calloc(1, sizeof(*checks));
	int r;

	if (!checks)
		return -ENOMEM;
	checks->random = seed ? seed : 1;
	checks->armed_ms = UINT64_MAX;
	list_init(&checks->fresh);
	for (size_t i = 0; i < array_size(checks->buckets); i++)
		list_init(&checks->buckets[i]);
	wheel_init(&checks->wheel, clock_now_ms());
	r = edges_open(&checks->edges, events);
	if (r == 0)
		r = events_add_timer(events, &checks->timer, turn, checks);
	if (r < 0) {
		edges_close(checks->edges);
		free(checks);
	} else {
		*ret_checks = checks;
	}
	return r;
}

void checks_close(struct checks *checks)
{
	if (!checks)
		return;
	assert(checks->count == 0);
	events_remove(checks->timer);
	edges_close(checks->edges);
	free(checks);
}
