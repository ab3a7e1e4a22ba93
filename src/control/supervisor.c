#include "control/supervisor.h"

#include "base/clock.h"
#include "control/crew.h"
#include "control/logs.h"
#include "control/reload.h"
#include "control/roster.h"
#include "control/status_line.h"
#include "control/steering.h"
#include "control/tell.h"
#include "control/watch.h"
#include "session/hop.h"

#include "ops/log.h"
#include "ops/notify.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EXTEND_EVERY_MS 1000
#define SIGNALS_MAX     5

struct supervisor {
	const struct service_plan *plan;
	struct engine *engine;
	struct crew crew;
	struct reading *reading; /* the current one */
	struct reload *reload;
	struct events *events;
	struct event *wake;     /* a worker has changed its state */
	struct event *patience; /* that the service manager is asked for */
	struct event *watchdog;
	struct event *announced; /* that it stops */
	struct event *answers;   /* to names that are asked for */
	struct event *late;      /* a name or an address is to be tried again */
	struct watch watch;      /* for who asks */
	struct steering steering;
	uint64_t started_ms;
	struct event *signal[SIGNALS_MAX];
	bool starting;
	int signals;                /* to stop, received */
	uint64_t watchdog_ms;       /* 0: no watchdog */
	char mistake[200];          /* of the last reload; "": it was right */
	char told[STATUS_LINE_MAX]; /* to the service manager, last */
};

/* ---- Starting -------------------------------------------------------------------------------- */

static int start_workers(struct supervisor *supervisor)
{
	struct reading *reading = supervisor->reading;
	int r = logs_open(&reading->config, supervisor->crew.count);

	for (uint32_t i = 0; i < supervisor->crew.count && r == 0; i++)
		r = crew_start(&supervisor->crew, i, reading->tenancies[i], &reading->config,
			       supervisor->events);
	return r;
}

/* ---- Talking to the workers ------------------------------------------------------------------ */

static void offered(struct order *order)
{
	struct accept_order *offer = container_of(order, struct accept_order, order);

	sockets_offer_back(offer);
	free(offer);
}

/* All workers listen on what is open and was not offered to them yet. */
static int offer_sockets(struct supervisor *supervisor)
{
	struct reading *reading = supervisor->reading;

	for (uint32_t i = 0; i < supervisor->crew.count; i++) {
		struct accept_order *offer = calloc(1, sizeof(*offer));
		int r = offer ? sockets_offer(&reading->sockets, &reading->edition, i, false, offer)
			      : -ENOMEM;

		if (r < 0) {
			free(offer);
			return log_no_memory("the listening sockets");
		}
		offer->order.kind = ORDER_LISTEN;
		offer->order.done = offered;
		crew_send(&supervisor->crew, i, &offer->order);
	}
	sockets_offered(&reading->sockets);
	return 0;
}

/* Starting or stopping takes its time: the service manager is to be patient. */
static void ask_for_patience(void *owner)
{
	struct supervisor *supervisor = owner;

	notify_extend_timeout((supervisor->starting ? 2000ull : 5000ull) * EXTEND_EVERY_MS);
	events_set_in(supervisor->patience, EXTEND_EVERY_MS);
}

/* Names and addresses that come from now on are of no use any more. */
static void prepare_stop(struct supervisor *supervisor, const char *status)
{
	supervisor->signals++;
	reload_stop(supervisor->reload);
	notify_stopping(status);
	supervisor->answers = events_remove(supervisor->answers);
	events_set(supervisor->late, EVENTS_NEVER);
	ask_for_patience(supervisor);
}

static void begin_stop(struct supervisor *supervisor, const char *status, enum order_kind how)
{
	prepare_stop(supervisor, status);
	crew_command(&supervisor->crew, how);
}

/* A worker without its ring serves nobody, and its sockets still take connections: end all. */
static void check_workers(struct supervisor *supervisor)
{
	const struct worker *failed = crew_note_ends(&supervisor->crew);

	if (failed && !supervisor->signals) {
		log_error("worker %u: %s; stopping", failed->loop.index, failed->error);
		begin_stop(supervisor, "a worker failed", ORDER_STOP);
	}
	if (crew_has_ended(&supervisor->crew))
		events_stop(supervisor->events);
}

static void on_wake(void *owner, uint32_t ready)
{
	struct supervisor *supervisor = owner;
	uint64_t count;

	(void)ready;
	(void)!read(supervisor->engine->wake_fd, &count, sizeof(count));
	if (supervisor->starting)
		events_stop(supervisor->events);
	else
		check_workers(supervisor);
}

