/*
 * Reloads under load: connections that move bytes, and a client to each address that comes again
 * and again, through RELOADS editions and as many that are wrong.  Sections, servers, addresses
 * and keys come, change and go.  Nobody loses a byte, and none is refused or reset at an address
 * that stays or has come; one that goes does so after its grace.
 *
 * With SOAK_SECONDS (`make soak`) it goes on for that long, half of it in each ring mode.
 */
#include "support/child.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/peer.h"
#include "support/random_bytes.h"
#include "support/server.h"
#include "support/suite.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define RELOADS 25 /* that are right; there are as many that are not */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MOVERS 300
#else
#define MOVERS 1000
#endif
#define LASTING   (MOVERS / 5) /* of these, from the first edition to the last */
#define WINDOW    32768
#define CHUNK     4096
#define GRACE_MS  1000
#define FOR_EVER  (UINT64_MAX / 2)
#define FAULT_MAX 20

/* The first ones are always there, the others come and go. */
enum { STEADY = 7, FICKLE = 4, PLACES = STEADY + FICKLE };

struct place {
	char address[240];
	/* Even: it must be served.  Odd: it is on its way out, or in again. */
	_Atomic unsigned turn;
	_Atomic int64_t leaves_ms; /* since when */
};

static struct place places[PLACES];
static char blocked[32];
static struct server *echoes[2];
static _Atomic bool stop, finish;
static _Atomic uint64_t whole, bytes, visits, late, faults;

static void __attribute__((format(printf, 1, 2))) fault(const char *format, ...)
{
	va_list arguments;

	if (faults++ >= FAULT_MAX)
		return;
	va_start(arguments, format);
	vdprintf(STDOUT_FILENO, format, arguments);
	va_end(arguments);
}

static uint64_t some(uint64_t *state, uint64_t most)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % most;
}

/* ---- Who moves bytes ------------------------------------------------------------------------- */

struct mover {
	const char *address;
	int fd; /* -1: finished */
	bool half_closed;
	uint64_t goal, sent, received, seed;
};

static struct mover movers[MOVERS];

static void mover_begin(struct mover *mover, const char *address, uint64_t goal, uint64_t seed)
{
	*mover = (struct mover){.address = address, .goal = goal, .seed = seed};
	mover->fd = peer_connect(address);
	if (mover->fd < 0)
		fault("%s: %s\n", address, strerror(-mover->fd));
}

static void mover_fail(struct mover *mover, const char *what)
{
	fault("%s: %s, %" PRIu64 " sent, %" PRIu64 " received\n", mover->address, what, mover->sent,
	      mover->received);
	close(mover->fd);
	mover->fd = -1;
}

