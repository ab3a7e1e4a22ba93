#include "support/endings.h"

#include <assert.h>

#include "support/child.h"
#include "support/random_bytes.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 60000 /* for a connection that must come, on a machine however loaded */
#define OPTIONAL_MS 5000  /* for one that may not, after its client is through */

#define KiB *1024
#define MiB *1024 * 1024

/* clang-format off */
#define SEND(n)      {ENDING_SEND, n}
#define SEND_ALL(ms) {ENDING_SEND_ALL, ms}
#define FLUSH        {ENDING_FLUSH, 0}
#define READ(n)      {ENDING_READ, n}
#define READ_END     {ENDING_READ_END, 0}
#define READ_SLOW(n) {ENDING_READ_SLOW, n}
#define SLEEP(ms)    {ENDING_SLEEP, ms}
#define MEET         {ENDING_MEET, 0}
#define HALF_CLOSE   {ENDING_HALF_CLOSE, 0}
#define RESET        {ENDING_RESET, 0}

const struct ending_case ending_cases[] = {
	{.name = "client half-closes, answer at once",
	 .client = {SEND(2000), HALF_CLOSE, READ_END},
	 .server = {READ_END, SEND(4000)}},
	{.name = "client half-closes, answer after 0.05 s",
	 .client = {SEND(2000), HALF_CLOSE, READ_END},
	 .server = {READ_END, SLEEP(50), SEND(4000)}},
	{.name = "client half-closes, answer after 1 s",
	 .client = {SEND(2000), HALF_CLOSE, READ_END},
	 .server = {READ_END, SLEEP(1000), SEND(4000)}},
	{.name = "client half-closes, answer after 5 s",
	 .client = {SEND(2000), HALF_CLOSE, READ_END},
	 .server = {READ_END, SLEEP(5000), SEND(4000)}},
	{.name = "client half-closes before a byte",
	 .client = {HALF_CLOSE, READ_END},
	 .server = {READ_END, SEND(4000)}},
	{.name = "client half-closes in the middle of 64 MiB down",
	 .client = {READ(1 MiB), HALF_CLOSE, READ_END},
	 .server = {SEND(64 MiB), READ_END}},
	{.name = "client half-closes after 64 MiB up, 64 MiB answer",
	 .client = {SEND(64 MiB), HALF_CLOSE, READ_END},
	 .server = {READ_END, SEND(64 MiB)}},

	{.name = "server half-closes, client goes on at once",
	 .client = {SEND(10), READ_END, SEND(2000)},
	 .server = {READ(10), SEND(2000), HALF_CLOSE, READ_END}},
	{.name = "server half-closes, client goes on after 0.05 s",
	 .client = {SEND(10), READ_END, SLEEP(50), SEND(2000)},
	 .server = {READ(10), SEND(2000), HALF_CLOSE, READ_END}},
	{.name = "server half-closes, client goes on after 1 s",
	 .client = {SEND(10), READ_END, SLEEP(1000), SEND(2000)},
	 .server = {READ(10), SEND(2000), HALF_CLOSE, READ_END}},
	{.name = "server half-closes, client goes on after 5 s",
	 .client = {SEND(10), READ_END, SLEEP(5000), SEND(2000)},
	 .server = {READ(10), SEND(2000), HALF_CLOSE, READ_END}},
	{.name = "server half-closes before a byte",
	 .client = {READ_END, SEND(2000)},
	 .server = {HALF_CLOSE, READ_END}},
	{.name = "server half-closes in the middle of 64 MiB up",
	 .client = {SEND(64 MiB), HALF_CLOSE, READ_END},
	 .server = {READ(1 MiB), HALF_CLOSE, READ_END}},
	{.name = "server half-closes after 64 MiB down, 64 MiB up",
	 .client = {READ_END, SEND(64 MiB)},
	 .server = {SEND(64 MiB), HALF_CLOSE, READ_END}},

	{.name = "both half-close at once",
	 .client = {SEND(2000), MEET, HALF_CLOSE, READ_END},
	 .server = {SEND(2000), MEET, HALF_CLOSE, READ_END}},
	{.name = "both half-close before a byte",
	 .client = {MEET, HALF_CLOSE, READ_END},
	 .server = {MEET, HALF_CLOSE, READ_END}},

	{.name = "client resets while idle",
	 .client = {SEND(10), MEET, RESET},
	 .server = {READ(10), MEET, READ_END}},
	{.name = "server resets while idle",
	 .client = {SEND(10), MEET, READ_END},
	 .server = {READ(10), MEET, RESET}},
	{.name = "client resets before a byte",
	 .client = {MEET, RESET},
	 .server = {MEET, READ_END}},
	{.name = "server resets before a byte",
	 .client = {MEET, READ_END},
	 .server = {MEET, RESET}},
	{.name = "client resets, server reads 8 MiB slowly",
	 .client = {SEND(8 MiB), FLUSH, RESET},
	 .server = {READ_SLOW(5)}},
	{.name = "server resets, client reads 8 MiB slowly",
	 .client = {SEND(10), READ_SLOW(5)},
	 .server = {READ(10), SEND(8 MiB), FLUSH, RESET}},
	{.name = "client resets, server has read nothing of 32 KiB",
	 .client = {SEND(32 KiB), FLUSH, RESET},
	 .server = {SLEEP(200), READ_SLOW(1)}},
	{.name = "server resets, client has read nothing of 32 KiB",
	 .client = {SEND(10), SLEEP(200), READ_SLOW(1)},
	 .server = {READ(10), SEND(32 KiB), FLUSH, RESET}},
	{.name = "client resets in the middle of 64 MiB up",
	 .client = {SEND(32 MiB), RESET},
	 .server = {READ_END}, .any_prefix = true},
	{.name = "server resets in the middle of 64 MiB down",
	 .client = {SEND(10), READ_END},
	 .server = {READ(10), SEND(32 MiB), RESET}, .any_prefix = true},
	{.name = "client resets in the middle of 64 MiB down",
	 .client = {READ(1 MiB), RESET},
	 .server = {SEND(64 MiB)}},
	{.name = "server resets in the middle of 64 MiB up",
	 .client = {SEND(64 MiB)},
	 .server = {READ(1 MiB), RESET}},
	{.name = "client resets at once",
	 .client = {RESET},
	 .server = {READ_END}, .server_optional = true},
	{.name = "server resets at once",
	 .client = {READ_END},
	 .server = {RESET}},
	{.name = "client half-closes, then resets",
	 .client = {SEND(10), HALF_CLOSE, MEET, RESET},
	 .server = {READ_END, MEET, SEND_ALL(30000)}},
	{.name = "server half-closes, then resets",
	 .client = {SEND(10), READ_END, MEET, SEND_ALL(30000)},
	 .server = {READ(10), HALF_CLOSE, MEET, RESET}},
	{.name = "client half-closes, then server resets",
	 .client = {SEND(10), HALF_CLOSE, READ_END},
	 .server = {READ_END, RESET}},
	{.name = "server half-closes, then client resets",
	 .client = {SEND(10), READ_END, RESET},
	 .server = {READ(10), HALF_CLOSE, READ_END}},
	{.name = "server closes with bytes unread",
	 .client = {SEND(20000), FLUSH, MEET, READ_END},
	 .server = {READ(1), MEET}, .closes_unread = true},
	{.name = "client closes with bytes unread",
	 .client = {READ(1), MEET},
	 .server = {SEND(20000), FLUSH, MEET, READ_END}, .closes_unread = true},
	{.name = "server closes, client goes on",
	 .client = {SEND(10), READ_END, SEND_ALL(30000)},
	 .server = {READ(10)}},
	{.name = "client closes, server goes on",
	 .client = {SEND(10)},
	 .server = {READ_END, SEND_ALL(30000)}},
};
/* clang-format on */

