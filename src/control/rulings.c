#include "control/rulings.h"

#include "config/value.h"
#include "pool/server.h"

#include "ops/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const rulings_states[] = {
	[RULING_READY] = "ready",
	[RULING_DRAIN] = "drain",
	[RULING_MAINT] = "maint",
	NULL,
};

void rulings_open(struct rulings *rulings)
{
	list_init(&rulings->list);
}

/* It is in the list no more. */
static void discard(struct ruled *ruled)
{
	ruled->server->ruling = NULL;
	servers_put(ruled->server);
	free(ruled);
}

/* Nothing is said of it any more. */
static void forget(struct ruled *ruled)
{
	list_remove(&ruled->link);
	discard(ruled);
}

void rulings_close(struct rulings *rulings)
{
	struct list *next;

	for (struct list *node = rulings->list.next; node && node != &rulings->list; node = next) {
		next = node->next;
		discard(container_of(node, struct ruled, link));
	}
	*rulings = (struct rulings){0};
}

const struct ruled *rulings_of(const struct server *server)
{
	return server->ruling ? container_of(server->ruling, struct ruled, ruling) : NULL;
}

/* "web" of "[pool web]", "proxy" of "[proxy]". */
static bool is_titled(const char *title, const char *pool)
{
	const char *begin = strchr(title, ' ') ? strchr(title, ' ') : title;
	size_t length = strlen(pool);

	return !strncmp(begin + 1, pool, length) && !strcmp(begin + 1 + length, "]");
}

struct server *rulings_find(const struct rulings *rulings, const char *pool, const char *name)
{
	for (struct list *node = rulings->list.next; node != &rulings->list; node = node->next) {
		struct server *server = container_of(node, struct ruled, link)->server;

		if (is_titled(server->title, pool) &&
		    (!strcmp(server->name, name) || !strcmp(server->address_text, name)))
			return server;
	}
	return NULL;
}

/* ---- In words -------------------------------------------------------------------------------- */

