/* Names that are answered late, wrongly or never, and addresses that are not there yet. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/dns_server.h"
#include "support/edition.h"
#include "support/network.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY_ANSWERS "127.0.0.99" /* a name server, while silent_server() is open */
#define SOON_MS        15000        /* much longer than anything here should take */
#define NO_NAMES       "only root can give the daemon an /etc/hosts and a network of its own"

static char hosts[256], resolv_conf[256];

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w"); /* in place: it is mounted */

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/*
 * First of all: a network of the test's own, in which nobody else is a name server,
 * and files for the daemon.  It knows localhost, and its name server, if there is any,
 * says nothing.
 */
static bool own_names(void)
{
	if (geteuid() != 0 || !network_own())
		return false;
	snprintf(hosts, sizeof(hosts), "%s/hosts-%d", suite_dir(), getpid());
	snprintf(resolv_conf, sizeof(resolv_conf), "%s/resolv-%d", suite_dir(), getpid());
	write_file(hosts, "127.0.0.1 localhost\n::1 localhost\n");
	write_file(resolv_conf, "nameserver " NOBODY_ANSWERS "\noptions timeout:20 attempts:3\n");
	return true;
}

static int silent_server(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, NOBODY_ANSWERS, &address.sin_addr);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Another process: it knows no name. */
static pid_t knowing_nothing(int fd)
{
	pid_t child = fork();

	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (child == 0) {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		unsigned char message[512];
		ssize_t n = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from,
				     &length);

		if (n < 12)
			continue;
		message[2] |= 0x80; /* an answer: NXDOMAIN */
		message[3] = 0x83;
		sendto(fd, message, (size_t)n, 0, (struct sockaddr *)&from, length);
	}
	ck_assert_int_gt(child, 0);
	return child;
}

static struct daemon *spawn(int mode, const char *text, const char *const *arguments)
{
	return daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[mode],
						     .configuration = text,
						     .arguments = arguments,
						     .hosts = hosts,
						     .resolv_conf = resolv_conf});
}

static bool is_refused(const char *address)
{
	int fd = peer_connect(address);
	bool refused;

	if (fd < 0)
		return true;
	refused = !peer_echoes(fd);
	close(fd);
	return refused;
}

static bool is_served(const char *address)
{
	return !is_refused(address);
}

/* ---- servers ---- */

