/* Many connections, in a row and at once, and nothing left of them afterwards. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct pair {
	char echo[32], proxy[32];
	struct daemon *daemon;
};

static void pair_start(struct pair *pair, int mode)
{
	snprintf(pair->echo, sizeof(pair->echo), "127.0.0.1:%u", port_reserve());
	snprintf(pair->proxy, sizeof(pair->proxy), "127.0.0.1:%u", port_reserve());
	pair->daemon = daemon_start(&daemon_modes[mode],
				    "[log]\nlevel = info\n"
				    "[echo]\nlisten = %s\n"
				    "[proxy front]\nlisten = %s\nserver = %s\n",
				    pair->echo, pair->proxy, pair->echo);
}

START_TEST(five_thousand_short_connections_leave_no_descriptor_behind)
{
	struct pair pair;
	unsigned before;

	pair_start(&pair, _i);
	before = daemon_open_fds(pair.daemon);
	for (int i = 0; i < 5000; i++) {
		int fd = peer_connect(pair.proxy);

		assert_connected(fd);
		ck_assert_msg(peer_echoes(fd), "connection %d does not echo", i);
		close(fd);
	}
	daemon_wait_fds(pair.daemon, before);
	daemon_signal(pair.daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(pair.daemon), 0);
	ck_assert_uint_eq(daemon_counter(pair.daemon, "accepted"), 2 * 5000);
	ck_assert_uint_eq(daemon_counter(pair.daemon, "closed"), 2 * 5000);
	daemon_stop(pair.daemon);
}
END_TEST

START_TEST(connections_reset_or_closed_before_a_byte_leave_nothing_behind)
{
	struct pair pair;
	unsigned before;
	int fd;

	pair_start(&pair, _i);
	before = daemon_open_fds(pair.daemon);
	for (int i = 0; i < 500; i++) {
		fd = peer_connect(i % 4 < 2 ? pair.proxy : pair.echo);
		assert_connected(fd);
		if (i % 2)
			peer_reset(fd);
		else
			close(fd);
	}
	fd = peer_connect(pair.proxy);
	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_wait_fds(pair.daemon, before);
	daemon_stop(pair.daemon);
}
END_TEST

/* Send until nobody takes any more. */
static void fill(int fd)
{
	static const char bytes[65536];
	int64_t until = clock_ms() + PEER_PATIENCE_MS;
	int idle = 0;

	while (idle < 20 && clock_ms() < until) {
		if (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			idle = 0;
		else
			sleep_ms(idle++ / 4);
	}
}

START_TEST(connections_full_in_both_directions_and_reset_from_both_sides_leave_nothing_behind)
{
	enum { PAIRS = 10 };
	char front[32], back[32];
	int clients[PAIRS], servers[PAIRS], listening;
	struct daemon *daemon;
	unsigned before;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(back, sizeof(back), "127.0.0.1:%u", port_reserve());
	listening = peer_listen(back, PAIRS);
	ck_assert_int_ge(listening, 0);
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s\nrelay = copy\n", front, back);
	before = daemon_open_fds(daemon);
	for (int i = 0; i < PAIRS; i++) {
		clients[i] = peer_connect(front);
		assert_connected(clients[i]);
		servers[i] = accept(listening, NULL, NULL);
		ck_assert_int_ge(servers[i], 0);
	}
	for (int i = 0; i < 3 * PAIRS; i++) {
		fill(clients[i % PAIRS]);
		fill(servers[i % PAIRS]);
	}
	daemon_signal(daemon, SIGSTOP);
	for (int i = 0; i < PAIRS; i++) {
		peer_reset(clients[i]);
		peer_reset(servers[i]);
	}
	daemon_signal(daemon, SIGCONT);
	daemon_wait_fds(daemon, before);
	close(listening);
	daemon_stop(daemon);
}
END_TEST

/* Each takes one descriptor here and, through the proxy to the echo, three in the daemon. */
static bool descriptors_suffice(unsigned idle)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max >= 3 * idle + 200;
}

