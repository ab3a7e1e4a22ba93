/*
 * The real engine against everything a kernel, a network and two rude peers can
 * do to it: see support/sim.h for the world and support/sim_check.c for the rules.
 *
 *   SIM_SEED=4711 build/asan/tests/sim_engine      one seed, told step by step
 *   SIM_SEEDS=1000000 SIM_FIRST=0 ...              so many from there on
 */
#include "loop/socket.h"
#include "relay/strategies.h"
#include "service/services.h"
#include "session/life.h"
#include "session/measure.h"
#include "session/tally.h"
#include "session/tenancy.h"
#include "support/sim.h"
#include "support/sim_drain.h"
#include "support/sim_operator.h"
#include "support/strategies.h"
#include "support/suite.h"
#include "worker/worker.h"

#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FEW         1000  /* seeds that need not reach everything */
#define SEEDS       30000 /* in `make check` */
#define PARTS       8
#define SECTIONS    2
#define SOCKETS     (2 * SECTIONS) /* of a worker: perhaps two of one section */
#define SERVERS     3
#define CLIENTS_MAX 8
#define KEYS_MAX    256
#define HORIZON_MS  12000 /* when the operator loses patience */
#define LATE_MS     5     /* for a rest to end, where the kernel has no memory */
#define IDLE_MAX    3000  /* turns that bring nothing on: a worker that needs more is spinning */

static struct config config;
static struct config_section config_sections[SECTIONS];
static struct config_origin origins[KEYS_MAX]; /* every key has its default */
static struct section sections[SECTIONS];
static struct account accounts[SECTIONS + 1]; /* the last is all servers' */
static _Atomic uint64_t cells[SECTIONS + 1][SIM_WORKERS * TALLY_COUNT];
static struct histogram histograms[SECTIONS][SIM_WORKERS * MEASURE_COUNT];
static struct edition edition;
static struct tenancy *tenancies[SIM_WORKERS];
static struct server servers[SECTIONS][SERVERS];
static struct member members[SECTIONS][SERVERS];
static struct engine engine;
static struct worker workers[SIM_WORKERS];
static struct access_queue access_log; /* nothing is put into it */
static bool calm;                      /* everything works and everybody is polite */
static bool jammed;                    /* few buffers, and many who do not read */

static uint32_t one_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	const uint32_t values[] = {a, b, c, d};

	return values[sim_random() % 4];
}

/* ---- Who comes ------------------------------------------------------------------------------- */

static struct sim_script some_script(bool client)
{
	bool rude = !calm;
	struct sim_script script = {
		.send = sim.scale * one_of(0, sim_between(1, 20), sim_between(1, 600),
					   sim_between(1, sim.scale > 1 ? 1200 : 6000)),
		.after = client || sim_chance(2) ? 0 : sim_between(1, 100),
		.burst = sim.scale * one_of(sim_between(1, 40), 100, 1500, 6000),
		.pause_us = one_of(0, 10, 100, sim_between(1, 3000)),
		.read_burst = sim.scale * one_of(sim_between(1, 40), 100, 1500, 6000),
		.stall_at = UINT32_MAX,
		.finish = (enum sim_finish)(sim_random() % SIM_FINISH_COUNT),
	};

	if (!rude && (script.finish == SIM_RESET || script.finish == SIM_CLOSE))
		script.finish = client ? SIM_HALF_CLOSE : SIM_WAIT;
	if (client && script.finish == SIM_WAIT && sim_chance(2))
		script.finish = SIM_HALF_CLOSE;
	if (sim_chance(jammed ? 2 : 6)) {
		script.stall_at = sim.scale * sim_between(0, 2000);
		script.stall_us = rude && sim_chance(3) ? UINT32_MAX : sim_between(1, 300000);
	}
	if (rude && sim_chance(12))
		script.reset_us = sim_between(1, 5000);
	if (rude && sim_chance(6))
		script.deaf_us = sim_between(1, 5000);
	if (rude && sim_chance(24))
		script.vanish_us = sim_between(1, 5000);
	if (sim_chance(8))
		script.urgent = sim_between(1, 20);
	return script;
}

