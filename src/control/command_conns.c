/* The commands about connections: conns, kill, why. */
#include "control/ask_conns.h"
#include "control/commands.h"
#include "control/criteria.h"
#include "control/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- conns ----------------------------------------------------------------------------------- */

static void add_row(struct table *table, const json_t *row, bool names)
{
	char up[WORDS_MAX], down[WORDS_MAX], unsent[WORDS_MAX], age[WORDS_MAX], idle[WORDS_MAX];
	uint64_t waits = (uint64_t)(ask_number(row, "unsent_up") + ask_number(row, "unsent_down"));

	table_add(table, "%lld", ask_number(row, "id"));
	table_add(table, "%s", ask_text(row, "proxy"));
	table_add(table, "%s", ask_text(row, "client"));
	if (names)
		table_add(table, "%s", ask_text(row, "sni"));
	table_add(table, "%s", ask_text(row, "server"));
	table_add(table, "%s", ask_text(row, "state"));
	table_add(table, "%s", ask_duration(row, "age_seconds", age));
	table_add(table, "%s", ask_duration(row, "idle_seconds", idle));
	table_add(table, "%s", words_bytes(up, (uint64_t)ask_number(row, "bytes_up")));
	table_add(table, "%s", words_bytes(down, (uint64_t)ask_number(row, "bytes_down")));
	table_add(table, "%s", waits ? words_bytes(unsent, waits) : "");
}

static int print_list(const json_t *list)
{
	static const char *const named[] = {">ID",  "PROXY", "CLIENT", "NAME",  "SERVER",  "STATE",
					    ">AGE", ">IDLE", ">UP",    ">DOWN", ">UNSENT", NULL};
	static const char *const heads[] = {">ID",   "PROXY", "CLIENT", "SERVER",  "STATE", ">AGE",
					    ">IDLE", ">UP",   ">DOWN",  ">UNSENT", NULL};
	const json_t *rows = json_object_get(list, "connections");
	struct table table;
	bool names = false;
	int r;

	for (size_t i = 0; i < json_array_size(rows); i++)
		names |= *ask_text(json_array_get(rows, i), "sni");
	table_start(&table, names ? named : heads);
	for (size_t i = 0; i < json_array_size(rows); i++)
		add_row(&table, json_array_get(rows, i), names);
	r = table_print(&table, stdout);
	table_done(&table);
	if (r < 0)
		fputs("uringproxy: there is no memory for the table\n", stderr);
	else if (json_array_size(rows) < (size_t)ask_number(list, "matched"))
		printf("... of %lld\n", ask_number(list, "matched"));
	return r < 0 ? EX_OSERR : CLIENT_DONE;
}

int command_conns(struct commandline *line)
{
	struct ask_criteria criteria = {0};
	const char *limit_text = NULL;
	const struct commandline_option options[] = {
		{.name = "proxy", .value = &criteria.proxy},
		{.name = "client", .value = &criteria.client},
		{.name = "server", .value = &criteria.server},
		{.name = "listener", .value = &criteria.listener},
		{.name = "state", .value = &criteria.state},
		{.name = "sort", .value = &criteria.sort},
		{.name = "limit", .value = &limit_text},
		{.name = "json", .flag = &line->json},
		{0},
	};
	uint64_t limit = 0;
	json_t *list;
	int r = commandline_take(line, options, 0, 0);

	if (r == EX_OK && limit_text && (criteria_number(limit_text, &limit) < 0 || !limit))
		r = commandline_explain(line);
	if (r == EX_OK)
		r = ask_conns(line, &criteria, limit, &list);
	if (r != EX_OK)
		return r;
	if (line->json)
		ask_print_json(list);
	else
		r = print_list(list);
	json_decref(list);
	return r;
}

/* ---- kill ------------------------------------------------------------------------------------ */

static int ask_to_kill(const struct commandline *line, char *target)
{
	json_t *answer;
	long long killed;
	int r = ask(line, "DELETE", target, NULL, &answer);

	free(target);
	if (r != CLIENT_DONE)
		return r;
	killed = ask_number(answer, "killed");
	if (line->json)
		ask_print_json(answer);
	else
		printf("%lld connection%s ended\n", killed, killed == 1 ? " is" : "s are");
	json_decref(answer);
	return CLIENT_DONE;
}

static int kill_one(const struct commandline *line)
{
	const char *id = line->operands[0];
	uint64_t number;
	char *target;

	if (criteria_number(id, &number) < 0)
		return commandline_explain(line);
	return asprintf(&target, "/v1/connections/%s", id) < 0 ? EX_OSERR
							       : ask_to_kill(line, target);
}

