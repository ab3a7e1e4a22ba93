/* The commands about servers: servers, and server, which says something of one. */
#include "base/sheet.h"
#include "control/ask_conns.h"
#include "control/commands.h"
#include "control/words.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- servers --------------------------------------------------------------------------------- */

/* "5", and "5 of 1" where an operator says otherwise than the configuration. */
static void add_weight(struct table *table, const json_t *row)
{
	long long weight = ask_number(row, "weight"), file = ask_number(row, "weight_configured");

	if (weight == file)
		table_add(table, "%lld", weight);
	else
		table_add(table, "%lld (file: %lld)", weight, file);
}

static void add_limit(struct table *table, const json_t *row)
{
	long long limit = ask_number(row, "connections_max");
	long long file = ask_number(row, "connections_max_configured");

	char text[30] = "", said[30] = "off";

	if (limit)
		snprintf(text, sizeof(text), "%lld", limit);
	if (file)
		snprintf(said, sizeof(said), "%lld", file);
	if (limit == file)
		table_add(table, "%s", text);
	else
		table_add(table, "%s (file: %s)", limit ? text : "off", said);
}

static void add_check(struct table *table, const json_t *row)
{
	char text[WORDS_MAX];

	table_add(table, "%s",
		  json_is_number(json_object_get(row, "check_seconds"))
			  ? ask_duration(row, "check_seconds", text)
			  : "");
}

static void add_row(struct table *table, const json_t *row)
{
	char age[WORDS_MAX];
	bool backup = json_is_true(json_object_get(row, "backup"));

	table_add(table, "%s", ask_text(row, "pool"));
	table_add(table, "%s", ask_text(row, "name"));
	table_add(table, "%s", ask_text(row, "address"));
	table_add(table, "%s%s", ask_text(row, "state"), backup ? ", backup" : "");
	add_weight(table, row);
	table_add(table, "%lld", ask_number(row, "connections"));
	add_limit(table, row);
	table_add(table, "%lld", ask_number(row, "queued"));
	add_check(table, row);
	table_add(table, "%s", ask_duration(row, "since_seconds", age));
	table_add(table, "%s", ask_text(row, "why"));
}

static int print_list(const json_t *rows)
{
	static const char *const heads[] = {"POOL",    "SERVER", "ADDRESS", "STATE",
					    ">WEIGHT", ">CONNS", ">LIMIT",  ">QUEUED",
					    ">CHECK",  ">SINCE", "REASON",  NULL};
	struct table table;
	int r;

	table_start(&table, heads);
	for (size_t i = 0; i < json_array_size(rows); i++)
		add_row(&table, json_array_get(rows, i));
	r = table_print(&table, stdout);
	table_done(&table);
	if (r < 0)
		fputs("uringproxy: there is no memory for the table\n", stderr);
	return r < 0 ? EX_OSERR : CLIENT_DONE;
}

int command_servers(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	char *target;
	json_t *answer;
	int r = commandline_take(line, options, 0, 1);

	if (r != EX_OK)
		return r;
	target = ask_target("/v1/servers", "pool", line->operand_count ? line->operands[0] : NULL);
	r = ask(line, "GET", target, NULL, &answer);
	free(target);
	if (r != CLIENT_DONE)
		return r;
	if (line->json)
		ask_print_json(answer);
	else
		r = print_list(json_object_get(answer, "servers"));
	json_decref(answer);
	return r;
}

/* ---- server ---------------------------------------------------------------------------------- */

/* "weight=5" as "weight": 5, "weight=default" as null, "max_connections=off" as 0. */
static json_t *number_of(const char *text)
{
	char *end;
	unsigned long long number;

	if (!strcmp(text, "default"))
		return json_null();
	if (!strcmp(text, "off"))
		return json_integer(0);
	if (!*text || strspn(text, "0123456789") != strlen(text))
		return NULL;
	errno = 0;
	number = strtoull(text, &end, 10);
	return errno || number > INT_MAX ? json_integer(INT_MAX) : json_integer((json_int_t)number);
}

/* One word of what is said, into the body; false: it is none. */
static bool take_word(json_t *body, const char *word)
{
	static const char *const numbers[] = {"weight", "max_connections"};
	const char *equals = strchr(word, '=');

	if (!equals)
		return !json_object_get(body, "state") &&
		       json_object_set_new(body, "state", json_string(word)) == 0;
	for (size_t i = 0; i < array_size(numbers); i++)
		if (strlen(numbers[i]) == (size_t)(equals - word) &&
		    !strncmp(word, numbers[i], strlen(numbers[i])))
			return json_object_set_new(body, numbers[i], number_of(equals + 1)) == 0;
	return false;
}

static const char *what_is_wrong(const char *word)
{
	return !strncmp(word, "max_conn", 8) ? "max_connections=N, =off or =default"
	       : strchr(word, '=')           ? "weight=N or =default"
					     : "ready, drain, maint, remove or add, once";
}

