/*
 * Load: bytes without end, for one who reads them and many who do not.
 *
 *   bench_pour serve PORT           pour into every connection as fast as it takes them
 *   bench_pour read PORT SECONDS    connect, read for SECONDS, print the bytes read
 *   bench_pour drain PORT SECONDS COUNT  so many connections at once, and a line when all of them
 *                                   flow; what they bring is thrown away unread
 *   bench_pour stall PORT COUNT MIB as many connect, read so much, and then no more; ends with
 *                                   standard input
 *
 * The first byte a client sends names its kind, 'r', 's', or 'd' for one that drains, which
 * gets pages of a file (sendfile(2)), so that this end is cheaper than any proxy; what another one
 * sends comes back to it, by a thread of its own, however busy the others keep this one.  When a
 * connection ends, the server prints its kind and how many bytes its socket took.  What a proxy
 * holds back for the stalled client is that number less what waits in the sockets on the way.
 */
#include "bench/common.h"

#include <inttypes.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define SMALL 65536 /* bytes */

static char bytes[262144];

struct pourer {
	int fd;
	char kind; /* 0 until the client said */
	uint64_t poured;
};

/* The descriptor is all it needs. */
static void *echo(void *context)
{
	int fd = (int)(intptr_t)context;
	char piece[65536];
	ssize_t n;

	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0 &&
	       send(fd, piece, (size_t)n, MSG_NOSIGNAL) == n)
		;
	close(fd);
	return NULL;
}

/* Leave the connection, of which one byte was read, to a thread. */
static void start_echo(struct pourer *pourer, int epoll)
{
	void *fd = (void *)(intptr_t)pourer->fd;
	pthread_t thread;

	if (epoll_ctl(epoll, EPOLL_CTL_DEL, pourer->fd, NULL) < 0 ||
	    fcntl(pourer->fd, F_SETFL, 0) < 0 ||
	    send(pourer->fd, &pourer->kind, 1, MSG_NOSIGNAL) < 0 ||
	    pthread_create(&thread, NULL, echo, fd) || pthread_detach(thread))
		errx(1, "cannot serve an echo");
	free(pourer);
}

/* The client names its kind: from now on the socket is watched for room. */
static bool greet(struct pourer *pourer, int epoll)
{
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = pourer};

	ssize_t n = recv(pourer->fd, &pourer->kind, 1, 0);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	if (!strchr("rsd", pourer->kind) || !pourer->kind) {
		start_echo(pourer, epoll);
		return true;
	}
	/* Hundreds of stalled streams shall not fill the kernel's TCP memory (tcp_mem). */
	if (pourer->kind == 's' &&
	    setsockopt(pourer->fd, SOL_SOCKET, SO_SNDBUF, &(int){SMALL}, sizeof(int)) < 0)
		err(1, "SO_SNDBUF");
	return epoll_ctl(epoll, EPOLL_CTL_MOD, pourer->fd, &event) == 0;
}

/* A file of as many bytes, in memory. */
static int pages(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	fd = memfd_create("pages", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		err(1, "memfd_create");
	return fd;
}

/* False when the connection is over. */
static bool pour(struct pourer *pourer)
{
	for (int i = 0; i < 4; i++) {
		ssize_t n = pourer->kind == 'd'
				    ? sendfile(pourer->fd, pages(), &(off_t){0}, sizeof(bytes))
				    : send(pourer->fd, bytes, sizeof(bytes), MSG_NOSIGNAL);

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

static uint64_t throw_away(struct pourer *from)
{
	ssize_t n = recv(from->fd, NULL, 1u << 20, MSG_TRUNC | MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		errx(1, "a stream ended");
	from->poured += n > 0 ? (uint64_t)n : 0;
	return n > 0 ? (uint64_t)n : 0;
}

static uint64_t drain_once(int epoll)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_next(epoll, events, 100);
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += throw_away(events[i].data.ptr);
	return sum;
}

static bool all_flow(const struct pourer *readers, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++)
		if (!readers[i].poured)
			return false;
	return true;
}

static void drain(unsigned long port, unsigned long ms, unsigned long count)
{
	struct pourer *readers = calloc(count, sizeof(*readers));
	uint64_t began, now, total = 0;
	int epoll = epoll_new();

	if (!readers)
		err(1, "memory");
	for (unsigned long i = 0; i < count; i++) {
		readers[i].fd = tcp_connect(port);
		if (send(readers[i].fd, "d", 1, MSG_NOSIGNAL) != 1)
			err(1, "send");
		epoll_watch(epoll, readers[i].fd, EPOLLIN, &readers[i]);
	}
	while (!all_flow(readers, count))
		drain_once(epoll);
	puts("flowing");
	fflush(stdout);
	began = now_ns();
	while ((now = now_ns()) - began < ms * 1000000)
		total += drain_once(epoll);
	printf("{\"bytes\": %" PRIu64 ", \"gbit\": %.3f}\n", total,
	       (double)total * 8 / (double)(now - began));
	free(readers);
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
	else if (argc == 5 && !strcmp(argv[1], "drain"))
		drain(number_between(argv[2], 1, 65535), 1000 * number_between(argv[3], 1, 3600),
		      number_between(argv[4], 1, 10000));
	else if (argc == 5 && !strcmp(argv[1], "stall"))
		stall(number_between(argv[2], 1, 65535), number_between(argv[3], 1, 10000),
		      number_between(argv[4], 0, 1024));
	else
		errx(2, "usage: bench_pour serve PORT | read PORT SECONDS | "
			"drain PORT SECONDS COUNT | stall PORT COUNT MIB");
	return 0;
}
