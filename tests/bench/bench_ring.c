/*
 * The ring module against liburing: NOPs in batches and a ping-pong between two
 * multishot receives, in three ring modes.
 *
 *	bench_ring [rounds [milliseconds]]
 *
 * Both libraries do the same work in turn.  A round is SLICES short turns each,
 * and its figure the fastest of them: what the code costs, not what else the
 * machine was doing.  Printed are the median over the rounds of nanoseconds per
 * operation, the median of the rounds' ratios (ours to liburing's, below 1 is
 * faster) and its smallest and largest.
 */
#include "bench_ring.h"
#include "ring/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 99
#define SLICES     16

static struct ring ring;
static struct ring_capabilities capabilities;
static struct ring_buffers buffers;
static char memory[BENCH_BUFFERS][BENCH_BYTES] __attribute__((aligned(4096)));
static int pair[2];

static bool open_ours(enum bench_mode mode)
{
	static const uint32_t flags[] = {
		[BENCH_DEFER] = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		[BENCH_COOP] = IORING_SETUP_COOP_TASKRUN,
		[BENCH_SQPOLL] = IORING_SETUP_SQPOLL,
	};
	struct ring_options options = {
		.entries = BENCH_ENTRIES,
		.required = flags[mode] | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL,
		.sq_idle_ms = 1000,
		.capabilities = &capabilities,
	};

	if (ring_open(&ring, &options, NULL) < 0 ||
	    ring_buffers_open(&buffers, &ring, BENCH_GROUP, BENCH_BUFFERS, 0) < 0)
		return false;
	for (uint16_t i = 0; i < BENCH_BUFFERS; i++)
		ring_buffers_add(&buffers, memory[i], BENCH_BYTES, i);
	ring_buffers_publish(&buffers);
	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
}

static void close_ours(void)
{
	close(pair[0]);
	close(pair[1]);
	ring_buffers_close(&buffers);
	ring_close(&ring);
}

static uint64_t nops_ours(uint64_t count, unsigned batch)
{
	uint64_t sum = 0;

	for (uint64_t done = 0; done < count; done += batch) {
		struct io_uring_cqe *cqe;

		for (unsigned i = 0; i < batch; i++) {
			struct io_uring_sqe *sqe = ring_sqe(&ring);
			ring_prep_nop(sqe);
			ring_sqe_tag(sqe, done + i);
		}
		ring_submit_wait(&ring, batch, RING_NEVER, 0);
		ring_for_each_cqe(&ring, cqe) sum += cqe->user_data;
	}
	return sum;
}

static void arm(int end)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);

	ring_prep_recv_multishot(sqe, pair[end], BENCH_GROUP, 0, 0);
	ring_sqe_tag(sqe, (uint64_t)end);
}

static void send_from(int end, const void *bytes)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);

	ring_prep_send(sqe, pair[end], bytes, BENCH_BYTES, 0);
	ring_sqe_tag(sqe, BENCH_TAG_SEND);
}

static uint64_t pingpong_ours(uint64_t count)
{
	static char first[BENCH_BYTES] __attribute__((aligned(64)));
	uint64_t trips = 0;
	int in_flight;

	arm(0);
	arm(1);
	send_from(0, first);
	in_flight = 1;
	while (trips < count || in_flight > 0) {
		struct io_uring_cqe *cqe;

		ring_submit_wait(&ring, 1, RING_NEVER, 0);
		ring_for_each_cqe(&ring, cqe)
		{
			if (cqe->user_data == BENCH_TAG_SEND) {
				in_flight--;
				continue;
			}
			struct ring_bundle bundle = ring_buffers_bundle(&buffers, cqe);
			int end = (int)cqe->user_data;
			uint32_t length;
			uint16_t id;
			if (end == 0)
				trips++;
			while (ring_bundle_next(&bundle, &id, &length)) {
				if (trips < count) {
					send_from(end, memory[id]);
					in_flight++;
				}
				ring_buffers_add(&buffers, memory[id], BENCH_BYTES, id);
			}
			if (!(cqe->flags & IORING_CQE_F_MORE) && trips < count)
				arm(end);
		}
		ring_buffers_publish(&buffers);
	}
	return trips;
}

static const struct bench_library ours = {
	.name = "ring",
	.open = open_ours,
	.nops = nops_ours,
	.pingpong = pingpong_ours,
	.close = close_ours,
};

static const struct bench_library *const libraries[] = {&ours, &bench_liburing};

static double now_ns(void)
{
	return (double)ring_kernel.now(NULL, CLOCK_MONOTONIC);
}

/* batch 0: the ping-pong */
static double measure(const struct bench_library *library, enum bench_mode mode, unsigned batch,
		      uint64_t count)
{
	uint64_t expected = batch ? count * (count - 1) / 2 : count, got;
	double start, end;

	if (!library->open(mode)) {
		fprintf(stderr, "%s cannot open this ring\n", library->name);
		exit(EXIT_FAILURE);
	}
	if (batch)
		library->nops(batch * 16UL, batch); /* wakes a polling thread, warms the caches */
	start = now_ns();
	got = batch ? library->nops(count, batch) : library->pingpong(count);
	end = now_ns();
	library->close();
	if (got != expected) {
		fprintf(stderr, "%s lost completions\n", library->name);
		exit(EXIT_FAILURE);
	}
	return (end - start) / (double)count;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

static void compare(enum bench_mode mode, unsigned batch, unsigned rounds, double milliseconds)
{
	static const char *const names[] = {"defer", "coop", "sqpoll"};
	double ns[2][ROUNDS_MAX], ratios[ROUNDS_MAX];
	unsigned step = batch ? batch : 1;
	double pilot = measure(&ours, mode, batch, 64UL * step);
	uint64_t count = (uint64_t)(milliseconds * 1e6 / pilot / SLICES) / step * step + step;
	char what[16];

	for (unsigned round = 0; round < rounds; round++) {
		ns[0][round] = ns[1][round] = 1e18;
		for (unsigned turn = 0; turn < 2 * SLICES; turn++) {
			unsigned which = (turn + turn / 2) % 2; /* who begins alternates too */
			double took = measure(libraries[which], mode, batch, count);
			if (took < ns[which][round])
				ns[which][round] = took;
		}
		ratios[round] = ns[0][round] / ns[1][round];
	}
	snprintf(what, sizeof(what), batch ? "nop x %u" : "ping-pong", batch);
	double ratio = median(ratios, rounds);
	printf("%-7s %-10s %9.1f %9.1f %7.3f   %.3f-%.3f\n", names[mode], what,
	       median(ns[0], rounds), median(ns[1], rounds), ratio, ratios[0], ratios[rounds - 1]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const unsigned batches[] = {1, 8, 32, 128, 0};
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 9;
	double milliseconds = argc > 2 ? atof(argv[2]) : 30;

	if (rounds < 1 || rounds > ROUNDS_MAX || milliseconds <= 0) {
		fprintf(stderr, "usage: bench_ring [rounds [milliseconds]]\n");
		return 2;
	}
	if (ring_probe(&capabilities, NULL) < 0) {
		fprintf(stderr, "no io_uring here\n");
		return 77;
	}
	printf("%u rounds of %.0f ms; ns per operation\n", rounds, milliseconds);
	printf("%-7s %-10s %9s %9s %7s   %s\n", "mode", "work", "ring", "liburing", "ratio",
	       "min-max");
	for (int mode = 0; mode < BENCH_MODE_COUNT; mode++)
		for (unsigned i = 0; i < array_size(batches); i++)
			compare((enum bench_mode)mode, batches[i], rounds, milliseconds);
	return 0;
}