START_TEST(two_thousand_idle_connections_all_still_work_and_leave_nothing_behind)
{
	enum { COUNT = 2000 };
	int *fds = calloc(COUNT, sizeof(*fds));
	struct pair pair;
	unsigned before;

	if (!descriptors_suffice(COUNT))
		SKIP_TEST("the hard limit of open files is under %d", 3 * COUNT + 200);
	pair_start(&pair, _i);
	before = daemon_open_fds(pair.daemon);
	for (int i = 0; i < COUNT; i++) {
		fds[i] = peer_connect(pair.proxy);
		assert_connected(fds[i]);
	}
	ck_assert(wait_until(daemon_open_fds(pair.daemon) >= before + 3 * COUNT, PEER_PATIENCE_MS));
	for (int i = 0; i < COUNT; i++)
		ck_assert_msg(peer_echoes(fds[i]), "connection %d does not echo", i);
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	daemon_wait_fds(pair.daemon, before);
	free(fds);
	daemon_stop(pair.daemon);
}
END_TEST

/* The first two crowds warm the memory up. */
START_TEST(memory_does_not_grow_from_one_crowd_to_the_next)
{
	enum { COUNT = 500, ROUNDS = 6 };
	size_t after_first = 0, after_last = 0;
	struct pair pair;
	unsigned before;
	int fds[COUNT];

	pair_start(&pair, _i);
	before = daemon_open_fds(pair.daemon);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < COUNT; i++) {
			fds[i] = peer_connect(pair.proxy);
			assert_connected(fds[i]);
			ck_assert(peer_echoes(fds[i]));
		}
		for (int i = 0; i < COUNT; i++)
			close(fds[i]);
		daemon_wait_fds(pair.daemon, before);
		after_last = daemon_resident(pair.daemon);
		if (round == 1)
			after_first = after_last;
	}
	ck_assert_msg(after_last < after_first + (1 << 20),
		      "%zu bytes resident after 2 crowds, %zu after %d", after_first, after_last,
		      ROUNDS);
	daemon_stop(pair.daemon);
}
END_TEST

static unsigned lines_in(const char *text, size_t size)
{
	unsigned lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	return lines;
}

/* More lines than the pipe holds; then nobody connects any more, and the reader comes back. */
START_TEST(access_log_lines_that_found_a_full_pipe_come_out_of_a_quiet_daemon)
{
	enum { CONNECTIONS = 200, PIPE = 4096 };
	char address[32], path[256], text[16384];
	unsigned lines = 0;
	struct daemon *daemon;
	int reader;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(path, sizeof(path), "%s/access-%d", suite_dir(), _i);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(reader, 0);
	ck_assert_int_eq(fcntl(reader, F_SETPIPE_SZ, PIPE), PIPE);
	daemon = daemon_start(&daemon_modes[_i], "[log]\naccess = %s\n[echo]\nlisten = %s\n", path,
			      address);
	for (int i = 0; i < CONNECTIONS; i++) {
		int fd = peer_connect(address);

		assert_connected(fd);
		ck_assert(peer_echoes(fd));
		shutdown(fd, SHUT_WR);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
		close(fd);
	}
	while (lines < CONNECTIONS) {
		struct pollfd poller = {.fd = reader, .events = POLLIN};
		ssize_t n;

		ck_assert_msg(poll(&poller, 1, PEER_PATIENCE_MS) == 1, "%u lines of %u came out",
			      lines, CONNECTIONS);
		n = read(reader, text, sizeof(text));
		ck_assert_int_gt(n, 0);
		lines += lines_in(text, (size_t)n);
	}
	ck_assert_uint_eq(lines, CONNECTIONS);
	daemon_stop(daemon);
	close(reader);
}
END_TEST

SUITE_OF(
	"daemon: connections", 120,
	IN_EVERY_WAY(five_thousand_short_connections_leave_no_descriptor_behind),
	IN_EVERY_WAY(connections_reset_or_closed_before_a_byte_leave_nothing_behind),
	IN_BOTH_RINGS(
		connections_full_in_both_directions_and_reset_from_both_sides_leave_nothing_behind),
	IN_BOTH_RINGS(two_thousand_idle_connections_all_still_work_and_leave_nothing_behind),
	IN_BOTH_RINGS(memory_does_not_grow_from_one_crowd_to_the_next),
	IN_BOTH_RINGS(access_log_lines_that_found_a_full_pipe_come_out_of_a_quiet_daemon))
