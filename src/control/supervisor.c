#include "control/supervisor.h"

#include "base/clock.h"
#include "control/logs.h"
#include "control/roster.h"
#include "control/tell.h"
#include "control/watch.h"
#include "loop/socket.h"
#include "session/hop.h"
#include "session/tenancy.h"
#include "worker/worker.h"

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
	struct engine *engine;
	const struct mode *mode;
	struct edition *edition;
	struct sockets *sockets;
	struct resolver *resolver;
	struct servers *servers;
	struct ledger *ledger;
	struct serve *control;
	struct worker *workers;
	struct tenancy **tenancies; /* one for each worker */
	struct ring_sender sender;  /* of the orders' bells */
	struct orders orders;
	struct order (*order)[ORDER_KIND_COUNT]; /* one of each kind for each worker */
	struct events *events;
	struct event *wake;     /* a worker has changed its state */
	struct event *patience; /* that the service manager is asked for */
	struct event *watchdog;
	struct event *answers; /* to names that are asked for */
	struct event *late;    /* a name or an address is to be tried again */
	struct watch watch;    /* for who asks */
	uint64_t started_ms;
	struct event *signal[SIGNALS_MAX];
	bool starting;
	int signals;          /* to stop, received */
	uint64_t watchdog_ms; /* 0: no watchdog */
};

/* ---- Starting -------------------------------------------------------------------------------- */

static int cannot(const char *what, int error)
{
	log_error("cannot %s: %s", what, strerror(-error));
	return build_of_system(error);
}

/* Of what the configuration says of a ring, that is all the kernel may call invalid. */
static bool names_polling_cpus(const struct config *config)
{
	static const uint64_t none[array_size(config->sqpoll_cpus)];

	return memcmp(config->sqpoll_cpus, none, sizeof(none)) != 0;
}

static enum worker_state state_of(const struct worker *worker)
{
	return (enum worker_state)atomic_load_explicit(&worker->phase, memory_order_acquire);
}

/* Wait until the worker has left STARTING. */
static int await_start(struct supervisor *supervisor, struct worker *worker)
{
	while (state_of(worker) == WORKER_STARTING)
		events_run(supervisor->events);
	if (state_of(worker) == WORKER_RUNNING) {
		orders_begin(&supervisor->orders, worker->loop.index, &worker->inbox);
		return 0;
	}
	log_error("worker %u cannot start: %s", worker->loop.index, worker->error);
	return names_polling_cpus(supervisor->edition->config) ? worker->result
							       : build_of_system(worker->result);
}

static int start_worker(struct supervisor *supervisor, uint32_t index)
{
	const struct mode *mode = supervisor->mode;
	struct worker *worker = &supervisor->workers[index];
	struct tenancy *tenancy = tenancy_make(supervisor->edition, index);
	int r;

	supervisor->tenancies[index] = tenancy;
	if (!tenancy || worker_init(worker, supervisor->engine, tenancy, index) < 0)
		return log_no_memory("a worker and its connections");
	worker->cpu = mode->cpu[index];
	worker->cpus = mode->worker_cpus;
	worker->sq_cpu = mode->sq_cpu[index];
	assert(!mode->sqpoll || mode->polling_threads > 0);
	if (mode->sqpoll && index >= mode->polling_threads)
		worker->sq_share = &supervisor->workers[index % mode->polling_threads];
	worker->sessions.access = access_queue(index);
	r = -pthread_create(&worker->thread, NULL, worker_run, worker);
	if (r < 0) {
		log_error("cannot start worker %u: %s; see TasksMax= of the unit", index,
			  strerror(-r));
		return build_of_system(r);
	}
	worker->started = true;
	return await_start(supervisor, worker);
}

