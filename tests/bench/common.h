/*
 * What the benchmark's own programs share: loopback sockets, a clock, numbers
 * from the command line.  They are tools, so whatever fails ends the program.
 */
#ifndef TESTS_BENCH_COMMON_H
#define TESTS_BENCH_COMMON_H

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 256

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A decimal between least and most, or the end. */
static inline unsigned long number_between(const char *text, unsigned long least,
					   unsigned long most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most)
		errx(2, "'%s' is not a number from %lu to %lu", text, least, most);
	return value;
}

/* A time that may be a fraction. */
static inline double seconds_of(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds <= 3600))
		errx(2, "'%s' is not a number of seconds up to 3600", text);
	return seconds;
}

/* As many descriptors as the administrator allows; a broken peer is an error code, not a death. */
static inline void prepare_process(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) < 0)
			warn("cannot raise the limit of open files");
	}
	signal(SIGPIPE, SIG_IGN);
}

static inline struct sockaddr_in loopback(unsigned long port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* TCP_NODELAY is what accepted sockets inherit. */
static inline int tcp_listen(unsigned long port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0)
		err(1, "cannot listen on 127.0.0.1:%lu", port);
	return fd;
}

/* Connected and blocking. */
static inline int tcp_connect(unsigned long port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "cannot connect to 127.0.0.1:%lu", port);
	return fd;
}

static inline void set_nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		err(1, "fcntl");
}

static inline int epoll_new(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		err(1, "epoll_create1");
	return fd;
}

/* The number of events, 0 after patience_ms or an interruption. */
static inline int epoll_next(int epoll, struct epoll_event events[EVENTS_AT_ONCE], int patience_ms)
{
	int n = epoll_wait(epoll, events, EVENTS_AT_ONCE, patience_ms);

	if (n < 0 && errno != EINTR)
		err(1, "epoll_wait");
	return n < 0 ? 0 : n;
}

/* The same with patience in ns, UINT64_MAX: for ever.  Mind PR_SET_TIMERSLACK. */
static inline int epoll_next_ns(int epoll, struct epoll_event events[EVENTS_AT_ONCE],
				uint64_t patience)
{
	struct timespec time = {.tv_sec = (time_t)(patience / 1000000000),
				.tv_nsec = (long)(patience % 1000000000)};
	int n = epoll_pwait2(epoll, events, EVENTS_AT_ONCE, patience == UINT64_MAX ? NULL : &time,
			     NULL);

	if (n < 0 && errno != EINTR)
		err(1, "epoll_pwait2");
	return n < 0 ? 0 : n;
}

static inline void epoll_watch(int epoll, int fd, uint32_t events, void *what)
{
	struct epoll_event event = {.events = events, .data.ptr = what};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		err(1, "epoll_ctl");
}

#endif