START_TEST(a_server_whose_name_is_answered_late_is_used_from_then_on)
{
	char front[32], other[32], refusing[32], text[600];
	struct daemon *daemon;
	struct server *echo;
	const char *port;
	int waiting;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	echo = server_start(NULL, server_echo, NULL);
	port = strrchr(server_address(echo), ':') + 1;
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(other, sizeof(other), "127.0.0.1:%u", port_reserve());
	snprintf(refusing, sizeof(refusing), "127.0.0.1:%u", port_reserve());
	snprintf(text, sizeof(text),
		 "[defaults]\nconnect_timeout = 10min\n"
		 "[proxy impatient]\nlisten = %s\nserver = never.example:1\n"
		 "connect_timeout = 300ms\n"
		 "[proxy late]\nlisten = %s\nserver = late.example:%s\n"
		 "[proxy other]\nlisten = %s\nserver = never.example:1\nserver = %s\n",
		 refusing, front, port, other, server_address(echo));
	daemon = spawn(_i, text, NULL);
	daemon_wait_ready(daemon);
	ck_assert_uint_eq(daemon_log_count(daemon, "cannot resolve 'late.example'"), 1);
	ck_assert(is_served(other));
	ck_assert(is_refused(refusing)); /* when connect_timeout has passed */
	daemon_wait_log(daemon, "no server takes connections, or none is known yet "
				"(connect_timeout = 300ms, [proxy impatient] line ");
	waiting = peer_connect(front);
	assert_connected(waiting);
	write_file(hosts, "127.0.0.1 localhost\n127.0.0.1 late.example\n");
	daemon_wait_log(daemon, "'late.example' is resolved now");
	ck_assert(peer_echoes(waiting));
	close(waiting);
	for (int i = 0; i < 8; i++)
		ck_assert(is_served(front));
	/* It was said once, however often it was asked for. */
	ck_assert_uint_eq(daemon_log_count(daemon, "cannot resolve 'late.example'"), 1);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(a_listener_whose_name_is_answered_late_listens_from_then_on)
{
	enum { ADDRESSES = 20 };
	char front[32], text[ADDRESSES * 40];
	struct daemon *daemon;
	unsigned port = port_reserve();
	size_t used = 0;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	snprintf(text, sizeof(text), "[echo]\nlisten = late.example:%u\n", port);
	daemon = spawn(_i, text, NULL);
	daemon_wait_ready(daemon);
	for (int i = 3; i < 3 + ADDRESSES; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "127.0.0.%d late.example\n", i);
	write_file(hosts, text);
	daemon_wait_log(daemon, "'late.example' is resolved now");
	for (int i = 3; i < 3 + ADDRESSES; i++) {
		snprintf(front, sizeof(front), "127.0.0.%d:%u", i, port);
		ck_assert(wait_until(is_served(front), SOON_MS));
	}
	daemon_stop(daemon);
}
END_TEST

/* As two lines of a hosts file may say. */
START_TEST(an_address_that_a_name_has_twice_is_listened_on_once)
{
	char front[32], text[100];
	struct daemon *daemon;
	unsigned port = port_reserve();

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	write_file(hosts, "127.0.0.3 twice.example\n127.0.0.4 twice.example\n"
			  "127.0.0.3 twice.example\n");
	snprintf(text, sizeof(text), "[echo]\nlisten = twice.example:%u\n", port);
	daemon = spawn(_i, text, NULL);
	daemon_wait_ready(daemon);
	for (int i = 3; i <= 4; i++) {
		snprintf(front, sizeof(front), "127.0.0.%d:%u", i, port);
		ck_assert(is_served(front));
	}
	ck_assert_uint_eq(daemon_log_count(daemon, "listens on twice.example"), 2);
	daemon_stop(daemon);
}
END_TEST

/* ---- name servers that say nothing ---- */

/* More names than threads: those that wait for one do not hold the rest up either. */
enum { MANY = 500 };

static char *many_names(const char *front)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "[echo]\nlisten = %s\n", front);
	for (int i = 0; i < MANY; i++)
		fprintf(out, "[proxy p%d]\nlisten = unix:@names-%d-%d\nserver = n%d.example:1\n", i,
			getpid(), i, i);
	fclose(out);
	return text;
}

START_TEST(name_servers_that_say_nothing_hold_up_neither_the_start_nor_the_stop)
{
	static const char *const watched[] = {"WATCHDOG_USEC=1000000", NULL};
	int silent;
	struct daemon *daemon;
	char front[32], *text;
	int64_t began;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	silent = silent_server();
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	text = many_names(front);
	began = clock_ms();
	daemon = daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[_i],
						       .configuration = text,
						       .environment = watched,
						       .hosts = hosts,
						       .resolv_conf = resolv_conf});
	daemon_wait_ready(daemon);
	ck_assert_int_lt(clock_ms() - began, SOON_MS);
	ck_assert(is_served(front));
	ck_assert(wait_until(daemon_notify_count(daemon, "WATCHDOG=1") > 2, SOON_MS));
	ck_assert_uint_eq(daemon_log_count(daemon, "there is no answer yet"), MANY);
	began = clock_ms();
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_int_lt(clock_ms() - began, SOON_MS);
	daemon_stop(daemon);
	free(text);
	close(silent);
}
END_TEST

START_TEST(a_stop_while_names_are_awaited_is_heard)
{
	int silent;
	struct daemon *daemon;
	char front[32], *text;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	silent = silent_server();
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	text = many_names(front);
	for (int tries = 1;; tries++) {
		daemon = spawn(_i, text, NULL);
		daemon_wait_log(daemon, "uringproxy ");
		sleep_ms(300);
		daemon_signal(daemon, SIGTERM);
		ck_assert_int_eq(daemon_wait_exit(daemon), 0);
		if (!daemon_notify_count(daemon, "READY=1") || tries == 5)
			break;
		daemon_free(daemon); /* they are awaited for two seconds: it was not told in time */
	}
	ck_assert(daemon_log_contains(daemon, "told to stop before anything was served"));
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 0);
	daemon_free(daemon);
	free(text);
	close(silent);
}
END_TEST

