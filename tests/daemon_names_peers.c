/*
 * Names as real name servers know them: unbound with a zone of its own, and dnsmasq with zones like
 * those of Consul, Kubernetes and Docker.
 */
#include "names/look_up.h"

#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOON_MS 15000

static struct child name_server;
static char at[32]; /* "127.0.0.1:5353" */
static char zone[300];
static struct name_answer answer;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static struct name_question question_of(const char *host)
{
	struct name_question question = {
		.is_service = *host == '_', .port = 80, .family = NAME_V4, .in_dns = true};
	const char *why;

	snprintf(question.host, sizeof(question.host), "%s", host);
	ck_assert_int_eq(address_parse(&question.server, at, ADDRESS_FOR_CONNECT, &why), 0);
	return question;
}

static enum name_status ask_family(const char *host, enum name_family family)
{
	struct name_question question = question_of(host);

	question.family = family;
	name_answer_done(&answer);
	look_up(&question, &answer);
	return answer.status;
}

static enum name_status ask(const char *host)
{
	return ask_family(host, NAME_V4);
}

/* It runs, and has answered once. */
static void start(const char *const argv[])
{
	char output[300];
	struct child_options options = {.argv = argv, .output = output};

	setenv("RES_OPTIONS", "timeout:10 attempts:1", 1);
	snprintf(output, sizeof(output), "%s/name-server-%d", suite_dir(), getpid());
	ck_assert_int_eq(child_start(&name_server, &options), 0);
	ck_assert_msg(wait_until(ask("ready.example") == NAME_FOUND, SOON_MS), "%s: %s",
		      answer.error, file_read(output));
}

static void stop(void)
{
	name_answer_done(&answer);
	child_stop(&name_server, SIGTERM);
}

/* ---- unbound --------------------------------------------------------------------------------- */

#define NO_UNBOUND "there is no unbound (make check-peers installs it)"

static const char soa[] = "$ORIGIN example.\n"
			  "@ 600 SOA ns root 1 3600 600 86400 25\n"
			  "@ 600 NS ns\nns 600 A 127.0.0.1\nready 600 A 127.0.0.1\n";

static void say_zone(const char *records)
{
	FILE *file = fopen(zone, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "%s%s", soa, records);
	fclose(file);
}

/* With that zone, and one that is served where unbound may not ask. */
static void start_unbound(const char *records)
{
	static char path[300];
	char text[2000];
	unsigned port = port_reserve();

	snprintf(at, sizeof(at), "127.0.0.1:%u", port);
	snprintf(zone, sizeof(zone), "%s/zone-%d", suite_dir(), getpid());
	snprintf(path, sizeof(path), "%s/unbound-%d.conf", suite_dir(), getpid());
	say_zone(records);
	snprintf(text, sizeof(text),
		 "server:\n directory: \"%s\"\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n"
		 " use-syslog: no\n do-daemonize: no\n interface: 127.0.0.1@%u\n"
		 " module-config: \"iterator\"\n num-threads: 1\n"
		 " local-zone: \"refused.test.\" refuse\n"
		 "auth-zone:\n name: \"example.\"\n zonefile: \"%s\"\n for-downstream: yes\n"
		 " for-upstream: yes\n fallback-enabled: no\n"
		 "forward-zone:\n name: \"dead.corp.\"\n forward-addr: 127.0.0.1@%u\n",
		 suite_dir(), port, zone, port_reserve());
	write_file(path, text);
	start((const char *const[]){"unbound", "-d", "-c", path, NULL});
}

static bool has_unbound(void)
{
	return program_exists("unbound");
}

