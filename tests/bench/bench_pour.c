/*
 * Load: bytes without end, for one who reads them and many who do not.
 *
 *   bench_pour serve PORT           pour into every connection as fast as it takes them
 *   bench_pour read PORT SECONDS    connect, read for SECONDS, print the bytes read
 *   bench_pour stall PORT COUNT MIB as many connect, read so much, and then no more; ends with
 *                                   standard input
 *
 * The first byte a client sends names its kind, 'r' or 's'.  When a connection
 * ends, the server prints its kind and how many bytes its socket took.  What a
 * proxy holds back for the stalled client is that number less what waits in
 * the sockets on the way.
 */
#include "bench/common.h"

#include <inttypes.h>

#define SMALL 65536 /* bytes */

static char bytes[262144];

struct pourer {
	int fd;
	char kind; /* 0 until the client said */
	uint64_t poured;
};

/* The client names its kind: from now on the socket is watched for room. */
static bool greet(struct pourer *pourer, int epoll)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = pourer};

	if (recv(pourer->fd, &pourer->kind, 1, 0) <= 0)
		return errno == EAGAIN;
	/* Hundreds of stalled streams shall not fill the kernel's TCP memory (tcp_mem). */
	if (pourer->kind == 's' &&
	    setsockopt(pourer->fd, SOL_SOCKET, SO_SNDBUF, &(int){SMALL}, sizeof(int)) < 0)
		err(1, "SO_SNDBUF");
	return epoll_ctl(epoll, EPOLL_CTL_MOD, pourer->fd, &event) == 0;
}

/* False when the connection is over. */
static bool pour(struct pourer *pourer)
{
	for (int i = 0; i < 4; i++) {
		ssize_t n = send(pourer->fd, bytes, sizeof(bytes), MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		pourer->poured += (uint64_t)n;
	}
	return true;
}

static void welcome(int epoll, int listener)
{
	struct pourer *pourer = calloc(1, sizeof(*pourer));
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (!pourer)
		err(1, "memory");
	if (fd < 0) {
		free(pourer);
		return;
	}
	pourer->fd = fd;
	epoll_watch(epoll, fd, EPOLLIN, pourer);
}

static void part(struct pourer *pourer)
{
	printf("%c %" PRIu64 "\n", pourer->kind ? pourer->kind : '-', pourer->poured);
	fflush(stdout);
	close(pourer->fd);
	free(pourer);
}

static void serve(unsigned long port)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int epoll = epoll_new(), listener = tcp_listen(port);

	epoll_watch(epoll, listener, EPOLLIN, NULL);
	for (;;) {
		int n = epoll_next(epoll, events, -1);

		for (int i = 0; i < n; i++) {
			struct pourer *pourer = events[i].data.ptr;

			if (!pourer)
				welcome(epoll, listener);
			else if (!(pourer->kind ? pour(pourer) : greet(pourer, epoll)))
				part(pourer);
		}
	}
}

static void read_for(unsigned long port, unsigned long ms)
{
	int fd = tcp_connect(port);
	uint64_t began = now_ns(), now, total = 0;

	if (send(fd, "r", 1, MSG_NOSIGNAL) != 1)
		err(1, "send");
	while ((now = now_ns()) - began < ms * 1000000) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n <= 0)
			err(1, "the stream ended");
		total += (uint64_t)n;
	}
	printf("{\"bytes\": %" PRIu64 ", \"gbit\": %.3f}\n", total,
	       (double)total * 8 / (double)(now - began));
}

/* Who has read has grown windows, at both ends of the proxy. */
static void read_and_stop(int fd, uint64_t size)
{
	const struct timeval patience = {.tv_sec = 20};
	size_t piece = sizeof(bytes);
	ssize_t n;

	/* What this end would keep is another machine's memory, where there are two. */
	if (size && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){SMALL}, sizeof(int)) < 0)
		err(1, "SO_RCVBUF");
	/* A proxy that comes to a stand is to be seen. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		err(1, "SO_RCVTIMEO");
	if (send(fd, "s", 1, MSG_NOSIGNAL) != 1)
		err(1, "send");
	for (; size > 0; size -= (uint64_t)n)
		if ((n = recv(fd, bytes, size < piece ? size : piece, 0)) <= 0)
			err(1, "the stream ended");
}

static void stall(unsigned long port, unsigned long count, uint64_t mib)
{
	char ignored[16];

	for (unsigned long i = 0; i < count; i++)
		read_and_stop(tcp_connect(port), mib << 20);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, ignored, sizeof(ignored)) > 0)
		;
}

int main(int argc, char *argv[])
{
	prepare_process();
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(number_between(argv[2], 1, 65535));
	else if (argc == 4 && !strcmp(argv[1], "read"))
		read_for(number_between(argv[2], 1, 65535),
			 1000 * number_between(argv[3], 1, 3600));
	else if (argc == 5 && !strcmp(argv[1], "stall"))
		stall(number_between(argv[2], 1, 65535), number_between(argv[3], 1, 10000),
		      number_between(argv[4], 0, 1024));
	else
		errx(2, "usage: bench_pour serve PORT | read PORT SECONDS | stall PORT COUNT MIB");
	return 0;
}
