/* The daemon asked while it runs: by its commands, by HTTP, and by who means no good. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/metrics_text.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOSE "Connection: close\r\n"

static char echo[32], metrics[32], control[200], reader[200];

static void serve_nothing(void)
{
	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	snprintf(metrics, sizeof(metrics), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "unix:%s/control.sock", suite_dir());
	snprintf(reader, sizeof(reader), "unix:%s/reader.sock", suite_dir());
}

static struct daemon *serve(void)
{
	serve_nothing();
	return daemon_start(&daemon_modes[0],
			    "[echo]\nlisten = %s\n[control]\nlisten = %s\nlisten = %s read_only\n"
			    "[metrics]\nlisten = %s\n",
			    echo, control, reader, metrics);
}

static void expect(const char *address, const char *text, const char *begins, const char *contains)
{
	char *answer = answer_to(address, text);

	ck_assert_msg(!strncmp(answer, begins, strlen(begins)) && strstr(answer, contains),
		      "%s to %.200s\n--- %.500s", address, text, answer);
	free(answer);
}

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: localhost\r\n" CLOSE "\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: localhost\r\n" CLOSE "Content-Length: 0\r\n\r\n"

static void expect_serves(void)
{
	int fd = peer_connect(echo);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	close(fd);
	expect(control, GET("/v1/status"), "HTTP/1.1 200", "\"state\": \"serving\"");
	expect(metrics, GET("/livez"), "HTTP/1.1 200", "\r\n\r\nok\n");
}

START_TEST(each_path_is_answered_where_it_belongs)
{
	struct daemon *daemon = serve();
	const char *const all[] = {control, reader, metrics};
	char pid[40];

	for (size_t i = 0; i < 3; i++) {
		expect(all[i], GET("/version"), "HTTP/1.1 200", "\nuringproxy ");
		expect(all[i], GET("/livez"), "HTTP/1.1 200", "\r\n\r\nok\n");
		expect(all[i], GET("/readyz"), "HTTP/1.1 200", "\r\n\r\nserving\n");
		expect(all[i], GET("/nothing"), "HTTP/1.1 404", "\"no_such_path\"");
	}
	snprintf(pid, sizeof(pid), "\"pid\": %d", (int)daemon_pid(daemon));
	expect(control, GET("/v1/status"), "HTTP/1.1 200", pid);
	expect(reader, GET("/v1/status"), "HTTP/1.1 200", "\"workers\": 1");
	expect(metrics, GET("/v1/status"), "HTTP/1.1 404", "\"no_such_path\"");
	expect(reader, GET("/v1/proxies"), "HTTP/1.1 200", "{\"edition\":1,");
	expect(reader, GET("/v1/proxies"), "HTTP/1.1 200", "\"listeners\":[");
	expect(control, POST("/livez"), "HTTP/1.1 405", "\r\nAllow: GET\r\n");
	expect(reader, POST("/livez"), "HTTP/1.1 403", "\"read_only\"");
	expect(metrics, POST("/livez"), "HTTP/1.1 403", "\"read_only\"");
	daemon_stop(daemon);
}
END_TEST

static void assert_refused(const char *address)
{
	int fd = peer_connect(address);

	assert_connected(fd);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
}

static void write_denying(struct daemon *daemon, const char *lines)
{
	FILE *file = fopen(daemon_configuration_path(daemon), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_gt(fprintf(file,
				 "[control]\nlisten = %s\n[metrics]\nlisten = %s\n%s[echo web]\n"
				 "listen = %s\ndeny = 127.0.0.1\nallow = all\n",
				 control, metrics, lines, echo),
			 0);
	fclose(file);
}

START_TEST(what_each_line_has_refused_is_shown_and_goes_on_over_a_reload_that_moves_it)
{
	struct daemon *daemon;
	char place[300];

	serve_nothing();
	daemon = daemon_start(&daemon_modes[0],
			      "[control]\nlisten = %s\n[metrics]\nlisten = %s\n[echo web]\n"
			      "listen = %s\ndeny = 127.0.0.1\nallow = all\n",
			      control, metrics, echo);
	assert_refused(echo);
	assert_refused(echo);
	expect(metrics, GET("/metrics"), "HTTP/1.1 200",
	       "uringproxy_rule_refused_total{proxy=\"web\",rule=\"deny = 127.0.0.1\"} 2\n");
	expect(control, GET("/v1/proxies"), "HTTP/1.1 200",
	       "{\"proxy\":\"web\",\"rule\":\"deny = 127.0.0.1\",\"file\":");
	expect(control, GET("/v1/proxies"), "HTTP/1.1 200", "\"refused\":2}");
	write_denying(daemon, "; it moves\n\n");
	assert_run(0, "", RUN("reload", "-s", control + 5));
	expect(control, GET("/v1/proxies"), "HTTP/1.1 200", "\"line\":9,\"refused\":2}");
	snprintf(place, sizeof(place), "\"file\":\"%s\"", daemon_configuration_path(daemon));
	expect(control, GET("/v1/proxies"), "HTTP/1.1 200", place);
	assert_refused(echo);
	expect(control, GET("/v1/proxies"), "HTTP/1.1 200", "\"refused\":3}");
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_control_socket_is_its_groups_and_gone_with_the_daemon)
{
	struct daemon *daemon = serve();
	struct stat status;

	ck_assert_int_eq(stat(control + 5, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0660);
	daemon_stop(daemon);
	ck_assert_int_lt(stat(control + 5, &status), 0);
}
END_TEST

START_TEST(what_browsers_send_for_pages_is_refused)
{
	struct daemon *daemon = serve();

	expect(control,
	       "GET /version HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost\r\n" CLOSE "\r\n",
	       "HTTP/1.1 403", "\"origin\"");
	expect(metrics, "GET /version HTTP/1.1\r\nHost: evil.example\r\n" CLOSE "\r\n",
	       "HTTP/1.1 403", "\"host\"");
	expect(metrics,
	       "GET /version HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\n" CLOSE "\r\n",
	       "HTTP/1.1 403", "\"origin\"");
	daemon_stop(daemon);
}
END_TEST

START_TEST(whoever_misbehaves_keeps_neither_port_busy_nor_the_echo)
{
	enum { SILENT = 200 };
	static const char *const nonsense[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"GET /\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\nxxx",
	};
	struct daemon *daemon = serve();
	int silent[2 * SILENT];

	for (int i = 0; i < SILENT; i++) {
		silent[i] = peer_connect(control);
		silent[SILENT + i] = peer_connect(metrics);
		(void)peer_send_text(silent[i], i % 2 ? "" : "GET /v");
	}
	expect_serves();
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		close(peer_connect(control));
		for (int j = 0; j < 2; j++) {
			int fd = peer_connect(j ? metrics : control);

			assert_connected(fd);
			(void)peer_send_text(fd, nonsense[i]);
			shutdown(fd, SHUT_WR);
			(void)peer_wait_end(fd, PEER_PATIENCE_MS);
			close(fd);
		}
		expect_serves();
	}
	for (int i = 0; i < 2 * SILENT; i++)
		if (silent[i] >= 0)
			close(silent[i]);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_draining_daemon_answers_and_is_not_ready)
{
	struct daemon *daemon = serve();
	int fd = peer_connect(echo);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	expect(control, GET("/v1/status"), "HTTP/1.1 200", "\"state\": \"draining\"");
	expect(metrics, GET("/readyz"), "HTTP/1.1 503", "draining\n");
	expect(metrics, GET("/livez"), "HTTP/1.1 200", "ok\n");
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* ---- The command ----------------------------------------------------------------------------- */

