#include "net/condition.h"

#include "net/worker.h"

#include "ops/log.h"

#include <inttypes.h>
#include <string.h>

#define SETTLED_MS 1000

static const struct {
	const char *began, *ended;
} texts[] = {
	[CONDITION_CONNECTIONS] = {"paused accepting: max_connections is reached; raise "
				   "max_connections, or LimitNOFILE where that is what limits it",
				   "accepting again: there is room for connections"},
	[CONDITION_DESCRIPTORS] =
		{"paused: no file descriptors are left; raise LimitNOFILE= of the "
		 "unit (ulimit -n), or lower max_connections",
		 "resumed: there are file descriptors again"},
	[CONDITION_MEMORY] = {"paused: the kernel has no memory for sockets; see net.ipv4.tcp_mem "
			      "and the memory limit of the unit",
			      "resumed: the kernel has memory for sockets again"},
	[CONDITION_PORTS] = {"no local port is free to connect to a server from; widen "
			     "net.ipv4.ip_local_port_range, or add servers or server addresses",
			     "there are local ports to connect from again"},
	[CONDITION_BUFFERS] =
		{"receiving is paused where peers read slowly: buffer_memory is all in "
		 "use; raise buffer_memory or lower receive_budget",
		 "receiving again everywhere: buffers came back"},
	[CONDITION_ACCEPT] = {"accepting is slowed down: accept fails", "accepting again"},
};
static_assert(array_size(texts) == CONDITION_COUNT, "every condition has its words");

static void count_condition(struct worker *worker, enum condition condition)
{
	switch (condition) {
	case CONDITION_CONNECTIONS:
		stats_count(&worker->stats, paused_connections, 1);
		break;
	case CONDITION_DESCRIPTORS:
		stats_count(&worker->stats, paused_descriptors, 1);
		break;
	case CONDITION_BUFFERS:
		stats_count(&worker->stats, paused_buffers, 1);
		break;
	case CONDITION_MEMORY:
	case CONDITION_PORTS:
	case CONDITION_ACCEPT:
	case CONDITION_COUNT:
		break; /* counted where each failure is */
	}
}

void condition_enter(struct worker *worker, enum condition condition, int error)
{
	struct conditions *conditions = &worker->conditions;

	conditions->over_ms[condition] = 0;
	if (conditions->met[condition]++ > 0)
		return;
	conditions->since_ms[condition] = worker->now_ms;
	count_condition(worker, condition);
	if (error)
		log_warning("worker %u: %s (%s)", worker->index, texts[condition].began,
			    strerror(-error));
	else
		log_warning("worker %u: %s", worker->index, texts[condition].began);
}

void condition_leave(struct worker *worker, enum condition condition)
{
	struct conditions *conditions = &worker->conditions;

	if (conditions->met[condition] == 0 || conditions->over_ms[condition])
		return;
	conditions->over_ms[condition] = worker->now_ms;
	if (!wheel_is_set(&worker->settle))
		wheel_set(&worker->wheel, &worker->settle, worker->now_ms + SETTLED_MS);
}

static void end(struct worker *worker, enum condition condition)
{
	struct conditions *conditions = &worker->conditions;
	uint64_t lasted = conditions->over_ms[condition] - conditions->since_ms[condition];

	log_info("worker %u: %s (after %" PRIu64 ".%03" PRIu64 " s, met %" PRIu64 " times)",
		 worker->index, texts[condition].ended, lasted / 1000, lasted % 1000,
		 conditions->met[condition]);
	conditions->met[condition] = 0;
	conditions->over_ms[condition] = 0;
}

void condition_settle(struct worker *worker)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < CONDITION_COUNT; i++) {
		uint64_t over = worker->conditions.over_ms[i];

		if (!over)
			continue;
		if (worker->now_ms >= over + SETTLED_MS)
			end(worker, (enum condition)i);
		else if (over + SETTLED_MS < next)
			next = over + SETTLED_MS;
	}
	if (next != UINT64_MAX)
		wheel_set(&worker->wheel, &worker->settle, next);
}