START_TEST(a_signal_while_names_are_awaited_is_heard_when_it_serves)
{
	int silent;
	struct daemon *daemon;
	char front[32], *text;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	silent = silent_server();
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	text = many_names(front);
	daemon = spawn(_i, text, NULL);
	daemon_wait_log(daemon, "uringproxy ");
	sleep_ms(300);
	daemon_signal(daemon, SIGUSR2);
	daemon_wait_ready(daemon);
	daemon_wait_log(daemon, "counters: ");
	daemon_stop(daemon);
	free(text);
	close(silent);
}
END_TEST

/* ---- what resolv.conf says ---- */

static unsigned port_of(const struct server *server)
{
	return (unsigned)atoi(strrchr(server_address(server), ':') + 1);
}

START_TEST(a_resolv_conf_that_is_written_anew_is_followed)
{
	char front[32], text[300];
	struct dns_server *names;
	struct daemon *daemon;
	struct server *echo;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	names = dns_server_start(NOBODY_ANSWERS ":53");
	dns_server_say(names, "www.example 60 A 127.0.0.1\n");
	write_file(resolv_conf, "nameserver 127.0.0.98\n"); /* nobody is there */
	echo = server_start(NULL, server_echo, NULL);
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(text, sizeof(text),
		 "[proxy]\nlisten = %s\nserver = www.example:%u\nresolve_min = 100ms\n", front,
		 port_of(echo));
	daemon = spawn(_i, text, NULL);
	daemon_wait_ready(daemon);
	daemon_wait_log(daemon, "cannot ask name server 127.0.0.98: Connection refused");
	write_file(resolv_conf, "nameserver " NOBODY_ANSWERS "\n");
	daemon_wait_log(daemon, "'www.example' is resolved now");
	ck_assert(is_served(front));
	daemon_stop(daemon);
	server_stop(echo);
	dns_server_stop(names);
}
END_TEST

/* Every name has an address below search.example. */
START_TEST(only_a_name_that_was_never_in_the_dns_is_searched_for)
{
	char front[32], other[32], text[400];
	struct dns_server *names;
	struct daemon *daemon;
	struct server *echo;
	unsigned port;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	names = dns_server_start(NOBODY_ANSWERS ":53");
	dns_server_say(names, "www.search.example 60 A 127.0.0.1\n"
			      "db.here.example 0 A 127.0.0.1\n"
			      "db.here.example.search.example 0 A 127.0.0.9\n");
	write_file(resolv_conf, "nameserver " NOBODY_ANSWERS "\nsearch search.example\n");
	echo = server_start(NULL, server_echo, NULL);
	port = port_of(echo);
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(other, sizeof(other), "127.0.0.1:%u", port_reserve());
	snprintf(text, sizeof(text),
		 "[proxy a]\nlisten = %s\nserver = www:%u\n"
		 "[proxy b]\nlisten = %s\nserver = db.here.example:%u\nresolve_min = 100ms\n",
		 front, port, other, port);
	daemon = spawn(0, text, NULL);
	daemon_wait_ready(daemon);
	ck_assert(is_served(front) && is_served(other));
	dns_server_say(names, "www.search.example 60 A 127.0.0.1\n"
			      "db.here.example.search.example 0 A 127.0.0.9\n");
	daemon_wait_log(daemon, "name db.here.example: -127.0.0.1 (the name does not exist");
	ck_assert(!daemon_log_contains(daemon, "127.0.0.9"));
	ck_assert(is_served(front));
	daemon_stop(daemon);
	server_stop(echo);
	dns_server_stop(names);
}
END_TEST

/* ---- names that lead back ---- */

START_TEST(a_name_that_leads_back_is_left_out_with_a_warning)
{
	char text[600];
	struct daemon *daemon;
	unsigned port = port_reserve(), next = port_reserve(), own = port_reserve();
	char front[32];

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	snprintf(front, sizeof(front), "127.0.0.1:%u", port);
	snprintf(text, sizeof(text),
		 "[proxy a]\nlisten = 0.0.0.0:%u\nserver = localhost:%u\n"
		 "[proxy b]\nlisten = 127.0.0.1:%u\nserver = one.example:%u\n"
		 "[proxy c]\nlisten = two.example:%u\nserver = 127.0.0.1:%u\n",
		 port, next, next, port, own, own);
	write_file(hosts, "127.0.0.1 localhost one.example two.example\n");
	daemon = spawn(_i, text, NULL);
	daemon_wait_ready(daemon);
	ck_assert(daemon_log_contains(daemon, "this server is left out"));
	ck_assert(daemon_log_contains(daemon, "[proxy b] server"));
	/* Where it listens was found out by a name. */
	ck_assert(daemon_log_contains(daemon, "[proxy c] server"));
	ck_assert(is_refused(front));
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_le(daemon_counter(daemon, "accepted"), 2);
	daemon_stop(daemon);
}
END_TEST

