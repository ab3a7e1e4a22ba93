/* The fields of a record: each is there where it has something to say, and true. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/json_schema.h"
#include "support/server.h"
#include "support/suite.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JSON "[log]\nlevel = info\naccess = stderr\nformat = json\n"

static char address[128];

/* The first record there is, held against the schema. */
static json_t *first_record(struct daemon *daemon)
{
	char *log = daemon_log(daemon), *at;
	const char *mistake;
	json_t *record;

	at = strstr(log, "{\"time\":");
	record = json_loads(at, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(record, "%s", at);
	mistake = json_schema_mistake("tests/record.schema.json", record);
	ck_assert_msg(!mistake, "%s in %s", mistake, at);
	free(log);
	return record;
}

/* The only one, once it is there. */
static json_t *record_of(struct daemon *daemon)
{
	daemon_wait_log(daemon, "\"duration_ms\"");
	ck_assert_uint_eq(daemon_log_count(daemon, "\"time\":"), 1);
	return first_record(daemon);
}

static const char *text(const json_t *record, const char *name)
{
	const char *value = json_string_value(json_object_get(record, name));

	return value ? value : "";
}

static double number(const json_t *record, const char *name)
{
	ck_assert_msg(json_is_number(json_object_get(record, name)), "%s is no number", name);
	return json_number_value(json_object_get(record, name));
}

static bool has(const json_t *record, const char *name)
{
	return json_object_get(record, name);
}

static int connected(const char *to)
{
	int fd = peer_connect(to);

	assert_connected(fd);
	return fd;
}

static void exchange(const char *to)
{
	int fd = connected(to);

	ck_assert(peer_echoes(fd));
	close(fd);
}

START_TEST(a_proxys_record_says_all_there_is)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	char dead[32];
	struct daemon *daemon;
	json_t *record, *tried;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(dead, sizeof(dead), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      JSON "[proxy web]\nlisten = %s\nserver = %s\nserver = %s\n", address,
			      dead, server_address(echo));
	exchange(address);
	record = record_of(daemon);
	ck_assert_double_eq(number(record, "worker"), 0);
	ck_assert_double_eq(number(record, "edition"), 1);
	ck_assert_str_eq(text(record, "proxy"), "web");
	ck_assert_str_eq(text(record, "kind"), "proxy");
	ck_assert_str_eq(text(record, "listener"), address);
	ck_assert_int_eq(strncmp(text(record, "client"), "127.0.0.1:", 10), 0);
	ck_assert_str_eq(text(record, "server"), server_address(echo));
	ck_assert_str_eq(text(record, "server_address"), server_address(echo));
	ck_assert_double_gt(number(record, "connect_ms"), 0);
	ck_assert_double_gt(number(record, "first_byte_ms"), number(record, "connect_ms"));
	ck_assert_double_ge(number(record, "duration_ms") + 1, number(record, "first_byte_ms"));
	ck_assert_str_eq(text(record, "reason"), "completed");
	ck_assert_str_eq(text(record, "reason_text"), "both sides finished");
	ck_assert_double_gt(number(record, "client_rtt_us"), 0);
	ck_assert_double_gt(number(record, "server_rtt_us"), 0);
	ck_assert_double_gt(number(record, "client_rtt_min_us"), 0);
	ck_assert_double_gt(number(record, "server_delivery_rate"), 0);
	ck_assert(!has(record, "uid") && !has(record, "errno"));
	tried = json_object_get(record, "tried");
	ck_assert_uint_eq(json_array_size(tried), 1);
	ck_assert_str_eq(text(json_array_get(tried, 0), "server"), dead);
	ck_assert_str_eq(text(json_array_get(tried, 0), "error"), "Connection refused");
	json_decref(record);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(a_process_of_this_machine_is_known_by_its_user_and_number)
{
	struct daemon *daemon;
	json_t *record;

	snprintf(address, sizeof(address), "unix:%s/listener", suite_dir());
	daemon = daemon_start(&daemon_modes[_i], JSON "[echo]\nlisten = %s\n", address);
	exchange(address);
	record = record_of(daemon);
	ck_assert_double_eq(number(record, "uid"), getuid());
	ck_assert_double_eq(number(record, "pid"), getpid());
	ck_assert_str_eq(text(record, "client"), "unix:");
	ck_assert_str_eq(text(record, "proxy"), "echo");
	ck_assert_str_eq(text(record, "kind"), "echo");
	ck_assert(!has(record, "server") && !has(record, "connect_ms") &&
		  !has(record, "first_byte_ms") && !has(record, "client_rtt_us") &&
		  !has(record, "tried"));
	json_decref(record);
	daemon_stop(daemon);
}
END_TEST

/* Whether it was there, and now is not. */
static bool takes_away(const char *wanted, char list[][32], int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(list[i], wanted)) {
			list[i][0] = 0;
			return true;
		}
	return false;
}

