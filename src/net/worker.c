#include "net/worker.h"

#include "base/clock.h"
#include "loop/socket.h"
#include "net/deadline.h"
#include "net/rest.h"
#include "net/turn.h"
#include "net/upstream.h"

#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REAP_MAX      256
#define PIPES_IDLE_MS 1000
#define CUT_MAX       512
#define LAST_WORDS_MS 1000 /* for the log to say why, before an abort() */

/* ---- What a worker is made of ---------------------------------------------------------------- */

static int init_sections(struct worker *worker)
{
	const struct engine *engine = worker->engine;

	worker->next_server = calloc(engine->section_count + 1, sizeof(*worker->next_server));
	worker->health = calloc(engine->section_count + 1, sizeof(*worker->health));
	if (!worker->next_server || !worker->health ||
	    full_init(&worker->full, engine->section_count) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < engine->section_count; i++) {
		uint32_t servers = engine->sections[i].server_room;

		worker->health[i] = calloc(servers + 1, sizeof(**worker->health));
		if (!worker->health[i])
			return -ENOMEM;
		for (uint32_t s = 0; s < servers; s++)
			health_init(&worker->health[i][s], &engine->sections[i], s);
		/* Workers begin at different servers, or each first connection meets the same. */
		worker->next_server[i] = worker->index;
	}
	return 0;
}

int worker_init(struct worker *worker, struct engine *engine, uint32_t index,
		struct listening *sockets, uint32_t socket_count)
{
	*worker = (struct worker){
		.engine = engine,
		.index = index,
		.next_id = index,
		.listener_count = socket_count,
		.listeners = calloc(socket_count + 1, sizeof(*worker->listeners)),
		.offered = sockets,
		.parked = calloc(PARKED_MAX, sizeof(*worker->parked)),
		.vectors = calloc(WORKER_QUEUE_ENTRIES, sizeof(*worker->vectors)),
		.random = clock_now_ns() * 2654435761u + index + 1,
		.ring.fd = -1,
		.settle.kind = TIMER_SETTLE,
		.drain.kind = TIMER_DRAIN,
		.trim.kind = TIMER_TRIM,
	};
	pipes_init(&worker->pipes, engine->pipes_max);
	list_init(&worker->dirty);
	list_init(&worker->starved);
	list_init(&worker->resting);
	list_init(&worker->quiet);
	list_init(&worker->failing);
	list_init(&worker->returning);
	shortage_init(&worker->shortages);
	worker->shortages.timer.kind = TIMER_SHORTAGE;
	if (!worker->listeners || !worker->parked || !worker->vectors ||
	    slab_init(&worker->sessions, engine->connections_max, sizeof(struct session)) < 0 ||
	    init_sections(worker) < 0) {
		worker_done(worker);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < socket_count; i++) {
		worker->listeners[i].socket.fd = -1;
		worker->listeners[i].retry.kind = TIMER_LISTENER;
	}
	return 0;
}

void worker_done(struct worker *worker)
{
	for (uint32_t i = 0; worker->health && i < worker->engine->section_count; i++)
		free(worker->health[i]);
	free(worker->health);
	free(worker->next_server);
	full_done(&worker->full);
	slab_done(&worker->sessions);
	free(worker->listeners);
	free(worker->parked);
	free(worker->vectors);
	worker->health = NULL;
	worker->next_server = NULL;
	worker->listeners = NULL;
	worker->parked = NULL;
	worker->vectors = NULL;
}

int worker_open(struct worker *worker, const struct ring_options *options)
{
	struct engine *engine = worker->engine;
	struct ring_error error = {0};
	int r;

	worker->now_ms = clock_now_ms();
	wheel_init(&worker->wheel, worker->now_ms);
	r = ring_open(&worker->ring, options, &error);
	if (r < 0) {
		snprintf(worker->error, sizeof(worker->error), "%s", error.text);
		return r;
	}
	/*
	 * At urgent data tcp_recvmsg() says EAGAIN to a thread that has a signal pending, as a
	 * polling kernel thread has while it does what its ring was woken for.  A receive that
	 * stays armed is then not tried again before more comes, which may be never.
	 */
	worker->has_budget = ring_has(&worker->ring, RING_RECV_BUDGET) &&
			     !(worker->ring.flags & IORING_SETUP_SQPOLL);
	worker->has_bundle = ring_has(&worker->ring, RING_RECV_BUNDLE);
	coalesce_init(&worker->coalesce, clock_now_ns(),
		      ring_has(&worker->ring, RING_MIN_WAIT) ? engine->coalesce_us : 0);
	worker->has_silent = ring_has(&worker->ring, RING_CQE_SKIP) &&
			     !(worker->ring.flags & IORING_SETUP_SQPOLL);
	r = stock_open(&worker->stock, &worker->ring, engine->buffer_memory, engine->buffer_size);
	if (r < 0) {
		ring_explain(&error, "receive buffers", r, options);
		snprintf(worker->error, sizeof(worker->error), "%s", error.text);
		ring_close(&worker->ring);
		return r;
	}
	worker->state = WORKER_RUNNING;
	accept_take(worker);
	return 0;
}

