/* Servers that an operator takes out, lets in and weighs, while clients come and go. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char front[32], control[300], control_address[310], reading[320];
static struct server *upstream[2];

/* A proxy "web" of two servers, "a" and "b"; what is in the format belongs to it. */
static struct daemon *serve_with(int mode, const char *options, const char *a, const char *b)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "%s/control.sock", suite_dir());
	snprintf(control_address, sizeof(control_address), "unix:%s", control);
	snprintf(reading, sizeof(reading), "unix:%s/read.sock", suite_dir());
	setenv("URINGPROXY_CONTROL", control, 1);
	for (int i = 0; i < 2; i++) {
		upstream[i] = server_start(NULL, server_echo, NULL);
		ck_assert_ptr_nonnull(upstream[i]);
	}
	return daemon_start(&daemon_modes[mode],
			    "[proxy web]\nlisten = %s\nretries = all\n%s"
			    "server = %s name=a%s\nserver = %s name=b%s\n"
			    "[control]\nlisten = %s\nlisten = %s read_only\n[log]\nlevel = info\n",
			    front, options, server_address(upstream[0]), a,
			    server_address(upstream[1]), b, control_address, reading);
}

static struct daemon *serve(int mode)
{
	return serve_with(mode, "", "", "");
}

static void stop(struct daemon *daemon)
{
	daemon_stop(daemon);
	server_stop(upstream[0]);
	server_stop(upstream[1]);
}

static int connect_to_front(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	return fd;
}

/* Clients that come one after the other, and where they have gone. */
static void converse(unsigned times, unsigned *ret_a, unsigned *ret_b)
{
	unsigned a = server_accepted(upstream[0]), b = server_accepted(upstream[1]);

	while (times--)
		close(connect_to_front());
	*ret_a = server_accepted(upstream[0]) - a;
	*ret_b = server_accepted(upstream[1]) - b;
}

static void expect_shares(unsigned a, unsigned b)
{
	unsigned went_a, went_b;

	converse(a + b, &went_a, &went_b);
	ck_assert_uint_eq(went_a, a);
	ck_assert_uint_eq(went_b, b);
}

static void expect_refused(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	ck_assert_str_eq(peer_end_name(peer_wait_end(fd, PEER_PATIENCE_MS)),
			 peer_end_name(PEER_RST));
	close(fd);
}

/* ---- Under load ------------------------------------------------------------------------------ */

enum { CLIENTS = 4 };
static atomic_bool over;
static atomic_uint turns[CLIENTS], failed;