START_TEST(status_finds_the_daemon_and_says_how_it_is)
{
	struct daemon *daemon = serve();
	const char *file = daemon_configuration_path(daemon);
	char *output;
	int fd;

	unsetenv("URINGPROXY_CONTROL");
	assert_run(0, ": serving for ", RUN("-s", control + 5, "status"));
	assert_run(0, ": serving for ", RUN("status", "-c", file));
	assert_run(0, "\"state\": \"serving\"", RUN("status", "--json", "-s", reader + 5));
	setenv("URINGPROXY_CONTROL", reader + 5, 1);
	assert_run(0, ": serving for ", RUN("status", "-c", "/nonexistent"));
	ck_assert_int_eq(run_command(RUN("status", "--quiet"), &output), 0);
	ck_assert_str_eq(output, "");
	free(output);
	assert_run(64, "unexpected argument 'x'", RUN("status", "x"));
	assert_run(64, "usage: ", RUN("status", "--frobnicate"));

	fd = peer_connect(echo);
	ck_assert(peer_echoes(fd));
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	assert_run(0, ": draining for ", RUN("status", "-c", file));
	assert_run(1, "", RUN("status", "--quiet"));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(without_a_daemon_status_says_what_to_do)
{
	char path[200], file[200];
	FILE *out;

	unsetenv("URINGPROXY_CONTROL");
	snprintf(path, sizeof(path), "%s/none.sock", suite_dir());
	assert_run(3, "is the daemon running? Another socket is named with -s SOCKET",
		   RUN("status", "-s", path));
	snprintf(file, sizeof(file), "%s/off.conf", suite_dir());
	out = fopen(file, "w");
	ck_assert_ptr_nonnull(out);
	fputs("[echo]\nlisten = 127.0.0.1:7\n[control]\nlisten = off\n", out);
	fclose(out);
	assert_run(3, "says [control] listen = off", RUN("status", "-c", file));
	assert_run(3, "cannot read /nonexistent", RUN("status", "-c", "/nonexistent"));
}
END_TEST

/* ---- Starting -------------------------------------------------------------------------------- */

START_TEST(a_directory_that_systemd_gives_has_the_control_socket)
{
	char directory[300], text[200], *output;
	struct daemon *daemon;

	snprintf(directory, sizeof(directory), "RUNTIME_DIRECTORY=%s", suite_dir());
	snprintf(control, sizeof(control), "unix:%s/control.sock", suite_dir());
	snprintf(text, sizeof(text), "[echo]\nlisten = 127.0.0.1:%u\n", port_reserve());
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[0],
					 .configuration = text,
					 .environment = (const char *const[]){directory, NULL}});
	daemon_wait_ready(daemon);
	expect(control, GET("/livez"), "HTTP/1.1 200", "ok\n");
	daemon_stop(daemon);

	/* Where it cannot be, the daemon serves all the same, since nobody has asked for it. */
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[0],
		.configuration = text,
		.environment = (const char *const[]){"RUNTIME_DIRECTORY=/nonexistent", NULL}});
	daemon_wait_ready(daemon);
	output = daemon_log(daemon);
	ck_assert_msg(strstr(output, "warning: [control] listen: cannot listen on "
				     "unix:/nonexistent/control.sock"),
		      "%s", output);
	free(output);
	daemon_stop(daemon);
}
END_TEST