const unsigned ending_case_count = sizeof(ending_cases) / sizeof(ending_cases[0]);

/* ---- playing ---- */

struct side {
	const struct ending_step *steps;
	struct ending_seen seen;
	uint64_t send_seed, receive_seed, sent;
	int fd;
	bool is_client, is_optional;
	_Atomic bool is_through;  /* has played */
	_Atomic uint64_t moved;   /* bytes, sent and received */
	const struct side *other; /* of the connection */
	const char *address;
	pthread_barrier_t *meeting;
	pthread_t thread;
	const void *first; /* what the client says before its script, or NULL */
	size_t first_length;
};

static void send_bytes(struct side *side, uint64_t count)
{
	char buffer[16 KiB];

	while (count && !side->seen.send_failed) {
		size_t size = count < sizeof(buffer) ? (size_t)count : sizeof(buffer);
		ssize_t n;

		random_bytes(side->send_seed, side->sent, buffer, size);
		n = send(side->fd, buffer, size, MSG_NOSIGNAL);
		if (n < 0) {
			side->seen.send_failed = true;
			break;
		}
		side->sent += (uint64_t)n;
		side->moved += (uint64_t)n;
		count -= (uint64_t)n;
	}
}

/* A byte now and then: the first after a reset brings it, the next is told of it. */
static void send_until_told(struct side *side, unsigned patience_ms)
{
	int64_t until = clock_ms() + patience_ms;

	while (!side->seen.send_failed && clock_ms() < until) {
		send_bytes(side, 1);
		sleep_ms(10);
	}
}

