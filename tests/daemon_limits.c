/* Full is a state: it is said once, nothing is lost, and it ends when its cause does. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static char address[32], front[32];

static void reserve_addresses(void)
{
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
}

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

static unsigned answered(const int *fds, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += fds[i] >= 0 && has_answer(fds[i]);
	return n;
}

/* Close those who have their answer until all have had one; each has sent one byte. */
static void close_as_answered(int *fds, unsigned count)
{
	int64_t until = clock_ms() + PEER_PATIENCE_MS;
	unsigned left = count;

	while (left && clock_ms() < until) {
		for (unsigned i = 0; i < count; i++) {
			char got[2];

			if (fds[i] < 0 || !has_answer(fds[i]))
				continue;
			ck_assert_int_eq(peer_receive_text(fds[i], got, 2, NULL), 1);
			close(fds[i]);
			fds[i] = -1;
			left--;
		}
		sleep_ms(1);
	}
	ck_assert_msg(left == 0, "%u of %u were never answered", left, count);
}

START_TEST(at_max_connections_the_rest_wait_and_are_served_when_there_is_room)
{
	enum { LIMIT = 10, CLIENTS = 30 };
	struct daemon *daemon;
	int fds[CLIENTS];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "max_connections = %d\n"
			      "[echo]\nlisten = %s\n",
			      LIMIT, address);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connected(address);
		ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
	}
	ck_assert(wait_until(answered(fds, CLIENTS) >= LIMIT, PEER_PATIENCE_MS));
	daemon_wait_log(daemon, "paused");
	ck_assert_uint_eq(answered(fds, CLIENTS), LIMIT);
	ck_assert_uint_eq(daemon_log_count(daemon, "paused"), 1);
	ck_assert(daemon_log_contains(daemon, "max_connections"));
	close_as_answered(fds, CLIENTS);
	/* As often as it was paused, which may have been again meanwhile. */
	ck_assert(wait_until(daemon_log_count(daemon, "paused") ==
				     daemon_log_count(daemon, "accepting again"),
			     PEER_PATIENCE_MS));
	daemon_stop(daemon);
}
END_TEST

/* How the kernel spreads connections over workers decides how the limit is shared, so only what
 * holds for any spread is claimed. */
START_TEST(with_two_workers_everybody_is_served_in_the_end_too)
{
	enum { CLIENTS = 60 };
	struct daemon *daemon;
	int fds[CLIENTS];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i + DAEMON_RINGS],
			      "max_connections = 10\n"
			      "[echo]\nlisten = %s\n",
			      address);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connected(address);
		ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
	}
	daemon_wait_log(daemon, "paused");
	ck_assert(!wait_until(answered(fds, CLIENTS) > 10, 300));
	close_as_answered(fds, CLIENTS);
	daemon_wait_log(daemon, "accepting again");
	daemon_stop(daemon);
}
END_TEST

/* Each that goes makes room for one that waits: that is one state, unless the machine is very slow.
 */
START_TEST(at_the_limit_many_short_connections_are_told_in_few_lines)
{
	enum { ROUNDS = 200 };
	struct daemon *daemon;
	int first, second;

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i], "max_connections = 1\n[echo]\nlisten = %s\n",
			      address);
	first = connected(address);
	for (int i = 0; i < ROUNDS; i++) {
		second = connected(address);
		ck_assert(peer_echoes(first));
		close(first);
		first = second;
	}
	close(first);
	daemon_wait_log(daemon, "accepting again");
	ck_assert_uint_le(daemon_log_count(daemon, "paused accepting"), ROUNDS / 10);
	daemon_stop(daemon);
}
END_TEST

