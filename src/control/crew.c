#include "control/crew.h"

#include "control/build.h"

#include "ops/access.h"
#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum worker_state state_of(const struct worker *worker)
{
	return (enum worker_state)atomic_load_explicit(&worker->phase, memory_order_acquire);
}

/* ---- Beginnings ------------------------------------------------------------------------------ */

static int ring_bell(void *owner, uint32_t index)
{
	struct crew *crew = owner;

	return ring_send(&crew->sender, crew->workers[index].ring_fd,
			 op_pack((struct op_tag){.kind = OP_CONTROL}), 0);
}

static void free_all(struct crew *crew)
{
	for (uint32_t i = 0; crew->workers && i < crew->count; i++)
		if (crew->workers[i].engine)
			worker_done(&crew->workers[i]);
	free(crew->workers);
	free(crew->order);
	free(crew->engine->bells);
	crew->engine->bells = NULL;
	*crew = (struct crew){0};
}

static int cannot_talk(struct crew *crew, int error)
{
	log_error("cannot prepare to talk to the workers: %s", strerror(-error));
	free_all(crew);
	return build_of_system(error);
}

int crew_open(struct crew *crew, struct engine *engine, const struct mode *mode,
	      struct events *events)
{
	size_t count = engine->worker_count;
	int r;

	*crew = (struct crew){
		.engine = engine,
		.mode = mode,
		.workers = aligned_alloc(64, count * sizeof(struct worker)),
		.count = engine->worker_count,
		.order = calloc(count, sizeof(*crew->order)),
	};
	engine->bells = aligned_alloc(64, count * sizeof(*engine->bells));
	if (!crew->workers || !crew->order || !engine->bells) {
		free(crew->workers);
		free(crew->order);
		free(engine->bells);
		engine->bells = NULL;
		return log_no_memory("the workers");
	}
	memset(engine->bells, 0, count * sizeof(*engine->bells));
	memset(crew->workers, 0, count * sizeof(struct worker));
	for (uint32_t i = 0; i < count; i++)
		for (unsigned kind = 0; kind < ORDER_KIND_COUNT; kind++)
			crew->order[i][kind].kind = (enum order_kind)kind;
	r = ring_sender_open(&crew->sender);
	if (r < 0)
		return cannot_talk(crew, r);
	r = orders_open(&crew->orders, events, crew->count, ring_bell, crew);
	if (r < 0) {
		ring_sender_close(&crew->sender);
		return cannot_talk(crew, r);
	}
	return 0;
}

void crew_close(struct crew *crew)
{
	orders_close(&crew->orders);
	ring_sender_close(&crew->sender);
	free_all(crew);
}

/* Of what the configuration says of a ring, that is all the kernel may call invalid. */
static bool names_polling_cpus(const struct config *config)
{
	static const uint64_t none[array_size(config->sqpoll_cpus)];

	return memcmp(config->sqpoll_cpus, none, sizeof(none)) != 0;
}

/* Until the worker has left STARTING. */
static int await_start(struct crew *crew, struct worker *worker, const struct config *config,
		       struct events *events)
{
	while (state_of(worker) == WORKER_STARTING)
		events_run(events);
	if (state_of(worker) == WORKER_RUNNING) {
		orders_begin(&crew->orders, worker->loop.index, &worker->inbox);
		return 0;
	}
	log_error("worker %u cannot start: %s", worker->loop.index, worker->error);
	return names_polling_cpus(config) ? worker->result : build_of_system(worker->result);
}

int crew_start(struct crew *crew, uint32_t index, struct tenancy *tenancy,
	       const struct config *config, struct events *events)
{
	const struct mode *mode = crew->mode;
	struct worker *worker = &crew->workers[index];
	int r;

	if (worker_init(worker, crew->engine, tenancy, index) < 0)
		return log_no_memory("a worker and its connections");
	worker->cpu = mode->cpu[index];
	worker->cpus = mode->worker_cpus;
	worker->sq_cpu = mode->sq_cpu[index];
	assert(!mode->sqpoll || mode->polling_threads > 0);
	if (mode->sqpoll && index >= mode->polling_threads)
		worker->sq_share = &crew->workers[index % mode->polling_threads];
	worker->sessions.access = access_queue(index);
	r = -pthread_create(&worker->thread, NULL, worker_run, worker);
	if (r < 0) {
		log_error("cannot start worker %u: %s; see TasksMax= of the unit", index,
			  strerror(-r));
		return build_of_system(r);
	}
	worker->started = true;
	return await_start(crew, worker, config, events);
}

/* ---- Orders ---------------------------------------------------------------------------------- */

void crew_send(struct crew *crew, uint32_t index, struct order *order)
{
	orders_send(&crew->orders, index, order);
}

void crew_command(struct crew *crew, enum order_kind what)
{
	for (uint32_t i = 0; i < crew->count; i++)
		crew_send(crew, i, &crew->order[i][what]);
}

bool crew_has_answered(const struct crew *crew, enum order_kind what)
{
	for (uint32_t i = 0; i < crew->count; i++)
		/* Who has finished draining answers no more, and need not. */
		if (crew->order[i][what].under_way && state_of(&crew->workers[i]) != WORKER_STOPPED)
			return false;
	return true;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

const struct worker *crew_note_ends(struct crew *crew)
{
	const struct worker *failed = NULL;

	for (uint32_t i = 0; i < crew->count; i++) {
		const struct worker *worker = &crew->workers[i];

		if (!worker->started || state_of(worker) != WORKER_STOPPED)
			continue;
		orders_end(&crew->orders, i);
		if (worker->result < 0 && !failed)
			failed = worker;
	}
	return failed;
}

bool crew_has_ended(const struct crew *crew)
{
	for (uint32_t i = 0; i < crew->count; i++)
		if (crew->workers[i].started && state_of(&crew->workers[i]) != WORKER_STOPPED)
			return false;
	return true;
}

int crew_join(struct crew *crew)
{
	int result = 0;

	for (uint32_t i = 0; i < crew->count; i++) {
		struct worker *worker = &crew->workers[i];

		if (!worker->started)
			continue;
		pthread_join(worker->thread, NULL);
		if (worker->result < 0 && worker->error[0] && result == 0)
			result = build_of_system(worker->result);
	}
	return result;
}
