#include "worker/accept.h"

#include "loop/socket.h"
#include "session/admission.h"
#include "session/hop.h"
#include "session/record.h"
#include "session/session.h"
#include "worker/admit.h"
#include "worker/pace.h"
#include "worker/worker.h"

#include "base/fault.h"
#include "ops/log.h"

#include <errno.h>
#include <string.h>

#define RETRY_FIRST_MS 1
#define RETRY_MAX_MS   100
#define NEAR_FULL      256
#define HOPS_AT_ONCE   64
#define RETRY_FULL_MS  50 /* another worker may have made room: nobody tells us */

static bool is_near_full(const struct worker *worker, const struct listener *listener)
{
	return place_room(worker->engine, listener->branch->section) < NEAR_FULL;
}

/* An accept that goes on by itself may do so: nobody is taken whom there is no room for. */
static bool takes_many(const struct worker *worker, const struct listener *listener)
{
	return !pace_is_set(listener) && !is_near_full(worker, listener);
}

static struct op_tag tag_of(const struct worker *worker, const struct listener *listener,
			    enum op_kind kind)
{
	return (struct op_tag){
		.kind = (uint8_t)kind,
		.slot = listener->slot,
		.generation = worker->listener_slab.generation[listener->slot],
	};
}

static void arm(struct worker *worker, struct listener *listener)
{
	struct io_uring_sqe *sqe;

	if (listener->armed || listener->paused || listener->leaving || listener->fd < 0 ||
	    worker->state != WORKER_RUNNING || wheel_is_set(&listener->retry))
		return;
	if (unlikely(pace_is_set(listener)) && pace_waits(worker, listener))
		return;
	sqe = loop_entry(&worker->loop);
	listener->multishot = takes_many(worker, listener);
	if (listener->multishot)
		ring_prep_accept_multishot(sqe, listener->fd, NULL, NULL,
					   SOCK_NONBLOCK | SOCK_CLOEXEC);
	else
		ring_prep_accept(sqe, listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ring_sqe_tag(sqe, op_pack(tag_of(worker, listener, OP_ACCEPT)));
	worker->in_flight++;
	listener->armed = true;
}

static void cancel(struct worker *worker, struct listener *listener)
{
	struct io_uring_sqe *sqe;

	if (!listener->armed || listener->cancelling)
		return;
	sqe = loop_entry(&worker->loop);
	ring_prep_cancel(sqe, op_pack(tag_of(worker, listener, OP_ACCEPT)), 0);
	ring_sqe_tag(sqe, op_pack(tag_of(worker, listener, OP_ACCEPT_CANCEL)));
	worker->in_flight++;
	listener->cancelling = true;
}

static void take(struct worker *worker, struct accept_offer *offer)
{
	uint32_t slot;
	struct listener *listener = slab_take(&worker->listener_slab, &slot);

	if (!listener)
		return; /* control/sockets.c has seen to it that there is room */
	listener->slot = slot;
	listener->fd = offer->socket->fd;
	listener->socket = offer->socket;
	listener->branch = tenancy_branch(worker->tenancy, offer->section);
	listener->backlog = offer->section->config->settings.backlog;
	listener->retry.kind = TIMER_LISTENER;
	offer->socket->listener = listener;
	offer->taken = true;
	tenancy_use(worker->tenancy);
	list_push(&worker->listeners, &listener->link);
	arm(worker, listener);
}

/* What it accepts from now on is that section's; who is parked, too. */
static void lead_to(struct worker *worker, struct listener *listener, const struct section *section)
{
	tenancy_use(worker->tenancy);
	tenancy_leave(listener->branch->tenancy);
	listener->branch = tenancy_branch(worker->tenancy, section);
	/* A shorter one lets nobody in, and turns nobody away who waits already. */
	if (section->config->settings.backlog > listener->backlog)
		listener->backlog = section->config->settings.backlog;
	if (listener->multishot && pace_is_set(listener))
		cancel(worker, listener);
	if (!listener->paused) /* it may have waited for its turn at another pace */
		wheel_clear(&worker->loop.wheel, &listener->retry);
}

void accept_adopt(struct worker *worker, struct accept_order *order)
{
	if (worker->state != WORKER_RUNNING)
		return;
	if (order->tenancy)
		worker->tenancy = order->tenancy;
	for (uint32_t i = 0; i < order->count; i++) {
		struct accept_offer *offer = &order->offers[i];

		if (offer->fresh)
			take(worker, offer);
		else if (offer->socket->listener)
			lead_to(worker, offer->socket->listener, offer->section);
	}
	/* There may be room in the new sections where there was none in the old ones. */
	if (order->tenancy)
		accept_resume(worker);
}

/* Its slot is free when it is closed, and nobody came through it who is still to be served. */
static void release(struct worker *worker, struct listener *listener)
{
	if (listener->fd >= 0 || listener->armed || listener->parked > 0)
		return;
	wheel_clear(&worker->loop.wheel, &listener->retry);
	list_remove(&listener->link);
	tenancy_leave(listener->branch->tenancy);
	if (listener->socket->listener == listener)
		listener->socket->listener = NULL;
	slab_release(&worker->listener_slab, listener->slot);
}

/* ---- Room ------------------------------------------------------------------------------------ */

/* Whether one of our own sections has made the connection. */
static bool is_own(const struct worker *worker, const struct parked *parked)
{
	return hop_is_own(worker->engine, parked->listener->branch->section, parked->fd);
}

/* Among the connections; none where the worker has no room for it. */
static enum place take_place(struct worker *worker, const struct parked *parked)
{
	if (worker->sessions.slab.used == worker->sessions.slab.capacity)
		return PLACE_NONE;
	return place_take(worker->engine, parked->listener->branch->section, parked->fd);
}

static void pause_branch(struct worker *worker, const struct branch *branch)
{
	struct list *all = &worker->listeners;

	/* One that is closed wakes those that it left parked. */
	for (struct list *node = all->next; node != all; node = node->next) {
		struct listener *listener = container_of(node, struct listener, link);

		if (listener->branch != branch || listener->paused)
			continue;
		listener->paused = true;
		cancel(worker, listener);
		wheel_set(&worker->loop.wheel, &listener->retry,
			  worker->loop.now_ms + RETRY_FULL_MS);
	}
}

static void turn_away(struct worker *worker, const struct parked *parked)
{
	struct clients_place counted = parked->counted;

	stats_count(&worker->loop.stats, refused, 1);
	admission_over(&worker->sessions, &counted);
	socket_linger_none(parked->fd);
	socket_close(parked->fd);
}

static void refuse(struct worker *worker, const struct parked *parked, enum refused_cause cause)
{
	refused_one(&worker->sessions, parked->listener->branch, cause);
	turn_away(worker, parked);
}

static void park(struct worker *worker, const struct parked *parked)
{
	if (worker->parked_count == PARKED_MAX) {
		/* a RST now is kinder than a connect that hangs */
		refuse(worker, parked, REFUSED_QUEUE_FULL);
		return;
	}
	worker->parked[(worker->parked_first + worker->parked_count++) % PARKED_MAX] = *parked;
	parked->listener->parked++;
}

/* It is among the connections that the stop ended, so it leaves a record as they do. */
static void give_up(struct worker *worker, const struct parked *parked, enum reason reason)
{
	record_waited(&worker->sessions,
		      &(struct record_waited){
			      .section = parked->listener->branch->section,
			      .listener = parked->listener->socket->text,
			      .client_fd = parked->fd,
			      .since_ms = parked->since_ms,
		      },
		      reason);
	turn_away(worker, parked);
}

static void open_or_park(struct worker *worker, const struct parked *parked)
{
	struct listener *listener = parked->listener;
	struct branch *branch = listener->branch;

	if (worker->state == WORKER_STOPPING) { /* the others have been told to end already */
		give_up(worker, parked, worker->cutting);
		return;
	}
	struct let_in let_in = {
		.fd = parked->fd, .place = take_place(worker, parked), .counted = parked->counted};
	if (place_is_taken(let_in.place)) {
		stats_count(&worker->loop.stats, accepted, 1);
		session_open(&worker->sessions, branch, listener->socket->text, &let_in);
		return;
	}
	if (let_in.place != PLACE_NONE_OWN && is_own(worker, parked)) {
		/* or who waits for it would wait for itself */
		refuse(worker, parked, REFUSED_NO_PLACE);
		return;
	}
	full_enter(worker, branch, let_in.place);
	park(worker, parked);
	pause_branch(worker, branch);
}

static bool is_drained(const struct worker *worker, const struct section *section)
{
	return atomic_load_explicit(&worker->engine->drained, memory_order_relaxed) ||
	       atomic_load_explicit(&section->account->drained, memory_order_relaxed);
}

static void accepted(struct worker *worker, int fd, struct listener *listener)
{
	_Atomic uint64_t *count = &listener->socket->accepted;
	struct parked client = {.fd = fd, .listener = listener, .since_ms = worker->loop.now_ms};

	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	if (unlikely(pace_is_set(listener)))
		pace_took(worker, listener);
	if (is_drained(worker, listener->branch->section)) {
		log_debug("%s: refused: it is drained", listener->socket->text);
		refuse(worker, &client, REFUSED_DRAINED);
		return;
	}
	if (admit(worker, listener, fd, &client.counted))
		open_or_park(worker, &client);
}

static struct parked take_parked(struct worker *worker)
{
	struct parked parked = worker->parked[worker->parked_first];

	worker->parked_first = (worker->parked_first + 1) % PARKED_MAX;
	worker->parked_count--;
	parked.listener->parked--;
	return parked;
}

/* Serve who was parked, each at most once per call. */
static void unpark(struct worker *worker)
{
	for (uint32_t n = worker->parked_count; n > 0; n--) {
		struct parked parked = take_parked(worker);

		open_or_park(worker, &parked);
		release(worker, parked.listener);
	}
}

/* Hops do not wait behind those for whom the listener is paused. */
static void take_hops(struct worker *worker, struct listener *listener)
{
	int fd;

	if (!listener->paused || listener->fd < 0 || worker->state != WORKER_RUNNING ||
	    !hop_may_come(worker->engine, listener->branch->section))
		return;
	for (unsigned i = 0; i < HOPS_AT_ONCE && (fd = socket_accept(listener->fd)) >= 0; i++)
		accepted(worker, fd, listener);
}

void accept_resume(struct worker *worker)
{
	struct list *all = &worker->listeners, *node;

	for (node = all->next; node != all; node = node->next) {
		struct listener *listener = container_of(node, struct listener, link);

		if (!listener->paused)
			continue;
		listener->paused = false;
		wheel_clear(&worker->loop.wheel, &listener->retry);
	}
	/* A section that is full itself is paused again, and holds up no other. */
	unpark(worker);
	for (node = all->next; node != all; node = node->next)
		take_hops(worker, container_of(node, struct listener, link));
	for (node = all->next; node != all; node = node->next)
		arm(worker, container_of(node, struct listener, link));
}

/* ---- Completions ----------------------------------------------------------------------------- */

static void failed(struct worker *worker, struct listener *listener, int error)
{
	uint32_t wait = RETRY_FIRST_MS << (listener->failures < 7 ? listener->failures : 7);
	enum fault fault = fault_of(FAULT_AT_ACCEPT, error);
	enum condition condition = condition_of(fault);

	stats_count(&worker->loop.stats, accept_errors, 1);
	listener->failures++;
	if (fault == FAULT_PASSING && listener->failures < 64) {
		log_debug("%s: accept: %s", listener->socket->text, strerror(-error));
		return;
	}
	condition_enter(&worker->loop, condition == CONDITION_COUNT ? CONDITION_ACCEPT : condition,
			error);
	wheel_set(&worker->loop.wheel, &listener->retry,
		  worker->loop.now_ms + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS));
}