/* What is passed to the daemon is not in its configuration, so only connections show it. */
START_TEST(a_connection_that_comes_back_by_a_name_that_was_answered_late_is_reset)
{
	char front[32], text[400];
	struct daemon *daemon;
	unsigned port = port_reserve();
	int passed, client;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	snprintf(front, sizeof(front), "127.0.0.1:%u", port);
	passed = peer_listen(front, 16);
	ck_assert_int_ge(passed, 0);
	snprintf(text, sizeof(text),
		 "max_connections = 40\n[defaults]\nconnect_timeout = 10min\n"
		 "[proxy a]\nlisten = systemd:passed\nserver = late.example:%u\n",
		 port);
	daemon = daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[0],
						       .configuration = text,
						       .hosts = hosts,
						       .resolv_conf = resolv_conf,
						       .inherited = (const int[]){passed, -1}});
	daemon_wait_ready(daemon);
	daemon_wait_log(daemon, "cannot resolve 'late.example'");
	write_file(hosts, "127.0.0.1 localhost late.example\n");
	daemon_wait_log(daemon, "'late.example' is resolved now");
	client = peer_connect(front);
	assert_connected(client);
	ck_assert_int_eq(peer_wait_end(client, PEER_PATIENCE_MS), PEER_RST);
	close(client);
	daemon_wait_log(daemon, "a connection came back to the section");
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "accepted"), 2);
	daemon_free(daemon);
	close(passed);
}
END_TEST

/* ---- addresses ---- */

static bool run(const char *command)
{
	return system(command) == 0;
}

START_TEST(an_address_that_comes_later_is_listened_on_from_then_on)
{
	struct daemon *daemon;
	int fd;

	if (!network_own())
		SKIP_TEST("cannot have a network of its own");
	daemon = daemon_start(&daemon_modes[_i],
			      "[echo]\nlisten = 127.0.0.1:7\nlisten = 192.0.2.7:7\n");
	ck_assert_uint_eq(daemon_log_count(daemon, "not listening on 192.0.2.7:7"), 1);
	ck_assert(is_served("127.0.0.1:7"));
	sleep_ms(2500); /* it is tried meanwhile, and that is said once */
	ck_assert(run("ip address add 192.0.2.7/32 dev lo"));
	daemon_wait_log(daemon, "listens on 192.0.2.7:7");
	for (int i = 0; i < 8; i++)
		ck_assert(is_served("192.0.2.7:7"));
	ck_assert_uint_eq(daemon_log_count(daemon, "not listening on 192.0.2.7:7"), 1);
	fd = peer_connect("192.0.2.7:7");
	ck_assert(peer_echoes(fd));
	daemon_signal(daemon, SIGTERM);
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(with_freebind_it_is_listened_on_before)
{
	struct daemon *daemon;

	if (!network_own())
		SKIP_TEST("cannot have a network of its own");
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = 192.0.2.7:7 freebind\n"
						 "listen = [2001:db8::7]:7 freebind\n");
	ck_assert(daemon_log_contains(daemon, "listens on 192.0.2.7:7"));
	ck_assert(run("ip address add 192.0.2.7/32 dev lo"));
	ck_assert(is_served("192.0.2.7:7"));
	daemon_stop(daemon);
}
END_TEST

/* A wildcard is every address that the machine has, loopback or not. */
START_TEST(a_server_at_another_address_of_this_machine_is_this_machine)
{
	static const char *const test_only[] = {"-t", NULL};
	struct daemon *daemon;

	if (!network_own() || !run("ip address add 192.0.2.7/32 dev lo") ||
	    !run("ip address add 192.0.2.8/32 dev lo"))
		SKIP_TEST("cannot have a network of its own");
	for (int last = 7; last <= 9; last++) {
		char text[200];

		snprintf(text, sizeof(text), "[proxy]\nlisten = 80\nserver = 192.0.2.%d:80\n",
			 last);
		daemon = daemon_spawn(
			&(struct daemon_options){.configuration = text, .arguments = test_only});
		ck_assert_int_eq(daemon_wait_exit(daemon), last == 9 ? 0 : 78);
		daemon_free(daemon);
	}
	/* Where anything can be bound, that says nothing. */
	ck_assert(network_set("ip_nonlocal_bind", "1"));
	daemon = daemon_spawn(&(struct daemon_options){
		.configuration = "[proxy]\nlisten = 80\nserver = 192.0.2.9:80\n",
		.arguments = test_only});
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	daemon_free(daemon);
}
END_TEST