static void *come_and_go(void *turn)
{
	while (!over) {
		int fd = peer_connect(front);
		bool good = fd >= 0 && peer_echoes(fd) && peer_echoes(fd);

		atomic_fetch_add(good ? (atomic_uint *)turn : &failed, 1);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/* Each of them, so many times more: with one, whoever was on the way is through. */
static void wait_turns(unsigned more)
{
	for (int i = 0; i < CLIENTS; i++) {
		unsigned until = turns[i] + more;

		ck_assert(wait_until(turns[i] >= until || failed, PEER_PATIENCE_MS));
	}
}

START_TEST(a_server_is_drained_under_load_and_no_client_notices)
{
	struct daemon *daemon = serve_with(_i, "balance = least_conn\n", "", "");
	pthread_t clients[CLIENTS];
	int first = connect_to_front(), second = connect_to_front();

	over = false;
	failed = 0;
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(pthread_create(&clients[i], NULL, come_and_go, &turns[i]), 0);
	for (int round = 0; round < 10; round++) {
		unsigned accepted;

		wait_turns(5);
		assert_run(0, "web/a (127.0.0.1:", RUN("server", "web/a", "drain"));
		wait_turns(1);
		accepted = server_accepted(upstream[0]);
		wait_turns(10);
		ck_assert_uint_eq(server_accepted(upstream[0]), accepted);
		assert_run(0, ": up; weight 1, ", RUN("server", "web/a", "ready"));
		ck_assert(wait_until(server_accepted(upstream[0]) > accepted, PEER_PATIENCE_MS));
	}
	over = true;
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	ck_assert_uint_eq(failed, 0);
	ck_assert(peer_echoes(first) && peer_echoes(second));
	close(first);
	close(second);
	stop(daemon);
}
END_TEST

/* ---- What is said, and how it ends ----------------------------------------------------------- */

START_TEST(who_is_drained_is_shown_with_who_said_it_and_why)
{
	struct daemon *daemon = serve(_i);
	char user[60];

	snprintf(user, sizeof(user), "drained by user %u (process ", getuid());
	assert_run(0, ", uringproxy): kernel); weight 1, 0 connections\n",
		   RUN("server", "web/a", "drain", "--reason=kernel"));
	assert_run(0, user, RUN("servers"));
	assert_run(0, user, RUN("server", "web/a"));
	assert_run(0, "\"reason\": \"kernel\"", RUN("server", "web/a", "--json"));
	assert_run(0, "\"until\": null", RUN("servers", "web", "--json"));
	assert_run(0, "drain", RUN("top", "--once"));
	ck_assert(daemon_log_contains(daemon, "drain by user "));
	ck_assert(daemon_log_contains(
		daemon, ", uringproxy): kernel; it takes no new connections, and 0 go on\n"));
	daemon_wait_notify(daemon, ", 1 of 2 servers up, ");
	assert_answer(control_address, "GET", "/metrics", "", "HTTP/1.1 200",
		      "\nuringproxy_server_ruling{pool=\"web\",server=\"a\",ruling=\"drain\"} 1\n");
	expect_shares(0, 6);
	assert_run(0, ": maint (taken out by user ", RUN("server", "web/a", "maint"));
	expect_shares(0, 6);
	assert_run(0, ": up; weight 1", RUN("server", "web/a", "ready"));
	expect_shares(3, 3);
	stop(daemon);
}
END_TEST

static bool runs(int status, const char *contains, const char *const *command)
{
	char *output;
	int r = run_command(command, &output);
	bool is = r == status && strstr(output, contains);

	free(output);
	return is;
}
#define run_is(status, contains, ...) runs(status, contains, RUN(__VA_ARGS__))

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

/* "@a" and "@b" are the addresses. */
static void put_addresses(char *text, size_t size, const char *from)
{
	size_t used = 0;

	for (; *from; from++)
		if (*from == '@')
			used += (size_t)snprintf(text + used, size - used, "%s",
						 server_address(upstream[*++from - 'a']));
		else
			used += (size_t)snprintf(text + used, size - used, "%c", *from);
}

enum { GONE = 4 };
/* The lines of a and of b, as they are after each reload; the last is as the first. */
START_TEST(what_is_said_outlives_reloads_and_lines_that_change)
{
	static const char *const orders[][2] = {
		{"server = @a name=a\nserver = @b name=b\n", "a"},
		{"server = @b name=b\nserver = @a name=a\n", "a"},
		{"server = @b name=other\nserver = @a name=a weight=7\n", "a"},
		{"server = @a name=a max_connections=3\nserver = @b\n", "a"},
		{"server = @b name=b\n", NULL}, /* it is not there for a while */
		{"server = @a name=a\nserver = @b name=b\n", "a"},
	};
	struct daemon *daemon = serve(_i);
	const char *path = daemon_configuration_path(daemon);
	char *text = file_read(path), *begin = strstr(text, "server = "),
	     *end = strstr(text, "[control]"), servers[300], whole[4096];
	int held = connect_to_front();

	assert_run(0, "drain (", RUN("server", "web/a", "drain", "--reason=disk"));
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		put_addresses(servers, sizeof(servers), orders[i][0]);
		snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(begin - text), text, servers, end);
		write_file(path, whole);
		assert_run(0, " serves\n", RUN("reload"));
		if (orders[i][1])
			assert_run(0, ": disk)", RUN("server", "web/a"));
		else
			assert_run(4, "no server called 'a' in pool web", RUN("server", "web/a"));
		ck_assert(wait_until(
			run_is(0, i == GONE ? ": disk; no configuration has it now\n" : ": disk\n",
			       "status"),
			PEER_PATIENCE_MS));
		expect_shares(0, 4);
	}
	ck_assert(peer_echoes(held));
	assert_run(0, ": up", RUN("server", "web/a", "ready"));
	expect_shares(2, 2);
	ck_assert_uint_eq(daemon_log_count(daemon, "drain by user "), 1);
	close(held);
	free(text);
	stop(daemon);
}
END_TEST

