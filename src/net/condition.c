#include "net/condition.h"

#include "net/worker.h"

#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NO_COUNTER STATS_COUNT

/* Those of the sections come behind the others, and are of their kind. */
#define OF_SECTION(section) (CONDITION_COUNT + (section))

static const struct {
	const char *began, *ended; /* began is NULL where tell_full() says it */
	enum log_level level;
	unsigned counter; /* of the times it began, among the statistics */
} conditions[] = {
	[CONDITION_CONNECTIONS] = {NULL, "accepting again: there is room for connections",
				   LOG_LEVEL_WARNING, STATS_INDEX_paused_connections},
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

/* What an error says beyond its name of why accepting fails. */
static const char *advice(enum condition condition, int error)
{
	if (condition != CONDITION_ACCEPT)
		return "";
	switch (-error) {
	case EPERM:
	case EACCES:
		return "; a security module or a firewall forbids it";
	case EINVAL:
	case EBADF:
	case ENOTSOCK:
	case EOPNOTSUPP:
		return "; the socket does not listen any more: whoever passed it to us, such as "
		       "a socket unit, has shut it down and must listen again";
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "; see to the network interfaces";
	default:
		return "";
	}
}

static enum condition kind_of(unsigned index)
{
	return index < CONDITION_COUNT ? (enum condition)index : CONDITION_CONNECTIONS;
}

static struct spell *spell_of(struct worker *worker, unsigned index)
{
	return index < CONDITION_COUNT ? &worker->conditions.of[index]
				       : &worker->conditions.full[index - CONDITION_COUNT];
}

/* NULL for what is of all sections. */
static const struct config_section *section_of(const struct worker *worker, unsigned index)
{
	return index < CONDITION_COUNT ? NULL
				       : worker->engine->sections[index - CONDITION_COUNT].config;
}

/* Which max_connections, where it is written, or what else allows no more. */
static void tell_full(const struct worker *worker, unsigned index)
{
	const struct engine *engine = worker->engine;
	const struct config_section *section = section_of(worker, index);
	uint32_t most = section ? section->settings.max_connections : engine->connections_max;
	char place[CONFIG_PLACE_MAX];

	if (!section && most != engine->config->max_connections)
		log_warning("worker %u: paused accepting: max_connections is reached, which is %u "
			    "for want of descriptors; raise LimitNOFILE= of the unit (ulimit -n)",
			    worker->index, most);
	else
		log_warning("worker %u: paused accepting%s%s: max_connections is reached; raise "
			    "it: %s = %u",
			    worker->index, section ? " for " : "", section ? section->title : "",
			    config_place(engine->config, section, "max_connections", place,
					 sizeof(place)),
			    most);
}

static void begin(struct worker *worker, unsigned index, int error)
{
	enum condition kind = kind_of(index);
	unsigned counter = conditions[kind].counter;

	if (counter != NO_COUNTER)
		stats_count_index(&worker->stats, counter, 1);
	if (!conditions[kind].began)
		tell_full(worker, index);
	else if (error)
		log_at(conditions[kind].level, "worker %u: %s (%s%s)", worker->index,
		       conditions[kind].began, strerror(-error), advice(kind, error));
	else
		log_at(conditions[kind].level, "worker %u: %s", worker->index,
		       conditions[kind].began);
}

void condition_settle_by(struct worker *worker, uint64_t when_ms)
{
	if (!wheel_is_set(&worker->settle) || when_ms < worker->settle.expires_ms)
		wheel_set(&worker->wheel, &worker->settle, when_ms);
}

static void enter(struct worker *worker, unsigned index, int error)
{
	struct spell *spell = spell_of(worker, index);

	if (spell_meet(spell, worker->now_ms))
		begin(worker, index, error);
	condition_settle_by(worker, spell_over_ms(spell));
}

void condition_enter(struct worker *worker, enum condition condition, int error)
{
	enter(worker, condition, error);
}

void condition_full(struct worker *worker, uint32_t section)
{
	enter(worker, OF_SECTION(section), 0);
}

static void end(struct worker *worker, unsigned index)
{
	struct spell *spell = spell_of(worker, index);
	const struct config_section *section = section_of(worker, index);
	uint64_t lasted = spell_lasted_ms(spell);

	log_info("worker %u: %s%s%s (after %" PRIu64 ".%03" PRIu64 " s, met %" PRIu64 " times)",
		 worker->index, section ? section->title : "", section ? ": " : "",
		 conditions[kind_of(index)].ended, lasted / 1000, lasted % 1000, spell->met);
	spell_end(spell, worker->now_ms);
}

void condition_settle(struct worker *worker)
{
	for (unsigned i = 0; i < OF_SECTION(worker->engine->section_count); i++) {
		struct spell *spell = spell_of(worker, i);

		if (spell->met == 0)
			continue;
		if (i < CONDITION_COUNT && shortage_holds(worker, (enum condition)i))
			spell->last_ms = worker->now_ms;
		if (worker->now_ms >= spell_over_ms(spell))
			end(worker, i);
		else
			condition_settle_by(worker, spell_over_ms(spell));
	}
}