/* Somebody always waits for the full section; the other one is full for a while, too. */
START_TEST(a_section_that_is_full_holds_up_no_other)
{
	struct daemon *daemon;
	int full[2], others[4];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "max_connections = 4\n"
			      "[echo one]\nlisten = %s\nmax_connections = 1\n"
			      "[echo many]\nlisten = %s\n",
			      address, front);
	for (int i = 0; i < 2; i++)
		full[i] = connected(address);
	ck_assert(peer_echoes(full[0]));
	daemon_wait_log(daemon, "paused");
	for (int i = 0; i < 4; i++)
		others[i] = connected(front);
	for (int i = 0; i < 3; i++)
		ck_assert(peer_echoes(others[i]));
	close(others[0]);
	ck_assert(peer_echoes(others[3]));
	close(others[1]);
	others[0] = connected(front);
	ck_assert(peer_echoes(others[0]));
	for (int i = 0; i < 4; i++)
		if (i != 1)
			close(others[i]);
	close(full[0]);
	ck_assert(peer_echoes(full[1]));
	close(full[1]);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_proxy_at_the_limit_loses_nothing)
{
	enum { CLIENTS = 40 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	int fds[CLIENTS];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "max_connections = 4\n"
			      "[proxy p]\nlisten = %s\nserver = %s\n",
			      front, server_address(echo));
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connected(front);
		ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
	}
	daemon_wait_log(daemon, "paused");
	close_as_answered(fds, CLIENTS);
	ck_assert_uint_eq(server_accepted(echo), CLIENTS);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(with_few_descriptors_the_limit_is_what_they_allow_and_everybody_is_served)
{
	enum { CLIENTS = 200 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	bool chained = _i >= DAEMON_RINGS; /* another section is the server */
	char text[256];
	int fds[CLIENTS];

	reserve_addresses();
	snprintf(text, sizeof(text),
		 "[proxy p]\nlisten = %s\nserver = %s\n[proxy behind]\nlisten = %s\nserver = %s\n",
		 front, chained ? address : server_address(echo), address, server_address(echo));
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i % DAEMON_RINGS], .configuration = text, .nofile = 128});
	daemon_wait_ready(daemon);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connected(front);
		ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
	}
	daemon_wait_log(daemon, "paused");
	close_as_answered(fds, CLIENTS);
	ck_assert_uint_eq(server_accepted(echo), CLIENTS);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* Half as many then: 208 descriptors are not the daemon's own here. */
START_TEST(a_connection_through_two_sections_is_counted_with_the_descriptors_of_both)
{
	static const char *const says[] = {"continuing with 104 connections",
					   "continuing with 52 connections"};
	struct daemon *daemon;
	char text[256];

	for (int chained = 0; chained < 2; chained++) {
		reserve_addresses();
		snprintf(text, sizeof(text),
			 "max_connections = 1000\n[proxy p]\nlisten = %s\nserver = %s\n"
			 "[echo]\nlisten = %s\n",
			 front, chained ? address : black_hole_address(), address);
		daemon = daemon_spawn(&(struct daemon_options){
			.mode = &daemon_modes[_i], .configuration = text, .nofile = 300});
		daemon_wait_ready(daemon);
		ck_assert(daemon_log_contains(daemon, says[chained]));
		daemon_stop(daemon);
	}
}
END_TEST

/* A limit of this number leaves no descriptor to be had. */
static rlim_t lowest_free_fd(pid_t pid)
{
	char path[64];

	for (rlim_t fd = 0;; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%llu", pid, (unsigned long long)fd);
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return fd;
	}
}

static void set_soft_nofile(pid_t pid, rlim_t value)
{
	struct rlimit limit;

	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = value ? value : limit.rlim_max;
	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* An accept in the ring keeps the limit it was armed under, so it is first made to stop, which the
 * connection one too many does (it may be taken from the queue or not), and the limit is lowered
 * before accepting begins again.  Then nothing closes that would give a descriptor back: only time
 * can make it try again. */
START_TEST(out_of_descriptors_it_says_so_once_does_not_spin_and_recovers_by_itself)
{
	enum { KEPT, FIRST, SECOND, ONE_TOO_MANY, WAITING, COUNT };
	struct daemon *daemon;
	int fds[COUNT], fd;
	unsigned open_fds;
	rlim_t lowest;
	int64_t cpu;

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i], "max_connections = 3\n[echo]\nlisten = %s\n",
			      address);
	fd = connected(address);
	ck_assert(peer_echoes(fd)); /* by now all it opens to start is closed again */
	open_fds = daemon_open_fds(daemon);
	close(fd);
	daemon_wait_fds(daemon, open_fds - 1);
	lowest = lowest_free_fd(daemon_pid(daemon));

	for (int i = 0; i < COUNT; i++) {
		if (i == WAITING)
			daemon_wait_log(daemon, "max_connections is reached");
		fds[i] = connected(address);
		if (i < ONE_TOO_MANY)
			ck_assert(peer_echoes(fds[i]));
		else
			ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
	}
	set_soft_nofile(daemon_pid(daemon), lowest);
	close(fds[FIRST]);
	close(fds[SECOND]);
	daemon_wait_log(daemon, "Too many open files");
	ck_assert(peer_echoes(fds[KEPT]));

	if (!daemon_modes[_i].sqpoll) {
		cpu = daemon_cpu_ms(daemon);
		sleep_ms(1000); /* what is measured is this second */
		ck_assert_int_lt(daemon_cpu_ms(daemon) - cpu, 300);
	}
	daemon_assert_lasts(daemon, "Too many open files", "there are file descriptors again");
	ck_assert(!has_answer(fds[WAITING]));

	set_soft_nofile(daemon_pid(daemon), 0);
	ck_assert(wait_until(has_answer(fds[WAITING]), PEER_PATIENCE_MS));
	ck_assert(wait_until(has_answer(fds[ONE_TOO_MANY]), PEER_PATIENCE_MS));
	daemon_wait_log(daemon, "resumed");
	close(fds[KEPT]);
	close(fds[ONE_TOO_MANY]);
	close(fds[WAITING]);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_soft_limit_of_open_files_is_raised_to_the_hard_one)
{
	struct rlimit ours, its;
	struct daemon *daemon;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &ours), 0);
	ours.rlim_cur = ours.rlim_max / 2;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &ours), 0);
	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", address);
	ck_assert_int_eq(prlimit(daemon_pid(daemon), RLIMIT_NOFILE, NULL, &its), 0);
	ck_assert_uint_eq(its.rlim_cur, ours.rlim_max);
	daemon_stop(daemon);
}
END_TEST