START_TEST(what_is_said_of_a_server_that_is_gone_can_be_taken_back)
{
	struct daemon *daemon = serve(0);
	const char *path = daemon_configuration_path(daemon);
	char *text = file_read(path), *line = strstr(text, "server = "), whole[4096];

	assert_run(0, "drain (", RUN("server", "web/a", "drain"));
	snprintf(whole, sizeof(whole), "%.*s%s", (int)(line - text), text, strchr(line, '\n') + 1);
	write_file(path, whole);
	assert_run(0, " serves\n", RUN("reload"));
	ck_assert(wait_until(run_is(0, "; no configuration has it now\n", "status"),
			     PEER_PATIENCE_MS));
	assert_run(4, "no server called 'a' in pool web", RUN("server", "web/a", "maint"));
	assert_run(0, ": absent", RUN("server", "web/a", "ready"));
	assert_run(4, "no server called 'a' in pool web", RUN("server", "web/a", "ready"));
	write_file(path, text);
	assert_run(0, " serves\n", RUN("reload"));
	expect_shares(2, 2);
	free(text);
	stop(daemon);
}
END_TEST

START_TEST(a_time_ends_by_itself)
{
	struct daemon *daemon = serve(_i);

	assert_run(0, "drain (", RUN("server", "web/a", "drain", "--for=100ms"));
	daemon_wait_log(daemon, " server a (127.0.0.1:");
	daemon_wait_log(daemon, "): drain is over, after the time that user ");
	assert_run(0, ": up; weight 1", RUN("server", "web/a"));
	expect_shares(2, 2);
	ck_assert_uint_eq(daemon_log_count(daemon, "drain is over"), 1);
	/* One that is far away is shown, and the end of the daemon comes before it. */
	assert_run(0, "\"until\": \"20", RUN("server", "web/a", "maint", "--for=2h", "--json"));
	stop(daemon);
}
END_TEST

START_TEST(the_last_server_is_drained_all_the_same_and_that_is_warned_of)
{
	struct daemon *daemon = serve(_i);
	int held = connect_to_front();

	assert_run(0, "drain (", RUN("server", "web/a", "drain"));
	assert_run(0,
		   "warning: no server of pool web takes connections now: whoever comes is refused",
		   RUN("server", "web/b", "drain"));
	expect_refused();
	daemon_wait_notify(daemon, ", 0 of 2 servers up, ");
	assert_run(0, ": up", RUN("server", "web/b", "ready"));
	expect_shares(0, 3);
	ck_assert(peer_echoes(held));
	close(held);
	stop(daemon);
}
END_TEST

START_TEST(who_can_be_connected_to_again_as_its_check_says_is_shown_so)
{
	struct daemon *daemon = serve_with(
		_i, "check = tcp\ncheck_every = 100ms\ncheck_timeout = 100ms\ncheck_fall = 100\n",
		"", "");
	char address[64];

	snprintf(address, sizeof(address), "%s", server_address(upstream[0]));
	server_stop(upstream[0]);
	for (int i = 0; i < 2; i++)
		close(connect_to_front());
	assert_run(0, ": down (it can not be connected to)", RUN("server", "web/a"));
	upstream[0] = server_start(address, server_echo, NULL);
	ck_assert_ptr_nonnull(upstream[0]);
	/* And no client has tried it. */
	ck_assert(wait_until(run_is(0, ": up; ", "server", "web/a"), PEER_PATIENCE_MS));
	stop(daemon);
}
END_TEST

/* ---- Weights and limits ---------------------------------------------------------------------- */

