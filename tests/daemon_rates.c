/*
 * How fast one connection may be: download_rate and upload_rate.
 *
 * That so many bytes take so long at least is what a rate promises, and however slow the machine
 * is, that holds; that they take no longer bench_rate shows.
 */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define KiB UINT64_C(1024)
#define MiB (1024 * KiB)

static const char *const relays[] = {"copy", "splice", "zerocopy", "auto"};
enum { RELAYS = sizeof(relays) / sizeof(relays[0]) };

/* What may come at once: an eighth of a second's bytes, and a buffer. */
static uint64_t burst_of(uint64_t rate)
{
	return rate / 8 + 64 * KiB;
}

static void assert_no_faster(int64_t began_ms, uint64_t bytes, uint64_t rate)
{
	int64_t took_ms = clock_ms() + 1 - began_ms;

	ck_assert_msg(bytes <= rate * (uint64_t)took_ms / 1000 + burst_of(rate),
		      "%" PRIu64 " bytes in %" PRId64 " ms, with a rate of %" PRIu64, bytes,
		      took_ms, rate);
}

/* ---- Proxies --------------------------------------------------------------------------------- */

/* One of those that are connected at once: what it sends and takes, and what came of it. */
struct client {
	char front[32];
	pthread_t thread;
	struct server *server;
	struct conversation upstream, own;
	int fd;
	int64_t took_ms;
	bool done;
};

static void *converse(void *argument)
{
	struct client *client = argument;
	int64_t began_ms = clock_ms();

	peer_converse(client->fd, &client->own);
	close(client->fd);
	client->done = server_wait_idle(client->server); /* it has all of it */
	client->took_ms = clock_ms() + 1 - began_ms;
	return NULL;
}

/* So much up or down, and its end. */
static void script(struct client *client, uint64_t up, uint64_t down)
{
	client->upstream = (struct conversation){1,
						 {{.send = down,
						   .send_seed = 1,
						   .half_close = true,
						   .receive = PEER_UNTIL_THE_END,
						   .receive_seed = 2}}};
	client->own = (struct conversation){1,
					    {{.send = up,
					      .send_seed = 2,
					      .half_close = true,
					      .receive = PEER_UNTIL_THE_END,
					      .receive_seed = 1}}};
	client->server = server_start(NULL, server_converse, &client->upstream);
	snprintf(client->front, sizeof(client->front), "127.0.0.1:%u", port_reserve());
}

/* Clients of every relay at once, with these keys. */
static struct daemon *play(int mode, struct client clients[RELAYS], const char *keys)
{
	struct daemon *daemon;
	char sections[1400] = "";
	size_t n = 0;

	for (int i = 0; i < RELAYS; i++)
		n += (size_t)snprintf(sections + n, sizeof(sections) - n,
				      "[proxy %s]\nlisten = %s\nserver = %s\nrelay = %s\n%s\n",
				      relays[i], clients[i].front,
				      server_address(clients[i].server), relays[i], keys);
	daemon = daemon_start(&daemon_modes[mode], "%s", sections);
	for (int i = 0; i < RELAYS; i++) {
		clients[i].fd = peer_connect(clients[i].front);
		assert_connected(clients[i].fd);
		ck_assert_int_eq(pthread_create(&clients[i].thread, NULL, converse, &clients[i]),
				 0);
	}
	for (int i = 0; i < RELAYS; i++)
		pthread_join(clients[i].thread, NULL);
	return daemon;
}

static void finish(struct daemon *daemon, struct client clients[RELAYS], uint64_t up, uint64_t down)
{
	for (int i = 0; i < RELAYS; i++) {
		ck_assert(clients[i].done);
		assert_transferred(&clients[i].own.turn[0], down, PEER_FIN);
		assert_transferred(&clients[i].upstream.turn[0], up, PEER_FIN);
		server_stop(clients[i].server);
	}
	daemon_stop(daemon);
}

/* The slower direction decides how long it takes. */
static void assert_paced(int mode, const char *keys, uint64_t up, uint64_t down, uint64_t bytes,
			 uint64_t rate)
{
	static struct client clients[RELAYS];
	struct daemon *daemon;

	for (int i = 0; i < RELAYS; i++)
		script(&clients[i], up, down);
	daemon = play(mode, clients, keys);
	for (int i = 0; i < RELAYS; i++)
		assert_no_faster(clock_ms() - clients[i].took_ms, bytes, rate);
	finish(daemon, clients, up, down);
}

START_TEST(what_a_client_is_sent_comes_at_download_rate)
{
	assert_paced(_i, "download_rate = 2M", 8 * MiB, 4 * MiB, 4 * MiB, 2 * MiB);
}
END_TEST

START_TEST(what_a_client_sends_goes_at_upload_rate)
{
	assert_paced(_i, "upload_rate = 2M", 4 * MiB, 8 * MiB, 4 * MiB, 2 * MiB);
}
END_TEST

START_TEST(both_directions_have_rates_of_their_own)
{
	assert_paced(_i, "download_rate = 8M\nupload_rate = 1M", 2 * MiB, 8 * MiB, 2 * MiB, MiB);
}
END_TEST