static void tell(const struct ruled *ruled, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void tell(const struct ruled *ruled, const char *format, ...)
{
	char text[RULINGS_REASON_MAX + 200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_info("%s server %s: %s", ruled->server->title, ruled->server->text, text);
}

/* "drain by user 0 (process 42, uringproxy): kernel". */
static void describe(struct ruled *ruled)
{
	if (ruled->ruling.state == RULING_READY)
		ruled->why[0] = 0;
	else
		snprintf(ruled->why, sizeof(ruled->why), "%s by %s%s%s",
			 ruled->ruling.state == RULING_DRAIN ? "drained" : "taken out",
			 ruled->state_said.by, *ruled->reason ? ": " : "", ruled->reason);
}

static void tell_state(const struct ruled *ruled, uint64_t for_ms, const char *by)
{
	const char *reason = ruled->reason;
	char time[VALUE_TEXT_MAX] = "";
	uint32_t left = atomic_load(&ruled->server->active);

	if (for_ms)
		value_format_duration(for_ms, 1000, time, sizeof(time));
	if (ruled->ruling.state == RULING_READY)
		tell(ruled, "ready by %s%s%s", by, *reason ? ": " : "", reason);
	else
		tell(ruled, "%s by %s%s%s%s%s; it takes no new connections, and %u go on",
		     rulings_states[ruled->ruling.state], by, for_ms ? " for " : "", time,
		     *reason ? ": " : "", reason, left);
}

static void tell_number(const struct ruled *ruled, const char *what, uint32_t number,
			const char *by)
{
	if (number == RULING_AS_CONFIGURED)
		tell(ruled, "%s as configured again, by %s", what, by);
	else
		tell(ruled, "%s = %u by %s", what, number, by);
}

/* ---- Saying it ------------------------------------------------------------------------------- */

static struct ruled *find_or_make(struct rulings *rulings, struct server *server)
{
	struct ruled *ruled = (struct ruled *)rulings_of(server);

	if (ruled)
		return ruled;
	ruled = calloc(1, sizeof(*ruled));
	if (!ruled)
		return NULL;
	ruled->ruling =
		(struct ruling){.weight = RULING_AS_CONFIGURED, .limit = RULING_AS_CONFIGURED};
	ruled->server = server_keep(server);
	server->ruling = &ruled->ruling;
	list_push(&rulings->list, &ruled->link);
	return ruled;
}

/* Whoever repeats what is so and adds nothing does not take it over. */
static bool repeats(const struct ruled *ruled, const struct rulings_change *change)
{
	return ruled->ruling.state == change->state && !change->reason && !change->for_ms &&
	       !ruled->until_ms;
}

static void set_state(struct ruled *ruled, const struct rulings_change *change, const char *by,
		      uint64_t now_ms)
{
	if (repeats(ruled, change))
		return;
	ruled->ruling.state = change->state;
	ruled->state_said = mark_by(by);
	ruled->server->ruled_ms = ruled->state_said.at_ms;
	ruled->until_ms = change->for_ms ? now_ms + change->for_ms : 0;
	snprintf(ruled->reason, sizeof(ruled->reason), "%s", change->reason ? change->reason : "");
	describe(ruled);
	tell_state(ruled, change->for_ms, by);
}

static void set_number(struct ruled *ruled, const char *what, uint32_t *number, struct mark *said,
		       uint32_t wanted, const char *by)
{
	bool turns = number == &ruled->ruling.weight && !*number != !wanted;

	if (*number == wanted)
		return;
	*number = wanted;
	*said = mark_by(by);
	if (turns)
		ruled->server->ruled_ms = said->at_ms;
	tell_number(ruled, what, wanted, by);
}

static bool says_nothing(const struct ruled *ruled)
{
	return ruled->ruling.state == RULING_READY &&
	       ruled->ruling.weight == RULING_AS_CONFIGURED &&
	       ruled->ruling.limit == RULING_AS_CONFIGURED;
}

int rulings_say(struct rulings *rulings, struct server *server, const struct rulings_change *change,
		const char *by, uint64_t now_ms)
{
	struct ruled *ruled = find_or_make(rulings, server);

	if (!ruled)
		return -ENOMEM;
	if (change->sets_state)
		set_state(ruled, change, by, now_ms);
	if (change->sets_weight)
		set_number(ruled, "weight", &ruled->ruling.weight, &ruled->weight_said,
			   change->weight, by);
	if (change->sets_limit)
		set_number(ruled, "max_connections", &ruled->ruling.limit, &ruled->limit_said,
			   change->limit, by);
	if (says_nothing(ruled))
		forget(ruled);
	return 0;
}

/* ---- Time ------------------------------------------------------------------------------------ */

uint64_t rulings_due_ms(const struct rulings *rulings)
{
	uint64_t due = UINT64_MAX;

	for (struct list *node = rulings->list.next; node != &rulings->list; node = node->next) {
		const struct ruled *ruled = container_of(node, struct ruled, link);

		if (ruled->until_ms && ruled->until_ms < due)
			due = ruled->until_ms;
	}
	return due;
}

static void end(struct ruled *ruled)
{
	tell(ruled, "%s is over, after the time that %s gave it",
	     rulings_states[ruled->ruling.state], ruled->state_said.by);
	ruled->ruling.state = RULING_READY;
	ruled->server->ruled_ms = mark_by("").at_ms;
	ruled->until_ms = 0;
	ruled->reason[0] = 0;
	describe(ruled);
	if (says_nothing(ruled))
		forget(ruled);
}

struct server *rulings_turn(struct rulings *rulings, uint64_t now_ms)
{
	for (struct list *node = rulings->list.next; node != &rulings->list; node = node->next) {
		struct ruled *ruled = container_of(node, struct ruled, link);
		struct server *server = ruled->server;

		if (!ruled->until_ms || ruled->until_ms > now_ms)
			continue;
		server_keep(server);
		end(ruled);
		return server;
	}
	return NULL;
}
