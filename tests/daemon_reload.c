/* A configuration in place of another: the addresses where the daemon listens. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/network.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKETS_MAX 8
#define GRACE_MS    1000 /* that a removed address goes on */
#define SOON_MS     15000

static char one[32], two[32], three[32], path[210], pathname[200];

static void find_places(void)
{
	snprintf(one, sizeof(one), "127.0.0.1:%u", port_reserve());
	snprintf(two, sizeof(two), "127.0.0.1:%u", port_reserve());
	snprintf(three, sizeof(three), "127.0.0.1:%u", port_reserve());
	snprintf(pathname, sizeof(pathname), "%s/%d.sock", suite_dir(), getpid());
	snprintf(path, sizeof(path), "unix:%s", pathname);
}

static bool is_served(const char *address)
{
	int fd = peer_connect(address);
	bool served = fd >= 0 && peer_echoes(fd);

	if (fd >= 0)
		close(fd);
	return served;
}

static bool is_refused(const char *address)
{
	int fd = peer_connect(address);

	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED || fd == -ENOENT;
}

static int held(const char *address)
{
	int fd = peer_connect(address);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	return fd;
}

static void expect_held(int fd)
{
	ck_assert(peer_echoes(fd));
	close(fd);
}

/* ---- One client after the other, all the time ------------------------------------------------ */

struct steady {
	const char *address;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic unsigned served, failed;
};

static void *come_and_go(void *argument)
{
	struct steady *steady = argument;

	while (!steady->stop)
		if (is_served(steady->address))
			steady->served++;
		else
			steady->failed++;
	return NULL;
}

static void steady_start(struct steady *steady, const char *address)
{
	*steady = (struct steady){.address = address};
	ck_assert_int_eq(pthread_create(&steady->thread, NULL, come_and_go, steady), 0);
}

/* Until some more have been served, since what has just been done. */
static void steady_go_on(struct steady *steady)
{
	unsigned before = steady->served + steady->failed;

	ck_assert(wait_until(steady->served + steady->failed >= before + 5, SOON_MS));
}

static void steady_stop(struct steady *steady)
{
	steady_go_on(steady);
	steady->stop = true;
	pthread_join(steady->thread, NULL);
	ck_assert_uint_eq(steady->failed, 0);
}

/* ---- Addresses that stay, come and go -------------------------------------------------------- */

struct sockets {
	unsigned long inodes[SOCKETS_MAX];
	unsigned count;
};

static struct sockets sockets_of(const char *address)
{
	struct sockets sockets = {.count = 0};

	sockets.count = edition_sockets(address, sockets.inodes, SOCKETS_MAX);
	return sockets;
}

static bool is_same(const char *address, const struct sockets *before)
{
	struct sockets now = sockets_of(address);

	return now.count == before->count &&
	       !memcmp(now.inodes, before->inodes, now.count * sizeof(now.inodes[0]));
}

/* The kernel's list may pass over one while others come and go. */
static void expect_same(const char *address, const struct sockets *before)
{
	ck_assert_uint_gt(before->count, 0);
	ck_assert(wait_until(is_same(address, before), SOON_MS));
}

START_TEST(an_address_that_stays_keeps_its_very_sockets)
{
	const struct daemon_mode *mode = &daemon_modes[_i];
	struct sockets before[2];
	struct daemon *daemon;
	struct steady steady;
	unsigned open;

	find_places();
	daemon = edition_start(mode, "[echo a]\nlisten = %s\nlisten = %s\n", one, path);
	before[0] = sockets_of(one);
	before[1] = sockets_of(path);
	ck_assert_uint_eq(before[0].count, mode->workers);
	open = daemon_open_fds(daemon);
	steady_start(&steady, one);
	for (int i = 0; i < 5; i++) {
		edition_adopt("[echo %s]\nlisten = %s\nlisten = %s\nbacklog = %d\nkeepalive = %s\n",
			      i % 2 ? "a" : "b", one, path, 100 + i, i % 2 ? "30s" : "off");
		expect_same(one, &before[0]);
		expect_same(path, &before[1]);
		ck_assert(is_served(path));
		steady_go_on(&steady);
	}
	steady_stop(&steady);
	edition_await_last();
	daemon_wait_fds(daemon, open);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_removed_address_goes_on_for_its_grace_and_then_refuses)
{
	struct daemon *daemon;
	int64_t asked;
	int old, late;

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\nlisten = %s\n", one, two);
	old = held(two);
	asked = clock_ms();
	edition_adopt("[echo]\nlisten = %s\n", one);
	late = peer_connect(two);
	if (clock_ms() - asked < GRACE_MS) {
		assert_connected(late);
		ck_assert(peer_echoes(late));
	}
	ck_assert(edition_answered("\"[echo] listen "));
	ck_assert(wait_until(is_refused(two), SOON_MS));
	ck_assert_int_ge(clock_ms() - asked, GRACE_MS);
	ck_assert(!daemon_log_contains(daemon, "edition 1 has ended"));
	ck_assert(is_served(one));
	if (late >= 0)
		expect_held(late);
	expect_held(old);
	daemon_wait_log(daemon, "edition 1 has ended");
	edition_await_last();
	daemon_stop(daemon);
}
END_TEST

