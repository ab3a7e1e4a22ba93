#include "loop/condition.h"

#include "loop/loop.h"

#include "ops/log.h"

#include <inttypes.h>
#include <string.h>

#define NO_COUNTER STATS_COUNT

static const struct {
	const char *began, *ended;
	enum log_level level;
	unsigned counter; /* of the times it began, among the statistics */
} conditions[] = {
	[CONDITION_DESCRIPTORS] =
		{"paused: no file descriptors are left; raise LimitNOFILE= of the "
		 "unit (ulimit -n), or lower max_connections; of the whole machine: fs.file-max",
		 "resumed: there are file descriptors again", LOG_LEVEL_WARNING,
		 STATS_INDEX_paused_descriptors},
	[CONDITION_MEMORY] = {"paused: the kernel has no memory for it; see net.ipv4.tcp_mem "
			      "and the memory limit of the unit",
			      "resumed: the kernel has memory again", LOG_LEVEL_WARNING,
			      STATS_INDEX_paused_memory},
	[CONDITION_PORTS] = {"no local port is free to connect to a server from; widen "
			     "net.ipv4.ip_local_port_range, or add servers or server addresses",
			     "there are local ports to connect from again", LOG_LEVEL_WARNING,
			     STATS_INDEX_paused_ports},
	[CONDITION_BUFFERS] =
		{"receiving is paused where peers read slowly: buffer_memory is all in "
		 "use; raise buffer_memory or lower receive_budget",
		 "receiving again everywhere: buffers came back", LOG_LEVEL_WARNING,
		 STATS_INDEX_paused_buffers},
	[CONDITION_ACCEPT] = {"accepting is slowed down: accept fails, and is tried again ten "
			      "times a second",
			      "accepting again", LOG_LEVEL_WARNING, STATS_INDEX_paused_accepting},
	[CONDITION_SUBMISSIONS] = {"the submission queue is full, and is handed over more than "
				   "once in a turn; more workers, see [global] workers, have "
				   "shorter queues",
				   "the submission queue is long enough again", LOG_LEVEL_INFO,
				   NO_COUNTER},
	[CONDITION_COMPLETIONS] =
		{"the completion queue is full, and the kernel keeps back what does not fit, "
		 "with nothing lost: this worker is too slow; see [global] workers and cpus",
		 "the completion queue is long enough again", LOG_LEVEL_WARNING, NO_COUNTER},
};
static_assert(array_size(conditions) == CONDITION_COUNT, "every condition has its words");

enum condition condition_of(enum fault fault)
{
	if (fault == FAULT_DESCRIPTORS)
		return CONDITION_DESCRIPTORS;
	if (fault == FAULT_MEMORY)
		return CONDITION_MEMORY;
	return fault == FAULT_PORTS ? CONDITION_PORTS : CONDITION_COUNT;
}

void condition_settle_by(struct loop *loop, uint64_t when_ms)
{
	if (!wheel_is_set(&loop->settle) || when_ms < loop->settle.expires_ms)
		wheel_set(&loop->wheel, &loop->settle, when_ms);
}

void condition_enter(struct loop *loop, enum condition condition, int error)
{
	struct spell *spell = &loop->conditions.of[condition];
	unsigned counter = conditions[condition].counter;
	bool begins = spell_meet(spell, loop->now_ms);
	const char *advice = NULL;

	condition_settle_by(loop, spell_over_ms(spell));
	if (!begins)
		return;
	if (counter != NO_COUNTER)
		stats_count_index(&loop->stats, counter, 1);
	if (condition == CONDITION_ACCEPT) /* the others have theirs */
		advice = fault_advice(FAULT_AT_ACCEPT, error);
	if (error)
		log_at(conditions[condition].level, "worker %u: %s (%s%s%s)", loop->index,
		       conditions[condition].began, strerror(-error), advice ? "; " : "",
		       advice ? advice : "");
	else
		log_at(conditions[condition].level, "worker %u: %s", loop->index,
		       conditions[condition].began);
}

void condition_hold(struct loop *loop, enum condition condition)
{
	struct spell *spell = &loop->conditions.of[condition];

	if (spell->met)
		spell->last_ms = loop->now_ms;
}

static void end(struct loop *loop, enum condition condition)
{
	struct spell *spell = &loop->conditions.of[condition];
	uint64_t lasted = spell_lasted_ms(spell);

	log_info("worker %u: %s (after %" PRIu64 ".%03" PRIu64 " s, met %" PRIu64 " times)",
		 loop->index, conditions[condition].ended, lasted / 1000, lasted % 1000,
		 spell->met);
	spell_end(spell, loop->now_ms);
}

void condition_settle(struct loop *loop)
{
	for (unsigned i = 0; i < CONDITION_COUNT; i++) {
		struct spell *spell = &loop->conditions.of[i];

		if (spell->met == 0)
			continue;
		if (loop->now_ms >= spell_over_ms(spell))
			end(loop, (enum condition)i);
		else
			condition_settle_by(loop, spell_over_ms(spell));
	}
}
