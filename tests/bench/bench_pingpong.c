/*
 * Load: messages that come back.
 *
 *   bench_pingpong PORT SIZE CONNECTIONS SECONDS
 *
 * Each connection sends SIZE bytes, waits until as many came back, and sends
 * again.  A quarter of a second (or a tenth of the time, if that is less) is
 * for warming up; then it prints the line "start" and counts for SECONDS,
 * which may be a fraction, so that whoever started it can take the CPU time of
 * the proxy at the same two moments.  On a machine too busy for a single answer
 * in that time it goes on until there is one, for at most 20 s.  The result is
 * one line of JSON, times in microseconds; "all" counts what came back in the whole run.
 */
#include "bench/common.h"
#include "bench/histogram.h"

#include <inttypes.h>

#define PATIENCE_NS 20000000000u

struct player {
	int fd;
	size_t sent, received; /* of the message under way */
	uint64_t began;
};

static size_t size;
static char *message, *scratch;
static struct histogram times;
static uint64_t all; /* that came back */
static bool counting;

static void send_rest(struct player *player)
{
	while (player->sent < size) {
		ssize_t n = send(player->fd, message, size - player->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			err(1, "send");
		player->sent += (size_t)n;
	}
}

static void begin(struct player *player)
{
	player->sent = player->received = 0;
	player->began = now_ns();
	send_rest(player);
}

static void play(struct player *player)
{
	if (player->sent < size)
		send_rest(player);
	for (;;) {
		size_t left = size - player->received;
		ssize_t n = recv(player->fd, scratch, left, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			err(1, "recv");
		if (n == 0)
			errx(1, "the other side closed a connection");
		player->received += (size_t)n;
		if (player->received == size)
			break;
	}
	all++;
	if (counting)
		histogram_add(&times, now_ns() - player->began);
	begin(player);
}

static void play_until(int epoll, uint64_t end)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t now;

	while ((now = now_ns()) < end) {
		int patience_ms = (int)((end - now) / 1000000) + 1;
		int n = epoll_next(epoll, events, patience_ms);

		for (int i = 0; i < n; i++)
			play(events[i].data.ptr);
	}
}

static void report(double seconds)
{
	printf("{\"count\": %" PRIu64 ", \"rate\": %.1f, \"p50\": %.2f, \"p99\": %.2f, "
	       "\"p999\": %.2f, \"all\": %" PRIu64 "}\n",
	       times.total, (double)times.total / seconds,
	       (double)histogram_percentile(&times, 0.5) / 1000,
	       (double)histogram_percentile(&times, 0.99) / 1000,
	       (double)histogram_percentile(&times, 0.999) / 1000, all);
	fflush(stdout);
}

int main(int argc, char *argv[])
{
	unsigned long port, count;
	struct player *players;
	double seconds, warm_up;
	uint64_t began;
	int epoll;

	if (argc != 5)
		errx(2, "usage: bench_pingpong PORT SIZE CONNECTIONS SECONDS");
	prepare_process();
	port = number_between(argv[1], 1, 65535);
	size = number_between(argv[2], 1, 1 << 24);
	count = number_between(argv[3], 1, 100000);
	seconds = seconds_of(argv[4]);
	warm_up = seconds < 2.5 ? seconds / 10 : 0.25;
	message = calloc(1, size);
	scratch = malloc(size);
	players = calloc(count, sizeof(*players));
	if (!message || !scratch || !players)
		err(1, "memory");

	epoll = epoll_new();
	for (unsigned long i = 0; i < count; i++) {
		players[i].fd = tcp_connect(port);
		set_nonblocking(players[i].fd);
		epoll_watch(epoll, players[i].fd, EPOLLIN | EPOLLOUT | EPOLLET, &players[i]);
	}
	for (unsigned long i = 0; i < count; i++)
		begin(&players[i]);
	play_until(epoll, now_ns() + (uint64_t)(warm_up * 1e9));
	puts("start");
	fflush(stdout);
	counting = true;
	began = now_ns();
	play_until(epoll, began + (uint64_t)(seconds * 1e9));
	while (!times.total && now_ns() - began < PATIENCE_NS)
		play_until(epoll, now_ns() + 10000000);
	report((double)(now_ns() - began) / 1e9);
	free(message);
	free(scratch);
	free(players);
	return 0;
}
