/* What the daemon answers itself, and every kind of address it listens on and connects to. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char address[64];

static int connected(const char *to)
{
	int fd = peer_connect(to);

	ck_assert_msg(fd >= 0, "cannot connect to %s: %s", to, strerror(-fd));
	return fd;
}

static struct daemon *serve(int mode, const char *section)
{
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode], "%s\nlisten = %s\n", section, address);
}

START_TEST(discard_takes_everything_and_says_nothing)
{
	struct daemon *daemon = serve(_i, "[discard]");
	struct transfer transfer = {
		.send = 32 << 20, .half_close = true, .receive = PEER_UNTIL_THE_END};
	int fd = connected(address);

	peer_transfer(fd, &transfer);
	assert_transferred(&transfer, 0, PEER_FIN);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* RFC 864's popular pattern: lines of 72 characters out of the 95 printable ones, each line
 * beginning one character later. */
START_TEST(chargen_sends_the_pattern_until_the_client_closes)
{
	struct daemon *daemon = serve(_i, "[chargen]");
	enum { LINES = 1000, WIDTH = 72 };
	char got[LINES * (WIDTH + 2) + 1];
	unsigned first;
	int fd = connected(address);

	ck_assert_int_eq(peer_receive_text(fd, got, sizeof(got), NULL), sizeof(got) - 1);
	first = (unsigned)got[0] - ' ';
	for (unsigned line = 0; line < LINES; line++) {
		const char *at = got + line * (WIDTH + 2);

		for (unsigned i = 0; i < WIDTH; i++)
			ck_assert_msg(at[i] == (char)(' ' + (first + line + i) % 95),
				      "line %u, character %u is '%c'", line, i, at[i]);
		ck_assert_int_eq(at[WIDTH], '\r');
		ck_assert_int_eq(at[WIDTH + 1], '\n');
	}
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(chargen_is_not_stopped_by_what_it_is_sent)
{
	struct daemon *daemon = serve(_i, "[chargen]");
	char got[100000];
	int fd = connected(address);

	ck_assert_int_eq(peer_send_text(fd, "whatever\r\n"), 0);
	ck_assert_int_eq(peer_receive_text(fd, got, sizeof(got), NULL), sizeof(got) - 1);
	peer_reset(fd);
	daemon_stop(daemon);
}
END_TEST

/* ---- responder ---- */

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* One response with a body of size bytes; what follows it stays in the socket. */
static void read_response(int fd, const char *status, size_t size)
{
	char head[2048], length[64], byte[2];
	size_t n = 0;

	while (n < sizeof(head) - 1 && (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0)) {
		ck_assert_int_eq(peer_receive_text(fd, byte, 2, NULL), 1);
		head[n++] = byte[0];
	}
	head[n] = '\0';
	ck_assert_msg(strncmp(head, status, strlen(status)) == 0, "the answer is %s", head);
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", size);
	ck_assert_msg(strstr(head, length), "no %s in %s", length, head);
	for (size_t left = size; left;) {
		char body[4096];
		size_t want = left < sizeof(body) - 1 ? left : sizeof(body) - 1;

		ck_assert_int_eq(peer_receive_text(fd, body, want + 1, NULL), (int)want);
		left -= want;
	}
}

START_TEST(the_responder_answers_one_request_after_the_other)
{
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 1000");
	int fd = connected(address);

	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(peer_send_text(fd, REQUEST), 0);
		read_response(fd, "HTTP/1.1 200 ", 1000);
	}
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_responder_answers_requests_sent_at_once)
{
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 128");
	char many[200 * sizeof(REQUEST)] = "";
	int fd = connected(address);

	for (size_t i = 0; i < 200; i++)
		memcpy(many + i * strlen(REQUEST), REQUEST, sizeof(REQUEST));
	ck_assert_int_eq(peer_send_text(fd, many), 0);
	for (int i = 0; i < 200; i++)
		read_response(fd, "HTTP/1.1 200 ", 128);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_responder_understands_a_request_that_comes_byte_by_byte)
{
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 10");
	int fd = connected(address);

	for (const char *c = REQUEST REQUEST; *c; c++)
		ck_assert_int_eq(peer_send_text(fd, (const char[]){*c, '\0'}), 0);
	read_response(fd, "HTTP/1.1 200 ", 10);
	read_response(fd, "HTTP/1.1 200 ", 10);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* The body holds what looks like the end of a head, so counting it wrong shows. */
START_TEST(the_responder_skips_a_body_by_its_length)
{
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 10");
	char got[16];
	int fd = connected(address);

	ck_assert_int_eq(peer_send_text(fd, "POST / HTTP/1.1\r\ncontent-length:  38\r\n\r\n"
					    "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n"),
			 0);
	read_response(fd, "HTTP/1.1 200 ", 10);
	ck_assert_int_eq(peer_send_text(fd, REQUEST), 0);
	read_response(fd, "HTTP/1.1 200 ", 10);
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(peer_receive_text(fd, got, sizeof(got), NULL), 0);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_responder_takes_a_length_said_twice_and_refuses_two_lengths)
{
	static const char *const refused[] = {
		"Content-Length: 0\r\ncontent-length: 18\r\n",
		"Content-Length: 1 8\r\n",
		"Content-Length:\r\n",
	};
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 10");
	int fd = connected(address);

	ck_assert_int_eq(peer_send_text(fd, "POST / HTTP/1.1\r\nContent-Length: 4\r\n"
					    "Content-Length: 4 \r\n\r\nbody"),
			 0);
	read_response(fd, "HTTP/1.1 200 ", 10);
	close(fd);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char request[256];

		fd = connected(address);
		snprintf(request, sizeof(request), "POST / HTTP/1.1\r\n%s\r\n" REQUEST, refused[i]);
		ck_assert_int_eq(peer_send_text(fd, request), 0);
		read_response(fd, "HTTP/1.1 400 ", 0);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
		close(fd);
	}
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_responder_refuses_what_is_no_request_of_HTTP_1)
{
	static const char *const refused[] = {
		"GARBAGE\r\n\r\n",           "GET /\r\n\r\n",
		"GET / HTTP/1.\r\n\r\n",     "GET / HTTP/1.10\r\n\r\n",
		"GET / HTTP/1.1 \r\n\r\n",   "GET / HTTP/2.0\r\n\r\n",
		"GET / http/1.1\r\n\r\n",    "GET  / HTTP/1.1\r\n\r\n",
		" GET / HTTP/1.1\r\n\r\n",   "GET / a HTTP/1.1\r\n\r\n",
		"GET /\ra HTTP/1.1\r\n\r\n", "GET /\ta HTTP/1.1\r\n\r\n",
		"GET: / HTTP/1.1\r\n\r\n",   "\x16\x03\x01\x02\r\n\r\n", /* as TLS begins */
	};
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 10");

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int fd = connected(address);

		ck_assert_int_eq(peer_send_text(fd, refused[i]), 0);
		read_response(fd, "HTTP/1.1 400 ", 0);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
		close(fd);
	}
	daemon_stop(daemon);
}
END_TEST

