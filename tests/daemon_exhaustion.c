/* What the kernel runs out of: each shortage is a state that is named once in the log with its
 * remedy, is counted, is waited out and not spun through, and ends by itself when its cause does.
 */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/network.h"
#include "support/refusal.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"
#include "support/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char front[32];

static int connected(const char *to)
{
	int fd = peer_connect(to);

	assert_connected(fd);
	return fd;
}

static bool has_answer(int fd)
{
	return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 1;
}

/* In the one ring mode and the other by turns: what is refused is the same in both. */
static struct daemon *start_proxy(const struct daemon_mode *mode, const struct server *server,
				  struct refusal *refusal)
{
	struct daemon *daemon;
	char text[256];

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(text, sizeof(text), "[proxy p]\nlisten = %s\nserver = %s\nconnect_timeout = 60s\n",
		 front, server_address(server));
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = mode, .configuration = text, .refusal = refusal});
	daemon_wait_ready(daemon);
	return daemon;
}

/* ---- what is claimed of every state ---- */

/* Processor time of its own threads, in microseconds: a polling kernel thread spins on purpose. */
static int64_t own_cpu_us(struct daemon *daemon)
{
	pid_t threads[8] = {daemon_pid(daemon)};
	unsigned count = 1 + threads_of_workers(threads[0], threads + 1, 6);
	int64_t ns = 0;

	count += threads_named(threads[0], "log writer", threads + count, 1);
	for (unsigned i = 0; i < count; i++) {
		char *text = thread_file(daemon_pid(daemon), threads[i], "schedstat");

		ns += strtoll(text, NULL, 10);
		free(text);
	}
	return ns / 1000;
}

/* A share of one processor, which a thread that spins has all of. */
static void assert_rests(struct daemon *daemon, const char *state)
{
	int64_t cpu = own_cpu_us(daemon), began = clock_ms();
	double percent;

	sleep_ms(1000); /* what is measured is this time */
	percent = (double)(own_cpu_us(daemon) - cpu) / (double)(clock_ms() - began) / 10;
	dprintf(STDOUT_FILENO, "%s: %.1f %% of a CPU\n", state, percent);
	ck_assert_double_lt(percent, 20);
}

/* The value of a counter when it is asked for with SIGUSR2. */
static uint64_t counter_now(struct daemon *daemon, const char *name)
{
	unsigned before = daemon_log_count(daemon, "counters: accepted=");
	char key[64], *log, *line, *next, *found;
	uint64_t value;

	daemon_signal(daemon, SIGUSR2);
	ck_assert(wait_until(daemon_log_count(daemon, "counters: accepted=") > before,
			     PEER_PATIENCE_MS));
	log = daemon_log(daemon);
	for (line = log; (next = strstr(line + 1, "counters: accepted="));)
		line = next;
	snprintf(key, sizeof(key), " %s=", name);
	found = strstr(line, key);
	ck_assert_msg(found, "no counter %s", name);
	value = strtoull(found + strlen(key), NULL, 10);
	free(log);
	return value;
}

/* Like its lines: daemon_assert_lasts(). */
static void assert_counted_once(struct daemon *daemon, const char *name)
{
	uint64_t value = counter_now(daemon, name);

	ck_assert_uint_ge(value, 1);
	ck_assert_uint_le(value, DAEMON_SPELLS_MAX);
}

/* ---- what is asked for with system calls ---- */

struct shortage {
	int call, error;
	const char *cause, *remedy, *end, *counter;
};

static const struct shortage shortages[] = {
	{SYS_socket, EMFILE, "no file descriptors are left", "LimitNOFILE",
	 "there are file descriptors again", "paused_descriptors"},
	{SYS_socket, ENFILE, "no file descriptors are left", "fs.file-max",
	 "there are file descriptors again", "paused_descriptors"},
	{SYS_socket, ENOBUFS, "the kernel has no memory", "net.ipv4.tcp_mem",
	 "the kernel has memory again", "paused_memory"},
	{SYS_socket, ENOMEM, "the kernel has no memory", "memory limit of the unit",
	 "the kernel has memory again", "paused_memory"},
	{SYS_connect, ENOBUFS, "the kernel has no memory", "net.ipv4.tcp_mem",
	 "the kernel has memory again", "paused_memory"},
	{SYS_connect, EADDRNOTAVAIL, "no local port is free", "net.ipv4.ip_local_port_range",
	 "there are local ports to connect from again", "paused_ports"},
};
enum { SHORTAGES = sizeof(shortages) / sizeof(shortages[0]) };