static int start_workers(struct supervisor *supervisor)
{
	int r = logs_open(supervisor->edition->config, supervisor->engine->worker_count);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++) {
		r = start_worker(supervisor, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- Talking to the workers ------------------------------------------------------------------ */

static int ring_bell(void *owner, uint32_t index)
{
	struct supervisor *supervisor = owner;

	return ring_send(&supervisor->sender, supervisor->workers[index].ring_fd,
			 op_pack((struct op_tag){.kind = OP_CONTROL}), 0);
}

/* What it did not take is closed: it stops, or has. */
static void offered(struct order *order)
{
	struct accept_order *offer = container_of(order, struct accept_order, order);

	for (uint32_t i = 0; i < offer->count; i++)
		if (offer->offers[i].fd >= 0)
			socket_close(offer->offers[i].fd);
	free(offer->offers);
	free(offer);
}

/* All workers listen on what is open and was not offered to them yet. */
static int offer_sockets(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++) {
		struct accept_order *offer = calloc(1, sizeof(*offer));
		int r = offer ? sockets_offer(supervisor->sockets, supervisor->edition, i, offer)
			      : -ENOMEM;

		if (r < 0) {
			free(offer);
			return log_no_memory("the listening sockets");
		}
		offer->order.kind = ORDER_LISTEN;
		offer->order.done = offered;
		orders_send(&supervisor->orders, i, &offer->order);
	}
	return 0;
}

/* To all that run. */
static void command(struct supervisor *supervisor, enum order_kind what)
{
	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++)
		orders_send(&supervisor->orders, i, &supervisor->order[i][what]);
}

static bool all_stopped(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++)
		if (supervisor->workers[i].started &&
		    state_of(&supervisor->workers[i]) != WORKER_STOPPED)
			return false;
	return true;
}

/* Starting or stopping takes its time: the service manager is to be patient. */
static void ask_for_patience(void *owner)
{
	struct supervisor *supervisor = owner;

	notify_extend_timeout((supervisor->starting ? 2000ull : 5000ull) * EXTEND_EVERY_MS);
	events_set_in(supervisor->patience, EXTEND_EVERY_MS);
}

/* Names and addresses that come from now on are of no use any more. */
static void begin_stop(struct supervisor *supervisor, const char *status, enum order_kind how)
{
	supervisor->signals++;
	notify_stopping(status);
	supervisor->answers = events_remove(supervisor->answers);
	events_set(supervisor->late, EVENTS_NEVER);
	command(supervisor, how);
	ask_for_patience(supervisor);
}

/* A worker without its ring serves nobody, and its sockets still take connections: end all. */
static void check_workers(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++) {
		const struct worker *worker = &supervisor->workers[i];

		if (!worker->started || state_of(worker) != WORKER_STOPPED)
			continue;
		orders_end(&supervisor->orders, i);
		if (worker->result >= 0 || supervisor->signals)
			continue;
		log_error("worker %u: %s; stopping", i, worker->error);
		begin_stop(supervisor, "a worker failed", ORDER_STOP);
	}
	if (all_stopped(supervisor))
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

static void on_stop(void *owner, int signal)
{
	struct supervisor *supervisor = owner;
	const char *name = signal == SIGTERM ? "SIGTERM" : "SIGINT";

	if (supervisor->signals == 0) {
		log_info("%s: draining %u connections; again to stop now", name,
			 atomic_load(&supervisor->engine->connections));
		begin_stop(supervisor, "draining", ORDER_DRAIN);
	} else {
		log_info("%s: stopping now", name);
		supervisor->signals++;
		command(supervisor, ORDER_STOP);
	}
}

static void on_reopen(void *owner, int signal)
{
	const struct supervisor *supervisor = owner;

	logs_reopen(supervisor->edition->config, signal == SIGHUP ? "SIGHUP" : "SIGUSR1");
}

static void on_counters(void *owner, int signal)
{
	const struct supervisor *supervisor = owner;

	(void)signal;
	tell_counters(supervisor->workers, supervisor->engine->worker_count, "counters");
}

