/* What connections cost: a ceiling for the busy, nothing but their record for the idle, and a share
 * for each worker. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/daemon_sockets.h"
#include "support/random_bytes.h"
#include "support/release.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"
#include "support/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MESSAGE = 8192,
	RECORD_MAX = 2048, /* bytes resident for a connection, well below any buffer */
};

/* ---- an echo for thousands, in a process of its own for the descriptors ---- */

struct echo {
	char address[32];
	pid_t pid;
};

static bool echo_once(int fd)
{
	char buffer[MESSAGE];
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	for (ssize_t at = 0, sent; at < n; at += sent)
		if ((sent = send(fd, buffer + at, (size_t)(n - at), MSG_NOSIGNAL)) < 0)
			return false;
	return n > 0;
}

static void __attribute__((noreturn)) echo_serve(int listener)
{
	int poller = epoll_create1(0);
	struct epoll_event ready[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	epoll_ctl(poller, EPOLL_CTL_ADD, listener,
		  &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
	for (;;) {
		int n = epoll_wait(poller, ready, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;

			if (fd == listener) {
				fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
				epoll_ctl(poller, EPOLL_CTL_ADD, fd,
					  &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
			} else if (!echo_once(fd)) {
				close(fd);
			}
		}
	}
}

static void echo_start(struct echo *echo)
{
	int listener;

	snprintf(echo->address, sizeof(echo->address), "127.0.0.1:%u", port_reserve());
	listener = peer_listen(echo->address, 4096);
	ck_assert_int_ge(listener, 0);
	echo->pid = fork();
	if (echo->pid == 0)
		echo_serve(listener);
	ck_assert_int_gt(echo->pid, 0);
	close(listener);
}

static void echo_stop(const struct echo *echo)
{
	kill(echo->pid, SIGKILL);
	waitpid(echo->pid, NULL, 0);
}

/* The echo and a daemon with a proxy before it. */
struct proxied {
	struct echo echo;
	struct daemon *daemon;
	char front[32];
};

static void proxied_start(struct proxied *proxied, const struct daemon_mode *mode,
			  const char *buffer_memory)
{
	echo_start(&proxied->echo);
	snprintf(proxied->front, sizeof(proxied->front), "127.0.0.1:%u", port_reserve());
	proxied->daemon = daemon_start(mode,
				       "buffer_memory = %s\n"
				       "[log]\nlevel = info\n"
				       "[proxy p]\nlisten = %s\nserver = %s\n",
				       buffer_memory, proxied->front, proxied->echo.address);
}

/* ---- clients by the thousand ---- */

struct client {
	int fd;
	uint32_t received;
};

/* False when this machine does not allow as many descriptors. */
static bool raise_descriptors(rlim_t needed)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max >= needed;
}

static void connect_all(struct client *clients, unsigned count, const char *address)
{
	for (unsigned i = 0; i < count; i++) {
		clients[i] = (struct client){.fd = peer_connect(address)};
		assert_connected(clients[i].fd);
		fcntl(clients[i].fd, F_SETFL, fcntl(clients[i].fd, F_GETFL) | O_NONBLOCK);
	}
}

static void close_all(struct client *clients, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(clients[i].fd);
}

static void send_to_all(struct client *clients, unsigned count, uint32_t size)
{
	char message[MESSAGE];

	for (unsigned i = 0; i < count; i++) {
		random_bytes(i, 0, message, size);
		clients[i].received = 0;
		ck_assert_int_eq(send(clients[i].fd, message, size, MSG_NOSIGNAL), size);
	}
}

/* True when it has all of its message back. */
static bool client_reads(struct client *client, unsigned index, uint32_t size)
{
	char buffer[MESSAGE];
	ssize_t n = recv(client->fd, buffer, size - client->received, 0);

	if (n < 0 && errno == EAGAIN)
		return false;
	ck_assert_msg(n > 0, "connection %u: %s", index, n ? strerror(errno) : "it was ended");
	ck_assert_uint_eq(random_bytes_match(index, client->received, buffer, (size_t)n), n);
	client->received += (uint32_t)n;
	return client->received == size;
}

/* Every client sends one message and reads it back, all at the same time. */
static void round_of_messages(struct client *clients, unsigned count, uint32_t size)
{
	int poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ready[64];
	unsigned done = 0;

	for (unsigned i = 0; i < count; i++)
		epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd,
			  &(struct epoll_event){.events = EPOLLIN, .data.u32 = i});
	send_to_all(clients, count, size);
	while (done < count) {
		int n = epoll_wait(poller, ready, 64, PEER_PATIENCE_MS);

		/* It is not begun anew after a stop: signal(7). */
		ck_assert_msg(n > 0 || (n < 0 && errno == EINTR), "%u of %u got nothing back",
			      count - done, count);
		for (int i = 0; i < n; i++) {
			unsigned index = ready[i].data.u32;

			done += client_reads(&clients[index], index, size);
		}
	}
	close(poller);
}

/* ---- */

START_TEST(buffer_memory_is_a_ceiling_for_5000_busy_connections)
{
	enum { CLIENTS = 5000 };
	static struct client clients[CLIENTS];
	size_t before, after;
	struct proxied proxied;
	struct daemon *daemon;

	if (!raise_descriptors(2 * CLIENTS + 2000))
		SKIP_TEST("RLIMIT_NOFILE is too low for %d connections", CLIENTS);
	if (!release_use())
		SKIP_TEST("there is no release build beside the one being tested");
	proxied_start(&proxied, &daemon_modes[_i], "2M");
	daemon = proxied.daemon;
	before = daemon_resident(daemon);
	connect_all(clients, CLIENTS, proxied.front);
	for (int i = 0; i < 3; i++)
		round_of_messages(clients, CLIENTS, MESSAGE);
	after = daemon_resident(daemon);
	close_all(clients, CLIENTS);
	echo_stop(&proxied.echo);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);

	dprintf(STDOUT_FILENO,
		"%s: %d busy connections with buffer_memory = 2M: %zu KiB, %lu times "
		"no buffer, %lu times paused\n",
		daemon_modes[_i].name, CLIENTS, (after - before) / 1024,
		(unsigned long)daemon_counter(daemon, "buffers_exhausted"),
		(unsigned long)daemon_counter(daemon, "paused_buffers"));
	ck_assert_uint_gt(daemon_counter(daemon, "buffers_exhausted"), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "accepted"), CLIENTS);
	ck_assert_uint_eq(daemon_counter(daemon, "refused"), 0);
	/* The buffers, and of each connection its record alone. */
	ck_assert_uint_lt(after - before, (2 << 20) + CLIENTS * RECORD_MAX);
	ck_assert_uint_eq(daemon_counter(daemon, "stale_completions"), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "buffers_missing"), 0);
	daemon_free(daemon);
}
END_TEST

