#include "control/fit.h"

#include "base/meet.h"
#include "config/schema.h"
#include "config/value.h"
#include "loop/op.h"
#include "loop/pipes.h"
#include "loop/socket.h"
#include "loop/stock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

#define BUFFER_MEMORY_AUTO  (64 * MIB)
#define BUFFER_MEMORY_LEAST MIB /* of the key */
#define BUFFERS_ENOUGH      1024
#define BUFFERS_LEAST       64
#define BUFFER_SIZE_LEAST   4096u
#define BUFFER_SIZE_MOST    (1u << 20)
#define BUFFER_SIZE_BUNDLED 16384u /* a completion covers several: small ones pack better */
#define BUFFER_SIZE_SINGLE                                                                         \
	65536u /* one buffer per completion: the bytes must make it worth while */

/* Descriptors of our own: standard streams, ring, eventfds, log, signals, some to spare. */
#define DESCRIPTORS_PROCESS 64
#define DESCRIPTORS_WORKER  8

#define WHY_MAX 500

/* Whether a line says it; of one that was refused enough is said already. */
static bool is_set(const struct config *config, const struct config_section *section,
		   const char *key)
{
	const struct config_origin *origin = config_origin(config, section, key);

	return origin->line && !origin->refused;
}

/* ---- Buffers ----------------------------------------------------------------------------------*/

/* What sockets, connections and rings need comes on top, and grows with the same traffic. */
static uint64_t auto_memory(uint64_t limit)
{
	uint64_t quarter = limit / 4;

	if (quarter >= BUFFER_MEMORY_AUTO)
		return BUFFER_MEMORY_AUTO;
	return quarter < BUFFER_MEMORY_LEAST ? BUFFER_MEMORY_LEAST : quarter / KIB * KIB;
}

/* Of all workers together. */
static uint64_t choose_memory(const struct config *config, uint64_t limit, struct report *report)
{
	uint64_t automatic = auto_memory(limit);
	char size[VALUE_TEXT_MAX], most[VALUE_TEXT_MAX], better[VALUE_TEXT_MAX];

	value_format_size(limit, most, sizeof(most));
	value_format_size(automatic, better, sizeof(better));
	if (!config->buffer_memory) {
		if (automatic < BUFFER_MEMORY_AUTO)
			report_add(report, REPORT_NOTE, REPORT_NOWHERE, 0,
				   "buffer_memory is %s (auto: a quarter of the control group's "
				   "memory limit of %s)",
				   better, most);
		return automatic;
	}
	if (config->buffer_memory > limit / 2)
		report_key(report, REPORT_WARNING, config, NULL, "buffer_memory",
			   "%s is %s the control group's memory limit of %s, of which connections "
			   "need a part as well: when it is used up the kernel kills the daemon; "
			   "lower it (auto would be %s), or raise the limit (MemoryMax= of the "
			   "unit)",
			   value_format_size(config->buffer_memory, size, sizeof(size)),
			   config->buffer_memory > limit ? "more than" : "more than half of", most,
			   better);
	return config->buffer_memory;
}

/* No buffer of our choice is larger than what any direction may have. */
static uint32_t least_budget(const struct config *config)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < config->section_count; i++)
		if (config->sections[i].settings.receive_budget < least)
			least = config->sections[i].settings.receive_budget;
	return least;
}

/*
 * Few large buffers are soon all held by peers that read nothing; of small ones the
 * kernel's ring has not enough for much memory.  memory is one worker's.
 */
static uint32_t buffer_size_for(const struct engine *engine, const struct config *config,
				uint64_t memory)
{
	/* With sqpoll each receive brings one buffer: worker/worker.c. */
	bool bundled = ring_capable(&engine->capabilities, RING_RECV_BUNDLE) &&
		       ring_capable(&engine->capabilities, RING_RECV_BUDGET) && !engine->sqpoll;
	uint32_t size = bundled ? BUFFER_SIZE_BUNDLED : BUFFER_SIZE_SINGLE;
	uint32_t budget = least_budget(config);

	while (size > BUFFER_SIZE_BUNDLED && memory / size < BUFFERS_ENOUGH)
		size /= 2;
	while (size > BUFFER_SIZE_LEAST && memory / size < BUFFERS_LEAST)
		size /= 2;
	while (size < BUFFER_SIZE_MOST && size <= budget / 2 && memory / size > STOCK_BUFFERS_MAX)
		size *= 2;
	return size;
}