void worker_close(struct worker *worker)
{
	pipes_close(&worker->pipes);
	if (worker->state == WORKER_STOPPING) {
		stock_leave(&worker->stock);
		ring_leave(&worker->ring);
		return;
	}
	stats_count(&worker->stats, buffers_missing, stock_held(&worker->stock));
	stock_close(&worker->stock);
	ring_close(&worker->ring);
}

/* ---- For the rest of net --------------------------------------------------------------------- */

/* The kernel refuses entries: give it a moment instead of asking without pause. */
static void short_of_memory(struct worker *worker, int error)
{
	condition_enter(worker, CONDITION_MEMORY, error);
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

struct io_uring_sqe *worker_entry(struct worker *worker)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = ring_sqe(&worker->ring))) {
		/* The kernel has no memory for requests: nothing can go on, nothing is lost. */
		if (ring_error_class(worker->ring.error) != RING_ERROR_RETRY) {
			log_error("worker %u: io_uring failed: %s", worker->index,
				  strerror(-worker->ring.error));
			log_flush(LAST_WORDS_MS);
			abort();
		}
		short_of_memory(worker, worker->ring.error);
	}
	return sqe;
}

void worker_give_back(struct worker *worker, const struct io_uring_cqe *done)
{
	struct ring_bundle bundle;
	uint32_t length;
	uint16_t id;

	if (!(done->flags & IORING_CQE_F_BUFFER))
		return;
	bundle = ring_buffers_bundle(&worker->stock.buffers, done);
	while (ring_bundle_next(&bundle, &id, &length))
		stock_give(&worker->stock, id);
}

uint32_t worker_next_server(struct worker *worker, const struct section *section)
{
	uint32_t *next = &worker->next_server[section->index];
	uint32_t server = *next % section->server_count;

	*next = server + 1;
	return server;
}

struct server_health *worker_health(struct worker *worker, const struct section *section,
				    uint32_t server)
{
	return &worker->health[section->index][server];
}

uint64_t worker_random(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random;
}

/* Every worker counts in steps of as many as there are: small numbers, and the worker is in them.
 */
uint64_t worker_next_id(struct worker *worker)
{
	uint64_t id = worker->next_id;

	worker->next_id += worker->engine->worker_count;
	return id;
}

void worker_session_closed(struct worker *worker, struct session *session)
{
	struct section *section = &worker->engine->sections[session->section->index];

	atomic_fetch_sub_explicit(&section->connections, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&worker->engine->connections, 1, memory_order_relaxed);
	stats_count(&worker->stats, closed, 1);
	shortage_ease(worker, session);
	slab_release(&worker->sessions, session->slot);
}

/* ---- A turn ---------------------------------------------------------------------------------- */

static void dispatch(struct worker *worker, const struct io_uring_cqe *done)
{
	struct op_tag tag = op_unpack(done->user_data);
	bool more = done->flags & IORING_CQE_F_MORE;
	struct session *session;

	assert(tag.kind > OP_NONE && tag.kind < OP_KIND_COUNT);
	if (tag.kind == OP_ACCEPT) {
		worker->in_flight -= !more;
		accept_complete(worker, tag.slot, done);
		return;
	}
	if (tag.kind == OP_CONTROL) {
		worker_command(worker, (enum worker_command)done->res);
		return;
	}
	if (tag.kind == OP_ACCEPT_CANCEL) {
		worker->in_flight--;
		if (done->res < 0)
			accept_cancelled(worker, tag.slot);
		return;
	}
	session = slab_find(&worker->sessions, tag.slot, tag.generation);
	if (unlikely(!session)) {
		if (worker->state != WORKER_STOPPING) /* there, of one that was cut */
			stats_count(&worker->stats, stale_completions, 1);
		worker_give_back(worker, done);
		return;
	}
	session->in_flight -= !more;
	session_complete(session, tag, done);
}