static const struct {
	int signal;
	events_signal_handler *handler;
} heard[SIGNALS_MAX] = {
	{SIGTERM, on_stop},   {SIGINT, on_stop},      {SIGHUP, on_reopen},
	{SIGUSR1, on_reopen}, {SIGUSR2, on_counters},
};

/* ---- The watchdog ---------------------------------------------------------------------------- */

static bool all_have_answered(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++)
		/* Who has finished draining answers no more, and need not. */
		if (supervisor->order[i][ORDER_PING].under_way &&
		    state_of(&supervisor->workers[i]) != WORKER_STOPPED)
			return false;
	return true;
}

/* Feed the watchdog if every worker has answered since the last time, and ask them again. */
static void feed_watchdog(void *owner)
{
	struct supervisor *supervisor = owner;

	events_set_in(supervisor->watchdog, supervisor->watchdog_ms);
	if (!all_have_answered(supervisor))
		return;
	notify_watchdog();
	command(supervisor, ORDER_PING);
}

/* ---- What is missing at start ---------------------------------------------------------------- */

static void tell_status(const struct supervisor *supervisor, void (*tell)(const char *status))
{
	const struct engine *engine = supervisor->engine;
	uint32_t open = sockets_listening(supervisor->sockets);
	uint32_t waiting = sockets_waiting(supervisor->sockets);
	char status[500], missing[200] = "";

	if (supervisor->resolver->missing || waiting)
		snprintf(missing, sizeof(missing),
			 "; missing: %u name%s not resolved, %u address%s not this machine's",
			 supervisor->resolver->missing,
			 supervisor->resolver->missing == 1 ? "" : "s", waiting,
			 waiting == 1 ? "" : "es");
	snprintf(status, sizeof(status), "serving: %u listening socket%s, %u worker%s, %s%s", open,
		 open == 1 ? "" : "s", engine->worker_count, engine->worker_count == 1 ? "" : "s",
		 supervisor->mode->why, missing);
	tell(status);
}

static void tell_later(const char *status)
{
	notify_status("%s", status);
}

static uint64_t catch_up_ms(const struct supervisor *supervisor)
{
	uint64_t names = resolver_due_ms(supervisor->resolver);
	uint64_t addresses = sockets_due_ms(supervisor->sockets);

	return names < addresses ? names : addresses;
}

static void extend_roster(const struct supervisor *supervisor, const struct resolution *answer)
{
	roster_extend(&(struct roster){.section = &supervisor->edition->sections[answer->section],
				       .servers = supervisor->servers,
				       .ledger = supervisor->ledger,
				       .resolver = supervisor->resolver},
		      answer);
}

/* Names are answered, and addresses come: what was not served is from now on. */
static void catch_up(void *owner)
{
	struct supervisor *supervisor = owner;
	uint32_t missing = supervisor->resolver->missing;
	uint32_t waiting = sockets_waiting(supervisor->sockets);
	const struct resolution *answer;
	uint64_t now = clock_now_ms();
	bool any = false;

	while ((answer = resolver_turn(supervisor->resolver, now))) {
		any = true;
		if (answer->listens)
			sockets_extend(supervisor->sockets, answer);
		else
			extend_roster(supervisor, answer);
	}
	if (sockets_turn(supervisor->sockets, now))
		(void)!offer_sockets(supervisor); /* it has been said */
	if (any)
		command(supervisor, ORDER_CATCH_UP);
	if (missing != supervisor->resolver->missing ||
	    waiting != sockets_waiting(supervisor->sockets))
		tell_status(supervisor, tell_later);
	events_set(supervisor->late, catch_up_ms(supervisor));
}

static void on_answers(void *owner, uint32_t ready)
{
	(void)ready;
	catch_up(owner);
}

/* ---- Being asked ----------------------------------------------------------------------------- */