START_TEST(whoever_waits_at_a_removed_address_is_served)
{
	struct daemon *daemon;
	int served, waiting;

	find_places();
	daemon = edition_start(&daemon_modes[_i],
			       "[echo a]\nlisten = %s\nmax_connections = 1\n"
			       "[echo b]\nlisten = %s\n",
			       one, two);
	served = held(one);
	waiting = peer_connect(one);
	assert_connected(waiting);
	daemon_wait_log(daemon, "[echo a]: max_connections is reached");
	edition_adopt("[echo b]\nlisten = %s\n", two);
	ck_assert(wait_until(is_refused(one), SOON_MS));
	expect_held(served);
	expect_held(waiting);
	edition_await_last();
	daemon_stop(daemon);
}
END_TEST

START_TEST(an_address_that_comes_back_in_its_grace_is_the_same)
{
	struct sockets before;
	struct daemon *daemon;
	struct steady steady;

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\nlisten = %s\n", one, two);
	before = sockets_of(two);
	steady_start(&steady, two);
	for (int i = 0; i < 3; i++) {
		int64_t asked = clock_ms();

		edition_adopt("[echo]\nlisten = %s\n", one);
		edition_adopt("[echo]\nlisten = %s\nlisten = %s\n", one, two);
		if (clock_ms() - asked < GRACE_MS)
			expect_same(two, &before);
		else
			before = sockets_of(two); /* this machine is too slow to tell */
	}
	sleep_ms(GRACE_MS * 3 / 2);
	steady_stop(&steady);
	edition_await_last();
	daemon_stop(daemon);
}
END_TEST

/* What a reload that fails had claimed is as it was: there, and on its way out. */
START_TEST(a_reload_that_fails_keeps_no_removed_address)
{
	char blocked[32];
	struct daemon *daemon;
	int blocker;

	find_places();
	snprintf(blocked, sizeof(blocked), "127.0.0.1:%u", port_reserve());
	blocker = peer_listen(blocked, 1);
	ck_assert_int_ge(blocker, 0);
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\nlisten = %s\n", one, two);
	for (int i = 0; i < 2; i++) {
		edition_adopt("[echo]\nlisten = %s\n", one);
		edition_refuse(blocked, "[echo]\nlisten = %s\nlisten = %s\nlisten = %s\n", one, two,
			       blocked);
		edition_adopt("[echo]\nlisten = %s\n", one);
		ck_assert(wait_until(is_refused(two), SOON_MS));
		edition_await_last();
		edition_adopt("[echo]\nlisten = %s\nlisten = %s\n", one, two);
		edition_adopt("[echo]\nlisten = %s\n", one);
		edition_refuse(blocked, "[echo]\nlisten = %s\nlisten = %s\nlisten = %s\n", one, two,
			       blocked);
		edition_adopt("[echo]\nlisten = %s\nlisten = %s\n", one, two);
		ck_assert(is_served(two));
	}
	daemon_stop(daemon);
	close(blocker);
}
END_TEST

START_TEST(an_address_in_use_is_a_mistake_and_nothing_changes)
{
	struct sockets before;
	struct daemon *daemon;
	int blocker;

	find_places();
	blocker = peer_listen(three, 1);
	ck_assert_int_ge(blocker, 0);
	daemon = edition_start(&daemon_modes[_i], "[echo a]\nlisten = %s\n", one);
	before = sockets_of(one);
	for (int i = 0; i < 3; i++) {
		edition_refuse("Address already in use",
			       "[responder b]\nlisten = %s\nlisten = %s\n[echo c]\nlisten = %s\n"
			       "listen = %s\n",
			       one, two, path, three);
		ck_assert_uint_eq(edition_answered("\"file\": "), 1);
		ck_assert(edition_answered("[echo c] listen: cannot listen on"));
		ck_assert(edition_answered("\"line\": "));
		ck_assert(edition_answered(daemon_configuration_path(daemon)));
		expect_same(one, &before);
		ck_assert(is_served(one));
		ck_assert(is_refused(two));
		ck_assert_int_ne(access(pathname, F_OK), 0);
		ck_assert_int_eq(edition_status("edition"), 1);
	}
	close(blocker);
	edition_adopt("[echo c]\nlisten = %s\nlisten = %s\nlisten = %s\nlisten = %s\n", one, two,
		      three, path);
	ck_assert(is_served(one) && is_served(two) && is_served(three) && is_served(path));
	expect_same(one, &before);
	daemon_stop(daemon);
}
END_TEST