/* Two hundred clients that read nothing while their server sends for all it is worth.  What
 * the kernel queues at both ends is kept small: hundreds of times megabytes reach net.ipv4.tcp_mem,
 * and then it drops what anybody here is sent, however fair the daemon is. */
struct stalled {
	struct server *flooder, *echo;
	struct daemon *daemon;
	int fds[200];
	size_t before;
};
enum { STALLED = 200 };

static void stall(struct stalled *stalled, const struct daemon_mode *mode,
		  const char *buffer_memory)
{
	reserve_addresses();
	*stalled = (struct stalled){
		.flooder = server_start(NULL, server_flood, NULL),
		.echo = server_start(NULL, server_echo, NULL),
	};
	stalled->daemon = daemon_start(mode,
				       "buffer_memory = %s\ndrain_timeout = 1s\n"
				       "[proxy flood]\nlisten = %s\nserver = %s\n"
				       "[proxy honest]\nlisten = %s\nserver = %s\n"
				       "relay = copy\n",
				       buffer_memory, front, server_address(stalled->flooder),
				       address, server_address(stalled->echo));
	stalled->before = daemon_resident(stalled->daemon);
	for (int i = 0; i < STALLED; i++) {
		stalled->fds[i] = peer_connect_small(front);
		assert_connected(stalled->fds[i]);
	}
	ck_assert(wait_until(answered(stalled->fds, STALLED) == STALLED, PEER_PATIENCE_MS));
}

static void stall_end(struct stalled *stalled)
{
	for (int i = 0; i < STALLED; i++)
		close(stalled->fds[i]);
	daemon_stop(stalled->daemon);
	server_stop(stalled->flooder);
	server_stop(stalled->echo);
}

static void assert_honest_transfer(uint64_t size)
{
	struct transfer honest = {.send = size,
				  .send_seed = 8,
				  .half_close = true,
				  .receive = PEER_UNTIL_THE_END,
				  .receive_seed = 8};
	int fd = connected(address);

	peer_transfer(fd, &honest);
	assert_transferred(&honest, size, PEER_FIN);
	close(fd);
}

START_TEST(clients_that_never_read_cost_a_bounded_memory_and_delay_nobody)
{
	struct stalled stalled;

	stall(&stalled, &daemon_modes[_i], "16M");
	assert_honest_transfer(16 << 20);
	ck_assert_msg(daemon_resident(stalled.daemon) < stalled.before + (32 << 20),
		      "%zu bytes resident before, %zu with the stalled", stalled.before,
		      daemon_resident(stalled.daemon));
	stall_end(&stalled);
}
END_TEST

/* The smallest stock there is has 64 buffers: a third of what those who never read could keep. */
START_TEST(more_clients_that_never_read_than_buffers_do_not_stop_the_others)
{
	struct stalled stalled;
	char end[8];
	int fds[2];

	stall(&stalled, &daemon_modes[_i], "1M");
	daemon_wait_log(stalled.daemon, "buffer_memory is all in use");
	for (int i = 0; i < 2; i++)
		fds[i] = connected(address);
	assert_honest_transfer(16 << 20);
	ck_assert(peer_echoes(fds[0]));
	/* An end is received, too. */
	shutdown(fds[0], SHUT_WR);
	ck_assert_int_eq(peer_receive_text(fds[0], end, sizeof(end), NULL), 0);
	peer_reset(fds[1]);
	daemon_wait_log(stalled.daemon, "the client reset the connection");
	close(fds[0]);
	stall_end(&stalled);
}
END_TEST

