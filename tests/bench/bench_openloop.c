/*
 * Load: messages that come back, sent at times fixed in advance.
 *
 *   bench_openloop PORT SIZE CONNECTIONS RATE SECONDS [wait]
 *
 * RATE messages of SIZE bytes a second in all, at random times (a Poisson process,
 * the same in every run), on each connection in turn.  A message is sent when its
 * time has come, whether or not those before it are back, and its latency is what
 * passes from that time, not from when this program came to send it, until its last
 * byte is back: so a time in which nothing is answered counts for all who would have
 * asked in it.  (bench_pingpong waits for each answer, and so does not ask while
 * nobody answers.)
 *
 * With "wait", each connection has had an answer before it prints the line "connected", and
 * it begins with the next line that it reads.
 *
 * A quarter of a second is for warming up; then it prints the line "start" and goes
 * on for SECONDS.  The result is one line of JSON, times in microseconds: the latencies,
 * and "late", how long after its time a message was sent (the 99th percentile): where
 * that is not much less than the latencies, they are this program's own.
 */
#include "bench/common.h"
#include "bench/histogram.h"

#include <inttypes.h>
#include <math.h>
#include <sys/prctl.h>

#define WARM_UP_NS  250000000u
#define PATIENCE_NS 5000000000u /* for the last answers */

struct sender {
	int fd;
	size_t sent, received; /* bytes, of all its messages */
	size_t due;            /* bytes to be sent by now */
};

static unsigned long size, sender_count;
static struct sender *senders;
static char *message, *scratch;
/* Message i is number i / sender_count of sender i % sender_count. */
static uint64_t *times;
static size_t message_count, begun_count, answered_count, warm_up_count;
static struct histogram latencies, lateness;