static unsigned reap(struct worker *worker)
{
	struct io_uring_cqe done[REAP_MAX];
	unsigned count, total = 0;

	do {
		count = ring_reap(&worker->ring, done, REAP_MAX);
		for (unsigned i = 0; i < count; i++)
			dispatch(worker, &done[i]);
		total += count;
	} while (count == REAP_MAX);
	stats_count(&worker->stats, completions, total);
	return total;
}

static bool is_cutting(const struct worker *worker)
{
	return worker->state == WORKER_STOPPING && worker->cut_to < worker->sessions.capacity &&
	       worker->sessions.used > 0;
}

/* In STOPPING: CUT_MAX slots a turn, so that messages are answered and records written meanwhile.
 */
static void cut(struct worker *worker)
{
	if (!is_cutting(worker))
		return;
	/* An entry that is not taken yet would meet whoever gets the number of its descriptor next.
	 */
	(void)ring_submit_wait(&worker->ring, 0, RING_NOW, 0);
	if (ring_sq_ready(&worker->ring) > 0)
		return;
	for (uint32_t n = 0; n < CUT_MAX && is_cutting(worker); n++, worker->cut_to++) {
		struct session *session = slab_find(&worker->sessions, worker->cut_to,
						    worker->sessions.generation[worker->cut_to]);
		if (session)
			session_cut(session, worker->cutting);
	}
}

static void stop(struct worker *worker, enum reason reason)
{
	if (worker->state == WORKER_STOPPING)
		return;
	if (worker->state == WORKER_RUNNING)
		accept_stop(worker);
	worker->state = WORKER_STOPPING;
	worker->cutting = reason;
	wheel_clear(&worker->wheel, &worker->drain);
	accept_give_up(worker, reason);
}

static void drain_expired(struct worker *worker)
{
	char text[CONFIG_EXPLAIN_MAX];

	log_info("worker %u: ending %u connections that have not finished in time (%s)",
		 worker->index, worker->sessions.used,
		 config_explain(worker->engine->config, NULL, "drain_timeout", text, sizeof(text)));
	stop(worker, REASON_DRAIN_TIMEOUT);
}

/* Pipes that were not needed for a while give back their descriptors. */
static void trim_pipes(struct worker *worker)
{
	pipes_trim(&worker->pipes);
	if (pipes_any(&worker->pipes))
		wheel_set(&worker->wheel, &worker->trim, worker->now_ms + PIPES_IDLE_MS);
}

/* Say what is over. */
static void settle(struct worker *worker)
{
	shortage_hold(worker);
	condition_settle(worker);
	full_settle(worker);
	health_settle(worker);
}

static void expire(struct worker *worker)
{
	struct wheel_timer *timer;

	while ((timer = wheel_expire(&worker->wheel, worker->now_ms)))
		switch ((enum worker_timer)timer->kind) {
		case TIMER_SESSION:
			deadline_expired(container_of(timer, struct session, timer));
			break;
		case TIMER_LISTENER:
			accept_expired(worker, container_of(timer, struct listener, retry));
			break;
		case TIMER_SHORTAGE:
			shortage_expired(worker);
			break;
		case TIMER_SETTLE:
			settle(worker);
			break;
		case TIMER_DRAIN:
			drain_expired(worker);
			break;
		case TIMER_TRIM:
			trim_pipes(worker);
			break;
		}
}

/*
 * As many lanes receive again as there are buffers besides the reserve, in the
 * order they found none; the reserve feeds those behind them.
 */
static void feed(struct worker *worker)
{
	struct stock *stock = &worker->stock;
	uint32_t free = stock_is_short(stock) ? 0 : stock_free(stock) - stock->reserve;
	uint32_t fed = 0;

	for (; free > 0 && !list_is_empty(&worker->starved); free--)
		lane_unstarve(container_of(worker->starved.next, struct lane, starved));
	/* What is spare besides is for those. */
	while (fed++ < stock->reserve && stock->spare_count > 0 && !list_is_empty(&worker->starved))
		lane_feed(container_of(worker->starved.next, struct lane, starved));
}

static void bury(struct worker *worker)
{
	bool any = false;
	struct list *node;

	while ((node = list_pop(&worker->quiet))) {
		session_bury(container_of(node, struct session, link));
		any = true;
	}
	if (any)
		accept_resume(worker);
}

