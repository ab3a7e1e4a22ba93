/*
 * The smallest echo server on epoll that is correct: the peer of our echo
 * service, and the upstream behind the proxies that play ping-pong.
 *
 *   bench_echo PORT
 *
 * One thread, edge-triggered.  What a socket does not take waits in memory of
 * its connection, and nothing more is read from it until that is gone.
 */
#include "bench/common.h"

#define BUFFER_SIZE 65536

struct connection {
	int fd;
	bool hangup;
	char *waiting; /* what could not be written yet, or NULL */
	size_t begin, end;
};

static char buffer[BUFFER_SIZE];

/* Write; what does not fit is kept.  False when the connection failed. */
static bool answer(struct connection *connection, size_t size)
{
	ssize_t n = write(connection->fd, buffer, size);

	if (n < 0 && errno != EAGAIN)
		return false;
	if (n < 0)
		n = 0;
	if ((size_t)n < size) {
		connection->end = size - (size_t)n;
		connection->begin = 0;
		connection->waiting = malloc(connection->end);
		if (!connection->waiting)
			err(1, "connection");
		memcpy(connection->waiting, buffer + n, connection->end);
	}
	return true;
}

static bool flush(struct connection *connection)
{
	while (connection->begin < connection->end) {
		ssize_t n = write(connection->fd, connection->waiting + connection->begin,
				  connection->end - connection->begin);
		if (n < 0)
			return errno == EAGAIN;
		connection->begin += (size_t)n;
	}
	free(connection->waiting);
	connection->waiting = NULL;
	return true;
}

/* False when the connection is over. */
static bool serve(struct connection *connection, uint32_t events)
{
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		connection->hangup = true;
	if (connection->waiting && !flush(connection))
		return false;
	while (!connection->waiting) {
		ssize_t n = read(connection->fd, buffer, sizeof(buffer));

		if (n < 0)
			return errno == EAGAIN;
		if (n == 0 || !answer(connection, (size_t)n))
			return false;
		if ((size_t)n < sizeof(buffer) && !connection->hangup)
			return true;
	}
	return true;
}

static void accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));

		if (!connection)
			err(1, "connection");
		connection->fd = fd;
		epoll_watch(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection);
	}
}

int main(int argc, char *argv[])
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int epoll, listener;

	if (argc != 2)
		errx(2, "usage: bench_echo PORT");
	prepare_process();
	epoll = epoll_new();
	listener = tcp_listen(number_between(argv[1], 1, 65535));
	epoll_watch(epoll, listener, EPOLLIN, NULL);
	for (;;) {
		int n = epoll_next(epoll, events, -1);

		for (int i = 0; i < n; i++) {
			struct connection *connection = events[i].data.ptr;

			if (!connection) {
				accept_all(epoll, listener);
			} else if (!serve(connection, events[i].events)) {
				close(connection->fd);
				free(connection->waiting);
				free(connection);
			}
		}
	}
}
