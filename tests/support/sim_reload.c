#include "support/sim_reload.h"

#include "loop/socket.h"
#include "session/session.h"
#include "support/sim_orders.h"
#include "support/sim_strangers.h"

#include <stdlib.h>
#include <string.h>

#define RELOADS_MAX   5
#define ENTRANCES_MAX 32

/* A place where the process listens, with a socket for each worker, by whichever edition. */
static struct entrance {
	uint32_t place, users; /* editions that name it */
	bool left;             /* workers have been told to close it */
	bool offered[SIM_WORKERS];
	struct accept_socket *sockets; /* for each worker: freed with its last user */
	struct sim_listener *listeners[SIM_WORKERS];
} entrances[ENTRANCES_MAX];
static uint32_t entrance_count;

static struct engine *engine;
static struct sim_edition *current, *next; /* next: workers are being told of it */
static struct list old;
static uint32_t adopting, reloads;
static uint64_t grace_over_ns;

/* ---- Entrances ------------------------------------------------------------------------------- */

static uint32_t open_entrance(uint32_t place)
{
	struct entrance *entrance = &entrances[entrance_count];
	char *text = malloc(sizeof("sim"));

	if (entrance_count == ENTRANCES_MAX)
		sim_fail("more entrances than reloads can open");
	*entrance = (struct entrance){
		.place = place,
		.sockets = aligned_alloc(_Alignof(struct accept_socket),
					 engine->worker_count * sizeof(*entrance->sockets)),
	};
	memcpy(text, "sim", sizeof("sim"));
	for (uint32_t w = 0; w < engine->worker_count; w++)
		entrance->sockets[w] = (struct accept_socket){.fd = -1, .text = text};
	return entrance_count++;
}

static void put_entrance(struct entrance *entrance)
{
	if (--entrance->users > 0)
		return;
	for (uint32_t w = 0; w < engine->worker_count; w++)
		if (!entrance->offered[w] && entrance->sockets[w].fd >= 0) {
			entrance->listeners[w]->may_close = true;
			socket_close(entrance->sockets[w].fd);
		}
	free((void *)entrance->sockets[0].text);
	memset(entrance->sockets, 0xa5, engine->worker_count * sizeof(*entrance->sockets));
	free(entrance->sockets);
	entrance->sockets = NULL;
}

static bool names(const struct sim_edition *edition, uint32_t index)
{
	for (uint32_t place = 0; place < SIM_PLACES; place++)
		if (edition->leads[place] != SIM_NOWHERE && edition->entrances[place] == index)
			return true;
	return false;
}

/* That is there for the place, and not left. */
static uint32_t find_entrance(uint32_t place)
{
	for (uint32_t i = 0; i < entrance_count; i++)
		if (entrances[i].users && !entrances[i].left && entrances[i].place == place)
			return i;
	return SIM_NOWHERE;
}

static bool listen_at(struct entrance *entrance, uint32_t worker)
{
	int fd = sim_listen(entrance->place, worker);

	if (fd < 0)
		return false;
	entrance->sockets[worker].fd = fd;
	entrance->listeners[worker] = sim_listener_of(fd);
	entrance->listeners[worker]->room = SIM_BACKLOG - 1;
	return true;
}

/* Those of the edition before, and new ones, which all listen; or it comes to nothing. */
static bool open_entrances(struct sim_edition *edition)
{
	bool all = true;

	for (uint32_t place = 0; place < SIM_PLACES; place++) {
		uint32_t index = find_entrance(place);
		bool fresh = index == SIM_NOWHERE;

		if (edition->leads[place] == SIM_NOWHERE)
			continue;
		if (fresh)
			index = open_entrance(place);
		edition->entrances[place] = index;
		entrances[index].users++;
		for (uint32_t w = 0; w < engine->worker_count && fresh; w++)
			all &= listen_at(&entrances[index], w);
	}
	return all;
}