/* What nobody sends is a request all the same, and so are empty lines before it no mistake. */
START_TEST(the_responder_takes_any_method_target_and_version_of_HTTP_1)
{
	static const char *const taken[] = {
		"PROPFIND * HTTP/1.1\r\n\r\n",
		"x-Y.1!#$%&'*+^_`|~ ? HTTP/1.9\r\n\r\n",
		"CONNECT here:443 HTTP/1.1\n\n",
		"\r\n\nGET http://here/\xc3\xa4?a=[b]\"c HTTP/1.1\r\n\r\n",
	};
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 10");
	int fd = connected(address);

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		ck_assert_int_eq(peer_send_text(fd, taken[i]), 0);
		read_response(fd, "HTTP/1.1 200 ", 10);
	}
	ck_assert_int_eq(peer_send_text(fd, "GET / HTTP/1.0\r\n\r\n"), 0);
	read_response(fd, "HTTP/1.1 200 ", 10);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_responder_refuses_a_head_over_16_KiB_and_closes)
{
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 10");
	char head[20000], got[4096];
	int fd = connected(address);

	memset(head, 'a', sizeof(head) - 1);
	head[sizeof(head) - 1] = '\0';
	memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
	ck_assert_int_eq(peer_send_text(fd, head), 0);
	ck_assert_int_ge(peer_receive_text(fd, got, sizeof(got), "\r\n\r\n"), 12);
	ck_assert_msg(strncmp(got, "HTTP/1.1 431 ", 13) == 0, "the answer is %s", got);
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_responder_takes_a_head_just_under_16_KiB)
{
	struct daemon *daemon = serve(_i, "[responder r]\nsize = 10");
	char head[16000];
	int fd = connected(address);

	memset(head, 'a', sizeof(head) - 1);
	head[sizeof(head) - 1] = '\0';
	memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
	ck_assert_int_eq(peer_send_text(fd, head), 0);
	ck_assert_int_eq(peer_send_text(fd, "\r\n\r\n"), 0);
	read_response(fd, "HTTP/1.1 200 ", 10);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* ---- addresses ---- */

static void assert_echo_at(const char *to)
{
	struct transfer transfer = {.send = 300000,
				    .send_seed = 9,
				    .half_close = true,
				    .receive = PEER_UNTIL_THE_END,
				    .receive_seed = 9};
	int fd = connected(to);

	peer_transfer(fd, &transfer);
	assert_transferred(&transfer, 300000, PEER_FIN);
	close(fd);
}

START_TEST(a_bare_port_listens_on_both_families)
{
	unsigned port = port_reserve(), colon_port = port_reserve();
	struct daemon *daemon = daemon_start(
		&daemon_modes[_i], "[echo]\nlisten = %u\nlisten = :%u\n", port, colon_port);
	char to[32];

	for (int i = 0; i < 2; i++) {
		unsigned p = i ? colon_port : port;

		snprintf(to, sizeof(to), "127.0.0.1:%u", p);
		assert_echo_at(to);
		snprintf(to, sizeof(to), "[::1]:%u", p);
		assert_echo_at(to);
	}
	daemon_stop(daemon);
}
END_TEST

/* An address of the given kind: IPv4, IPv6, a path, an abstract name. */
static void write_address(char text[128], unsigned kind, const char *name)
{
	if (kind < 2)
		snprintf(text, 128, kind ? "[::1]:%u" : "127.0.0.1:%u", port_reserve());
	else if (kind == 2)
		snprintf(text, 128, "unix:%s/%s-%d", suite_dir(), name, getpid());
	else
		snprintf(text, 128, "unix:@uringproxy-test-%s-%d", name, getpid());
}

/* Every kind of listener before every kind of server. */
START_TEST(each_kind_of_address_works_on_both_sides)
{
	char listens[4][128], servers[4][128], text[4096] = "";
	size_t used = 0;
	struct server *echo[4];
	struct daemon *daemon;

	for (unsigned i = 0; i < 4; i++) {
		write_address(listens[i], i, "listen");
		write_address(servers[i], i, "server");
		echo[i] = server_start(servers[i], server_echo, NULL);
		ck_assert_ptr_nonnull(echo[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "[proxy p%u]\nlisten = %s\nserver = %s\n", i, listens[i],
					 servers[3 - i]);
	daemon = daemon_start(&daemon_modes[_i], "%s", text);
	for (unsigned i = 0; i < 4; i++)
		assert_echo_at(listens[i]);
	daemon_stop(daemon);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(server_accepted(echo[i]), 1);
		server_stop(echo[i]);
	}
}
END_TEST

START_TEST(one_section_listens_on_several_addresses)
{
	unsigned a = port_reserve(), b = port_reserve();
	struct daemon *daemon = daemon_start(
		&daemon_modes[_i], "[echo]\nlisten = 127.0.0.1:%u\nlisten = [::1]:%u\n", a, b);
	char to[32];

	snprintf(to, sizeof(to), "127.0.0.1:%u", a);
	assert_echo_at(to);
	snprintf(to, sizeof(to), "[::1]:%u", b);
	assert_echo_at(to);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_host_name_is_a_server)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i], "[proxy p]\nlisten = %s\nserver = localhost:%s\n",
			      address, strchr(server_address(echo), ':') + 1);
	assert_echo_at(address);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* One of its addresses is no machine's, one is named twice. */