/* ---- Signals --------------------------------------------------------------------------------- */

/* How long others are to know of the stop before it begins; not where it is known already. */
static uint32_t announce_ms(const struct supervisor *supervisor)
{
	return steering_refuses(&supervisor->steering)
		       ? 0
		       : supervisor->reading->config.drain_announce_ms;
}

static void on_announced(void *owner)
{
	struct supervisor *supervisor = owner;

	log_info("announced; draining %u connections; another signal to stop now",
		 atomic_load(&supervisor->engine->connections));
	crew_command(&supervisor->crew, ORDER_DRAIN);
}

static void on_stop(void *owner, int signal)
{
	struct supervisor *supervisor = owner;
	const char *name = signal == SIGTERM ? "SIGTERM" : "SIGINT";
	char key[CONFIG_EXPLAIN_MAX];

	if (supervisor->signals == 0 && announce_ms(supervisor)) {
		log_info("%s: not ready from now on, and draining after that (%s)", name,
			 config_explain(&supervisor->reading->config, NULL, "drain_announce", key,
					sizeof(key)));
		events_set_in(supervisor->announced, announce_ms(supervisor));
		prepare_stop(supervisor, "not ready; draining soon");
	} else if (supervisor->signals == 0) {
		log_info("%s: draining %u connections; again to stop now", name,
			 atomic_load(&supervisor->engine->connections));
		begin_stop(supervisor, "draining", ORDER_DRAIN);
	} else {
		events_set(supervisor->announced, EVENTS_NEVER);
		log_info("%s: stopping now", name);
		supervisor->signals++;
		crew_command(&supervisor->crew, ORDER_STOP);
	}
}

static void on_reload(void *owner, int signal)
{
	const struct supervisor *supervisor = owner;

	(void)signal;
	log_info("SIGHUP: reloading %s", supervisor->plan->path);
	reload_begin(supervisor->reload, NULL);
}

static void on_reopen(void *owner, int signal)
{
	const struct supervisor *supervisor = owner;

	(void)signal;
	logs_reopen(&supervisor->reading->config, "SIGUSR1");
}

static void on_counters(void *owner, int signal)
{
	const struct supervisor *supervisor = owner;

	(void)signal;
	tell_counters(supervisor->crew.workers, supervisor->crew.count, "counters");
}

static const struct {
	int signal;
	events_signal_handler *handler;
} heard[SIGNALS_MAX] = {
	{SIGTERM, on_stop},   {SIGINT, on_stop},      {SIGHUP, on_reload},
	{SIGUSR1, on_reopen}, {SIGUSR2, on_counters},
};

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

static void tell_status(struct supervisor *supervisor, void (*tell)(const char *status))
{
	write_status(supervisor, supervisor->told);
	tell(supervisor->told);
}

static void tell_later(const char *status)
{
	notify_status("%s", status);
}

/* Where it has changed: numbers do, and nobody else says when. */
static void refresh_status(void *owner)
{
	struct supervisor *supervisor = owner;
	char status[STATUS_LINE_MAX];

	if (supervisor->signals)
		return;
	write_status(supervisor, status);
	if (strcmp(status, supervisor->told) != 0)
		tell_status(supervisor, tell_later);
}

/* ---- The watchdog ---------------------------------------------------------------------------- */

/* Feed the watchdog if every worker has answered since the last time, and ask them again. */
static void feed_watchdog(void *owner)
{
	struct supervisor *supervisor = owner;

	events_set_in(supervisor->watchdog, supervisor->watchdog_ms);
	if (!crew_has_answered(&supervisor->crew, ORDER_PING))
		return;
	notify_watchdog();
	refresh_status(supervisor);
	crew_command(&supervisor->crew, ORDER_PING);
}

/* ---- What is missing ------------------------------------------------------------------------- */

static uint64_t catch_up_ms(const struct supervisor *supervisor)
{
	uint64_t names = resolver_due_ms(&supervisor->reading->resolver);
	uint64_t addresses = sockets_due_ms(&supervisor->reading->sockets);

	return names < addresses ? names : addresses;
}

static void extend_roster(const struct supervisor *supervisor, const struct resolution *answer)
{
	struct reading *reading = supervisor->reading;
	const struct reading_means *means = supervisor->plan->means;

	roster_extend(&(struct roster){.section = &reading->edition.sections[answer->section],
				       .servers = means->servers,
				       .ledger = means->ledger,
				       .resolver = &reading->resolver},
		      answer);
}

