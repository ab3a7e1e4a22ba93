/*
 * What a worker does for a byte: io_uring_enter(2), splice(2) where it splices, and nothing else.
 * No other system call, no allocation, no lock.
 *
 * Looked at are the worker threads alone, while connections that are there already exchange
 * messages and bulk.  What belongs to beginning and ending a connection is not
 * the data path.
 */
#include "support/assert.h"
#include "support/child.h"
#include "support/count_calls.h"
#include "support/daemon.h"
#include "support/release.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"
#include "support/threads.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const relays[] = {"copy", "splice", "zerocopy", "auto"};
enum { RELAYS = sizeof(relays) / sizeof(relays[0]) };

/* _i counts the strategies, in each ring mode with one worker. */
#define IN_EACH_STRATEGY(test) EACH(test, RELAYS *DAEMON_RINGS)

/* ---- busy connections ---- */

enum { TALKERS = 6, MESSAGE = 1024, PIECE = 1 << 20 };

struct talker {
	pthread_t thread;
	int fd;
	bool bulk;
	const bool *stop;
	uint64_t bytes; /* there and back */
	bool failed;
};

static void *talk(void *argument)
{
	struct talker *talker = argument;
	uint64_t size = talker->bulk ? PIECE : MESSAGE;

	while (!__atomic_load_n(talker->stop, __ATOMIC_RELAXED) && !talker->failed) {
		struct transfer transfer = {.send = size, .receive = size};

		peer_transfer(talker->fd, &transfer);
		talker->failed = transfer.received != size || transfer.wrong_at != UINT64_MAX;
		__atomic_fetch_add(&talker->bytes, size, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* A daemon whose proxy has an echo behind it, and clients talking through it: most in messages, two
 * in bulk. */
struct traffic {
	struct server *echo;
	struct daemon *daemon;
	struct talker talkers[TALKERS];
	bool stop;
};

/* Bytes there and back since the start, of the one who has least. */
static uint64_t least(const struct traffic *traffic)
{
	uint64_t bytes = UINT64_MAX;

	for (int i = 0; i < TALKERS; i++) {
		uint64_t its = __atomic_load_n(&traffic->talkers[i].bytes, __ATOMIC_RELAXED);

		bytes = its < bytes ? its : bytes;
	}
	return bytes;
}

static void traffic_start(struct traffic *traffic, const struct daemon_mode *mode,
			  const char *relay, const char *const *environment)
{
	char front[32], text[256];

	*traffic = (struct traffic){.echo = server_start(NULL, server_echo, NULL)};
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(text, sizeof(text), "[proxy p]\nlisten = %s\nserver = %s\nrelay = %s\n", front,
		 server_address(traffic->echo), relay);
	traffic->daemon = daemon_spawn(&(struct daemon_options){
		.mode = mode, .configuration = text, .environment = environment});
	daemon_wait_ready(traffic->daemon);
	for (int i = 0; i < TALKERS; i++) {
		struct talker *talker = &traffic->talkers[i];

		*talker = (struct talker){
			.fd = peer_connect(front), .bulk = i < 2, .stop = &traffic->stop};
		assert_connected(talker->fd);
		ck_assert(peer_echoes(talker->fd));
		ck_assert_int_eq(pthread_create(&talker->thread, NULL, talk, talker), 0);
	}
	/* By now every connection is made, bulk is known as such, and pipes are there. */
	ck_assert(wait_until(least(traffic) > 8 * MESSAGE, PEER_PATIENCE_MS));
}

static void traffic_stop(struct traffic *traffic)
{
	__atomic_store_n(&traffic->stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < TALKERS; i++) {
		pthread_join(traffic->talkers[i].thread, NULL);
		ck_assert(!traffic->talkers[i].failed);
		close(traffic->talkers[i].fd);
	}
	daemon_stop(traffic->daemon);
	server_stop(traffic->echo);
}

/* ---- system calls ---- */

static bool is_traced(pid_t pid, pid_t thread)
{
	char *status = thread_file(pid, thread, "status");
	const char *tracer = strstr(status, "TracerPid:");
	bool traced = tracer && atoi(tracer + strlen("TracerPid:")) > 0;

	free(status);
	return traced;
}

/* Whether this machine lets one process trace another. */
static bool can_trace(void)
{
	const char *const argv[] = {"strace", "-qq", "-o", "/dev/null", "true", NULL};
	char *output;
	int status = child_run(&(struct child_options){.argv = argv}, 10000, &output);

	free(output);
	return status == 0;
}

struct system_calls {
	unsigned enter, splice, pipes, limits, other;
	char first_other[80];
};

/* What strace wrote: "name(arguments) = result", the same with "<unfinished ...>" for the result,
 * "<... name resumed>" for the rest of those, and "---" and "+++" about signals and ends. */
static void count_system_calls(char *text, struct system_calls *calls)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, "0123456789 ");
		if (*line == '<' || *line == '-' || *line == '+')
			continue;
		if (strncmp(line, "io_uring_enter(", 15) == 0)
			calls->enter++;
		else if (strncmp(line, "splice(", 7) == 0)
			calls->splice++;
		else if (strncmp(line, "pipe2(", 6) == 0 || strncmp(line, "fcntl(", 6) == 0 ||
			 strncmp(line, "close(", 6) == 0)
			calls->pipes++;
		else if (strstr(line, "TCP_NOTSENT_LOWAT"))
			calls->limits++;
		else if (calls->other++ == 0)
			snprintf(calls->first_other, sizeof(calls->first_other), "%s", line);
	}
}

