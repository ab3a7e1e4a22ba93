/* Who may come in: the real daemon, and clients that it does not want. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/network.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include "base/compiler.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUIET_MS 300 /* in which something would have been seen */

static uint16_t port;
static char list[300];

static void write_list(const char *text)
{
	FILE *file = fopen(list, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}

/* An echo that listens on every address, with these lines. */
static struct daemon *serve(int mode, const char *lines)
{
	port = port_reserve();
	return daemon_start(&daemon_modes[mode], "[echo web]\nlisten = %u\n%s", port, lines);
}

/* A client with that address, connected to the one of the same family. */
static int client_of(const char *source)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	bool is_v6 = strchr(source, ':');
	struct sockaddr *address = is_v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t length = is_v6 ? sizeof(in6) : sizeof(in);
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(inet_pton(address->sa_family, source,
				   is_v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr),
			 1);
	ck_assert_msg(bind(fd, address, length) == 0, "bind %s: %s", source, strerror(errno));
	inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
	in6.sin6_addr = in6addr_loopback;
	in.sin_port = in6.sin6_port = htons(port);
	ck_assert_msg(connect(fd, address, length) == 0, "connect: %s", strerror(errno));
	return fd;
}

static bool is_served(const char *source)
{
	int fd = client_of(source);
	bool served = peer_echoes(fd);

	close(fd);
	return served;
}

/* How a client with that address sees the end that it meets at once. */
static enum peer_end refused_with(const char *source)
{
	int fd = client_of(source);
	enum peer_end end = peer_wait_end(fd, PEER_PATIENCE_MS);

	close(fd);
	return end;
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

START_TEST(the_first_line_that_names_a_client_decides)
{
	struct daemon *daemon = serve(_i, "deny = 127.0.0.2\nallow = 127.0.0.0/30\n"
					  "deny = 127.0.0.0/8\nallow = all\n");

	ck_assert(is_served("127.0.0.1"));
	ck_assert_int_eq(refused_with("127.0.0.2"), PEER_RST);
	ck_assert(is_served("127.0.0.3"));
	ck_assert_int_eq(refused_with("127.0.0.4"), PEER_RST);
	ck_assert(is_served("::1"));
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "denied"), 2);
	ck_assert_uint_eq(daemon_counter(daemon, "accepted"), 3);
	daemon_free(daemon);
}
END_TEST

START_TEST(a_socket_of_both_families_tells_ipv4_clients_from_ipv6_ones)
{
	struct daemon *daemon = serve(_i, "deny = ::/0\n");

	ck_assert(is_served("127.0.0.1"));
	ck_assert_int_eq(refused_with("::1"), PEER_RST);
	daemon_stop(daemon);

	daemon = serve(_i, "deny = 127.0.0.0/8\n");
	ck_assert_int_eq(refused_with("127.0.0.1"), PEER_RST);
	ck_assert(is_served("::1"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(with_a_line_of_allow_the_rest_is_refused)
{
	struct daemon *daemon = serve(_i, "allow = 127.0.0.7\n");

	ck_assert(is_served("127.0.0.7"));
	ck_assert_int_eq(refused_with("127.0.0.1"), PEER_RST);
	ck_assert_int_eq(refused_with("::1"), PEER_RST);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_proxy_connects_to_no_server_for_whom_it_refuses)
{
	char back[32];
	struct server *server;
	struct daemon *daemon;

	port = port_reserve();
	snprintf(back, sizeof(back), "127.0.0.1:%u", port_reserve());
	server = server_start(back, server_echo, NULL);
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy web]\nlisten = %u\nserver = %s\ndeny = 127.0.0.2\n", port,
			      back);
	ck_assert_int_eq(refused_with("127.0.0.2"), PEER_RST);
	ck_assert(is_served("127.0.0.1"));
	ck_assert_uint_eq(server_accepted(server), 1);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

/* A process of that user: whether it is served at that address. */
static bool user_is_served(uid_t uid, const char *address)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd;

		if (uid && setresuid(uid, uid, uid) < 0)
			_exit(2);
		fd = peer_connect(address);
		_exit(fd < 0 ? 2 : !peer_echoes(fd));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 2);
	return WEXITSTATUS(status) == 0;
}