/* As many as a record has room for. */
START_TEST(who_met_only_dead_servers_has_the_first_of_them_in_his_record)
{
	enum { DEAD = 12, KEPT = 8 };
	char list[64 * DEAD] = "", dead[DEAD][32];
	struct daemon *daemon;
	json_t *record, *tried;
	int fd;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	for (int i = 0; i < DEAD; i++) {
		snprintf(dead[i], sizeof(dead[i]), "127.0.0.1:%u", port_reserve());
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "server = %s\n",
			 dead[i]);
	}
	daemon = daemon_start(&daemon_modes[_i], JSON "[proxy p]\nlisten = %s\n%s", address, list);
	fd = connected(address);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	record = record_of(daemon);
	ck_assert_str_eq(text(record, "reason"), "connect-refused");
	ck_assert_double_eq(number(record, "errno"), 111);
	ck_assert(!has(record, "connect_ms") && !has(record, "server_rtt_us"));
	tried = json_object_get(record, "tried");
	ck_assert_uint_eq(json_array_size(tried), KEPT);
	/* Whose turn it is first, and then any of the others, none twice. */
	ck_assert_str_eq(text(json_array_get(tried, 0), "server"), dead[0]);
	for (int i = 0; i < KEPT; i++)
		ck_assert(takes_away(text(json_array_get(tried, (size_t)i), "server"), dead, DEAD));
	json_decref(record);
	daemon_stop(daemon);
}
END_TEST

START_TEST(haproxys_format_has_what_the_others_have)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	char dead[32], expected[200];
	struct daemon *daemon;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(dead, sizeof(dead), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\nlevel = info\naccess = stderr\nformat = haproxy\n"
			      "[proxy web]\nlisten = %s\nserver = %s\nserver = %s\n",
			      address, dead, server_address(echo));
	exchange(address);
	snprintf(expected, sizeof(expected), "] web web/%s 0/", server_address(echo));
	daemon_wait_log(daemon, expected);
	daemon_wait_log(daemon, " 1 -- 1/1/1/1/1 0/0\n");
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(what_is_open_for_long_has_a_record_now_and_then)
{
	enum { CLIENTS = 150 }; /* more than are written in a turn */
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	json_t *record;
	int fds[CLIENTS];

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      JSON "open_every = 1s\n[proxy web]\nlisten = %s\nserver = %s\n",
			      address, server_address(echo));
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connected(address);
		ck_assert(peer_echoes(fds[i]));
	}
	daemon_wait_log(daemon, "\"reason\":\"still-open\"");
	record = first_record(daemon);
	ck_assert_str_eq(text(record, "reason_text"), "still open");
	ck_assert_str_eq(text(record, "phase"), "relaying");
	ck_assert_str_eq(text(record, "server"), server_address(echo));
	ck_assert_double_gt(number(record, "bytes_down"), 0);
	ck_assert_double_gt(number(record, "server_rtt_us"), 0);
	ck_assert(!has(record, "side"));
	json_decref(record);
	/* Each of them twice, whatever else there is. */
	ck_assert(wait_until(daemon_log_count(daemon, "still-open") >= 2 * CLIENTS,
			     PEER_PATIENCE_MS));
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	ck_assert(
		wait_until(daemon_log_count(daemon, "\"completed\"") == CLIENTS, PEER_PATIENCE_MS));
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* What governs it, with the value and the line. */
START_TEST(a_time_limits_record_says_which)
{
	struct daemon *daemon;
	json_t *record;
	int fd;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      JSON "[discard]\nlisten = %s\nidle_timeout = 50ms\n", address);
	fd = connected(address);
	(void)peer_wait_end(fd, PEER_PATIENCE_MS);
	close(fd);
	record = record_of(daemon);
	ck_assert_str_eq(text(record, "reason"), "idle-timeout");
	ck_assert_ptr_nonnull(strstr(text(record, "reason_text"),
				     "idle timeout (idle_timeout = 50ms, [discard] line "));
	json_decref(record);
	daemon_stop(daemon);
}
END_TEST

