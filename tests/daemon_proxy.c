/* PROXY headers: who is believed, what comes of it, what servers are told, and what is wrong. */
#include "base/compiler.h"
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/server.h"
#include "support/suite.h"
#include "support/vectors.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define VECTORS "tests/vectors/proxy-protocol.txt"
#define PAYLOAD "PAYLOAD-END"
#define LINE    "PROXY TCP4 192.0.2.10 198.51.100.20 40001 443\r\n"

static char front[64], back[64];

static void reserve(void)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(back, sizeof(back), "127.0.0.1:%u", port_reserve());
}

static int come(void)
{
	int fd = peer_connect(front), on = 1;

	assert_connected(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* In pieces of so many bytes, each in a segment of its own; one that is refused takes no more. */
static void say(int fd, const void *bytes, size_t count, size_t piece)
{
	for (size_t i = 0; i < count; i += piece) {
		size_t n = count - i < piece ? count - i : piece;

		if (send(fd, (const char *)bytes + i, n, MSG_NOSIGNAL) < 0)
			break;
		sched_yield(); /* so that whoever receives may see each by itself */
	}
}

/* What comes back until the end: "" where that is nothing, or a reset. */
static const char *answer(int fd)
{
	static char text[16384];
	int n = peer_receive_text(fd, text, sizeof(text), NULL);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* ---- In -------------------------------------------------------------------------------------- */

static void check_vector(const struct vector *vector, size_t piece)
{
	size_t count = vector->count + strlen(PAYLOAD);
	char *bytes = malloc(count);
	bool served = strcmp(vector->verdict, "reject") != 0;
	int fd = come();

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, vector->bytes, vector->count);
	memcpy(bytes + vector->count, PAYLOAD, strlen(PAYLOAD));
	say(fd, bytes, count, piece);
	free(bytes);
	shutdown(fd, SHUT_WR);
	ck_assert_msg(!strcmp(answer(fd), served ? PAYLOAD : ""), "%s in pieces of %zu: \"%s\"",
		      vector->name, piece, answer(fd));
	close(fd);
}

/* All at once, cut where receivers are known to fail, and byte by byte. */
START_TEST(a_header_is_read_however_it_is_split)
{
	static const size_t pieces[] = {SIZE_MAX / 2, 1, 3, 8, 12, 16, 20};
	struct vectors vectors;
	struct daemon *daemon;

	reserve();
	daemon =
		daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\naccept_proxy = any\n", front);
	vectors_read(&vectors, VECTORS);
	for (uint32_t i = 0; i < vectors.count; i++)
		for (size_t p = 0; p < array_size(pieces); p++)
			if (vectors.each[i].count < 300 || pieces[p] > 300)
				check_vector(&vectors.each[i], pieces[p]);
	daemon_stop(daemon);
	vectors_done(&vectors);
}
END_TEST

/* In both directions and by each way of moving bytes: what is behind a header is all there is. */
START_TEST(what_is_behind_a_header_is_whole)
{
	static const char *const relays[] = {"auto", "copy", "splice", "zerocopy"};

	for (size_t r = 0; r < array_size(relays); r++) {
		struct server *echo = server_start(NULL, server_echo, NULL);
		struct transfer transfer = {.send = 3 << 20,
					    .send_seed = 7,
					    .half_close = true,
					    .receive = PEER_UNTIL_THE_END,
					    .receive_seed = 7};
		struct daemon *daemon;
		int fd;

		reserve();
		daemon =
			daemon_start(&daemon_modes[_i],
				     "[defaults]\nrelay = %s\n"
				     "[proxy outer]\nlisten = %s\nserver = %s\nsend_proxy = v2\n"
				     "send_proxy_tlv = unique_id crc32c\n"
				     "[proxy inner]\nlisten = %s\nserver = %s\naccept_proxy = v2\n",
				     relays[r], front, back, back, server_address(echo));
		fd = come();
		peer_transfer(fd, &transfer);
		assert_transferred(&transfer, 3u << 20, PEER_FIN);
		close(fd);
		daemon_stop(daemon);
		server_stop(echo);
	}
}
END_TEST

/* Whatever came in the same segment as its header has been heard. */
START_TEST(a_service_hears_what_came_with_a_header)
{
	static const struct {
		const char *section, *says;
	} cases[] = {{"responder", "HTTP/1.1 200 OK"}, {"discard", ""}, {"echo", "GET / HTTP/1.0"}};

	for (size_t i = 0; i < array_size(cases); i++) {
		static const char words[] = LINE "GET / HTTP/1.0\r\n\r\n";
		const char *answered;
		struct daemon *daemon;
		int fd;

		reserve();
		daemon = daemon_start(&daemon_modes[_i], "[%s]\nlisten = %s\naccept_proxy = any\n",
				      cases[i].section, front);
		fd = come();
		say(fd, words, strlen(words), SIZE_MAX / 2);
		shutdown(fd, SHUT_WR);
		answered = answer(fd);
		ck_assert_msg(*cases[i].says
				      ? !strncmp(answered, cases[i].says, strlen(cases[i].says))
				      : !*answered,
			      "[%s]: \"%s\"", cases[i].section, answered);
		close(fd);
		daemon_stop(daemon);
	}
}
END_TEST

START_TEST(the_client_is_the_one_in_the_header)
{
	struct daemon *daemon;
	int fd;

	reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\naccess = stderr\nformat = json\n"
			      "[echo]\nlisten = %s\naccept_proxy = v1\n",
			      front);
	fd = come();
	say(fd, LINE PAYLOAD, strlen(LINE PAYLOAD), SIZE_MAX / 2);
	shutdown(fd, SHUT_WR);
	ck_assert_str_eq(answer(fd), PAYLOAD);
	close(fd);
	daemon_wait_log(daemon, "\"client\":\"192.0.2.10:40001\",\"client_real\":\"127.0.0.1:");
	daemon_wait_log(daemon, "\"bytes_up\":11,\"bytes_down\":11,");
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_header_of_another_version_is_none)
{
	struct daemon *daemon;
	int fd;

	reserve();
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\naccept_proxy = v2\n", front);
	fd = come();
	say(fd, LINE PAYLOAD, strlen(LINE PAYLOAD), SIZE_MAX / 2);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	daemon_wait_log(daemon, "did not begin with a PROXY header (accept_proxy = v2, ");
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_header_has_its_time_to_come)
{
	struct daemon *daemon;
	int fds[2];

	reserve();
	daemon = daemon_start(
		&daemon_modes[_i],
		"[echo]\nlisten = %s\naccept_proxy = any\naccept_proxy_timeout = 300ms\n", front);
	fds[0] = come();
	fds[1] = come();
	say(fds[1], LINE, 20, SIZE_MAX / 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_ne(peer_wait_end(fds[i], PEER_PATIENCE_MS), PEER_SILENT);
		close(fds[i]);
	}
	ck_assert(wait_until(
		daemon_log_count(daemon, "did not come in time (accept_proxy_timeout = 300ms") >= 2,
		PEER_PATIENCE_MS));
	daemon_stop(daemon);
}
END_TEST

/* A reset and an end at each of its bytes: everything is given back. */
START_TEST(a_client_that_goes_within_its_header_leaves_nothing)
{
	struct daemon *daemon;
	unsigned before;

	reserve();
	daemon =
		daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\naccept_proxy = any\n", front);
	before = daemon_open_fds(daemon);
	for (size_t i = 1; i < strlen(LINE); i++) {
		int reset = come(), end = come();

		say(reset, LINE, i, SIZE_MAX / 2);
		say(end, LINE, i, SIZE_MAX / 2);
		peer_reset(reset);
		shutdown(end, SHUT_WR);
		ck_assert_str_eq(answer(end), "");
		close(end);
	}
	daemon_wait_fds(daemon, before);
	ck_assert(wait_until(daemon_log_count(daemon, "ended within its PROXY header") >=
				     strlen(LINE) - 1,
			     PEER_PATIENCE_MS));
	daemon_stop(daemon);
}
END_TEST

/* It is a check of what is in front: it sees a FIN, and the log sees nothing. */
START_TEST(a_client_that_says_nothing_is_counted_and_has_no_line)
{
	static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0";
	struct daemon *daemon;

	reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\naccess = stderr\nformat = json\n"
			      "[echo]\nlisten = %s\naccept_proxy = any\n",
			      front);
	for (int i = 0; i < 2; i++) {
		int fd = come();

		say(fd, local, i ? sizeof(local) : 0, SIZE_MAX / 2);
		shutdown(fd, SHUT_WR);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
		close(fd);
	}
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_log_count(daemon, "\"id\":"), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "closed"), 2);
	daemon_stop(daemon);
}
END_TEST

