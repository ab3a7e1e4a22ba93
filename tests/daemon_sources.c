/* Where connections to servers set out from, as the servers see it. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/network.h"
#include "support/peer.h"
#include "support/refusal.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOON_MS     15000 /* much longer than anything here should take */
#define NO_NETWORKS "cannot have networks of its own"
#define CLIENTS_MAX 40

/* A server at the far end, whose connections are told where they come from: "10.9.0.5\n".  They
 * end when they say something. */
struct far_server {
	struct server *server;
	_Atomic uint64_t seen; /* by the last byte of the address */
};

static void tell_peer(int fd, void *context)
{
	struct far_server *far = context;
	struct sockaddr_storage peer = {0};
	socklen_t size = sizeof(peer);
	const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer;
	char text[INET6_ADDRSTRLEN + 1], byte;
	bool v4;

	(void)!getpeername(fd, (struct sockaddr *)&peer, &size);
	v4 = peer.ss_family == AF_INET;
	inet_ntop(peer.ss_family, v4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr,
		  text, INET6_ADDRSTRLEN);
	far->seen |= UINT64_C(1) << (v4 ? ntohl(in->sin_addr.s_addr) & 63
					: in6->sin6_addr.s6_addr[15] & 63);
	strcat(text, "\n");
	(void)peer_send_text(fd, text);
	(void)!recv(fd, &byte, 1, 0);
	close(fd);
}

static void far_start(struct far_server *far, const char *address)
{
	network_go_far();
	*far = (struct far_server){.server = server_start(address, tell_peer, far)};
	network_go_near();
	ck_assert_ptr_nonnull(far->server);
}

static int from_far(const char *address)
{
	int fd;

	network_go_far();
	fd = peer_connect(address);
	network_go_near();
	return fd;
}

/* Where the connection of that client to the server comes from; it stays. */
static const char *whence(int fd)
{
	static char said[4][100];
	static unsigned turn;
	char *text = said[turn++ % 4];

	if (fd < 0 || peer_receive_text(fd, text, sizeof(said[0]), "\n") <= 0)
		return "nowhere";
	text[strcspn(text, "\n")] = 0;
	return text;
}

/* The same of a client that comes and goes.  The server closes first, so that no port is left in
 * TIME_WAIT here. */
static const char *comes_from(const char *address)
{
	int fd = from_far(address);
	const char *text = whence(fd);

	(void)peer_send_text(fd, "q");
	(void)peer_wait_end(fd, SOON_MS);
	close(fd);
	return text;
}

/* More addresses of near. */
static bool have_sources(void)
{
	return network_pair() && network_ip("address add 10.9.0.5/24 dev near0") &&
	       network_ip("address add 10.9.0.6/24 dev near0") &&
	       network_ip("address add fd09:0::7/64 dev near0 nodad");
}

/* ---- Addresses ------------------------------------------------------------------------------- */