/* The connect is found by a look 10 ms later, and took as long as a round trip does. */
START_TEST(a_connect_of_which_nothing_comes_is_not_as_long_as_the_look_that_finds_it)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	json_t *record;
	int fd;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i], JSON "[proxy p]\nlisten = %s\nserver = %s\n",
			      address, server_address(echo));
	fd = connected(address);
	sleep_ms(100);
	ck_assert(peer_echoes(fd));
	close(fd);
	record = record_of(daemon);
	ck_assert_double_gt(number(record, "connect_ms"), 0);
	ck_assert_double_lt(number(record, "connect_ms"), 5);
	ck_assert_double_gt(number(record, "first_byte_ms"), number(record, "connect_ms"));
	json_decref(record);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

enum { REFUSED = 100 };

static void drain_and_knock(void)
{
	assert_run(0, "is drained, since 20", RUN("drain", "web"));
	for (int i = 0; i < REFUSED; i++) {
		int fd = connected(address);

		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		close(fd);
	}
}

static struct daemon *serve_controlled(int mode, const char *log)
{
	static char control[300];

	snprintf(control, sizeof(control), "%s/control.sock", suite_dir());
	setenv("URINGPROXY_CONTROL", control, 1);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode],
			    "%s[control]\nlisten = unix:%s\n[echo web]\nlisten = %s\n", log,
			    control, address);
}

START_TEST(all_who_were_refused_have_one_record_after_a_while)
{
	struct daemon *daemon = serve_controlled(_i, JSON);
	json_t *record;

	drain_and_knock();
	daemon_wait_log(daemon, "\"event\":");
	/* The first of them has begun the time, and a slow test may not be through in it. */
	record = first_record(daemon);
	ck_assert_double_ge(number(record, "count"), 1);
	ck_assert_str_eq(text(record, "event"), "refused");
	ck_assert_str_eq(text(record, "proxy"), "web");
	ck_assert_str_eq(text(record, "kind"), "echo");
	ck_assert_double_eq(number(record, "worker"), 0);
	ck_assert_double_eq(number(record, "edition"), 1);
	ck_assert_str_eq(text(record, "reason"), "drained");
	ck_assert_str_eq(text(record, "reason_text"), "it is drained by an operator");
	ck_assert_int_lt(strcmp(text(record, "since"), text(record, "time")), 0);
	ck_assert(!has(record, "id") && !has(record, "client"));
	if (number(record, "count") == REFUSED)
		ck_assert_uint_eq(daemon_log_count(daemon, "\"time\":"), 1);
	json_decref(record);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_end_tells_of_those_who_were_refused_last)
{
	struct daemon *daemon = serve_controlled(_i, "[log]\nlevel = info\naccess = stderr\n");

	drain_and_knock();
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "[echo web] refused 100 clients since 20"));
	ck_assert(daemon_log_contains(daemon,
				      "Z: it is drained by an operator, worker 0, edition 1\n"));
	ck_assert_uint_eq(daemon_log_count(daemon, " clients since 20"), 1);
	ck_assert_uint_eq(daemon_counter(daemon, "refused"), REFUSED);
	daemon_free(daemon);
}
END_TEST

/* The edition under which they came is over, and nobody else knows of them. */
START_TEST(a_reload_tells_of_those_who_were_refused_before)
{
	struct daemon *daemon = serve_controlled(_i, JSON);
	json_t *record;

	drain_and_knock();
	assert_run(0, "", RUN("reload"));
	daemon_wait_log(daemon, "\"event\":");
	record = first_record(daemon);
	ck_assert_double_eq(number(record, "edition"), 1);
	ck_assert_double_ge(number(record, "count"), 1);
	json_decref(record);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: fields of records", 60, IN_BOTH_RINGS(a_proxys_record_says_all_there_is),
	 IN_BOTH_RINGS(a_process_of_this_machine_is_known_by_its_user_and_number),
	 IN_BOTH_RINGS(who_met_only_dead_servers_has_the_first_of_them_in_his_record),
	 IN_BOTH_RINGS(haproxys_format_has_what_the_others_have),
	 IN_BOTH_RINGS(what_is_open_for_long_has_a_record_now_and_then),
	 IN_BOTH_RINGS(a_time_limits_record_says_which),
	 IN_BOTH_RINGS(a_connect_of_which_nothing_comes_is_not_as_long_as_the_look_that_finds_it),
	 IN_BOTH_RINGS(all_who_were_refused_have_one_record_after_a_while),
	 IN_BOTH_RINGS(the_end_tells_of_those_who_were_refused_last),
	 IN_BOTH_RINGS(a_reload_tells_of_those_who_were_refused_before))