START_TEST(a_weight_of_0_and_back_and_shares_in_between)
{
	struct daemon *daemon = serve_with(0, "", " weight=2", " weight=2");

	assert_run(0, ": drain (given weight 0 by an operator); weight 0",
		   RUN("server", "web/a", "weight=0"));
	assert_run(0, "0 (file: 2)", RUN("servers"));
	expect_shares(0, 4);
	assert_run(0, ": up; weight 6", RUN("server", "web/a", "weight=6"));
	expect_shares(6, 2);
	assert_run(0, ": up; weight 2", RUN("server", "web/a", "weight=default"));
	expect_shares(4, 4);
	ck_assert(daemon_log_contains(daemon, "weight = 6 by user "));
	ck_assert(daemon_log_contains(daemon, "weight as configured again, by user "));
	stop(daemon);
}
END_TEST

START_TEST(a_limit_below_what_is_there_lets_that_go_on_and_nobody_else_in)
{
	struct daemon *daemon = serve_with(0, "", "", " disabled");
	int held[3];

	for (int i = 0; i < 3; i++)
		held[i] = connect_to_front();
	assert_run(0, "warning: it has 3 connections: until fewer than 2 are left it takes no more",
		   RUN("server", "web/a", "max_connections=2"));
	expect_refused();
	for (int i = 0; i < 3; i++)
		ck_assert(peer_echoes(held[i]));
	close(held[0]);
	close(held[1]);
	ck_assert(server_wait_idle(upstream[1]));
	assert_run(0, ", 1 connection of 2\n", RUN("server", "web/a"));
	held[0] = connect_to_front();
	expect_refused();
	assert_run(0, ", 2 connections\n", RUN("server", "web/a", "max_connections=off"));
	held[1] = connect_to_front();
	assert_run(0, ", 3 connections\n", RUN("server", "web/a", "max_connections=default"));
	for (int i = 0; i < 3; i++)
		close(held[i]);
	stop(daemon);
}
END_TEST

/* ---- Who, and what may be said --------------------------------------------------------------- */

START_TEST(of_two_operators_at_once_the_last_is_right_and_both_are_logged)
{
	struct daemon *daemon = serve(2);
	char *program = getenv("URINGPROXY");
	const char *drain[] = {program, "server", "web/a", "drain", "--reason=one", NULL};
	const char *maint[] = {program, "server", "web/a", "maint", "--reason=two", NULL};
	struct child one, two;
	char *output;

	ck_assert_int_eq(child_start(&one, &(struct child_options){.argv = drain}), 0);
	ck_assert_int_eq(child_start(&two, &(struct child_options){.argv = maint}), 0);
	ck_assert_int_eq(child_wait(&one, PEER_PATIENCE_MS), 0);
	ck_assert_int_eq(child_wait(&two, PEER_PATIENCE_MS), 0);
	ck_assert_int_eq(child_exit_status(&one), 0);
	ck_assert_int_eq(child_exit_status(&two), 0);
	ck_assert_uint_eq(daemon_log_count(daemon, ": one; it takes no"), 1);
	ck_assert_uint_eq(daemon_log_count(daemon, ": two; it takes no"), 1);
	ck_assert_int_eq(run_command(RUN("server", "web/a"), &output), 0);
	ck_assert_msg(!strstr(output, "drained by") == !!strstr(output, ": two)"), "%s", output);
	free(output);
	/* Whoever repeats it takes it over from nobody. */
	assert_run(0, ": two)", RUN("server", "web/a", "maint", "--reason=two"));
	assert_run(0, ": two)", RUN("server", "web/a", "maint"));
	stop(daemon);
}
END_TEST