static uint64_t next_deadline_ns(struct worker *worker)
{
	uint64_t next;

	if (!list_is_empty(&worker->dirty) || !list_is_empty(&worker->quiet) ||
	    worker->silent.postponed)
		return RING_NOW;
	/*
	 * Buffers that came home after feed(), from dropped queues and buried sessions, or
	 * will when the silent sends, of which nothing is heard, are concluded.
	 */
	if (!list_is_empty(&worker->starved) &&
	    (worker->stock.spare_count > 0 || worker->silent.count > 0))
		return RING_NOW;
	next = wheel_next(&worker->wheel);
	/* A polling thread takes entries while the worker sleeps. */
	if (is_cutting(worker) && next > worker->now_ms + 1)
		next = worker->now_ms + 1;
	next = next == UINT64_MAX ? RING_NEVER : next * CLOCK_NS_PER_MS;
	return next < rest_deadline(worker) ? next : rest_deadline(worker);
}

/* Look for completions without sleeping, for as long as the operator thinks it pays. */
static struct ring_wait spin(struct worker *worker)
{
	uint64_t until = clock_now_ns() + worker->engine->config->busy_poll_us * 1000ull;
	struct ring_wait wait;

	do
		wait = ring_submit_wait(&worker->ring, 0, RING_NOW, 0);
	while (!wait.error && !wait.ready && clock_now_ns() < until);
	return wait;
}

/* Queues too short for the load cost something, and nothing is lost. */
static void look_at_queues(struct worker *worker)
{
	uint32_t full = worker->ring.full - worker->full_before;

	if (unlikely(full)) {
		worker->full_before = worker->ring.full;
		stats_count(&worker->stats, queue_full, full);
		condition_enter(worker, CONDITION_SUBMISSIONS, 0);
	}
	if (unlikely(ring_cq_overflowed(&worker->ring))) {
		stats_count(&worker->stats, overflows, 1);
		condition_enter(worker, CONDITION_COMPLETIONS, 0);
	}
}

/* Sleep until there is something to do, or enough of it. */
static struct ring_wait sleep_until(struct worker *worker, uint64_t deadline)
{
	uint32_t us = coalesce_patience(&worker->coalesce, deadline);
	uint32_t count = coalesce_batch(&worker->coalesce, us);

	return ring_submit_wait(&worker->ring, count, deadline, count > 1 ? us : 0);
}

int worker_turn(struct worker *worker)
{
	uint64_t deadline = next_deadline_ns(worker), now_ns;
	struct ring_wait wait = {0};

	stock_refill(&worker->stock);
	if (worker->engine->config->busy_poll_us && deadline != RING_NOW)
		wait = spin(worker);
	if (!wait.error && !wait.ready)
		wait = sleep_until(worker, deadline);
	if (wait.error && wait.error != -ETIME) {
		enum ring_error_class class = ring_error_class(wait.error);
		if (class == RING_ERROR_LOST)
			log_error("worker %u: the kernel had no memory for completions and lost "
				  "some: connections may hang; restart, and see the memory limit "
				  "of the unit",
				  worker->index);
		else if (class != RING_ERROR_RETRY)
			return wait.error;
		else if (wait.error != -EINTR && !wait.ready)
			short_of_memory(worker, wait.error);
	}
	now_ns = clock_now_ns();
	worker->now_ms = now_ns / CLOCK_NS_PER_MS;
	stats_count(&worker->stats, turns, 1);
	look_at_queues(worker);
	coalesce_begin(&worker->coalesce, now_ns);
	coalesce_turn(&worker->coalesce, reap(worker));
	silent_conclude(worker);
	expire(worker);
	rest_expire(worker, now_ns);
	feed(worker);
	turn_flush(worker);
	bury(worker);
	cut(worker);
	if (pipes_any(&worker->pipes) && !wheel_is_set(&worker->trim))
		wheel_set(&worker->wheel, &worker->trim, worker->now_ms + PIPES_IDLE_MS);
	access_flush(worker->access);
	return 0;
}

/* ---- Stopping -------------------------------------------------------------------------------- */

void worker_command(struct worker *worker, enum worker_command command)
{
	uint32_t drain_ms = worker->engine->config->drain_timeout_ms;

	switch (command) {
	case WORKER_PING:
		atomic_fetch_add_explicit(&worker->pings, 1, memory_order_relaxed);
		break;
	case WORKER_CATCH_UP:
		accept_take(worker);
		upstream_servers_known(worker);
		break;
	case WORKER_DRAIN:
		if (worker->state != WORKER_RUNNING)
			break;
		worker->state = WORKER_DRAINING;
		accept_stop(worker);
		if (drain_ms)
			wheel_set(&worker->wheel, &worker->drain, worker->now_ms + drain_ms);
		break;
	case WORKER_STOP:
		stop(worker, REASON_STOPPED);
		break;
	}
}

bool worker_finished(const struct worker *worker)
{
	return worker->state >= WORKER_DRAINING && worker->sessions.used == 0 &&
	       worker->parked_count == 0 && worker->in_flight == 0;
}
