/*
 * uringproxy: read the configuration, open what it names, serve until told to
 * stop.  What each part does is said in its header; the order of things is here.
 */
#include "config/config.h"
#include "control/build.h"
#include "control/client.h"
#include "control/command.h"
#include "control/inspect.h"
#include "control/judge.h"
#include "control/logs.h"
#include "control/mode.h"
#include "control/supervisor.h"
#include "control/tell.h"
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
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_PATH    "/etc/uringproxy.conf"
#define SOCKET_PATH_MAX 256
#define LOG_PATIENCE_MS 1000 /* for a log that nobody reads, at the end */

struct arguments {
	const char *path;
	bool named;         /* by -c */
	const char *socket; /* by -s */
	bool test, resolve;
};

/*
 * What is done instead of serving: `uringproxy [options] NAME ...`.  Its function gets
 * what follows the name, like a main() of its own, and returns the exit status.
 */
struct command {
	const char *name;
	int (*run)(struct arguments *arguments, int argc, char *argv[]);
	const char *synopsis, *help;
};

static int command_config(struct arguments *arguments, int argc, char *argv[]);
static int command_check(struct arguments *arguments, int argc, char *argv[]);
static int run_status(struct arguments *arguments, int argc, char *argv[]);

static const struct command commands[] = {
	{"config", command_config, "config --effective",
	 "print every value, and where it came from"},
	{"check", command_check, "check [--json]", "what this machine allows, and what would help"},
	{"status", run_status, "status [--json|--quiet]", "how the daemon that runs is"},
};

/* ---- The command line ------------------------------------------------------------------------ */

static void print_usage(FILE *out)
{
	fputs("usage: uringproxy [-c FILE] [-t [--resolve]]\n", out);
	for (size_t i = 0; i < array_size(commands); i++)
		fprintf(out, "       uringproxy [-c FILE] %s\n", commands[i].synopsis);
	fputs("\n"
	      "  -c FILE   the configuration (default: " DEFAULT_PATH ")\n"
	      "  -s SOCKET the control socket of the daemon that runs (default:\n"
	      "            $URINGPROXY_CONTROL, what -c FILE says, or\n"
	      "            " CLIENT_SOCKET ")\n"
	      "  -t        test the configuration, start nothing\n"
	      "  --resolve with -t: look its host names up, too\n",
	      out);
	for (size_t i = 0; i < array_size(commands); i++)
		fprintf(out, "  %-24s %s\n", commands[i].synopsis, commands[i].help);
	fputs("  -V        print the version        -h   this text\n"
	      "\n"
	      "Runs in the foreground and logs to standard error.  See uringproxy(8).\n",
	      out);
}

static int unexpected(const char *argument)
{
	fprintf(stderr, "uringproxy: unexpected argument '%s'\n", argument);
	print_usage(stderr);
	return EX_USAGE;
}