START_TEST(what_is_wrong_is_said_with_what_may_have_been_meant)
{
	static const struct {
		const char *target, *body, *begins, *says;
	} wrong[] = {
		{"web/c", "{\"state\":\"drain\"}", "HTTP/1.1 404", "\"no_such_server\""},
		{"wed/a", "{\"state\":\"drain\"}", "HTTP/1.1 404", "\"did you mean web?\""},
		{"nobody/a", "{\"state\":\"drain\"}", "HTTP/1.1 404", "\"there are web\""},
		{"web/a", "", "HTTP/1.1 400", "has to have \\\"state\\\", \\\"weight\\\" or"},
		{"web/a", "{\"state\":\"drian\"}", "HTTP/1.1 400", "did you mean drain?"},
		{"web/a", "{\"state\":true}", "HTTP/1.1 400", "has to be a text"},
		{"web/a", "{\"reason\":\"x\"}", "HTTP/1.1 400", "go with a \\\"state\\\""},
		{"web/a", "{\"for\":\"1h\",\"weight\":1}", "HTTP/1.1 400",
		 "go with a \\\"state\\\""},
		{"web/a", "{\"state\":\"ready\",\"for\":\"1h\"}", "HTTP/1.1 400", "not with ready"},
		{"web/a", "{\"state\":\"drain\",\"for\":\"soon\"}", "HTTP/1.1 400", "\"for\""},
		{"web/a", "{\"state\":\"drain\",\"for\":\"0\"}", "HTTP/1.1 400", "longer than"},
		{"web/a", "{\"weight\":257}", "HTTP/1.1 400", "0..256, or null"},
		{"web/a", "{\"weight\":-1}", "HTTP/1.1 400", "0..256, or null"},
		{"web/a", "{\"weight\":\"5\"}", "HTTP/1.1 400", "0..256, or null"},
		{"web/a", "{\"max_connections\":16777216}", "HTTP/1.1 400", "0..16777215, or null"},
		{"web/a", "{\"wait\":1}", "HTTP/1.1 400",
		 "what it may have is state, reason, for, weight, max_connections"},
		{"web/a?force=1", "{\"state\":\"drain\"}", "HTTP/1.1 400", "'force'"},
		{"web/", "{\"state\":\"drain\"}", "HTTP/1.1 404", "\"no_such_path\""},
		{"web", "{\"state\":\"drain\"}", "HTTP/1.1 404", "\"no_such_path\""},
	};
	struct daemon *daemon = serve(0);
	char target[100];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(target, sizeof(target), "/v1/servers/%s", wrong[i].target);
		assert_answer(control_address, "POST", target, wrong[i].body, wrong[i].begins,
			      wrong[i].says);
	}
	assert_answer(control_address, "DELETE", "/v1/servers", "", "HTTP/1.1 405", "Allow: GET");
	assert_answer(control_address, "GET", "/v1/servers?pool=wep", "", "HTTP/1.1 404",
		      "did you mean web?");
	assert_answer(control_address, "GET", "/v1/servers?pol=web", "", "HTTP/1.1 400", "'pol'");
	assert_answer(reading, "POST", "/v1/servers/web/a", "{\"state\":\"drain\"}", "HTTP/1.1 403",
		      "\"read_only\"");
	assert_answer(reading, "PATCH", "/v1/servers/web/a", "{\"weight\":0}", "HTTP/1.1 403",
		      "\"read_only\"");
	assert_answer(reading, "GET", "/v1/servers/web/a", "", "HTTP/1.1 200", "\"state\":\"up\"");
	assert_run(4, "there is no server called 'zebra' in pool web; there are a, b",
		   RUN("server", "web/zebra", "drain"));
	assert_run(1, "\"drein\" is not one of: ready, drain, maint",
		   RUN("server", "web/a", "drein"));
	assert_run(64, "'a' is not a pool and a server of it", RUN("server", "a", "drain"));
	assert_run(64, "'wait=1' is not weight=N", RUN("server", "web/a", "wait=1"));
	assert_run(64, "'maint' is not ready, drain, maint, remove or add, once",
		   RUN("server", "web/a", "drain", "maint"));
	assert_run(64, "it is `uringproxy server POOL/NAME", RUN("server"));
	assert_run(4, "there is no pool called 'mail'", RUN("servers", "mail"));
	expect_shares(2, 2);
	stop(daemon);
	assert_run(3, "cannot ask", RUN("servers"));
}
END_TEST

START_TEST(what_the_configuration_disables_no_operator_lets_in)
{
	struct daemon *daemon = serve_with(0, "", "", " disabled");

	assert_run(0, "maint (disabled in the configuration)", RUN("server", "web/b"));
	assert_run(0, "warning: it takes no connections all the same: disabled in the ",
		   RUN("server", "web/b", "ready"));
	assert_run(0, "warning: it takes no connections all the same: disabled in the ",
		   RUN("server", "web/b", "weight=5"));
	expect_shares(3, 0);
	stop(daemon);
}
END_TEST

