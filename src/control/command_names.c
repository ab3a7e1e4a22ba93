/* The command names: what the host names of the configuration stand for. */
#include "control/ask.h"
#include "control/ask_conns.h"
#include "control/commands.h"
#include "control/table.h"
#include "control/words.h"

#include <stdio.h>
#include <sysexits.h>

#define RECORDS_SHOWN 4
#define RECORDS_MAX   400

/* "10.0.3.8:5432 10.0.3.9:5432 +198" */
static void list_records(const json_t *records, char text[RECORDS_MAX])
{
	size_t used = 0, count = json_array_size(records);

	*text = '\0';
	for (size_t i = 0; i < count && i < RECORDS_SHOWN && used < RECORDS_MAX; i++)
		used += (size_t)snprintf(text + used, RECORDS_MAX - used, "%s%s", i ? " " : "",
					 ask_text(json_array_get(records, i), "address"));
	if (count > RECORDS_SHOWN && used < RECORDS_MAX)
		snprintf(text + used, RECORDS_MAX - used, " +%zu", count - RECORDS_SHOWN);
}

/* "" where the answer does not say. */
static const char *duration(const json_t *row, const char *name, char text[WORDS_MAX])
{
	return json_object_get(row, name) ? ask_duration(row, name, text) : "";
}

static void add_row(struct table *table, const json_t *row)
{
	char age[WORDS_MAX], ttl[WORDS_MAX], next[WORDS_MAX], records[RECORDS_MAX];
	const char *pool = ask_text(row, "pool");

	list_records(json_object_get(row, "records"), records);
	table_add(table, "%s", ask_text(row, "name"));
	table_add(table, "%s", ask_text(row, "type"));
	table_add(table, "%s", *pool ? pool : ask_text(row, "proxy"));
	table_add(table, "%s", ask_text(row, "state"));
	table_add(table, "%s", duration(row, "age_seconds", age));
	table_add(table, "%s", duration(row, "ttl_seconds", ttl));
	table_add(table, "%s", duration(row, "next_seconds", next));
	table_add(table, "%s", ask_text(row, "asked"));
	table_add(table, "%s", records);
	table_add(table, "%s", ask_text(row, "error"));
}

static int print_names(const json_t *answer)
{
	static const char *const heads[] = {"NAME",  "TYPE",  "POOL",    "STATE", ">AGE", ">TTL",
					    ">NEXT", "ASKED", "RECORDS", "ERROR", NULL};
	const json_t *rows = json_object_get(answer, "names");
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

int command_names(struct commandline *line)
{
	const struct commandline_option options[] = {{.name = "json", .flag = &line->json}, {0}};
	json_t *answer;
	int r = commandline_take(line, options, 0, 0);

	if (r == EX_OK)
		r = ask(line, "GET", "/v1/names", NULL, &answer);
	if (r != EX_OK)
		return r;
	if (line->json)
		ask_print_json(answer);
	else
		r = print_names(answer);
	json_decref(answer);
	return r;
}