/* Something arrives, or nobody does anything any more: who waits for an answer to 64 MiB has
 * nothing to read until the other side has read them, which takes as long as the machine takes. */
static bool has_arrival(const struct side *side)
{
	uint64_t moved;

	do {
		moved = side->other->moved;
		if (poll(&(struct pollfd){.fd = side->fd, .events = POLLIN}, 1, PEER_PATIENCE_MS) >
		    0)
			return true;
	} while (side->other->moved != moved);
	return false;
}

static void read_bytes(struct side *side, uint64_t count, size_t at_a_time, unsigned pause_ms)
{
	char *buffer = malloc(at_a_time);

	while (count && side->seen.end == PEER_OPEN) {
		ssize_t n;

		if (pause_ms)
			sleep_ms((int)pause_ms);
		if (!has_arrival(side)) {
			side->seen.end = PEER_SILENT;
			break;
		}
		n = recv(side->fd, buffer, count < at_a_time ? (size_t)count : at_a_time, 0);
		if (n <= 0) {
			side->seen.end = n == 0 ? PEER_FIN : PEER_RST;
			break;
		}
		if (random_bytes_match(side->receive_seed, side->seen.received, buffer,
				       (size_t)n) != (size_t)n)
			side->seen.wrong = true;
		side->seen.received += (uint64_t)n;
		side->moved += (uint64_t)n;
		count -= (uint64_t)n;
	}
	free(buffer);
}

static bool address_is_unix(const char *address)
{
	return strncmp(address, "unix:", 5) == 0;
}

static void take_step(struct side *side, const struct ending_step *step)
{
	switch (step->act) {
	case ENDING_DONE:
		break;
	case ENDING_SEND:
		send_bytes(side, step->n);
		break;
	case ENDING_SEND_ALL:
		send_until_told(side, step->n);
		break;
	case ENDING_FLUSH:
		/* What is sent on a unix socket is there; only reading it counts it off. */
		if (!address_is_unix(side->address))
			(void)peer_flush(side->fd);
		break;
	case ENDING_READ:
		read_bytes(side, step->n, 64 KiB, 0);
		break;
	case ENDING_READ_END:
		read_bytes(side, UINT64_MAX, 64 KiB, 0);
		break;
	case ENDING_READ_SLOW:
		read_bytes(side, UINT64_MAX, 64 KiB, step->n);
		break;
	case ENDING_SLEEP:
		sleep_ms((int)step->n);
		break;
	case ENDING_MEET:
		pthread_barrier_wait(side->meeting);
		break;
	case ENDING_HALF_CLOSE:
		shutdown(side->fd, SHUT_WR);
		break;
	case ENDING_RESET:
		peer_reset(side->fd);
		side->fd = -1;
		break;
	}
}

static bool meets(const struct side *side)
{
	for (const struct ending_step *step = side->steps; step->act != ENDING_DONE; step++)
		if (step->act == ENDING_MEET)
			return true;
	return false;
}

/* A listener that closes before its client has tried would be what the client sees. */
static int accept_one(const struct side *side, int listener)
{
	struct pollfd arrival = {.fd = listener, .events = POLLIN};
	int64_t until = clock_ms() + PATIENCE_MS, until_optional = until;
	bool through = false;

	while (clock_ms() < until && clock_ms() < until_optional) {
		if (poll(&arrival, 1, 20) > 0)
			return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (side->is_optional && side->other->is_through && !through) {
			until_optional = clock_ms() + OPTIONAL_MS;
			through = true;
		}
	}
	return -1;
}

/* What goes before all that counts. */
static bool pass_first(const struct side *side)
{
	unsigned char bytes[4096];
	size_t done = 0;
	ssize_t n = 1;

	assert(side->first_length <= sizeof(bytes));
	if (!side->first)
		return true;
	for (; done < side->first_length && n > 0; done += n > 0 ? (size_t)n : 0)
		n = side->is_client ? send(side->fd, (const unsigned char *)side->first + done,
					   side->first_length - done, MSG_NOSIGNAL)
				    : recv(side->fd, bytes + done, side->first_length - done, 0);
	return done == side->first_length &&
	       (side->is_client || !memcmp(bytes, side->first, side->first_length));
}

