#include "worker/order.h"

#include "base/clock.h"

#include "ops/events.h"
#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RETRY_MS    10
#define PATIENCE_MS 1000 /* with a bell that does not ring, before it is said */

struct orders_worker {
	struct order_box *box; /* NULL: it has not begun, or has ended */
	bool owed;             /* the bell has not rung for what is in the box */
	bool told;             /* ... for so long that it has been said */
	uint64_t since_ms;     /* owed */
};

/* ---- The box --------------------------------------------------------------------------------- */

static bool push(struct order_box *box, struct order *order)
{
	struct order *newest = atomic_load_explicit(&box->newest, memory_order_relaxed);

	do
		order->next = newest;
	while (!atomic_compare_exchange_weak_explicit(&box->newest, &newest, order,
						      memory_order_release, memory_order_relaxed));
	return newest == NULL;
}

bool order_put(struct order_box *box, struct order *order, struct order_tray *back)
{
	order->back = back;
	return push(box, order);
}

struct order *order_take(struct order_box *box)
{
	struct order *newest = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
	struct order *oldest = NULL;

	while (newest) {
		struct order *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

void order_return(struct order *order, int result)
{
	struct order_tray *back = order->back;
	uint64_t one = 1;

	order->result = result;
	(void)push(&back->box, order); /* and it is not ours any more */
	if (back->fd >= 0)
		(void)!write(back->fd, &one, sizeof(one)); /* full is as good as rung */
}

/* ---- The bell -------------------------------------------------------------------------------- */

static void tell_rung(struct orders_worker *worker, uint32_t index)
{
	if (worker->told)
		log_info("worker %u is reached again", index);
	worker->owed = worker->told = false;
}

static void tell_not_rung(struct orders_worker *worker, uint32_t index, int error)
{
	uint64_t now = clock_now_ms();

	if (!worker->owed)
		worker->since_ms = now;
	worker->owed = true;
	if (worker->told || now - worker->since_ms < PATIENCE_MS)
		return;
	worker->told = true;
	log_warning("cannot reach worker %u: %s; it is tried again and again", index,
		    strerror(-error));
}

static void ring(struct orders *orders, uint32_t index)
{
	struct orders_worker *worker = &orders->workers[index];
	int r = orders->bell(orders->owner, index);

	if (r >= 0) {
		tell_rung(worker, index);
		return;
	}
	tell_not_rung(worker, index, r);
	if (!orders->retrying)
		events_set_in(orders->retry, RETRY_MS);
	orders->retrying = true; /* and is not put off by another that fails meanwhile */
}

static void on_retry(void *owner)
{
	struct orders *orders = owner;

	orders->retrying = false;
	for (uint32_t i = 0; i < orders->count; i++)
		if (orders->workers[i].owed)
			ring(orders, i);
}

/* ---- Sending and coming back ----------------------------------------------------------------- */

void orders_send(struct orders *orders, uint32_t worker, struct order *order)
{
	struct order_box *box = orders->workers[worker].box;

	if (order->under_way) {
		assert(order->worker == worker);
		order->again = true;
		return;
	}
	order->worker = worker;
	order->under_way = true;
	order->back = &orders->back;
	if (!box)
		order_return(order, -ESHUTDOWN);
	else if (order_put(box, order, &orders->back))
		ring(orders, worker);
	/* else it is taken with those before it, for which the bell has rung, or will */
}

static void come_back(struct orders *orders, struct order *order)
{
	bool again = order->again;

	order->under_way = order->again = false;
	if (again)
		orders_send(orders, order->worker, order);
	else if (order->done)
		order->done(order);
}

static void on_returned(void *owner, uint32_t ready)
{
	struct orders *orders = owner;
	struct order *order, *next;
	uint64_t count;

	(void)ready;
	(void)!read(orders->back.fd, &count,
		    sizeof(count)); /* first: who pushes after it writes again */
	for (order = order_take(&orders->back.box); order; order = next) {
		next = order->next;
		come_back(orders, order);
	}
}

/* ---- Beginnings and ends --------------------------------------------------------------------- */

void orders_begin(struct orders *orders, uint32_t worker, struct order_box *box)
{
	orders->workers[worker].box = box;
}

void orders_end(struct orders *orders, uint32_t worker)
{
	struct order_box *box = orders->workers[worker].box;
	struct order *order, *next;

	if (!box)
		return;
	orders->workers[worker] = (struct orders_worker){0};
	for (order = order_take(box); order; order = next) {
		next = order->next;
		order_return(order, -ESHUTDOWN);
	}
}

int orders_open(struct orders *orders, struct events *events, uint32_t workers, orders_bell *bell,
		void *owner)
{
	int r;

	*orders = (struct orders){
		.events = events,
		.bell = bell,
		.owner = owner,
		.back.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.count = workers,
	};
	if (orders->back.fd < 0)
		return -errno;
	orders->workers = calloc(workers, sizeof(*orders->workers));
	r = orders->workers ? events_add_descriptor(events, &orders->returned, orders->back.fd,
						    EPOLLIN, on_returned, orders)
			    : -ENOMEM;
	if (r == 0)
		r = events_add_timer(events, &orders->retry, on_retry, orders);
	if (r < 0)
		orders_close(orders);
	return r;
}

void orders_close(struct orders *orders)
{
	struct order *order, *next;

	events_remove(orders->returned);
	events_remove(orders->retry);
	for (order = order_take(&orders->back.box); order; order = next) {
		next = order->next;
		order->under_way = order->again = false;
		if (order->done)
			order->done(order);
	}
	free(orders->workers);
	if (orders->back.fd >= 0)
		close(orders->back.fd);
	*orders = (struct orders){.back.fd = -1};
}