/* Trace the worker for a second and read what it called. */
static void trace(const struct traffic *traffic, struct system_calls *calls)
{
	pid_t pid = daemon_pid(traffic->daemon);
	char thread[16], path[320], *text;
	const char *const argv[] = {"strace", "-qq", "-o", path, "-p", thread, NULL};
	pid_t worker;
	struct child strace;
	uint64_t before;

	ck_assert_uint_eq(threads_of_workers(pid, &worker, 1), 1);
	snprintf(thread, sizeof(thread), "%d", worker);
	snprintf(path, sizeof(path), "%s/strace.%d", suite_dir(), pid);
	ck_assert_int_eq(child_start(&strace, &(struct child_options){.argv = argv}), 0);
	ck_assert(wait_until(is_traced(pid, worker), PEER_PATIENCE_MS));
	before = least(traffic);
	sleep_ms(1000); /* the busy second */
	ck_assert(wait_until(least(traffic) > before, PEER_PATIENCE_MS));
	child_stop(&strace, SIGINT);
	text = file_read(path);
	count_system_calls(text, calls);
	free(text);
}

START_TEST(a_worker_calls_nothing_but_io_uring_enter_and_splice)
{
	const struct daemon_mode *mode = &daemon_modes[_i % DAEMON_RINGS];
	const char *relay = relays[_i / DAEMON_RINGS];
	bool splices = strcmp(relay, "splice") == 0 || strcmp(relay, "auto") == 0;
	struct system_calls calls = {0};
	struct traffic traffic;
	uint64_t bytes;

	if (!program_exists("strace"))
		SKIP_TEST("strace is not installed");
	if (!can_trace())
		SKIP_TEST("tracing a process is not permitted here");
	traffic_start(&traffic, mode, relay, NULL);
	trace(&traffic, &calls);
	bytes = least(&traffic);
	traffic_stop(&traffic);

	dprintf(STDOUT_FILENO,
		"%s, %s: %u io_uring_enter, %u splice, %u for pipes, %u for limits (%lu bytes)\n",
		mode->name, relay, calls.enter, calls.splice, calls.pipes, calls.limits,
		(unsigned long)bytes);
	ck_assert_msg(calls.other == 0, "%u other calls, the first: %s", calls.other,
		      calls.first_other);
	/* With a polling thread and always something to splice, the kernel need not be entered. */
	ck_assert_uint_gt(mode->sqpoll ? calls.enter + calls.splice : calls.enter, 0);
	if (splices)
		ck_assert_uint_gt(calls.splice, 0);
	else
		ck_assert_uint_eq(calls.splice, 0);
	/* A pipe is made when more are in use than ever before, not for each event. */
	ck_assert_uint_le(calls.pipes, splices ? 5 * 2 * TALKERS : 0);
	/* A direction's limit is set once, and lifted once. */
	ck_assert_uint_le(calls.limits, 2 * 2 * TALKERS);
}
END_TEST

/* ---- allocations and locks ---- */

static struct call_counts *counts_map(char *ret_path, size_t size)
{
	void *mapped;
	int fd;

	snprintf(ret_path, size, "%s/counts.XXXXXX", suite_dir());
	fd = mkstemp(ret_path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(struct call_counts)), 0);
	mapped = mmap(NULL, sizeof(struct call_counts), PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(mapped, MAP_FAILED);
	close(fd);
	return mapped;
}

START_TEST(a_worker_neither_allocates_nor_locks)
{
	const struct daemon_mode *mode = &daemon_modes[_i % DAEMON_RINGS];
	char library[4096], path[320], preload[4128], variable[352];
	const char *const environment[] = {preload, variable, NULL};
	const struct call_counts *counts;
	struct call_counts before, after;
	struct traffic traffic;
	uint64_t bytes;

	if (!release_file("tests/support/count_calls.so", library, sizeof(library)) ||
	    !release_use())
		SKIP_TEST("there is no release build beside the one being tested");
	counts = counts_map(path, sizeof(path));
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", library);
	snprintf(variable, sizeof(variable), "COUNT_CALLS=%s", path);
	traffic_start(&traffic, mode, relays[_i / DAEMON_RINGS], environment);

	bytes = least(&traffic);
	before = *counts;
	/* On a machine with other work it may be fewer. */
	(void)wait_until(least(&traffic) > bytes + 500 * MESSAGE, PEER_PATIENCE_MS);
	ck_assert_uint_gt(least(&traffic), bytes + MESSAGE);
	after = *counts;
	traffic_stop(&traffic);

	/* It does count: the worker took its buffers from the heap before that second. */
	ck_assert_uint_gt(before.main[CALL_ALLOCATE], 0);
	ck_assert_uint_gt(before.others[CALL_ALLOCATE], 0);
	for (int i = 0; i < CALL_COUNT; i++)
		ck_assert_uint_eq(after.others[i], before.others[i]);
}
END_TEST

SUITE_OF("daemon: data path", 60,
	 IN_EACH_STRATEGY(a_worker_calls_nothing_but_io_uring_enter_and_splice),
	 IN_EACH_STRATEGY(a_worker_neither_allocates_nor_locks))
