/* Many clients wait for what is short: little is done for all of them, and each is served in the
 * end, or let go when its time is over. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/network.h"
#include "support/refusal.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WAITING = 100, MANY = 400, BACKLOG = 4, FEW = 30 };

static char front[64], back[128];
static int waiting[MANY];

static void reserve_addresses(void)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(back, sizeof(back), "unix:%s/back", suite_dir());
}

static void connect_so_many(int count)
{
	for (int i = 0; i < count; i++) {
		waiting[i] = peer_connect(front);
		assert_connected(waiting[i]);
	}
}

static void connect_all(void)
{
	connect_so_many(WAITING);
}

/* A counter when it is asked for with SIGUSR2. */
static uint64_t counter_now(struct daemon *daemon, const char *name)
{
	unsigned before = daemon_log_count(daemon, "counters: accepted=");
	char key[64], *log, *last = NULL, *found;
	uint64_t value;

	daemon_signal(daemon, SIGUSR2);
	ck_assert(wait_until(daemon_log_count(daemon, "counters: accepted=") > before,
			     PEER_PATIENCE_MS));
	log = daemon_log(daemon);
	for (found = log; (found = strstr(found, "counters: accepted=")); found++)
		last = found;
	snprintf(key, sizeof(key), "%s=", name);
	found = strstr(last, key);
	ck_assert_ptr_nonnull(found);
	value = strtoull(found + strlen(key), NULL, 10);
	free(log);
	return value;
}

/* Attempts in a second, of which each of them once made fifty; in more seconds where the machine
 * has other things to do. */
static void assert_few_attempts(struct daemon *daemon)
{
	uint64_t before, attempts;
	int64_t began;

	ck_assert(wait_until(counter_now(daemon, "accepted") >= WAITING, PEER_PATIENCE_MS));
	before = counter_now(daemon, "connect_failed");
	began = clock_ms();
	sleep_ms(1000);
	attempts = counter_now(daemon, "connect_failed") - before;
	ck_assert_uint_le(attempts, FEW * (uint64_t)(clock_ms() - began) / 1000);
}

/* ---- a backlog that is full ---- */

/* Somebody who listens and does not accept. */
static int listen_full(void)
{
	int fd;

	unlink(back + strlen("unix:")); /* a test that failed has left it */
	fd = peer_listen(back, BACKLOG);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Say something to all who come, until so many have. */
static void accept_all(int listener, unsigned count)
{
	while (count--) {
		struct pollfd ready = {.fd = listener, .events = POLLIN};
		int fd;

		ck_assert_int_eq(poll(&ready, 1, PEER_PATIENCE_MS), 1);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(peer_send_text(fd, "x"), 0);
		close(fd);
	}
}

static void assert_so_many_served(int count)
{
	for (int i = 0; i < count; i++) {
		char got[2];

		ck_assert_int_eq(peer_receive_text(waiting[i], got, sizeof(got), "x"), 1);
		close(waiting[i]);
	}
}

static void assert_all_served(void)
{
	assert_so_many_served(WAITING);
}

START_TEST(a_full_backlog_is_tried_for_all_who_wait_by_one_and_all_get_in)
{
	struct daemon *daemon;
	int listener;

	reserve_addresses();
	listener = listen_full();
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n"
			      "connect_timeout = 60s\n",
			      front, back);
	connect_all();
	assert_few_attempts(daemon);
	ck_assert(daemon_log_contains(daemon, "than its backlog holds"));
	accept_all(listener, WAITING);
	assert_all_served();
	ck_assert_uint_le(daemon_log_count(daemon, "[proxy p] server"), 4);
	daemon_stop(daemon);
	close(listener);
	unlink(back + strlen("unix:"));
}
END_TEST

