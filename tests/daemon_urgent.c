/*
 * TCP's urgent data (MSG_OOB) on the way through: the kernel stops before it, a receive each time
 * and splice(2) for good.  The stream goes on behind it in every strategy and in both directions,
 * nothing of it is lost, however close its end is, and nobody spins.
 *
 * A stream is told by a text, of which each letter is something that the source does:
 *
 *   A   send 2 MiB of 'a': enough for a direction to be spliced
 *   b   send 100,000 of 'b'
 *   !   send one byte of urgent data
 *   .   wait a moment, so that what was sent is read before what follows
 */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MUCH     (2u << 20)
#define LITTLE   100000u
#define MOMENT   20 /* ms */
#define WATCH_MS 500

static const char *const relays[] = {"copy", "splice", "zerocopy", "auto"};
enum { RELAYS = sizeof(relays) / sizeof(relays[0]) };
enum { UP, DOWN, WAYS };

/* _i counts the strategies, in both ring modes, each in both directions. */
#define ON_EACH_WAY(test) EACH(test, RELAYS *DAEMON_RINGS *WAYS)

struct stream {
	const char *text;
	unsigned lazy_ms; /* the sink begins to read so much later */
	bool held;        /* no FIN before `released` */
	bool released, failed, ended;
	uint64_t a, b, urgent; /* bytes that came */
	enum peer_end end;     /* what the source heard at last: a RST takes what it has not read */
};

