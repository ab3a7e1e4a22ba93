#include "control/supervisor_parts.h"

#include "ops/notify.h"

#include <string.h>

/* ---- How it is ------------------------------------------------------------------------------- */

static const char *state_of_all(const struct supervisor *supervisor)
{
	if (supervisor->signals)
		return supervisor->signals > 1 ? "stopping" : "draining";
	return steering_is_drained(&supervisor->steering) ? "draining by operator" : "serving";
}

static void write_status(const struct supervisor *supervisor, char status[STATUS_LINE_MAX])
{
	status_line(
		&(struct status_line){.state = state_of_all(supervisor),
				      .connections = atomic_load(&supervisor->engine->connections),
				      .workers = supervisor->crew.count,
				      .reading = supervisor->reading,
				      .mistake = supervisor->mistake},
		status);
}

void supervisor_tell_status(struct supervisor *supervisor, void (*tell)(const char *status))
{
	write_status(supervisor, supervisor->told);
	tell(supervisor->told);
}

void supervisor_tell_later(const char *status)
{
	notify_status("%s", status);
}

/* Where it has changed: numbers do, and nobody else says when. */
void supervisor_refresh_status(void *owner)
{
	struct supervisor *supervisor = owner;
	char status[STATUS_LINE_MAX];

	if (supervisor->signals)
		return;
	write_status(supervisor, status);
	if (strcmp(status, supervisor->told) != 0)
		supervisor_tell_status(supervisor, supervisor_tell_later);
}

/* ---- Being asked ----------------------------------------------------------------------------- */

static void tell_state(void *owner, struct serve_status *ret_status)
{
	const struct supervisor *supervisor = owner;
	const struct engine *engine = supervisor->engine;
	const struct reading *reading = supervisor->reading;

	*ret_status = (struct serve_status){
		.state = state_of_all(supervisor),
		.ready = !supervisor->signals && !steering_is_drained(&supervisor->steering),
		.mode = supervisor->crew.mode->why,
		.edition = (uint32_t)reading->edition.number,
		.workers = engine->worker_count,
		.connections = atomic_load(&engine->connections),
		.connections_max = engine->connections_max,
		.sockets = sockets_listening(&reading->sockets),
		.names_missing = reading->resolver.missing,
		.addresses_missing = sockets_waiting(&reading->sockets),
		.mistake = supervisor->mistake[0] ? supervisor->mistake : NULL,
	};
}

static int tell_all(void *owner, const struct metrics_snapshot **ret_snapshot)
{
	struct supervisor *supervisor = owner;
	const struct reading *old = NULL;

	supervisor->watch.sources.editions = 1;
	while ((old = reload_next_old(supervisor->reload, old)))
		supervisor->watch.sources.editions++;
	supervisor->watch.sources.state = state_of_all(supervisor);
	return watch_look(&supervisor->watch, ret_snapshot);
}

static void on_steered(void *owner)
{
	struct supervisor *supervisor = owner;

	if (!supervisor->signals)
		supervisor_tell_status(supervisor, supervisor_tell_later);
}

static void begin_reload(void *owner, struct reload_call *call)
{
	const struct supervisor *supervisor = owner;

	reload_begin(supervisor->reload, call);
}

static bool tell_old(void *owner, size_t index, struct serve_edition *ret_edition)
{
	const struct supervisor *supervisor = owner;
	const struct reading *reading = reload_next_old(supervisor->reload, NULL);

	for (; reading && index; index--)
		reading = reload_next_old(supervisor->reload, reading);
	if (!reading)
		return false;
	*ret_edition = (struct serve_edition){
		.number = reading->edition.number,
		.used = reading_used(reading),
		.replaced_ms = reading->replaced_ms,
	};
	return true;
}

static void send_order(void *owner, uint32_t worker, struct order *order)
{
	struct supervisor *supervisor = owner;

	crew_send(&supervisor->crew, worker, order);
}

static const struct resolver *tell_names(void *owner)
{
	const struct supervisor *supervisor = owner;

	return &supervisor->reading->resolver;
}

/* Where nobody can ask, nobody looks either. */
int supervisor_let_ask(struct supervisor *supervisor, steering_restate *ruled,
		       serve_enroller *enrol)
{
	const struct serve_tellers tellers = {
		.status = tell_state,
		.snapshot = tell_all,
		.reload = begin_reload,
		.old_edition = tell_old,
		.names = tell_names,
		.owner = supervisor,
		.steering = &supervisor->steering,
		.enrol = enrol,
		.send = send_order,
		.workers = supervisor->crew.count,
	};
	const char *warning = supervisor->crew.mode->warning;
	struct serve *control = supervisor->plan->control;
	const struct gather_sources sources = {
		.engine = supervisor->engine,
		.reading = supervisor->reading,
		.ledger = supervisor->plan->means->ledger,
		.workers = supervisor->crew.workers,
		.state = "serving",
		.started_ms = supervisor->started_ms,
		.reloaded_ms = supervisor->started_ms,
		.reload_good = true,
		.warning = warning[0] ? warning : NULL,
	};
	int r;

	r = steering_begin(&supervisor->steering, &(struct steering_place){
							  .events = supervisor->events,
							  .engine = supervisor->engine,
							  .edition = &supervisor->reading->edition,
							  .changed = on_steered,
							  .ruled = ruled,
							  .owner = supervisor,
						  });
	if (r < 0)
		return events_cannot("be steered", r);
	if (!serve_can_be_asked(control))
		return 0;
	r = watch_open(&supervisor->watch, supervisor->events, &sources, supervisor_refresh_status,
		       supervisor);
	return r < 0 ? events_cannot("look at the daemon", r)
		     : serve_start(control, supervisor->events, &tellers);
}