/* At a terminal: whether that is meant. */
static bool is_sure(long long count)
{
	char answer[8] = "";

	fprintf(stderr, "End %lld connection%s? [y/N] ", count, count == 1 ? "" : "s");
	return fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
}

/* How many are meant, and that it shall be these: CLIENT_DONE, or it has been said why not. */
static int confirm(const struct commandline *line, const struct ask_criteria *criteria,
		   long long *ret_count)
{
	json_t *list;
	int r = ask_conns(line, criteria, 1, &list);

	if (r != CLIENT_DONE)
		return r;
	*ret_count = ask_number(list, "matched");
	json_decref(list);
	if (*ret_count == 0) {
		fputs("uringproxy: there is no such connection\n", stderr);
		return CLIENT_NOT_FOUND;
	}
	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		return is_sure(*ret_count) ? CLIENT_DONE : CLIENT_REFUSED;
	fprintf(stderr, "uringproxy: %lld connection%s meant; say --confirm=%lld to end them\n",
		*ret_count, *ret_count == 1 ? " is" : "s are", *ret_count);
	return CLIENT_REFUSED;
}

static int kill_many(const struct commandline *line, const struct ask_criteria *criteria,
		     const char *confirmed)
{
	char *target = ask_conns_target("/v1/connections", criteria), *whole, count_text[24];
	long long count;
	int r;

	if (!confirmed) {
		r = confirm(line, criteria, &count);
		if (r != CLIENT_DONE) {
			free(target);
			return r;
		}
		snprintf(count_text, sizeof(count_text), "%lld", count);
		confirmed = count_text;
	}
	whole = target ? ask_target(target, "confirm", confirmed) : NULL;
	free(target);
	return ask_to_kill(line, whole);
}

int command_kill(struct commandline *line)
{
	struct ask_criteria criteria = {0};
	const char *confirmed = NULL;
	const struct commandline_option options[] = {
		{.name = "proxy", .value = &criteria.proxy},
		{.name = "client", .value = &criteria.client},
		{.name = "server", .value = &criteria.server},
		{.name = "confirm", .value = &confirmed},
		{.name = "json", .flag = &line->json},
		{0},
	};
	int r = commandline_take(line, options, 0, 1);
	bool many = criteria.proxy || criteria.client || criteria.server;

	if (r != EX_OK)
		return r;
	if (many == (line->operand_count == 1) || (confirmed && !many))
		return commandline_explain(line);
	return many ? kill_many(line, &criteria, confirmed) : kill_one(line);
}

/* ---- why ------------------------------------------------------------------------------------- */

static void print_why(const json_t *answer)
{
	const char *limit = ask_text(answer, "limit"), *server = ask_text(answer, "server");
	char age[WORDS_MAX], left[WORDS_MAX], up[WORDS_MAX], down[WORDS_MAX];

	printf("connection %lld: %s\n", ask_number(answer, "id"), ask_text(answer, "why"));
	printf("  proxy     %s, at %s\n  client    %s\n", ask_text(answer, "proxy"),
	       ask_text(answer, "listener"), ask_text(answer, "client"));
	if (*ask_text(answer, "sni"))
		printf("  name      %s\n", ask_text(answer, "sni"));
	if (*ask_text(answer, "alpn"))
		printf("  offers    %s\n", ask_text(answer, "alpn"));
	if (*ask_text(answer, "pool") &&
	    strcmp(ask_text(answer, "pool"), ask_text(answer, "proxy")) != 0)
		printf("  pool      %s\n", ask_text(answer, "pool"));
	if (*server)
		printf("  server    %s\n", server);
	printf("  open      for %s, %s up, %s down\n", ask_duration(answer, "age_seconds", age),
	       words_bytes(up, (uint64_t)ask_number(answer, "bytes_up")),
	       words_bytes(down, (uint64_t)ask_number(answer, "bytes_down")));
	if (*limit)
		printf("  ends      by %s in %s\n", limit,
		       ask_duration(answer, "limit_in_seconds", left));
}

int command_why(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	char target[64];
	uint64_t id;
	json_t *answer;
	int r = commandline_take(line, options, 1, 1);

	if (r == EX_OK && criteria_number(line->operands[0], &id) < 0)
		r = commandline_explain(line);
	if (r != EX_OK)
		return r;
	snprintf(target, sizeof(target), "/v1/connections/%llu/why", (unsigned long long)id);
	r = ask(line, "GET", target, NULL, &answer);
	if (r != CLIENT_DONE)
		return r;
	if (line->json)
		ask_print_json(answer);
	else
		print_why(answer);
	json_decref(answer);
	return CLIENT_DONE;
}
