#include "control/ask.h"
#include "control/command_steering.h"
#include "control/commands.h"

#include <stdio.h>
#include <sysexits.h>

static void print_uptime(long long seconds)
{
	if (seconds >= 86400)
		printf("%lld d %lld h", seconds / 86400, seconds / 3600 % 24);
	else if (seconds >= 3600)
		printf("%lld h %lld min", seconds / 3600, seconds / 60 % 60);
	else if (seconds >= 60)
		printf("%lld min %lld s", seconds / 60, seconds % 60);
	else
		printf("%lld s", seconds);
}

/* What reloads have left, and what came of the last one. */
static void print_editions(const json_t *root)
{
	const json_t *old = json_object_get(root, "old_editions");
	const char *mistake = ask_text(json_object_get(root, "reload"), "mistake");

	for (size_t i = 0; i < json_array_size(old); i++) {
		const json_t *edition = json_array_get(old, i);

		printf("  old edition  %lld, replaced ", ask_number(edition, "edition"));
		print_uptime(ask_number(edition, "replaced_seconds_ago"));
		printf(" ago, is held by %lld connections and listeners\n",
		       ask_number(edition, "held_by"));
	}
	if (*mistake)
		printf("  not reloaded %s\n", mistake);
}

/* What operators have said of servers. */
static void print_steered(const json_t *servers)
{
	for (size_t i = 0; i < json_array_size(servers); i++) {
		const json_t *one = json_array_get(servers, i);
		const json_t *limit = json_object_get(one, "max_connections");

		printf("  steered      %s server %s%s%s", ask_text(one, "section"),
		       ask_text(one, "server"), *ask_text(one, "why") ? ": " : "",
		       ask_text(one, "why"));
		if (json_object_get(one, "weight"))
			printf("; weight %lld", ask_number(one, "weight"));
		if (limit)
			printf("; max_connections %lld", ask_number(one, "max_connections"));
		puts(json_is_true(json_object_get(one, "configured"))
			     ? ""
			     : "; no configuration has it now");
	}
}

static void print_status(const json_t *root)
{
	const json_t *level = json_object_get(root, "log_level");

	printf("uringproxy %s, process %lld: %s for ", ask_text(root, "version"),
	       ask_number(root, "pid"), ask_text(root, "state"));
	print_uptime(ask_number(root, "uptime_seconds"));
	printf("\n  edition      %lld\n  connections  %lld of %lld\n  workers      %lld, %s\n"
	       "  listening    %lld sockets\n",
	       ask_number(root, "edition"), ask_number(root, "connections"),
	       ask_number(root, "connections_max"), ask_number(root, "workers"),
	       ask_text(root, "mode"), ask_number(root, "listening_sockets"));
	print_editions(root);
	command_print_drained(json_object_get(root, "drained"), "  drained      ");
	print_steered(json_object_get(root, "servers_steered"));
	if (json_is_object(json_object_get(level, "said"))) {
		fputs("  log level    ", stdout);
		command_print_log_level(level);
	}
	if (ask_number(root, "names_missing"))
		printf("  missing      %lld names not resolved\n",
		       ask_number(root, "names_missing"));
	if (ask_number(root, "addresses_missing"))
		printf("  missing      %lld addresses not this machine's\n",
		       ask_number(root, "addresses_missing"));
}

int command_status(struct commandline *line)
{
	bool quiet = false, ready;
	const struct commandline_option options[] = {
		{.name = "json", .flag = &line->json}, {.name = "quiet", .flag = &quiet}, {0}};
	json_t *answer;
	int r = commandline_take(line, options, 0, 0);

	if (r == EX_OK)
		r = ask(line, "GET", "/v1/status", NULL, &answer);
	if (r != EX_OK)
		return r;
	ready = json_is_true(json_object_get(answer, "ready"));
	if (line->json && !quiet)
		ask_print_json(answer);
	else if (!quiet)
		print_status(answer);
	json_decref(answer);
	return quiet && !ready ? CLIENT_REFUSED : CLIENT_DONE;
}