START_TEST(a_shortage_met_while_connecting_is_waited_out)
{
	const struct shortage *shortage = &shortages[_i];
	struct refusal *refusal = refusal_new((const int[]){SYS_socket, SYS_connect, -1});
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = start_proxy(&daemon_modes[_i % DAEMON_RINGS], echo, refusal);
	char state[64];
	int waiting[3], before = connected(front);

	ck_assert(peer_echoes(before));
	refusal_set(refusal, shortage->call, shortage->error);
	for (int i = 0; i < 3; i++) {
		waiting[i] = connected(front);
		ck_assert_int_eq(peer_send_text(waiting[i], "x"), 0);
	}
	daemon_wait_log(daemon, shortage->cause);
	snprintf(state, sizeof(state), "%s: %s",
		 shortage->call == SYS_socket ? "socket" : "connect", strerror(shortage->error));
	assert_rests(daemon, state);
	ck_assert_uint_gt(refusal_count(refusal), 0);
	daemon_assert_lasts(daemon, shortage->cause, shortage->end);
	ck_assert(daemon_log_contains(daemon, shortage->remedy));
	ck_assert(daemon_log_contains(daemon, strerror(shortage->error)));
	assert_counted_once(daemon, shortage->counter);
	ck_assert(wait_until(counter_now(daemon, "connect_failed") >= 3, PEER_PATIENCE_MS));
	ck_assert(peer_echoes(before));

	for (int i = 0; i < 3; i++)
		ck_assert(!has_answer(waiting[i]));
	refusal_set(refusal, shortage->call, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert(wait_until(has_answer(waiting[i]), PEER_PATIENCE_MS));
		close(waiting[i]);
	}
	daemon_wait_log(daemon, shortage->end);
	close(before);
	daemon_stop(daemon);
	refusal_free(refusal);
	server_stop(echo);
}
END_TEST

/* What no waiting helps against ends the connection at once, and is the server's own state. */
START_TEST(a_connect_that_is_forbidden_is_explained_and_ends_with_its_cause)
{
	static const struct {
		int error;
		const char *said;
	} errors[] = {{EPERM, "a firewall rule or a security module forbids it"},
		      {ENETDOWN, "Network is down"}};
	int error = errors[_i].error;
	struct refusal *refusal = refusal_new((const int[]){SYS_connect, -1});
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = start_proxy(&daemon_modes[_i % DAEMON_RINGS], echo, refusal);
	int fd;

	refusal_set(refusal, SYS_connect, error);
	for (int i = 0; i < 3; i++) {
		fd = connected(front);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		close(fd);
	}
	ck_assert(daemon_log_contains(daemon, errors[_i].said));
	ck_assert_uint_eq(daemon_log_count(daemon, "warning: [proxy p] server"), 1);
	ck_assert_uint_eq(counter_now(daemon, "connect_failed"), 3);
	assert_rests(daemon, strerror(error));
	refusal_set(refusal, SYS_connect, 0);
	fd = connected(front);
	ck_assert(peer_echoes(fd));
	daemon_wait_log(daemon, "connected again after 3 failed attempts");
	close(fd);
	daemon_stop(daemon);
	refusal_free(refusal);
	server_stop(echo);
}
END_TEST

