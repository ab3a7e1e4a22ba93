#include "control/commands.h"

#include "control/complete.h"
#include "control/configuration.h"
#include "control/inspect.h"

#include "ops/log.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const struct command commands[] = {
	{"config", command_config, "config --effective|--diff [--json]",
	 "print every value and where it came from, or what runs otherwise"},
	{"check", command_check, "check [--json]", "what this machine allows, and what would help"},
	{"status", command_status, "status [--json|--quiet]", "how the daemon that runs is"},
	{"reload", command_reload, "reload [--json]",
	 "read the configuration anew, and serve by it or say what is wrong"},
	{"drain", command_drain, "drain [PROXY] [--undo] [--json]",
	 "take no new connections, and keep those there are"},
	{"log-level", command_log_level, "log-level [LEVEL] [--json]",
	 "log so much (error, warning, info, debug)"},
	{"reopen-logs", command_reopen_logs, "reopen-logs [--json]",
	 "open log files anew, after they were renamed"},
	{"servers", command_servers, "servers [POOL] [--json]",
	 "the servers of pools, and how they are"},
	{"server", command_server,
	 "server POOL/NAME [ready|drain|maint|weight=N|max_connections=N|remove|add ADDRESS] "
	 "[--reason=TEXT] [--for=TIME] [--json]",
	 "take a server out or let it in, weigh it otherwise, add one or remove it"},
	{"conns", command_conns,
	 "conns [--proxy=PROXY] [--client=ADDRESS] [--server=SERVER] [--listener=ADDRESS] "
	 "[--state=STATE] [--sort=age] [--limit=N] [--json]",
	 "the connections there are"},
	{"kill", command_kill,
	 "kill [ID] [--proxy=PROXY] [--client=ADDRESS] [--server=SERVER] [--confirm=N] [--json]",
	 "end a connection, or all that are meant"},
	{"why", command_why, "why ID [--json]", "what a connection does or waits for"},
	{"events", command_events, "events [--json]", "what changes, as it does"},
	{"top", command_top, "top [--once [--json]]", "proxies, servers and connections, live"},
	{"names", command_names, "names [--json]", "what host names stand for, and since when"},
	{"import", command_import, "import FILE",
	 "print an haproxy.cfg or an nginx.conf as a configuration of ours"},
	{"complete", command_complete, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

int command_config(struct commandline *line)
{
	bool effective = false, diff = false;
	const struct commandline_option options[] = {{.name = "effective", .flag = &effective},
						     {.name = "diff", .flag = &diff},
						     {.name = "json", .flag = &line->json},
						     {0}};
	struct config config;
	int r = commandline_take(line, options, 0, 0);

	if (r != EX_OK)
		return r;
	if (effective == diff || (line->json && effective))
		return commandline_explain(line);
	if (diff)
		return command_config_diff(line);
	r = configuration_read(&config, line);
	if (r != EX_OK)
		return r;
	config_print_effective(&config, stdout);
	config_done(&config);
	return EX_OK;
}

/* Whether this machine can serve: 0, or 1, and each thing that was looked at. */
int command_check(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	struct findings findings = {0};
	int r = commandline_take(line, options, 0, 0);
	bool fails;

	if (r != EX_OK)
		return r;
	inspect(line->path, line->named, &findings);
	r = line->json ? findings_print_json(&findings, stdout) : findings_print(&findings, stdout);
	fails = findings.found[FINDING_FAIL] > 0;
	findings_done(&findings);
	if (r < 0)
		log_error("cannot print all of it: %s", strerror(-r));
	return r < 0 ? EX_OSERR : fails;
}