/* ---- Who is believed ------------------------------------------------------------------------- */

START_TEST(others_are_rejected_before_they_are_anything)
{
	struct daemon *daemon;
	int fd;

	reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\nlevel = info\naccess = stderr\nformat = json\n[echo]\n"
			      "listen = %s\naccept_proxy = any\naccept_proxy_from = 192.0.2.0/24\n"
			      "accept_proxy_from = 2001:db8::/32\n",
			      front);
	fd = come();
	/* Nothing is said: a send would be told of the reset in place of us. */
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "\"reason\":\"untrusted\""));
	ck_assert_uint_eq(daemon_log_count(daemon, "\"id\":"), 0);
	daemon_stop(daemon);
}
END_TEST

START_TEST(others_are_clients_themselves_where_that_is_said)
{
	struct daemon *daemon;
	int fd;

	reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "[echo]\nlisten = %s\naccept_proxy = any\n"
			      "accept_proxy_from = 192.0.2.0/24\naccept_proxy_others = plain\n",
			      front);
	fd = come();
	say(fd, LINE PAYLOAD, strlen(LINE PAYLOAD), SIZE_MAX / 2);
	shutdown(fd, SHUT_WR);
	ck_assert_str_eq(answer(fd), LINE PAYLOAD);
	close(fd);
	daemon_wait_log(daemon, "client 127.0.0.1:");
	daemon_stop(daemon);
}
END_TEST

