/* Metrics as text: both formats, escapes, histograms, and a page that finds its own mistakes. */
#include "control/exposition.h"
#include "support/metrics_text.h"
#include "support/suite.h"

#include <math.h>
#include <string.h>

#define LABELS(...)                                                                                \
	(struct exposition_label[])                                                                \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static void write_all(struct exposition *page)
{
	static const struct histogram_total total = {
		.counts = {1, 2, [14] = 1, [15] = 1},
		.sum = UINT64_C(11000000001),
	};

	exposition_family(page, "x_total", EXPOSITION_COUNTER, "What came.");
	exposition_count(page, LABELS({"who", "a\"b\\c\nd"}), 1, UINT64_MAX);
	exposition_count(page, LABELS({"who", "z"}, {"way", "up"}), 2, 0);
	exposition_family(page, "x_nothing", EXPOSITION_GAUGE, "It has no samples.");
	exposition_family(page, "x_seconds", EXPOSITION_GAUGE, "How long.");
	exposition_seconds(page, NULL, 0, 1500, HISTOGRAM_MS);
	exposition_family(page, "x_ratio", EXPOSITION_GAUGE, "How much.");
	exposition_number(page, NULL, 0, 0.25);
	exposition_family(page, "x_connect_seconds", EXPOSITION_HISTOGRAM, "How long it took.");
	exposition_histogram(page, LABELS({"pool", "p"}), 1, &HISTOGRAM_CONNECT, &total);
	exposition_end(page);
}

static const char *written(enum exposition_format format)
{
	static char text[8192];
	struct sheet sheet = {0};
	struct exposition page = {.sheet = &sheet, .format = format};

	write_all(&page);
	ck_assert_uint_lt(sheet.used, sizeof(text));
	strcpy(text, sheet_text(&sheet));
	sheet_done(&sheet);
	return text;
}

START_TEST(a_family_is_its_help_its_type_and_its_samples)
{
	static const char begins[] = "# HELP x_total What came.\n"
				     "# TYPE x_total counter\n"
				     "x_total{who=\"a\\\"b\\\\c\\nd\"} 18446744073709551615\n"
				     "x_total{who=\"z\",way=\"up\"} 0\n"
				     "# HELP x_seconds How long.\n"
				     "# TYPE x_seconds gauge\n"
				     "x_seconds 1.5\n"
				     "# HELP x_ratio How much.\n"
				     "# TYPE x_ratio gauge\n"
				     "x_ratio 0.25\n";
	const char *text = written(EXPOSITION_TEXT);

	ck_assert_msg(strncmp(text, begins, strlen(begins)) == 0, "%s", text);
	ck_assert_ptr_null(strstr(text, "x_nothing"));
	ck_assert_ptr_null(strstr(text, "EOF"));
	ck_assert_ptr_null(metrics_text_mistake(text, false));
}
END_TEST

START_TEST(buckets_are_added_up_and_end_in_all_there_are)
{
	const char *text = written(EXPOSITION_TEXT);

	ck_assert_double_eq(
		metrics_text_value(text, "x_connect_seconds_bucket{pool=\"p\",le=\"0.00025\"}"), 1);
	ck_assert_double_eq(
		metrics_text_value(text, "x_connect_seconds_bucket{pool=\"p\",le=\"0.0005\"}"), 3);
	ck_assert_double_eq(
		metrics_text_value(text, "x_connect_seconds_bucket{pool=\"p\",le=\"4.096\"}"), 4);
	ck_assert_double_eq(
		metrics_text_value(text, "x_connect_seconds_bucket{pool=\"p\",le=\"+Inf\"}"), 5);
	ck_assert_double_eq(metrics_text_value(text, "x_connect_seconds_count{pool=\"p\"}"), 5);
	ck_assert_ptr_nonnull(strstr(text, "x_connect_seconds_sum{pool=\"p\"} 11.000000001\n"));
}
END_TEST

START_TEST(openmetrics_names_a_counter_without_total_and_says_where_it_ends)
{
	const char *text = written(EXPOSITION_OPENMETRICS);

	ck_assert_ptr_nonnull(strstr(text, "# HELP x What came.\n# TYPE x counter\nx_total{who="));
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	ck_assert_ptr_null(metrics_text_mistake(text, true));
}
END_TEST

