#include "control/build.h"

#include "base/clock.h"
#include "control/fit.h"
#include "control/judge.h"
#include "control/pools.h"
#include "control/tell.h"
#include "guard/acl.h"
#include "loop/pipes.h"
#include "session/admission.h"
#include "session/edition.h"
#include "session/greet_proxy.h"
#include "session/life.h"
#include "session/measure.h"
#include "session/routing.h"

#include "ops/limits.h"
#include "ops/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PATIENCE_MS 1000
#define PAUSE_MS    20

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
static void lay_out(struct engine *engine, const struct config *config, const struct mode *mode)
{
	*engine = (struct engine){
		.worker_count = mode->workers,
		.sqpoll = mode->sqpoll,
		.sq_idle_ms = config->sqpoll_idle_ms,
		.sizes.turn_bytes = ENGINE_TURN_BYTES,
		.sizes.sandbox = config->ring_sandbox == CONFIG_SANDBOX_ON,
		.wake_fd = -1,
	};
	/* Early at boot the kernel has none yet: then there is the clock. */
	if (getrandom(&engine->run, sizeof(engine->run), GRND_NONBLOCK) < 0)
		engine->run = clock_now_ns();
}

/* What the machine makes of it, once the capabilities are known. */
static int fit(struct engine *engine, const struct config *config, struct report *report)
{
	uint64_t descriptors = 0;
	int r = limits_raise_descriptors(&descriptors);

	fit_buffers(engine, config, limits_memory(""), report);
	if (r < 0)
		report_add(report, REPORT_MISTAKE, REPORT_NOWHERE, 0,
			   "cannot read RLIMIT_NOFILE: %s", strerror(-r));
	else
		r = fit_connections(engine, config, descriptors, report);
	if (r == 0)
		fit_settings(engine, config, report);
	return r;
}

static int fit_and_tell(struct engine *engine, const struct config *config)
{
	struct report report = {0};
	int r = fit(engine, config, &report);

	tell_report(&report);
	report_done(&report);
	return r;
}

int build_engine(struct engine *engine, const struct config *config, const struct mode *mode)
{
	int r, result;

	lay_out(engine, config, mode);
	r = probe(engine);
	if (r < 0)
		return r;
	result = switch_off(engine, config->without);
	r = fit_and_tell(engine, config);
	return result < 0 ? result : r;
}

int build_try(const struct config *config, const struct mode *mode, struct report *report)
{
	struct ring_error error = {0};
	struct engine engine;
	int r = 0, probed;

	lay_out(&engine, config, mode);
	probed = ring_probe(&engine.capabilities, NULL);
	if (probed == 0)
		r = switch_off(&engine, config->without);
	if (probed == 0 && r == 0)
		r = fit(&engine, config, report);
	if (probed < 0) {
		ring_explain(&error, "io_uring_setup", probed, NULL);
		report_add(report, REPORT_WARNING, REPORT_NOWHERE, 0,
			   "cannot use io_uring here and now, so what the machine makes of the "
			   "settings is not tested: %s",
			   error.text);
	}
	return r;
}

/* Room was made for so many when the daemon started. */
static uint32_t refit_connections(const struct engine *engine, uint32_t wanted,
				  const struct config *config, struct report *report)
{
	if (wanted <= engine->sessions_max)
		return wanted;
	if (config->max_connections)
		report_key(report, REPORT_WARNING, config, NULL, "max_connections",
			   "%u needs a restart; until then there is room for %u", wanted,
			   engine->sessions_max);
	return engine->sessions_max;
}

int build_refit(const struct engine *engine, const struct config *config, struct report *report,
		uint32_t *ret_connections)
{
	struct engine other = {
		.capabilities = engine->capabilities,
		.worker_count = engine->worker_count,
		.sizes = engine->sizes,
		.sqpoll = engine->sqpoll,
	};
	uint64_t descriptors = 0;
	int r = limits_raise_descriptors(&descriptors);

	if (r == 0)
		r = fit_connections(&other, config, descriptors, report);
	if (r < 0)
		return r;
	*ret_connections = refit_connections(engine, other.sessions_max, config, report);
	other.connections_max = *ret_connections;
	fit_settings(&other, config, report);
	return 0;
}

/* ---- Editions -------------------------------------------------------------------------------- */

static int build_pool(struct edition *edition, const struct config_section *source,
		      const struct build_means *means)
{
	return pools_fill(&edition->pools[edition->pool_count++], source,
			  &(struct pool_means){.servers = means->servers,
					       .ledger = means->ledger,
					       .resolver = means->resolver,
					       .config = edition->config});
}

/* The pool of the section's own servers, or the one that it names; those are built. */
static int build_upstream(struct section *section, const struct build_means *means,
			  struct edition *edition)
{
	const struct config *config = edition->config;
	const struct config_section *source = config_pool(config, section->config);
	int r = 0;