START_TEST(every_outcome_as_unbound_has_it)
{
	char lines[20000], *end = lines;

	if (!has_unbound())
		SKIP_TEST(NO_UNBOUND);
	end += sprintf(end, "two 30 A 10.0.0.1\ntwo 60 A 10.0.0.2\nsix 60 AAAA 2001:db8::6\n"
			    "zero 0 A 10.0.0.3\n"
			    "a 600 CNAME b\nb 10 CNAME c\nc 86400 A 10.0.0.4\n"
			    "x 60 CNAME y\ny 60 CNAME x\nlost 60 CNAME nowhere\n"
			    "_pg._tcp 20 SRV 10 50 5432 two\n_pg._tcp 20 SRV 20 0 5433 zero\n"
			    "_no._tcp 60 SRV 0 0 0 .\n");
	for (int i = 0; i < 200; i++)
		end += sprintf(end, "many 30 A 10.1.0.%d\n", i);
	start_unbound(lines);

	ck_assert_int_eq(ask("two.example"), NAME_FOUND);
	ck_assert_uint_eq(answer.set.count, 2);
	ck_assert_uint_le(answer.ttl_s, 30);
	ck_assert_int_eq(ask_family("six.example", NAME_V6), NAME_FOUND);
	ck_assert_int_eq(ask("six.example"), NAME_NO_DATA);
	ck_assert_uint_le(answer.ttl_s, 25);
	ck_assert_int_eq(ask("nobody.example"), NAME_NO_NAME);
	ck_assert_uint_le(answer.ttl_s, 25);
	ck_assert_uint_gt(answer.ttl_s, 0);
	ck_assert_int_eq(ask("zero.example"), NAME_FOUND);
	ck_assert_uint_eq(answer.ttl_s, 0);
	ck_assert_int_eq(ask("a.example"), NAME_FOUND);
	ck_assert_uint_le(answer.ttl_s, 10);
	ck_assert_int_ne(ask("x.example"), NAME_FOUND);
	ck_assert_int_ne(ask("lost.example"), NAME_FOUND);
	ck_assert_int_eq(ask("many.example"), NAME_FOUND);
	ck_assert_uint_eq(answer.set.count, 200);
	ck_assert_int_eq(ask("_pg._tcp.example"), NAME_FOUND);
	ck_assert_uint_eq(answer.set.count, 3);
	ck_assert_uint_eq(answer.ttl_s, 0);
	ck_assert_int_eq(ask("_no._tcp.example"), NAME_DENIED);
	ck_assert_int_eq(ask("_other._tcp.example"), NAME_NO_NAME);
	ck_assert_int_eq(ask("www.refused.test"), NAME_FAILED);
	ck_assert_ptr_nonnull(strstr(answer.error, "REFUSED"));
	stop();
}
END_TEST

START_TEST(a_zone_behind_unbound_that_nobody_serves_is_no_answer)
{
	if (!has_unbound())
		SKIP_TEST(NO_UNBOUND);
	start_unbound("");
	ck_assert_msg(ask("www.dead.corp") == NAME_FAILED, "%d: %s", answer.status, answer.error);
	ck_assert_ptr_nonnull(strstr(answer.error, "SERVFAIL"));
	stop();
	ck_assert_int_eq(ask("ready.example"), NAME_SILENT);
	ck_assert_ptr_nonnull(strstr(answer.error, "Connection refused"));
	name_answer_done(&answer);
}
END_TEST

/* ---- A daemon -------------------------------------------------------------------------------- */

enum { SERVERS = 4 };

static struct server *servers[SERVERS]; /* at 127.0.0.2, .3, ... and one port */
static char front[32], port[8];

static void start_servers(void)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(port, sizeof(port), "%u", port_reserve());
	for (int i = 0; i < SERVERS; i++) {
		char address[32];

		snprintf(address, sizeof(address), "127.0.0.%d:%s", i + 2, port);
		servers[i] = server_start(address, server_echo, NULL);
		ck_assert_ptr_nonnull(servers[i]);
	}
}

static void stop_servers(void)
{
	for (int i = 0; i < SERVERS; i++)
		server_stop(servers[i]);
}