static int answer(struct sim_connection *connection, const struct address *address)
{
	static const int errors[] = {-ECONNREFUSED,  -EHOSTUNREACH, -ETIMEDOUT,
				     -EADDRNOTAVAIL, -ENETUNREACH,  -ENOBUFS};
	unsigned number = address->port - SIM_PORT_FIRST;

	connection->script = some_script(false);
	connection->section = &config_sections[number / SERVERS];
	connection->server = servers[number / SERVERS][number % SERVERS].text;
	if (connection->local && sim_chance(sim.faults.connect))
		return sim_chance(2) ? -EAGAIN : -ECONNREFUSED;
	if (sim_chance(sim.faults.connect))
		return errors[sim_random() % array_size(errors)];
	return 0;
}

static void send_clients(void)
{
	uint32_t count = sim_between(1, CLIENTS_MAX);

	for (uint32_t i = 0; i < count; i++) {
		struct sim_connection *client = sim_connection_new(true);

		client->script = some_script(true);
		client->section = &config_sections[sim_random() % edition.section_count];
		if (client->section->kind == CONFIG_CHARGEN)
			client->script.finish = SIM_HALF_CLOSE;
		else if (client->section->kind == CONFIG_RESPONDER)
			sim_ask(client);
		sim_at(sim.now_ns + sim_random() % (sim_chance(2) ? SIM_MS : 100 * SIM_MS),
		       sim_arrive, client);
	}
}

/* ---- The daemon ------------------------------------------------------------------------------ */

static uint32_t timeout_ms(unsigned never)
{
	return sim_chance(never) ? 0 : sim_between(1, 3000);
}

static const struct strategy *some_strategy(const struct config_section *section)
{
	if (section->kind != CONFIG_PROXY)
		return service_of(section->kind);
	if (sim_chance(10))
		return sim_chance(2) ? &plain_strategy : &patient_strategy;
	return strategy((enum config_relay)section->settings.relay);
}

static void make_section(uint32_t index)
{
	static const enum config_kind services[] = {CONFIG_ECHO, CONFIG_DISCARD, CONFIG_CHARGEN,
						    CONFIG_RESPONDER, CONFIG_RESPONDER};
	static const char *const names[SERVERS] = {"first", "second", "third"};
	struct config_section *source = &config_sections[index];
	struct section *section = &sections[index];
	bool proxy = !sim_chance(5);

	*source = (struct config_section){
		.kind = proxy ? CONFIG_PROXY : services[sim_random() % array_size(services)],
		.name = (char *)"sim",
		.title = (char *)"[proxy sim]",
		.origins = origins,
		.responder_size = one_of(0, 1, sim_between(1, 300), sim_between(1, 3000)),
		.settings =
			{
				.connect_timeout_ms = sim_between(1, 3000),
				.idle_timeout_ms = timeout_ms(2),
				.half_close_timeout_ms = timeout_ms(4),
				.max_lifetime_ms = sim_chance(20) ? sim_between(1, 100) : 0,
				.max_lifetime_jitter = sim_between(0, 50),
				.max_connections = sim_chance(4) ? sim_between(1, 4) : 0,
				.receive_budget = sim.scale * one_of(20, 200, 1000, 100000),
				.relay = sim.scale > 1 && sim_chance(2)
						 ? CONFIG_RELAY_ZEROCOPY
						 : (uint32_t)(sim_random() % CONFIG_RELAY_COUNT),
				.pipe_size = sim.scale * one_of(1, 100, 1000, 4096),
			},
	};
	accounts[index] = (struct account){.id = index + 1,
					   .cells = cells[index],
					   .stride = TALLY_COUNT,
					   .histograms = histograms[index],
					   .histogram_count = MEASURE_COUNT};
	*section = (struct section){
		.edition = &edition,
		.account = &accounts[index],
		.pool = {.members = members[index], .room = proxy ? sim_between(1, SERVERS) : 0},
	};
	if (life_give(section, source, some_strategy(source)) < 0)
		sim_fail("%s cannot be prepared", section->strategy->name);
	/* Names may be answered late. */
	section->pool.count =
		proxy && sim_chance(8) ? sim_between(0, section->pool.room) : section->pool.room;
	for (uint32_t i = 0; i < section->pool.room; i++) {
		struct server *server = &servers[index][i];
		struct address *address = &server->address;

		*server = (struct server){.title = source->title,
					  .text = (char *)names[i],
					  .account = &accounts[SECTIONS]};
		members[index][i] = (struct member){.server = server, .place = (char *)"sim:1"};
		*address = (struct address){
			.kind = ADDRESS_INET,
			.length = sizeof(address->u.in),
			.port = (uint16_t)(SIM_PORT_FIRST + index * SERVERS + i),
		};
		address->u.in = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(address->port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		};
		if (sim_chance(8))
			address->u.any.sa_family = AF_UNIX;
	}
}