/* ---- reloads ---- */

static struct daemon *start_known(int mode, const char *front, const char *port)
{
	return edition_start_with(&(struct daemon_options){.mode = &daemon_modes[mode],
							   .hosts = hosts,
							   .resolv_conf = resolv_conf},
				  "[proxy p]\nlisten = %s\nserver = known.example:%s\n"
				  "connect_timeout = 10min\n",
				  front, port);
}

START_TEST(a_reload_names_new_names_that_are_not_answered_and_keeps_known_ones)
{
	char front[32], other[32];
	struct daemon *daemon;
	struct server *echo;
	const char *port;
	int silent;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	silent = silent_server();
	echo = server_start(NULL, server_echo, NULL);
	port = strrchr(server_address(echo), ':') + 1;
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(other, sizeof(other), "127.0.0.1:%u", port_reserve());
	write_file(hosts, "127.0.0.1 known.example\n");
	write_file(resolv_conf, "nameserver " NOBODY_ANSWERS "\noptions timeout:3 attempts:1\n");
	daemon = start_known(_i, front, port);
	ck_assert(is_served(front));
	write_file(hosts, "127.0.0.1 localhost\n"); /* and nobody answers for the others */
	edition_adopt("[proxy p]\nlisten = %s\nserver = known.example:%s\n"
		      "[proxy new]\nlisten = %s\nserver = new.example:%s\n",
		      front, port, other, port);
	ck_assert(edition_answered("cannot resolve 'new.example'"));
	/* What is known goes on, and nobody has waited for it. */
	ck_assert(!edition_answered("known.example"));
	ck_assert(is_served(front));
	ck_assert_int_eq(edition_status("names_missing"), 1);
	write_file(hosts, "127.0.0.1 new.example\n");
	ck_assert(wait_until(edition_status("names_missing") == 0, SOON_MS));
	ck_assert(is_served(front) && is_served(other));
	edition_await_last();
	daemon_stop(daemon);
	server_stop(echo);
	close(silent);
}
END_TEST

START_TEST(who_asks_for_a_reload_and_goes_leaves_it_under_way)
{
	char front[32], *answer;
	struct daemon *daemon;
	int silent, fd;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	silent = silent_server();
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	write_file(hosts, "127.0.0.1 known.example\n");
	daemon = start_known(_i, front, "1");
	write_file(hosts, "127.0.0.1 localhost\n");
	for (int i = 0; i < 2; i++) {
		fd = peer_connect(edition_control());
		assert_connected(fd);
		ck_assert_int_eq(peer_send_text(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
						    "Content-Length: 0\r\n\r\n"),
				 0);
		sleep_ms(i ? 0 : 300);
		peer_reset(fd);
	}
	/* One who asks meanwhile is answered by the next. */
	answer = edition_post("/v1/reload");
	ck_assert_msg(strstr(answer, " 200 OK"), "%s", answer);
	free(answer);
	/* A stop while names are asked for is one. */
	daemon_signal(daemon, SIGHUP);
	sleep_ms(100);
	daemon_stop(daemon);
	close(silent);
}
END_TEST

/* ---- -t --resolve ---- */