START_TEST(who_comes_by_a_unix_socket_is_a_user)
{
	char address[64];
	struct daemon *daemon;

	if (geteuid() != 0)
		SKIP_TEST("another user is played by root only");
	snprintf(address, sizeof(address), "unix:@admission-%d-%d", (int)getpid(), _i);
	daemon = daemon_start(&daemon_modes[_i],
			      "[echo web]\nlisten = %s\ndeny = uid:33\nallow = uid:0\n"
			      "allow = 127.0.0.0/8\n[echo all]\nlisten = %s-all\n"
			      "deny = 127.0.0.0/8\ndeny = uid:33\n[echo none]\nlisten = %s-none\n"
			      "reject = drop\ndeny = unix\n",
			      address, address, address);
	ck_assert(user_is_served(0, address));
	ck_assert(!user_is_served(33, address));
	ck_assert(!user_is_served(34, address));
	strcat(address, "-all");
	ck_assert(user_is_served(0, address));
	ck_assert(!user_is_served(33, address));
	ck_assert(user_is_served(34, address));
	strcpy(strrchr(address, '-'), "-none");
	ck_assert(!user_is_served(0, address));
	daemon_stop(daemon);
}
END_TEST

/* ---- Ways of saying no, as they are seen on the wire -------------------------------------------
 */

struct wire_seen {
	unsigned rst, fin, data; /* packets from the daemon */
	int hops;                /* of the last RST */
};

static int wire_open(void)
{
	struct sockaddr_ll loopback = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("lo"),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));

	ck_assert_msg(fd >= 0, "AF_PACKET: %s", strerror(errno));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)), 0);
	return fd;
}

static void note_packet(struct wire_seen *seen, const struct tcphdr *tcp, int hops)
{
	if (ntohs(tcp->source) != port)
		return;
	seen->rst += tcp->rst;
	seen->fin += tcp->fin;
	if (tcp->rst)
		seen->hops = hops;
}

/* What has passed so far; each packet is seen twice, as it leaves and as it comes. */
static struct wire_seen wire_look(int fd)
{
	struct wire_seen seen = {0};
	unsigned char packet[2048];
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size)) > 0) {
		const struct iphdr *ip = (const void *)packet;
		const struct ip6_hdr *ip6 = (const void *)packet;

		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (from.sll_protocol == htons(ETH_P_IP) && ip->protocol == IPPROTO_TCP)
			note_packet(&seen, (const void *)(packet + ip->ihl * 4), ip->ttl);
		else if (from.sll_protocol == htons(ETH_P_IPV6) && ip6->ip6_nxt == IPPROTO_TCP)
			note_packet(&seen, (const void *)(ip6 + 1), ip6->ip6_hlim);
	}
	return seen;
}

static uid_t nobody(void)
{
	const struct passwd *user = getpwnam("nobody");

	return user ? user->pw_uid : 0;
}

/* As that user, in a network of our own. */
static struct daemon *serve_alone(int mode, uid_t uid, const char *lines)
{
	char text[400];
	struct daemon *daemon;

	port = port_reserve();
	snprintf(text, sizeof(text), "[echo web]\nlisten = %u\n%s", port, lines);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[mode],
		.configuration = text,
		.uid = uid,
	});
	daemon_wait_ready(daemon);
	return daemon;
}

static const char *const sources[] = {"127.0.0.1", "::1"};

