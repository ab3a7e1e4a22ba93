/*
 * The real engine against everything a kernel, a network and two rude peers can
 * do to it: see support/sim.h for the world and support/sim_check.c for the rules.
 *
 *   SIM_SEED=4711 build/asan/tests/sim_engine      one seed, told step by step
 *   SIM_SEEDS=1000000 SIM_FIRST=0 ...              so many from there on
 */
#include "loop/socket.h"
#include "session/tenancy.h"
#include "support/sim.h"
#include "support/sim_drain.h"
#include "support/sim_operator.h"
#include "support/sim_orders.h"
#include "support/sim_pool.h"
#include "support/sim_reload.h"
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
#define SOCKETS     4 /* of a worker, at first */
#define CLIENTS_MAX 8
#define CROWD_MAX   24
#define HORIZON_MS  12000 /* when the operator loses patience */
#define LATE_MS     5     /* for a rest to end, where the kernel has no memory */
#define IDLE_MAX    3000  /* turns that bring nothing on: a worker that needs more is spinning */

static struct engine engine;
static struct bell bells[SIM_WORKERS];
static struct worker workers[SIM_WORKERS];
static struct access_queue access_log; /* nothing is put into it */
static bool calm;                      /* everything works and everybody is polite */
static bool jammed;                    /* few buffers, and many who do not read */

/* ---- Who comes ------------------------------------------------------------------------------- */

static struct sim_script some_script(bool client)
{
	bool rude = !calm;
	struct sim_script script = {
		.send = sim.scale * sim_one_of(0, sim_between(1, 20), sim_between(1, 600),
					       sim_between(1, sim.scale > 1 ? 1200 : 6000)),
		.after = client || sim_chance(2) ? 0 : sim_between(1, 100),
		.burst = sim.scale * sim_one_of(sim_between(1, 40), 100, 1500, 6000),
		.pause_us = sim_one_of(0, 10, 100, sim_between(1, 3000)),
		.read_burst = sim.scale * sim_one_of(sim_between(1, 40), 100, 1500, 6000),
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

	int nature;

	connection->script = some_script(false);
	connection->server = sim_server_at(address->port);
	nature = sim_pool_reached(connection, address);
	if (connection->local && sim_chance(sim.faults.connect))
		return sim_pool_failed(connection, sim_chance(2) ? -EAGAIN : -ECONNREFUSED);
	if (sim_chance(sim.faults.connect))
		return sim_pool_failed(connection, errors[sim_random() % array_size(errors)]);
	return sim_pool_failed(connection, connection->local && nature ? -ECONNREFUSED : nature);
}

static void send_clients(void)
{
	bool crowd = sim_chance(12); /* at one place */
	uint32_t count = sim_between(1, crowd ? CROWD_MAX : CLIENTS_MAX);
	uint32_t place = sim_reload_some_place();

	for (uint32_t i = 0; i < count; i++) {
		struct sim_connection *client = sim_connection_new(true);

		client->script = some_script(true);
		client->place = crowd ? place : sim_reload_some_place();
		if (sim_kind_at(client->place) == CONFIG_CHARGEN)
			client->script.finish = SIM_HALF_CLOSE;
		else if (sim_kind_at(client->place) == CONFIG_RESPONDER)
			sim_ask(client);
		sim_at(sim.now_ns + sim_random() % (sim_chance(2) ? SIM_MS : 100 * SIM_MS),
		       sim_arrive, client);
	}
}

/* ---- The daemon ------------------------------------------------------------------------------ */

static void make_engine(void)
{
	engine = (struct engine){
		.worker_count = sim_between(1, SIM_WORKERS),
		.sessions_max = sim_one_of(sim_between(1, 3), sim_between(1, 16), 300, 300),
		.sizes.buffer_size = sim.scale * sim_one_of(10, 30, 100, 512),
		.sizes.pipes_max = sim_one_of(0, 1, 2, 8),
		.sizes.coalesce_us = sim_one_of(0, 100, 1000, 1000),
		.sizes.turn_bytes = sim.scale * sim_one_of(1, 100, 1000, ENGINE_TURN_BYTES),
		.wake_fd = -1,
		.bells = bells,
	};
	memset(bells, 0, sizeof(bells));
	engine.connections_max = engine.sessions_max;
	engine.sizes.buffer_memory =
		(uint64_t)engine.sizes.buffer_size * (jammed ? 4 : sim_one_of(4, 8, 32, 200));
	if (clients_open(&engine.clients, sim_one_of(256, 256, 1024, 65536),
			 &(struct siphash_key){{sim_random(), sim_random()}}) < 0)
		sim_fail("no memory for clients");
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
}

static struct ring_options some_options(void)
{
	struct ring_options options = {
		.entries = sim_one_of(1, 4, 32, 128),
		.required = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		.wanted = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER,
		.capabilities = &engine.capabilities,
		.system = &sim.system,
	};

