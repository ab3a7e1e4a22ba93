/* Peers that are gone without a word: what keepalive, user_timeout and idle_if_alive do. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/daemon_sockets.h"
#include "support/network.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char front[64], back[64];

/* ---- what is set on the daemon's sockets ---- */

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	getsockopt(fd, level, name, &value, &size);
	return value;
}

static struct daemon *proxy(int mode, const char *keys, const char *server)
{
	return daemon_start(&daemon_modes[mode],
			    "[proxy p]\n%s\nlisten = %s\nserver = %s\n"
			    "[log]\nlevel = info\naccess = stderr\n",
			    keys, front, server);
}

START_TEST(keepalive_and_user_timeout_are_set_on_both_sides)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	int fds[8], count, client;
	struct daemon *daemon;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = proxy(_i, "keepalive = 77s\nuser_timeout = 12345ms", server_address(echo));
	client = peer_connect(front);
	assert_connected(client);
	ck_assert(peer_echoes(client));
	count = daemon_connected_sockets(daemon, fds, 8);
	if (count >= 0) {
		ck_assert_int_eq(count, 2);
		for (int i = 0; i < count; i++) {
			ck_assert_int_eq(option(fds[i], SOL_SOCKET, SO_KEEPALIVE), 1);
			ck_assert_int_eq(option(fds[i], IPPROTO_TCP, TCP_KEEPIDLE), 77);
			ck_assert_int_eq(option(fds[i], IPPROTO_TCP, TCP_KEEPINTVL), 10);
			ck_assert_int_eq(option(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
			ck_assert_int_eq(option(fds[i], IPPROTO_TCP, TCP_NODELAY), 1);
			close(fds[i]);
		}
	}
	close(client);
	daemon_stop(daemon);
	server_stop(echo);
	if (count < 0)
		SKIP_TEST("the daemon's descriptors cannot be copied (pidfd_getfd)");
}
END_TEST

/* ---- peers behind a cut ---- */

static void speak_when_told(int fd, void *context)
{
	const bool *told = context;

	peer_send_text(fd, "first");
	(void)wait_until(__atomic_load_n(told, __ATOMIC_RELAXED), PEER_PATIENCE_MS);
	peer_send_text(fd, "second");
	peer_wait_end(fd, PEER_PATIENCE_MS);
	close(fd);
}

START_TEST(a_client_that_acknowledges_nothing_for_user_timeout_has_timed_out)
{
	struct server *server;
	struct daemon *daemon;
	bool told = false;
	char word[8];
	int client;

	if (!network_own())
		SKIP_TEST("a network of its own needs CAP_NET_ADMIN");
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(back, sizeof(back), "unix:@dead-peers-%u", port_reserve());
	server = server_start(back, speak_when_told, &told);
	daemon = proxy(_i, "user_timeout = 1s", back);
	client = peer_connect(front);
	assert_connected(client);
	ck_assert_int_eq(peer_receive_text(client, word, sizeof(word), "first"), 5);
	ck_assert(network_set_loopback(false));
	__atomic_store_n(&told, true, __ATOMIC_RELAXED);
	daemon_wait_log(daemon, "the client stopped answering");
	ck_assert(server_wait_idle(server));
	close(client);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

START_TEST(a_server_that_acknowledges_nothing_for_user_timeout_has_timed_out)
{
	struct server *server;
	struct daemon *daemon;
	bool released = false;
	int client;

	if (!network_own())
		SKIP_TEST("a network of its own needs CAP_NET_ADMIN");
	snprintf(front, sizeof(front), "unix:@dead-peers-%u", port_reserve());
	server = server_start(NULL, server_hold, &released);
	daemon = proxy(_i, "user_timeout = 1s", server_address(server));
	client = peer_connect(front);
	assert_connected(client);
	ck_assert(wait_until(server_accepted(server) == 1, PEER_PATIENCE_MS));
	ck_assert(network_set_loopback(false));
	ck_assert_int_eq(peer_send_text(client, "is anybody there?"), 0);
	daemon_wait_log(daemon, "the upstream stopped answering");
	ck_assert_int_ne(peer_wait_end(client, PEER_PATIENCE_MS), PEER_SILENT);
	close(client);
	daemon_stop(daemon);
	__atomic_store_n(&released, true, __ATOMIC_RELAXED);
	server_stop(server);
}
END_TEST

/* Silent for three times idle_timeout, with probes in between. */
static void assert_kept(int mode, const char *server)
{
	struct daemon *daemon =
		proxy(mode, "idle_timeout = 1s\nkeepalive = 1s\nidle_if_alive = keep", server);
	int client = peer_connect(front);

	assert_connected(client);
	ck_assert(peer_echoes(client));
	sleep_ms(3500);
	ck_assert(peer_echoes(client));
	ck_assert_uint_eq(daemon_log_count(daemon, "idle timeout"), 0);
	close(client);
	daemon_stop(daemon);
}

START_TEST(idle_if_alive_keeps_a_quiet_connection_whose_peers_answer_keepalives)
{
	struct server *echo = server_start(NULL, server_echo, NULL);

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	assert_kept(_i, server_address(echo));
	server_stop(echo);
}
END_TEST

START_TEST(idle_if_alive_takes_a_peer_on_a_unix_socket_for_alive)
{
	struct server *echo;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(back, sizeof(back), "unix:@dead-peers-%u", port_reserve());
	echo = server_start(back, server_echo, NULL);
	assert_kept(_i, back);
	server_stop(echo);
}
END_TEST

START_TEST(without_idle_if_alive_living_peers_are_idle_all_the_same)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	int client;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = proxy(_i, "idle_timeout = 3s\nkeepalive = 1s", server_address(echo));
	client = peer_connect(front);
	assert_connected(client);
	ck_assert(peer_echoes(client));
	ck_assert_int_eq(peer_wait_end(client, PEER_PATIENCE_MS), PEER_RST);
	daemon_wait_log(daemon, "idle_timeout = 3s");
	close(client);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(idle_if_alive_does_not_keep_a_connection_whose_client_is_gone)
{
	struct server *echo;
	struct daemon *daemon;
	int client;

	if (!network_own())
		SKIP_TEST("a network of its own needs CAP_NET_ADMIN");
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(back, sizeof(back), "unix:@dead-peers-%u", port_reserve());
	echo = server_start(back, server_echo, NULL);
	daemon = proxy(_i, "idle_timeout = 3s\nkeepalive = 1s\nidle_if_alive = keep", back);
	client = peer_connect(front);
	assert_connected(client);
	ck_assert(peer_echoes(client));
	ck_assert(network_set_loopback(false));
	daemon_wait_log(daemon, "idle_timeout = 3s");
	ck_assert(server_wait_idle(echo));
	close(client);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

SUITE_OF("daemon: dead peers", 60, IN_BOTH_RINGS(keepalive_and_user_timeout_are_set_on_both_sides),
	 IN_BOTH_RINGS(a_client_that_acknowledges_nothing_for_user_timeout_has_timed_out),
	 IN_BOTH_RINGS(a_server_that_acknowledges_nothing_for_user_timeout_has_timed_out),
	 IN_BOTH_RINGS(idle_if_alive_keeps_a_quiet_connection_whose_peers_answer_keepalives),
	 IN_BOTH_RINGS(idle_if_alive_takes_a_peer_on_a_unix_socket_for_alive),
	 IN_BOTH_RINGS(without_idle_if_alive_living_peers_are_idle_all_the_same),
	 IN_BOTH_RINGS(idle_if_alive_does_not_keep_a_connection_whose_client_is_gone))