/* Names are answered, and addresses come: what was not served is from now on. */
static void catch_up(void *owner)
{
	struct supervisor *supervisor = owner;
	struct reading *reading = supervisor->reading;
	uint32_t missing = reading->resolver.missing;
	uint32_t waiting = sockets_waiting(&reading->sockets);
	const struct resolution *answer;
	uint64_t now = clock_now_ms();
	bool any = false;

	if (reload_is_adopting(supervisor->reload))
		return; /* adopted() looks again, at another reading */
	while ((answer = resolver_turn(&reading->resolver, now))) {
		any = true;
		if (answer->listens)
			sockets_extend(&reading->sockets, answer);
		else
			extend_roster(supervisor, answer);
	}
	if (sockets_turn(&reading->sockets, now))
		(void)!offer_sockets(supervisor); /* it has been said */
	if (any)
		crew_command(&supervisor->crew, ORDER_CATCH_UP);
	if (missing != reading->resolver.missing || waiting != sockets_waiting(&reading->sockets))
		tell_status(supervisor, tell_later);
	events_set(supervisor->late, catch_up_ms(supervisor));
}

static void on_answers(void *owner, uint32_t ready)
{
	(void)ready;
	catch_up(owner);
}

static int hear_answers(struct supervisor *supervisor)
{
	int answers = resolver_descriptor(&supervisor->reading->resolver);

	supervisor->answers = events_remove(supervisor->answers);
	return answers < 0 ? 0
			   : events_add_descriptor(supervisor->events, &supervisor->answers,
						   answers, EPOLLIN, on_answers, supervisor);
}

/* ---- Reloads --------------------------------------------------------------------------------- */

static void adopted(void *owner)
{
	struct supervisor *supervisor = owner;

	steering_adopted(&supervisor->steering, &supervisor->reading->edition);

	if (supervisor->signals)
		return;
	if (hear_answers(supervisor) < 0)
		log_warning("answers to names are looked for with the next retry only");
	watch_turn(&supervisor->watch, supervisor->reading);
	events_set(supervisor->late, catch_up_ms(supervisor));
}

static void over(void *owner, const struct reload_result *result)
{
	struct supervisor *supervisor = owner;
	const char *mistake = report_first_mistake(result->said);

	snprintf(supervisor->mistake, sizeof(supervisor->mistake), "%s",
		 result->good ? ""
		 : mistake    ? mistake
			      : "see the log");
	supervisor->watch.sources.reloads++;
	supervisor->watch.sources.reloads_failed += !result->good;
	supervisor->watch.sources.reload_good = result->good;
	supervisor->watch.sources.reloaded_ms = clock_now_ms();
	if (!supervisor->signals)
		tell_status(supervisor, notify_ready);
	/* What came late meanwhile. */
	if (!supervisor->signals)
		events_set(supervisor->late, 0);
}

static int open_reload(struct supervisor *supervisor)
{
	return reload_open(&supervisor->reload, &(struct reload_means){
							.path = supervisor->plan->path,
							.crew = &supervisor->crew,
							.events = supervisor->events,
							.reading = supervisor->plan->means,
							.current = &supervisor->reading,
							.judge = supervisor->plan->judge,
							.adopted = adopted,
							.over = over,
							.owner = supervisor,
						});
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
		tell_status(supervisor, tell_later);
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

/* Where nobody can ask, nobody looks either. */
static int let_ask(struct supervisor *supervisor)
{
	const struct serve_tellers tellers = {
		.status = tell_state,
		.snapshot = tell_all,
		.reload = begin_reload,
		.old_edition = tell_old,
		.owner = supervisor,
		.steering = &supervisor->steering,
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
							  .owner = supervisor,
						  });
	if (r < 0)
		return events_cannot("be steered", r);
	if (!serve_can_be_asked(control))
		return 0;
	r = watch_open(&supervisor->watch, supervisor->events, &sources, refresh_status,
		       supervisor);
	return r < 0 ? events_cannot("look at the daemon", r)
		     : serve_start(control, supervisor->events, &tellers);
}

/* ---- Running --------------------------------------------------------------------------------- */

/* What is needed from the first worker's start on. */
static int open_events(struct supervisor *supervisor)
{
	const struct {
		struct event **timer;
		events_handler *handler;
	} timers[] = {
		{&supervisor->patience, ask_for_patience},
		{&supervisor->watchdog, feed_watchdog},
		{&supervisor->late, catch_up},
		{&supervisor->announced, on_announced},
	};
	int r = events_add_descriptor(supervisor->events, &supervisor->wake,
				      supervisor->engine->wake_fd, EPOLLIN, on_wake, supervisor);

	for (size_t i = 0; i < array_size(timers) && r == 0; i++)
		r = events_add_timer(supervisor->events, timers[i].timer, timers[i].handler,
				     supervisor);
	return r < 0 ? events_cannot("wait for the workers", r) : open_reload(supervisor);
}