START_TEST(a_name_listens_on_each_of_its_addresses)
{
	static const char hosts[] = "127.0.0.2 two.example\n127.0.0.3 two.example\n"
				    "203.0.113.7 two.example\n127.0.0.2 two.example\n";
	uint16_t port = port_reserve();
	char path[256], configuration[256];
	struct daemon *daemon;
	FILE *file;

	if (geteuid() != 0)
		SKIP_TEST("only root can give the daemon an /etc/hosts");
	snprintf(path, sizeof(path), "%s/hosts-%d", suite_dir(), _i);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(hosts, file);
	fclose(file);
	snprintf(configuration, sizeof(configuration), "[echo]\nlisten = two.example:%u\n", port);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = configuration, .hosts = path});
	daemon_wait_ready(daemon);
	for (int i = 2; i <= 3; i++) {
		snprintf(address, sizeof(address), "127.0.0.%d:%u", i, port);
		assert_echo_at(address);
	}
	ck_assert_uint_eq(daemon_log_count(daemon, "listens on two.example:"), 2);
	ck_assert_uint_eq(daemon_log_count(daemon, "not listening on two.example:"), 1);
	ck_assert(daemon_log_contains(daemon, "(203.0.113.7:"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(every_socket_that_systemd_passed_by_one_name_is_served)
{
	char first[32], second[32];
	struct daemon *daemon;
	int fds[3];

	snprintf(first, sizeof(first), "127.0.0.1:%u", port_reserve());
	snprintf(second, sizeof(second), "[::1]:%u", port_reserve());
	fds[0] = peer_listen(first, 8);
	fds[1] = peer_listen(second, 8);
	fds[2] = -1;
	if (fds[1] < 0)
		SKIP_TEST("this machine has no IPv6");
	ck_assert_int_ge(fds[0], 0);
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[_i],
					 .configuration = "[echo]\nlisten = systemd:passed\n",
					 .inherited = fds});
	daemon_wait_ready(daemon);
	close(fds[0]);
	close(fds[1]);
	assert_echo_at(first);
	assert_echo_at(second);
	daemon_stop(daemon);
}
END_TEST