/*
 * Told at the line to be changed, of those that decide how many buffers there are;
 * where one of them was refused, nobody knows how many there will be.
 */
__attribute__((format(printf, 3, 4))) static void
warn_of_buffers(struct report *report, const struct config *config, const char *format, ...)
{
	static const char *const keys[] = {"buffer_memory", "buffer_size", "workers"};
	const char *key = NULL;
	char why[WHY_MAX];
	va_list arguments;

	for (size_t i = 0; i < array_size(keys); i++) {
		if (config_origin(config, NULL, keys[i])->refused)
			return;
		if (!key && is_set(config, NULL, keys[i]))
			key = keys[i];
	}
	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	if (key)
		report_key(report, REPORT_WARNING, config, NULL, key, "%s", why);
	else
		report_add(report, REPORT_WARNING, REPORT_NOWHERE, 0, "%s", why);
}

void fit_buffers(struct engine *engine, const struct config *config, uint64_t memory_limit,
		 struct report *report)
{
	uint32_t workers = engine->worker_count;
	uint64_t all = choose_memory(config, memory_limit, report), memory = all / workers;
	uint32_t size =
		config->buffer_size ? config->buffer_size : buffer_size_for(engine, config, memory);
	uint64_t count = memory / size;

	if (count < BUFFERS_LEAST) {
		warn_of_buffers(report, config,
				"buffer_memory of %" PRIu64 " KiB is %" PRIu64
				" buffers of %u KiB for each of %u worker%s: continuing with %u "
				"for each, %" PRIu64 " KiB in all; raise buffer_memory, or lower "
				"buffer_size or workers",
				all / KIB, count, size / 1024, workers, workers == 1 ? "" : "s",
				BUFFERS_LEAST, (uint64_t)BUFFERS_LEAST * size * workers / KIB);
		count = BUFFERS_LEAST;
	} else if (count > STOCK_BUFFERS_MAX) {
		warn_of_buffers(report, config,
				"buffer_memory of %" PRIu64 " KiB is more than %u buffers of %u "
				"KiB, the most that a ring has, for each of %u worker%s: "
				"continuing with %" PRIu64 " KiB in all; raise buffer_size or "
				"workers, or lower buffer_memory",
				all / KIB, STOCK_BUFFERS_MAX, size / 1024, workers,
				workers == 1 ? "" : "s",
				(uint64_t)STOCK_BUFFERS_MAX * size * workers / KIB);
		count = STOCK_BUFFERS_MAX;
	}
	engine->sizes.buffer_size = size;
	engine->sizes.buffer_memory = count * size;
}

/* ---- Connections ------------------------------------------------------------------------------*/

/* At most a sixteenth of all descriptors are for the pipes of splicing. */
static uint32_t pipes_for(uint64_t descriptors, uint32_t workers)
{
	uint64_t most = descriptors / 16 / 2 / workers;

	return most < PIPES_MAX ? (uint32_t)most : PIPES_MAX;
}

/* Whether a proxy's server is one of our sections, as far as addresses tell. */
static bool is_chained(const struct config *config, const struct address *server)
{
	for (uint32_t i = 0; i < config->section_count; i++)
		for (size_t j = 0; j < config->sections[i].listen_count; j++)
			if (meet_by_connecting(server, &config->sections[i].listens[j].address))
				return true;
	return false;
}

static bool reaches_chained(const struct config *config, const struct config_section *pool)
{
	for (size_t i = 0; i < pool->server_count; i++)
		if (is_chained(config, &pool->servers[i].address))
			return true;
	return false;
}