static void tell_state(void *owner, struct serve_status *ret_status)
{
	const struct supervisor *supervisor = owner;
	const struct engine *engine = supervisor->engine;

	*ret_status = (struct serve_status){
		.state = supervisor->signals > 1 ? SERVE_STOPPING
			 : supervisor->signals   ? SERVE_DRAINING
						 : SERVE_SERVING,
		.mode = supervisor->mode->why,
		.edition = (uint32_t)supervisor->edition->number,
		.workers = engine->worker_count,
		.connections = atomic_load(&engine->connections),
		.connections_max = engine->connections_max,
		.sockets = sockets_listening(supervisor->sockets),
		.names_missing = supervisor->resolver->missing,
		.addresses_missing = sockets_waiting(supervisor->sockets),
	};
}

static int tell_all(void *owner, const struct metrics_snapshot **ret_snapshot)
{
	struct supervisor *supervisor = owner;

	supervisor->watch.sources.state = supervisor->signals > 1 ? "stopping"
					  : supervisor->signals   ? "draining"
								  : "serving";
	return watch_look(&supervisor->watch, ret_snapshot);
}

/* Where nobody can ask, nobody looks either. */
static int let_ask(struct supervisor *supervisor)
{
	const struct serve_tellers tellers = {tell_state, tell_all, supervisor};
	const char *warning = supervisor->mode->warning;
	const struct gather_sources sources = {
		.engine = supervisor->engine,
		.edition = supervisor->edition,
		.ledger = supervisor->ledger,
		.workers = supervisor->workers,
		.state = "serving",
		.started_ms = supervisor->started_ms,
		.warning = warning[0] ? warning : NULL,
	};
	int r;

	if (!serve_can_be_asked(supervisor->control))
		return 0;
	r = watch_open(&supervisor->watch, supervisor->events, &sources);
	return r < 0 ? events_cannot("look at the daemon", r)
		     : serve_start(supervisor->control, supervisor->events, &tellers);
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
	};
	int r = events_add_descriptor(supervisor->events, &supervisor->wake,
				      supervisor->engine->wake_fd, EPOLLIN, on_wake, supervisor);

	for (size_t i = 0; i < array_size(timers) && r == 0; i++)
		r = events_add_timer(supervisor->events, timers[i].timer, timers[i].handler,
				     supervisor);
	return r;
}

/* What is heard once there is somebody to tell: until then signals and answers wait. */
static int open_ears(struct supervisor *supervisor)
{
	int answers = resolver_descriptor(supervisor->resolver), r = 0;

	for (size_t i = 0; i < array_size(heard) && r == 0; i++)
		r = events_add_signal(supervisor->events, &supervisor->signal[i], heard[i].signal,
				      heard[i].handler, supervisor);
	if (r == 0 && answers >= 0)
		r = events_add_descriptor(supervisor->events, &supervisor->answers, answers,
					  EPOLLIN, on_answers, supervisor);
	return r < 0 ? events_cannot("wait for signals", r) : 0;
}

static void close_events(struct supervisor *supervisor)
{
	serve_stop(supervisor->control);
	watch_close(&supervisor->watch);
	for (size_t i = 0; i < array_size(heard); i++)
		events_remove(supervisor->signal[i]);
	events_remove(supervisor->answers);
	events_remove(supervisor->late);
	events_remove(supervisor->watchdog);
	events_remove(supervisor->patience);
	events_remove(supervisor->wake);
}

/* Until no worker is left. */
static void run(struct supervisor *supervisor)
{
	check_workers(supervisor);
	while (!all_stopped(supervisor))
		events_run(supervisor->events);
}

/* ---- Stopping -------------------------------------------------------------------------------- */

static int join_workers(struct supervisor *supervisor)
{
	int result = 0;

	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++) {
		struct worker *worker = &supervisor->workers[i];
		if (!worker->started)
			continue;
		pthread_join(worker->thread, NULL);
		if (worker->result < 0 && worker->error[0] && result == 0)
			result = build_of_system(worker->result);
	}
	logs_close();
	return result;
}