/* ---- Unix paths ------------------------------------------------------------------------------ */

static unsigned mode_of(const char *file)
{
	struct stat status;

	return stat(file, &status) < 0 ? 0 : status.st_mode & 07777;
}

START_TEST(a_unix_path_gets_another_mode_and_goes_when_it_is_removed)
{
	struct sockets before;
	struct daemon *daemon;
	int old;

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\nlisten = %s mode=0600\n",
			       one, path);
	ck_assert_uint_eq(mode_of(pathname), 0600);
	before = sockets_of(path);
	edition_adopt("[echo]\nlisten = %s\nlisten = %s mode=0666\n", one, path);
	ck_assert_uint_eq(mode_of(pathname), 0666);
	expect_same(path, &before);
	edition_refuse("[echo] max_connections",
		       "[echo]\nlisten = %s\nlisten = %s mode=0640\n"
		       "max_connections = many\n",
		       one, path);
	ck_assert_uint_eq(mode_of(pathname), 0666);
	old = held(path);
	edition_adopt("[echo]\nlisten = %s\n", one);
	ck_assert(wait_until(access(pathname, F_OK) < 0, SOON_MS));
	expect_held(old);
	edition_await_last();
	edition_adopt("[echo]\nlisten = %s\nlisten = %s\n", one, path);
	ck_assert(is_served(path));
	/* Somebody has cleared the directory: it is made again, and stays. */
	ck_assert_int_eq(unlink(pathname), 0);
	edition_adopt("[echo]\nlisten = %s\nlisten = %s mode=0600\n", one, path);
	ck_assert(is_served(path));
	edition_await_last();
	sleep_ms(GRACE_MS / 2);
	ck_assert(is_served(path));
	daemon_stop(daemon);
	ck_assert_int_ne(access(pathname, F_OK), 0);
}
END_TEST

/* ---- From one to the other ------------------------------------------------------------------- */

/* No client at that address notices. */
START_TEST(an_address_follows_the_wildcard_and_the_other_way_round)
{
	unsigned port = port_reserve();
	struct daemon *daemon;
	struct steady steady;
	char text[32];

	find_places();
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = 0.0.0.0:%u\n", port);
	steady_start(&steady, text);
	edition_adopt("[echo other]\nlisten = %s\n", text);
	steady_go_on(&steady);
	edition_await_last();
	steady_go_on(&steady);
	edition_adopt("[echo]\nlisten = 0.0.0.0:%u\n", port);
	steady_go_on(&steady);
	edition_await_last();
	steady_stop(&steady);
	daemon_stop(daemon);
}
END_TEST

static char first_word[] = "first", second_word[] = "second", server_word[] = "server";

static void say(int fd, void *context)
{
	(void)peer_send_text(fd, context);
	close(fd);
}

static bool says(const char *address, const char *expected)
{
	char text[20] = "";
	int fd = peer_connect(address);

	if (fd < 0)
		return false;
	(void)peer_receive_text(fd, text, sizeof(text), NULL);
	close(fd);
	return !strcmp(text, expected);
}

START_TEST(two_sections_swap_their_addresses)
{
	struct server *first = server_start(NULL, say, first_word);
	struct server *second = server_start(NULL, say, second_word);
	struct sockets before[2];
	struct daemon *daemon;

	find_places();
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy first]\nlisten = %s\nserver = %s\n"
			       "[proxy second]\nlisten = %s\nserver = %s\n",
			       one, server_address(first), two, server_address(second));
	before[0] = sockets_of(one);
	before[1] = sockets_of(two);
	for (int i = 0; i < 4; i++) {
		ck_assert(says(i % 2 ? two : one, "first"));
		ck_assert(says(i % 2 ? one : two, "second"));
		edition_adopt("[proxy first]\nlisten = %s\nserver = %s\n"
			      "[proxy second]\nlisten = %s\nserver = %s\n",
			      i % 2 ? one : two, server_address(first), i % 2 ? two : one,
			      server_address(second));
		expect_same(one, &before[0]);
		expect_same(two, &before[1]);
	}
	edition_await_last();
	daemon_stop(daemon);
	server_stop(first);
	server_stop(second);
}
END_TEST