/* NULL: it has been said what is wrong. */
static json_t *make_body(const struct commandline *line, const char *reason, const char *for_time)
{
	json_t *body = json_object();
	bool good = body;

	for (int i = 1; i < line->operand_count && good; i++) {
		good = take_word(body, line->operands[i]);
		if (!good)
			fprintf(stderr, "uringproxy: '%s' is not %s\n", line->operands[i],
				what_is_wrong(line->operands[i]));
	}
	if (good && reason)
		good = json_object_set_new(body, "reason", json_string(reason)) == 0;
	if (good && for_time)
		good = json_object_set_new(body, "for", json_string(for_time)) == 0;
	if (good)
		return body;
	json_decref(body);
	(void)commandline_explain(line);
	return NULL;
}

static void print_server(const json_t *row)
{
	const json_t *warnings = json_object_get(row, "warnings");
	const char *why = ask_text(row, "why"), *name = ask_text(row, "name");
	long long connections = ask_number(row, "connections");

	printf("%s/%s", ask_text(row, "pool"), name);
	if (strcmp(name, ask_text(row, "address")) != 0)
		printf(" (%s)", ask_text(row, "address"));
	printf(": %s%s%s%s", ask_text(row, "state"), *why ? " (" : "", why, *why ? ")" : "");
	if (json_object_get(row, "weight"))
		printf("; weight %lld, %lld connection%s", ask_number(row, "weight"), connections,
		       connections == 1 ? "" : "s");
	if (ask_number(row, "connections_max"))
		printf(" of %lld", ask_number(row, "connections_max"));
	putchar('\n');
	for (size_t i = 0; i < json_array_size(warnings); i++)
		fprintf(stderr, "uringproxy: warning: %s\n",
			json_string_value(json_array_get(warnings, i)));
}

static int ask_server(const struct commandline *line, const char *method, const json_t *body)
{
	const char *name = line->operands[0], *slash = strchr(name, '/');
	char *pool = strndup(name, (size_t)(slash - name));
	char *target = pool ? ask_server_target(pool, slash + 1) : NULL;
	json_t *answer;
	int r = ask(line, method, target, body, &answer);

	free(target);
	free(pool);
	if (r != CLIENT_DONE)
		return r;
	if (line->json)
		ask_print_json(answer);
	else
		print_server(answer);
	json_decref(answer);
	return CLIENT_DONE;
}

/* "add ADDRESS OPTIONS", as a server line has them. */
static int add_server(const struct commandline *line)
{
	struct sheet text = {0};
	json_t *body;
	int r;

	for (int i = 2; i < line->operand_count; i++)
		sheet_add(&text, "%s%s", i > 2 ? " " : "", line->operands[i]);
	if (line->operand_count == 2) {
		fputs("uringproxy: whom to add is an address, as 10.0.3.9:5432\n", stderr);
		return commandline_explain(line);
	}
	body = sheet_text(&text) ? json_pack("{s:s}", "server", sheet_text(&text)) : NULL;
	sheet_done(&text);
	if (!body) {
		fputs("uringproxy: an address is a word\n", stderr);
		return EX_USAGE;
	}
	r = ask_server(line, "PUT", body);
	json_decref(body);
	return r;
}

/* What may be said of it: of which there is one each at most. */
#define RULINGS_MAX 4

/* Without anything to say: how it is. */
static int rule_server(const struct commandline *line, const char *reason, const char *for_time)
{
	bool says = line->operand_count > 1 || reason || for_time;
	json_t *body = NULL;
	int r;

	if (line->operand_count > RULINGS_MAX) {
		fprintf(stderr, "uringproxy: unexpected argument '%s'\n",
			line->operands[RULINGS_MAX]);
		return commandline_explain(line);
	}
	if (says) {
		body = make_body(line, reason, for_time);
		if (!body)
			return EX_USAGE;
	}
	r = ask_server(line, body ? "POST" : "GET", body);
	json_decref(body);
	return r;
}

static int explain_enrolment(const struct commandline *line, const char *word)
{
	fprintf(stderr, "uringproxy: '%s' is said alone\n", word);
	return commandline_explain(line);
}

int command_server(struct commandline *line)
{
	const char *reason = NULL, *for_time = NULL, *slash, *word;
	const struct commandline_option options[] = {
		{.name = "reason", .value = &reason},
		{.name = "for", .value = &for_time},
		{.name = "json", .flag = &line->json},
		{0},
	};
	int r = commandline_take(line, options, 1, INT_MAX);

	if (r != EX_OK)
		return r;
	slash = strchr(line->operands[0], '/');
	if (!slash || slash == line->operands[0] || !slash[1]) {
		fprintf(stderr, "uringproxy: '%s' is not a pool and a server of it, as web/app1\n",
			line->operands[0]);
		return commandline_explain(line);
	}
	word = line->operand_count > 1 ? line->operands[1] : "";
	if (strcmp(word, "add") != 0 && strcmp(word, "remove") != 0)
		return rule_server(line, reason, for_time);
	if (reason || for_time || (*word == 'r' && line->operand_count > 2))
		return explain_enrolment(line, word);
	return *word == 'a' ? add_server(line) : ask_server(line, "DELETE", NULL);
}