static void mover_send(struct mover *mover)
{
	char data[CHUNK];
	uint64_t size = mover->goal - mover->sent;
	ssize_t n;

	if (mover->half_closed || mover->sent - mover->received > WINDOW)
		return;
	if (size == 0) {
		shutdown(mover->fd, SHUT_WR);
		mover->half_closed = true;
		return;
	}
	size = size < CHUNK ? size : CHUNK;
	random_bytes(mover->seed, mover->sent, data, size);
	n = send(mover->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		mover->sent += (uint64_t)n;
	else if (errno != EAGAIN)
		mover_fail(mover, strerror(errno));
}

/* Whether it has come to its end. */
static bool mover_receive(struct mover *mover)
{
	char data[4 * CHUNK];
	ssize_t n = recv(mover->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n > 0) {
		if (random_bytes_match(mover->seed, mover->received, data, (size_t)n) != (size_t)n)
			mover_fail(mover, "wrong bytes");
		mover->received += (uint64_t)n;
		bytes += (uint64_t)n;
	} else if (n == 0 && mover->half_closed && mover->received == mover->goal) {
		close(mover->fd);
		mover->fd = -1;
		whole++;
		return true;
	} else if (n == 0) {
		mover_fail(mover, "ended");
	} else if (errno != EAGAIN) {
		mover_fail(mover, strerror(errno));
	}
	return false;
}

/* So that they have come under all editions. */
static uint64_t any_goal(uint64_t *state)
{
	return 1000 + some(state, 1 << (10 + some(state, 11)));
}

static void *move(void *argument)
{
	uint64_t state = 0x9e3779b97f4a7c15u, open = 1;

	(void)argument;
	while (open) {
		open = 0;
		for (unsigned i = 0; i < MOVERS; i++) {
			struct mover *mover = &movers[i];

			if (mover->fd < 0)
				continue;
			if (finish && mover->goal > mover->sent)
				mover->goal = mover->sent;
			open++;
			mover_send(mover);
			if (mover->fd >= 0 && mover_receive(mover) && !finish)
				mover_begin(mover, places[some(&state, STEADY)].address,
					    any_goal(&state), some(&state, UINT64_MAX));
		}
		sleep_ms(3);
	}
	return NULL;
}

/* ---- Who comes again and again --------------------------------------------------------------- */

/* 0, or what became of it. */
static int visit(const char *address)
{
	char text[8] = "";
	int fd = peer_connect(address), r;

	if (fd < 0)
		return fd;
	r = peer_send_text(fd, "hello\n");
	if (r == 0)
		r = peer_receive_text(fd, text, sizeof(text), "\n");
	close(fd);
	return r < 0 ? r : strcmp(text, "hello\n") ? -EPROTO : 0;
}

/*
 * What the place was all the while does not allow for that.  Who connects just before a removed
 * one is closed is reset, as with any server that stops.
 */
static bool is_fault(const struct place *place, int r, unsigned turn, int64_t ended_ms)
{
	if (turn % 2 == 0 && place->turn == turn)
		return true;
	if (r == -ETIMEDOUT || r == -EPROTO)
		return true;
	return turn % 2 && place->turn == turn && place->leaves_ms &&
	       ended_ms < place->leaves_ms + GRACE_MS;
}

static void *come_again(void *argument)
{
	struct place *place = argument;

	while (!stop) {
		unsigned turn = place->turn;
		int r = visit(place->address);

		if (r == 0)
			visits++;
		else if (is_fault(place, r, turn, clock_ms()))
			fault("%s: %s\n", place->address, strerror(-r));
		else
			late++;
		sleep_ms(r == 0 ? 1 : 5);
	}
	return NULL;
}

/* ---- Editions -------------------------------------------------------------------------------- */

struct text {
	char bytes[8192];
	size_t used;
};

static void __attribute__((format(printf, 2, 3)))
text_add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text->used += (size_t)vsnprintf(text->bytes + text->used, sizeof(text->bytes) - text->used,
					format, arguments);
	va_end(arguments);
	ck_assert_uint_lt(text->used, sizeof(text->bytes));
}

/* Every key that a reload changes, none so that it would end what moves. */
static void add_keys(struct text *text, uint64_t *state)
{
	static const char *const keys[][5] = {
		{"relay", "auto", "copy", "splice"},
		{"connect_timeout", "5s", "20s", "1min"},
		{"idle_timeout", "off", "1h", "10min"},
		{"half_close_timeout", "off", "5min", "10min"},
		{"max_lifetime", "2h", "1d"},
		{"max_lifetime_jitter", "off", "10", "50"},
		{"keepalive", "10s", "1min"},
		{"idle_if_alive", "close", "keep"},
		{"user_timeout", "off", "1min"},
		{"max_connections", "off", "10000"},
		{"backlog", "4096", "1000", "2000"},
		{"receive_budget", "256K", "64K", "1M"},
		{"pipe_size", "512K", "64K", "1M"},
	};

	text_add(text, "busy_poll = %s\ndrain_timeout = %s\n", some(state, 4) ? "off" : "20us",
		 some(state, 2) ? "30s" : "1min");
	text_add(text, "[log]\nlevel = %s\n[defaults]\n", some(state, 2) ? "info" : "warning");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		unsigned count = 1;

		while (keys[i][count + 1])
			count++;
		text_add(text, "%s = %s\n", keys[i][0], keys[i][1 + some(state, count)]);
	}
}