/* Descriptors of a connection; where it goes through two sections, of both. */
static uint64_t descriptors_each(const struct config *config)
{
	uint64_t most = 1;

	for (uint32_t i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];

		if (section->kind == CONFIG_PROXY && most < 2)
			most = 2;
		for (size_t j = 0; j < section->reach_count; j++)
			if (reaches_chained(config, section->reaches[j]))
				return (uint64_t)2 * ENGINE_HOPS_TIMES;
	}
	return most;
}

int fit_connections(struct engine *engine, const struct config *config, uint64_t limit,
		    struct report *report)
{
	uint64_t own, per_connection = descriptors_each(config), listeners = 0, most;
	uint32_t wanted = config->max_connections;

	for (uint32_t i = 0; i < config->section_count; i++)
		listeners += config->sections[i].listen_count;
	if (per_connection > 1)
		engine->sizes.pipes_max = pipes_for(limit, engine->worker_count);
	own = DESCRIPTORS_PROCESS +
	      (uint64_t)engine->worker_count *
		      (DESCRIPTORS_WORKER + listeners + 2ull * engine->sizes.pipes_max);
	most = limit > own ? (limit - own) / per_connection : 0;
	if (most == 0) {
		report_add(report, REPORT_MISTAKE, REPORT_NOWHERE, 0,
			   "RLIMIT_NOFILE is %" PRIu64 ", and %" PRIu64
			   " descriptors are needed before the first connection; raise "
			   "LimitNOFILE= of the unit (ulimit -n)",
			   limit, own);
		return -EMFILE;
	}
	if (wanted > most)
		report_key(report, REPORT_WARNING, config, NULL, "max_connections",
			   "%u needs %" PRIu64 " descriptors, RLIMIT_NOFILE allows %" PRIu64
			   ": continuing with %" PRIu64 " connections; raise LimitNOFILE= of the "
			   "unit",
			   wanted, own + wanted * per_connection, limit, most);
	if (most > 1u << OP_SLOT_BITS)
		most = 1u << OP_SLOT_BITS;
	engine->sessions_max = wanted && wanted < most ? wanted : (uint32_t)most;
	atomic_store(&engine->connections_max, engine->sessions_max);
	return 0;
}

/* ---- Settings ---------------------------------------------------------------------------------*/

/* 0 where it cannot be read. */
static uint64_t read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[32] = "";

	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	return strtoull(line, NULL, 10);
}

/*
 * For each key of a section a function that says whether less will be done than it
 * says, and why, as a sentence's end behind the line's place.
 */
typedef bool reduction(const struct engine *engine, const struct config_section *section,
		       char why[WHY_MAX]);

static bool reduced_backlog(const struct engine *engine, const struct config_section *section,
			    char why[WHY_MAX])
{
	uint64_t most = read_number("/proc/sys/net/core/somaxconn");

	(void)engine;
	snprintf(why, WHY_MAX,
		 "%u is reduced to %" PRIu64 " by the kernel; raise net.core.somaxconn",
		 section->settings.backlog, most);
	return most && section->settings.backlog > most;
}

/* What a pipe of that size would be, by making one. */
static uint32_t granted_pipe(uint32_t size)
{
	uint32_t granted;
	int fds[2];

	if (socket_pipe(fds, size, &granted) < 0)
		return size; /* no descriptors: another complaint */
	socket_close(fds[0]);
	socket_close(fds[1]);
	return granted;
}

static bool reduced_pipe(const struct engine *engine, const struct config_section *section,
			 char why[WHY_MAX])
{
	uint32_t size = section->settings.pipe_size, relay = section->settings.relay, granted;
	char wanted[VALUE_TEXT_MAX], got[VALUE_TEXT_MAX];

	(void)engine;
	if (section->kind != CONFIG_PROXY ||
	    (relay != CONFIG_RELAY_AUTO && relay != CONFIG_RELAY_SPLICE))
		return false;
	granted = granted_pipe(size);
	snprintf(why, WHY_MAX,
		 "the kernel grants %s instead of %s; raise fs.pipe-max-size or "
		 "fs.pipe-user-pages-soft, or give CAP_SYS_RESOURCE",
		 value_format_size(granted, got, sizeof(got)),
		 value_format_size(size, wanted, sizeof(wanted)));
	return granted < size;
}