/* Their queues are as long as the edition says; who waits in one stays there. */
static void listen_again(const struct sim_edition *edition)
{
	for (uint32_t place = 0; place < SIM_PLACES; place++) {
		if (edition->leads[place] == SIM_NOWHERE)
			continue;
		for (uint32_t w = 0; w < engine->worker_count; w++) {
			struct sim_listener *listener =
				entrances[edition->entrances[place]].listeners[w];

			if (listener)
				listener->room =
					edition->sources[edition->leads[place]].settings.backlog;
		}
	}
}

static void free_edition(struct sim_edition *edition)
{
	for (uint32_t place = 0; place < SIM_PLACES; place++)
		if (edition->leads[place] != SIM_NOWHERE)
			put_entrance(&entrances[edition->entrances[place]]);
	sim_edition_free(edition);
}

/* ---- Offers ---------------------------------------------------------------------------------- */

struct adopt {
	struct accept_order accept;
	struct accept_offer offers[SIM_PLACES];
	struct sim_listener *listeners[SIM_PLACES];
};

static void add_offer(struct adopt *adopt, const struct sim_edition *edition, uint32_t place)
{
	uint32_t worker = adopt->accept.order.worker;
	struct entrance *entrance = &entrances[edition->entrances[place]];
	const struct section *section = &edition->sections[edition->leads[place]];

	if (entrance->sockets[worker].fd < 0)
		return; /* it comes later */
	entrance->listeners[worker]->will_lead = section->config;
	if (!entrance->offered[worker])
		entrance->listeners[worker]->leads = section->config;
	adopt->listeners[adopt->accept.count] = entrance->listeners[worker];
	adopt->offers[adopt->accept.count++] = (struct accept_offer){
		.socket = &entrance->sockets[worker],
		.section = section,
		.fresh = !entrance->offered[worker],
	};
	entrance->offered[worker] = true;
}

static struct adopt *make_adopt(enum order_kind kind, uint32_t worker, order_handler *done)
{
	struct adopt *adopt = calloc(1, sizeof(*adopt));

	if (!adopt)
		sim_fail("no memory for an order");
	adopt->accept.order = (struct order){.kind = kind, .worker = worker, .done = done};
	adopt->accept.offers = adopt->offers;
	return adopt;
}

/* It leads there now; or, where the worker ends, it is still ours. */
static void take_back(struct adopt *adopt)
{
	for (uint32_t i = 0; i < adopt->accept.count; i++) {
		struct accept_offer *offer = &adopt->offers[i];

		if (offer->fresh && !offer->taken) {
			if (!sim_is_ending())
				sim_fail("a worker that runs does not take a socket");
			adopt->listeners[i]->may_close = true;
			socket_close(offer->socket->fd);
		} else {
			adopt->listeners[i]->leads = offer->section->config;
		}
	}
	free(adopt);
}

static void listened(struct order *order)
{
	take_back(container_of(order, struct adopt, accept.order));
}

static void offer(uint32_t place, uint32_t worker)
{
	struct adopt *adopt = make_adopt(ORDER_LISTEN, worker, listened);

	add_offer(adopt, current, place);
	sim_order_now(worker, &adopt->accept.order);
}

/* What could not be listened on is tried again, as long as the edition of the day names it. */
static void try_late(void *unused)
{
	bool any = false;

	(void)unused;
	if (sim_is_ending())
		return;
	for (uint32_t place = 0; place < SIM_PLACES; place++)
		for (uint32_t w = 0; w < engine->worker_count; w++) {
			struct entrance *entrance = &entrances[current->entrances[place]];

			if (current->leads[place] == SIM_NOWHERE || entrance->offered[w])
				continue;
			if (!next && sim_chance(2) &&
			    (entrance->sockets[w].fd >= 0 || listen_at(entrance, w))) {
				listen_again(current);
				offer(place, w);
			}
			any |= !entrance->offered[w];
		}
	if (any)
		sim_at(sim.now_ns + 50 * SIM_MS, try_late, NULL);
}

