#include "control/build.h"

#include "base/clock.h"
#include "control/fit.h"
#include "control/roster.h"
#include "loop/pipes.h"
#include "session/life.h"

#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Descriptors of our own: standard streams, ring, eventfds, log, signals, some to spare. */
#define DESCRIPTORS_PROCESS 64
#define DESCRIPTORS_WORKER  8

#define PATIENCE_MS 1000
#define PAUSE_MS    20

static int build_section(struct section *section, struct resolver *resolver,
			 const struct config_section *source, strategy_finder *find)
{
	int r = life_give(section, source, find(source));

	if (r < 0)
		return log_no_memory(source->title);
	return section->has_upstream ? roster_open(section, resolver) : 0;
}

/* Names that judge_config() has found to be some. */
static int switch_off(struct engine *engine, const char *names)
{
	char *copy = strdup(names ? names : ""), *save = NULL;

	if (!copy)
		return log_no_memory("the names of kernel features");
	for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save))
		(void)!ring_capabilities_without(&engine->capabilities, name);
	free(copy);
	return 0;
}

/* At most a sixteenth of all descriptors are for the pipes of splicing. */
static uint32_t pipes_for(uint64_t descriptors, uint32_t workers)
{
	uint64_t most = descriptors / 16 / 2 / workers;

	return most < PIPES_MAX ? (uint32_t)most : PIPES_MAX;
}

/* How many connections the descriptors are good for. */
static int fit_connections(struct engine *engine, uint32_t listeners)
{
	uint64_t limit = 0, own, per_connection = 1, most;
	uint32_t wanted = engine->config->max_connections;
	char place[CONFIG_PLACE_MAX];
	int r = limits_raise_descriptors(&limit);

	if (r < 0) {
		log_error("cannot read RLIMIT_NOFILE: %s", strerror(-r));
		return r;
	}
	for (uint32_t i = 0; i < engine->section_count; i++)
		if (engine->sections[i].has_upstream)
			per_connection = 2;
	if (per_connection == 2)
		engine->sizes.pipes_max = pipes_for(limit, engine->worker_count);
	own = DESCRIPTORS_PROCESS +
	      (uint64_t)engine->worker_count *
		      (DESCRIPTORS_WORKER + listeners + 2 * engine->sizes.pipes_max);
	most = limit > own ? (limit - own) / per_connection : 0;
	if (most == 0) {
		log_error("RLIMIT_NOFILE is %llu, and %llu descriptors are needed before the first "
			  "connection; raise LimitNOFILE= of the unit (ulimit -n)",
			  (unsigned long long)limit, (unsigned long long)own);
		return -EMFILE;
	}
	if (wanted > most)
		log_warning(
			"%s: %u needs %llu descriptors, RLIMIT_NOFILE allows "
			"%llu: continuing with %llu connections; raise LimitNOFILE= of the unit",
			config_place(engine->config, NULL, "max_connections", place, sizeof(place)),
			wanted, (unsigned long long)(own + wanted * per_connection),
			(unsigned long long)limit, (unsigned long long)most);
	if (most > 1u << OP_SLOT_BITS)
		most = 1u << OP_SLOT_BITS;
	engine->connections_max = wanted && wanted < most ? wanted : (uint32_t)most;
	return 0;
}

/* Locked memory of rings that another process has just closed comes back late. */
static int probe(struct engine *engine)
{
	struct ring_error error = {0};
	uint64_t until = clock_now_ms() + PATIENCE_MS;
	int r;

	while ((r = ring_probe(&engine->capabilities, NULL)) == -ENOMEM && clock_now_ms() < until)
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * CLOCK_NS_PER_MS}, NULL);
	if (r == 0)
		return 0;
	ring_explain(&error, "io_uring_setup", r, NULL);
	log_error("cannot use io_uring: %s%s", error.text,
		  r == -ENOMEM ? "; each worker needs about 400 KiB" : "");
	return build_of_system(r);
}

int build_engine(struct engine *engine, const struct config *config, const struct mode *mode,
		 struct resolver *resolver, strategy_finder *find)
{
	uint32_t listeners = 0;
	int r, result;

	*engine = (struct engine){
		.config = config,
		.worker_count = mode->workers,
		.sqpoll = mode->sqpoll,
		.sizes.turn_bytes = ENGINE_TURN_BYTES,
		.wake_fd = -1,
		.sections = calloc(config->section_count + 1, sizeof(*engine->sections)),
		.section_count = (uint32_t)config->section_count,
	};
	if (!engine->sections)
		return log_no_memory("the sections");
	result = probe(engine);
	if (result < 0)
		return result;
	result = switch_off(engine, config->without);
	for (uint32_t i = 0; i < engine->section_count; i++) {
		engine->sections[i].index = i;
		r = build_section(&engine->sections[i], resolver, &config->sections[i], find);
		result = result < 0 ? result : r;
		listeners += (uint32_t)config->sections[i].listen_count;
	}
	if (result < 0)
		return result;
	fit_buffers(engine, limits_memory(""));
	r = fit_connections(engine, listeners);
	if (r == 0)
		fit_settings(engine);
	return r;
}

void build_done(struct engine *engine)
{
	for (uint32_t i = 0; engine->sections && i < engine->section_count; i++) {
		struct section *section = &engine->sections[i];

		life_take(section);
		roster_close(section);
	}
	hop_done(engine);
	free(engine->sections);
	engine->sections = NULL;
}