START_TEST(allow_and_deny_are_asked_about_the_client_in_the_header)
{
	static const struct {
		const char *rule;
		bool served;
	} cases[] = {{"deny = 192.0.2.0/24", false},
		     {"deny = 127.0.0.0/8", true},
		     {"allow = 192.0.2.10", true},
		     {"allow = 127.0.0.0/8", false}};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct daemon *daemon;
		int fd;

		reserve();
		daemon = daemon_start(&daemon_modes[_i],
				      "[echo]\nlisten = %s\naccept_proxy = any\n"
				      "accept_proxy_from = 127.0.0.1\n%s\n",
				      front, cases[i].rule);
		fd = come();
		say(fd, LINE PAYLOAD, strlen(LINE PAYLOAD), SIZE_MAX / 2);
		shutdown(fd, SHUT_WR);
		ck_assert_str_eq(answer(fd), cases[i].served ? PAYLOAD : "");
		close(fd);
		daemon_stop(daemon);
	}
}
END_TEST

/* ---- Out ------------------------------------------------------------------------------------- */

/* What a connection says, up to as much as is wanted, is kept; then it is closed. */
struct hearing {
	size_t want;
	char bytes[600];
	size_t count;
};

static void hear(int fd, void *context)
{
	struct hearing *hearing = context;

	hearing->count = 0;
	while (hearing->count < hearing->want) {
		ssize_t n = recv(fd, hearing->bytes + hearing->count,
				 sizeof(hearing->bytes) - 1 - hearing->count, 0);

		if (n <= 0)
			break;
		hearing->count += (size_t)n;
	}
	hearing->bytes[hearing->count] = '\0';
	close(fd);
}

/* Version 1: "PROXY TCP4 127.0.0.1 127.0.0.1 PORT PORT" of the very connection. */
static const char *line_of(int fd)
{
	static char line[108];
	struct sockaddr_in own, peer;
	socklen_t size = sizeof(own);

	getsockname(fd, (struct sockaddr *)&own, &size);
	size = sizeof(peer);
	getpeername(fd, (struct sockaddr *)&peer, &size);
	snprintf(line, sizeof(line), "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\n",
		 ntohs(own.sin_port), ntohs(peer.sin_port));
	return line;
}

static void hear_one(struct hearing *hearing, int mode, const char *keys, const char *words)
{
	struct server *server = server_start(NULL, hear, hearing);
	struct daemon *daemon;
	char line[108];
	int fd;

	reserve();
	daemon = daemon_start(&daemon_modes[mode], "[proxy p]\nlisten = %s\nserver = %s\n%s", front,
			      server_address(server), keys);
	fd = come();
	snprintf(line, sizeof(line), "%s", line_of(fd));
	say(fd, words, strlen(words), SIZE_MAX / 2);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
	if (hearing->bytes[0] == 'P' && !strstr(hearing->bytes, "192.0.2"))
		ck_assert_int_eq(strncmp(hearing->bytes, line, strlen(line)), 0);
}