/* ---- Servers that are known late ------------------------------------------------------------- */

static void know_all(void *unused)
{
	bool any = false;

	(void)unused;
	for (uint32_t i = 0; i < current->edition.section_count; i++)
		any |= sim_edition_know(current, i);
	if (any && !sim_is_ending())
		sim_command(ORDER_CATCH_UP);
}

static void change_servers(void *unused)
{
	(void)unused;
	if (sim_is_ending() || next || !sim_edition_change(current))
		return;
	sim_command(ORDER_CATCH_UP);
}

static void look_for_names(void)
{
	sim_at(sim.now_ns + sim_random() % (100 * SIM_MS), know_all, NULL);
}

/* ---- Leaving --------------------------------------------------------------------------------- */

struct leave {
	struct accept_leave_order leave;
	struct accept_socket *sockets[ENTRANCES_MAX];
};

static void left(struct order *order)
{
	free(container_of(order, struct leave, leave.order));
}

/* What the edition of the day does not name. */
static bool is_to_be_left(const struct entrance *entrance)
{
	return entrance->users && !entrance->left &&
	       !names(current, (uint32_t)(entrance - entrances));
}

static struct leave *make_leave(uint32_t worker)
{
	struct leave *order = calloc(1, sizeof(*order));

	if (!order)
		sim_fail("no memory for an order");
	order->leave = (struct accept_leave_order){
		.order = {.kind = ORDER_LEAVE, .done = left},
		.sockets = order->sockets,
	};
	for (uint32_t i = 0; i < entrance_count; i++) {
		if (!is_to_be_left(&entrances[i]) || !entrances[i].offered[worker])
			continue;
		order->sockets[order->leave.count++] = &entrances[i].sockets[worker];
		entrances[i].listeners[worker]->may_close = true;
	}
	return order;
}

static void leave_all(void *unused)
{
	(void)unused;
	if (next || sim.now_ns < grace_over_ns)
		return; /* another edition gives a grace of its own */
	for (uint32_t w = 0; w < engine->worker_count; w++)
		sim_order_soon(w, &make_leave(w)->leave.order);
	for (uint32_t i = 0; i < entrance_count; i++)
		entrances[i].left |= is_to_be_left(&entrances[i]);
}

/* ---- Adopting -------------------------------------------------------------------------------- */

static void retired(struct order *order)
{
	struct retire_order *retire = container_of(order, struct retire_order, order);
	struct sim_edition *edition = order->owner;

	if (retire->tenancy->used)
		sim_fail("a tenancy of edition %llu is given back with %u under it",
			 (unsigned long long)edition->edition.number, retire->tenancy->used);
	if (--edition->retiring > 0)
		return;
	list_remove(&edition->link);
	free_edition(edition);
}

static void commit(void)
{
	struct sim_edition *before = current;

	current = next;
	next = NULL;
	sim_edition_replaced(before);
	sim_edition_in_force(current);
	sim_command(ORDER_CATCH_UP);
	before->retiring = engine->worker_count;
	list_push(&old, &before->link);
	for (uint32_t w = 0; w < engine->worker_count; w++) {
		before->retire[w].order.done = retired;
		sim_order_soon(w, &before->retire[w].order);
	}
	grace_over_ns = sim.now_ns + sim_random() % (sim_chance(2) ? 2 * SIM_MS : 100 * SIM_MS);
	sim_at(grace_over_ns, leave_all, NULL);
	look_for_names();
	try_late(NULL);
	if (sim_chance(8))
		sim_command(sim_chance(4) ? ORDER_STOP : ORDER_DRAIN);
}

static void adopted(struct order *order)
{
	take_back(container_of(order, struct adopt, accept.order));
	if (--adopting == 0)
		commit();
}

