/* What goes in comes out: every byte, in order, both ways, however the connection ends. */
#include "support/assert.h"
#include "support/crowd.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <stdio.h>
#include <unistd.h>

#define MiB (UINT64_C(1) << 20)

/* An echo, and a proxy in front of it, in one daemon. */
struct pair {
	char echo[32], proxy[32];
	struct daemon *daemon;
};

static void pair_start(struct pair *pair, const struct daemon_mode *mode)
{
	snprintf(pair->echo, sizeof(pair->echo), "127.0.0.1:%u", port_reserve());
	snprintf(pair->proxy, sizeof(pair->proxy), "127.0.0.1:%u", port_reserve());
	pair->daemon = daemon_start(mode,
				    "[echo]\nlisten = %s\n"
				    "[proxy front]\nlisten = %s\nserver = %s\n",
				    pair->echo, pair->proxy, pair->echo);
}

static void exchange(const char *address, struct transfer *transfer)
{
	int fd = peer_connect(address);

	assert_connected(fd);
	peer_transfer(fd, transfer);
	close(fd);
}

START_TEST(the_echo_returns_256_MiB_unchanged)
{
	struct transfer transfer = {.send = 256 * MiB,
				    .send_seed = 1,
				    .half_close = true,
				    .receive = PEER_UNTIL_THE_END,
				    .receive_seed = 1};
	struct pair pair;

	pair_start(&pair, &daemon_modes[_i]);
	exchange(pair.echo, &transfer);
	assert_transferred(&transfer, 256 * MiB, PEER_FIN);
	daemon_stop(pair.daemon);
}
END_TEST

START_TEST(a_proxy_before_the_echo_returns_256_MiB_unchanged)
{
	struct transfer transfer = {.send = 256 * MiB,
				    .send_seed = 2,
				    .half_close = true,
				    .receive = PEER_UNTIL_THE_END,
				    .receive_seed = 2};
	struct pair pair;

	pair_start(&pair, &daemon_modes[_i]);
	exchange(pair.proxy, &transfer);
	assert_transferred(&transfer, 256 * MiB, PEER_FIN);
	daemon_stop(pair.daemon);
}
END_TEST

START_TEST(two_hundred_connections_at_once_each_get_their_own_MiB_back)
{
	struct pair pair;

	pair_start(&pair, &daemon_modes[_i]);
	crowd_finish(crowd_start(200, (const char *const[]){pair.echo, pair.proxy}, 2,
				 &(struct transfer){.send = MiB}));
	daemon_stop(pair.daemon);
}
END_TEST

/* A proxy, and behind it a server that plays a conversation with one client. */
static void converse(int mode, struct conversation *client, struct conversation *upstream)
{
	struct server *server = server_start(NULL, server_converse, upstream);
	struct daemon *daemon;
	char front[32];
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[mode], "[proxy a]\nlisten = %s\nserver = %s\n", front,
			      server_address(server));
	fd = peer_connect(front);
	assert_connected(fd);
	peer_converse(fd, client);
	close(fd);
	server_stop(server);
	daemon_stop(daemon);
}

START_TEST(the_answer_arrives_whole_after_the_client_half_closed)
{
	struct conversation client = {1,
				      {{.send = 8 * MiB,
					.send_seed = 3,
					.half_close = true,
					.receive = PEER_UNTIL_THE_END,
					.receive_seed = 4}}};
	struct conversation upstream = {2,
					{{.receive = PEER_UNTIL_THE_END, .receive_seed = 3},
					 {.send = 16 * MiB, .send_seed = 4}}};

	converse(_i, &client, &upstream);
	assert_transferred(&upstream.turn[0], 8 * MiB, PEER_FIN);
	assert_transferred(&upstream.turn[1], 0, PEER_OPEN);
	assert_transferred(&client.turn[0], 16 * MiB, PEER_FIN);
}
END_TEST

START_TEST(what_the_client_sends_after_the_server_half_closed_arrives_whole)
{
	struct conversation client = {2,
				      {{.receive = PEER_UNTIL_THE_END, .receive_seed = 5},
				       {.send = 16 * MiB, .send_seed = 6}}};
	struct conversation upstream = {1,
					{{.send = 8 * MiB,
					  .send_seed = 5,
					  .half_close = true,
					  .receive = PEER_UNTIL_THE_END,
					  .receive_seed = 6}}};

	converse(_i, &client, &upstream);
	assert_transferred(&client.turn[0], 8 * MiB, PEER_FIN);
	assert_transferred(&client.turn[1], 0, PEER_OPEN);
	assert_transferred(&upstream.turn[0], 16 * MiB, PEER_FIN);
}
END_TEST

START_TEST(a_slow_reader_gets_everything_a_fast_sender_sent)
{
	struct conversation client = {1,
				      {{.receive = PEER_UNTIL_THE_END,
					.receive_seed = 7,
					.read_size = 32 * 1024,
					.read_pause_ms = 1}}};
	struct conversation upstream = {1, {{.send = 16 * MiB, .send_seed = 7}}};

	converse(_i, &client, &upstream);
	assert_transferred(&client.turn[0], 16 * MiB, PEER_FIN);
}
END_TEST

START_TEST(bytes_sent_one_at_a_time_arrive_in_order)
{
	struct pair pair;
	char got[2];
	int fd;

	pair_start(&pair, &daemon_modes[_i]);
	fd = peer_connect(pair.proxy);
	assert_connected(fd);
	for (int i = 0; i < 2000; i++) {
		const char sent[2] = {(char)('a' + i % 26)};

		ck_assert_int_eq(peer_send_text(fd, sent), 0);
		ck_assert_int_eq(peer_receive_text(fd, got, sizeof(got), NULL), 1);
		ck_assert_str_eq(got, sent);
	}
	close(fd);
	daemon_stop(pair.daemon);
}
END_TEST

SUITE_OF("daemon: bytes", 120, IN_EVERY_WAY(the_echo_returns_256_MiB_unchanged),
	 IN_EVERY_WAY(a_proxy_before_the_echo_returns_256_MiB_unchanged),
	 IN_EVERY_WAY(two_hundred_connections_at_once_each_get_their_own_MiB_back),
	 IN_EVERY_WAY(the_answer_arrives_whole_after_the_client_half_closed),
	 IN_EVERY_WAY(what_the_client_sends_after_the_server_half_closed_arrives_whole),
	 IN_EVERY_WAY(a_slow_reader_gets_everything_a_fast_sender_sent),
	 IN_BOTH_RINGS(bytes_sent_one_at_a_time_arrive_in_order))