/* A wait for the rate takes half a second here. */
START_TEST(who_waits_for_its_rate_is_not_idle)
{
	assert_paced(_i,
		     "download_rate = 1K\nupload_rate = 1K\nidle_timeout = 200ms\n"
		     "half_close_timeout = 200ms",
		     2 * KiB, 3 * KiB, 3 * KiB, KiB);
}
END_TEST

/* Each connection of it: a rate is not shared. */
START_TEST(a_small_message_does_not_wait_where_the_rate_is_not_reached)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	char front[32];
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s\ndownload_rate = 100K\n"
			      "upload_rate = 100K\n",
			      front, server_address(echo));
	fd = peer_connect(front);
	assert_connected(fd);
	for (int i = 0; i < 200; i++)
		ck_assert(peer_echoes(fd));
	close(fd);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "rate_waits"), 0);
	daemon_free(daemon);
	server_stop(echo);
}
END_TEST

/* ---- Services -------------------------------------------------------------------------------- */

static char front[32];

static struct daemon *serve(int mode, const char *section)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode], "%s\nlisten = %s\n", section, front);
}

static int connected(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

START_TEST(echo_has_the_lower_of_the_two_rates)
{
	static const char *const sections[] = {"[echo]\nupload_rate = 1M",
					       "[echo]\ndownload_rate = 1M",
					       "[echo]\nupload_rate = 1M\ndownload_rate = 8M",
					       "[echo]\nupload_rate = 8M\ndownload_rate = 1M"};

	for (unsigned i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		struct daemon *daemon = serve(_i, sections[i]);
		struct transfer transfer = {
			.send = MiB, .half_close = true, .receive = PEER_UNTIL_THE_END};
		int64_t began_ms = clock_ms();
		int fd = connected();

		peer_transfer(fd, &transfer);
		assert_transferred(&transfer, MiB, PEER_FIN);
		assert_no_faster(began_ms, MiB, MiB);
		close(fd);
		daemon_stop(daemon);
	}
}
END_TEST

START_TEST(discard_takes_at_upload_rate)
{
	struct daemon *daemon = serve(_i, "[discard]\nupload_rate = 4M");
	struct transfer transfer = {
		.send = 4 * MiB, .half_close = true, .receive = PEER_UNTIL_THE_END};
	int64_t began_ms = clock_ms();
	int fd = connected();

	peer_transfer(fd, &transfer);
	assert_transferred(&transfer, 0, PEER_FIN);
	assert_no_faster(began_ms, 4 * MiB, 4 * MiB);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(chargen_says_at_download_rate)
{
	enum { LONG = 1 << 20 };
	static char got[LONG + 1];
	struct daemon *daemon = serve(_i, "[chargen]\ndownload_rate = 1M\nupload_rate = 1K");
	int64_t began_ms = clock_ms();
	int fd = connected();

	ck_assert_int_eq(peer_receive_text(fd, got, sizeof(got), NULL), LONG);
	assert_no_faster(began_ms, LONG, LONG);
	peer_reset(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(responder_answers_at_download_rate)
{
	enum { LONG = 1 << 20 };
	static char got[LONG + 1000];
	struct daemon *daemon =
		serve(_i, "[responder]\nsize = 1M\ndownload_rate = 1M\nidle_timeout = 1s");
	int64_t began_ms = clock_ms();
	int fd = connected();

	ck_assert_int_eq(peer_send_text(fd, "GET / HTTP/1.0\r\n\r\n"), 0);
	ck_assert_int_gt(peer_receive_text(fd, got, sizeof(got), NULL), LONG);
	assert_no_faster(began_ms, LONG, LONG);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* ---- Ends ------------------------------------------------------------------------------------ */

START_TEST(a_client_that_resets_is_heard_of_while_its_rate_is_waited_for)
{
	struct server *flood = server_start(NULL, server_flood, NULL);
	struct daemon *daemon;
	unsigned before;
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s\nrelay = %s\n"
			      "download_rate = 1K\nupload_rate = 1K\n",
			      front, server_address(flood), _i % 2 ? "copy" : "splice");
	before = daemon_open_fds(daemon);
	fd = connected();
	ck_assert_int_eq(peer_send_text(fd, "some words"), 0);
	ck_assert_int_eq(recv(fd, (char[100]){0}, 100, MSG_WAITALL), 100);
	peer_reset(fd);
	ck_assert(server_wait_idle(flood));
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
	server_stop(flood);
}
END_TEST

SUITE_OF("daemon: rates", 120, IN_EVERY_WAY(what_a_client_is_sent_comes_at_download_rate),
	 IN_EVERY_WAY(what_a_client_sends_goes_at_upload_rate),
	 IN_BOTH_RINGS(both_directions_have_rates_of_their_own),
	 IN_BOTH_RINGS(who_waits_for_its_rate_is_not_idle),
	 IN_BOTH_RINGS(a_small_message_does_not_wait_where_the_rate_is_not_reached),
	 IN_BOTH_RINGS(echo_has_the_lower_of_the_two_rates),
	 IN_BOTH_RINGS(discard_takes_at_upload_rate), IN_BOTH_RINGS(chargen_says_at_download_rate),
	 IN_BOTH_RINGS(responder_answers_at_download_rate),
	 IN_BOTH_RINGS(a_client_that_resets_is_heard_of_while_its_rate_is_waited_for))