static bool send_all(int fd, char letter, size_t count)
{
	char bytes[16 * 1024];

	memset(bytes, letter, sizeof(bytes));
	while (count > 0) {
		size_t part = count < sizeof(bytes) ? count : sizeof(bytes);
		ssize_t n = send(fd, bytes, part, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		count -= (size_t)n;
	}
	return true;
}

/* All of the text, and on to the end of the other direction. */
static void speak(int fd, struct stream *stream)
{
	bool well = true;

	for (const char *letter = stream->text; *letter && well; letter++) {
		if (*letter == 'A')
			well = send_all(fd, 'a', MUCH);
		else if (*letter == 'b')
			well = send_all(fd, 'b', LITTLE);
		else if (*letter == '!')
			well = send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1;
		else
			sleep_ms(MOMENT);
	}
	while (stream->held && !__atomic_load_n(&stream->released, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	stream->failed |= !well || shutdown(fd, SHUT_WR) < 0;
	stream->end = peer_wait_end(fd, PEER_PATIENCE_MS);
}

static void count(struct stream *stream, const char *bytes, ssize_t n)
{
	uint64_t a = 0, b = 0;

	for (ssize_t i = 0; i < n; i++) {
		a += bytes[i] == 'a';
		b += bytes[i] == 'b';
	}
	stream->urgent += (uint64_t)n - a - b;
	__atomic_fetch_add(&stream->a, a, __ATOMIC_RELAXED);
	__atomic_fetch_add(&stream->b, b, __ATOMIC_RELEASE);
}

/* Until the end, as one who wants urgent data in its place among the other. */
static void listen_to(int fd, struct stream *stream)
{
	const struct timeval patience = {.tv_sec = PEER_PATIENCE_MS / 1000};
	char bytes[64 * 1024];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &(int){1}, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	sleep_ms((int)stream->lazy_ms);
	do { /* with a time limit it is not begun anew after a stop: signal(7) */
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n > 0)
			count(stream, bytes, n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	stream->ended = n == 0;
}

static uint64_t sent_of(const struct stream *stream, char letter, uint64_t size)
{
	uint64_t sum = 0;

	for (const char *at = stream->text; *at; at++)
		sum += *at == letter ? size : 0;
	return sum;
}

static bool has_come(struct stream *stream)
{
	return __atomic_load_n(&stream->a, __ATOMIC_RELAXED) == sent_of(stream, 'A', MUCH) &&
	       __atomic_load_n(&stream->b, __ATOMIC_ACQUIRE) == sent_of(stream, 'b', LITTLE);
}

static void assert_came(struct stream *stream)
{
	ck_assert_msg(!stream->failed, "'%s' cannot be sent", stream->text);
	ck_assert_msg(has_come(stream) && stream->ended,
		      "of '%s' came %" PRIu64 " and %" PRIu64 " bytes of %" PRIu64 " and %" PRIu64
		      ", %s",
		      stream->text, stream->a, stream->b, sent_of(stream, 'A', MUCH),
		      sent_of(stream, 'b', LITTLE), stream->ended ? "and the end" : "and no end");
	ck_assert_msg(stream->end == PEER_FIN, "the source of '%s' is not told of the end by a FIN",
		      stream->text);
}

/* Without a stream: one of many, that is the mark alone. */
static void server_listens(int fd, void *stream)
{
	struct stream alone = {.text = "!"};

	listen_to(fd, stream ? stream : &alone);
	close(fd);
}

static void server_speaks(int fd, void *stream)
{
	struct stream alone = {.text = "!"};

	speak(fd, stream ? stream : &alone);
	close(fd);
}

struct proxy {
	struct daemon *daemon;
	struct server *server;
	char front[32];
	bool down;
};

static struct proxy start(int i, struct stream *stream)
{
	struct proxy proxy = {.down = i / DAEMON_RINGS / RELAYS == DOWN};

	snprintf(proxy.front, sizeof(proxy.front), "127.0.0.1:%u", port_reserve());
	proxy.server = server_start(NULL, proxy.down ? server_speaks : server_listens, stream);
	ck_assert_ptr_nonnull(proxy.server);
	proxy.daemon =
		daemon_start(&daemon_modes[i % DAEMON_RINGS],
			     "[proxy p]\nlisten = %s\nserver = %s\nrelay = %s\n", proxy.front,
			     server_address(proxy.server), relays[i / DAEMON_RINGS % RELAYS]);
	return proxy;
}

/* The client's part, to its end. */
static void play(struct proxy *proxy, struct stream *stream)
{
	int fd = peer_connect(proxy->front);

	assert_connected(fd);
	if (proxy->down)
		listen_to(fd, stream);
	else
		speak(fd, stream);
	close(fd);
	ck_assert(server_wait_idle(proxy->server));
}

static void stop(struct proxy *proxy)
{
	server_stop(proxy->server);
	daemon_stop(proxy->daemon);
}

START_TEST(nothing_behind_urgent_data_is_lost)
{
	static const char *const texts[] = {"Ab!b", "A.!.b", "!A",    "b!A",
					    "A!",   "A.!",   "A!b!b", "A.!.A.!.b.!.A"};
	struct stream stream;
	struct proxy proxy = start(_i, &stream);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		stream = (struct stream){.text = texts[i]};
		play(&proxy, &stream);
		assert_came(&stream);
	}
	stop(&proxy);
}
END_TEST

/* Bytes wait before the mark and behind it, and the end is there before any of them is read. */
START_TEST(a_sink_that_reads_late_gets_all_of_it)
{
	struct stream stream = {.text = "Ab!A!b", .lazy_ms = 200};
	struct proxy proxy = start(_i, &stream);

	play(&proxy, &stream);
	assert_came(&stream);
	stop(&proxy);
}
END_TEST

/* ---- while nothing follows ---- */

struct player {
	struct proxy *proxy;
	struct stream *stream;
};

static void *play_beside(void *context)
{
	struct player *player = context;

	play(player->proxy, player->stream);
	return NULL;
}

static void assert_at_rest(const char *text, int i)
{
	struct stream stream = {.text = text, .held = true};
	struct proxy proxy = start(i, &stream);
	struct player player = {&proxy, &stream};
	pthread_t thread;
	int64_t before;

	ck_assert_int_eq(pthread_create(&thread, NULL, play_beside, &player), 0);
	ck_assert_msg(wait_until(has_come(&stream), PEER_PATIENCE_MS),
		      "of '%s' not all comes before the end", text);
	sleep_ms(MOMENT);
	before = daemon_cpu_ms(proxy.daemon);
	sleep_ms(WATCH_MS);
	ck_assert_int_lt(daemon_cpu_ms(proxy.daemon) - before, WATCH_MS / 2);
	__atomic_store_n(&stream.released, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_came(&stream);
	stop(&proxy);
}

START_TEST(what_is_behind_urgent_data_comes_without_an_end_and_nobody_spins)
{
	assert_at_rest("A.!.b", _i);
}
END_TEST

START_TEST(urgent_data_with_nothing_behind_it_makes_nobody_spin)
{
	assert_at_rest("A.!", _i);
}
END_TEST

/* As the manual says, to nobody: not among the other data, and not as urgent data. */
START_TEST(the_urgent_byte_itself_is_not_passed_on)
{
	struct stream stream = {.text = "A.!.b"};
	struct proxy proxy = start(_i, &stream);

	play(&proxy, &stream);
	assert_came(&stream);
	ck_assert_uint_eq(stream.urgent, 0);
	stop(&proxy);
}
END_TEST

/* The mark alone, and the end at once: the kernel may come to both in any order. */
START_TEST(urgent_data_alone_hides_no_end)
{
	enum { TRIES = 100 };
	struct proxy proxy = start(_i, NULL);
	int fds[TRIES];

	for (int i = 0; i < TRIES; i++) {
		fds[i] = peer_connect(proxy.front);
		assert_connected(fds[i]);
		if (!proxy.down) {
			ck_assert_int_eq(send(fds[i], "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
			shutdown(fds[i], SHUT_WR);
		}
	}
	for (int i = 0; i < TRIES; i++) {
		if (proxy.down)
			shutdown(fds[i], SHUT_WR);
		ck_assert_int_eq(peer_wait_end(fds[i], PEER_PATIENCE_MS), PEER_FIN);
		close(fds[i]);
	}
	ck_assert(server_wait_idle(proxy.server));
	stop(&proxy);
}
END_TEST

SUITE_OF("daemon: urgent data", 60, ON_EACH_WAY(nothing_behind_urgent_data_is_lost),
	 ON_EACH_WAY(a_sink_that_reads_late_gets_all_of_it),
	 ON_EACH_WAY(what_is_behind_urgent_data_comes_without_an_end_and_nobody_spins),
	 ON_EACH_WAY(urgent_data_with_nothing_behind_it_makes_nobody_spin),
	 ON_EACH_WAY(the_urgent_byte_itself_is_not_passed_on),
	 ON_EACH_WAY(urgent_data_alone_hides_no_end))