/* What is in the backlog was accepted by the kernel in our name; who comes now is too late. */
static void empty_backlog(struct worker *worker, struct listener *listener)
{
	uint32_t waiting = listener->backlog + 1;
	int fd;

	for (; waiting > 0 && (fd = socket_accept(listener->fd)) >= 0; waiting--)
		accepted(worker, fd, listener);
}

/*
 * For good, once nothing names the descriptor any more: an accept that is not
 * submitted yet would meet whoever gets the number next.
 */
static void close_listener(struct worker *worker, struct listener *listener)
{
	if (listener->armed || listener->fd < 0)
		return;
	empty_backlog(worker, listener);
	socket_close(listener->fd);
	listener->fd = -1;
	listener->socket->listener = NULL;
}

static bool is_wanted(const struct worker *worker, const struct listener *listener)
{
	return worker->state == WORKER_RUNNING && !listener->leaving;
}

static struct listener *find(const struct worker *worker, struct op_tag tag)
{
	return slab_find(&worker->listener_slab, tag.slot, tag.generation);
}

void accept_complete(struct worker *worker, struct op_tag tag, const struct io_uring_cqe *done)
{
	struct listener *listener = find(worker, tag);

	assert(listener); /* its slot is not free while it is armed */
	listener->armed = done->flags & IORING_CQE_F_MORE;
	if (!listener->armed)
		listener->cancelling = false;
	if (done->res >= 0) {
		listener->failures = 0;
		accepted(worker, done->res, listener);
		if (listener->multishot && !takes_many(worker, listener))
			cancel(worker, listener);
	} else if (done->res != -ECANCELED && is_wanted(worker, listener)) {
		failed(worker, listener, done->res);
	}
	if (is_wanted(worker, listener))
		arm(worker, listener);
	else
		close_listener(worker, listener);
	release(worker, listener);
}