START_TEST(an_address_of_metrics_that_is_taken_ends_the_start)
{
	char text[300];
	struct daemon *daemon;
	int fd;

	snprintf(metrics, sizeof(metrics), "127.0.0.1:%u", port_reserve());
	fd = peer_listen(metrics, 1);
	ck_assert_int_ge(fd, 0);
	snprintf(text, sizeof(text), "[echo]\nlisten = 127.0.0.1:%u\n[metrics]\nlisten = %s\n",
		 port_reserve(), metrics);
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[0], .configuration = text});
	ck_assert_int_eq(daemon_wait_exit(daemon), 71);
	ck_assert(daemon_log_contains(daemon, "[metrics] listen: cannot listen on 127.0.0.1:"));
	daemon_free(daemon);
	close(fd);
}
END_TEST

START_TEST(a_test_of_the_configuration_looks_at_the_sockets)
{
	char text[300];
	struct daemon *daemon;

	snprintf(text, sizeof(text),
		 "[echo]\nlisten = 127.0.0.1:%u\n[control]\nlisten = unix:/nonexistent/c.sock\n",
		 port_reserve());
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[0],
					 .configuration = text,
					 .arguments = (const char *const[]){"-t", NULL}});
	ck_assert_int_eq(daemon_wait_exit(daemon), 71);
	ck_assert(daemon_log_contains(
		daemon, "[control] listen: cannot listen on unix:/nonexistent/c.sock: No such "
			"file or directory (the directory of the socket does not exist)"));
	daemon_free(daemon);
}
END_TEST

