/* The access log as HAProxy's tcplog has it: its fields, in its order, and halog reads them. */
#include "ops/access_format.h"
#include "session/reason.h"
#include "support/child.h"
#include "support/skip.h"
#include "support/suite.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct access_record record = {
	.client = "192.0.2.7:51034",
	.proxy = "web",
	.server = "10.0.0.5:80",
	.server_address = "10.0.0.5:80",
	.is_connected = true,
	.connect_us = 17900,
	.duration_ms = 26,
	.bytes_up = 5,
	.bytes_down = 3,
	.termination = "--",
	.active = 6,
	.active_of_proxy = 4,
	.active_of_server = 2,
	.retries = 1,
};

/* Static storage. */
static const char *line_of(const struct access_record *of)
{
	static char line[ACCESS_LINE_MAX + 1];

	line[access_format_haproxy(of, line)] = 0;
	return line;
}

static void assert_line(const struct access_record *of, const char *before, const char *behind)
{
	char pattern[500];
	regex_t regex;

	snprintf(pattern, sizeof(pattern),
		 "^%s \\[[0-3][0-9]/[A-Z][a-z]{2}/20[0-9]{2}(:[0-9]{2}){3}\\.[0-9]{3}\\] %s\n$",
		 before, behind);
	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&regex, line_of(of), 0, NULL, 0) == 0, "%s is not %s", line_of(of),
		      pattern);
	regfree(&regex);
}

START_TEST(a_line_has_tcplogs_fields_in_their_order)
{
	assert_line(&record, "192\\.0\\.2\\.7:51034",
		    "web web/10\\.0\\.0\\.5:80 0/17/26 3 -- 6/4/4/2/1 0/0");
}
END_TEST

START_TEST(who_never_was_connected_has_no_time_of_it_and_perhaps_no_server)
{
	struct access_record of = record;

	of.is_connected = false;
	strcpy(of.termination, "SC");
	assert_line(&of, "192\\.0\\.2\\.7:51034",
		    "web web/10\\.0\\.0\\.5:80 0/-1/26 3 SC 6/4/4/2/1 0/0");
	of.server = of.server_address = NULL;
	of.client = "unix:";
	assert_line(&of, "unix:0", "web web/<NOSRV> 0/-1/26 3 SC 6/4/4/2/1 0/0");
}
END_TEST

START_TEST(what_is_still_open_has_signs_that_it_is)
{
	struct access_record of = record;

	of.event = ACCESS_OPEN;
	assert_line(&of, "192\\.0\\.2\\.7:51034",
		    "web web/10\\.0\\.0\\.5:80 0/17/[+]26 [+]3 -- 6/4/4/2/1 0/0");
}
END_TEST

START_TEST(no_name_is_two_fields)
{
	struct access_record of = record;

	of.client = "[2001:db8::1]:51034";
	of.proxy = "a b";
	of.server = "app:80 (10.0.0.5:80)";
	assert_line(&of, "2001:db8::1:51034",
		    "a_b a_b/10\\.0\\.0\\.5:80 0/17/26 3 -- 6/4/4/2/1 0/0");
}
END_TEST

START_TEST(each_reason_has_letters_of_haproxy)
{
	static const struct {
		enum reason reason;
		unsigned side;
		char where;
		const char *letters;
	} cases[] = {
		{REASON_COMPLETED, SIDE_CLIENT, 'D', "--"},
		{REASON_ANSWERED, SIDE_CLIENT, 'D', "--"},
		{REASON_CLIENT_RESET, SIDE_CLIENT, 'D', "CD"},
		{REASON_CLIENT_RESET, SIDE_CLIENT, 'C', "CC"},
		{REASON_UPSTREAM_RESET, SIDE_UPSTREAM, 'D', "SD"},
		{REASON_CONNECT_REFUSED, SIDE_UPSTREAM, 'C', "SC"},
		{REASON_CONNECT_TIMED_OUT, SIDE_UPSTREAM, 'C', "sC"},
		{REASON_NO_SERVER, SIDE_UPSTREAM, 'C', "SC"},
		{REASON_NO_PORTS, SIDE_UPSTREAM, 'C', "RC"},
		{REASON_IDLE_TIMEOUT, SIDE_CLIENT, 'D', "cD"},
		{REASON_UNDELIVERED, SIDE_CLIENT, 'D', "cL"},
		{REASON_LIFETIME, SIDE_CLIENT, 'D', "PD"},
		{REASON_BAD_REQUEST, SIDE_CLIENT, 'D', "PR"},
		{REASON_STOPPED, SIDE_CLIENT, 'Q', "KQ"},
	};
	char letters[3];

	for (size_t i = 0; i < array_size(cases); i++) {
		reason_letters(cases[i].reason, cases[i].side, cases[i].where, letters);
		ck_assert_str_eq(letters, cases[i].letters);
	}
}
END_TEST

/* It counts what HTTP has and TCP has not as errors, so: when they came, and their servers. */
START_TEST(halog_reads_the_lines)
{
	static const char script[] = "halog -s -4 -srv <\"$0\"; "
				     "halog -s -4 -ad 1 -ac 0 <\"$0\" 2>&1";
	char path[256], *output;
	const char *const argv[] = {"sh", "-c", script, path, NULL};
	const char *line; /* one, for a millisecond between two would be a gap to it */
	FILE *file;
	int status;

	if (!program_exists("halog"))
		SKIP_TEST("no halog (package haproxy, make check-peers)");
	snprintf(path, sizeof(path), "%s/haproxy.log", suite_dir());
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	line = line_of(&record);
	for (int i = 0; i < 3; i++)
		fputs(line, file);
	fclose(file);
	status = child_run(&(struct child_options){.argv = argv}, 60000, &output);
	ck_assert_int_eq(status, 0);
	ck_assert_msg(strstr(output, "\nweb/10.0.0.5:80 ") &&
			      strstr(output, "3 lines in, 0 lines out, 0 parsing errors"),
		      "%s", output);
	free(output);
}
END_TEST

SUITE_OF("ops: access log of HAProxy's", 0, ONCE(a_line_has_tcplogs_fields_in_their_order),
	 ONCE(who_never_was_connected_has_no_time_of_it_and_perhaps_no_server),
	 ONCE(what_is_still_open_has_signs_that_it_is), ONCE(no_name_is_two_fields),
	 ONCE(each_reason_has_letters_of_haproxy), ONCE(halog_reads_the_lines))