static uint64_t random_bits(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void plan(double rate, double seconds)
{
	double end = WARM_UP_NS + seconds * 1e9, at = 0;
	size_t room = (size_t)(rate * end / 1e9 * 1.2) + 1000;

	times = malloc(room * sizeof(*times));
	if (!times)
		err(1, "memory");
	while (message_count < room) {
		double part = ((double)(random_bits() >> 11) + 1) / (double)(1ull << 53);

		at -= log(part) * 1e9 / rate;
		if (at >= end)
			return;
		warm_up_count += at < WARM_UP_NS;
		times[message_count++] = (uint64_t)at;
	}
}

static void send_due(struct sender *sender)
{
	while (sender->sent < sender->due) {
		size_t left = sender->due - sender->sent, offset = sender->sent % size;
		size_t piece = left < size - offset ? left : size - offset;
		ssize_t n = send(sender->fd, message + offset, piece, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			err(1, "send");
		sender->sent += (size_t)n;
	}
}

static void receive(struct sender *sender)
{
	size_t sender_index = (size_t)(sender - senders), before, now_back;
	uint64_t now;
	ssize_t n;

	do {
		n = recv(sender->fd, scratch, size < 65536 ? 65536 : size, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			err(1, "recv");
		if (n == 0)
			errx(1, "the other side closed a connection");
		before = sender->received / size;
		sender->received += (size_t)n;
		now_back = sender->received / size;
		now = now_ns();
		for (size_t number = before; number < now_back; number++) {
			size_t i = number * sender_count + sender_index;

			answered_count++;
			if (i >= warm_up_count)
				histogram_add(&latencies, now - times[i]);
		}
	} while (n == 65536);
}

/* Send what is due; how long until the next is, in ns. */
static uint64_t send_all_due(uint64_t now)
{
	while (begun_count < message_count && times[begun_count] <= now) {
		struct sender *sender = &senders[begun_count % sender_count];

		if (begun_count == warm_up_count) {
			puts("start");
			fflush(stdout);
		}
		sender->due += size;
		send_due(sender);
		now = now_ns();
		if (begun_count >= warm_up_count)
			histogram_add(&lateness, now - times[begun_count]);
		begun_count++;
	}
	return begun_count < message_count ? times[begun_count] - now : 100000000;
}

static void handle(const struct epoll_event *event)
{
	struct sender *sender = event->data.ptr;

	send_due(sender);
	receive(sender);
}

static void play(int epoll)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t end = times[message_count - 1] + PATIENCE_NS, now;

	while (answered_count < message_count && (now = now_ns()) < end) {
		uint64_t left = send_all_due(now);
		int n = epoll_next_ns(epoll, events, left);

		for (int i = 0; i < n; i++) {
			handle(&events[i]);
			if (i % 16 == 15) /* those that are due meanwhile are not to be late */
				(void)send_all_due(now_ns());
		}
	}
}

/* Those that are not back after all the patience took at least that long. */
static void count_missing(void)
{
	uint64_t now = now_ns();

	for (size_t i = warm_up_count; i < message_count; i++)
		if (senders[i % sender_count].received / size <= i / sender_count)
			histogram_add(&latencies, now - times[i]);
}

static double microseconds(const struct histogram *histogram, double part)
{
	return (double)histogram_percentile(histogram, part) / 1000;
}

static void report(double seconds)
{
	printf("{\"count\": %zu, \"missing\": %zu, \"rate\": %.1f, \"p50\": %.2f, \"p99\": %.2f, "
	       "\"p999\": %.2f, \"late\": %.2f}\n",
	       message_count - warm_up_count, message_count - answered_count,
	       (double)(message_count - warm_up_count) / seconds, microseconds(&latencies, 0.5),
	       microseconds(&latencies, 0.99), microseconds(&latencies, 0.999),
	       microseconds(&lateness, 0.99));
	fflush(stdout);
}

/* Its socket still blocks. */
static void have_answer(const struct sender *sender)
{
	if (send(sender->fd, message, size, MSG_NOSIGNAL) != (ssize_t)size ||
	    recv(sender->fd, scratch, size, MSG_WAITALL) != (ssize_t)size)
		err(1, "no answer");
}

static void wait_for_line(void)
{
	int c;

	puts("connected");
	fflush(stdout);
	while ((c = getchar()) != '\n')
		if (c == EOF)
			errx(1, "standard input ended");
}

static void connect_all(int epoll, unsigned long port, bool waits)
{
	for (unsigned long i = 0; i < sender_count; i++) {
		senders[i].fd = tcp_connect(port);
		if (waits)
			have_answer(&senders[i]);
		set_nonblocking(senders[i].fd);
		epoll_watch(epoll, senders[i].fd, EPOLLIN | EPOLLOUT | EPOLLET, &senders[i]);
	}
}

int main(int argc, char *argv[])
{
	unsigned long port;
	double seconds;
	uint64_t began;
	int epoll;

	if (argc != 6 && (argc != 7 || strcmp(argv[6], "wait")))
		errx(2, "usage: bench_openloop PORT SIZE CONNECTIONS RATE SECONDS [wait]");
	prepare_process();
	port = number_between(argv[1], 1, 65535);
	size = number_between(argv[2], 1, 65536);
	sender_count = number_between(argv[3], 1, 100000);
	seconds = seconds_of(argv[5]);
	plan((double)number_between(argv[4], 1, 10000000), seconds);
	message = calloc(1, size);
	scratch = malloc(65536); /* as much as the largest message */
	senders = calloc(sender_count, sizeof(*senders));
	if (!message || !scratch || !senders)
		err(1, "memory");
	/* Timers of threads are 50 us late by default, so that several wake up at once. */
	if (prctl(PR_SET_TIMERSLACK, 1) < 0)
		err(1, "PR_SET_TIMERSLACK");
	epoll = epoll_new();
	connect_all(epoll, port, argc == 7);
	if (argc == 7)
		wait_for_line();
	began = now_ns();
	for (size_t i = 0; i < message_count; i++)
		times[i] += began;
	play(epoll);
	count_missing();
	report(seconds);
	free(times);
	free(message);
	free(scratch);
	free(senders);
	return 0;
}
