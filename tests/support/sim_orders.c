#include "support/sim_orders.h"

#include "support/sim_operator.h"
#include "worker/worker.h"

#include <errno.h>

static struct order commands[SIM_WORKERS][ORDER_KIND_COUNT];
static struct order_tray tray;
static uint64_t told_ns[SIM_WORKERS];
static uint32_t count, out; /* workers; and orders that are to be done, and not back */
static bool ending;

void sim_orders_begin(uint32_t workers)
{
	tray = (struct order_tray){.fd = -1};
	count = workers;
	out = 0;
	ending = false;
	for (uint32_t w = 0; w < SIM_WORKERS; w++) {
		told_ns[w] = 0;
		for (unsigned kind = 0; kind < ORDER_KIND_COUNT; kind++)
			commands[w][kind] =
				(struct order){.kind = (enum order_kind)kind, .worker = w};
	}
}

bool sim_is_ending(void)
{
	return ending;
}

/* The bell may fail, and is tried again; a worker that turns meanwhile needs none. */
static void ring(void *object)
{
	struct worker *worker = object;

	if (view_is_over(worker))
		return;
	if (sim_chance(3))
		sim_at(sim.now_ns + 10 * SIM_MS, ring, worker);
	else
		fake_kernel_post(sim_ring_of(view_index(worker)),
				 op_pack((struct op_tag){.kind = OP_CONTROL}), 0, 0);
}

static void come_back(struct order *order)
{
	order->under_way = false;
	if (!order->done)
		return;
	out--;
	order->done(order);
}

static void put(struct order *order)
{
	static const char *const names[] = {
		[ORDER_PING] = "ping",   [ORDER_LISTEN] = "listen", [ORDER_ADOPT] = "adopt",
		[ORDER_LEAVE] = "leave", [ORDER_RETIRE] = "retire", [ORDER_CATCH_UP] = "catch up",
		[ORDER_DRAIN] = "drain", [ORDER_STOP] = "stop",     [ORDER_CENSUS] = "census",
	};
	struct worker *worker = sim.workers[order->worker];

	sim_trace("order to %u: %s", order->worker, names[order->kind]);
	if (view_is_over(worker)) {
		order->result = -ESHUTDOWN;
		come_back(order);
		return;
	}
	if (order->under_way) {
		order->again = true;
		return;
	}
	order->under_way = true;
	order->again = false;
	if (order_put(&worker->inbox, order, &tray))
		ring(worker);
}

static void put_later(void *order)
{
	put(order);
}

void sim_order_now(uint32_t worker, struct order *order)
{
	order->worker = worker;
	out += order->done != NULL;
	put(order);
}

void sim_order_soon(uint32_t worker, struct order *order)
{
	uint64_t when_ns = sim.now_ns + sim_random() % (sim_one_of(1, 10, 100, 2000) * SIM_US);

	if (count == 1) {
		sim_order_now(worker, order);
		return;
	}
	order->worker = worker;
	out += order->done != NULL;
	told_ns[worker] = told_ns[worker] < when_ns ? when_ns : told_ns[worker];
	sim_at(told_ns[worker], put_later, order);
}

void sim_command(enum order_kind what)
{
	ending |= what == ORDER_DRAIN || what == ORDER_STOP;
	for (uint32_t i = 0; i < count; i++)
		sim_order_soon(i, &commands[i][what]);
}

static void hear(void *unused)
{
	struct order *back, *next;

	(void)unused;
	for (back = order_take(&tray.box); back; back = next) {
		next = back->next;
		if (back->again) {
			back->under_way = false;
			put(back);
		} else {
			come_back(back);
		}
	}
}

void sim_orders_turn(void)
{
	if (!order_any(&tray.box))
		return;
	if (sim_chance(2))
		hear(NULL);
	else
		sim_at(sim.now_ns + sim_random() % (sim_one_of(10, 100, 1000, 5000) * SIM_US), hear,
		       NULL);
}

void sim_orders_end(void)
{
	struct order *late, *next;

	hear(NULL);
	for (uint32_t i = 0; i < count; i++) {
		for (late = order_take(&sim.workers[i]->inbox); late; late = next) {
			next = late->next;
			late->result = -ESHUTDOWN;
			come_back(late);
		}
		for (unsigned kind = 0; kind < ORDER_KIND_COUNT; kind++)
			if (commands[i][kind].under_way)
				sim_fail("an order to worker %u is lost", i);
	}
	if (out)
		sim_fail("%u orders have not come back", out);
}
