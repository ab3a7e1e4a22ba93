/* What differs between two configurations, in a few words and no more. */
#include "config/report.h"
#include "control/config_json.h"
#include "support/suite.h"

#include <string.h>

#define LISTEN "listen = 127.0.0.1:1\n"

static json_t *settings(const char *text)
{
	struct report report;
	struct config config;
	json_t *list;

	ck_assert_int_eq(config_parse(&config, "t", text, strlen(text), &report), 0);
	list = config_json(&config);
	ck_assert_ptr_nonnull(list);
	config_done(&config);
	report_done(&report);
	return list;
}

/* "[section] key -running@place +file@place", one after the other. */
static void expect(const char *running, const char *file, const char *wanted)
{
	json_t *here = settings(running), *there = settings(file);
	json_t *changes = config_json_diff(here, there);
	char said[2000] = "";
	size_t i, k;
	json_t *change, *row;

	json_array_foreach(changes, i, change)
	{
		sprintf(said + strlen(said), "%s%s %s", i ? "; " : "",
			json_string_value(json_object_get(change, "section")),
			json_string_value(json_object_get(change, "key")));
		json_array_foreach(json_object_get(change, "running"), k, row)
			sprintf(said + strlen(said), " -%s@%s",
				json_string_value(json_object_get(row, "value")),
				json_string_value(json_object_get(row, "place")));
		json_array_foreach(json_object_get(change, "file"), k, row)
			sprintf(said + strlen(said), " +%s@%s",
				json_string_value(json_object_get(row, "value")),
				json_string_value(json_object_get(row, "place")));
	}
	ck_assert_str_eq(said, wanted);
	json_decref(here);
	json_decref(there);
	json_decref(changes);
}

START_TEST(what_says_the_same_in_another_place_does_not_differ)
{
	expect("[echo]\n" LISTEN, "[echo]\n" LISTEN, "");
	expect("[global]\nworkers = 1\n[echo]\nlisten = 127.0.0.1:1\nidle_timeout = 1h\n",
	       "; moved\n[echo]\n" LISTEN "[global]\nworkers = 1\n", "");
}
END_TEST

START_TEST(a_value_that_differs_is_told_with_both_its_places)
{
	expect("[echo]\n" LISTEN, "[global]\ndrain_timeout = 10\n[echo]\n" LISTEN,
	       "[global] drain_timeout -30s@default +10s@t:2");
	expect("[defaults]\nbacklog = 3\n[echo]\n" LISTEN, "[echo]\n" LISTEN,
	       "[echo] backlog -3@t:2 [defaults] +4096@default");
	expect("[echo]\nlisten = unix:/\xff\xc3\xa9\n", "[echo]\nlisten = unix:/b\n",
	       "[echo] listen -unix:/?\xc3\xa9@t:2 +unix:/b@t:2");
	expect("[echo]\n" LISTEN, "[echo]\nlisten = 127.0.0.1:2\n",
	       "[echo] listen -127.0.0.1:1@t:2 +127.0.0.1:2@t:2");
}
END_TEST

#define PROXY "[proxy]\n" LISTEN

START_TEST(of_lines_those_that_differ_are_told_or_all_where_their_order_does)
{
	expect(PROXY "server = 127.0.0.1:2\nserver = 127.0.0.1:3\n",
	       PROXY "server = 127.0.0.1:2\nserver = 127.0.0.1:4\nserver = 127.0.0.1:3\n",
	       "[proxy] server +127.0.0.1:4@t:4");
	expect(PROXY "server = 127.0.0.1:2\nserver = 127.0.0.1:3\n",
	       PROXY "server = 127.0.0.1:3\nserver = 127.0.0.1:2\n",
	       "[proxy] server -127.0.0.1:2@t:3 -127.0.0.1:3@t:4 +127.0.0.1:3@t:3 "
	       "+127.0.0.1:2@t:4");
	expect(PROXY "server = 127.0.0.1:2\nserver = 127.0.0.1:3\n",
	       PROXY "server = 127.0.0.1:3\nserver = 127.0.0.1:2\nserver = 127.0.0.1:4\n",
	       "[proxy] server -127.0.0.1:2@t:3 -127.0.0.1:3@t:4 +127.0.0.1:3@t:3 "
	       "+127.0.0.1:2@t:4 +127.0.0.1:4@t:5");
}
END_TEST

START_TEST(of_a_section_that_is_new_or_gone_the_defaults_go_without_saying)
{
	expect("[echo]\n" LISTEN "backlog = 3\n", "[discard]\n" LISTEN "max_lifetime = 1h\n",
	       "[discard] listen +127.0.0.1:1@t:2; [discard] max_lifetime +1h@t:3; "
	       "[echo] listen -127.0.0.1:1@t:2; [echo] backlog -3@t:3");
}
END_TEST

SUITE("control: configuration as JSON", what_says_the_same_in_another_place_does_not_differ,
      a_value_that_differs_is_told_with_both_its_places,
      of_lines_those_that_differ_are_told_or_all_where_their_order_does,
      of_a_section_that_is_new_or_gone_the_defaults_go_without_saying)
