/*
 * An echo server that thinks: the upstream behind the proxies whose server is slow.
 *
 *   bench_slow PORT DELAY_US
 *
 * So long after bytes came as many go back: zeros, and few enough that the socket takes
 * them at once.  One thread, edge-triggered.
 */
#include "bench/common.h"

#include <sys/prctl.h>

#define BUFFER_SIZE 65536
#define LATER_MAX   (1u << 20)

struct connection {
	int fd; /* -1: closed, but its answers are still to be dropped */
	uint32_t owed;
};

/* An answer that is to be given; all take the same time, so they are in order. */
struct later {
	struct connection *connection;
	uint64_t at;
	size_t size;
};

static char buffer[BUFFER_SIZE];
static uint64_t delay_ns;
static struct later *queue;
static uint32_t queue_first, queue_end; /* modulo LATER_MAX */

static void remember(struct connection *connection, size_t size)
{
	if (queue_end - queue_first == LATER_MAX)
		errx(1, "more than %u answers are owed", LATER_MAX);
	connection->owed++;
	queue[queue_end++ % LATER_MAX] = (struct later){connection, now_ns() + delay_ns, size};
}

static void part(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	if (!connection->owed)
		free(connection);
}

/* Give the answers that are due; how long until the next is, in ns. */
static uint64_t answer(void)
{
	static const char zeros[BUFFER_SIZE];

	while (queue_first != queue_end) {
		struct later *next = &queue[queue_first % LATER_MAX];
		struct connection *connection = next->connection;
		uint64_t now = now_ns();

		if (next->at > now)
			return next->at - now;
		queue_first++;
		connection->owed--;
		if (connection->fd < 0)
			part(connection);
		else if (send(connection->fd, zeros, next->size, MSG_NOSIGNAL) !=
			 (ssize_t)next->size)
			warn("an answer was not taken");
	}
	return UINT64_MAX;
}

/* False when the connection is over. */
static bool listen_to(struct connection *connection)
{
	ssize_t n;

	while ((n = recv(connection->fd, buffer, sizeof(buffer), 0)) > 0)
		remember(connection, (size_t)n);
	return n < 0 && errno == EAGAIN;
}

static void accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));

		if (!connection)
			err(1, "connection");
		connection->fd = fd;
		epoll_watch(epoll, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, connection);
	}
}

int main(int argc, char *argv[])
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int epoll, listener;

	if (argc != 3)
		errx(2, "usage: bench_slow PORT DELAY_US");
	prepare_process();
	delay_ns = 1000 * number_between(argv[2], 1, 1000000);
	queue = calloc(LATER_MAX, sizeof(*queue));
	if (!queue || prctl(PR_SET_TIMERSLACK, 1) < 0)
		err(1, "memory, or PR_SET_TIMERSLACK");
	epoll = epoll_new();
	listener = tcp_listen(number_between(argv[1], 1, 65535));
	epoll_watch(epoll, listener, EPOLLIN, NULL);
	for (;;) {
		int n = epoll_next_ns(epoll, events, answer());

		for (int i = 0; i < n; i++) {
			struct connection *connection = events[i].data.ptr;

			if (!connection)
				accept_all(epoll, listener);
			else if (!listen_to(connection))
				part(connection);
		}
	}
}
