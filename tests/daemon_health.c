/* Servers that are well and not well any more: who is sent to them, who stays, what is said. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/daemon_sockets.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOON_MS 15000
#define CHECKS                                                                                     \
	"check = send\ncheck_expect = well\ncheck_every = 200ms\ncheck_fast = 50ms\n"              \
	"check_timeout = 200ms\n"

/* A server that says how it is, and its name, and holds whoever comes until that one ends. */
struct patient {
	char name;
	atomic_bool ill;
	atomic_uint came;
	struct server *server;
	char address[64];
};

static void say_how_it_is(int fd, void *context)
{
	struct patient *patient = context;
	char text[32];

	patient->came++;
	snprintf(text, sizeof(text), "%s %c\n", patient->ill ? "ill" : "well", patient->name);
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
	(void)peer_wait_end(fd, 2 * PEER_PATIENCE_MS);
	close(fd);
}

static struct patient a = {.name = 'a'}, b = {.name = 'b'};
static char front[64];
static const char *whole = ""; /* keys of [global] */

static void admit(struct patient *patient)
{
	snprintf(patient->address, sizeof(patient->address), "127.0.0.1:%u", port_reserve());
	patient->server = server_start(patient->address, say_how_it_is, patient);
	ck_assert_ptr_nonnull(patient->server);
}

static struct daemon *start(unsigned mode, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static struct daemon *start(unsigned mode, const char *format, ...)
{
	char text[2000];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode],
			    "%s[pool p]\n%s[proxy web]\nlisten = %s\npool = p\n", whole, text,
			    front);
}

/* Connect through the daemon, and whom it leads to. */
static int reach(char *ret_name)
{
	char text[32] = "";
	int fd = peer_connect(front);

	assert_connected(fd);
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), "\n"), 0);
	*ret_name = strchr(text, ' ')[1];
	return fd;
}

static void reaches_only(char name, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		char reached;

		close(reach(&reached));
		ck_assert_int_eq(reached, name);
	}
}

static bool reaches_within(char name, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		char reached;

		close(reach(&reached));
		if (reached == name)
			return true;
	}
	return false;
}

static void falls_ill(struct daemon *daemon, struct patient *patient)
{
	char line[160];

	patient->ill = true;
	snprintf(line, sizeof(line), "server %c (%s) of pool p is DOWN after 3 failed checks in ",
		 patient->name, patient->address);
	daemon_wait_log(daemon, line);
}

static void gets_well(struct daemon *daemon, struct patient *patient)
{
	char line[160];

	patient->ill = false;
	snprintf(line, sizeof(line), "server %c (%s) of pool p is UP after 2 good checks (",
		 patient->name, patient->address);
	daemon_wait_log(daemon, line);
}

START_TEST(who_is_not_well_gets_nobody_until_it_is)
{
	struct daemon *daemon;

	admit(&a);
	admit(&b);
	daemon = start(_i, "server = %s name=a\nserver = %s name=b\n" CHECKS, a.address, b.address);
	ck_assert(reaches_within('a', 20) && reaches_within('b', 20));
	falls_ill(daemon, &a);
	ck_assert(daemon_log_contains(daemon,
				      "send answered \"ill a\", wanted well; 1 of 2 servers left"));
	reaches_only('b', 10);
	gets_well(daemon, &a);
	ck_assert(wait_until(reaches_within('a', 20), SOON_MS));
	ck_assert_uint_eq(daemon_log_count(daemon, " is DOWN "), 1);
	daemon_stop(daemon);
}
END_TEST

