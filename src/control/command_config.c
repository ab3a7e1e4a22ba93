#include "control/ask.h"
#include "control/commands.h"
#include "control/config_json.h"
#include "control/configuration.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void print_rows(char sign, const char *key, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		printf("%c%-20s= %-18s ; %s\n", sign, key, ask_text(row, "value"),
		       ask_text(row, "place"));
	}
}

/* As diff(1) would have it: what runs, and what the file says. */
static void print_changes(const json_t *changes)
{
	const char *before = NULL;

	for (size_t i = 0; i < json_array_size(changes); i++) {
		const json_t *change = json_array_get(changes, i);
		const char *section = ask_text(change, "section");

		if (!before || strcmp(before, section) != 0)
			printf("%s%s\n", before ? "\n" : "", section);
		before = section;
		print_rows('-', ask_text(change, "key"), json_object_get(change, "running"));
		print_rows('+', ask_text(change, "key"), json_object_get(change, "file"));
	}
	if (!before)
		puts("the daemon runs what the configuration says");
}

static int show(const struct commandline *line, const json_t *running, const json_t *file)
{
	json_t *changes = config_json_diff(running, file);

	if (!changes) {
		fputs("uringproxy: there is no memory to compare\n", stderr);
		return EX_OSERR;
	}
	if (line->json)
		ask_print_json(changes);
	else
		print_changes(changes);
	json_decref(changes);
	return CLIENT_DONE;
}

int command_config_diff(struct commandline *line)
{
	struct commandline read = *line;
	json_t *answer, *file;
	struct config config;
	int r = ask(line, "GET", "/v1/config", NULL, &answer);

	if (r != CLIENT_DONE)
		return r;
	if (!line->named) { /* what it has read itself */
		read.path = ask_text(answer, "file");
		read.named = true;
	}
	r = configuration_read(&config, &read);
	if (r == EX_OK) {
		file = config_json(&config);
		r = show(line, json_object_get(answer, "settings"), file);
		json_decref(file);
		config_done(&config);
	}
	json_decref(answer);
	return r;
}
