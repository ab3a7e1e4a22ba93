#include "worker/worker.h"

#include "base/clock.h"
#include "lane/rest.h"
#include "lane/throttle.h"
#include "lane/turn.h"
#include "loop/socket.h"
#include "session/bell.h"
#include "session/connect.h"
#include "session/queued.h"

#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REAP_MAX 256
#define CUT_MAX  512

/* That new connections are served by. */
static const struct config *config_of(const struct worker *worker)
{
	return worker->tenancy->edition->config;
}

/* ---- What a worker is made of ---------------------------------------------------------------- */

int worker_init(struct worker *worker, struct engine *engine, struct tenancy *tenancy,
		uint32_t index)
{
	*worker = (struct worker){
		.engine = engine,
		.tenancy = tenancy,
		.parked = calloc(PARKED_MAX, sizeof(*worker->parked)),
		.drain.kind = TIMER_DRAIN,
	};
	list_init(&worker->listeners);
	list_init(&worker->vacated);
	full_init(&worker->full);
	if (loop_init(&worker->loop, index, &engine->sizes) == 0 && worker->parked &&
	    slab_init(&worker->listener_slab, LISTENERS_MAX, sizeof(struct listener)) == 0 &&
	    sessions_init(&worker->sessions, &worker->loop, engine) == 0)
		return 0;
	worker_done(worker);
	return -ENOMEM;
}

void worker_done(struct worker *worker)
{
	sessions_done(&worker->sessions);
	slab_done(&worker->listener_slab);
	free(worker->parked);
	loop_done(&worker->loop);
	worker->parked = NULL;
}

int worker_open(struct worker *worker, const struct ring_options *options)
{
	struct ring_error error = {0};
	int r = loop_open(&worker->loop, options, &error);

	if (r < 0) {
		snprintf(worker->error, sizeof(worker->error), "%s", error.text);
		return r;
	}
	worker->state = WORKER_RUNNING;
	bell_open(&worker->sessions, worker->loop.ring.fd);
	roll_set(&worker->roll, &worker->loop, config_of(worker)->open_every_ms);
	return 0;
}

void worker_close(struct worker *worker)
{
	census_leave(&worker->censuses);
	refused_end(&worker->sessions);
	if (worker->state == WORKER_STOPPING)
		loop_leave(&worker->loop);
	else
		loop_close(&worker->loop);
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
		accept_complete(worker, tag, done);
		return;
	}
	if (tag.kind == OP_CONTROL) {
		/* The bell: this turn looks into the inbox, as any other; or one that we rang. */
		bell_rang(&worker->sessions, tag, done->res);
		return;
	}
	if (tag.kind == OP_ACCEPT_CANCEL) {
		worker->in_flight--;
		if (done->res < 0)
			accept_cancelled(worker, tag);
		return;
	}
	session = slab_find(&worker->sessions.slab, tag.slot, tag.generation);
	if (unlikely(!session)) {
		if (worker->state != WORKER_STOPPING) /* there, of one that was cut */
			stats_count(&worker->loop.stats, stale_completions, 1);
		stock_return(&worker->loop.stock, done);
		return;
	}
	session_complete(session, tag, done);
}

static unsigned reap(struct worker *worker)
{
	struct io_uring_cqe done[REAP_MAX];
	unsigned count, total = 0;

	do {
		count = ring_reap(&worker->loop.ring, done, REAP_MAX);
		for (unsigned i = 0; i < count; i++)
			dispatch(worker, &done[i]);
		total += count;
	} while (count == REAP_MAX);
	stats_count(&worker->loop.stats, completions, total);
	return total;
}

/* The silent sends of the last turn that did not say that they failed. */
static void conclude(struct worker *worker)
{
	struct silent *silent = &worker->loop.silent;
	uint64_t user_data;

	if (!silent_is_over(silent, &worker->loop.ring))
		return;
	while (silent_next(silent, &user_data)) {
		struct op_tag tag = op_unpack(user_data);
		struct session *session =
			slab_find(&worker->sessions.slab, tag.slot, tag.generation);

		if (session) /* or it said that it failed, and the session is gone */
			session_succeed(session, tag, silent->noted_ms);
	}
}

