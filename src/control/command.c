#include "control/command.h"

#include "control/client.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the daemon says of why not, on standard error. */
static int refused(const struct client_answer *answer)
{
	json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
	json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(error, "hint"));

	fprintf(stderr, "uringproxy: %s%s%s\n", message ? message : "the daemon refuses",
		hint ? "; " : "", hint ? hint : "");
	json_decref(root);
	return answer->status == 404 ? CLIENT_NOT_FOUND : CLIENT_REFUSED;
}

static long long number(const json_t *root, const char *name)
{
	return (long long)json_number_value(json_object_get(root, name));
}

static const char *word(const json_t *root, const char *name)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text ? text : "";
}

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

static void print_status(const json_t *root)
{
	printf("uringproxy %s, process %lld: %s for ", word(root, "version"), number(root, "pid"),
	       word(root, "state"));
	print_uptime(number(root, "uptime_seconds"));
	printf("\n  edition      %lld\n  connections  %lld of %lld\n  workers      %lld, %s\n"
	       "  listening    %lld sockets\n",
	       number(root, "edition"), number(root, "connections"),
	       number(root, "connections_max"), number(root, "workers"), word(root, "mode"),
	       number(root, "listening_sockets"));
	if (number(root, "names_missing"))
		printf("  missing      %lld names not resolved\n", number(root, "names_missing"));
	if (number(root, "addresses_missing"))
		printf("  missing      %lld addresses not this machine's\n",
		       number(root, "addresses_missing"));
}

static int show_status(const struct client_answer *answer, const struct command_options *options)
{
	json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
	bool ready = json_is_true(json_object_get(root, "ready"));

	if (root && options->json && !options->quiet)
		fwrite(answer->body, 1, answer->size, stdout);
	else if (root && !options->quiet)
		print_status(root);
	else if (!root)
		fputs("uringproxy: the daemon's answer is no JSON\n", stderr);
	json_decref(root);
	if (!root)
		return CLIENT_REFUSED;
	return options->quiet && !ready ? CLIENT_REFUSED : CLIENT_DONE;
}

int command_status(const struct command_options *options)
{
	struct client_answer answer;
	int r = client_ask(options->socket, "GET", "/v1/status", NULL, &answer);

	if (r < 0)
		return client_cannot(options->socket, r);
	r = answer.status == 200 ? show_status(&answer, options) : refused(&answer);
	free(answer.body);
	return r;
}