static void play_script(struct side *side)
{
	int listener = side->fd;

	if (side->is_client) {
		side->fd = peer_connect(side->address);
	} else {
		side->fd = accept_one(side, listener);
		close(listener);
	}
	side->seen.connected = side->fd >= 0 && pass_first(side);
	if (!side->seen.connected) {
		if (meets(side))
			pthread_barrier_wait(side->meeting);
		if (side->fd >= 0)
			close(side->fd);
		return;
	}
	for (const struct ending_step *step = side->steps; step->act != ENDING_DONE; step++)
		take_step(side, step);
	if (side->fd >= 0)
		close(side->fd);
}

static void *play_side(void *argument)
{
	struct side *side = argument;

	play_script(side);
	side->is_through = true;
	return NULL;
}

struct play {
	struct side client, server;
	pthread_barrier_t meeting;
};

void endings_play(const char *const *servers, const char *const *entrances,
		  struct ending_result *ret_results)
{
	endings_play_behind(NULL, 0, servers, entrances, ret_results);
}

void endings_play_behind(const void *first, size_t length, const char *const *servers,
			 const char *const *entrances, struct ending_result *ret_results)
{
	struct play *plays = calloc(ending_case_count, sizeof(*plays));

	for (unsigned i = 0; i < ending_case_count; i++) {
		struct play *play = &plays[i];

		play->client = (struct side){.steps = ending_cases[i].client,
					     .send_seed = 2 * i,
					     .receive_seed = 2 * i + 1,
					     .is_client = true,
					     .other = &play->server,
					     .address = entrances[i],
					     .first = first,
					     .first_length = length,
					     .meeting = &play->meeting};
		play->server = (struct side){.steps = ending_cases[i].server,
					     .send_seed = 2 * i + 1,
					     .receive_seed = 2 * i,
					     .fd = peer_listen(servers[i], 8),
					     .address = servers[i],
					     .is_optional = ending_cases[i].server_optional,
					     .other = &play->client,
					     .first = first,
					     .first_length = length,
					     .meeting = &play->meeting};
		pthread_barrier_init(&play->meeting, NULL, 2);
		if (play->server.fd < 0 ||
		    pthread_create(&play->server.thread, NULL, play_side, &play->server) != 0 ||
		    pthread_create(&play->client.thread, NULL, play_side, &play->client) != 0)
			abort();
	}
	for (unsigned i = 0; i < ending_case_count; i++) {
		pthread_join(plays[i].client.thread, NULL);
		pthread_join(plays[i].server.thread, NULL);
		pthread_barrier_destroy(&plays[i].meeting);
		ret_results[i] = (struct ending_result){plays[i].client.seen, plays[i].server.seen};
	}
	free(plays);
}

/* ---- comparing ---- */

void ending_describe(const struct ending_case *which, const struct ending_seen *seen,
		     char text[ENDING_TEXT])
{
	char amount[32];

	if (!seen->connected) {
		snprintf(text, ENDING_TEXT, "no connection");
		return;
	}
	if (which->any_prefix && seen->end == PEER_RST)
		snprintf(amount, sizeof(amount), "some B");
	else
		snprintf(amount, sizeof(amount), "%llu B", (unsigned long long)seen->received);
	snprintf(text, ENDING_TEXT, "%s%s%s%s%s", amount, seen->wrong ? " WRONG" : "",
		 seen->end == PEER_OPEN ? "" : ", ",
		 seen->end == PEER_OPEN ? "" : peer_end_name(seen->end),
		 seen->send_failed ? ", cannot send" : "");
}

static bool same_side(const struct ending_case *which, bool is_unix,
		      const struct ending_seen *direct, const struct ending_seen *through)
{
	char a[ENDING_TEXT], b[ENDING_TEXT];
	struct ending_seen expected = *direct;

	if (is_unix && which->closes_unread && direct->end == PEER_RST && through->end == PEER_FIN)
		expected.end = PEER_FIN;
	ending_describe(which, &expected, a);
	ending_describe(which, through, b);
	return strcmp(a, b) == 0;
}

bool ending_same(const struct ending_case *which, bool is_unix, const struct ending_result *direct,
		 const struct ending_result *through)
{
	if (which->server_optional && !through->server.connected)
		return same_side(which, is_unix, &direct->client, &through->client);
	return same_side(which, is_unix, &direct->client, &through->client) &&
	       same_side(which, is_unix, &direct->server, &through->server);
}
