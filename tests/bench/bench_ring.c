/*
 * The ring module against liburing: NOPs in batches and a ping-pong between two
 * multishot receives, in three ring modes.
 *
 *	bench_ring [rounds [milliseconds]]
 *
 * A round opens a ring of each library, in alternating order, and gives them the
 * same sockets and buffers; that each round has rings of its own takes the luck
 * of where their memory lies into the spread.  In a round the two work in PAIRS
 * pairs of short turns, a pair within a few milliseconds and in alternating
 * order, so that what else the machine does meets both; the round's ratio is the
 * median of its pairs' (ours to liburing's, below 1 is faster).  Printed are the
 * medians over the rounds of nanoseconds per operation and of the ratio, the
 * smallest and largest ratio of a round, and for the noise the smallest and
 * largest of the same figure from liburing's turns alone, one to the next.
 *
 * The program stays on one processor, polling threads on another, and a ring
 * whose turn it is not has put its thread to sleep.
 */
#include "bench_ring.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 99
#define PAIRS      16

static const struct bench_library *const libraries[] = {&bench_ours, &bench_liburing};
static char memory[BENCH_BUFFERS][BENCH_BYTES] __attribute__((aligned(4096)));

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

/* Sorts them. */
static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

/* Stay on the first processor we may use; the second, or -1. */
static int settle(void)
{
	cpu_set_t usable, one;
	int cpus[2] = {-1, -1};

	if (sched_getaffinity(0, sizeof(usable), &usable) < 0)
		return -1;
	for (int cpu = 0, found = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &usable))
			cpus[found++] = cpu;
	CPU_ZERO(&one);
	CPU_SET(cpus[0], &one);
	sched_setaffinity(0, sizeof(one), &one);
	return cpus[1];
}

static void open_both(const struct bench_ground *ground, unsigned first)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct bench_library *library = libraries[(first + i) % 2];
		if (!library->open(ground)) {
			fprintf(stderr, "%s cannot open this ring\n", library->name);
			exit(EXIT_FAILURE);
		}
	}
}

static void close_both(void)
{
	for (unsigned i = 0; i < 2; i++)
		libraries[i]->close();
}

static void work(const struct bench_library *library, unsigned batch, uint64_t count)
{
	uint64_t expected = batch ? count * (count - 1) / 2 : count;

	if ((batch ? library->nops(count, batch) : library->pingpong(count)) != expected) {
		fprintf(stderr, "%s lost completions\n", library->name);
		exit(EXIT_FAILURE);
	}
}

/* Nanoseconds per operation of one turn; batch 0: the ping-pong. */
static double turn(const struct bench_library *library, unsigned batch, uint64_t count)
{
	unsigned step = batch ? batch : 1;
	double start;

	for (unsigned i = 0; i < 2; i++)
		while (!libraries[i]->asleep())
			usleep(500);
	work(library, batch, count / step / 8 * step + step); /* wakes a thread, warms caches */
	start = now_ns();
	work(library, batch, count);
	return (now_ns() - start) / (double)count;
}

struct round {
	double ns[2], ratio; /* of each library; ours to liburing's */
	double noise;        /* liburing's to its own */
};

static struct round race(const struct bench_ground *ground, unsigned batch, uint64_t count,
			 unsigned round)
{
	double took[2][PAIRS], ratios[PAIRS], noise[PAIRS / 2];

	open_both(ground, round);
	for (unsigned pair = 0; pair < PAIRS; pair++) {
		for (unsigned i = 0; i < 2; i++) {
			unsigned which = (round + pair + i) % 2;
			took[which][pair] = turn(libraries[which], batch, count);
		}
		ratios[pair] = took[0][pair] / took[1][pair];
	}
	close_both();
	for (unsigned i = 0; i < PAIRS / 2; i++)
		noise[i] = took[1][2 * i] / took[1][2 * i + 1];
	return (struct round){
		.ns = {median(took[0], PAIRS), median(took[1], PAIRS)},
		.ratio = median(ratios, PAIRS),
		.noise = median(noise, PAIRS / 2),
	};
}

/* So many operations that PAIRS turns take about so long. */
static uint64_t operations(const struct bench_ground *ground, unsigned batch, double milliseconds)
{
	unsigned step = batch ? batch : 1;
	double ns;

	open_both(ground, 0);
	ns = turn(libraries[0], batch, 64UL * step);
	close_both();
	return (uint64_t)(milliseconds * 1e6 / PAIRS / ns) / step * step + step;
}

static void compare(const char *name, const struct bench_ground *ground, unsigned batch,
		    unsigned rounds, double milliseconds)
{
	double ns[2][ROUNDS_MAX], ratios[ROUNDS_MAX], noise[ROUNDS_MAX], ratio;
	uint64_t count = operations(ground, batch, milliseconds);
	char what[16];

	for (unsigned i = 0; i < rounds; i++) {
		struct round round = race(ground, batch, count, i);
		ns[0][i] = round.ns[0];
		ns[1][i] = round.ns[1];
		ratios[i] = round.ratio;
		noise[i] = round.noise;
	}
	ratio = median(ratios, rounds);
	median(noise, rounds);
	snprintf(what, sizeof(what), batch ? "nop x %u" : "ping-pong", batch);
	printf("%-7s %-10s %9.1f %9.1f %7.3f   %.3f-%.3f   %.3f-%.3f\n", name, what,
	       median(ns[0], rounds), median(ns[1], rounds), ratio, ratios[0], ratios[rounds - 1],
	       noise[0], noise[rounds - 1]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const unsigned batches[] = {1, 8, 32, 128, 0};
	static const struct {
		const char *name;
		enum bench_mode mode;
		unsigned looks;
	} modes[] = {
		{"defer", BENCH_DEFER, 0},
		{"coop", BENCH_COOP, 0},
		{"sqpoll", BENCH_SQPOLL, 0},
		{"looking", BENCH_SQPOLL, 300}, /* the same, its own thread's CPU being free */
	};
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 9;
	double milliseconds = argc > 2 ? atof(argv[2]) : 30;
	struct bench_ground ground = {.memory = memory};
	int polling_cpu = settle();

	if (rounds < 1 || rounds > ROUNDS_MAX || milliseconds <= 0) {
		fprintf(stderr, "usage: bench_ring [rounds [milliseconds]]\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ground.pair) < 0) {
		perror("socketpair");
		return 1;
	}
	printf("%u rounds of %.0f ms; ns per operation\n", rounds, milliseconds);
	printf("%-7s %-10s %9s %9s %7s   %-11s   %s\n", "mode", "work", "ring", "liburing", "ratio",
	       "min-max", "noise");
	ground.polling_cpu = (unsigned)polling_cpu;
	for (unsigned i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		ground.mode = modes[i].mode;
		ground.looks = modes[i].looks;
		if (ground.mode == BENCH_SQPOLL && polling_cpu < 0) {
			printf("%-7s skipped: a polling thread needs a second processor\n",
			       modes[i].name);
			continue;
		}
		for (unsigned j = 0; j < sizeof(batches) / sizeof(*batches); j++)
			compare(modes[i].name, &ground, batches[j], rounds, milliseconds);
	}
	return 0;
}