START_TEST(rst_is_a_reset)
{
	struct daemon *daemon;
	struct wire_seen seen;
	int wire;

	if (geteuid() != 0 || !network_own())
		SKIP_TEST("no network namespace may be made here");
	daemon = serve_alone(_i, 0, "deny = all\n");
	wire = wire_open();
	for (size_t i = 0; i < array_size(sources); i++) {
		ck_assert_int_eq(refused_with(sources[i]), PEER_RST);
		seen = wire_look(wire);
		ck_assert_uint_eq(seen.rst, 1);
		ck_assert_uint_eq(seen.fin, 0);
		ck_assert_int_eq(seen.hops, 64);
	}
	close(wire);
	daemon_stop(daemon);
}
END_TEST

START_TEST(fin_is_an_end_without_a_byte)
{
	struct daemon *daemon;
	struct wire_seen seen;
	int wire;

	if (geteuid() != 0 || !network_own())
		SKIP_TEST("no network namespace may be made here");
	daemon = serve_alone(_i, 0, "deny = all\nreject = fin\n");
	wire = wire_open();
	for (size_t i = 0; i < array_size(sources); i++) {
		ck_assert_int_eq(refused_with(sources[i]), PEER_FIN);
		sleep_ms(50);
		seen = wire_look(wire);
		ck_assert_uint_eq(seen.rst, 0);
		ck_assert_uint_eq(seen.fin, 1);
	}
	close(wire);
	daemon_stop(daemon);
}
END_TEST

/* It speaks first, and may have been heard already when it is refused. */
START_TEST(fin_is_no_reset_though_the_client_has_spoken)
{
	struct daemon *daemon;
	int fd;

	if (geteuid() != 0 || !network_own())
		SKIP_TEST("no network namespace may be made here");
	daemon = serve_alone(_i, 0, "deny = all\nreject = fin\n");
	kill(daemon_pid(daemon), SIGSTOP);
	fd = client_of("127.0.0.1");
	ck_assert_int_eq(peer_send_text(fd, "hello"), 0);
	kill(daemon_pid(daemon), SIGCONT);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(drop_is_silence_until_the_client_speaks)
{
	struct daemon *daemon;
	struct wire_seen seen;
	int wire;

	if (geteuid() != 0 || !network_own())
		SKIP_TEST("no network namespace may be made here");
	daemon = serve_alone(_i, 0, "deny = all\nreject = drop\n");
	ck_assert(!daemon_log_contains(daemon, "CAP_NET_ADMIN"));
	wire = wire_open();
	for (size_t i = 0; i < array_size(sources); i++) {
		int fd = client_of(sources[i]);

		daemon_wait_log(daemon, i ? "[::1]" : "127.0.0.1"); /* that it is refused */
		ck_assert_int_eq(peer_wait_end(fd, QUIET_MS), PEER_SILENT);
		seen = wire_look(wire);
		ck_assert_uint_eq(seen.rst, 0);
		ck_assert_uint_eq(seen.fin, 0);
		ck_assert_int_eq(peer_send_text(fd, "hello?"), 0);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST); /* the kernel */
		close(fd);
		(void)wire_look(wire);
	}
	close(wire);
	daemon_stop(daemon);
}
END_TEST

START_TEST(drop_without_the_capability_is_a_reset_that_no_router_passes_on)
{
	struct daemon *daemon;
	struct wire_seen seen;
	int wire;

	if (geteuid() != 0 || !nobody() || !network_own())
		SKIP_TEST("no network namespace may be made here");
	daemon = serve_alone(_i, nobody(), "deny = all\nreject = drop\n");
	ck_assert(daemon_log_contains(daemon,
				      "[echo web] reject: drop is a RST that the first router "
				      "does not pass on, since silence takes CAP_NET_ADMIN "));
	wire = wire_open();
	for (size_t i = 0; i < array_size(sources); i++) {
		ck_assert_int_eq(refused_with(sources[i]), PEER_RST);
		seen = wire_look(wire);
		ck_assert_uint_eq(seen.rst, 1);
		ck_assert_int_eq(seen.hops, 1);
	}
	close(wire);
	daemon_stop(daemon);
}
END_TEST

/* ---- Lists ----------------------------------------------------------------------------------- */

static struct daemon *serve_listed(int mode)
{
	char line[400];