START_TEST(who_waits_for_a_full_backlog_is_let_go_after_connect_timeout)
{
	struct daemon *daemon;
	int64_t began;
	int listener;

	reserve_addresses();
	listener = listen_full();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s\nconnect_timeout = 500ms\n",
			      front, back);
	began = clock_ms();
	connect_all();
	for (int i = BACKLOG + 1; i < WAITING; i++)
		ck_assert_int_eq(peer_wait_end(waiting[i], PEER_PATIENCE_MS), PEER_RST);
	ck_assert_int_ge(clock_ms() - began, 500);
	daemon_wait_log(daemon, "the server's backlog was full (connect_timeout = 500ms");
	for (int i = 0; i < WAITING; i++)
		close(waiting[i]);
	close(listener);
	unlink(back + strlen("unix:"));
	daemon_stop(daemon);
}
END_TEST

/* Nobody is turned away because the last server of a round is down, if another was only busy. */
START_TEST(a_busy_server_is_waited_for_though_another_one_is_dead)
{
	char refused[32];
	struct daemon *daemon;
	int listener;

	reserve_addresses();
	snprintf(refused, sizeof(refused), "127.0.0.1:%u", port_reserve());
	listener = listen_full();
	daemon = daemon_start(&daemon_modes[_i % DAEMON_RINGS],
			      "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n"
			      "server = %s\nconnect_timeout = 60s\n",
			      front, _i < DAEMON_RINGS ? back : refused,
			      _i < DAEMON_RINGS ? refused : back);
	connect_all();
	daemon_wait_log(daemon, "than its backlog holds");
	accept_all(listener, WAITING);
	assert_all_served();
	daemon_stop(daemon);
	close(listener);
	unlink(back + strlen("unix:"));
}
END_TEST

/* Of so many clients from the first one. */
static unsigned served_of(unsigned first, unsigned count)
{
	unsigned served = 0;

	for (unsigned i = first; i < first + count; i++)
		served += poll(&(struct pollfd){.fd = waiting[i], .events = POLLIN}, 1, 0) == 1;
	return served;
}

/* Each has a line then, and those in one try the other server, too. */
START_TEST(of_two_full_backlogs_either_one_that_empties_is_enough)
{
	char other[128];
	struct daemon *daemon;
	int listeners[2];

	reserve_addresses();
	snprintf(other, sizeof(other), "unix:%s/other", suite_dir());
	unlink(other + strlen("unix:"));
	listeners[0] = listen_full();
	listeners[1] = peer_listen(other, BACKLOG);
	ck_assert_int_ge(listeners[1], 0);
	daemon = daemon_start(&daemon_modes[0],
			      "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n"
			      "server = %s\nconnect_timeout = 60s\n",
			      front, back, other);
	connect_so_many(MANY);
	daemon_wait_log(daemon, "than its backlog holds");
	sleep_ms(1000);
	assert_few_attempts(daemon);
	accept_all(listeners[_i], MANY / 4);
	/* Who came first, but for those in the backlogs, and has tried for all, is still first. */
	ck_assert(wait_until(served_of(2 * (BACKLOG + 1), 20) >= 5, PEER_PATIENCE_MS));
	accept_all(listeners[_i], MANY - MANY / 4 - BACKLOG - 1);
	accept_all(listeners[!_i], BACKLOG + 1); /* what its backlog holds */
	assert_so_many_served(MANY);
	daemon_stop(daemon);
	for (int i = 0; i < 2; i++)
		close(listeners[i]);
	unlink(back + strlen("unix:"));
	unlink(other + strlen("unix:"));
}
END_TEST

/* ---- what is refused ---- */

static const struct {
	int call, error;
} refusals[] = {{SYS_socket, EMFILE},
		{SYS_socket, ENFILE},
		{SYS_socket, ENOBUFS},
		{SYS_connect, ENOMEM},
		{SYS_connect, EADDRNOTAVAIL}};
enum { REFUSALS = sizeof(refusals) / sizeof(refusals[0]) };