static void make_engine(void)
{
	config = (struct config){.drain_timeout_ms = timeout_ms(4), .origins = origins};
	edition = (struct edition){
		.number = 1,
		.config = &config,
		.sections = sections,
		.section_count = sim_between(1, SECTIONS),
	};
	engine = (struct engine){
		.worker_count = sim_between(1, SIM_WORKERS),
		.connections_max = one_of(sim_between(1, 3), sim_between(1, 16), 300, 300),
		.sizes.buffer_size = sim.scale * one_of(10, 30, 100, 512),
		.sizes.pipes_max = one_of(0, 1, 2, 8),
		.sizes.coalesce_us = one_of(0, 100, 1000, 1000),
		.sizes.turn_bytes = sim.scale * one_of(1, 100, 1000, ENGINE_TURN_BYTES),
		.wake_fd = -1,
	};
	engine.sizes.buffer_memory =
		(uint64_t)engine.sizes.buffer_size * (jammed ? 4 : one_of(4, 8, 32, 200));
	fake_kernel_capabilities(&engine.capabilities);
	if (sim_chance(4))
		(void)!ring_capabilities_without(&engine.capabilities, "recv-bundle");
	if (sim_chance(4))
		(void)!ring_capabilities_without(&engine.capabilities, "recv-budget");
	if (sim_chance(4))
		(void)!ring_capabilities_without(&engine.capabilities, "abs-timer");
	if (sim_chance(4))
		(void)!ring_capabilities_without(&engine.capabilities, "cqe-skip");
	if (sim_chance(4))
		(void)!ring_capabilities_without(&engine.capabilities, "min-wait");
	/* Listening sockets, and a connection. */
	if (!calm && sim_chance(6))
		sim.descriptors_max = sim_between(SOCKETS * engine.worker_count + 2, 18);
	accounts[SECTIONS] = (struct account){.cells = cells[SECTIONS], .stride = TALLY_COUNT};
	for (uint32_t i = 0; i < edition.section_count; i++)
		make_section(i);
}

static struct ring_options some_options(void)
{
	struct ring_options options = {
		.entries = one_of(1, 4, 32, 128),
		.required = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		.wanted = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER,
		.capabilities = &engine.capabilities,
		.system = &sim.system,
	};

	options.cq_entries = options.entries * one_of(1, 2, 8, 64);
	switch (sim_random() % 4) {
	case 0:
		break;
	case 1:
		options.required |= IORING_SETUP_SQPOLL;
		break;
	default:
		options.wanted |= IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
	}
	return options;
}

static unsigned some_chance(unsigned n)
{
	return calm || sim_chance(2) ? 0 : sim_between(n / 4, n * 2);
}

static void make_faults(void)
{
	calm = sim_chance(4);
	jammed = sim_chance(8);
	sim.scale = sim_chance(24) ? 100 : 1; /* enough for the thresholds of bulk strategies */
	sim.latency_us = one_of(1, 20, 200, 2000);
	sim.faults = (struct sim_faults){
		.accept = some_chance(8),
		.open = some_chance(8),
		.connect = some_chance(4),
		.itself = some_chance(30),
		.send = some_chance(60),
		.receive = some_chance(30),
		.submit = some_chance(30),
		.interrupt = some_chance(10),
		.late = sim_chance(2) ? 0 : sim_between(2, 50),
		.inline_miss = sim_between(1, 4),
		.early = some_chance(20),
		.miss = sim_chance(8) ? 2 : 0,
	};
}

/* ---- A run ----------------------------------------------------------------------------------- */

/* What the main thread has to say to whom, has said, and has heard. */
static struct order orders[SIM_WORKERS][ORDER_KIND_COUNT];
static struct offer {
	struct accept_order accept;
	struct accept_offer offer;
	struct accept_socket socket;
	uint32_t section;
} offers[SIM_WORKERS][SOCKETS];
static struct order_tray tray;
static struct {
	uint64_t told_ns, completions;
} known[SIM_WORKERS];
static uint64_t horizon_ns;
static unsigned rests;

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

