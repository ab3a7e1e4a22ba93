#include "control/command_steering.h"

#include "control/ask.h"
#include "control/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

int command_reopen_logs(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	const char *file;
	json_t *answer;
	int r = commandline_take(line, options, 0, 0);

	if (r == EX_OK)
		r = ask(line, "POST", "/v1/reopen-logs", NULL, &answer);
	if (r != EX_OK)
		return r;
	file = json_string_value(json_object_get(answer, "reopened"));
	if (line->json)
		ask_print_json(answer);
	else if (file)
		printf("%s is open anew\n", file);
	else
		puts("there is no log file to open anew");
	json_decref(answer);
	return CLIENT_DONE;
}

void command_print_log_level(const json_t *level)
{
	const json_t *said = json_object_get(level, "said");

	fputs(ask_text(level, "level"), stdout);
	if (json_is_object(said))
		printf(", since %s by %s; the configuration says %s", ask_text(said, "at"),
		       ask_text(said, "by"), ask_text(level, "configured"));
	putchar('\n');
}

/* With a level: set it.  It is shown in any case. */
int command_log_level(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	json_t *body = NULL, *answer;
	int r = commandline_take(line, options, 0, 1);

	if (r != EX_OK)
		return r;
	if (line->operand_count)
		body = json_pack("{s:s}", "level", line->operands[0]);
	if (line->operand_count && !body) {
		fputs("uringproxy: a level is a word\n", stderr);
		return EX_USAGE;
	}
	r = ask(line, body ? "POST" : "GET", "/v1/log-level", body, &answer);
	json_decref(body);
	if (r != CLIENT_DONE)
		return r;
	if (line->json)
		ask_print_json(answer);
	else
		command_print_log_level(answer);
	json_decref(answer);
	return CLIENT_DONE;
}

/* ---- Draining -------------------------------------------------------------------------------- */

static void print_said(const char *what, const json_t *said)
{
	printf("%s is drained, since %s by %s", what, ask_text(said, "at"), ask_text(said, "by"));
}

void command_print_drained(const json_t *drained, const char *before)
{
	const json_t *all = json_object_get(drained, "daemon");
	const json_t *proxies = json_object_get(drained, "proxies");

	if (json_is_object(all)) {
		fputs(before, stdout);
		print_said("the daemon", all);
		if (json_real_value(json_object_get(all, "refuses_in_seconds")) > 0)
			printf("; for %.1f s more it takes new connections",
			       json_real_value(json_object_get(all, "refuses_in_seconds")));
		putchar('\n');
	}
	for (size_t i = 0; i < json_array_size(proxies); i++) {
		const json_t *proxy = json_array_get(proxies, i);

		fputs(before, stdout);
		print_said(ask_text(proxy, "section"), json_object_get(proxy, "said"));
		printf("; %lld connections are left%s\n", ask_number(proxy, "connections"),
		       json_is_true(json_object_get(proxy, "configured"))
			       ? ""
			       : "; no configuration has it now");
	}
}

static bool is_anything_drained(const json_t *drained)
{
	return json_is_object(json_object_get(drained, "daemon")) ||
	       json_array_size(json_object_get(drained, "proxies"));
}

int command_drain(struct commandline *line)
{
	bool undo = false;
	const struct commandline_option options[] = {
		{.name = "json", .flag = &line->json}, {.name = "undo", .flag = &undo}, {0}};
	char *target;
	json_t *answer;
	int r = commandline_take(line, options, 0, 1);

	if (r != EX_OK)
		return r;
	target = ask_target("/v1/drain", "proxy", line->operand_count ? line->operands[0] : NULL);
	r = ask(line, undo ? "DELETE" : "POST", target, NULL, &answer);
	free(target);
	if (r != CLIENT_DONE)
		return r;
	if (line->json)
		ask_print_json(answer);
	else if (is_anything_drained(answer))
		command_print_drained(answer, "");
	else
		puts("nothing is drained");
	json_decref(answer);
	return CLIENT_DONE;
}