START_TEST(servers_are_called_by_their_addresses_too_with_whatever_is_in_them)
{
	struct server *local;
	struct daemon *daemon;
	char address[400], name[410], of_a[60];

	snprintf(address, sizeof(address), "unix:%s/a%%41?+.sock", suite_dir());
	local = server_start(address, server_echo, NULL);
	ck_assert_ptr_nonnull(local);
	snprintf(control, sizeof(control), "%s/control.sock", suite_dir());
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	setenv("URINGPROXY_CONTROL", control, 1);
	daemon = daemon_start(&daemon_modes[0],
			      "[proxy web]\nlisten = %s\nserver = 127.0.0.1:9 name=a\n"
			      "server = %s\n[control]\nlisten = unix:%s\n",
			      front, address, control);
	snprintf(of_a, sizeof(of_a), "web/127.0.0.1:9");
	assert_run(0, "web/a (127.0.0.1:9): drain", RUN("server", of_a, "drain"));
	snprintf(name, sizeof(name), "web/%s", address);
	assert_run(0, name, RUN("server", name));
	assert_run(0, ": maint", RUN("server", name, "maint"));
	assert_run(0, ": up", RUN("server", name, "ready"));
	close(connect_to_front());
	daemon_stop(daemon);
	server_stop(local);
}
END_TEST

START_TEST(a_change_is_told_to_who_follows_events)
{
	struct daemon *daemon = serve(0);
	int fd = peer_connect(control_address);
	static char text[65536];

	assert_connected(fd);
	(void)peer_send_text(fd, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), "event: hello"), 0);
	assert_run(0, "drain (", RUN("server", "web/a", "drain", "--reason=kernel"));
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), ": kernel\"}"), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"pool\":\"web\",\"name\":\"a\",\"state\":\"drain\""));
	assert_run(0, ": up", RUN("server", "web/a", "ready"));
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), "\"state\":\"up\""), 0);
	close(fd);
	stop(daemon);
}
END_TEST

START_TEST(connections_of_one_server_are_ended_by_its_pool_and_name)
{
	struct daemon *daemon = serve(0);
	int first = connect_to_front(), second = connect_to_front();

	assert_run(0, "drain (", RUN("server", "web/a", "drain"));
	assert_run(4, "there is no such connection", RUN("kill", "--server=mail/a"));
	assert_run(0, "1 connection is ended", RUN("kill", "--server=web/a", "--confirm=1"));
	assert_run(4, "there is no such connection", RUN("kill", "--server=a"));
	ck_assert(peer_echoes(first) != peer_echoes(second));
	close(first);
	close(second);
	stop(daemon);
}
END_TEST

SUITE_OF("daemon: servers", 120, IN_EACH_MODE(a_server_is_drained_under_load_and_no_client_notices),
	 IN_BOTH_RINGS(who_is_drained_is_shown_with_who_said_it_and_why),
	 ONCE(what_is_said_outlives_reloads_and_lines_that_change),
	 ONCE(what_is_said_of_a_server_that_is_gone_can_be_taken_back), ONCE(a_time_ends_by_itself),
	 IN_EACH_MODE(the_last_server_is_drained_all_the_same_and_that_is_warned_of),
	 IN_EACH_MODE(who_can_be_connected_to_again_as_its_check_says_is_shown_so),
	 ONCE(a_weight_of_0_and_back_and_shares_in_between),
	 ONCE(a_limit_below_what_is_there_lets_that_go_on_and_nobody_else_in),
	 ONCE(of_two_operators_at_once_the_last_is_right_and_both_are_logged),
	 ONCE(what_is_wrong_is_said_with_what_may_have_been_meant),
	 ONCE(what_the_configuration_disables_no_operator_lets_in),
	 ONCE(servers_are_called_by_their_addresses_too_with_whatever_is_in_them),
	 ONCE(a_change_is_told_to_who_follows_events),
	 ONCE(connections_of_one_server_are_ended_by_its_pool_and_name))