	snprintf(list, sizeof(list), "%s/list", suite_dir());
	snprintf(line, sizeof(line), "deny = file:%s\n", list);
	return serve(mode, line);
}

START_TEST(a_list_is_read_again_by_a_reload_while_connections_flow)
{
	struct daemon *daemon;
	int old;

	snprintf(list, sizeof(list), "%s/list", suite_dir());
	write_list("127.0.0.66\n");
	daemon = serve_listed(_i);
	ck_assert_int_eq(refused_with("127.0.0.66"), PEER_RST);
	old = client_of("127.0.0.67");
	ck_assert(peer_echoes(old));

	write_list("127.0.0.67 # now this one\n");
	daemon_signal(daemon, SIGHUP);
	daemon_wait_log(daemon, "reloaded: edition 2 serves");
	ck_assert(wait_until(refused_with("127.0.0.67") == PEER_RST, PEER_PATIENCE_MS));
	ck_assert(is_served("127.0.0.66"));
	ck_assert(peer_echoes(old)); /* it has come in before */
	close(old);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_mistake_in_a_list_keeps_the_one_before)
{
	struct daemon *daemon;
	char said[500];

	snprintf(list, sizeof(list), "%s/list", suite_dir());
	write_list("127.0.0.66\n");
	daemon = serve_listed(_i);
	write_list("127.0.0.67\n127.0.0.1/8\n");
	daemon_signal(daemon, SIGHUP);
	snprintf(said, sizeof(said),
		 "error: %s:2: \"127.0.0.1/8\": has bits set behind its prefix; the network is "
		 "127.0.0.0/8, and the address alone 127.0.0.1 (deny in [echo web], %s:",
		 list, daemon_configuration_path(daemon));
	daemon_wait_log(daemon, said);
	daemon_wait_log(daemon, "the configuration is not reloaded: edition 1 goes on serving");
	ck_assert_int_eq(refused_with("127.0.0.66"), PEER_RST);
	ck_assert(is_served("127.0.0.67"));
	unlink(list);
	daemon_signal(daemon, SIGHUP);
	daemon_wait_log(daemon,
			"cannot be opened: No such file or directory (deny in [echo web], ");
	ck_assert_int_eq(refused_with("127.0.0.66"), PEER_RST);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_daemon_does_not_start_with_a_list_that_is_wrong)
{
	char text[400];
	struct daemon *daemon;

	snprintf(list, sizeof(list), "%s/list", suite_dir());
	write_list("# nobody's\nhost.example\n");
	snprintf(text, sizeof(text), "[echo web]\nlisten = %u\ndeny = file:%s\n", port_reserve(),
		 list);
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[_i], .configuration = text});
	ck_assert_int_eq(daemon_wait_exit(daemon), 78);
	ck_assert(daemon_log_contains(daemon, "/list:2: \"host.example\": is neither an address "));
	daemon_free(daemon);
}
END_TEST

/* ---- What it costs, and what is told -----------------------------------------------------------
 */

START_TEST(whoever_is_refused_takes_no_place_no_descriptor_and_no_memory)
{
	enum { KNOCKS = 2000, LIMIT = 4 };
	struct daemon *daemon;
	unsigned fds;
	size_t resident;

	port = port_reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "max_connections = %d\n[log]\naccess = stderr\n"
			      "[echo web]\nlisten = %u\ndeny = 127.0.0.2\n",
			      LIMIT, port);
	ck_assert(is_served("127.0.0.1"));
	ck_assert_int_eq(refused_with("127.0.0.2"), PEER_RST);
	fds = daemon_open_fds(daemon);
	resident = daemon_resident(daemon);
	for (unsigned i = 0; i < KNOCKS; i++)
		ck_assert_int_eq(refused_with("127.0.0.2"), PEER_RST);
	ck_assert_uint_le(daemon_resident(daemon), resident + (256 << 10));
	daemon_wait_fds(daemon, fds);
	ck_assert(is_served("127.0.0.1"));
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "denied"), KNOCKS + 1);
	ck_assert_uint_eq(daemon_counter(daemon, "accepted"), 2); /* sessions that there were */
	ck_assert_uint_eq(daemon_counter(daemon, "paused_connections"), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "access_dropped"), 0);
	daemon_free(daemon);
}
END_TEST