START_TEST(a_worker_has_64_buffers_at_least)
{
	struct daemon *daemon;
	int fd;

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "buffer_memory = 1M\nbuffer_size = 64K\n[echo]\nlisten = %s\n",
			      address);
	ck_assert(daemon_log_contains(
		daemon,
		":4: [global] buffer_memory: buffer_memory of 1024 KiB is 16 buffers of "
		"64 KiB for each of 1 worker: continuing with 64 for each, 4096 KiB in all; raise "
		"buffer_memory, or lower buffer_size or workers"));
	fd = connected(address);
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* ---- sections behind sections ---- */

enum { BEHIND_TCP, BEHIND_UNIX, BEHIND_SERVICE, BEHIND_COUNT };

/* A proxy on front; behind it another one, with the server, or a service. */
static struct daemon *start_chain(unsigned way, unsigned how, unsigned places,
				  const struct server *server)
{
	char between[128], behind[256];

	reserve_addresses();
	snprintf(between, sizeof(between), "127.0.0.1:%u", port_reserve());
	if (how == BEHIND_UNIX)
		snprintf(between, sizeof(between), "unix:%s/between", suite_dir());
	snprintf(behind, sizeof(behind), "[echo]\n");
	if (how != BEHIND_SERVICE)
		snprintf(behind, sizeof(behind), "[proxy b]\nserver = %s\n",
			 server_address(server));
	return daemon_start(&daemon_modes[way],
			    "max_connections = %u\n[proxy a]\nlisten = %s\nserver = %s\n"
			    "%slisten = %s\n",
			    places, front, between, behind, between);
}

/* Those who have all places would each wait for one more, if their hops were to wait, too. */
START_TEST(at_max_connections_who_goes_through_two_sections_is_served)
{
	enum { PLACES = 4, CLIENTS = 3 * PLACES, ROUNDS = 5 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon =
		start_chain((unsigned)_i / BEHIND_COUNT, (unsigned)_i % BEHIND_COUNT, PLACES, echo);

	for (int round = 0; round < ROUNDS; round++) {
		int fds[CLIENTS];

		for (int i = 0; i < CLIENTS; i++) {
			fds[i] = connected(front);
			ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
		}
		close_as_answered(fds, CLIENTS);
	}
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "refused"), 0);
	daemon_free(daemon);
	server_stop(echo);
}
END_TEST

/* Who has the place comes to the second section when another client waits there for one. */
START_TEST(a_hop_does_not_wait_behind_clients_who_wait_for_a_place)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	int first, other;

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "max_connections = 1\n"
			      "[proxy a]\nlisten = %s\nserver = %s\nserver = %s\n"
			      "connect_timeout = 500ms\n[proxy b]\nlisten = %s\nserver = %s\n",
			      front, black_hole_address(), address, address, server_address(echo));
	first = connected(front);
	sleep_ms(100); /* it has the place, and tries the server that does not answer */
	other = connected(address);
	daemon_wait_log(daemon, "max_connections is reached");
	ck_assert(peer_echoes(first));
	close(first);
	ck_assert(peer_echoes(other));
	close(other);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

SUITE_OF("daemon: limits", 60,
	 IN_BOTH_RINGS(at_max_connections_the_rest_wait_and_are_served_when_there_is_room),
	 IN_BOTH_RINGS(with_two_workers_everybody_is_served_in_the_end_too),
	 IN_BOTH_RINGS(at_the_limit_many_short_connections_are_told_in_few_lines),
	 IN_BOTH_RINGS(a_section_that_is_full_holds_up_no_other),
	 IN_EVERY_WAY(a_proxy_at_the_limit_loses_nothing),
	 EACH(at_max_connections_who_goes_through_two_sections_is_served,
	      DAEMON_WAYS *BEHIND_COUNT),
	 IN_BOTH_RINGS(a_hop_does_not_wait_behind_clients_who_wait_for_a_place),
	 EACH(with_few_descriptors_the_limit_is_what_they_allow_and_everybody_is_served,
	      2 * DAEMON_RINGS),
	 IN_BOTH_RINGS(a_connection_through_two_sections_is_counted_with_the_descriptors_of_both),
	 IN_BOTH_RINGS(out_of_descriptors_it_says_so_once_does_not_spin_and_recovers_by_itself),
	 IN_BOTH_RINGS(the_soft_limit_of_open_files_is_raised_to_the_hard_one),
	 IN_EVERY_WAY(clients_that_never_read_cost_a_bounded_memory_and_delay_nobody),
	 IN_BOTH_RINGS(a_worker_has_64_buffers_at_least),
	 IN_EVERY_WAY(more_clients_that_never_read_than_buffers_do_not_stop_the_others))