START_TEST(a_server_is_told_of_the_client_at_once_and_without_a_word_of_the_client)
{
	struct hearing hearing = {.want = 20};

	hear_one(&hearing, _i, "send_proxy = v1\n", "");
	ck_assert_str_eq(strchr(hearing.bytes, '\r'), "\r\n");
	hearing.want = 28;
	hear_one(&hearing, _i, "send_proxy = v2\n", "");
	ck_assert_uint_eq(hearing.count, 28);
	ck_assert_mem_eq(hearing.bytes, "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1",
			 24);
}
END_TEST

START_TEST(what_the_client_has_said_comes_behind_it)
{
	struct hearing hearing = {.want = 60};

	hear_one(&hearing, _i, "send_proxy = v1\n", "0123456789012345678901234567890123456789");
	ck_assert_str_eq(strchr(hearing.bytes, '\r'),
			 "\r\n0123456789012345678901234567890123456789");
}
END_TEST

START_TEST(what_came_in_goes_on_and_more_is_said_of_it)
{
	struct hearing hearing = {.want = 36 + 3 + 18 + 7};
	struct vectors vectors;
	const struct vector *vector;
	struct server *server = server_start(NULL, hear, &hearing);
	struct daemon *daemon;
	int fd;

	vectors_read(&vectors, VECTORS);
	vector = vectors_find(&vectors, "v2-azure");
	reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s\naccept_proxy = v2\n"
			      "send_proxy = v2\nsend_proxy_tlv = crc32c, client unique_id\n",
			      front, server_address(server));
	fd = come();
	say(fd, vector->bytes, vector->count, SIZE_MAX / 2);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
	/* The addresses and the field of the client's header, then ours, the checksum last. */
	ck_assert_mem_eq(hearing.bytes + 16, vector->bytes + 16, vector->count - 16);
	ck_assert_int_eq(hearing.bytes[vector->count], 5);
	ck_assert_int_eq(hearing.bytes[hearing.count - 7], 3);
	ck_assert_uint_eq(16 + (size_t)(unsigned char)hearing.bytes[15], hearing.count);
	vectors_done(&vectors);
}
END_TEST

/* What a client that says that, and its end, gets back of a server that echoes. */
static const char *answer_to(const char *words)
{
	const char *answered;
	int fd = come();

	say(fd, words, strlen(words), SIZE_MAX / 2);
	shutdown(fd, SHUT_WR);
	answered = answer(fd);
	close(fd);
	return answered;
}

START_TEST(a_reload_changes_what_is_expected_and_what_is_said)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	const char *server = server_address(echo);
	struct daemon *daemon;
	int old;

	reserve();
	daemon = edition_start(&daemon_modes[_i], "[proxy p]\nlisten = %s\nserver = %s\n", front,
			       server);
	ck_assert_str_eq(answer_to(LINE PAYLOAD), LINE PAYLOAD);
	old = come();
	ck_assert(peer_echoes(old));
	edition_adopt("[proxy p]\nlisten = %s\nserver = %s\naccept_proxy = v1\n", front, server);
	ck_assert_str_eq(answer_to(LINE PAYLOAD), PAYLOAD);
	ck_assert_str_eq(answer_to(PAYLOAD), "");
	edition_adopt("[proxy p]\nlisten = %s\nserver = %s\naccept_proxy = v1\n"
		      "send_proxy = v1\n",
		      front, server);
	ck_assert_str_eq(answer_to(LINE PAYLOAD), LINE PAYLOAD);
	edition_adopt("[proxy p]\nlisten = %s\nserver = %s\naccept_proxy = v1\n"
		      "accept_proxy_from = 192.0.2.0/24\naccept_proxy_others = plain\n",
		      front, server);
	ck_assert_str_eq(answer_to(LINE PAYLOAD), LINE PAYLOAD);
	ck_assert(peer_echoes(old));
	close(old);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(another_server_is_told_by_what_its_own_line_says)
{
	struct hearing hearing = {.want = 20};
	struct server *server = server_start(NULL, hear, &hearing);
	struct daemon *daemon;
	int fd;

	reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s send_proxy=v2\n"
			      "server = %s priority=1 send_proxy=v1\n",
			      front, back, server_address(server));
	fd = come();
	say(fd, "words", 5, SIZE_MAX / 2);
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
	ck_assert_int_eq(strncmp(hearing.bytes, "PROXY TCP4 127.0.0.1 127.0.0.1 ", 31), 0);
}
END_TEST