START_TEST(those_who_were_refused_are_told_of_in_one_line_for_each_line_of_the_configuration)
{
	char said[400];
	struct daemon *daemon;

	port = port_reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\naccess = stderr\n[echo web]\nlisten = %u\n"
			      "deny = 127.0.1.0/24\nallow = 127.0.0.1\n",
			      port);
	for (unsigned i = 1; i <= 20; i++) {
		char source[32];

		snprintf(source, sizeof(source), "127.0.1.%u", i % 5);
		ck_assert_int_eq(refused_with(source), PEER_RST);
	}
	ck_assert_int_eq(refused_with("127.0.2.1"), PEER_RST);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "[echo web] refused 20 connections from about 5 "
					      "addresses in "));
	snprintf(said, sizeof(said),
		 " s: deny = 127.0.1.0/24 (%s:", daemon_configuration_path(daemon));
	ck_assert(daemon_log_contains(daemon, said));
	ck_assert(daemon_log_contains(daemon, "[echo web] refused 1 connection from about 1 "
					      "address in "));
	ck_assert(daemon_log_contains(daemon, " s: no line of allow names them\n"));
	ck_assert(daemon_log_contains(daemon, "[echo web] refused 20 clients from about 5 "
					      "addresses since 20"));
	ck_assert_uint_eq(daemon_log_count(daemon, "[echo web] refused"), 4);
	daemon_free(daemon);
}
END_TEST

START_TEST(each_is_told_of_where_the_log_is_to_say_everything)
{
	struct daemon *daemon = serve(_i, "deny = 127.0.0.2\n");
	int fd = client_of("127.0.0.2");
	struct sockaddr_in name;
	socklen_t size = sizeof(name);
	char said[200];

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	snprintf(said, sizeof(said), "[echo web] [::]:%u: refused 127.0.0.2:%u: deny = 127.0.0.2\n",
		 port, ntohs(name.sin_port));
	daemon_wait_log(daemon, said);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: who may come in", 60,
	 EACH(the_first_line_that_names_a_client_decides, DAEMON_WAYS),
	 EACH(a_socket_of_both_families_tells_ipv4_clients_from_ipv6_ones, DAEMON_RINGS),
	 EACH(with_a_line_of_allow_the_rest_is_refused, DAEMON_RINGS),
	 EACH(a_proxy_connects_to_no_server_for_whom_it_refuses, DAEMON_RINGS),
	 EACH(who_comes_by_a_unix_socket_is_a_user, DAEMON_RINGS),
	 EACH(rst_is_a_reset, DAEMON_RINGS), EACH(fin_is_an_end_without_a_byte, DAEMON_RINGS),
	 EACH(fin_is_no_reset_though_the_client_has_spoken, DAEMON_RINGS),
	 EACH(drop_is_silence_until_the_client_speaks, DAEMON_RINGS),
	 EACH(drop_without_the_capability_is_a_reset_that_no_router_passes_on, DAEMON_RINGS),
	 EACH(a_list_is_read_again_by_a_reload_while_connections_flow, DAEMON_MODES),
	 EACH(a_mistake_in_a_list_keeps_the_one_before, DAEMON_RINGS),
	 ONCE(a_daemon_does_not_start_with_a_list_that_is_wrong),
	 EACH(whoever_is_refused_takes_no_place_no_descriptor_and_no_memory, DAEMON_RINGS),
	 EACH(those_who_were_refused_are_told_of_in_one_line_for_each_line_of_the_configuration,
	      DAEMON_RINGS),
	 EACH(each_is_told_of_where_the_log_is_to_say_everything, DAEMON_RINGS))
