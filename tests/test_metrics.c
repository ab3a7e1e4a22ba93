/* The families there are, their samples, and what is held against them: dashboard and alerts. */
#include "control/metrics.h"
#include "support/child.h"
#include "support/metrics_text.h"
#include "support/skip.h"
#include "support/snapshot.h"
#include "support/suite.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DASHBOARD  "examples/grafana-dashboard.json"
#define RULES      "examples/prometheus-alerts.yml"
#define RULES_TEST "tests/prometheus-alerts.test.yml"

static const struct metrics_filter everything;

/* Static storage. */
static const char *page_of(const struct metrics_snapshot *snapshot,
			   const struct metrics_filter *filter, enum exposition_format format)
{
	static char text[65536];
	struct sheet sheet = {0};
	struct exposition page = {.sheet = &sheet, .format = format};

	metrics_print(snapshot, filter, &page);
	ck_assert_uint_lt(sheet.used, sizeof(text));
	strcpy(text, sheet_text(&sheet));
	sheet_done(&sheet);
	return text;
}

START_TEST(a_page_has_no_mistake_that_a_scraper_would_stumble_over)
{
	const char *mistake = metrics_text_mistake(
		page_of(snapshot_sample(), &everything, EXPOSITION_TEXT), false);

	ck_assert_msg(!mistake, "%s", mistake);
	mistake = metrics_text_mistake(
		page_of(snapshot_sample(), &everything, EXPOSITION_OPENMETRICS), true);
	ck_assert_msg(!mistake, "%s", mistake);
}
END_TEST

START_TEST(a_daemon_that_has_just_started_has_a_page_too)
{
	static const struct metrics_snapshot empty = {.version = "1"};
	const char *text = page_of(&empty, &everything, EXPOSITION_TEXT);

	ck_assert_ptr_null(metrics_text_mistake(text, false));
	ck_assert_double_eq(metrics_text_value(text, "uringproxy_build_info{version=\"1\"}"), 1);
	ck_assert_ptr_null(strstr(text, "uringproxy_worker"));
}
END_TEST

START_TEST(numbers_are_those_of_the_snapshot)
{
	static const struct {
		const char *sample;
		double value;
	} samples[] = {
		{"uringproxy_ready", 1},
		{"uringproxy_active_connections", 1204},
		{"uringproxy_config_edition", 7},
		{"uringproxy_config_reloads_total{result=\"good\"}", 5},
		{"uringproxy_config_reloads_total{result=\"failed\"}", 1},
		{"uringproxy_config_last_reload_timestamp_seconds", 1794999000.5},
		{"uringproxy_log_dropped_total{log=\"log\"}", 3},
		{"process_cpu_seconds_total", 12.345678901},
		{"uringproxy_worker_active_connections{worker=\"1\"}", 504},
		{"uringproxy_proxy_active_connections{proxy=\"web\",kind=\"proxy\"}", 1203},
		{"uringproxy_proxy_bytes_total{proxy=\"web\",kind=\"proxy\",direction=\"down\"}",
		 5e9},
		{"uringproxy_proxy_ended_total{proxy=\"web\",kind=\"proxy\","
		 "reason=\"connect-refused\",side=\"upstream\"}",
		 24},
		{"uringproxy_proxy_ended_total{proxy=\"web\",kind=\"proxy\","
		 "reason=\"connect-refused\",side=\"client\"}",
		 -1},
		{"uringproxy_pool_servers_up{pool=\"web\"}", 2},
		{"uringproxy_server_state{pool=\"web\",server=\"app2\",state=\"down\"}", 1},
		{"uringproxy_server_state{pool=\"web\",server=\"app2\",state=\"up\"}", -1},
		{"uringproxy_server_failures_total{pool=\"web\",server=\"app2\","
		 "cause=\"connect-refused\"}",
		 24},
		{"uringproxy_server_check_duration_seconds{pool=\"web\",server=\"app1\"}", 0.0012},
		{"uringproxy_server_up{pool=\"web\",server=\"a\\\"b\\\\c\\n</script><b>'&"
		 "\xef\xbf\xbd\"}",
		 1},
		{"uringproxy_name_age_seconds{name=\"db.example\"}", 1.5},
		{"uringproxy_worker_loop_lag_seconds_bucket{worker=\"0\",le=\"0.00002\"}", 9},
		{"uringproxy_pool_connect_seconds_count{pool=\"web\"}", 15},
		{"uringproxy_pool_connect_seconds_sum{pool=\"web\"}", 0.123456789},
		{"uringproxy_proxy_lifetime_seconds_sum{proxy=\"echo\",kind=\"echo\"}", 123456.789},
	};
	const char *text = page_of(snapshot_sample(), &everything, EXPOSITION_TEXT);

	for (size_t i = 0; i < array_size(samples); i++)
		ck_assert_msg(metrics_text_value(text, samples[i].sample) == samples[i].value,
			      "%s is %.9g", samples[i].sample,
			      metrics_text_value(text, samples[i].sample));
}
END_TEST