START_TEST(a_section_becomes_one_of_another_kind)
{
	struct server *server = server_start(NULL, say, server_word);
	struct sockets before;
	struct daemon *daemon;
	int echo, asker;
	char text[400];

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo x]\nlisten = %s\n", one);
	before = sockets_of(one);
	echo = held(one);
	edition_adopt("[proxy x]\nlisten = %s\nserver = %s\n", one, server_address(server));
	ck_assert(says(one, "server"));
	ck_assert(peer_echoes(echo));
	edition_adopt("[responder x]\nlisten = %s\nsize = 3\n", one);
	asker = peer_connect(one);
	assert_connected(asker);
	ck_assert_int_eq(peer_send_text(asker, "GET / HTTP/1.0\r\n\r\n"), 0);
	ck_assert_int_gt(peer_receive_text(asker, text, sizeof(text), NULL), 0);
	ck_assert_msg(strstr(text, "200 OK"), "%s", text);
	close(asker);
	edition_adopt("[echo x]\nlisten = %s\n", one);
	ck_assert(is_served(one));
	expect_same(one, &before);
	expect_held(echo);
	edition_await_last();
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

/* ---- Addresses that are not there yet, and names --------------------------------------------- */

START_TEST(an_address_that_is_not_there_yet_is_named_and_comes_later)
{
	struct daemon *daemon;

	if (!network_own())
		SKIP_TEST("cannot have a network of its own");
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = 127.0.0.1:7\n");
	edition_adopt("[echo]\nlisten = 127.0.0.1:7\nlisten = 192.0.2.7:7\n");
	ck_assert(edition_answered("not listening on 192.0.2.7:7"));
	ck_assert_int_eq(edition_status("addresses_missing"), 1);
	ck_assert(is_served("127.0.0.1:7"));
	edition_adopt("[echo]\nlisten = 127.0.0.1:7\nlisten = 192.0.2.7:7\nkeepalive = 1min\n");
	ck_assert(edition_answered("not listening on 192.0.2.7:7"));
	ck_assert_int_eq(system("ip address add 192.0.2.7/32 dev lo"), 0);
	ck_assert(wait_until(is_served("192.0.2.7:7"), SOON_MS));
	ck_assert_int_eq(edition_status("addresses_missing"), 0);
	edition_adopt("[echo]\nlisten = 127.0.0.1:7\nlisten = 192.0.2.7:7\n");
	ck_assert(!edition_answered("192.0.2.7"));
	/* Gone from the machine, and from the file: what listens there is closed. */
	edition_adopt("[echo]\nlisten = 127.0.0.1:7\n");
	ck_assert(wait_until(is_refused("192.0.2.7:7"), SOON_MS));
	edition_await_last();
	daemon_stop(daemon);
}
END_TEST

/* ---- What the service manager passed --------------------------------------------------------- */

START_TEST(sockets_of_the_service_manager_are_kept)
{
	int passed[2] = {-1, -1}, old;
	struct sockets before;
	struct daemon *daemon;
	struct steady steady;

	find_places();
	passed[0] = peer_listen(one, 16);
	ck_assert_int_ge(passed[0], 0);
	daemon = edition_start_with(
		&(struct daemon_options){.mode = &daemon_modes[_i], .inherited = passed},
		"[echo]\nlisten = systemd:passed\n");
	before = sockets_of(one);
	steady_start(&steady, one);
	old = held(one);
	for (int i = 0; i < 3; i++) {
		edition_adopt("[echo]\nlisten = systemd:passed\nidle_timeout = %dmin\n", i + 1);
		expect_same(one, &before);
		steady_go_on(&steady);
	}
	edition_adopt("[echo other]\nlisten = systemd:passed\nlisten = %s\n", two);
	steady_stop(&steady);
	expect_held(old);
	edition_await_last();
	/* It may be left out, and come back: it is the service manager's. */
	edition_adopt("[echo other]\nlisten = %s\n", two);
	edition_await_last();
	edition_adopt("[echo]\nlisten = systemd:passed\n");
	ck_assert(is_served(one));
	expect_same(one, &before);
	daemon_stop(daemon);
	close(passed[0]);
}
END_TEST

SUITE_OF("daemon: reload", 90, IN_EACH_MODE(an_address_that_stays_keeps_its_very_sockets),
	 IN_EACH_MODE(a_removed_address_goes_on_for_its_grace_and_then_refuses),
	 IN_BOTH_RINGS(whoever_waits_at_a_removed_address_is_served),
	 IN_BOTH_RINGS(an_address_that_comes_back_in_its_grace_is_the_same),
	 IN_BOTH_RINGS(a_reload_that_fails_keeps_no_removed_address),
	 IN_EACH_MODE(an_address_in_use_is_a_mistake_and_nothing_changes),
	 IN_EACH_MODE(a_unix_path_gets_another_mode_and_goes_when_it_is_removed),
	 IN_EACH_MODE(an_address_follows_the_wildcard_and_the_other_way_round),
	 IN_EACH_MODE(two_sections_swap_their_addresses),
	 IN_BOTH_RINGS(a_section_becomes_one_of_another_kind),
	 IN_BOTH_RINGS(an_address_that_is_not_there_yet_is_named_and_comes_later),
	 IN_EACH_MODE(sockets_of_the_service_manager_are_kept))
