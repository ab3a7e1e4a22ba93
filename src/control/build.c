#include "control/build.h"

#include "base/clock.h"
#include "control/fit.h"
#include "control/roster.h"
#include "control/tell.h"
#include "loop/pipes.h"
#include "session/life.h"

#include "ops/limits.h"
#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 1000
#define PAUSE_MS    20

static int build_section(struct section *section, struct resolver *resolver, strategy_finder *find)
{
	int r = life_give(section, section->config, find(section->config));

	if (r < 0)
		return log_no_memory(section->config->title);
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

/* The engine as far as the configuration says. */
static int lay_out(struct engine *engine, const struct config *config, const struct mode *mode)
{
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
	for (uint32_t i = 0; i < engine->section_count; i++) {
		struct section *section = &engine->sections[i];

		section->index = i;
		section->config = &config->sections[i];
		section->has_upstream = section->config->kind == CONFIG_PROXY;
	}
	return 0;
}

/* What the machine makes of it, once the capabilities are known. */
static int fit(struct engine *engine, struct report *report)
{
	uint64_t descriptors = 0;
	int r = limits_raise_descriptors(&descriptors);

	fit_buffers(engine, limits_memory(""), report);
	if (r < 0)
		report_add(report, REPORT_MISTAKE, REPORT_NOWHERE, 0,
			   "cannot read RLIMIT_NOFILE: %s", strerror(-r));
	else
		r = fit_connections(engine, descriptors, report);
	if (r == 0)
		fit_settings(engine, report);
	return r;
}

static int fit_and_tell(struct engine *engine)
{
	struct report report = {0};
	int r = fit(engine, &report);

	tell_report(&report);
	report_done(&report);
	return r;
}

int build_engine(struct engine *engine, const struct config *config, const struct mode *mode,
		 struct resolver *resolver, strategy_finder *find)
{
	int r = lay_out(engine, config, mode), result;

	if (r == 0)
		r = probe(engine);
	if (r < 0)
		return r;
	result = switch_off(engine, config->without);
	for (uint32_t i = 0; i < engine->section_count; i++) {
		r = build_section(&engine->sections[i], resolver, find);
		result = result < 0 ? result : r;
	}
	return result < 0 ? result : fit_and_tell(engine);
}

int build_try(const struct config *config, const struct mode *mode, struct report *report)
{
	struct ring_error error = {0};
	struct engine engine;
	int r = lay_out(&engine, config, mode), probed;

	if (r < 0)
		return r;
	probed = ring_probe(&engine.capabilities, NULL);
	if (probed == 0)
		r = switch_off(&engine, config->without);
	if (probed == 0 && r == 0)
		r = fit(&engine, report);
	if (probed < 0) {
		ring_explain(&error, "io_uring_setup", probed, NULL);
		report_add(report, REPORT_WARNING, REPORT_NOWHERE, 0,
			   "cannot use io_uring here and now, so what the machine makes of the "
			   "settings is not tested: %s",
			   error.text);
	}
	build_done(&engine);
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