START_TEST(connections_come_from_the_sources_in_turn)
{
	struct far_server v4, v6;
	struct daemon *daemon;
	unsigned counts[2] = {0};

	if (!have_sources())
		SKIP_TEST(NO_NETWORKS);
	far_start(&v4, "10.9.0.2:9");
	far_start(&v6, "[fd09:0::2]:9");
	daemon = daemon_start(
		&daemon_modes[_i],
		"[proxy a]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9\n"
		"source = 10.9.0.5\nsource = 10.9.0.6\nsource = fd09:0::7\n"
		"[proxy b]\nlisten = 10.9.1.1:81\nserver = [fd09:0::2]:9\n"
		"source = 10.9.0.5\nsource = [fd09:0::7]\n"
		"[proxy c]\nlisten = 10.9.1.1:82\nsource = 10.9.0.5\n"
		"server = 10.9.0.2:9 source=10.9.0.6\n"
		"[proxy d]\nlisten = 10.9.1.1:83\nsource = 10.9.0.5\n"
		"server = 10.9.0.2:9 source=auto\n"
		"[defaults]\nsource = 10.9.0.6\n"
		"[proxy e]\nlisten = 10.9.1.1:84\nserver = 10.9.0.2:9\n"
		"[proxy f]\nlisten = 10.9.1.1:85\nserver = 10.9.0.2:9\nsource = auto\n");
	for (int i = 0; i < 10; i++) {
		const char *from = comes_from("10.9.1.1:80");

		counts[0] += !strcmp(from, "10.9.0.5");
		counts[1] += !strcmp(from, "10.9.0.6");
	}
	ck_assert_uint_eq(counts[0], 5);
	ck_assert_uint_eq(counts[1], 5);
	ck_assert_str_eq(comes_from("10.9.1.1:81"), "fd09::7");
	ck_assert_str_eq(comes_from("10.9.1.1:82"), "10.9.0.6");
	ck_assert_str_eq(comes_from("10.9.1.1:83"), "10.9.0.1");
	ck_assert_str_eq(comes_from("10.9.1.1:84"), "10.9.0.6");
	ck_assert_str_eq(comes_from("10.9.1.1:85"), "10.9.0.1");
	daemon_stop(daemon);
	server_stop(v4.server);
	server_stop(v6.server);
}
END_TEST

START_TEST(a_reload_changes_where_connections_come_from)
{
	struct far_server far;
	struct daemon *daemon;
	int held;

	if (!have_sources())
		SKIP_TEST(NO_NETWORKS);
	far_start(&far, "10.9.0.2:9");
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9\n");
	ck_assert_str_eq(comes_from("10.9.1.1:80"), "10.9.0.1");
	edition_adopt("[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9\nsource = 10.9.0.5\n");
	held = from_far("10.9.1.1:80");
	ck_assert_str_eq(whence(held), "10.9.0.5");
	edition_adopt("[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9 source=10.9.0.6\n");
	ck_assert_str_eq(comes_from("10.9.1.1:80"), "10.9.0.6");
	/* One that is refused changes nothing. */
	edition_refuse("taken by", "[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9\n"
				   "[echo]\nlisten = 10.9.1.1:80\n");
	ck_assert_str_eq(comes_from("10.9.1.1:80"), "10.9.0.6");
	edition_adopt("[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9\n");
	ck_assert_str_eq(comes_from("10.9.1.1:80"), "10.9.0.1");
	ck_assert_int_eq(peer_send_text(held, "q"), 0);
	ck_assert_int_eq(peer_wait_end(held, SOON_MS), PEER_FIN);
	close(held);
	daemon_stop(daemon);
	server_stop(far.server);
}
END_TEST

START_TEST(an_address_that_goes_leaves_the_others)
{
	struct far_server far;
	struct daemon *daemon;

	if (!have_sources())
		SKIP_TEST(NO_NETWORKS);
	far_start(&far, "10.9.0.2:9");
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9 max_fails=off\n"
			      "source = 10.9.0.5\nsource = 10.9.0.6\nsource = 10.9.0.77\n");
	ck_assert_uint_eq(daemon_log_count(daemon, "[proxy] source: no interface of this machine "
						   "has the address 10.9.0.77 now"),
			  1);
	ck_assert(network_ip("address del 10.9.0.5/24 dev near0"));
	for (int i = 0; i < 6; i++)
		ck_assert_str_eq(comes_from("10.9.1.1:80"), "10.9.0.6");
	ck_assert_uint_eq(daemon_log_count(daemon, "source 10.9.0.5 is no address of this machine; "
						   "connections come from the other sources"),
			  1);
	ck_assert(network_ip("address del 10.9.0.6/24 dev near0"));
	ck_assert_str_eq(comes_from("10.9.1.1:80"), "nowhere");
	daemon_wait_log(daemon, "cannot connect: No such device or address (no interface of this "
				"machine has an address of `source`)");
	ck_assert(network_ip("address add 10.9.0.5/24 dev near0"));
	ck_assert_str_eq(comes_from("10.9.1.1:80"), "10.9.0.5");
	daemon_stop(daemon);
	server_stop(far.server);
}
END_TEST

