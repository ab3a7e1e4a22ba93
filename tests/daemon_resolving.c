/* Names of servers that stand for something else while the daemon runs. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/daemon.h"
#include "support/dns_server.h"
#include "support/edition.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOON_MS 15000

enum { SERVERS = 4 };

static struct dns_server *names;
static struct server *servers[SERVERS]; /* at 127.0.0.2, .3, ... and one port */
static char front[32], port[8];

static void start_servers(void)
{
	names = dns_server_start("127.0.0.1:0");
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	for (int i = 0; i < SERVERS; i++) {
		char address[32];

		if (i == 0)
			snprintf(port, sizeof(port), "%u", port_reserve());
		snprintf(address, sizeof(address), "127.0.0.%d:%s", i + 2, port);
		servers[i] = server_start(address, server_echo, NULL);
		ck_assert_ptr_nonnull(servers[i]);
	}
}

static void stop_servers(void)
{
	for (int i = 0; i < SERVERS; i++)
		server_stop(servers[i]);
	dns_server_stop(names);
}

/* "2 3": www.example is at 127.0.0.2 and 127.0.0.3. */
static void say(const char *last)
{
	char lines[2000] = "", *end = lines;

	for (; *last; last++)
		if (*last != ' ')
			end += sprintf(end, "www.example 0 A 127.0.0.%c\n", *last);
	dns_server_say(names, lines);
}

/* A proxy whose server is that, with these keys besides. */
static struct daemon *start(int mode, const char *server, const char *keys)
{
	return edition_start(&daemon_modes[mode],
			     "[proxy web]\nlisten = %s\nserver = %s\nresolver = %s\n"
			     "resolve_min = 100ms\nconnect_timeout = 2s\n%s",
			     front, server, dns_server_address(names), keys);
}

static struct daemon *start_www(int mode, const char *keys)
{
	char server[64];

	snprintf(server, sizeof(server), "www.example:%s", port);
	return start(mode, server, keys);
}

/* A connection, and an answer: whether it is served. */
static bool is_served(void)
{
	int fd = peer_connect(front);
	bool echoes = fd >= 0 && peer_echoes(fd);

	if (fd >= 0)
		close(fd);
	return echoes;
}

/* Connections one after the other until those servers, and no others, have them. */
static bool reaches_only(const char *last)
{
	unsigned before[SERVERS];
	bool is_right = true;

	for (int i = 0; i < SERVERS; i++)
		before[i] = server_accepted(servers[i]);
	for (int i = 0; i < 2 * SERVERS; i++)
		is_right &= is_served();
	for (int i = 0; i < SERVERS; i++)
		is_right &= (server_accepted(servers[i]) > before[i]) ==
			    (strchr(last, '2' + i) != NULL);
	return is_right;
}

#define await_only(last) ck_assert(wait_until(reaches_only(last), SOON_MS))

/* ---- Changes ---- */