static bool is_cutting(const struct worker *worker)
{
	return worker->state == WORKER_STOPPING &&
	       worker->cut_to < worker->sessions.slab.capacity && worker->sessions.slab.used > 0;
}

/* In STOPPING: CUT_MAX slots a turn, so that messages are answered and records written meanwhile.
 */
static void cut(struct worker *worker)
{
	if (!is_cutting(worker))
		return;
	/* An entry that is not taken yet would meet whoever gets the number of its descriptor next.
	 */
	(void)ring_submit_wait(&worker->loop.ring, 0, RING_NOW, 0);
	if (ring_sq_ready(&worker->loop.ring) > 0)
		return;
	for (uint32_t n = 0; n < CUT_MAX && is_cutting(worker); n++, worker->cut_to++) {
		struct session *session =
			slab_find(&worker->sessions.slab, worker->cut_to,
				  worker->sessions.slab.generation[worker->cut_to]);
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
	wheel_clear(&worker->loop.wheel, &worker->drain);
	wheel_clear(&worker->loop.wheel, &worker->roll.timer);
	accept_give_up(worker, reason);
}

static void drain_expired(struct worker *worker)
{
	char text[CONFIG_EXPLAIN_MAX];

	log_info("worker %u: ending %u connections that have not finished in time (%s)",
		 worker->loop.index, worker->sessions.slab.used,
		 config_explain(config_of(worker), NULL, "drain_timeout", text, sizeof(text)));
	stop(worker, REASON_DRAIN_TIMEOUT);
}

/* Say what is over. */
static void settle(struct worker *worker)
{
	shortage_hold(&worker->sessions);
	condition_settle(&worker->loop);
	full_settle(worker);
	reach_settle(&worker->sessions);
	refused_settle(&worker->sessions);
}

static void expire(struct worker *worker)
{
	struct wheel_timer *timer;

	while ((timer = wheel_expire(&worker->loop.wheel, worker->loop.now_ms)))
		switch ((enum loop_timer)timer->kind) {
		case TIMER_SESSION:
			session_expired(container_of(timer, struct session, deadlines.timer));
			break;
		case TIMER_LISTENER:
			accept_expired(worker, container_of(timer, struct listener, retry));
			break;
		case TIMER_SHORTAGE:
			shortage_expired(&worker->sessions);
			break;
		case TIMER_QUEUES:
			queued_expired(&worker->sessions);
			break;
		case TIMER_SETTLE:
			settle(worker);
			break;
		case TIMER_DRAIN:
			drain_expired(worker);
			break;
		case TIMER_TRIM:
			loop_trim_pipes(&worker->loop);
			break;
		case TIMER_ROLL:
			roll_call(&worker->roll, &worker->sessions,
				  config_of(worker)->open_every_ms);
			break;
		case TIMER_THROTTLE:
			throttle_expired(container_of(timer, struct lane, throttle.timer));
			break;
		}
}

/*
 * As many lanes receive again as there are buffers besides the reserve, in the
 * order they found none; the reserve feeds those behind them.
 */
static void feed(struct worker *worker)
{
	struct stock *stock = &worker->loop.stock;
	uint32_t free = stock_is_short(stock) ? 0 : stock_free(stock) - stock->reserve;
	uint32_t fed = 0;

	for (; free > 0 && !list_is_empty(&worker->loop.starved); free--)
		lane_unstarve(container_of(worker->loop.starved.next, struct lane, starved));
	/* The reserve feeds those behind them one buffer each, `reserve` lanes a turn at most. */
	while (fed++ < stock->reserve && stock->spare_count > 0 &&
	       !list_is_empty(&worker->loop.starved))
		session_feed(container_of(worker->loop.starved.next, struct lane, starved));
}

static void bury(struct worker *worker)
{
	bool any = false;
	struct list *node;

	while ((node = list_pop(&worker->sessions.quiet))) {
		session_bury(container_of(node, struct session, link));
		any = true;
	}
	if (any)
		accept_resume(worker);
}

/* Who waits in a queue may go on; where all are cut, nobody does. */
static bool lets_go_on(const struct worker *worker)
{
	return worker->state != WORKER_STOPPING;
}

static uint64_t next_deadline_ns(struct worker *worker)
{
	uint64_t next;

	if (!list_is_empty(&worker->loop.dirty) || !list_is_empty(&worker->sessions.quiet) ||
	    !list_is_empty(&worker->sessions.decided) || worker->loop.silent.postponed ||
	    (worker->sessions.queues.due && lets_go_on(worker)) || census_any(&worker->censuses))
		return RING_NOW;
	/*
	 * Buffers that came home after feed(), from dropped queues and buried sessions, or
	 * will when the silent sends, of which nothing is heard, are concluded.
	 */
	if (!list_is_empty(&worker->loop.starved) &&
	    (worker->loop.stock.spare_count > 0 || worker->loop.silent.count > 0))
		return RING_NOW;
	next = wheel_next(&worker->loop.wheel);
	/* A polling thread takes entries while the worker sleeps. */
	if (is_cutting(worker) && next > worker->loop.now_ms + 1)
		next = worker->loop.now_ms + 1;
	next = next == UINT64_MAX ? RING_NEVER : next * CLOCK_NS_PER_MS;
	return next < rest_deadline(&worker->loop) ? next : rest_deadline(&worker->loop);
}

/* ---- Orders ---------------------------------------------------------------------------------- */

static void begin_drain(struct worker *worker)
{
	uint32_t drain_ms = config_of(worker)->drain_timeout_ms;

	if (worker->state != WORKER_RUNNING)
		return;
	worker->state = WORKER_DRAINING;
	accept_stop(worker);
	if (drain_ms)
		wheel_set(&worker->loop.wheel, &worker->drain, worker->loop.now_ms + drain_ms);
}

static void retire(struct worker *worker, struct retire_order *order)
{
	struct tenancy *tenancy = order->tenancy;

	assert(tenancy != worker->tenancy);
	tenancy->wanted = order;
	tenancy->vacated = &worker->vacated;
	if (atomic_load_explicit(&tenancy->used, memory_order_relaxed) == 0)
		list_push(&worker->vacated, &tenancy->link);
}

/* Whether it is done, and not kept. */
static bool obey(struct worker *worker, struct order *order)
{
	switch (order->kind) {
	case ORDER_PING:
		break;
	case ORDER_LISTEN:
	case ORDER_ADOPT:
		accept_adopt(worker, container_of(order, struct accept_order, order));
		queued_look_again(&worker->sessions);
		if (worker->state == WORKER_RUNNING)
			roll_set(&worker->roll, &worker->loop, config_of(worker)->open_every_ms);
		break;
	case ORDER_LEAVE:
		accept_leave(worker, container_of(order, struct accept_leave_order, order));
		break;
	case ORDER_RETIRE:
		retire(worker, container_of(order, struct retire_order, order));
		return false;
	case ORDER_CATCH_UP:
		connect_servers_known(&worker->sessions);
		break;
	case ORDER_CENSUS:
		census_take(&worker->censuses, order);
		return false;
	case ORDER_DRAIN:
		begin_drain(worker);
		break;
	case ORDER_STOP:
		stop(worker, REASON_STOPPED);
		break;
	case ORDER_KIND_COUNT:
		assert(false);
	}
	return true;
}

static void take_orders(struct worker *worker)
{
	struct order *order, *next;

	if (likely(!order_any(&worker->inbox)))
		return;
	for (order = order_take(&worker->inbox); order; order = next) {
		next = order->next;
		if (obey(worker, order))
			order_return(order, 0);
	}
}

/* Nothing of an edition is left here but what knows of its servers and sections. */
static void forget(struct worker *worker, struct tenancy *tenancy)
{
	const struct edition *edition = tenancy->edition;

	for (uint32_t i = 0; i < edition->section_count; i++) {
		struct branch *branch = &tenancy->branches[i];

		full_forget(branch);
		refused_forget(&worker->sessions, branch);
		reach_forget_returned(branch);
	}
	reach_forget_recovering(&worker->sessions);
}

static void give_back(struct worker *worker)
{
	struct list *node;

	while (unlikely((node = list_pop(&worker->vacated)))) {
		struct tenancy *tenancy = container_of(node, struct tenancy, link);
		struct retire_order *order = tenancy->wanted;

		forget(worker, tenancy);
		order_return(&order->order, 0); /* and the tenancy is not ours any more */
	}
}

/* ---- Turning --------------------------------------------------------------------------------- */

/* Look for completions without sleeping, for as long as the operator thinks it pays. */
static struct ring_wait spin(struct worker *worker)
{
	uint64_t until = worker->loop.ended_ns + config_of(worker)->busy_poll_us * 1000ull;
	struct ring_wait wait;

	do
		wait = ring_submit_wait(&worker->loop.ring, 0, RING_NOW, 0);
	while (!wait.error && !wait.ready && clock_now_ns() < until);
	return wait;
}

/* Sleep until there is something to do, or enough of it. */
static struct ring_wait sleep_until(struct worker *worker, uint64_t deadline)
{
	uint32_t us = coalesce_patience(&worker->loop.coalesce, deadline, worker->loop.ended_ns);
	uint32_t count = coalesce_batch(&worker->loop.coalesce, us);

	return ring_submit_wait(&worker->loop.ring, count, deadline, count > 1 ? us : 0);
}

/* Nobody is served, or will be. */
static bool is_empty(const struct worker *worker)
{
	return worker->state >= WORKER_DRAINING && worker->sessions.slab.used == 0 &&
	       worker->parked_count == 0 && worker->in_flight == 0;
}

int worker_turn(struct worker *worker)
{
	uint64_t deadline = next_deadline_ns(worker), now_ns;
	struct ring_wait wait = {0};

	stock_refill(&worker->loop.stock);
	if (config_of(worker)->busy_poll_us && deadline != RING_NOW)
		wait = spin(worker);
	if (!wait.error && !wait.ready)
		wait = sleep_until(worker, deadline);
	if (wait.error && wait.error != -ETIME) {
		enum ring_error_class class = ring_error_class(wait.error);
		if (class == RING_ERROR_LOST)
			log_error("worker %u: the kernel had no memory for completions and lost "
				  "some: connections may hang; restart, and see the memory limit "
				  "of the unit",
				  worker->loop.index);
		else if (class != RING_ERROR_RETRY)
			return wait.error;
		else if (wait.error != -EINTR && !wait.ready)
			loop_short_of_memory(&worker->loop, wait.error);
	}
	now_ns = clock_now_ns();
	worker->loop.now_ms = now_ns / CLOCK_NS_PER_MS;
	stats_count(&worker->loop.stats, turns, 1);
	loop_look_at_queues(&worker->loop);
	coalesce_begin(&worker->loop.coalesce, now_ns);
	coalesce_turn(&worker->loop.coalesce, reap(worker));
	take_orders(worker); /* here: what they bring about is settled in this turn */
	census_turn(&worker->censuses, &worker->sessions);
	conclude(worker);
	expire(worker);
	rest_expire(&worker->loop, now_ns);
	feed(worker);
	turn_flush(&worker->loop);
	session_settle(&worker->sessions);
	bury(worker);
	if (lets_go_on(worker))
		queued_turn(&worker->sessions);
	cut(worker);
	give_back(worker);
	if (is_empty(worker))
		queued_close(&worker->sessions);
	loop_watch_pipes(&worker->loop);
	access_flush(worker->sessions.access);
	atomic_store_explicit(&worker->buffers_held, stock_held(&worker->loop.stock),
			      memory_order_relaxed);
	loop_end_turn(&worker->loop);
	return 0;
}

bool worker_finished(const struct worker *worker)
{
	const struct queues *queues = &worker->sessions.queues;

	return is_empty(worker) && queues->is_closed && !queues->ringing && !queues->rings_again;
}