static void send_order(uint32_t worker, struct order *order)
{
	static const char *const names[] = {
		[ORDER_PING] = "ping",   [ORDER_LISTEN] = "listen", [ORDER_ADOPT] = "adopt",
		[ORDER_LEAVE] = "leave", [ORDER_RETIRE] = "retire", [ORDER_CATCH_UP] = "catch up",
		[ORDER_DRAIN] = "drain", [ORDER_STOP] = "stop",     [ORDER_CENSUS] = "census",
	};

	if (view_is_over(&workers[worker]))
		return;
	sim_trace("order to %u: %s", worker, names[order->kind]);
	if (order->under_way) {
		order->again = true;
		return;
	}
	order->worker = worker;
	order->under_way = true;
	order->again = false;
	if (order_put(&workers[worker].inbox, order, &tray))
		ring(&workers[worker]);
}

static void tell(uint32_t worker, enum order_kind what)
{
	send_order(worker, &orders[worker][what]);
}

static void told(void *object)
{
	struct order *order = object;

	send_order(order->worker, order);
}

/* The main thread tells one after the other, and each of them in order. */
static void command(enum order_kind what)
{
	if (engine.worker_count == 1) {
		tell(0, what);
		return;
	}
	for (uint32_t i = 0; i < engine.worker_count; i++) {
		uint64_t when_ns = sim.now_ns + sim_random() % (one_of(1, 10, 100, 2000) * SIM_US);

		known[i].told_ns = when_ns > known[i].told_ns ? when_ns : known[i].told_ns;
		sim_at(known[i].told_ns, told, &orders[i][what]);
	}
}

/* What has come back, from whomever, may be sent again. */
static void hear_back(void)
{
	struct order *back, *next;

	for (back = order_take(&tray.box); back; back = next) {
		next = back->next;
		back->under_way = false;
		if (back->again)
			send_order(back->worker, back);
		else if (back->kind == ORDER_CENSUS)
			sim_operator_heard(back);
	}
}

/* Each has come back, or was too late to be taken. */
static void check_orders(void)
{
	struct order *late;

	hear_back();
	for (uint32_t i = 0; i < engine.worker_count; i++) {
		for (late = order_take(&workers[i].inbox); late; late = late->next)
			late->under_way = false;
		for (unsigned kind = 0; kind < ORDER_KIND_COUNT; kind++)
			if (orders[i][kind].under_way)
				sim_fail("an order to worker %u is lost", i);
		for (unsigned s = 0; s < SOCKETS; s++)
			if (offers[i][s].accept.order.under_way)
				sim_fail("an offer to worker %u is lost", i);
	}
	sim_operator_end();
}

static void stop(void *unused)
{
	(void)unused;
	command(ORDER_STOP);
}

static void drain(void *unused)
{
	(void)unused;
	command(ORDER_DRAIN);
}

static void offer(void *object)
{
	struct offer *offered = object;
	uint32_t worker = offered->accept.order.worker;

	if (!view_is_running(&workers[worker]))
		return; /* who has told it to stop offers nothing more */
	offered->socket.fd = sim_listen(&config_sections[offered->section], worker);
	if (offered->socket.fd < 0)
		sim_at(sim.now_ns + 50 * SIM_MS, offer, object);
	else
		send_order(worker, &offered->accept.order);
}

static void know_all(void *object)
{
	struct section *section = object;

	section->pool.count = section->pool.room;
	command(ORDER_CATCH_UP);
}

/* The main thread reads the counters of workers that run: they only grow, and go together. */
static void read_counters(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < engine.worker_count; i++) {
		const struct stats *stats = view_stats(&workers[i]);
		uint64_t closed = stats_read(stats, closed);
		uint64_t completions = stats_read(stats, completions);

		if (stats_read(stats, accepted) < closed)
			sim_fail("worker %u has closed more than it accepted", i);
		if (completions < known[i].completions)
			sim_fail("a counter of worker %u goes backwards", i);
		known[i].completions = completions;
	}
}

static void make_listening(uint32_t worker, uint32_t index)
{
	struct offer *offered = &offers[worker][index];
	uint32_t section = index % SECTIONS;
	bool late = sim_chance(8);

	*offered = (struct offer){
		.accept = {.order = {.kind = ORDER_LISTEN, .worker = worker},
			   .count = 1,
			   .offers = &offered->offer},
		.offer = {.socket = &offered->socket, .section = &sections[section], .fresh = true},
		.section = section,
		.socket = {.fd = -1, .text = "sim"},
	};
	if (!late)
		offered->socket.fd = sim_listen(&config_sections[section], worker);
	else
		sim_at(sim.now_ns + sim_random() % (100 * SIM_MS), offer, offered);
}