static struct daemon *start_daemon(const char *server, const char *keys)
{
	return edition_start(&daemon_modes[0],
			     "max_connections = 2000\n[proxy web]\nlisten = %s\nserver = %s\n"
			     "resolver = %s\nresolve_min = 100ms\nfamily = ipv4\n%s",
			     front, server, at, keys);
}

static struct daemon *start_www(const char *keys)
{
	char server[64];

	snprintf(server, sizeof(server), "www.example:%s", port);
	return start_daemon(server, keys);
}

static bool is_served(void)
{
	int fd = peer_connect(front);
	bool echoes = fd >= 0 && peer_echoes(fd);

	if (fd >= 0)
		close(fd);
	return echoes;
}

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

START_TEST(a_zone_that_unbound_reads_anew_moves_connections)
{
	struct daemon *daemon;
	int fd;

	if (!has_unbound())
		SKIP_TEST(NO_UNBOUND);
	start_servers();
	start_unbound("www 1 A 127.0.0.2\nwww 1 A 127.0.0.3\n");
	daemon = start_www("");
	ck_assert(reaches_only("23"));
	fd = peer_connect(front);
	ck_assert(peer_echoes(fd));
	say_zone("www 1 A 127.0.0.4\n");
	child_signal(&name_server, SIGHUP);
	ck_assert(wait_until(reaches_only("4"), SOON_MS));
	ck_assert(peer_echoes(fd));
	/* It dies, and what was known goes on. */
	stop();
	daemon_wait_log(daemon, "it keeps the address it had");
	ck_assert(reaches_only("4"));
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

/* ---- dnsmasq --------------------------------------------------------------------------------- */

#define NO_DNSMASQ "there is no dnsmasq (make check-peers installs it)"

static char hosts[300];

static bool has_dnsmasq(void)
{
	return program_exists("dnsmasq");
}

/* "2 3": www.example is at 127.0.0.2 and 127.0.0.3. */
static void say_hosts(const char *last)
{
	char text[2000] = "127.0.0.1 ready.example\n", *end = text + strlen(text);

	for (; *last; last++)
		if (*last != ' ')
			end += sprintf(end, "127.0.0.%c www.example\n", *last);
	write_file(hosts, text);
}

static void say_anew(const char *last)
{
	say_hosts(last);
	child_signal(&name_server, SIGHUP);
}

/* With four options of its own, NULL for none. */
static void start_dnsmasq(const char *last, const char *const options[4])
{
	static char port_option[32], hosts_option[400];
	unsigned dns_port = port_reserve();

	snprintf(at, sizeof(at), "127.0.0.1:%u", dns_port);
	snprintf(hosts, sizeof(hosts), "%s/hosts-%d", suite_dir(), getpid());
	snprintf(port_option, sizeof(port_option), "--port=%u", dns_port);
	snprintf(hosts_option, sizeof(hosts_option), "--addn-hosts=%s", hosts);
	say_hosts(last);
	/* dnsmasq gives up being root, and reads the file again as nobody. */
	ck_assert_int_eq(chmod(suite_dir(), 0755), 0);
	start((const char *const[]){"dnsmasq",
				    "--keep-in-foreground",
				    "--conf-file=/dev/null",
				    "--no-resolv",
				    "--no-hosts",
				    "--user=",
				    "--group=",
				    "--pid-file=",
				    "--bind-interfaces",
				    "--listen-address=127.0.0.1",
				    "--local=/example/",
				    "--local=/consul/",
				    "--neg-ttl=1",
				    port_option,
				    hosts_option,
				    options[0],
				    options[1],
				    options[2],
				    options[3],
				    NULL});
}

/* A headless service: an address for each pod, none at all where there is no pod. */
START_TEST(a_set_like_those_of_kubernetes)
{
	struct daemon *daemon;

	if (!has_dnsmasq())
		SKIP_TEST(NO_DNSMASQ);
	start_servers();
	start_dnsmasq("2 3 4", (const char *const[4]){"--local-ttl=1"});
	daemon = start_www("");
	ck_assert(reaches_only("234"));
	say_anew("5");
	ck_assert(wait_until(reaches_only("5"), SOON_MS));
	say_anew("");
	daemon_wait_log(daemon, "name www.example: -127.0.0.5 (the name ");
	ck_assert(!is_served());
	say_anew("2");
	ck_assert(wait_until(reaches_only("2"), SOON_MS));
	daemon_stop(daemon);
	stop();
	stop_servers();
}
END_TEST

/* Every answer may be believed for ten minutes, though containers come and go. */
START_TEST(a_name_like_those_of_docker)
{
	struct daemon *daemon;

	if (!has_dnsmasq())
		SKIP_TEST(NO_DNSMASQ);
	start_servers();
	start_dnsmasq("2 3", (const char *const[4]){"--local-ttl=600"});
	daemon = start_www("resolve_max = 200ms\n");
	ck_assert(reaches_only("23"));
	say_anew("3 4");
	ck_assert(wait_until(reaches_only("34"), SOON_MS));
	daemon_stop(daemon);
	stop();
	stop_servers();
}
END_TEST

START_TEST(a_service_like_those_of_consul)
{
	char first[100], second[100];
	struct daemon *daemon;

	if (!has_dnsmasq())
		SKIP_TEST(NO_DNSMASQ);
	start_servers();
	snprintf(first, sizeof(first), "--srv-host=_web._tcp.service.consul,a.addr.consul,%s,1,10",
		 port);
	snprintf(second, sizeof(second),
		 "--srv-host=_web._tcp.service.consul,b.addr.consul,%s,1,30", port);
	start_dnsmasq("", (const char *const[4]){first, second,
						 "--host-record=a.addr.consul,127.0.0.2,0",
						 "--host-record=b.addr.consul,127.0.0.3,0"});
	daemon = start_daemon("srv:_web._tcp.service.consul", "");
	for (int i = 0; i < 8; i++)
		ck_assert(is_served());
	ck_assert_uint_eq(server_accepted(servers[0]), 2);
	ck_assert_uint_eq(server_accepted(servers[1]), 6);
	daemon_stop(daemon);
	stop();
	stop_servers();
}
END_TEST

enum { CROWD = 1000, CHANGES = 100 };

START_TEST(a_thousand_connections_through_a_hundred_changes_of_a_real_one_are_all_kept)
{
	static int fds[CROWD];
	struct daemon *daemon;

	if (!has_dnsmasq())
		SKIP_TEST(NO_DNSMASQ);
	start_servers();
	start_dnsmasq("2 3", (const char *const[4]){"--local-ttl=0"});
	daemon = start_www("");
	for (int i = 0; i < CROWD; i++) {
		fds[i] = peer_connect(front);
		ck_assert(peer_echoes(fds[i]));
	}
	for (unsigned changes = 0; changes < CHANGES; changes++) {
		say_anew(changes % 2 ? "2 3" : "4 5");
		ck_assert(wait_until(daemon_log_count(daemon, "name www.example: ") > changes,
				     SOON_MS));
	}
	for (int i = 0; i < CROWD; i++) {
		ck_assert(peer_echoes(fds[i]));
		close(fds[i]);
	}
	daemon_stop(daemon);
	stop();
	stop_servers();
}
END_TEST

SUITE_OF("daemon: names of real name servers", 120, ONCE(every_outcome_as_unbound_has_it),
	 ONCE(a_zone_behind_unbound_that_nobody_serves_is_no_answer),
	 ONCE(a_zone_that_unbound_reads_anew_moves_connections),
	 ONCE(a_set_like_those_of_kubernetes), ONCE(a_name_like_those_of_docker),
	 ONCE(a_service_like_those_of_consul),
	 ONCE(a_thousand_connections_through_a_hundred_changes_of_a_real_one_are_all_kept))