START_TEST(connections_go_to_what_the_name_stands_for_now)
{
	struct daemon *daemon;

	start_servers();
	say("2 3");
	daemon = start_www(_i, "");
	ck_assert(reaches_only("23"));
	say("3 4");
	await_only("34");
	ck_assert(daemon_log_contains(
		daemon, "name www.example: -127.0.0.2 +127.0.0.4 (ttl 0 s); proxy web: 2 servers"));
	say("4");
	await_only("4");
	say("2 3 4 5");
	await_only("2345");
	ck_assert(daemon_log_contains(
		daemon, "name www.example: +127.0.0.2 +127.0.0.3 +127.0.0.5 (ttl 0 s); "
			"proxy web: 4 servers"));
	/* What stays the same is not said. */
	ck_assert_uint_eq(daemon_log_count(daemon, "name www.example: "), 3);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(connections_to_a_server_that_is_gone_go_on)
{
	struct daemon *daemon;
	int fd, other;

	start_servers();
	say("2");
	daemon = start_www(_i, "");
	fd = peer_connect(front);
	ck_assert(peer_echoes(fd));
	say("3");
	await_only("3");
	ck_assert(peer_echoes(fd));
	/* It comes back, and is the same. */
	say("2");
	await_only("2");
	other = peer_connect(front);
	ck_assert(peer_echoes(fd) && peer_echoes(other));
	close(fd);
	close(other);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(what_an_operator_says_of_an_address_holds_while_its_name_changes)
{
	char line[64], server[64];
	struct daemon *daemon;
	const char *asked;

	start_servers();
	say("2 3");
	snprintf(line, sizeof(line), "www.example:%s name=db", port);
	snprintf(server, sizeof(server), "web/127.0.0.2:%s", port);
	daemon = start(_i, line, "");
	asked = edition_control() + strlen("unix:");
	assert_run(1, "'db' is 2 servers of pool web; there are db-127.0.0.2:",
		   RUN("-s", asked, "server", "web/db", "drain"));
	assert_run(0, "web/db-127.0.0.2:", RUN("-s", asked, "server", server, "drain"));
	ck_assert(reaches_only("3"));
	say("3 4");
	await_only("34");
	say("2 3");
	daemon_wait_log(daemon, "name www.example: +127.0.0.2 -127.0.0.4");
	ck_assert(reaches_only("3"));
	assert_run(0, " serves\n", RUN("-s", asked, "reload"));
	ck_assert(reaches_only("3"));
	/* While it is gone, that may be taken back, too. */
	say("3");
	daemon_wait_log(daemon, "name www.example: -127.0.0.2 (ttl 0 s)");
	assert_run(0, ": gone (its name stands for other addresses)",
		   RUN("-s", asked, "server", server, "ready"));
	say("2 3");
	await_only("23");
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(nothing_is_believed_the_third_time_and_silence_never)
{
	struct daemon *daemon;

	start_servers();
	say("2");
	daemon = start_www(_i, "");
	ck_assert(is_served());
	dns_server_say(names, "www.example rcode 2\n");
	daemon_wait_log(daemon, "'www.example' is not answered as it should be: name server "
				"127.0.0.1 port");
	ck_assert(daemon_log_contains(daemon, "(SERVFAIL); it keeps the address it had"));
	ck_assert(is_served());
	say("2");
	daemon_wait_log(daemon, "'www.example' is resolved now");
	dns_server_say(names, "");
	daemon_wait_log(daemon,
			"name www.example: -127.0.0.2 (the name does not exist (NXDOMAIN)); "
			"proxy web: 0 servers");
	ck_assert(!is_served());
	ck_assert_int_eq(edition_status("names_missing"), 0);
	say("3");
	ck_assert(wait_until(is_served(), SOON_MS));
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(a_name_whose_last_answer_is_too_old_has_no_servers)
{
	struct daemon *daemon;

	start_servers();
	say("2");
	daemon = start_www(_i, "resolve_hold = 1s\n");
	ck_assert(is_served());
	dns_server_say(names, "www.example rcode 2\n");
	daemon_wait_log(daemon, "name www.example: -127.0.0.2 (name server");
	ck_assert(!is_served());
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

/* ---- Services ---- */

START_TEST(a_service_has_ports_weights_and_priorities)
{
	char lines[600];
	struct daemon *daemon;

	start_servers();
	snprintf(lines, sizeof(lines),
		 "_www._tcp.example 0 SRV 1 10 %s a.example\n_www._tcp.example 0 SRV 1 30 %s "
		 "b.example\n"
		 "_www._tcp.example 0 SRV 2 10 %s c.example\na.example 0 A 127.0.0.2\n"
		 "b.example 0 A 127.0.0.3\nc.example 0 A 127.0.0.4\n",
		 port, port, port);
	dns_server_say(names, lines);
	daemon = start(_i, "srv:_www._tcp.example", "");
	for (int i = 0; i < 8; i++)
		ck_assert(is_served());
	ck_assert_uint_eq(server_accepted(servers[0]), 2);
	ck_assert_uint_eq(server_accepted(servers[1]), 6);
	ck_assert_uint_eq(server_accepted(servers[2]), 0);
	/* Those of the first priority go, and the next one is used. */
	snprintf(lines, sizeof(lines),
		 "_www._tcp.example 0 SRV 2 10 %s c.example\nc.example 0 A 127.0.0.4\n", port);
	dns_server_say(names, lines);
	await_only("4");
	ck_assert(daemon_log_contains(daemon, "name _www._tcp.example: -127.0.0.2:"));
	dns_server_say(names, "_www._tcp.example 0 SRV 0 0 0 .\n");
	daemon_wait_log(daemon, "the service is decidedly not available");
	ck_assert(!is_served());
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(a_weight_that_changes_makes_no_new_server)
{
	char lines[600];
	struct daemon *daemon;
	int fd;

	start_servers();
	for (unsigned weight = 1; weight <= 3; weight += 2) {
		snprintf(lines, sizeof(lines),
			 "_www._tcp.example 0 SRV 1 1 %s a.example\n"
			 "_www._tcp.example 0 SRV 1 %u %s b.example\n"
			 "a.example 0 A 127.0.0.2\nb.example 0 A 127.0.0.3\n",
			 port, weight, port);
		dns_server_say(names, lines);
		if (weight == 1) {
			daemon = start(_i, "srv:_www._tcp.example", "");
			fd = peer_connect(front);
			ck_assert(peer_echoes(fd));
		}
	}
	daemon_wait_log(daemon, ":");
	daemon_wait_log(daemon, " (priority 1, weight 3)");
	ck_assert(peer_echoes(fd));
	ck_assert_uint_eq(daemon_log_count(daemon, "name _www"), 1);
	close(fd);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

/* ---- Reloads ---- */

START_TEST(a_reload_uses_what_is_known_and_asks_when_that_is_due)
{
	struct daemon *daemon;
	unsigned asked;

	start_servers();
	dns_server_say(names, "www.example 600 A 127.0.0.2\n");
	daemon = start_www(_i, "");
	asked = dns_server_asked(names);
	dns_server_say(names, "www.example silent\n");
	edition_adopt("[proxy web]\nlisten = %s\nserver = www.example:%s\nresolver = %s\n", front,
		      port, dns_server_address(names));
	ck_assert(is_served());
	ck_assert_uint_eq(dns_server_asked(names), asked);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(who_is_gone_before_a_reload_comes_back_after_it)
{
	struct daemon *daemon;
	char *metrics;
	int fd;

	start_servers();
	say("2");
	daemon = start_www(_i, "");
	fd = peer_connect(front);
	ck_assert(peer_echoes(fd));
	say("3");
	await_only("3");
	edition_adopt("[proxy web]\nlisten = %s\nserver = www.example:%s\nresolver = %s\n"
		      "resolve_min = 100ms\nidle_timeout = 1h\n",
		      front, port, dns_server_address(names));
	ck_assert(peer_echoes(fd));
	/* It is there, with what was counted. */
	metrics = edition_get("/metrics");
	ck_assert_ptr_nonnull(strstr(metrics, "127.0.0.2:"));
	free(metrics);
	say("2");
	await_only("2");
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

/* ---- Asking ---- */

/* What `uringproxy names` says contains that. */
static bool names_say(const char *text)
{
	char *said;
	bool is_right =
		run_command(RUN("names", "-s", edition_control() + strlen("unix:")), &said) == 0 &&
		strstr(said, text);

	free(said);
	return is_right;
}

START_TEST(it_says_what_names_stand_for)
{
	struct daemon *daemon;
	char *answer;

	start_servers();
	say("2");
	daemon = edition_start(
		&daemon_modes[0],
		"[pool web]\nserver = www.example:%s\nserver = other.example:1\n"
		"server = srv:_none._tcp.example\nresolver = %s\nresolve_min = 100ms\n"
		"[proxy]\nlisten = %s\npool = web\n",
		port, dns_server_address(names), front);
	ck_assert(names_say("www.example         A/AAAA  web   found"));
	ck_assert(names_say("other.example       A/AAAA  web   missing"));
	ck_assert(names_say("_none._tcp.example  SRV     web   missing"));
	ck_assert(names_say("the name does not exist (NXDOMAIN)"));
	say("3");
	ck_assert(wait_until(names_say("127.0.0.3:"), SOON_MS));
	answer = edition_get("/metrics");
	ck_assert(strstr(answer, "\nuringproxy_name_changes_total{name=\"www.example\"} 1\n"));
	ck_assert(strstr(answer, "\nuringproxy_name_records{name=\"www.example\"} 1\n"));
	ck_assert(strstr(answer, "\nuringproxy_pool_servers{pool=\"web\"} 1\n"));
	free(answer);
	dns_server_say(names, "www.example rcode 2\n");
	ck_assert(wait_until(names_say("stale"), SOON_MS));
	ck_assert(names_say("could not say (SERVFAIL)"));
	dns_server_say(names, "");
	ck_assert(wait_until(names_say("empty"), SOON_MS));
	answer = edition_get("/v1/names");
	ck_assert(strstr(answer, "\"use\":\"server\"") && strstr(answer, "\"records\":[]"));
	free(answer);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

/* ---- Many ---- */

enum { CROWD = 1000, CHANGES = 100 };

START_TEST(a_thousand_connections_through_a_hundred_changes_are_all_kept)
{
	static int fds[CROWD];
	struct daemon *daemon;
	unsigned changes = 0;

	start_servers();
	say("2 3");
	daemon = start_www(_i, "max_connections = 2000\n");
	for (int i = 0; i < CROWD; i++) {
		fds[i] = peer_connect(front);
		ck_assert(peer_echoes(fds[i]));
	}
	for (; changes < CHANGES; changes++) {
		say(changes % 2 ? "2 3" : "4 5");
		ck_assert(wait_until(daemon_log_count(daemon, "name www.example: ") > changes,
				     SOON_MS));
		/* Some go and come meanwhile, and none fails. */
		for (int i = 0; i < 10; i++) {
			int *fd = &fds[(changes * 10 + (unsigned)i) % CROWD];

			close(*fd);
			*fd = peer_connect(front);
			ck_assert(peer_echoes(*fd));
		}
	}
	for (int i = 0; i < CROWD; i++) {
		ck_assert(peer_echoes(fds[i]));
		close(fds[i]);
	}
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(a_name_of_two_hundred_servers)
{
	char lines[16000] = "", *end = lines, *answer;
	struct daemon *daemon;

	start_servers();
	for (int i = 0; i < 200; i++)
		end += sprintf(end, "www.example 30 A 127.0.0.%d\n", i + 2);
	dns_server_say(names, lines);
	daemon = start_www(_i, "");
	for (int i = 0; i < 4; i++)
		ck_assert(is_served());
	answer = edition_get("/v1/names");
	ck_assert_msg(strstr(answer, "127.0.0.201:"), "%s", answer);
	free(answer);
	ck_assert_uint_ge(dns_server_asked_by_tcp(names), 1);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

SUITE_OF("daemon: names that change", 120,
	 IN_EACH_MODE(connections_go_to_what_the_name_stands_for_now),
	 IN_BOTH_RINGS(connections_to_a_server_that_is_gone_go_on),
	 ONCE(what_an_operator_says_of_an_address_holds_while_its_name_changes),
	 ONCE(nothing_is_believed_the_third_time_and_silence_never),
	 ONCE(a_name_whose_last_answer_is_too_old_has_no_servers),
	 IN_BOTH_RINGS(a_service_has_ports_weights_and_priorities),
	 ONCE(a_weight_that_changes_makes_no_new_server),
	 ONCE(a_reload_uses_what_is_known_and_asks_when_that_is_due),
	 IN_BOTH_RINGS(who_is_gone_before_a_reload_comes_back_after_it),
	 ONCE(it_says_what_names_stand_for),
	 IN_EACH_MODE(a_thousand_connections_through_a_hundred_changes_are_all_kept),
	 ONCE(a_name_of_two_hundred_servers))
