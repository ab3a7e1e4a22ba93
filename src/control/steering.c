#include "control/steering.h"

#include "base/clock.h"
#include "config/schema.h"
#include "pool/server.h"
#include "session/engine.h"

#include "ops/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_announced(void *owner);
static void on_ruling_due(void *owner);

int steering_begin(struct steering *steering, const struct steering_place *place)
{
	int r;

	*steering = (struct steering){.place = *place};
	steering->level = steering->configured = (enum log_level)place->edition->config->level;
	rulings_open(&steering->rulings);
	r = events_add_timer(place->events, &steering->announced, on_announced, steering);
	return r < 0 ? r
		     : events_add_timer(place->events, &steering->rulings_due, on_ruling_due,
					steering);
}

static void free_drain(struct steering_drain *drain)
{
	free(drain->name);
	free(drain);
}

void steering_end(struct steering *steering)
{
	struct steering_drain *drain, *next;

	events_remove(steering->announced);
	events_remove(steering->rulings_due);
	rulings_close(&steering->rulings);
	for (drain = steering->drains; drain; drain = next) {
		next = drain->next;
		free_drain(drain);
	}
	*steering = (struct steering){0};
}

/* ---- What is logged -------------------------------------------------------------------------- */

const char *const *steering_levels(void)
{
	return schema_find("level", IN_LOG)->words;
}

/* It is written whatever the level: who reads the log later sees what it has had from when on. */
static void set_level(struct steering *steering, enum log_level level, const char *why)
{
	log_write(LOG_LEVEL_INFO, "log level is %s from now on (%s); it was %s",
		  steering_levels()[level], why, steering_levels()[steering->level]);
	steering->level = level;
	log_set_level(level);
}

void steering_log_level(struct steering *steering, enum log_level level, const char *by)
{
	if (level != steering->level)
		set_level(steering, level, by);
	steering->level_said = level == steering->configured ? (struct mark){0} : mark_by(by);
}

void steering_adopted(struct steering *steering, const struct edition *edition)
{
	enum log_level level = (enum log_level)edition->config->level;

	if (!steering->place.events)
		return; /* it has ended */
	steering->place.edition = edition;
	if (level == steering->configured)
		return;
	steering->configured = level;
	steering->level_said = (struct mark){0};
	if (level != steering->level)
		set_level(steering, level, "as the configuration says");
}

/* ---- Who is served --------------------------------------------------------------------------- */

bool steering_is_drained(const struct steering *steering)
{
	return *steering->drained.by;
}

bool steering_refuses(const struct steering *steering)
{
	return steering->place.engine && atomic_load(&steering->place.engine->drained);
}

static void on_announced(void *owner)
{
	struct steering *steering = owner;

	atomic_store(&steering->place.engine->drained, true);
	log_info("no new connections are taken, of no section");
}

static void drain_all(struct steering *steering, const char *by)
{
	uint32_t announce_ms = steering->place.edition->config->drain_announce_ms;

	if (steering_is_drained(steering))
		return;
	steering->drained = mark_by(by);
	steering->refuses_ms = clock_now_ms() + announce_ms;
	log_info("drained by %s: not ready from now on", by);
	if (announce_ms)
		events_set(steering->announced, steering->refuses_ms);
	else
		on_announced(steering);
	steering->place.changed(steering->place.owner);
}

static void undrain_all(struct steering *steering, const char *by)
{
	if (!steering_is_drained(steering))
		return;
	steering->drained = (struct mark){0};
	events_set(steering->announced, EVENTS_NEVER);
	atomic_store(&steering->place.engine->drained, false);
	log_info("new connections are taken again, by %s", by);
	steering->place.changed(steering->place.owner);
}

/* ... and makes room for it in the list. */
static int drain_section(struct steering *steering, const struct section *section, const char *by)
{
	struct steering_drain *drain;

	if (atomic_load(&section->account->drained))
		return 0;
	drain = calloc(1, sizeof(*drain));
	if (drain)
		drain->name = strdup(section->config->name);
	if (!drain || !drain->name) {
		free(drain);
		return -ENOMEM;
	}
	drain->account = section->account;
	drain->said = mark_by(by);
	drain->next = steering->drains;
	steering->drains = drain;
	atomic_store(&section->account->drained, true);
	log_info("%s: drained by %s: it takes no new connections", section->config->title, by);
	return 0;
}

int steering_drain(struct steering *steering, const char *name, const char *by)
{
	const struct edition *edition = steering->place.edition;
	int r = -ENOENT;

	if (!name) {
		drain_all(steering, by);
		return 0;
	}
	for (uint32_t i = 0; i < edition->section_count && r != -ENOMEM; i++)
		if (!strcmp(edition->sections[i].config->name, name))
			r = drain_section(steering, &edition->sections[i], by);
	return r;
}

static bool has_section(const struct edition *edition, const char *name)
{
	for (uint32_t i = 0; i < edition->section_count; i++)
		if (!strcmp(edition->sections[i].config->name, name))
			return true;
	return false;
}

int steering_undrain(struct steering *steering, const char *name, const char *by)
{
	struct steering_drain **at = &steering->drains, *drain;
	int r = -ENOENT;

	if (!name) {
		undrain_all(steering, by);
		return 0;
	}
	while ((drain = *at)) {
		if (strcmp(drain->name, name) != 0) {
			at = &drain->next;
			continue;
		}
		*at = drain->next;
		atomic_store(&drain->account->drained, false);
		log_info("%s: takes new connections again, by %s", drain->account->name, by);
		free_drain(drain);
		r = 0;
	}
	return r < 0 && has_section(steering->place.edition, name) ? 0 : r;
}

/* ---- Servers --------------------------------------------------------------------------------- */

static int restate(struct steering *steering, const struct server *server)
{
	int r = steering->place.ruled(steering->place.owner, server);

	steering->place.changed(steering->place.owner);
	events_set(steering->rulings_due, rulings_due_ms(&steering->rulings));
	return r;
}

static void on_ruling_due(void *owner)
{
	struct steering *steering = owner;
	struct server *server;

	while ((server = rulings_turn(&steering->rulings, clock_now_ms()))) {
		(void)!restate(steering, server);
		servers_put(server);
	}
	events_set(steering->rulings_due, rulings_due_ms(&steering->rulings));
}

int steering_rule(struct steering *steering, struct server *server,
		  const struct rulings_change *change, const char *by)
{
	int r;

	server_keep(server); /* for what is said of it, no pool may have it */
	r = rulings_say(&steering->rulings, server, change, by, clock_now_ms());
	r = r < 0 ? log_no_memory("what is said of a server") : restate(steering, server);
	servers_put(server);
	return r;
}
