/* What `top` makes of answers: which rows, in which order, and how fast. */
#include "control/command_top.h"
#include "support/suite.h"

#include <stdio.h>

static json_t *load(const char *text)
{
	json_t *root = json_loads(text, 0, NULL);

	ck_assert_ptr_nonnull(root);
	return root;
}

static void expect(enum top_view view, const json_t *answer, const char *text, unsigned sort,
		   const char *member, const char *names)
{
	struct top_rows rows;
	char found[100] = "";
	size_t used = 0;

	ck_assert_int_eq(top_choose(view, answer, text, sort, &rows), 0);
	for (size_t i = 0; i < rows.count; i++)
		used += (size_t)snprintf(found + used, sizeof(found) - used, "%s ",
					 json_string_value(json_object_get(rows.rows[i], member)));
	ck_assert_str_eq(found, names);
	top_rows_done(&rows);
}

START_TEST(rows_are_sorted_by_any_column_and_filtered_by_any_word)
{
	json_t *answer =
		load("{\"proxies\": [{\"name\": \"web\", \"kind\": \"proxy\", \"connections\": "
		     "3}, {\"name\": \"db\", \"kind\": \"proxy\", \"connections\": 70, "
		     "\"first_byte_seconds\": {\"p90\": 0.5}}, {\"name\": \"Echo\", \"kind\": "
		     "\"echo\"}]}");

	expect(TOP_PROXIES, answer, "", 0, "name", "Echo db web ");
	expect(TOP_PROXIES, answer, NULL, 2, "name", "db web Echo ");
	expect(TOP_PROXIES, answer, "prox", 2, "name", "db web ");
	expect(TOP_PROXIES, answer, "ECHO", 0, "name", "Echo ");
	expect(TOP_PROXIES, answer, "x x", 0, "name", "");
	expect(TOP_SERVERS, answer, "", 0, "name", "");
	expect(TOP_CONNECTIONS, NULL, "", 0, "name", "");
	json_decref(answer);
}
END_TEST

START_TEST(every_view_has_a_cell_for_each_head)
{
	json_t *answer = load("{\"proxies\": [{}], \"servers\": [{\"since\": null}], "
			      "\"connections\": [{\"id\": 7, \"client\": 5}]}");

	for (int view = 0; view < TOP_VIEW_COUNT; view++) {
		unsigned sort = 0, columns = 0;
		struct top_rows rows;
		struct table table;

		table_start(&table, top_heads((enum top_view)view));
		do {
			ck_assert_int_eq(top_choose((enum top_view)view, answer, "", sort, &rows),
					 0);
			ck_assert_uint_eq(rows.count, 1);
			top_fill((enum top_view)view, &rows, &table);
			top_rows_done(&rows);
			columns++;
			sort = top_next_sort((enum top_view)view, sort);
		} while (sort);
		ck_assert_uint_eq(columns, table.columns);
		ck_assert_uint_eq(table_rows(&table), columns);
		ck_assert_uint_eq(table.count % table.columns, 0);
		table_done(&table);
	}
	json_decref(answer);
}
END_TEST

static double rate_of(const json_t *list, size_t index)
{
	return json_number_value(
		json_object_get(json_array_get(list, index), "bytes_up_per_second"));
}

START_TEST(rates_are_of_the_same_connection)
{
	json_t *before = load("[{\"id\": 1, \"bytes_up\": 10}, {\"id\": 3, \"bytes_up\": 100}, "
			      "{\"id\": 9, \"bytes_up\": 7}]");
	json_t *now = load("[{\"id\": 2, \"bytes_up\": 1000}, {\"id\": 3, \"bytes_up\": 300}, "
			   "{\"id\": 9, \"bytes_up\": 5}, {\"id\": 12, \"bytes_up\": 5}]");

	top_rate(now, before, 2);
	ck_assert(rate_of(now, 0) == 0);
	ck_assert(rate_of(now, 1) == 100);
	ck_assert(rate_of(now, 2) == 0);
	ck_assert(rate_of(now, 3) == 0);
	top_rate(now, NULL, 0);
	ck_assert(rate_of(now, 1) == 0);
	json_decref(before);
	json_decref(now);
}
END_TEST

SUITE("control: top", rows_are_sorted_by_any_column_and_filtered_by_any_word,
      every_view_has_a_cell_for_each_head, rates_are_of_the_same_connection)