static bool reduced_budget(const struct engine *engine, const struct config_section *section,
			   char why[WHY_MAX])
{
	uint32_t budget = section->settings.receive_budget;
	bool small = budget < engine->sizes.buffer_size;
	char size[VALUE_TEXT_MAX], other[VALUE_TEXT_MAX];

	value_format_size(budget, size, sizeof(size));
	value_format_size(small ? engine->sizes.buffer_size : engine->sizes.buffer_memory, other,
			  sizeof(other));
	if (small)
		snprintf(why, WHY_MAX,
			 "%s is less than one buffer, which a direction may have in any case: %s; "
			 "lower buffer_size",
			 size, other);
	else
		snprintf(why, WHY_MAX,
			 "%s is more than a worker has, which is %s; raise buffer_memory, or lower "
			 "workers",
			 size, other);
	return small || budget > engine->sizes.buffer_memory;
}

static bool reduced_most(const struct engine *engine, const struct config_section *section,
			 char why[WHY_MAX])
{
	snprintf(
		why, WHY_MAX,
		"%u is more than all sections together have, which is %u; raise max_connections of "
		"[global], or LimitNOFILE= of the unit",
		section->settings.max_connections, engine->connections_max);
	return section->settings.max_connections > engine->connections_max;
}

static bool reduced_relay(const struct engine *engine, const struct config_section *section,
			  char why[WHY_MAX])
{
	snprintf(why, WHY_MAX, "this kernel or `without` lacks sendmsg-zc: copying instead");
	return section->kind == CONFIG_PROXY && section->settings.relay == CONFIG_RELAY_ZEROCOPY &&
	       !ring_capable(&engine->capabilities, RING_SENDMSG_ZC);
}

/* A line in [defaults] is warned of once, however many sections have it. */
static void fit_key(const struct engine *engine, const struct config *config, const char *key,
		    reduction *is_reduced, struct report *report)
{
	struct config_origin told = {0};
	char why[WHY_MAX];

	for (uint32_t i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];
		const struct config_origin *origin;

		if (!schema_find(key, (unsigned)IN_PROXY << section->kind) ||
		    !is_set(config, section, key))
			continue;
		origin = config_origin(config, section, key);
		if ((origin->line == told.line && origin->file == told.file) ||
		    !is_reduced(engine, section, why))
			continue;
		told = *origin;
		report_key(report, REPORT_WARNING, config, section, key, "%s", why);
	}
}

/* sqpoll and busy_poll buy round trips with CPU; waiting for a batch would give them back. */
static void fit_coalesce(struct engine *engine, const struct config *config, struct report *report)
{
	const char *why = !ring_capable(&engine->capabilities, RING_MIN_WAIT)
				  ? "this kernel or `without` lacks min-wait"
			  : engine->sqpoll ? "with sqpoll nothing is waited for"
					   : NULL;

	engine->sizes.coalesce_us = why || config->busy_poll_us ? 0 : config->coalesce_us;
	if (config->sqpoll == CONFIG_ON || config->busy_poll_us)
		return; /* then the configuration itself says so: config/check_effects.c */
	if (why && config->coalesce_us && is_set(config, NULL, "coalesce"))
		report_key(report, REPORT_WARNING, config, NULL, "coalesce", "has no effect: %s",
			   why);
}

void fit_settings(struct engine *engine, const struct config *config, struct report *report)
{
	fit_coalesce(engine, config, report);
	fit_key(engine, config, "backlog", reduced_backlog, report);
	fit_key(engine, config, "pipe_size", reduced_pipe, report);
	fit_key(engine, config, "receive_budget", reduced_budget, report);
	fit_key(engine, config, "max_connections", reduced_most, report);
	fit_key(engine, config, "relay", reduced_relay, report);
}
