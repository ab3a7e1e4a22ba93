/* `uringproxy events`: what changes, a line each, as it does. */
#include "control/ask.h"
#include "control/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char data[] = "data: ";

static void print_value(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

	fputs(text ? text : "?", stdout);
	free(text);
}

/* "2026-11-28T08:00:01.000Z server pool="web" name="10.0.0.1:80" state="down"". */
static void print_event(json_t *event)
{
	const char *name;
	json_t *value;

	printf("%s %s", ask_text(event, "time"), ask_text(event, "event"));
	json_object_foreach(event, name, value)
	{
		if (!strcmp(name, "time") || !strcmp(name, "event"))
			continue;
		printf(" %s=", name);
		print_value(value);
	}
	putchar('\n');
}

static bool take_line(void *owner, const char *text)
{
	const struct commandline *line = owner;
	json_t *event;

	if (strncmp(text, data, sizeof(data) - 1) != 0)
		return true;
	text += sizeof(data) - 1;
	event = json_loads(text, 0, NULL);
	if (event && line->json)
		puts(text);
	else if (event)
		print_event(event);
	json_decref(event);
	return fflush(stdout) == 0;
}

int command_events(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	struct client_answer answer;
	char path[ASK_SOCKET_MAX];
	int r = commandline_take(line, options, 0, 0);

	if (r == EX_OK)
		r = ask_socket(line, path);
	if (r != EX_OK)
		return r;
	r = client_follow(path, "/v1/events", take_line, line, &answer);
	if (r < 0)
		return client_cannot(path, r);
	r = answer.status == 200 ? CLIENT_NO_DAEMON : ask_refused(&answer);
	if (answer.status == 200)
		fputs("uringproxy: the daemon tells no more: it ends, or this was read too "
		      "slowly\n",
		      stderr);
	free(answer.body);
	return r;
}