static void free_workers(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++) {
		if (supervisor->workers[i].engine)
			worker_done(&supervisor->workers[i]);
		tenancy_free(supervisor->tenancies[i]);
	}
}

/* Nothing was served that could be counted. */
static void give_up(struct supervisor *supervisor)
{
	supervisor->signals++;
	command(supervisor, ORDER_STOP);
	run(supervisor);
	(void)join_workers(supervisor);
}

static int serve(struct supervisor *supervisor)
{
	struct engine *engine = supervisor->engine;
	int r;

	hop_prepare(supervisor->edition, supervisor->resolver->missing > 0);
	sockets_prepare_hops(supervisor->sockets, supervisor->edition);
	if (hop_open(engine, supervisor->edition) < 0)
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
	tell_mode(engine, supervisor->mode, supervisor->edition->config,
		  supervisor->workers[0].ring_dropped);
	supervisor->watchdog_ms = notify_watchdog_interval_us() / 2000;
	events_set(supervisor->watchdog, supervisor->watchdog_ms ? 0 : EVENTS_NEVER);
	events_set(supervisor->late, catch_up_ms(supervisor));
	log_info("ready");
	tell_status(supervisor, notify_ready);
	run(supervisor);
	notify_status("stopped with %u connections left", atomic_load(&engine->connections));
	r = join_workers(supervisor);
	tell_counters(supervisor->workers, engine->worker_count, "stopped");
	return r;
}

static void name_orders(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->engine->worker_count; i++)
		for (unsigned kind = 0; kind < ORDER_KIND_COUNT; kind++)
			supervisor->order[i][kind].kind = (enum order_kind)kind;
}

static int wait_and_serve(struct supervisor *supervisor)
{
	int r = open_events(supervisor);

	r = r < 0 ? events_cannot("wait for the workers", r) : serve(supervisor);
	close_events(supervisor);
	return r;
}

static int open_and_serve(struct supervisor *supervisor)
{
	uint32_t workers = supervisor->engine->worker_count;
	int r = ring_sender_open(&supervisor->sender);

	if (r < 0)
		return cannot("prepare to talk to the workers", r);
	r = orders_open(&supervisor->orders, supervisor->events, workers, ring_bell, supervisor);
	if (r < 0) {
		(void)events_cannot("prepare to talk to the workers", r);
	} else {
		name_orders(supervisor);
		r = wait_and_serve(supervisor);
		orders_close(&supervisor->orders);
	}
	ring_sender_close(&supervisor->sender);
	return r;
}

static void free_all(struct supervisor *supervisor)
{
	free(supervisor->workers);
	free(supervisor->tenancies);
	free(supervisor->order);
}

int supervise(const struct service_plan *plan)
{
	struct engine *engine = plan->engine;
	size_t count = engine->worker_count;
	struct supervisor supervisor = {
		.engine = engine,
		.mode = plan->mode,
		.edition = plan->edition,
		.sockets = plan->sockets,
		.resolver = plan->resolver,
		.servers = plan->servers,
		.ledger = plan->ledger,
		.control = plan->control,
		.started_ms = clock_now_ms(),
		.events = plan->events,
		.workers = aligned_alloc(64, count * sizeof(struct worker)),
		.tenancies = calloc(count, sizeof(*supervisor.tenancies)),
		.order = calloc(count, sizeof(*supervisor.order)),
	};
	int r;

	if (!supervisor.workers || !supervisor.tenancies || !supervisor.order) {
		free_all(&supervisor);
		return log_no_memory("the workers");
	}
	memset(supervisor.workers, 0, count * sizeof(struct worker));
	engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = engine->wake_fd < 0 ? cannot("prepare to talk to the workers", -errno)
				: open_and_serve(&supervisor);
	if (engine->wake_fd >= 0)
		close(engine->wake_fd);
	free_workers(&supervisor);
	free_all(&supervisor);
	return r;
}