/* A path left by one that was killed is in nobody's way; one in use is. */
START_TEST(a_unix_path_is_taken_over_from_the_dead_and_removed_at_the_end)
{
	char path[128], to[140];
	struct daemon *daemon;
	struct stat status;
	int dead;

	snprintf(path, sizeof(path), "%s/echo-%d.sock", suite_dir(), _i);
	snprintf(to, sizeof(to), "unix:%s", path);
	dead = peer_listen(to, 8);
	ck_assert_int_ge(dead, 0);
	close(dead);

	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", to);
	assert_echo_at(to);
	daemon_stop(daemon);
	ck_assert_int_eq(stat(path, &status), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_unix_path_that_another_daemon_listens_on_stays_its_own)
{
	struct daemon *first, *second;
	char text[300], path[200];
	int fd;

	snprintf(path, sizeof(path), "unix:%s/mine", suite_dir());
	snprintf(text, sizeof(text), "[echo]\nlisten = %s\n", path);
	first = daemon_start(&daemon_modes[_i], "%s", text);
	second = daemon_spawn(&(struct daemon_options){.configuration = text});
	ck_assert_int_ne(daemon_wait_exit(second), 0);
	ck_assert(daemon_log_contains(second, path));
	daemon_free(second);
	fd = peer_connect(path);
	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(first);
	ck_assert_int_lt(access(path + strlen("unix:"), F_OK), 0);
}
END_TEST

SUITE_OF("daemon: services and addresses", 60,
	 IN_BOTH_RINGS(discard_takes_everything_and_says_nothing),
	 IN_EVERY_WAY(chargen_sends_the_pattern_until_the_client_closes),
	 IN_BOTH_RINGS(chargen_is_not_stopped_by_what_it_is_sent),
	 IN_BOTH_RINGS(the_responder_answers_one_request_after_the_other),
	 IN_EVERY_WAY(the_responder_answers_requests_sent_at_once),
	 IN_BOTH_RINGS(the_responder_understands_a_request_that_comes_byte_by_byte),
	 IN_BOTH_RINGS(the_responder_skips_a_body_by_its_length),
	 IN_BOTH_RINGS(the_responder_takes_a_length_said_twice_and_refuses_two_lengths),
	 IN_BOTH_RINGS(the_responder_refuses_what_is_no_request_of_HTTP_1),
	 IN_BOTH_RINGS(the_responder_takes_any_method_target_and_version_of_HTTP_1),
	 IN_BOTH_RINGS(the_responder_refuses_a_head_over_16_KiB_and_closes),
	 IN_BOTH_RINGS(the_responder_takes_a_head_just_under_16_KiB),
	 IN_EACH_MODE(a_bare_port_listens_on_both_families),
	 IN_EACH_MODE(each_kind_of_address_works_on_both_sides),
	 IN_BOTH_RINGS(one_section_listens_on_several_addresses),
	 IN_BOTH_RINGS(a_host_name_is_a_server),
	 IN_EACH_MODE(a_name_listens_on_each_of_its_addresses),
	 IN_EACH_MODE(every_socket_that_systemd_passed_by_one_name_is_served),
	 IN_BOTH_RINGS(a_unix_path_is_taken_over_from_the_dead_and_removed_at_the_end),
	 IN_BOTH_RINGS(a_unix_path_that_another_daemon_listens_on_stays_its_own))