/* What is heard once there is somebody to tell: until then signals and answers wait. */
static int open_ears(struct supervisor *supervisor)
{
	int r = 0;

	for (size_t i = 0; i < array_size(heard) && r == 0; i++)
		r = events_add_signal(supervisor->events, &supervisor->signal[i], heard[i].signal,
				      heard[i].handler, supervisor);
	if (r == 0)
		r = hear_answers(supervisor);
	return r < 0 ? events_cannot("wait for signals", r) : 0;
}

static void close_events(struct supervisor *supervisor)
{
	serve_stop(supervisor->plan->control);
	watch_close(&supervisor->watch);
	steering_end(&supervisor->steering);
	for (size_t i = 0; i < array_size(heard); i++)
		events_remove(supervisor->signal[i]);
	events_remove(supervisor->answers);
	events_remove(supervisor->late);
	events_remove(supervisor->announced);
	events_remove(supervisor->watchdog);
	events_remove(supervisor->patience);
	events_remove(supervisor->wake);
}

/* Until no worker is left. */
static void run(struct supervisor *supervisor)
{
	check_workers(supervisor);
	while (!crew_has_ended(&supervisor->crew))
		events_run(supervisor->events);
}

static int join(struct supervisor *supervisor)
{
	int r = crew_join(&supervisor->crew);

	logs_close();
	return r;
}

/* Nothing was served that could be counted. */
static void give_up(struct supervisor *supervisor)
{
	supervisor->signals++;
	crew_command(&supervisor->crew, ORDER_STOP);
	run(supervisor);
	(void)join(supervisor);
}

static int serve(struct supervisor *supervisor)
{
	struct engine *engine = supervisor->engine;
	int r;

	if (hop_open(engine, &supervisor->reading->edition) < 0)
		return log_no_memory("the hops of chains");
	supervisor->starting = true;
	events_set_in(supervisor->patience, EXTEND_EVERY_MS);
	r = start_workers(supervisor);
	if (r == 0)
		r = offer_sockets(supervisor);
	if (r == 0)
		r = open_ears(supervisor);
	if (r == 0)
		r = let_ask(supervisor);
	supervisor->starting = false;
	if (r < 0) {
		give_up(supervisor);
		return r;
	}
	events_set(supervisor->patience, EVENTS_NEVER);
	tell_mode(engine, supervisor->crew.mode, &supervisor->reading->config,
		  supervisor->crew.workers[0].ring_dropped);
	supervisor->watchdog_ms = notify_watchdog_interval_us() / 2000;
	events_set(supervisor->watchdog, supervisor->watchdog_ms ? 0 : EVENTS_NEVER);
	events_set(supervisor->late, catch_up_ms(supervisor));
	log_info("ready");
	tell_status(supervisor, notify_ready);
	run(supervisor);
	notify_status("stopped with %u connections left", atomic_load(&engine->connections));
	r = join(supervisor);
	tell_counters(supervisor->crew.workers, supervisor->crew.count, "stopped");
	return r;
}

static int wait_and_serve(struct supervisor *supervisor)
{
	int r = open_events(supervisor);

	if (r == 0)
		r = serve(supervisor);
	close_events(supervisor);
	return r;
}

static int open_and_serve(struct supervisor *supervisor)
{
	int r = crew_open(&supervisor->crew, supervisor->engine, supervisor->plan->mode,
			  supervisor->events);

	if (r < 0)
		return r;
	r = wait_and_serve(supervisor);
	crew_close(&supervisor->crew);
	return r;
}

int supervise(const struct service_plan *plan)
{
	struct engine *engine = plan->engine;
	struct supervisor supervisor = {
		.plan = plan,
		.engine = engine,
		.reading = plan->reading,
		.started_ms = clock_now_ms(),
		.events = plan->events,
	};
	int r = 0;

	engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (engine->wake_fd < 0) {
		log_error("cannot prepare to talk to the workers: %s", strerror(errno));
		r = build_of_system(-errno);
	} else {
		r = open_and_serve(&supervisor);
		close(engine->wake_fd);
	}
	reload_close(supervisor.reload);
	reading_free(supervisor.reading);
	return r;
}