static void reload(void *unused)
{
	struct adopt *orders[SIM_WORKERS];

	(void)unused;
	if (sim_is_ending() || next)
		return;
	next = sim_edition_make(current);
	if (!open_entrances(next) || sim_chance(12)) {
		free_edition(next);
		next = NULL;
		return;
	}
	sim_trace("edition %llu is adopted", (unsigned long long)next->edition.number);
	listen_again(next);
	adopting = engine->worker_count;
	for (uint32_t w = 0; w < engine->worker_count; w++) {
		orders[w] = make_adopt(ORDER_ADOPT, w, adopted);
		orders[w]->accept.tenancy = next->tenancies[w];
		for (uint32_t place = 0; place < SIM_PLACES; place++)
			if (next->leads[place] != SIM_NOWHERE)
				add_offer(orders[w], next, place);
	}
	for (uint32_t w = 0; w < engine->worker_count; w++)
		sim_order_soon(w, &orders[w]->accept.order);
}

bool sim_reload_again(void)
{
	if (reloads == 0 || !sim_chance(2))
		return false;
	reloads--;
	reload(NULL);
	return true;
}

/* ---- Its life -------------------------------------------------------------------------------- */

void sim_reload_begin(struct engine *of)
{
	engine = of;
	entrance_count = adopting = 0;
	next = NULL;
	list_init(&old);
	sim_editions_begin(engine);
	current = sim_edition_make(NULL);
	sim_edition_in_force(current);
	for (uint32_t place = 0; place < SIM_PLACES; place++) {
		if (current->leads[place] == SIM_NOWHERE)
			continue;
		current->entrances[place] = open_entrance(place);
		entrances[current->entrances[place]].users = 1;
		for (uint32_t w = 0; w < engine->worker_count; w++)
			if (!sim_chance(8))
				(void)listen_at(&entrances[current->entrances[place]], w);
	}
	listen_again(current);
}

struct tenancy *sim_reload_tenancy(uint32_t worker)
{
	return current->tenancies[worker];
}

void sim_reload_open(uint32_t worker)
{
	for (uint32_t place = 0; place < SIM_PLACES; place++)
		if (current->leads[place] != SIM_NOWHERE &&
		    entrances[current->entrances[place]].sockets[worker].fd >= 0)
			offer(place, worker);
}

void sim_reload_plan(void)
{
	reloads = sim_chance(2) ? 0 : sim_between(1, RELOADS_MAX);
	sim_at(sim.now_ns + sim_random() % (100 * SIM_MS), try_late, NULL);
	look_for_names();
	for (uint32_t i = sim_chance(2) ? sim_between(0, 4) : 0; i > 0; i--)
		sim_at(sim.now_ns + sim_random() % (150 * SIM_MS), change_servers, NULL);
	for (uint32_t i = sim_between(0, reloads); i > 0; i--, reloads--)
		sim_at(sim.now_ns + sim_random() % (sim_chance(2) ? 5 * SIM_MS : 120 * SIM_MS),
		       reload, NULL);
}

uint32_t sim_reload_some_place(void)
{
	uint32_t place = (uint32_t)(sim_random() % SIM_PLACES);

	while (current->leads[place] == SIM_NOWHERE && !sim_chance(8))
		place = (uint32_t)(sim_random() % SIM_PLACES);
	return place;
}

void sim_reload_end(void)
{
	if (next)
		sim_fail("an edition was not adopted");
	if (!list_is_empty(&old))
		sim_fail("an edition is not given back");
	for (uint32_t w = 0; w < engine->worker_count; w++)
		if (current->tenancies[w]->used)
			sim_fail("worker %u has left %u in its edition", w,
				 current->tenancies[w]->used);
	free_edition(current);
	sim_editions_end();
}

/* ---- The rules ------------------------------------------------------------------------------- */

static void check_used(const struct sim_edition *edition, uint32_t worker)
{
	const struct tenancy *tenancy = edition->tenancies[worker];
	uint32_t used = view_used(sim.workers[worker], tenancy);

	if (tenancy->used != used)
		sim_fail("worker %u has %u under edition %llu, and counts %u", worker, used,
			 (unsigned long long)edition->edition.number, tenancy->used);
}