	if (!config_has_servers(section->config))
		return 0; /* all that it serves is routed */
	if (source == section->config) {
		section->pool = &edition->pools[edition->pool_count];
		r = build_pool(edition, source, means);
	} else {
		section->pool = &edition->pools[source - config->pools];
	}
	return r;
}

static int build_routing(struct section *section, const struct edition *edition)
{
	if (routing_give(section, edition) < 0)
		return log_no_memory(section->config->title);
	return 0;
}

static char *rule_name(const struct section *section, uint32_t rule)
{
	char *name;

	return asprintf(&name, "%s %s", section->config->title, acl_rule_text(section->acl, rule)) <
			       0
		       ? NULL
		       : name;
}

/* What its rules refuse is counted under their text: it stays theirs where lines move. */
static int open_rules(struct section *section, struct ledger *ledger)
{
	uint32_t count = acl_rule_count(section->acl) + 1;

	section->rules = calloc(count, sizeof(struct account *));
	for (uint32_t i = 0; section->rules && i < count; i++) {
		char *name = rule_name(section, i);

		if (name)
			section->rules[i] = ledger_account(ledger, name);
		free(name);
		if (!section->rules[i])
			return -ENOMEM;
	}
	return section->rules ? 0 : -ENOMEM;
}

static int make_acl(struct section *section, const struct edition *edition)
{
	struct report report = {0};
	int r;

	for (const struct section *before = edition->sections; before < section; before++)
		if (before->acl && acl_share(before->acl, section->config)) {
			section->acl = before->acl;
			return 0;
		}
	r = acl_make(&section->acl, edition->config, section->config, &report);
	tell_report(&report);
	report_done(&report);
	return r;
}

/* Who may come in. */
static int build_guards(struct section *section, const struct build_means *means,
			const struct edition *edition)
{
	int r = make_acl(section, edition);

	admission_limit(section);
	if (r == 0 && section->acl) {
		section->guards |= GUARD_LISTS;
		r = open_rules(section, means->ledger);
	}
	return r == -ENOMEM ? log_no_memory("the lines of allow and deny") : r;
}

static int build_section(struct section *section, const struct build_means *means,
			 struct edition *edition)
{
	uint32_t index = (uint32_t)(section - edition->sections);
	const struct config_section *config = &edition->config->sections[index];
	int r;

	section->edition = edition;
	section->account = ledger_account(means->ledger, config->title);
	if (!section->account || ledger_measure(means->ledger, section->account, MEASURE_COUNT) < 0)
		return log_no_memory(config->title);
	r = life_give(section, config, means->find(config));
	if (r < 0)
		return log_no_memory(config->title);
	if (greet_proxy_build(section) < 0)
		return log_no_memory("the lines of accept_proxy_from");
	r = build_guards(section, means, edition);
	if (section->has_upstream)
		r = judge_worse(r, build_upstream(section, means, edition));
	return judge_worse(r, r < 0 ? r : build_routing(section, edition));
}

static int by_account(const void *left, const void *right)
{
	const struct account *a = (*(struct pool *const *)left)->account;
	const struct account *b = (*(struct pool *const *)right)->account;

	return a < b ? -1 : a > b;
}

static int index_pools(struct edition *edition)
{
	edition->by_account = calloc(edition->pool_count + 1, sizeof(struct pool *));
	if (!edition->by_account)
		return log_no_memory("the pools");
	for (uint32_t i = 0; i < edition->pool_count; i++)
		edition->by_account[i] = &edition->pools[i];
	qsort(edition->by_account, edition->pool_count, sizeof(struct pool *), by_account);
	return 0;
}

int build_edition(struct edition *edition, const struct config *config, uint64_t number,
		  const struct build_means *means)
{
	int result = 0;

	*edition = (struct edition){
		.number = number,
		.config = config,
		.sections = calloc(config->section_count + 1, sizeof(*edition->sections)),
		.pools = calloc(config->pool_count + config->section_count + 1,
				sizeof(*edition->pools)),
	};
	if (!edition->sections || !edition->pools)
		return log_no_memory("the sections");
	edition->section_count = (uint32_t)config->section_count;
	for (size_t i = 0; i < config->pool_count; i++) {
		int r = build_pool(edition, &config->pools[i], means);

		result = result < 0 ? result : r;
	}
	for (uint32_t i = 0; i < edition->section_count; i++) {
		int r = build_section(&edition->sections[i], means, edition);

		result = result < 0 ? result : r;
	}
	return result < 0 ? result : index_pools(edition);
}

void build_edition_done(struct edition *edition)
{
	for (uint32_t i = 0; i < edition->section_count; i++) {
		life_take(&edition->sections[i]);
		acl_free(edition->sections[i].acl);
		greet_proxy_done(&edition->sections[i]);
		free(edition->sections[i].rules);
	}
	for (uint32_t i = 0; i < edition->pool_count; i++)
		pool_close(&edition->pools[i]);
	free(edition->sections);
	free(edition->pools);
	free(edition->by_account);
	*edition = (struct edition){0};
}