START_TEST(an_end_of_whole_seconds_is_the_same_label_in_both)
{
	static const struct histogram_total none;
	struct sheet sheet = {0};
	struct exposition page = {.sheet = &sheet};

	exposition_family(&page, "x_lifetime_seconds", EXPOSITION_HISTOGRAM, "How long.");
	exposition_histogram(&page, NULL, 0, &HISTOGRAM_LIFETIME, &none);
	ck_assert_ptr_nonnull(strstr(sheet_text(&sheet), "_bucket{le=\"0.01\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(sheet_text(&sheet), "_bucket{le=\"167772.16\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(sheet_text(&sheet), "_sum 0\n"));
	ck_assert_ptr_null(metrics_text_mistake(sheet_text(&sheet), false));
	sheet_done(&sheet);

	exposition_histogram(&page, NULL, 0, &(const struct histogram_scale){1000, 1000, 1, 2},
			     &none);
	ck_assert_ptr_nonnull(strstr(sheet_text(&sheet), "le=\"1.0\""));
	sheet_done(&sheet);
}
END_TEST

START_TEST(numbers_that_are_none_have_their_words)
{
	struct sheet sheet = {0};
	struct exposition page = {.sheet = &sheet, .has_head = true, .name = "x"};

	page.type = EXPOSITION_GAUGE;
	exposition_number(&page, NULL, 0, NAN);
	exposition_number(&page, NULL, 0, INFINITY);
	exposition_number(&page, NULL, 0, -INFINITY);
	ck_assert_str_eq(sheet_text(&sheet), "x NaN\nx +Inf\nx -Inf\n");
	sheet_done(&sheet);
}
END_TEST

START_TEST(what_is_accepted_decides_the_format)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
	} cases[] = {
		{NULL, EXPOSITION_TEXT},
		{"", EXPOSITION_TEXT},
		{"*/*", EXPOSITION_TEXT},
		{"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", EXPOSITION_TEXT},
		/* what Prometheus 2.42 sends */
		{"application/openmetrics-text;version=1.0.0,"
		 "application/openmetrics-text;version=0.0.1;q=0.75,"
		 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 EXPOSITION_OPENMETRICS},
		{"application/openmetrics-text", EXPOSITION_OPENMETRICS},
		{"Application/OpenMetrics-Text; Version=\"1.0.0\" ; q=0.7, text/plain;q=0.6",
		 EXPOSITION_OPENMETRICS},
		{"application/openmetrics-text;q=0.4,text/plain;q=0.5", EXPOSITION_TEXT},
		{"application/openmetrics-text;version=0.0.1", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=0", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=nan", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=7,text/plain", EXPOSITION_TEXT},
		{";;;,,,;q=1,=,", EXPOSITION_TEXT},
	};

	for (size_t i = 0; i < array_size(cases); i++)
		ck_assert_msg(exposition_format_of(cases[i].accept) == cases[i].format, "%s",
			      cases[i].accept);
	ck_assert_str_eq(exposition_content_type(EXPOSITION_TEXT),
			 "text/plain; version=0.0.4; charset=utf-8");
}
END_TEST

/* ---- the page that checks pages ---- */

START_TEST(mistakes_that_promtool_does_not_see_are_seen)
{
	static const struct {
		const char *text, *mistake;
	} cases[] = {
		{"# TYPE a gauge\na 1\na 2\n", "twice: a"},
		{"# TYPE a gauge\na{x=\"1\"} 1\na{x=\"1\"} 1\n", "twice: a{x=\"1\"}"},
		{"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na{x=\"1\"} 1\n",
		 "a second time the family a"},
		{"# TYPE a gauge\na 1\n# TYPE b gauge\na{x=\"1\"} 1\n", "not of b"},
		{"a 1\n", "not of"},
		{"# TYPE a gauge\na 1", "does not end"},
		{"# TYPE a gauge\na one\n", "no number"},
		{"# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n",
		 "not cumulative"},
		{"# TYPE a histogram\na_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 1\n", "in order"},
		{"# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
		 "not as many"},
		{"# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n", "no +Inf"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		const char *mistake = metrics_text_mistake(cases[i].text, false);

		ck_assert_msg(mistake && strstr(mistake, cases[i].mistake), "%s: %s", cases[i].text,
			      mistake ? mistake : "nothing");
	}
	ck_assert_ptr_nonnull(metrics_text_mistake("# TYPE a gauge\na 1\n", true));
	ck_assert_ptr_nonnull(metrics_text_mistake("# TYPE a counter\na 1\n# EOF\n", true));
}
END_TEST

SUITE("exposition", a_family_is_its_help_its_type_and_its_samples,
      buckets_are_added_up_and_end_in_all_there_are,
      openmetrics_names_a_counter_without_total_and_says_where_it_ends,
      an_end_of_whole_seconds_is_the_same_label_in_both, numbers_that_are_none_have_their_words,
      what_is_accepted_decides_the_format, mistakes_that_promtool_does_not_see_are_seen)