/* A number of /proc/meminfo, in bytes. */
static size_t meminfo(const char *name)
{
	char *text = file_read("/proc/meminfo"), *found = strstr(text, name);
	size_t value = found ? strtoul(found + strlen(name) + 1, NULL, 10) * 1024 : 0;

	free(text);
	return value;
}

START_TEST(an_idle_connection_owns_no_buffer)
{
	enum { CLIENTS = 2000 };
	static struct client clients[CLIENTS];
	size_t resident, slab;
	struct proxied proxied;
	struct daemon *daemon;

	if (!raise_descriptors(2 * CLIENTS + 2000))
		SKIP_TEST("RLIMIT_NOFILE is too low for %d connections", CLIENTS);
	if (!release_use())
		SKIP_TEST("there is no release build beside the one being tested");
	proxied_start(&proxied, &daemon_modes[_i], "64M");
	daemon = proxied.daemon;
	resident = daemon_resident(daemon);
	slab = meminfo("Slab:");
	connect_all(clients, CLIENTS, proxied.front);
	/* Each has had a buffer, and gave it back. */
	for (unsigned i = 0; i < CLIENTS; i += 50)
		round_of_messages(clients + i, 50, 100);
	resident = daemon_resident(daemon) - resident;
	slab = meminfo("Slab:") - slab;
	dprintf(STDOUT_FILENO,
		"%s: an idle connection: %zu bytes resident, %zd of kernel slab (its four sockets; "
		"of the whole machine)\n",
		daemon_modes[_i].name, resident / CLIENTS, (ssize_t)slab / CLIENTS);
	ck_assert_uint_lt(resident / CLIENTS, RECORD_MAX);
	close_all(clients, CLIENTS);
	echo_stop(&proxied.echo);
	daemon_stop(daemon);
}
END_TEST

/* ---- what the kernel queues for those who do not read ---- */

/* Send until the other side is gone, and count what our kernel takes. */
static void pour(int fd, void *context)
{
	static const char bytes[65536];
	_Atomic uint64_t *poured = context;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){65536}, sizeof(int));
	while ((n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0)
		atomic_fetch_add(poured, (uint64_t)n);
	close(fd);
}

/* What it is once it has stood still for a while. */
static uint64_t settled(_Atomic uint64_t *count)
{
	uint64_t before = 0, now = 0;

	for (int quiet = 0; quiet<5; quiet = now> 0 && now == before ? quiet + 1 : 0) {
		before = now;
		usleep(100000);
		now = atomic_load(count);
	}
	return now;
}

/*
 * Left to themselves the kernel's buffers grow to 4 MiB and more on each side of the daemon
 * (tcp_wmem, tcp_rmem), 3.5 to 12 MiB a connection; what is measured here is 0.8 to 2.
 */
START_TEST(one_that_never_reads_does_not_make_the_kernel_queue_megabytes)
{
	enum { CLIENTS = 8 };
	static _Atomic uint64_t poured;
	struct server *server = server_start(NULL, pour, &poured);
	struct daemon *daemon;
	char front[32];
	int fds[CLIENTS];
	uint64_t each;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "drain_timeout = 1s\n[proxy]\nlisten = %s\nserver = %s\n", front,
			      server_address(server));
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = peer_connect(front);
		assert_connected(fds[i]);
	}
	each = settled(&poured) / CLIENTS;
	dprintf(STDOUT_FILENO, "%s: a client that reads nothing: %lu KiB under way\n",
		daemon_modes[_i].name, (unsigned long)each / 1024);
	ck_assert_uint_lt(each, 3 << 20);
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