/* The options that may stand before the name of a command and behind it. */
#define COMMON_SHORT "c:s:Vh"
#define COMMON_LONG                                                                                \
	{"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},        \
		{"version", no_argument, NULL, 'V'},                                               \
	{                                                                                          \
		"help", no_argument, NULL, 'h'                                                     \
	}

/* One of them, or one that nobody knows, which is EX_USAGE; getopt has said so. */
static int take_common(struct arguments *arguments, int option)
{
	switch (option) {
	case 'c':
		arguments->path = optarg;
		arguments->named = true;
		return EX_OK;
	case 's':
		arguments->socket = optarg;
		return EX_OK;
	case 'V':
		puts("uringproxy " VERSION);
		exit(EX_OK);
	case 'h':
		print_usage(stdout);
		exit(EX_OK);
	default:
		print_usage(stderr);
		return EX_USAGE;
	}
}

/* Up to the name of a command, which is at optind, if there is one. */
static int parse_arguments(struct arguments *ret_arguments, int argc, char *argv[])
{
	static const struct option options[] = {
		COMMON_LONG,
		{"test", no_argument, NULL, 't'},
		{"resolve", no_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	int c, r = EX_OK;

	*ret_arguments = (struct arguments){.path = DEFAULT_PATH};
	while (r == EX_OK &&
	       (c = getopt_long(argc, argv, "+t" COMMON_SHORT, options, NULL)) != -1) {
		if (c == 't')
			ret_arguments->test = true;
		else if (c == 'r')
			ret_arguments->resolve = true;
		else
			r = take_common(ret_arguments, c);
	}
	if (r == EX_OK && ret_arguments->resolve && !ret_arguments->test) {
		fputs("uringproxy: --resolve goes with -t\n", stderr);
		r = EX_USAGE;
	}
	return r;
}

/* ---- The configuration ----------------------------------------------------------------------- */

static int exit_code(int error)
{
	if (error == -EINVAL)
		return EX_CONFIG;
	return error < 0 ? EX_OSERR : EX_OK;
}

/* A file that is wrong is judged as far as it is understood: one run tells everything. */
static int judge_to_serve(const struct config *config, struct report *report)
{
	return judge_worse(judge_config(config, report), serve_judge(config, false, report));
}

static int judge(const struct config *config, const struct arguments *arguments,
		 struct report *report)
{
	int r = judge_config(config, report);

	r = judge_worse(r, serve_judge(config, arguments->test, report));
	if (arguments->test)
		r = judge_worse(r, judge_start(config, report));
	if (arguments->resolve)
		r = judge_worse(r, resolver_test(config, report));
	return r;
}

/* config_done() in either case. */
static int read_config(struct config *config, const struct arguments *arguments)
{
	struct report report;
	const char *first;
	int r;

	*config = (struct config){0};

	if (!arguments->named && access(arguments->path, F_OK) < 0) {
		log_error("there is no %s; write one (see uringproxy.conf(5)), or name a file with "
			  "-c: three lines are enough for an echo on port 7007:  [echo]  and  "
			  "listen = 127.0.0.1:7007",
			  arguments->path);
		return EX_CONFIG;
	}
	r = config_load(config, arguments->path, &report);
	if (r == -ENOMEM)
		(void)log_no_memory("the configuration");
	else
		r = judge_worse(r < 0 ? -EINVAL : 0, judge(config, arguments, &report));
	tell_report(&report);
	first = report_first_mistake(&report);
	if (r < 0)
		notify_errno(-r, "configuration: %s", first ? first : strerror(-r));
	report_done(&report);
	return exit_code(r);
}

/* ---- Serving --------------------------------------------------------------------------------- */

static const struct strategy *find_strategy(const struct config_section *section)
{
	const struct strategy *service = service_of(section->kind);

	return service ? service : strategy((enum config_relay)section->settings.relay);
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
	struct ledger ledger;
	struct servers servers;
	struct reading_means means = {
		.ledger = &ledger, .servers = &servers, .find = find_strategy};
	int r;

	ledger_open(&ledger, plan->engine->worker_count, TALLY_COUNT);
	servers_init(&servers);
	plan->means = &means;
	r = reading_build(plan->reading, 1, plan->engine->worker_count, &means);
	if (r == 0)
		r = serve_sockets(plan, &means);
	else
		reading_free(plan->reading);
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
	struct service_plan plan = {.path = path, .reading = reading, .judge = judge_to_serve};
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

/* ---- Commands -------------------------------------------------------------------------------- */

static int command_config(struct arguments *arguments, int argc, char *argv[])
{
	static const struct option options[] = {
		COMMON_LONG,
		{"effective", no_argument, NULL, 'e'},
		{NULL, 0, NULL, 0},
	};
	bool effective = false;
	struct config config;
	int c, r = EX_OK;

	while (r == EX_OK && (c = getopt_long(argc, argv, COMMON_SHORT, options, NULL)) != -1) {
		if (c == 'e')
			effective = true;
		else
			r = take_common(arguments, c);
	}
	if (r != EX_OK)
		return r;
	if (!effective) {
		fputs("uringproxy: it is `uringproxy config --effective`\n", stderr);
		return EX_USAGE;
	}
	if (optind < argc)
		return unexpected(argv[optind]);
	r = read_config(&config, arguments);
	if (r == EX_OK)
		config_print_effective(&config, stdout);
	config_done(&config);
	return r;
}

/* Whether this machine can serve: 0, or 1, and each thing that was looked at. */
static int command_check(struct arguments *arguments, int argc, char *argv[])
{
	static const struct option options[] = {
		COMMON_LONG,
		{"json", no_argument, NULL, 'j'},
		{NULL, 0, NULL, 0},
	};
	struct findings findings = {0};
	bool json = false, fails;
	int c, r = EX_OK;

	while (r == EX_OK && (c = getopt_long(argc, argv, COMMON_SHORT, options, NULL)) != -1) {
		if (c == 'j')
			json = true;
		else
			r = take_common(arguments, c);
	}
	if (r != EX_OK)
		return r;
	if (optind < argc)
		return unexpected(argv[optind]);
	inspect(arguments->path, arguments->named, &findings);
	r = json ? findings_print_json(&findings, stdout) : findings_print(&findings, stdout);
	fails = findings.found[FINDING_FAIL] > 0;
	findings_done(&findings);
	if (r < 0)
		log_error("cannot print all of it: %s", strerror(-r));
	return r < 0 ? EX_OSERR : fails;
}

/* What the file says of it, as far as it is understood: whether it is right is another question. */
static int socket_of(const struct arguments *arguments, char path[SOCKET_PATH_MAX])
{
	struct report report;
	struct config config;
	int r = config_load(&config, arguments->path, &report);

	for (size_t i = config.control.listen_count; i-- > 0;)
		if (config.control.listens[i].address.kind == ADDRESS_UNIX)
			snprintf(path, SOCKET_PATH_MAX, "%s",
				 config.control.listens[i].address.u.un.sun_path);
	if (r < 0 && r != -EINVAL)
		fprintf(stderr, "uringproxy: cannot read %s: %s\n", arguments->path, strerror(-r));
	else if (config.control.listens_off)
		fprintf(stderr,
			"uringproxy: %s says [control] listen = off: the daemon cannot be asked\n",
			arguments->path);
	r = (r < 0 && r != -EINVAL) || config.control.listens_off ? CLIENT_NO_DAEMON : EX_OK;
	config_done(&config);
	report_done(&report);
	return r;
}

/*
 * Where the daemon is asked: -s, $URINGPROXY_CONTROL, what a file named with -c says, or
 * where the shipped unit has it.
 */
static int find_socket(const struct arguments *arguments, char path[SOCKET_PATH_MAX])
{
	const char *named = arguments->socket ? arguments->socket : getenv("URINGPROXY_CONTROL");

	snprintf(path, SOCKET_PATH_MAX, "%s", named && *named ? named : CLIENT_SOCKET);
	return (named && *named) || !arguments->named ? EX_OK : socket_of(arguments, path);
}

static int run_status(struct arguments *arguments, int argc, char *argv[])
{
	static const struct option options[] = {
		COMMON_LONG,
		{"json", no_argument, NULL, 'j'},
		{"quiet", no_argument, NULL, 'q'},
		{NULL, 0, NULL, 0},
	};
	struct command_options wanted = {0};
	char path[SOCKET_PATH_MAX];
	int c, r = EX_OK;

	while (r == EX_OK && (c = getopt_long(argc, argv, COMMON_SHORT, options, NULL)) != -1) {
		if (c == 'j')
			wanted.json = true;
		else if (c == 'q')
			wanted.quiet = true;
		else
			r = take_common(arguments, c);
	}
	if (r == EX_OK && optind < argc)
		r = unexpected(argv[optind]);
	if (r == EX_OK)
		r = find_socket(arguments, path);
	wanted.socket = path;
	return r == EX_OK ? command_status(&wanted) : r;
}

/* -t */
static int test(const struct arguments *arguments)
{
	struct config config;
	int r = read_config(&config, arguments);

	if (r == EX_OK)
		log_info("%s: the configuration is good", arguments->path);
	config_done(&config);
	return r;
}

/* Without a command. */
static int serve_until_stopped(const struct arguments *arguments)
{
	struct reading *reading = reading_make();
	int r;

	if (!reading)
		return exit_code(log_no_memory("the configuration"));
	r = read_config(&reading->config, arguments);
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
		r = run(reading, arguments->path);
	}
	if (r < 0)
		notify_errno(-r, "%s", strerror(-r));
	return exit_code(r);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < array_size(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char *argv[])
{
	const struct command *command;
	struct arguments arguments;
	char **tail;
	int r = parse_arguments(&arguments, argc, argv), tail_count;

	if (r != EX_OK)
		return r;
	log_open(LOG_LEVEL_INFO);
	if (optind == argc)
		return arguments.test ? test(&arguments) : serve_until_stopped(&arguments);
	command = find_command(argv[optind]);
	if (!command || arguments.test)
		return unexpected(argv[optind]);
	tail = &argv[optind];
	tail_count = argc - optind;
	tail[0] = argv[0]; /* as messages begin */
	optind = 0;        /* another line, another beginning */
	return command->run(&arguments, tail_count, tail);
}
