#include "control/command_top.h"

#include "control/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, BYTES, DURATION, DRAINED };

struct column {
	const char *head;
	enum kind kind;
	const char *member; /* "lifetime_seconds.p90": of an object in it */
};

#define COLUMNS_MAX 12

/* clang-format off */
static const struct view {
	const char *name;
	struct column columns[COLUMNS_MAX];
} views[] = {
	[TOP_PROXIES] = {"proxies", {
		{"NAME", TEXT, "name"},
		{"KIND", TEXT, "kind"},
		{">CONNS", NUMBER, "connections"},
		{">NEW/S", NUMBER, "connections_per_second"},
		{">UP/S", BYTES, "bytes_up_per_second"},
		{">DOWN/S", BYTES, "bytes_down_per_second"},
		{">TOTAL", NUMBER, "connections_total"},
		{">FIRST BYTE P90", DURATION, "first_byte_seconds.p90"},
		{">RTT P90", DURATION, "client_rtt_seconds.p90"},
		{"STATE", DRAINED, "draining"},
	}},
	[TOP_SERVERS] = {"servers", {
		{"POOL", TEXT, "pool"},
		{"SERVER", TEXT, "name"},
		{"STATE", TEXT, "state"},
		{">CONNS", NUMBER, "connections"},
		{">QUEUED", NUMBER, "queued"},
		{">WEIGHT", NUMBER, "weight"},
		{">NEW/S", NUMBER, "connections_per_second"},
		{">UP/S", BYTES, "bytes_up_per_second"},
		{">DOWN/S", BYTES, "bytes_down_per_second"},
		{">TOTAL", NUMBER, "connections_total"},
		{">SINCE", DURATION, "since_seconds"},
		{"WHY", TEXT, "why"},
	}},
	[TOP_CONNECTIONS] = {"connections", {
		{">ID", NUMBER, "id"},
		{"PROXY", TEXT, "proxy"},
		{"CLIENT", TEXT, "client"},
		{"SERVER", TEXT, "server"},
		{"STATE", TEXT, "state"},
		{">AGE", DURATION, "age_seconds"},
		{">IDLE", DURATION, "idle_seconds"},
		{">UP/S", BYTES, "bytes_up_per_second"},
		{">DOWN/S", BYTES, "bytes_down_per_second"},
		{">UNSENT UP", BYTES, "unsent_up"},
		{">UNSENT DOWN", BYTES, "unsent_down"},
	}},
};
/* clang-format on */

static unsigned column_count(enum top_view view)
{
	unsigned count = 0;

	while (count < COLUMNS_MAX && views[view].columns[count].head)
		count++;
	return count;
}

const char *top_view_name(enum top_view view)
{
	return views[view].name;
}

const char *const *top_heads(enum top_view view)
{
	static const char *heads[TOP_VIEW_COUNT][COLUMNS_MAX + 1];

	for (unsigned i = 0; i < column_count(view); i++)
		heads[view][i] = views[view].columns[i].head;
	return heads[view];
}

unsigned top_next_sort(enum top_view view, unsigned sort)
{
	return (sort + 1) % column_count(view);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static const json_t *value_of(const json_t *row, const struct column *column)
{
	const char *dot = strchr(column->member, '.');
	char outer[40];

	if (!dot)
		return json_object_get(row, column->member);
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - column->member), column->member);
	return json_object_get(json_object_get(row, outer), dot + 1);
}

static const char *text_of(const json_t *row, const struct column *column)
{
	const char *text = json_string_value(value_of(row, column));

	return text ? text : "";
}

static void add_cell(struct table *table, const json_t *row, const struct column *column)
{
	const json_t *value = value_of(row, column);
	double number = json_number_value(value);
	char text[WORDS_MAX];

	switch (column->kind) {
	case TEXT:
		table_add(table, "%s", text_of(row, column));
		break;
	case NUMBER:
		table_add(table, "%s", words_number(text, (uint64_t)number));
		break;
	case BYTES:
		table_add(table, "%s", number > 0 ? words_bytes(text, (uint64_t)number) : "");
		break;
	case DURATION:
		table_add(table, "%s",
			  json_is_number(value)
				  ? words_duration(text, (uint64_t)(number * 1000000), 1000000)
				  : "");
		break;
	case DRAINED:
		table_add(table, "%s", json_is_true(value) ? "drained" : "");
		break;
	}
}

void top_fill(enum top_view view, const struct top_rows *rows, struct table *table)
{
	for (size_t i = 0; i < rows->count; i++)
		for (unsigned c = 0; c < column_count(view); c++)
			add_cell(table, rows->rows[i], &views[view].columns[c]);
}

/* ---- Which, and in which order --------------------------------------------------------------- */

static bool has_text(enum top_view view, const json_t *row, const char *text)
{
	for (unsigned c = 0; c < column_count(view); c++) {
		const struct column *column = &views[view].columns[c];

		if (column->kind == TEXT && strcasestr(text_of(row, column), text))
			return true;
	}
	return !text || !*text;
}

static int compare(const void *a, const void *b, void *by)
{
	const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
	const struct column *column = by;
	double difference;

	if (column->kind == TEXT)
		return strcmp(text_of(x, column), text_of(y, column));
	difference =
		json_number_value(value_of(y, column)) - json_number_value(value_of(x, column));
	return difference < 0 ? -1 : difference > 0;
}

int top_choose(enum top_view view, const json_t *answer, const char *text, unsigned sort,
	       struct top_rows *ret_rows)
{
	const json_t *list = json_object_get(answer, views[view].name);
	size_t count = json_array_size(list);
	struct column by = views[view].columns[sort];

	*ret_rows = (struct top_rows){.rows = calloc(count + 1, sizeof(json_t *))};
	if (!ret_rows->rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const json_t *row = json_array_get(list, i);

		if (!text || has_text(view, row, text))
			ret_rows->rows[ret_rows->count++] = row;
	}
	qsort_r(ret_rows->rows, ret_rows->count, sizeof(json_t *), compare, &by);
	return 0;
}

void top_rows_done(struct top_rows *rows)
{
	free(rows->rows);
	*rows = (struct top_rows){0};
}

/* ---- Rates ----------------------------------------------------------------------------------- */

static void rate(json_t *row, const json_t *before, const char *member, const char *rate_member,
		 double seconds)
{
	double moved = json_number_value(json_object_get(row, member)) -
		       json_number_value(json_object_get(before, member));

	(void)json_object_set_new(
		row, rate_member,
		json_real(before && seconds > 0 && moved > 0 ? moved / seconds : 0));
}

/* Both lists are by id. */
void top_rate(json_t *connections, const json_t *before, double seconds)
{
	size_t at = 0, count = json_array_size(before);

	for (size_t i = 0; i < json_array_size(connections); i++) {
		json_t *row = json_array_get(connections, i);
		json_int_t id = json_integer_value(json_object_get(row, "id"));
		const json_t *same;

		while (at < count &&
		       json_integer_value(json_object_get(json_array_get(before, at), "id")) < id)
			at++;
		same = json_array_get(before, at);
		if (json_integer_value(json_object_get(same, "id")) != id)
			same = NULL;
		rate(row, same, "bytes_up", "bytes_up_per_second", seconds);
		rate(row, same, "bytes_down", "bytes_down_per_second", seconds);
	}
}