START_TEST(a_client_of_a_unix_socket_has_no_address_to_tell)
{
	static const char *const versions[] = {"v1", "v2"};

	for (size_t i = 0; i < array_size(versions); i++) {
		struct hearing hearing = {.want = 15};
		struct server *server = server_start(NULL, hear, &hearing);
		struct daemon *daemon;
		int fd;

		snprintf(front, sizeof(front), "unix:@uringproxy-proxy-%u", port_reserve());
		daemon = daemon_start(&daemon_modes[_i],
				      "[proxy p]\nlisten = %s\nserver = %s\nsend_proxy = %s\n",
				      front, server_address(server), versions[i]);
		fd = peer_connect(front);
		assert_connected(fd);
		ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
		close(fd);
		daemon_stop(daemon);
		server_stop(server);
		if (i == 0)
			ck_assert_str_eq(hearing.bytes, "PROXY UNKNOWN\r\n");
		else
			ck_assert_mem_eq(hearing.bytes, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
	}
}
END_TEST

/* The client came over IPv4, and the header that it brought says it meant an IPv6 address. */
START_TEST(ends_of_two_families_are_both_written_as_ipv6)
{
	struct hearing hearing = {.want = 40};
	struct server *server = server_start(NULL, hear, &hearing);
	struct daemon *daemon;
	int fd;

	reserve();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s\naccept_proxy = v1\n"
			      "send_proxy = v1\n",
			      front, server_address(server));
	fd = come();
	say(fd, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n", 45, SIZE_MAX / 2);
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
	ck_assert_str_eq(hearing.bytes, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n");
}
END_TEST

/* ---- Checks ---------------------------------------------------------------------------------- */

/* They are well as long as the listener that they ask understands them, and it has no line. */
START_TEST(checks_say_a_header_too)
{
	static const char *const ways[] = {
		"send_proxy = v1\ncheck = tcp\n", "send_proxy = v2\ncheck = tcp\n",
		"send_proxy = v1\ncheck = http\n", "send_proxy = v2\ncheck = http\n"};

	for (size_t i = 0; i < array_size(ways); i++) {
		struct daemon *daemon;

		reserve();
		daemon = daemon_start(&daemon_modes[_i],
				      "[responder]\nlisten = %s\naccept_proxy = any\n"
				      "[proxy p]\nlisten = %s\nserver = %s\n%scheck_every = 50ms\n"
				      "check_timeout = 50ms\n",
				      back, front, back, ways[i]);
		sleep_ms(400); /* some of them */
		ck_assert_uint_eq(daemon_log_count(daemon, "PROXY header"), 0);
		ck_assert(!daemon_log_contains(daemon, "is down"));
		daemon_stop(daemon);
	}
}
END_TEST

SUITE_OF("daemon proxy", 300, IN_BOTH_RINGS(a_header_is_read_however_it_is_split),
	 IN_BOTH_RINGS(a_reload_changes_what_is_expected_and_what_is_said),
	 IN_EVERY_WAY(what_is_behind_a_header_is_whole),
	 IN_EVERY_WAY(a_service_hears_what_came_with_a_header),
	 IN_BOTH_RINGS(the_client_is_the_one_in_the_header),
	 IN_BOTH_RINGS(a_header_of_another_version_is_none),
	 IN_BOTH_RINGS(a_header_has_its_time_to_come),
	 IN_EVERY_WAY(a_client_that_goes_within_its_header_leaves_nothing),
	 IN_BOTH_RINGS(a_client_that_says_nothing_is_counted_and_has_no_line),
	 IN_BOTH_RINGS(others_are_rejected_before_they_are_anything),
	 IN_BOTH_RINGS(others_are_clients_themselves_where_that_is_said),
	 IN_BOTH_RINGS(allow_and_deny_are_asked_about_the_client_in_the_header),
	 IN_EVERY_WAY(a_server_is_told_of_the_client_at_once_and_without_a_word_of_the_client),
	 IN_BOTH_RINGS(what_the_client_has_said_comes_behind_it),
	 IN_BOTH_RINGS(what_came_in_goes_on_and_more_is_said_of_it),
	 IN_BOTH_RINGS(another_server_is_told_by_what_its_own_line_says),
	 IN_BOTH_RINGS(a_client_of_a_unix_socket_has_no_address_to_tell),
	 IN_BOTH_RINGS(ends_of_two_families_are_both_written_as_ipv6),
	 IN_BOTH_RINGS(checks_say_a_header_too))