/* ---- Ports ----------------------------------------------------------------------------------- */

static int64_t free_ports(const char *source)
{
	char line[200], *page = edition_get("/metrics"), *at;
	int64_t count = -1;

	snprintf(line, sizeof(line),
		 "uringproxy_server_free_ports{pool=\"proxy\",server=\"first\",source=\"%s\"} ",
		 source);
	at = strstr(page, line);
	if (at)
		count = atoll(at + strlen(line));
	free(page);
	return count;
}

START_TEST(where_one_source_has_no_port_left_the_next_has)
{
	struct far_server first, second;
	int clients[CLIENTS_MAX], count = 0;
	struct daemon *daemon;
	int other;

	if (!have_sources())
		SKIP_TEST(NO_NETWORKS);
	ck_assert(network_set("ip_local_port_range", "20000 20009"));
	far_start(&first, "10.9.0.2:9");
	far_start(&second, "10.9.0.2:10");
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9 name=first\n"
			       "server = 10.9.0.2:10 name=second backup\n"
			       "source = 10.9.0.5\nsource = 10.9.0.6\n");
	ck_assert_int_eq(free_ports("10.9.0.5"), 10);
	/* As many as the kernel can tell apart, from both. */
	while (count < 20) {
		clients[count] = from_far("10.9.1.1:80");
		ck_assert_str_ne(whence(clients[count++]), "nowhere");
		ck_assert_uint_eq(daemon_log_count(daemon, "source 10.9.0.5 only 0 of 10 local "
							   "ports are left"),
				  count >= 19);
	}
	ck_assert_uint_eq(server_accepted(first.server), 20);
	ck_assert_int_eq(free_ports("10.9.0.5"), 0);
	ck_assert_int_eq(free_ports("10.9.0.6"), 0);
	/* The same ports are free for another server, which is tried. */
	other = from_far("10.9.1.1:80");
	ck_assert_str_ne(whence(other), "nowhere");
	ck_assert_uint_eq(server_accepted(second.server), 1);
	ck_assert_uint_ge(daemon_log_count(daemon, "no local port is free (10 connections of ours, "
						   "10 ports;"),
			  1);
	/* What comes free is used again. */
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(peer_send_text(clients[i], "q"), 0);
		ck_assert_int_eq(peer_wait_end(clients[i], SOON_MS), PEER_FIN);
		close(clients[i]);
	}
	ck_assert(
		wait_until(free_ports("10.9.0.5") == 10 && free_ports("10.9.0.6") == 10, SOON_MS));
	ck_assert(daemon_log_contains(daemon, "local ports are left again"));
	ck_assert_str_ne(comes_from("10.9.1.1:80"), "nowhere");
	ck_assert_uint_ge(server_accepted(first.server), 21);
	close(other);
	daemon_stop(daemon);
	server_stop(first.server);
	server_stop(second.server);
}
END_TEST

/* With none left at all, a client waits until one comes free. */
START_TEST(who_finds_no_port_waits_for_one)
{
	struct far_server far;
	int clients[10], waits;
	struct daemon *daemon;

	if (!have_sources())
		SKIP_TEST(NO_NETWORKS);
	ck_assert(network_set("ip_local_port_range", "20000 20009"));
	far_start(&far, "10.9.0.2:9");
	daemon = daemon_start(&daemon_modes[_i], "[proxy]\nlisten = 10.9.1.1:80\n"
						 "server = 10.9.0.2:9\nsource = 10.9.0.5\n"
						 "connect_timeout = 1min\n");
	for (int i = 0; i < 10; i++) {
		clients[i] = from_far("10.9.1.1:80");
		ck_assert_str_eq(whence(clients[i]), "10.9.0.5");
	}
	waits = from_far("10.9.1.1:80");
	daemon_wait_log(daemon, "no local port is free to connect to a server from");
	ck_assert_int_eq(peer_send_text(clients[3], "q"), 0);
	ck_assert_int_eq(peer_wait_end(clients[3], SOON_MS), PEER_FIN);
	close(clients[3]);
	ck_assert_str_eq(whence(waits), "10.9.0.5");
	for (int i = 0; i < 10; i++)
		if (i != 3)
			close(clients[i]);
	close(waits);
	daemon_stop(daemon);
	server_stop(far.server);
}
END_TEST