START_TEST(who_is_down_at_the_start_gets_nobody_at_all)
{
	struct daemon *daemon;
	char nobody[64];

	admit(&a);
	snprintf(nobody, sizeof(nobody), "127.0.0.1:%u", port_reserve());
	daemon = start(_i, "server = %s name=n\nserver = %s name=a\nretries = 0\n" CHECKS, nobody,
		       a.address);
	reaches_only('a', 10);
	ck_assert(daemon_log_contains(daemon, "is DOWN after 1 failed check in "));
	ck_assert(daemon_log_contains(
		daemon, "send was not connected: Connection refused; 1 of 2 servers left"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(what_is_known_of_a_server_outlives_a_reload)
{
	struct daemon *daemon;

	admit(&a);
	admit(&b);
	daemon = start(_i, "server = %s name=a\nserver = %s name=b\n" CHECKS, a.address, b.address);
	falls_ill(daemon, &a);
	for (unsigned i = 0; i < 3; i++) {
		daemon_signal(daemon, SIGHUP);
		ck_assert(wait_until(daemon_notify_count(daemon, "READY=1") == i + 2, SOON_MS));
		reaches_only('b', 5);
	}
	gets_well(daemon, &a);
	ck_assert(wait_until(reaches_within('a', 20), SOON_MS));
	ck_assert_uint_eq(daemon_log_count(daemon, " is DOWN "), 1);
	daemon_stop(daemon);
}
END_TEST

START_TEST(on_down_keeps_or_resets_the_connections_of_that_server_alone)
{
	bool resets = _i % 2;
	struct daemon *daemon;
	int fds[8];
	char names[8];

	admit(&a);
	admit(&b);
	daemon = start(_i / 2, "server = %s name=a\nserver = %s name=b\non_down = %s\n" CHECKS,
		       a.address, b.address, resets ? "reset" : "keep");
	for (unsigned i = 0; i < 8; i++)
		fds[i] = reach(&names[i]);
	falls_ill(daemon, &a);
	ck_assert(daemon_log_contains(daemon, resets ? "reset (on_down = reset)"
						     : "kept (on_down = keep)"));
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(peer_wait_end(fds[i], resets && names[i] == 'a' ? SOON_MS : 1),
				 resets && names[i] == 'a' ? PEER_RST : PEER_SILENT);
	if (resets)
		daemon_wait_log(daemon, "its server is down, as its check says (check = send");
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
	daemon_stop(daemon);
}
END_TEST

START_TEST(on_down_drain_ends_what_is_left_when_its_time_is_over)
{
	struct daemon *daemon;
	char names[8];
	int fds[8];

	admit(&a);
	admit(&b);
	whole = "drain_timeout = 2s\n";
	daemon = start(_i, "server = %s name=a\nserver = %s name=b\non_down = drain\n" CHECKS,
		       a.address, b.address);
	for (unsigned i = 0; i < 8; i++)
		fds[i] = reach(&names[i]);
	falls_ill(daemon, &a);
	ck_assert(daemon_log_contains(daemon, "kept until drain_timeout (on_down = drain)"));
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(peer_wait_end(fds[i], names[i] == 'a' ? SOON_MS : 1),
				 names[i] == 'a' ? PEER_RST : PEER_SILENT);
	daemon_wait_log(daemon, "its server is down, as its check says (check = send");
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
	daemon_stop(daemon);
}
END_TEST

/* ---- Slow start ------------------------------------------------------------------------------ */

/* How many of so many go to it. */
static unsigned share_of(char name, unsigned times)
{
	unsigned count = 0;

	for (unsigned i = 0; i < times; i++) {
		char reached;

		close(reach(&reached));
		count += reached == name;
	}
	return count;
}

/* A tenth of its weight, beside one that has all of its own: 4 of 44, and each worker has its own
 * turn. */
static void starts_slowly(char name)
{
	unsigned share = share_of(name, 44);

	ck_assert_uint_ge(share, 1);
	ck_assert_uint_le(share, 8);
}

START_TEST(who_is_well_again_starts_slowly_and_who_was_well_at_the_start_does_not)
{
	struct daemon *daemon;

	admit(&a);
	admit(&b);
	daemon = start(_i, "server = %s name=a slow_start=10min\nserver = %s name=b\n" CHECKS,
		       a.address, b.address);
	ck_assert_uint_ge(share_of('a', 44), 18);
	falls_ill(daemon, &a);
	gets_well(daemon, &a);
	ck_assert(daemon_log_contains(daemon, "; slow start 10min"));
	ck_assert(wait_until(reaches_within('a', 44), SOON_MS));
	starts_slowly('a');
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_slow_start_ends_with_its_whole_share)
{
	struct daemon *daemon;

	admit(&a);
	admit(&b);
	daemon = start(_i, "server = %s name=a slow_start=1s\nserver = %s name=b\n" CHECKS,
		       a.address, b.address);
	falls_ill(daemon, &a);
	gets_well(daemon, &a);
	ck_assert(wait_until(share_of('a', 40) >= 16, SOON_MS));
	daemon_stop(daemon);
}
END_TEST

START_TEST(who_joins_by_a_reload_starts_slowly)
{
	struct daemon *daemon;
	char *text, *line;
	FILE *file;

	admit(&a);
	admit(&b);
	daemon = start(_i, "server = %s name=b\n" CHECKS, b.address);
	reaches_only('b', 4);
	text = file_read(daemon_configuration_path(daemon));
	line = strstr(text, "server = ");
	file = fopen(daemon_configuration_path(daemon), "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "%.*sserver = %s name=a slow_start=10min\n%s", (int)(line - text), text,
		a.address, line);
	ck_assert_int_eq(fclose(file), 0);
	free(text);
	daemon_signal(daemon, SIGHUP);
	ck_assert(wait_until(daemon_notify_count(daemon, "READY=1") == 2, SOON_MS));
	ck_assert(wait_until(reaches_within('a', 44), SOON_MS));
	starts_slowly('a');
	daemon_stop(daemon);
}
END_TEST

START_TEST(on_up_resets_what_went_to_a_backup)
{
	struct daemon *daemon;
	char name;
	int fd;

	admit(&a);
	admit(&b);
	daemon = start(_i, "server = %s name=a\nserver = %s name=b backup\non_up = reset\n" CHECKS,
		       a.address, b.address);
	reaches_only('a', 5);
	falls_ill(daemon, &a);
	fd = reach(&name);
	ck_assert_int_eq(name, 'b');
	gets_well(daemon, &a);
	ck_assert_int_eq(peer_wait_end(fd, SOON_MS), PEER_RST);
	daemon_wait_log(daemon, "it was on a backup, and a primary is back (on_up = reset");
	reaches_only('a', 5);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(where_none_is_well_all_are_tried)
{
	struct daemon *daemon;

	admit(&a);
	admit(&b);
	daemon = start(_i, "server = %s name=a\nserver = %s name=b\n" CHECKS, a.address, b.address);
	falls_ill(daemon, &a);
	falls_ill(daemon, &b);
	ck_assert(daemon_log_contains(daemon,
				      "none of 2 servers is left, and all are tried (panic)"));
	ck_assert(reaches_within('a', 20) && reaches_within('b', 20));
	gets_well(daemon, &b);
	ck_assert(wait_until(!reaches_within('a', 10), SOON_MS));
	daemon_stop(daemon);
}
END_TEST

START_TEST(that_a_server_refuses_is_looked_into_at_once)
{
	struct daemon *daemon;

	admit(&a);
	admit(&b);
	daemon = start(_i,
		       "server = %s name=a\nserver = %s name=b\ncheck = send\ncheck_expect = well\n"
		       "check_every = 10min\ncheck_fast = 50ms\n",
		       a.address, b.address);
	server_stop(a.server);
	reaches_only('b', 10); /* and with the next server at once */
	daemon_wait_log(daemon, "is DOWN after 3 failed checks in ");
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_server_that_fails_is_ejected_once_for_all_workers)
{
	struct daemon *daemon;
	char nobody[64];
	struct patient late = {.name = 'n'};

	admit(&a);
	snprintf(nobody, sizeof(nobody), "127.0.0.1:%u", port_reserve());
	snprintf(late.address, sizeof(late.address), "%s", nobody);
	daemon = start(_i, "server = %s name=n max_fails=3 fail_timeout=1s\nserver = %s name=a\n",
		       nobody, a.address);
	reaches_only('a', 40);
	daemon_wait_log(daemon, "of pool p is EJECTED for 1s: 3 connections to it have failed "
				"within 1s, the last one: Connection refused");
	ck_assert_uint_eq(daemon_log_count(daemon, " is EJECTED "), 1);
	late.server = server_start(late.address, say_how_it_is, &late);
	ck_assert(wait_until(reaches_within('n', 10), SOON_MS));
	daemon_wait_log(daemon, "is not ejected any more: a connection to it has succeeded");
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon health", 120, IN_EACH_MODE(who_is_not_well_gets_nobody_until_it_is),
	 IN_EACH_MODE(who_is_down_at_the_start_gets_nobody_at_all),
	 IN_EACH_MODE(what_is_known_of_a_server_outlives_a_reload),
	 EACH(on_down_keeps_or_resets_the_connections_of_that_server_alone, 2 * DAEMON_MODES),
	 IN_EACH_MODE(on_down_drain_ends_what_is_left_when_its_time_is_over),
	 IN_EACH_MODE(who_is_well_again_starts_slowly_and_who_was_well_at_the_start_does_not),
	 IN_BOTH_RINGS(a_slow_start_ends_with_its_whole_share),
	 IN_EACH_MODE(who_joins_by_a_reload_starts_slowly),
	 IN_EACH_MODE(on_up_resets_what_went_to_a_backup),
	 IN_EACH_MODE(where_none_is_well_all_are_tried),
	 IN_EACH_MODE(that_a_server_refuses_is_looked_into_at_once),
	 IN_EACH_MODE(a_server_that_fails_is_ejected_once_for_all_workers))
