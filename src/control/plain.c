/*
 * A build without libmicrohttpd and jansson (make CONTROL=no): nobody is asked.  It stands
 * in the place of serve.c and of the commands that ask.
 */
#include "control/ask_names.h"
#include "control/client.h"
#include "control/commands.h"
#include "control/serve.h"

#include <stdio.h>

static void judge_section(const struct config *config, const struct config_section *section,
			  struct report *report)
{
	const struct config_endpoint *line = section->listens;

	if (section->listen_count && line->line)
		report_add(report, REPORT_WARNING, line->file, line->line,
			   "%s:%u: %s has no effect: this build can not be asked (it was made "
			   "with CONTROL=no)",
			   config->files[line->file], line->line, section->title);
}

int serve_judge(const struct config *config, bool test, struct report *report)
{
	(void)test;
	judge_section(config, &config->control, report);
	judge_section(config, &config->metrics, report);
	return 0;
}

int serve_bind(struct serve **ret_serve, const struct config *config, struct activation *activation)
{
	(void)config;
	(void)activation;
	*ret_serve = NULL;
	return 0;
}

bool serve_can_be_asked(const struct serve *serve)
{
	(void)serve;
	return false;
}

int serve_start(struct serve *serve, struct events *events, const struct serve_tellers *tellers)
{
	(void)serve;
	(void)events;
	(void)tellers;
	return 0;
}

void serve_stop(struct serve *serve)
{
	(void)serve;
}

void serve_close(struct serve *serve)
{
	(void)serve;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static int cannot_ask(struct commandline *line)
{
	fprintf(stderr,
		"uringproxy: this build cannot ask the daemon for `%s` (it was made with "
		"CONTROL=no)\n",
		line->command->name);
	return CLIENT_NO_DAEMON;
}

int command_status(struct commandline *line)
{
	return cannot_ask(line);
}

int command_reload(struct commandline *line)
{
	return cannot_ask(line);
}

int command_config_diff(struct commandline *line)
{
	return cannot_ask(line);
}

int command_drain(struct commandline *line)
{
	return cannot_ask(line);
}

int command_log_level(struct commandline *line)
{
	return cannot_ask(line);
}

int command_reopen_logs(struct commandline *line)
{
	return cannot_ask(line);
}

int command_servers(struct commandline *line)
{
	return cannot_ask(line);
}

int command_server(struct commandline *line)
{
	return cannot_ask(line);
}

int command_conns(struct commandline *line)
{
	return cannot_ask(line);
}

int command_kill(struct commandline *line)
{
	return cannot_ask(line);
}

int command_why(struct commandline *line)
{
	return cannot_ask(line);
}

int command_events(struct commandline *line)
{
	return cannot_ask(line);
}

int command_top(struct commandline *line)
{
	return cannot_ask(line);
}

int command_names(struct commandline *line)
{
	return cannot_ask(line);
}

void ask_names(const struct commandline *line, const char *place, ask_name_taker *take, void *owner)
{
	(void)line;
	(void)place;
	(void)take;
	(void)owner;
}