/* ---- Marks and interfaces -------------------------------------------------------------------- */

/* An address of far behind both wires. */
static bool have_distance(void)
{
	bool done;

	if (!have_sources())
		return false;
	network_go_far();
	done = network_ip("address add 198.51.100.7/32 dev lo");
	network_go_near();
	return done;
}

START_TEST(marked_packets_go_by_the_rules_for_them)
{
	struct far_server far;
	struct daemon *daemon;

	if (!have_distance() || !network_ip("rule add fwmark 0x10 lookup 100") ||
	    !network_ip("route add 198.51.100.7 via 10.9.1.2 dev near1 table 100"))
		SKIP_TEST(NO_NETWORKS);
	far_start(&far, "198.51.100.7:9");
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy]\nlisten = 10.9.1.1:80\nserver = 198.51.100.7:9\n"
			      "[proxy marked]\nlisten = 10.9.1.1:81\nmark = 0x10\n"
			      "server = 198.51.100.7:9\ncheck = tcp\n"
			      "[proxy both]\nlisten = 10.9.1.1:82\nmark = 16\nsource = 10.9.0.5\n"
			      "server = 198.51.100.7:9\n");
	ck_assert_str_eq(comes_from("10.9.1.1:80"), "nowhere");
	ck_assert_str_eq(comes_from("10.9.1.1:81"), "10.9.1.1");
	ck_assert_str_eq(comes_from("10.9.1.1:82"), "10.9.0.5");
	ck_assert(!daemon_log_contains(daemon, "[proxy marked] server 198.51.100.7:9 is down"));
	daemon_stop(daemon);
	server_stop(far.server);
}
END_TEST

START_TEST(connections_go_by_the_interface_that_is_said)
{
	struct far_server far;
	struct daemon *daemon;

	if (!have_distance() ||
	    !network_ip("route add 198.51.100.7 via 10.9.0.2 dev near0 metric 10") ||
	    !network_ip("route add 198.51.100.7 via 10.9.1.2 dev near1 metric 20"))
		SKIP_TEST(NO_NETWORKS);
	far_start(&far, "198.51.100.7:9");
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy]\nlisten = 10.9.1.1:80\nserver = 198.51.100.7:9\n"
			      "[proxy other]\nlisten = 10.9.1.1:81\ninterface = near1\n"
			      "server = 198.51.100.7:9\n"
			      "[proxy missing]\nlisten = 10.9.1.1:82\ninterface = near7\n"
			      "server = 198.51.100.7:9\n");
	ck_assert_str_eq(comes_from("10.9.1.1:80"), "10.9.0.1");
	ck_assert_str_eq(comes_from("10.9.1.1:81"), "10.9.1.1");
	ck_assert_str_eq(comes_from("10.9.1.1:82"), "nowhere");
	ck_assert_uint_eq(daemon_log_count(daemon, "[proxy missing] interface: this machine has no "
						   "interface near7 now"),
			  1);
	daemon_wait_log(daemon, "cannot connect: No such device (this machine has no interface of "
				"that name");
	daemon_stop(daemon);
	server_stop(far.server);
}
END_TEST

/* ---- Checks ---------------------------------------------------------------------------------- */