/* ---- the table ---- */

START_TEST(every_family_is_named_as_prometheus_has_it)
{
	for (unsigned i = 0; i < metrics_family_count(); i++) {
		const struct metrics_family *family = metrics_family(i);
		size_t length = strlen(family->name);
		bool total = length > 6 && !strcmp(family->name + length - 6, "_total");

		ck_assert_msg(!strncmp(family->name, "uringproxy_", 11) ||
				      !strncmp(family->name, "process_", 8),
			      "%s", family->name);
		ck_assert_uint_eq(strspn(family->name, "abcdefghijklmnopqrstuvwxyz_"), length);
		ck_assert_msg(total == (family->type == EXPOSITION_COUNTER), "%s", family->name);
		ck_assert_msg(!strpbrk(family->help, "\"\\\n"), "%s", family->help);
		ck_assert_msg(family->help[strlen(family->help) - 1] == '.', "%s", family->help);
		ck_assert_ptr_eq(metrics_find(family->name), family);
	}
}
END_TEST

/* The labels of a sample's line, without le, as the table has them. */
static const char *labels_of(const char *line)
{
	static char labels[256];
	size_t used = 0;

	labels[0] = 0;
	for (const char *at = strchr(line, '{'), *end; at && *at != '}' && *at != ' ';) {
		end = strstr(++at, "=\"");
		if (strncmp(at, "le=", 3) != 0)
			used += (size_t)snprintf(labels + used, sizeof(labels) - used, "%s%.*s",
						 used ? " " : "", (int)(end - at), at);
		for (at = end + 2; *at != '"'; at++)
			at += *at == '\\';
		at++;
	}
	return labels;
}

START_TEST(every_family_has_samples_with_the_labels_of_its_row)
{
	unsigned seen[256] = {0};
	char *text = strdup(page_of(snapshot_sample(), &everything, EXPOSITION_TEXT)), *save;

	ck_assert_uint_le(metrics_family_count(), array_size(seen));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct metrics_family *family;
		char name[128];

		if (*line == '#')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "{ "), line);
		family = metrics_find(name);
		ck_assert_msg(family, "%s", line);
		ck_assert_str_eq(labels_of(line), family->labels);
		for (unsigned i = 0; i < metrics_family_count(); i++)
			seen[i] += metrics_family(i) == family;
	}
	for (unsigned i = 0; i < metrics_family_count(); i++)
		ck_assert_msg(seen[i], "no sample of %s", metrics_family(i)->name);
	free(text);
}
END_TEST

/* Those of proxies, pools and the process are counted there. */
START_TEST(every_counter_of_a_worker_is_in_a_family)
{
	static const unsigned elsewhere[] = {
		STATS_INDEX_bytes_up,        STATS_INDEX_bytes_down,     STATS_INDEX_connect_failed,
		STATS_INDEX_connect_retried, STATS_INDEX_access_dropped, STATS_INDEX_log_dropped,
	};
	static struct metrics_worker worker;
	static struct metrics_snapshot snapshot = {
		.version = "1", .workers = &worker, .worker_count = 1};
	const char *text;

	for (unsigned i = 0; i < STATS_COUNT; i++)
		worker.counters[i] = 70000 + i;
	text = page_of(&snapshot, &everything, EXPOSITION_TEXT);
	for (unsigned i = 0; i < STATS_COUNT; i++) {
		bool is_elsewhere = false;
		char number[16];

		for (size_t j = 0; j < array_size(elsewhere); j++)
			is_elsewhere |= elsewhere[j] == i;
		snprintf(number, sizeof(number), " %u\n", 70000 + i);
		ck_assert_msg((strstr(text, number) != NULL) != is_elsewhere, "%s", stats_name(i));
	}
}
END_TEST

START_TEST(a_filter_lets_through_what_is_asked_for)
{
	struct metrics_filter filter = {.prefix = "uringproxy_server_"};
	const char *text = page_of(snapshot_sample(), &filter, EXPOSITION_TEXT);

	ck_assert_ptr_nonnull(strstr(text, "uringproxy_server_up"));
	ck_assert_ptr_null(strstr(text, "uringproxy_pool"));
	ck_assert_ptr_null(metrics_text_mistake(text, false));
	filter = (struct metrics_filter){0};
	ck_assert_int_eq(metrics_filter_scope(&filter, "pool"), 0);
	text = page_of(snapshot_sample(), &filter, EXPOSITION_TEXT);
	ck_assert_ptr_nonnull(strstr(text, "uringproxy_pool_panic"));
	ck_assert_ptr_null(strstr(text, "uringproxy_server"));
	ck_assert_ptr_null(strstr(text, "process_"));
	filter.prefix = "uringproxy_server_";
	ck_assert_str_eq(page_of(snapshot_sample(), &filter, EXPOSITION_OPENMETRICS), "# EOF\n");
	ck_assert_int_eq(metrics_filter_scope(&filter, "pools"), -EINVAL);
	ck_assert_int_eq(metrics_filter_scope(&filter, ""), -EINVAL);
}
END_TEST