	options.cq_entries = options.entries * sim_one_of(1, 2, 8, 64);
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
	sim.latency_us = sim_one_of(1, 20, 200, 2000);
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

static uint64_t completions[SIM_WORKERS]; /* that the main thread knows of */
static uint64_t horizon_ns;
static unsigned rests;

static void stop(void *unused)
{
	(void)unused;
	sim_command(ORDER_STOP);
}

static void drain(void *unused)
{
	(void)unused;
	sim_command(ORDER_DRAIN);
}

/* The main thread reads the counters of workers that run: they only grow, and go together. */
static void read_counters(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < engine.worker_count; i++) {
		const struct stats *stats = view_stats(&workers[i]);
		uint64_t closed = stats_read(stats, closed);
		uint64_t now = stats_read(stats, completions);

		if (stats_read(stats, accepted) < closed)
			sim_fail("worker %u has closed more than it accepted", i);
		if (now < completions[i])
			sim_fail("a counter of worker %u goes backwards", i);
		completions[i] = now;
	}
}

/* Nothing moves any more: all must be as it should, and the operator goes on. */
static void rest(void)
{
	sim_check_quiescent();
	sim_life_rest();
	sim_reload_rest();
	for (uint32_t i = 0; i < engine.worker_count; i++)
		if (!view_is_over(&workers[i]) && view_is_stopping(&workers[i]))
			sim_fail("the worker does not stop");
	if (sim_reload_again())
		return;
	sim_command(rests++ == 0 && sim_chance(2) ? ORDER_DRAIN : ORDER_STOP);
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
	sim_orders_turn();
	sim_life_turn();
	sim_pool_turn();
	sim_reload_turn();
	sim_drain_turn();
	/* Only a wait for memory may take that much longer, a worker's own or another's. */
	if (rested_ns < SIM_NEVER && sim.now_ns > rested_ns + LATE_MS * sim.worker_count * SIM_MS)
		sim_fail("a lane rests for too long");
	if (r < 0)
		sim_fail("the ring is given up: %s", strerror(-r));
}

static uint64_t refused_by(const struct worker *worker)
{
	const struct stats *stats = view_stats(worker);

	return stats_read(stats, refused) + stats_read(stats, denied) +
	       stats_read(stats, client_most) + stats_read(stats, client_fast);
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
			sim_command(ORDER_STOP);
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
	if (sim.refused_told[index] != refused_by(worker))
		sim_fail("%llu clients were refused, and records know of %llu",
			 (unsigned long long)refused_by(worker),
			 (unsigned long long)sim.refused_told[index]);
}

/* As if there had been connections before. */
static void learn(uint32_t worker)
{
	const struct edition *edition = sim_reload_tenancy(worker)->edition;

	for (uint32_t i = 0; i < edition->section_count; i++)
		for (uint32_t s = 0;
		     edition->sections[i].pool && s < edition->sections[i].pool->count; s++)
			if (sim_chance(2))
				view_make_spoken_to(&workers[worker], i, s);
}

static void open_worker(uint32_t index)
{
	struct ring_options options = some_options();
	int r;

	sim.turn = index;
	sim.worker = sim.workers[index] = &workers[index];
	r = worker_init(sim.worker, &engine, sim_reload_tenancy(index), index);
	if (r < 0 || (r = worker_open(sim.worker, &options)) < 0)
		sim_fail("the worker does not open: %s", strerror(-r));
	sim.worker_count = index + 1;
	learn(index);
	view_log_to(sim.worker, &access_log); /* sim_life.c reads the records */
	sim_reload_open(index);
}

static void give_back(void)
{
	sim_check_end();
	sim_orders_end();
	sim_operator_end();
	for (uint32_t w = 0; w < engine.worker_count; w++)
		worker_done(&workers[w]);
	sim_reload_end();
	clients_close(&engine.clients);
}

static void run(uint64_t seed)
{
	sim_begin(seed);
	make_faults();
	make_engine();
	sim_kernel_open();
	sim.answer = answer;
	sim_orders_begin(engine.worker_count);
	sim_reload_begin(&engine);
	for (uint32_t i = 0; i < engine.worker_count; i++)
		open_worker(i);
	rests = 0;
	memset(completions, 0, sizeof(completions));
	horizon_ns = sim.now_ns + HORIZON_MS * SIM_MS;
	send_clients();
	sim_drain_begin(&engine);
	sim_operator_begin();
	sim_reload_plan();
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