void sim_reload_turn(void)
{
	/* Of another worker's room nobody tells. */
	if (engine->worker_count == 1 && view_is_running(sim.worker) &&
	    view_waits_in_vain(sim.worker))
		sim_fail("somebody waits for room, and there is some");
	check_used(current, sim.turn);
	for (struct list *node = old.next; node != &old; node = node->next)
		check_used(container_of(node, struct sim_edition, link), sim.turn);
}

static bool is_accepting(const struct sim_listener *listener)
{
	for (uint32_t i = 0; i < sim.op_top; i++)
		if (sim.ops[i].used && sim.ops[i].file && sim.ops[i].file->listener == listener)
			return true;
	return false;
}

static void check_retiring(const struct sim_edition *edition)
{
	for (uint32_t w = 0; w < engine->worker_count; w++)
		if (edition->retire[w].order.under_way && !edition->tenancies[w]->used)
			sim_fail("worker %u keeps edition %llu, and has nothing under it", w,
				 (unsigned long long)edition->edition.number);
}

void sim_reload_rest(void)
{
	for (uint32_t i = 0; i < sim.listener_count; i++) {
		const struct sim_listener *listener = &sim.listeners[i];

		if (listener->closed || !view_is_running(sim.workers[listener->worker]))
			continue;
		if (!is_accepting(listener))
			sim_fail("nobody accepts at place %u", listener->place);
		if (listener->may_close)
			sim_fail("place %u is not left", listener->place);
	}
	for (uint32_t w = 0; w < engine->worker_count; w++)
		if (!view_is_over(sim.workers[w]) && view_parked(sim.workers[w]))
			sim_fail("%u who were accepted wait for ever", view_parked(sim.workers[w]));
	for (struct list *node = old.next; node != &old; node = node->next)
		check_retiring(container_of(node, struct sim_edition, link));
}

void sim_check_leaving(const struct sim_listener *listener)
{
	if (!listener->may_close && !sim_is_ending())
		sim_fail("place %u is closed, and an edition of the day names it", listener->place);
	if (listener->waiting && sim.descriptors_max == SIM_FILES)
		sim_fail("%u who wait at place %u are reset", listener->waiting, listener->place);
}

/* It has not been given what is kept for others, nor more than is kept for it. */
static void check_place(const struct section *section, enum place place)
{
	uint32_t shared = engine->connections_max - section->edition->kept;

	if (place == PLACE_SHARED && engine->shared > shared)
		sim_fail("%u shared places are taken, of %u", engine->shared, shared);
	if (place == PLACE_KEPT && section->account->kept > section->kept)
		sim_fail("%u places that are kept for %s are taken, of %u", section->account->kept,
			 section->config->title, section->kept);
}

void __real_session_open(struct sessions *all, struct branch *branch, const char *text,
			 const struct let_in *let_in);
void __wrap_session_open(struct sessions *all, struct branch *branch, const char *text,
			 const struct let_in *let_in);

/* A place has just been taken for it: nobody else has run since. */
void __wrap_session_open(struct sessions *all, struct branch *branch, const char *text,
			 const struct let_in *let_in)
{
	const struct config_section *section = branch->section->config;
	struct sim_connection *client = sim_connected(let_in->fd);
	const struct sim_listener *through = client->through;
	uint32_t most = section->settings.max_connections;

	if (most && sim_account_of(section)->connections > most)
		sim_fail("a connection is taken as number %u, of %u at most",
			 sim_account_of(section)->connections, most);
	check_place(branch->section, let_in->place);
	if (section != through->leads && section != through->will_lead)
		sim_fail("place %u leads to another section", through->place);
	if (strcmp(text, "sim") != 0)
		sim_fail("it came in at %s", text);
	client->served = true;
	sim_strangers_opened(branch->section, client);
	sim_count_opened(section);
	__real_session_open(all, branch, text, let_in);
}