START_TEST(checks_come_from_there_too)
{
	struct far_server far;
	struct daemon *daemon;

	if (!have_sources())
		SKIP_TEST(NO_NETWORKS);
	far_start(&far, "10.9.0.2:9");
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9\ncheck = tcp\n"
			       "check_every = 50ms\ncheck_timeout = 50ms\nsource = 10.9.0.5\n");
	ck_assert(wait_until(far.seen, SOON_MS));
	ck_assert_uint_eq(far.seen, 1 << 5);
	edition_adopt("[proxy]\nlisten = 10.9.1.1:80\nserver = 10.9.0.2:9\ncheck = tcp\n"
		      "check_every = 50ms\ncheck_timeout = 50ms\nsource = 10.9.0.6\n");
	ck_assert(wait_until(far.seen & 1 << 6, SOON_MS));
	/* Without its address nothing is learnt of the server. */
	ck_assert(network_ip("address del 10.9.0.6/24 dev near0"));
	daemon_wait_log(daemon, "a server could not be asked: No such device or address");
	ck_assert(!daemon_log_contains(daemon, "is down"));
	ck_assert(!(far.seen & 1 << 1));
	daemon_stop(daemon);
	server_stop(far.server);
}
END_TEST

/* ---- What may not be ------------------------------------------------------------------------- */

#define MARKED "[proxy]\nlisten = 127.0.0.1:80\nserver = 127.0.0.1:9\nmark = 0x10\n"

static void expect_refused(const struct daemon_options *options, const char *said)
{
	struct daemon *daemon = daemon_spawn(options);

	ck_assert_int_eq(daemon_wait_exit(daemon), 78);
	ck_assert_msg(daemon_log_contains(daemon, said), "%s", daemon_log(daemon));
	daemon_free(daemon);
}

START_TEST(a_mark_without_the_capability_is_refused_at_the_start)
{
	static const char *const test_only[] = {"-t", NULL};
	static const char said[] =
		"[proxy] mark: this process may not mark packets: it needs CAP_NET_RAW or "
		"CAP_NET_ADMIN, which the shipped unit does not grant; the drop-in "
		"uringproxy-mark.conf does (AmbientCapabilities= and CapabilityBoundingSet=)";
	struct daemon_options options = {
		.mode = &daemon_modes[_i], .configuration = MARKED, .uid = 65534};

	if (geteuid() != 0 || !network_own())
		SKIP_TEST("only root can give it away");
	expect_refused(&options, said);
	options.arguments = test_only;
	expect_refused(&options, said);
}
END_TEST

START_TEST(a_kernel_that_cannot_mark_says_so)
{
	static const char *const test_only[] = {"-t", NULL};
	struct refusal *refusal = refusal_new((const int[]){SYS_setsockopt, -1});
	struct daemon_options options = {
		.configuration = MARKED, .arguments = test_only, .refusal = refusal};

	if (!network_own())
		SKIP_TEST(NO_NETWORKS);
	refusal_set(refusal, SYS_setsockopt, ENOPROTOOPT);
	expect_refused(&options, "[proxy] mark: this kernel does not mark packets: Protocol not "
				 "available");
	refusal_free(refusal);
}
END_TEST

SUITE_OF("daemon: sources", 90, IN_EACH_MODE(connections_come_from_the_sources_in_turn),
	 IN_EACH_MODE(a_reload_changes_where_connections_come_from),
	 IN_EACH_MODE(an_address_that_goes_leaves_the_others),
	 IN_EVERY_WAY(where_one_source_has_no_port_left_the_next_has),
	 IN_EACH_MODE(who_finds_no_port_waits_for_one),
	 IN_EVERY_WAY(marked_packets_go_by_the_rules_for_them),
	 IN_EVERY_WAY(connections_go_by_the_interface_that_is_said),
	 IN_BOTH_RINGS(checks_come_from_there_too),
	 IN_BOTH_RINGS(a_mark_without_the_capability_is_refused_at_the_start),
	 ONCE(a_kernel_that_cannot_mark_says_so))