/* A proxy with a dead server and one that echoes. */
static struct daemon *serve_proxy(struct server *server)
{
	char front[32], dead[32];

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(dead, sizeof(dead), "127.0.0.1:%u", port_reserve());
	snprintf(echo, sizeof(echo), "%s", front);
	snprintf(metrics, sizeof(metrics), "127.0.0.1:%u", port_reserve());
	return daemon_start(
		&daemon_modes[2],
		"[log]\nlevel = info\n[proxy web]\nlisten = %s\nserver = %s\nserver = %s\n"
		"[metrics]\nlisten = %s\n",
		front, dead, server_address(server), metrics);
}

static void expect_metric(const char *page, const char *sample, double value)
{
	double found = metrics_text_value(page, sample);

	ck_assert_msg(found == value, "%s is %g, not %g", sample, found, value);
}

/* Of so many connections, one after the other: how long each thing took. */
static void expect_measured(const char *page, double connections)
{
	double rtts;

#define PROXY(what) "uringproxy_proxy_" what "{proxy=\"web\",kind=\"proxy\"}"
	expect_metric(page, PROXY("lifetime_seconds_count"), connections);
	expect_metric(page, PROXY("first_byte_seconds_count"), connections);
	expect_metric(page, "uringproxy_pool_connect_seconds_count{pool=\"web\"}", connections);
	/* Without an access log that asks for all: the first of each worker that had any. */
	rtts = metrics_text_value(page, PROXY("client_rtt_seconds_count"));
	ck_assert_msg(rtts == 1 || rtts == 2, "%g round trips", rtts);
	expect_metric(page, "uringproxy_pool_rtt_seconds_count{pool=\"web\"}", rtts);
	ck_assert_double_gt(metrics_text_value(page, PROXY("first_byte_seconds_sum")), 0);
	ck_assert_double_gt(metrics_text_value(page, PROXY("client_rtt_seconds_sum")), 0);
	ck_assert_double_gt(
		metrics_text_value(page, "uringproxy_pool_connect_seconds_sum{pool=\"web\"}"), 0);
	ck_assert_double_gt(
		metrics_text_value(page, "uringproxy_worker_loop_lag_seconds_count{worker=\"0\"}"),
		0);
#undef PROXY
}