/* ---- examples/ ---- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Every word that looks like a family of ours; returns how many there were. */
static unsigned assert_names_families(const char *path)
{
	char *text = file_read(path), name[128];
	unsigned found = 0;

	ck_assert_str_ne(text, "");
	for (const char *at = text; (at = strstr(at, "uringproxy_")); found++) {
		size_t length = 0;

		ck_assert_msg(at == text || !is_name(at[-1]), "%s: %.60s", path, at - 1);
		while (is_name(at[length]))
			length++;
		snprintf(name, sizeof(name), "%.*s", (int)length, at);
		ck_assert_msg(metrics_find(name), "%s: there is no family %s", path, name);
		at += length;
	}
	free(text);
	return found;
}

START_TEST(dashboard_and_alerts_name_only_families_there_are)
{
	ck_assert_uint_ge(assert_names_families(DASHBOARD), 20);
	ck_assert_uint_ge(assert_names_families(RULES), 5);
}
END_TEST

static void assert_runs(const char *const *argv, const char *said)
{
	char *output;
	int status = child_run(&(struct child_options){.argv = argv}, 120000, &output);

	ck_assert_msg(status == 0 && strstr(output, said), "%s %s: %d\n%s", argv[0], argv[1],
		      status, output);
	free(output);
}

START_TEST(the_dashboard_is_json)
{
	if (!program_exists("python3"))
		SKIP_TEST("no python3 to read JSON with");
	assert_runs((const char *const[]){"python3", "-c",
					  "import json,sys\n"
					  "d=json.load(open(sys.argv[1]))\n"
					  "p=[x for x in d['panels'] if x['type']!='row']\n"
					  "ids=[x['id'] for x in d['panels']]\n"
					  "assert len(set(ids))==len(ids)\n"
					  "assert all(x['title'] and x['targets'] for x in p)\n"
					  "print(len(p),'panels')",
					  DASHBOARD, NULL},
		    " panels");
}
END_TEST

static void put_page(char path[256], const char *name, enum exposition_format format)
{
	FILE *file;

	snprintf(path, 256, "%s/%s", suite_dir(), name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(page_of(snapshot_sample(), &everything, format), file);
	fclose(file);
}

START_TEST(promtool_finds_nothing_wrong_with_the_page)
{
	char path[256];

	if (!program_exists("promtool"))
		SKIP_TEST("no promtool (package prometheus, make check-peers)");
	put_page(path, "metrics", EXPOSITION_TEXT);
	assert_runs((const char *const[]){"sh", "-c", "promtool check metrics <\"$0\" && echo good",
					  path, NULL},
		    "good\n");
}
END_TEST

START_TEST(promtool_finds_the_alerts_right_and_they_fire_when_they_should)
{
	if (!program_exists("promtool"))
		SKIP_TEST("no promtool (package prometheus, make check-peers)");
	assert_runs((const char *const[]){"promtool", "check", "rules", RULES, NULL},
		    "SUCCESS: 6 rules found");
	assert_runs((const char *const[]){"promtool", "test", "rules", RULES_TEST, NULL},
		    "SUCCESS");
}
END_TEST

/* Of the page as of a daemon: what it says there is no matter. */
START_TEST(a_prometheus_scrapes_it_and_answers_every_query_of_the_dashboard)
{
	char text[256], openmetrics[256];

	if (!program_exists("prometheus") || !program_exists("python3"))
		SKIP_TEST("no prometheus (make check-peers)");
	put_page(text, "metrics", EXPOSITION_TEXT);
	put_page(openmetrics, "openmetrics", EXPOSITION_OPENMETRICS);
	assert_runs((const char *const[]){"python3", "tests/support/scrape.py", text, openmetrics,
					  DASHBOARD, RULES, suite_dir(), NULL},
		    "");
}
END_TEST

SUITE_OF("metrics", 150, ONCE(a_page_has_no_mistake_that_a_scraper_would_stumble_over),
	 ONCE(a_daemon_that_has_just_started_has_a_page_too),
	 ONCE(numbers_are_those_of_the_snapshot), ONCE(every_family_is_named_as_prometheus_has_it),
	 ONCE(every_family_has_samples_with_the_labels_of_its_row),
	 ONCE(every_counter_of_a_worker_is_in_a_family),
	 ONCE(a_filter_lets_through_what_is_asked_for),
	 ONCE(dashboard_and_alerts_name_only_families_there_are), ONCE(the_dashboard_is_json),
	 ONCE(promtool_finds_nothing_wrong_with_the_page),
	 ONCE(promtool_finds_the_alerts_right_and_they_fire_when_they_should),
	 ONCE(a_prometheus_scrapes_it_and_answers_every_query_of_the_dashboard))