START_TEST(the_option_resolve_warns_of_names_that_are_wrong)
{
	static const char *const arguments[] = {"-t", "--resolve", NULL};
	struct daemon *daemon;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	write_file(resolv_conf, "nameserver " NOBODY_ANSWERS "\noptions timeout:1 attempts:1\n");
	daemon = spawn(0,
		       "[proxy a]\nlisten = 127.0.0.1:1\nserver = localhost:1\n"
		       "server = no-such.example:1\n",
		       arguments);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	/* It is not known whether the name is right. */
	ck_assert(daemon_log_contains(daemon, "; check the name servers in /etc/resolv.conf, or "));
	ck_assert(
		daemon_log_contains(daemon, "[proxy a] server: cannot resolve 'no-such.example'"));
	ck_assert(daemon_log_contains(daemon, "this server is left out"));
	ck_assert(daemon_log_contains(daemon, "the configuration is good"));
	daemon_free(daemon);

	/* In the same run as mistakes. */
	daemon = spawn(0,
		       "[proxy a]\nlisten = 127.0.0.1:1\nserver = no-such.example:1\nbaklog = 2\n",
		       arguments);
	ck_assert_int_eq(daemon_wait_exit(daemon), 78);
	ck_assert(daemon_log_contains(daemon, "[proxy a] baklog: no such key"));
	ck_assert(daemon_log_contains(daemon, "cannot resolve 'no-such.example'"));
	ck_assert(!daemon_log_contains(daemon, "the configuration is good"));
	daemon_free(daemon);
}
END_TEST

/* There is somebody who knows, so it is not for the name servers to be checked. */
START_TEST(a_name_that_does_not_exist_is_to_be_checked_itself)
{
	static const char *const arguments[] = {"-t", "--resolve", NULL};
	int server;
	struct daemon *daemon;
	pid_t answering;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	server = silent_server();
	answering = knowing_nothing(server);
	daemon = spawn(0, "[proxy a]\nlisten = 127.0.0.1:1\nserver = no-such.example:1\n",
		       arguments);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	kill(answering, SIGKILL);
	ck_assert_int_eq(waitpid(answering, NULL, 0), answering);
	ck_assert(
		daemon_log_contains(daemon, "[proxy a] server: cannot resolve 'no-such.example'"));
	ck_assert(daemon_log_contains(daemon, "; check the name, or "));
	daemon_free(daemon);
	close(server);
}
END_TEST

START_TEST(who_waits_for_a_name_is_served_though_a_reload_comes_between)
{
	char front[32];
	struct daemon *daemon;
	struct server *echo;
	const char *port;
	int waiting;

	if (!own_names())
		SKIP_TEST(NO_NAMES);
	echo = server_start(NULL, server_echo, NULL);
	port = strrchr(server_address(echo), ':') + 1;
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = start_known(_i, front, port);
	waiting = peer_connect(front);
	assert_connected(waiting);
	ck_assert(wait_until(edition_status("connections") == 1, SOON_MS));
	edition_adopt("[proxy p]\nlisten = %s\nserver = known.example:%s\n", front, port);
	write_file(hosts, "127.0.0.1 known.example\n");
	ck_assert(wait_until(is_served(front), SOON_MS));
	ck_assert(peer_echoes(waiting));
	close(waiting);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

SUITE_OF("daemon: names", 120,
	 IN_BOTH_RINGS(a_reload_names_new_names_that_are_not_answered_and_keeps_known_ones),
	 IN_BOTH_RINGS(who_asks_for_a_reload_and_goes_leaves_it_under_way),
	 IN_EACH_MODE(a_server_whose_name_is_answered_late_is_used_from_then_on),
	 IN_EACH_MODE(a_listener_whose_name_is_answered_late_listens_from_then_on),
	 ONCE(an_address_that_a_name_has_twice_is_listened_on_once),
	 IN_BOTH_RINGS(name_servers_that_say_nothing_hold_up_neither_the_start_nor_the_stop),
	 ONCE(a_stop_while_names_are_awaited_is_heard),
	 ONCE(a_signal_while_names_are_awaited_is_heard_when_it_serves),
	 IN_BOTH_RINGS(a_resolv_conf_that_is_written_anew_is_followed),
	 ONCE(only_a_name_that_was_never_in_the_dns_is_searched_for),
	 ONCE(a_name_that_leads_back_is_left_out_with_a_warning),
	 ONCE(a_connection_that_comes_back_by_a_name_that_was_answered_late_is_reset),
	 IN_EACH_MODE(an_address_that_comes_later_is_listened_on_from_then_on),
	 ONCE(with_freebind_it_is_listened_on_before),
	 ONCE(a_server_at_another_address_of_this_machine_is_this_machine),
	 ONCE(the_option_resolve_warns_of_names_that_are_wrong),
	 ONCE(a_name_that_does_not_exist_is_to_be_checked_itself),
	 IN_BOTH_RINGS(who_waits_for_a_name_is_served_though_a_reload_comes_between))