/* The ring takes no entries and gives no completions: nothing can go on, and nothing is lost. */
START_TEST(a_kernel_without_memory_for_requests_is_waited_out)
{
	static const int errors[] = {EAGAIN, EBUSY, ENOMEM};
	int error = errors[_i];
	struct refusal *refusal = refusal_new((const int[]){SYS_io_uring_enter, -1});
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = start_proxy(&daemon_modes[_i % DAEMON_RINGS], echo, refusal);
	int fd = connected(front), late;

	ck_assert(peer_echoes(fd));
	refusal_set(refusal, SYS_io_uring_enter, error);
	ck_assert_int_eq(peer_send_text(fd, "x"), 0);
	late = connected(front);
	ck_assert_int_eq(peer_send_text(late, "y"), 0);
	daemon_wait_log(daemon, "the kernel has no memory");
	assert_rests(daemon, strerror(error));
	daemon_assert_lasts(daemon, "the kernel has no memory", "the kernel has memory again");
	ck_assert(daemon_log_contains(daemon, strerror(error)));
	assert_counted_once(daemon, "paused_memory");

	refusal_set(refusal, SYS_io_uring_enter, 0);
	ck_assert(wait_until(has_answer(fd) && has_answer(late), PEER_PATIENCE_MS));
	daemon_wait_log(daemon, "the kernel has memory again");
	close(fd);
	close(late);
	daemon_stop(daemon);
	refusal_free(refusal);
	server_stop(echo);
}
END_TEST

/* ---- local ports ---- */

/* Four ports, and from each one connection to the server; clients come to either of two addresses,
 * so that they have ports left themselves. */
START_TEST(without_local_ports_connections_wait_for_one_of_the_others_to_end)
{
	enum { PORTS = 4, CLIENTS = 6 };
	struct daemon *daemon;
	struct server *echo;
	char fronts[2][32];
	int fds[CLIENTS];

	if (!network_own())
		SKIP_TEST("no network namespace may be made here");
	echo = server_start(NULL, server_echo, NULL);
	for (int i = 0; i < 2; i++)
		snprintf(fronts[i], sizeof(fronts[i]), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nlisten = %s\nserver = %s\n"
			      "connect_timeout = 60s\n",
			      fronts[0], fronts[1], server_address(echo));
	ck_assert(network_set("ip_local_port_range", "61000 61003"));
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connected(fronts[i % 2]);
		ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
		if (i < PORTS)
			ck_assert(wait_until(has_answer(fds[i]), PEER_PATIENCE_MS));
	}
	daemon_wait_log(daemon, "no local port is free to connect to a server from; widen "
				"net.ipv4.ip_local_port_range");
	assert_rests(daemon, "no local port");
	daemon_assert_lasts(daemon, "no local port is free",
			    "there are local ports to connect from again");
	assert_counted_once(daemon, "paused_ports");
	ck_assert(!has_answer(fds[PORTS]) && !has_answer(fds[PORTS + 1]));

	ck_assert(network_set("ip_local_port_range", "61000 61007"));
	for (int i = PORTS; i < CLIENTS; i++)
		ck_assert(wait_until(has_answer(fds[i]), PEER_PATIENCE_MS));
	daemon_wait_log(daemon, "there are local ports to connect from again");
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* ---- a listening socket that is none any more ---- */

static int passed_listener(void)
{
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	fd = peer_listen(front, 16);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct daemon *spawn_with(const struct daemon_mode *mode, int passed)
{
	return daemon_spawn(
		&(struct daemon_options){.mode = mode,
					 .configuration = "[echo]\nlisten = systemd:passed\n",
					 .inherited = (const int[]){passed, -1}});
}

/* Whoever passed the socket still has it, and may do to it what he likes. */
START_TEST(a_listener_shut_down_by_its_owner_is_tried_until_it_listens_again)
{
	int listener = passed_listener(), before, fd;
	struct daemon *daemon = spawn_with(&daemon_modes[_i], listener);

	daemon_wait_ready(daemon);
	before = connected(front);
	ck_assert(peer_echoes(before));
	ck_assert_int_eq(shutdown(listener, SHUT_RDWR), 0);
	daemon_wait_log(daemon, "accept fails");
	assert_rests(daemon, "accept on a socket that does not listen");
	ck_assert(daemon_log_contains(daemon, "does not listen any more"));
	ck_assert(daemon_log_contains(daemon, strerror(EINVAL)));
	daemon_assert_lasts(daemon, "accept fails", "accepting again");
	assert_counted_once(daemon, "paused_accepting");
	ck_assert(wait_until(counter_now(daemon, "accept_errors") > 1, PEER_PATIENCE_MS));
	ck_assert(peer_echoes(before));

	ck_assert_int_eq(listen(listener, 16), 0);
	fd = connected(front);
	ck_assert(peer_echoes(fd));
	daemon_wait_log(daemon, "accepting again");
	close(fd);
	close(before);
	daemon_stop(daemon);
	close(listener);
}
END_TEST

START_TEST(a_descriptor_that_cannot_listen_is_refused_at_start)
{
	int pair[2], fds[4];

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	fds[0] = pair[0];
	fds[1] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fds[2] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* not listening */
	fds[3] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 4; i++) {
		struct daemon *daemon = spawn_with(&daemon_modes[0], fds[i]);

		ck_assert_int_ne(daemon_wait_exit(daemon), 0);
		ck_assert(daemon_log_contains(daemon, "must pass listening stream sockets"));
		daemon_free(daemon);
		close(fds[i]);
	}
	close(pair[1]);
}
END_TEST