/* With a small buffer of its own, as if that were another machine's memory. */
static int read_and_stop(const char *front, size_t bytes)
{
	static char ignored[65536];
	int fd = peer_connect(front);

	assert_connected(fd);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){65536}, sizeof(int)), 0);
	for (ssize_t n; bytes > 0; bytes -= (size_t)n < bytes ? (size_t)n : bytes) {
		n = recv(fd, ignored, sizeof(ignored), 0);
		ck_assert_int_gt(n, 0);
	}
	return fd;
}

/* What the kernel has not sent yet, the most of any socket; of how many, none of them closed. */
static int most_unsent(struct daemon *daemon, int sockets)
{
	int fds[64], unsent, most = 0, count = daemon_connected_sockets(daemon, fds, 64);

	if (count < 0)
		return -1;
	ck_assert_int_eq(count, sockets);
	for (int i = 0; i < count; i++) {
		ck_assert_int_eq(ioctl(fds[i], SIOCOUTQNSD, &unsent), 0);
		most = unsent > most ? unsent : most;
		close(fds[i]);
	}
	return most;
}

START_TEST(nor_does_one_that_stops_after_it_has_read_much)
{
	enum { CLIENTS = 8, READ = 20 << 20, LIMIT = 2 << 20, PIECE = 256 << 10 };
	static const char *const relays[] = {"auto", "copy", "splice"};
	static _Atomic uint64_t poured;
	struct server *server = server_start(NULL, pour, &poured);
	struct daemon *daemon;
	char front[32];
	int fds[CLIENTS], unsent;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[0],
			      "drain_timeout = 1s\n[proxy]\nlisten = %s\nserver = %s\nrelay = %s\n",
			      front, server_address(server), relays[_i]);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = read_and_stop(front, READ);
	(void)settled(&poured);
	unsent = most_unsent(daemon, 2 * CLIENTS);
	dprintf(STDOUT_FILENO, "%s: stopped after 20 MiB: %lu KiB under way, %d unsent at most\n",
		relays[_i],
		(unsigned long)(atomic_load(&poured) - (uint64_t)CLIENTS * READ) / CLIENTS / 1024,
		unsent / 1024);
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	daemon_stop(daemon);
	server_stop(server);
	if (unsent < 0)
		SKIP_TEST("the daemon's descriptors cannot be copied (pidfd_getfd)");
	ck_assert_int_lt(unsent, LIMIT + PIECE);
}
END_TEST

/* The processor time of each of the two workers, in nanoseconds. */
static void worker_times(pid_t pid, int64_t *ret_ns)
{
	pid_t threads[2];

	ck_assert_uint_eq(threads_of_workers(pid, threads, 2), 2);
	for (int i = 0; i < 2; i++) {
		char *text = thread_file(pid, threads[i], "schedstat");

		ret_ns[i] = strtoll(text, NULL, 10);
		free(text);
	}
}

START_TEST(a_thousand_connections_are_all_served_and_each_of_two_workers_has_its_share)
{
	enum { CLIENTS = 1000 };
	static struct client clients[CLIENTS];
	int64_t before[2], after[2], used[2];
	struct proxied proxied;
	struct daemon *daemon;

	if (!raise_descriptors(2 * CLIENTS + 2000))
		SKIP_TEST("RLIMIT_NOFILE is too low for %d connections", CLIENTS);
	proxied_start(&proxied, &daemon_modes[_i + DAEMON_RINGS], "64M");
	daemon = proxied.daemon;
	connect_all(clients, CLIENTS, proxied.front);
	round_of_messages(clients, CLIENTS, 100);
	worker_times(daemon_pid(daemon), before);
	for (int i = 0; i < 5; i++)
		round_of_messages(clients, CLIENTS, 100);
	worker_times(daemon_pid(daemon), after);
	for (int i = 0; i < 2; i++)
		used[i] = after[i] - before[i];
	dprintf(STDOUT_FILENO, "%s: 6000 messages over 1000 connections: %ld and %ld ms\n",
		daemon_modes[_i + DAEMON_RINGS].name, (long)used[0] / 1000000,
		(long)used[1] / 1000000);
	/* With no connection at all a worker would sleep. */
	for (int i = 0; i < 2; i++)
		ck_assert_int_gt(used[i], used[!i] / 4);
	close_all(clients, CLIENTS);
	echo_stop(&proxied.echo);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: memory", 60, IN_BOTH_RINGS(buffer_memory_is_a_ceiling_for_5000_busy_connections),
	 IN_BOTH_RINGS(an_idle_connection_owns_no_buffer),
	 IN_EVERY_WAY(one_that_never_reads_does_not_make_the_kernel_queue_megabytes),
	 EACH(nor_does_one_that_stops_after_it_has_read_much, 3),
	 IN_BOTH_RINGS(a_thousand_connections_are_all_served_and_each_of_two_workers_has_its_share))