static void add_listen(struct text *text, const struct place *place)
{
	text_add(text, "listen = %s%s\n", place->address,
		 strncmp(place->address, "unix:/", 6) ? "" : " mode=0666");
}

/* Fickle places that are in this set are there. */
static void write_edition(uint64_t *state, unsigned set, const char *wrong)
{
	static struct text text;
	bool swapped = some(state, 2), other = some(state, 2);

	text = (struct text){0};
	add_keys(&text, state);
	text_add(&text, "[echo first]\n");
	add_listen(&text, &places[0]);
	add_listen(&text, &places[1]);
	for (unsigned i = 0; i < FICKLE; i++)
		if (set & 1u << i && i % 2 == 0)
			add_listen(&text, &places[STEADY + i]);
	for (unsigned i = 2; i < 4; i++) {
		text_add(&text, "[proxy %s]\n", i == 2 ? "left" : "right");
		add_listen(&text, &places[swapped ? 5 - i : i]);
		text_add(&text, "server = %s\n", server_address(echoes[i % 2]));
		if (other)
			text_add(&text, "server = %s\n", server_address(echoes[!(i % 2)]));
	}
	text_add(&text, "[proxy chain]\nrelay = splice\nserver = %s\n", places[0].address);
	add_listen(&text, &places[4]);
	text_add(&text, other ? "[echo changing]\n" : "[proxy changing]\n");
	if (!other)
		text_add(&text, "server = %s\n", server_address(echoes[0]));
	add_listen(&text, &places[5]);
	text_add(&text, "[proxy named%u]\nserver = %s\n", (unsigned)some(state, 3),
		 server_address(echoes[some(state, 2)]));
	add_listen(&text, &places[6]);
	for (unsigned i = 1; i < FICKLE; i += 2)
		if (set & 1u << i) {
			text_add(&text, "[echo fickle%u]\n", i);
			add_listen(&text, &places[STEADY + i]);
		}
	edition_write("%s%s", text.bytes, wrong);
}

/* Before the daemon is told, those that go may go; after it was, those that came are there. */
static void announce(unsigned before, unsigned set)
{
	for (unsigned i = 0; i < FICKLE; i++) {
		struct place *place = &places[STEADY + i];

		if (before & ~set & 1u << i) {
			place->leaves_ms = clock_ms();
			place->turn++;
		}
	}
}

static void confirm(unsigned before, unsigned set)
{
	for (unsigned i = 0; i < FICKLE; i++)
		if (set & ~before & 1u << i)
			places[STEADY + i].turn++;
}

static void reload_wrongly(uint64_t *state)
{
	char wrong[4][100] = {
		"[echo again]\nlisten = nowhere",
		"[proxy again]\nlisten = 127.0.0.1:1\n",
		"[defaults\n",
		"",
	};
	int status;

	snprintf(wrong[3], sizeof(wrong[3]), "[echo blocked]\nlisten = %s\n", blocked);
	/* All places are in it: what it found or had bound is not to be seen. */
	write_edition(state, (unsigned)some(state, 1 << FICKLE),
		      wrong[some(state, 2) ? 3 : some(state, 3)]);
	status = edition_ask();
	ck_assert_msg(status == 422, "%d: %s", status, edition_answer());
}

static unsigned reload_rightly(uint64_t *state, unsigned before, unsigned set)
{
	int status;

	write_edition(state, set, "");
	announce(before, set);
	status = edition_ask();
	ck_assert_msg(status == 200, "%d: %s", status, edition_answer());
	confirm(before, set);
	return set;
}

/* ---- The test -------------------------------------------------------------------------------- */