/* ---- queues ---- */

static bool raise_descriptors(rlim_t needed)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max >= needed;
}

/* As often as it began: so many clients may fill a queue when they come, too. */
static void assert_ended(struct daemon *daemon, const char *began, const char *ended)
{
	ck_assert_msg(wait_until(daemon_log_count(daemon, began) == daemon_log_count(daemon, ended),
				 PEER_PATIENCE_MS),
		      "\"%s\" does not end", began);
}

/* More connections than the completion queue has entries have something to say at once, since the
 * worker stands still while they say it; answering them takes more entries than there are to
 * submit. */
START_TEST(more_events_at_once_than_the_queues_hold_are_all_dealt_with)
{
	enum { CLIENTS = 10000 };
	static int fds[CLIENTS];
	struct daemon *daemon;
	pid_t worker;

	if (!raise_descriptors(CLIENTS + 1000))
		SKIP_TEST("RLIMIT_NOFILE is too low for %d connections", CLIENTS);
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i], "[log]\nlevel = info\n[echo]\nlisten = %s\n",
			      front);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = connected(front);
	ck_assert(peer_echoes(fds[CLIENTS - 1]));
	ck_assert_uint_eq(threads_of_workers(daemon_pid(daemon), &worker, 1), 1);
	if (!thread_hold(worker))
		SKIP_TEST("cannot hold a thread: %s", strerror(errno));
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
	sleep_ms(200); /* a polling thread goes on meanwhile */
	thread_let_go(worker);
	for (int i = 0; i < CLIENTS; i++) {
		char got[2];

		ck_assert_int_eq(peer_receive_text(fds[i], got, sizeof(got), "x"), 1);
	}
	daemon_wait_log(daemon, "the completion queue is full");
	daemon_wait_log(daemon, "the submission queue is full");
	assert_rests(daemon, "after the queues were full");
	assert_ended(daemon, "the completion queue is full", "the completion queue is long enough");
	assert_ended(daemon, "the submission queue is full", "the submission queue is long enough");
	ck_assert_uint_ge(counter_now(daemon, "overflows"), 1);
	ck_assert_uint_ge(counter_now(daemon, "queue_full"), 1);
	ck_assert(peer_echoes(fds[0]));
	for (int i = 0; i < CLIENTS; i++)
		peer_reset(fds[i]);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: exhaustion", 90, EACH(a_shortage_met_while_connecting_is_waited_out, SHORTAGES),
	 EACH(a_connect_that_is_forbidden_is_explained_and_ends_with_its_cause, 2),
	 EACH(a_kernel_without_memory_for_requests_is_waited_out, 3),
	 IN_BOTH_RINGS(without_local_ports_connections_wait_for_one_of_the_others_to_end),
	 IN_BOTH_RINGS(a_listener_shut_down_by_its_owner_is_tried_until_it_listens_again),
	 ONCE(a_descriptor_that_cannot_listen_is_refused_at_start),
	 IN_BOTH_RINGS(more_events_at_once_than_the_queues_hold_are_all_dealt_with))
