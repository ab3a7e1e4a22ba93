/*
 * Load: clients who are refused, and come again at once.
 *
 *   bench_knock PORT SOURCE CONNECTIONS SECONDS
 *
 * So many connections at a time from the address SOURCE, each closed when the other side has
 * ended it, and begun anew.  A quarter of a second is for warming up; then it prints the line
 * "start" and goes on for SECONDS.  The result is one line of JSON: how many were refused
 * ("count"); one who is served ends the program.
 */
#include "bench/common.h"

#define WARM_UP_NS 250000000u

static struct sockaddr_in from, to;
static int epoll;
static unsigned long refused;

/* Who is refused at once meets it in the call. */
static void knock(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		err(1, "socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		err(1, "connect");
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		err(1, "epoll_ctl");
}

static void end_of(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	if (n > 0)
		errx(1, "somebody was served");
	if (n < 0 && errno == EAGAIN)
		return;
	refused++;
	close(fd);
	knock();
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t now, begin, end;
	unsigned long count;
	bool warm = false;

	if (argc != 5)
		errx(2, "usage: bench_knock PORT SOURCE CONNECTIONS SECONDS");
	prepare_process();
	epoll = epoll_new();
	to = loopback(number_between(argv[1], 1, 65535));
	from = loopback(0);
	if (inet_pton(AF_INET, argv[2], &from.sin_addr) != 1)
		errx(2, "'%s' is no address", argv[2]);
	count = number_between(argv[3], 1, 10000);
	for (unsigned long i = 0; i < count; i++)
		knock();
	now = now_ns();
	begin = now + WARM_UP_NS;
	end = begin + (uint64_t)(seconds_of(argv[4]) * 1e9);
	for (; now < end; now = now_ns()) {
		int n = epoll_next(epoll, events, 100);

		if (!warm && now >= begin) {
			warm = true;
			refused = 0;
			puts("start");
			fflush(stdout);
		}
		for (int i = 0; i < n; i++)
			end_of(events[i].data.fd);
	}
	printf("{\"count\": %lu}\n", refused);
	return 0;
}
