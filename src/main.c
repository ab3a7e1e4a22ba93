/*
 * uringproxy: read the configuration, open what it names, serve until told to
 * stop.  What each part does is said in its header; the order of things is here.
 */
#include "base/clock.h"
#include "config/config.h"
#include "control/build.h"
#include "control/commands.h"
#include "control/configuration.h"
#include "control/judge.h"
#include "control/mode.h"
#include "control/supervisor.h"
#include "relay/strategies.h"
#include "service/services.h"
#include "session/tally.h"

#include "ops/activation.h"
#include "ops/events.h"
#include "ops/limits.h"
#include "ops/log.h"
#include "ops/notify.h"
#include "ops/signals.h"
#include "ops/writer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>

#define LOG_PATIENCE_MS 1000 /* for a log that nobody reads, at the end */

/* ---- Serving --------------------------------------------------------------------------------- */

static const struct strategy *find_strategy(const struct config_section *section)
{
	const struct strategy *service = service_of(section->kind);

	return service ? service : strategy((enum config_relay)section->settings.relay);
}

/* A file that is wrong is judged as far as it is understood: one run tells everything. */
static int judge_to_serve(const struct config *config, struct report *report)
{
	return judge_worse(judge_config(config, report), serve_judge(config, false, report));
}

static int bind_and_supervise(struct service_plan *plan, const struct reading_means *means)
{
	struct reading *reading = plan->reading;
	const char *name;
	int r = reading_bind(reading, means);

	if (r == 0)
		r = sockets_listen(&reading->sockets);
	if (r == 0)
		r = serve_bind(&plan->control, &reading->config, means->activation);
	for (unsigned i = 0; (name = activation_unclaimed(means->activation, i)); i++)
		log_warning("systemd passed a socket named '%s', and no section has "
			    "listen = systemd:%s",
			    name, name);
	if (r < 0) {
		reading_free(reading);
		return r;
	}
	r = supervise(plan);
	serve_close(plan->control);
	return r;
}

static int serve_sockets(struct service_plan *plan, struct reading_means *means)
{
	struct activation activation;
	struct entrances entrances;
	int r = activation_open(&activation);

	if (r < 0)
		log_warning("cannot read what systemd passed: %s", strerror(-r));
	entrances_init(&entrances, plan->engine->worker_count);
	entrances_be_patient(&entrances);
	means->activation = &activation;
	means->entrances = &entrances;
	r = bind_and_supervise(plan, means);
	entrances_close(&entrances);
	activation_close(&activation);
	return r;
}

static int serve_edition(struct service_plan *plan)
{
	struct servers_reaches reaches = reach_of_servers(plan->engine->worker_count);
	struct ledger ledger;
	struct servers servers;
	struct reading_means means = {
		.ledger = &ledger, .servers = &servers, .find = find_strategy};
	int r;

	ledger_open(&ledger, plan->engine->worker_count, TALLY_COUNT);
	servers_init(&servers, &reaches);
	plan->means = &means;
	r = reading_build(plan->reading, 1, plan->engine->worker_count, &means);
	if (r == 0)
		r = serve_sockets(plan, &means);
	else
		reading_free(plan->reading);
	servers_done(&servers);
	ledger_close(&ledger);
	return r;
}

static void on_early_stop(void *events, int signal)
{
	(void)signal;
	log_info("told to stop before anything was served");
	events_stop(events);
}

/* Names are given a moment; -EINTR where a signal ended that.  Other signals wait. */
static int await_names(struct resolver *resolver, struct events *events)
{
	struct event *term = NULL, *interrupt = NULL;
	int r = events_add_signal(events, &term, SIGTERM, on_early_stop, events);

	if (r == 0)
		r = events_add_signal(events, &interrupt, SIGINT, on_early_stop, events);
	if (r < 0)
		(void)events_cannot("wait for signals", r);
	else
		r = resolver_wait(resolver, events, RESOLVE_START_MS);
	events_remove(term);
	events_remove(interrupt);
	return r;
}

static int serve(struct service_plan *plan)
{
	const struct config *config = &plan->reading->config;
	struct limits_cpus cpus;
	struct engine engine;
	struct mode mode;
	int r = limits_cpus(&cpus);

	if (r < 0) {
		log_error("cannot read which CPUs may be used: %s", strerror(-r));
		r = build_of_system(r);
	} else {
		mode_decide(&mode, config, &cpus);
		r = build_engine(&engine, config, &mode);
	}
	if (r < 0) {
		reading_free(plan->reading);
		return r;
	}
	plan->engine = &engine;
	plan->mode = &mode;
	r = serve_edition(plan);
	hop_done(&engine);
	clients_close(&engine.clients);
	return r;
}

static int resolve_and_serve(struct service_plan *plan)
{
	struct reading *reading = plan->reading;
	int r = resolver_open(&reading->resolver, &reading->config, NULL);

	if (r == 0)
		r = await_names(&reading->resolver, plan->events);
	if (r == 0)
		return serve(plan);
	reading_free(reading);
	return r == -EINTR ? 0 : r;
}

static int start(struct reading *reading, const char *path)
{
	struct service_plan plan = {.path = path,
				    .started_ms = clock_now_ms(),
				    .reading = reading,
				    .judge = judge_to_serve};
	int r = events_open(&plan.events);

	if (r < 0) {
		reading_free(reading);
		return events_cannot("wait for signals", r);
	}
	r = resolve_and_serve(&plan);
	events_close(plan.events);
	return r;
}

/* From here on lines are written by a thread of their own, until the last one is out. */
static int run(struct reading *reading, const char *path)
{
	int r = writer_start();

	if (r < 0)
		reading_free(reading);
	if (r == -ENOMEM)
		return log_no_memory("the log");
	if (r < 0) {
		log_error("cannot start the thread that writes logs: %s; see %s of the unit",
			  strerror(-r), r == -EAGAIN ? "TasksMax=" : "LimitNOFILE=");
		return r;
	}
	log_info("uringproxy %s", VERSION);
	r = start(reading, path);
	writer_stop(LOG_PATIENCE_MS);
	return r;
}

/* -t */
static int test(const struct commandline *line)
{
	struct config config;
	int r = configuration_read(&config, line);

	if (r != EX_OK)
		return r;
	log_info("%s: the configuration is good", line->path);
	config_done(&config);
	return EX_OK;
}

/* Without a command. */
static int serve_until_stopped(const struct commandline *line)
{
	struct reading *reading = reading_make();
	int r;

	if (!reading)
		return configuration_status(log_no_memory("the configuration"));
	r = configuration_read(&reading->config, line);
	if (r != EX_OK) {
		reading_free(reading);
		return r;
	}
	log_set_level((enum log_level)reading->config.level);
	r = build_of_system(signals_block());
	if (r < 0) {
		log_error("cannot block signals: %s", strerror(-r));
		reading_free(reading);
	} else {
		r = run(reading, line->path);
	}
	if (r < 0)
		notify_errno(-r, "%s", strerror(-r));
	return configuration_status(r);
}

int main(int argc, char *argv[])
{
	struct commandline line;
	int r = commandline_begin(&line, commands, argc, argv);

	if (r != EX_OK)
		return r;
	log_open(LOG_LEVEL_INFO);
	if (line.command)
		return line.command->run(&line);
	return line.test ? test(&line) : serve_until_stopped(&line);
}