static void find_places(void)
{
	for (unsigned i = 0; i < PLACES; i++) {
		places[i] = (struct place){.turn = 0};
		snprintf(places[i].address, sizeof(places[i].address), "127.0.0.1:%u",
			 port_reserve());
	}
	snprintf(places[1].address, sizeof(places[1].address), "unix:%s/%d.sock", suite_dir(),
		 getpid());
	snprintf(places[STEADY + 3].address, sizeof(places[0].address), "unix:%s/%d-fickle.sock",
		 suite_dir(), getpid());
	snprintf(blocked, sizeof(blocked), "127.0.0.1:%u", port_reserve());
	stop = finish = false;
	whole = bytes = visits = late = faults = 0;
}

static void begin_moving(pthread_t *ret_thread)
{
	uint64_t state = 88172645463325252u;

	for (unsigned i = 0; i < MOVERS; i++)
		mover_begin(&movers[i], places[i % (i < LASTING ? PLACES : STEADY)].address,
			    i < LASTING ? FOR_EVER : any_goal(&state), i + 1);
	ck_assert_int_eq(pthread_create(ret_thread, NULL, move, NULL), 0);
}

static unsigned reload_again_and_again(int64_t until_ms, unsigned *ret_count)
{
	uint64_t state = (uint64_t)clock_ms() | 1;
	unsigned set = (1u << FICKLE) - 1, count = 0;

	while (count < RELOADS || clock_ms() < until_ms) {
		set = reload_rightly(&state, set, (unsigned)some(&state, 1 << FICKLE));
		reload_wrongly(&state); /* in the grace of what goes */
		sleep_ms((int)some(&state, 100));
		if (++count % 8 == 0)
			sleep_ms(GRACE_MS * 5 / 4); /* what went is closed */
	}
	*ret_count = count;
	return set;
}

START_TEST(nobody_notices_reloads_but_who_is_removed)
{
	const char *seconds = getenv("SOAK_SECONDS");
	int64_t until_ms =
		clock_ms() + (seconds ? strtoll(seconds, NULL, 10) * 1000 / DAEMON_RINGS : 0);
	pthread_t mover, comers[PLACES];
	struct rlimit limit;
	struct daemon *daemon;
	uint64_t state = 1;
	unsigned set, open, count;
	int blocker;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	find_places();
	blocker = peer_listen(blocked, 1);
	ck_assert_int_ge(blocker, 0);
	for (int i = 0; i < 2; i++)
		echoes[i] = server_start(NULL, server_echo, NULL);
	daemon = edition_start(&daemon_modes[DAEMON_RINGS + _i], "[echo]\nlisten = unix:@%d\n",
			       getpid());
	set = reload_rightly(&state, (1u << FICKLE) - 1, (1u << FICKLE) - 1);
	edition_await_last();
	open = daemon_open_fds(daemon);
	begin_moving(&mover);
	for (unsigned i = 0; i < PLACES; i++)
		ck_assert_int_eq(pthread_create(&comers[i], NULL, come_again, &places[i]), 0);

	set = reload_again_and_again(until_ms, &count);
	(void)reload_rightly(&state, set, (1u << FICKLE) - 1);
	stop = finish = true;
	for (unsigned i = 0; i < PLACES; i++)
		pthread_join(comers[i], NULL);
	pthread_join(mover, NULL);
	printf("%s: %u reloads and as many that were wrong; %" PRIu64
	       " connections of %.1f MiB whole, %" PRIu64 " visits, %" PRIu64 " too late\n",
	       daemon_modes[DAEMON_RINGS + _i].name, count, whole, (double)bytes / (1 << 20),
	       visits, late);
	fflush(stdout);
	ck_assert_uint_eq(faults, 0);
	ck_assert_uint_ge(whole, MOVERS);
	ck_assert_uint_gt(visits, PLACES);
	edition_await_last();
	daemon_wait_fds(daemon, open);
	edition_adopt("[echo]\nlisten = unix:@%d\n[log]\nlevel = info\n", getpid()); /* counters */
	daemon_stop(daemon);
	for (int i = 0; i < 2; i++)
		server_stop(echoes[i]);
	close(blocker);
}
END_TEST

SUITE_OF("daemon: reload storm", 0, IN_BOTH_RINGS(nobody_notices_reloads_but_who_is_removed))
