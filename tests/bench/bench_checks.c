/*
 * What it costs to check many servers: the CPU time of the thread that does it, and how late it
 * comes to something else meanwhile.
 *
 *   bench_checks SERVERS EVERY_MS SECONDS tcp|http
 *
 * The servers are sockets of a child process on the loopback.  Lateness is that of a timer that
 * is set for 5 ms ahead, again and again; the first round, when all begin at once, has a line of
 * its own.
 */
#include "bench/common.h"
#include "control/checks.h"

#include "base/clock.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define BEAT_MS 5

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/* ---- The servers ----------------------------------------------------------------------------- */

static int listen_somewhere(struct sockaddr_in *ret_address)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		err(1, "cannot listen");
	*ret_address = address;
	return fd;
}

static void add(int epoll, int fd, uint64_t data)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		err(1, "epoll_ctl");
}

#define IS_CONNECTION (1ull << 32)

static void serve_one(int epoll, uint64_t data)
{
	int fd = (int)(uint32_t)data;
	char bytes[4096];
	ssize_t n;

	if (!(data & IS_CONNECTION)) {
		while ((fd = accept4((int)data, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
			add(epoll, fd, (uint64_t)fd | IS_CONNECTION);
		return;
	}
	n = recv(fd, bytes, sizeof(bytes), 0);
	if (n > 0)
		(void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
	close(fd);
}

static void serve(const int *listeners, unsigned count)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < count; i++)
		add(epoll, listeners[i], (uint64_t)listeners[i]);
	for (;;) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < n; i++)
			serve_one(epoll, events[i].data.u64);
	}
}

/* ---- The checks ------------------------------------------------------------------------------ */

struct measure {
	struct events *events;
	struct event *beat, *end;
	struct checks *checks;
	uint64_t set_ns;
	uint64_t late_ns[32]; /* of at least 2^i µs */
	uint64_t most_ns, first_ns;
	uint64_t begun_ns;
	uint64_t outcomes, bad;
};

static void on_told(void *owner, const struct check_news *news)
{
	struct measure *measure = owner;

	measure->outcomes++;
	measure->bad += !check_is_good(news->last->code);
}

static void on_beat(void *owner)
{
	struct measure *measure = owner;
	uint64_t now = clock_now_ns(), late = now > measure->set_ns ? now - measure->set_ns : 0;

	if (now - measure->begun_ns < 1000000000)
		measure->first_ns = late > measure->first_ns ? late : measure->first_ns;
	else
		measure->most_ns = late > measure->most_ns ? late : measure->most_ns;
	for (unsigned i = 0; i < 32 && late >= 1000ull << i; i++)
		measure->late_ns[i]++;
	now = clock_now_ms() + BEAT_MS;
	measure->set_ns = now * CLOCK_NS_PER_MS;
	events_set(measure->beat, now);
}

static void on_end(void *owner)
{
	struct measure *measure = owner;

	events_stop(measure->events);
}

static uint64_t cpu_us(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static void watch(struct measure *measure, struct watcher *watcher,
		  const struct sockaddr_in *server, unsigned every_ms, const char *kind)
{
	struct check_terms terms = {
		.dialogue = {.check = strcmp(kind, "tcp") ? CONFIG_CHECK_HTTP : CONFIG_CHECK_TCP},
		.address = {.kind = ADDRESS_INET, .length = sizeof(*server)},
		.every_ms = every_ms,
		.fast_ms = every_ms / 4,
		.timeout_ms = every_ms / 2,
		.rise = 2,
		.fall = 3,
	};
	char why[VALUE_WHY_MAX];

	terms.address.u.in = *server;
	terms.address.port = ntohs(server->sin_port);
	*watcher = (struct watcher){.told = on_told, .owner = measure};
	if (checks_watch(measure->checks, watcher, &terms, why) < 0)
		errx(1, "cannot check: %s", why);
}

static void report(const struct measure *measure, unsigned count, unsigned every_ms, double seconds)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%u servers every %u ms: %llu checks, %llu failed; %.2f %% of a CPU, %.1f us each; "
	       "late by %.2f ms at most, %.2f ms while all began; over 1 ms: %llu of %llu\n",
	       count, every_ms, (unsigned long long)measure->outcomes,
	       (unsigned long long)measure->bad, (double)cpu_us(&usage) / seconds / 1e4,
	       (double)cpu_us(&usage) / (double)measure->outcomes, (double)measure->most_ns / 1e6,
	       (double)measure->first_ns / 1e6, (unsigned long long)measure->late_ns[10],
	       (unsigned long long)(seconds * 1000 / BEAT_MS));
}

int main(int argc, char **argv)
{
	struct measure measure = {0};
	struct sockaddr_in *servers;
	struct watcher *watchers;
	unsigned count, every_ms, seconds;
	int *listeners;

	if (argc != 5)
		errx(64, "usage: bench_checks SERVERS EVERY_MS SECONDS tcp|http");
	count = (unsigned)atoi(argv[1]);
	every_ms = (unsigned)atoi(argv[2]);
	seconds = (unsigned)atoi(argv[3]);
	servers = calloc(count, sizeof(*servers));
	listeners = calloc(count, sizeof(*listeners));
	watchers = calloc(count, sizeof(*watchers));
	for (unsigned i = 0; i < count; i++)
		listeners[i] = listen_somewhere(&servers[i]);
	if (fork() == 0)
		serve(listeners, count);
	for (unsigned i = 0; i < count; i++)
		close(listeners[i]);
	if (events_open(&measure.events) < 0 ||
	    checks_open(&measure.checks, measure.events, 1) < 0 ||
	    events_add_timer(measure.events, &measure.beat, on_beat, &measure) < 0 ||
	    events_add_timer(measure.events, &measure.end, on_end, &measure) < 0)
		errx(1, "no memory");
	for (unsigned i = 0; i < count; i++)
		watch(&measure, &watchers[i], &servers[i], every_ms, argv[4]);
	measure.set_ns = measure.begun_ns = clock_now_ns();
	events_set(measure.beat, 0);
	events_set_in(measure.end, seconds * 1000ull);
	events_run(measure.events);
	report(&measure, count, every_ms, seconds);
	return 0;
}