/* What comes after the start: listening sockets, and servers. */
static void make_late(void)
{
	for (uint32_t w = 0; w < SIM_WORKERS; w++)
		for (uint32_t i = 0; i < SOCKETS; i++)
			offers[w][i] = (struct offer){.socket.fd = -1};
	for (uint32_t i = 0; i < edition.section_count; i++) {
		for (uint32_t w = 0; w < engine.worker_count; w++) {
			make_listening(w, i);
			if (sim_chance(4)) /* as if there had been more workers */
				make_listening(w, SECTIONS + i);
		}
		if (sections[i].pool.count < sections[i].pool.room)
			sim_at(sim.now_ns + sim_random() % (100 * SIM_MS), know_all, &sections[i]);
	}
}

/* Nothing moves any more: all must be as it should, and the operator goes on. */
static void rest(void)
{
	sim_check_quiescent();
	sim_life_rest();
	for (uint32_t i = 0; i < engine.worker_count; i++)
		if (!view_is_over(&workers[i]) && view_is_stopping(&workers[i]))
			sim_fail("the worker does not stop");
	command(rests++ == 0 && sim_chance(2) ? ORDER_DRAIN : ORDER_STOP);
}

/* Grows with whatever is done for anybody. */
static uint64_t progress(void)
{
	uint64_t done = 0;

	for (uint32_t i = 0; i < sim.connection_count; i++)
		done += sim.connections[i].in.read;
	for (uint32_t i = 0; i < engine.worker_count; i++) {
		const struct stats *stats = view_stats(&workers[i]);

		done += stats_read(stats, accepted) + stats_read(stats, closed) +
			stats_read(stats, bytes_up) + stats_read(stats, bytes_down) +
			stats_read(stats, connect_failed) + stats_read(stats, accept_errors);
	}
	return done;
}

/* As if some lanes had moved much for a while. */
static void flow(struct worker *worker)
{
	struct session *session = view_session(worker, sim_between(0, view_slots(worker) - 1));

	if (session && sim_chance(2))
		view_make_rich(session, sim_between(VIEW_UP, VIEW_DOWN));
	if (session && sim_chance(4))
		view_make_heavy(session, sim_between(VIEW_UP, VIEW_DOWN));
}

static bool all_are_calm(void)
{
	for (uint32_t i = 0; i < engine.worker_count; i++)
		if (!view_is_over(&workers[i]) && !view_is_calm(&workers[i]))
			return false;
	return true;
}

static void turn(struct worker *worker)
{
	uint64_t rested_ns;
	int r;

	/* As if servers had taken long to answer many. */
	if (view_may_be_patient(worker) && sim_chance(4))
		view_make_patient(worker, sim_between(2, 40));
	flow(worker);
	rested_ns = view_rest_over_ns(worker);
	r = worker_turn(worker);
	hear_back();
	sim_life_turn();
	sim_drain_turn();
	/* Only a wait for memory may take that much longer, a worker's own or another's. */
	if (rested_ns < SIM_NEVER && sim.now_ns > rested_ns + LATE_MS * sim.worker_count * SIM_MS)
		sim_fail("a lane rests for too long");
	if (r < 0)
		sim_fail("the ring is given up: %s", strerror(-r));
}

/* A worker's life, as thread.c has it. */
static void serve(uint32_t index)
{
	struct worker *worker = &workers[index];
	unsigned idle = 0, still = 0;
	uint64_t before, done = 0, stopping_ns = SIM_NEVER;

	while (!worker_finished(worker)) {
		before = stats_read(view_stats(worker), completions);
		turn(worker);
		if (sim.corked_count[index])
			sim_fail("bytes are held back for an end that did not follow");
		idle = stats_read(view_stats(worker), completions) == before ? idle + 1 : 0;
		if (view_is_stopping(worker) && stopping_ns == SIM_NEVER)
			stopping_ns = sim.now_ns;
		if (stopping_ns < SIM_NEVER && sim.now_ns > stopping_ns + HORIZON_MS * SIM_MS)
			sim_fail("the worker does not stop");
		if (sim.now_ns > horizon_ns) {
			command(ORDER_STOP);
			horizon_ns = SIM_NEVER;
		}
		if (sim.quiescent && idle > 0 && !worker_finished(worker) && all_are_calm())
			rest();
		sim.quiescent = false;
		still = progress() == done ? still + 1 : 0;
		done = progress();
		if (still > IDLE_MAX)
			sim_fail("the worker turns and turns, and nothing happens");
	}
	sim_check_finished(index);
	worker_close(worker);
}