START_TEST(the_service_manager_is_told_live_numbers)
{
	struct server *server = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	int fd;

	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	snprintf(metrics, sizeof(metrics), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[2],
			      "[proxy web]\nlisten = %s\nserver = %s\n[metrics]\nlisten = %s\n",
			      echo, server_address(server), metrics);
	daemon_wait_notify(daemon, "STATUS=serving: 0 connections, 1 of 1 server up, edition 1; "
				   "1 listening socket, ");
	fd = peer_connect(echo);
	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	daemon_wait_notify(daemon, "STATUS=serving: 1 connection, 1 of 1 server up, edition 1; ");
	daemon_signal(daemon, SIGHUP);
	daemon_wait_notify(daemon, "READY=1\nSTATUS=serving: 1 connection, 1 of 1 server up, "
				   "edition 2; ");
	close(fd);
	daemon_wait_notify(daemon, "STATUS=serving: 0 connections, 1 of 1 server up, edition 2; ");
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

START_TEST(metrics_say_what_has_happened_under_each_name)
{
	struct server *server = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = serve_proxy(server);
	char sample[200], *page, *body;
	const char *mistake;

	for (unsigned i = 0; i < 10; i++) {
		int fd = peer_connect(echo);

		assert_connected(fd);
		ck_assert(peer_echoes(fd));
		close(fd);
	}
	ck_assert(server_wait_idle(server));
	do { /* they end in their own time */
		page = answer_to(metrics, GET("/metrics"));
		body = strstr(page, "\r\n\r\n");
		ck_assert_msg(body, "%s", page);
		body += 4;
		if (metrics_text_value(body, "uringproxy_active_connections") == 0)
			break;
		free(page);
	} while (true);
	mistake = metrics_text_mistake(body, false);
	ck_assert_msg(!mistake, "%s", mistake);
	expect_metric(body, "uringproxy_proxy_connections_total{proxy=\"web\",kind=\"proxy\"}", 10);
	expect_metric(body, "uringproxy_proxy_active_connections{proxy=\"web\",kind=\"proxy\"}", 0);
	expect_metric(body, "uringproxy_pool_servers_up{pool=\"web\"}", 1);
	snprintf(sample, sizeof(sample),
		 "uringproxy_listener_accepted_total{proxy=\"web\",listener=\"%s\"}", echo);
	expect_metric(body, sample, 10);
	snprintf(sample, sizeof(sample),
		 "uringproxy_server_connections_total{pool=\"web\",server=\"%s\"}",
		 server_address(server));
	expect_metric(body, sample, 10);
	snprintf(sample, sizeof(sample),
		 "uringproxy_server_active_connections{pool=\"web\",server=\"%s\"}",
		 server_address(server));
	expect_metric(body, sample, 0);
	expect_measured(body, 10);
	free(page);
	expect(metrics,
	       "GET /metrics HTTP/1.1\r\nHost: localhost\r\n" CLOSE
	       "Accept: application/openmetrics-text;version=1.0.0\r\n\r\n",
	       "HTTP/1.1 200", "\n# EOF\n");
	expect(metrics, GET("/metrics?scope=pool"), "HTTP/1.1 200", "uringproxy_pool_servers");
	expect(metrics, GET("/metrics?scope=all"), "HTTP/1.1 400", "\"scope\"");
	expect(metrics, GET("/"), "HTTP/1.1 200", "Content-Security-Policy: ");
	expect(metrics, GET("/status"), "HTTP/1.1 200", server_address(server));
	expect(metrics, GET("/status.json"), "HTTP/1.1 200", "\"connections_total\":10");
	expect(metrics, GET("/status"), "HTTP/1.1 200", "; p99 ");
	expect(metrics, GET("/status.json"), "HTTP/1.1 200", "\"lag_seconds\":{");
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

SUITE_OF("daemon: control", 60, ONCE(a_test_of_the_configuration_looks_at_the_sockets),
	 ONCE(each_path_is_answered_where_it_belongs),
	 ONCE(what_each_line_has_refused_is_shown_and_goes_on_over_a_reload_that_moves_it),
	 ONCE(the_control_socket_is_its_groups_and_gone_with_the_daemon),
	 ONCE(what_browsers_send_for_pages_is_refused),
	 ONCE(whoever_misbehaves_keeps_neither_port_busy_nor_the_echo),
	 ONCE(a_draining_daemon_answers_and_is_not_ready),
	 ONCE(status_finds_the_daemon_and_says_how_it_is),
	 ONCE(without_a_daemon_status_says_what_to_do),
	 ONCE(a_directory_that_systemd_gives_has_the_control_socket),
	 ONCE(an_address_of_metrics_that_is_taken_ends_the_start),
	 ONCE(the_service_manager_is_told_live_numbers),
	 ONCE(metrics_say_what_has_happened_under_each_name))
