#include "control/supervisor_parts.h"

#include "base/clock.h"
#include "control/logs.h"
#include "control/tell.h"
#include "session/hop.h"
#include "session/place.h"

#include "ops/log.h"
#include "ops/notify.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#define EXTEND_EVERY_MS 1000

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
	if (atomic_exchange(&supervisor->engine->news, false))
		wards_hear(&supervisor->wards);
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
} heard[SUPERVISOR_SIGNALS_MAX] = {
	{SIGTERM, on_stop},   {SIGINT, on_stop},      {SIGHUP, on_reload},
	{SIGUSR1, on_reopen}, {SIGUSR2, on_counters},
};

/* ---- The watchdog ---------------------------------------------------------------------------- */

/* Feed the watchdog if every worker has answered since the last time, and ask them again. */
static void feed_watchdog(void *owner)
{
	struct supervisor *supervisor = owner;

	events_set_in(supervisor->watchdog, supervisor->watchdog_ms);
	if (!crew_has_answered(&supervisor->crew, ORDER_PING))
		return;
	notify_watchdog();
	supervisor_refresh_status(supervisor);
	crew_command(&supervisor->crew, ORDER_PING);
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
		{&supervisor->late, supervisor_catch_up},
		{&supervisor->announced, on_announced},
	};
	int r = events_add_descriptor(supervisor->events, &supervisor->wake,
				      supervisor->engine->wake_fd, EPOLLIN, on_wake, supervisor);

	for (size_t i = 0; i < array_size(timers) && r == 0; i++)
		r = events_add_timer(supervisor->events, timers[i].timer, timers[i].handler,
				     supervisor);
	if (r < 0)
		return events_cannot("wait for the workers", r);
	r = supervisor_open_wards(supervisor);
	return r < 0 ? r : supervisor_open_reload(supervisor);
}

/* What is heard once there is somebody to tell: until then signals and answers wait. */
static int open_ears(struct supervisor *supervisor)
{
	int r = 0;

	for (size_t i = 0; i < array_size(heard) && r == 0; i++)
		r = events_add_signal(supervisor->events, &supervisor->signal[i], heard[i].signal,
				      heard[i].handler, supervisor);
	if (r == 0)
		r = supervisor_hear_answers(supervisor);
	return r < 0 ? events_cannot("wait for signals", r) : 0;
}

static void close_events(struct supervisor *supervisor)
{
	serve_stop(supervisor->plan->control);
	wards_close(&supervisor->wards);
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
	reload_stop(supervisor->reload);
	crew_command(&supervisor->crew, ORDER_STOP);
	run(supervisor);
	(void)join(supervisor);
}

/* Where a client is in the table nobody can know who does not know the key. */
static int open_clients(struct engine *engine, uint64_t memory)
{
	struct siphash_key key;

	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return -errno;
	return clients_open(&engine->clients, memory, &key);
}

static int serve(struct supervisor *supervisor)
{
	struct engine *engine = supervisor->engine;
	int r;

	if (hop_open(engine, &supervisor->reading->edition) < 0)
		return log_no_memory("the hops of chains");
	if (open_clients(engine, supervisor->reading->config.client_memory) < 0)
		return log_no_memory("the table of clients");
	place_keep(&supervisor->reading->edition, engine->connections_max);
	supervisor->starting = true;
	events_set_in(supervisor->patience, EXTEND_EVERY_MS);
	r = start_workers(supervisor);
	if (r == 0)
		r = supervisor_await_checks(supervisor);
	if (r == 0)
		r = supervisor_offer_sockets(supervisor);
	if (r == 0)
		r = open_ears(supervisor);
	if (r == 0)
		r = supervisor_let_ask(supervisor, supervisor_restate, supervisor_enrol);
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
	events_set(supervisor->late, supervisor_catch_up_ms(supervisor));
	log_info("ready");
	supervisor_tell_status(supervisor, notify_ready);
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
	if (replaced_open(&supervisor->replaced, &supervisor->crew) < 0 ||
	    leaving_open(&supervisor->leaving, supervisor->plan->means->servers,
			 supervisor->plan->means->ledger, &supervisor->crew) < 0)
		r = log_no_memory("the workers");
	else
		r = wait_and_serve(supervisor);
	crew_close(&supervisor->crew); /* which hears of the orders that are still out */
	leaving_close(&supervisor->leaving);
	replaced_close(&supervisor->replaced);
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
		.leaving_ms = UINT64_MAX,
	};
	int r = 0;

	engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (engine->wake_fd < 0) {
		log_error("cannot prepare to talk to the workers: %s", strerror(errno));
		r = build_of_system(-errno);
	} else {
		pools_in_force(&plan->reading->edition);
		r = open_and_serve(&supervisor);
		close(engine->wake_fd);
	}
	plan->means->entrances->serving = false; /* what it listens on is for who comes next */
	reload_close(supervisor.reload);
	reading_free(supervisor.reading);
	return r;
}