START_TEST(what_many_wait_for_is_tried_by_one_of_them_and_then_all_are_served)
{
	struct refusal *refusal = refusal_new((const int[]){SYS_socket, SYS_connect, -1});
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	char text[256];

	reserve_addresses();
	snprintf(text, sizeof(text),
		 "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n"
		 "connect_timeout = 60s\n",
		 front, server_address(echo));
	daemon = daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[_i % DAEMON_RINGS],
						       .configuration = text,
						       .refusal = refusal});
	daemon_wait_ready(daemon);
	refusal_set(refusal, refusals[_i].call, refusals[_i].error);
	connect_all();
	assert_few_attempts(daemon);
	daemon_assert_lasts(daemon, strerror(refusals[_i].error), "again (after");
	refusal_set(refusal, refusals[_i].call, 0);
	for (int i = 0; i < WAITING; i++) {
		ck_assert(peer_echoes(waiting[i]));
		close(waiting[i]);
	}
	daemon_wait_log(daemon, "again (after");
	daemon_stop(daemon);
	refusal_free(refusal);
	server_stop(echo);
}
END_TEST

/* Those who wait in two lines for two things must not each wait for the others to get on. */
START_TEST(who_lacks_one_thing_and_then_another_is_served_when_both_are_there)
{
	static const int errors[] = {EMFILE, ENOBUFS};
	struct refusal *refusal = refusal_new((const int[]){SYS_socket, -1});
	struct daemon *daemon;
	char text[512];
	int listener;

	reserve_addresses();
	listener = listen_full();
	snprintf(text, sizeof(text),
		 "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n"
		 "connect_timeout = 60s\n",
		 front, back);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[0], .configuration = text, .refusal = refusal});
	daemon_wait_ready(daemon);
	connect_so_many(MANY);
	daemon_wait_log(daemon, "than its backlog holds");
	refusal_set(refusal, SYS_socket, errors[_i]);
	daemon_wait_log(daemon, strerror(errors[_i]));
	sleep_ms(1000); /* they change the line */
	assert_few_attempts(daemon);
	refusal_set(refusal, SYS_socket, 0);
	accept_all(listener, MANY);
	assert_so_many_served(MANY);
	daemon_stop(daemon);
	refusal_free(refusal);
	close(listener);
	unlink(back + strlen("unix:"));
}
END_TEST

/* ---- ports, for real ---- */

START_TEST(a_port_that_comes_free_is_for_the_first_who_waits)
{
	enum { PORTS = 4 };
	struct server *echo;
	struct daemon *daemon;
	int holding[PORTS], fds[PORTS];

	if (!network_own())
		SKIP_TEST("no network namespace may be made here");
	echo = server_start(NULL, server_echo, NULL);
	snprintf(front, sizeof(front), "unix:%s/front", suite_dir());
	ck_assert(network_set("ip_local_port_range", "61000 61003"));
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n"
			      "connect_timeout = 60s\n",
			      front, server_address(echo));
	for (int i = 0; i < PORTS; i++) {
		holding[i] = peer_connect(front);
		ck_assert(peer_echoes(holding[i]));
	}
	for (int i = 0; i < PORTS; i++) {
		fds[i] = peer_connect(front);
		assert_connected(fds[i]);
		ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
	}
	daemon_wait_log(daemon, "no local port is free");
	for (int i = 0; i < PORTS; i++) {
		char got[2];

		/* In a unix stream no reset is seen by the other side, in TCP it is: the port is
		 * free at once when the server ends. */
		close(holding[i]);
		ck_assert_int_eq(peer_receive_text(fds[i], got, sizeof(got), "x"), 1);
	}
	for (int i = 0; i < PORTS; i++)
		close(fds[i]);
	ck_assert_uint_le(daemon_log_count(daemon, "no local port is free"), DAEMON_SPELLS_MAX);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

SUITE_OF("daemon: shortages", 90,
	 IN_BOTH_RINGS(a_full_backlog_is_tried_for_all_who_wait_by_one_and_all_get_in),
	 IN_BOTH_RINGS(who_waits_for_a_full_backlog_is_let_go_after_connect_timeout),
	 EACH(a_busy_server_is_waited_for_though_another_one_is_dead, 2 * DAEMON_RINGS),
	 EACH(of_two_full_backlogs_either_one_that_empties_is_enough, 2),
	 EACH(what_many_wait_for_is_tried_by_one_of_them_and_then_all_are_served, REFUSALS),
	 EACH(who_lacks_one_thing_and_then_another_is_served_when_both_are_there, 2),
	 IN_BOTH_RINGS(a_port_that_comes_free_is_for_the_first_who_waits))