/* As if there had been connections before. */
static void learn(uint32_t worker)
{
	for (uint32_t i = 0; i < edition.section_count; i++)
		for (uint32_t s = 0; s < sections[i].pool.count; s++)
			if (sim_chance(2))
				view_make_spoken_to(&workers[worker], i, s);
}

static void open_worker(uint32_t index)
{
	struct ring_options options = some_options();
	int r;

	for (unsigned kind = 0; kind < ORDER_KIND_COUNT; kind++)
		orders[index][kind] =
			(struct order){.kind = (enum order_kind)kind, .worker = index};
	sim.turn = index;
	sim.worker = sim.workers[index] = &workers[index];
	tenancies[index] = tenancy_make(&edition, index);
	r = tenancies[index] ? worker_init(sim.worker, &engine, tenancies[index], index) : -ENOMEM;
	if (r < 0 || (r = worker_open(sim.worker, &options)) < 0)
		sim_fail("the worker does not open: %s", strerror(-r));
	sim.worker_count = index + 1;
	learn(index);
	view_log_to(sim.worker, &access_log); /* sim_life.c reads the records */
	for (uint32_t i = 0; i < SOCKETS; i++)
		if (offers[index][i].socket.fd >= 0)
			send_order(index, &offers[index][i].accept.order);
}

static void give_back(void)
{
	for (uint32_t w = 0; w < engine.worker_count; w++) {
		for (uint32_t i = 0; i < SOCKETS; i++)
			if (offers[w][i].socket.fd >= 0 && !offers[w][i].offer.taken)
				socket_close(offers[w][i].socket.fd);
	}
	sim_check_end();
	check_orders();
	if (accounts[SECTIONS].connections)
		sim_fail("%u connections are counted of servers at the end",
			 accounts[SECTIONS].connections);
	for (uint32_t w = 0; w < engine.worker_count; w++) {
		worker_done(&workers[w]);
		if (tenancies[w]->used)
			sim_fail("worker %u has left %u in its edition", w, tenancies[w]->used);
		tenancy_free(tenancies[w]);
	}
	for (uint32_t i = 0; i < edition.section_count; i++)
		life_take(&sections[i]);
}

static void run(uint64_t seed)
{
	sim_begin(seed);
	make_faults();
	make_engine();
	sim_kernel_open();
	sim.answer = answer;
	tray = (struct order_tray){.fd = -1};
	make_late();
	for (uint32_t i = 0; i < engine.worker_count; i++)
		open_worker(i);
	rests = 0;
	memset(known, 0, sizeof(known));
	horizon_ns = sim.now_ns + HORIZON_MS * SIM_MS;
	send_clients();
	sim_drain_begin(&engine, sections, edition.section_count);
	sim_operator_begin(send_order);
	if (sim_chance(3))
		sim_at(sim.now_ns + sim_random() % (150 * SIM_MS), sim_chance(2) ? stop : drain,
		       NULL);
	for (uint32_t i = engine.worker_count > 1 ? sim_between(0, 3) : 0; i > 0; i--)
		sim_at(sim.now_ns + sim_random() % (150 * SIM_MS), read_counters, NULL);
	sim_turns_run(serve);
	give_back();
	sim_end();
}

/* ---- Seeds ----------------------------------------------------------------------------------- */

/* An assertion of the engine's own should name the seed too. */
static void name_seed(int signal_number)
{
	dprintf(STDERR_FILENO, "SIM_SEED=%" PRIu64 " repeats it\n", sim.seed);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

START_TEST(no_seed_breaks_the_rules)
{
	uint64_t count = number_of("SIM_SEEDS", SEEDS) / PARTS;
	uint64_t first = number_of("SIM_FIRST", 0) + (uint64_t)_i * count;

	signal(SIGABRT, name_seed);
	signal(SIGTERM, name_seed); /* one that does not come to an end */
	log_open(LOG_LEVEL_ERROR);
	if (getenv("SIM_SEED")) {
		sim.trace = true;
		if (_i == 0)
			run(number_of("SIM_SEED", 0));
		return;
	}
	for (uint64_t seed = first; seed < first + count; seed++)
		run(seed);
	ck_assert_uint_eq(sim.seed, first + count - 1);
	ck_assert(sim.corked_ever || count < FEW);
}
END_TEST

SUITE_OF("simulated engine", 0, EACH(no_seed_breaks_the_rules, PARTS))