void accept_cancelled(struct worker *worker, struct op_tag tag)
{
	struct listener *listener = find(worker, tag);

	/* Its target has not ended: it was missed, as can happen while it is being started. */
	if (!listener || !listener->armed || !listener->cancelling)
		return;
	listener->cancelling = false;
	if (listener->paused || !is_wanted(worker, listener))
		cancel(worker, listener);
}

void accept_expired(struct worker *worker, struct listener *listener)
{
	if (listener->paused)
		accept_resume(worker);
	else
		arm(worker, listener);
}

/* It accepts what waits in its backlog, and then no more. */
static void leave(struct worker *worker, struct listener *listener)
{
	listener->leaving = listener->paused = true;
	cancel(worker, listener);
	wheel_clear(&worker->loop.wheel, &listener->retry);
	if (listener->fd < 0)
		return;
	empty_backlog(worker, listener);
	close_listener(worker, listener);
	release(worker, listener);
}

void accept_leave(struct worker *worker, const struct accept_leave_order *order)
{
	/* The stop has left them all, and the editions that keep them may have ended since. */
	if (worker->state != WORKER_RUNNING)
		return;
	for (uint32_t i = 0; i < order->count; i++)
		if (order->sockets[i]->listener)
			leave(worker, order->sockets[i]->listener);
	accept_resume(worker); /* as in accept_stop() */
}

void accept_stop(struct worker *worker)
{
	struct list *node = worker->listeners.next, *next;

	for (; node != &worker->listeners; node = next) {
		next = node->next;
		leave(worker, container_of(node, struct listener, link));
	}
	/* Who is parked is served now; who finds no room pauses its listener, whose timer tries on.
	 */
	accept_resume(worker);
}

void accept_give_up(struct worker *worker, enum reason reason)
{
	while (worker->parked_count) {
		struct parked parked = take_parked(worker);

		give_up(worker, &parked, reason);
		release(worker, parked.listener);
	}
}
