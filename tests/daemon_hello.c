/* Clients that go where the name that TLS asks for leads, as they come: whole, in pieces, not at
 * all. */
#include "base/compiler.h"
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/server.h"
#include "support/suite.h"
#include "support/tls_hellos.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char front[64];
static const char *const relays[] = {"auto", "copy", "splice", "zerocopy"};

/* Says who it is, then all that it hears. */
static void serve(int fd, void *context)
{
	if (peer_send_text(fd, context) == 0)
		server_echo(fd, NULL);
	else
		close(fd);
}

static struct server *start_server(const char *name)
{
	struct server *server = server_start(NULL, serve, (void *)name);

	ck_assert_ptr_nonnull(server);
	return server;
}

static int come(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

static void say(int fd, const void *bytes, size_t length)
{
	for (size_t sent = 0; sent < length;) {
		ssize_t n = send(fd, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL);

		ck_assert_int_gt(n, 0);
		sent += (size_t)n;
	}
}

static bool hears(int fd, const void *bytes, size_t length)
{
	unsigned char *heard = malloc(length);
	size_t got = 0;
	ssize_t n;
	bool same;

	ck_assert_ptr_nonnull(heard);
	while (got < length && (n = recv(fd, heard + got, length - got, 0)) > 0)
		got += (size_t)n;
	same = got == length && !memcmp(heard, bytes, length);
	free(heard);
	return same;
}

/* Served by that one, and what it has said comes back as it was. */
static void assert_served(int fd, const char *name, const struct tls_hello *hello)
{
	ck_assert_msg(hears(fd, name, strlen(name)), "not served by %s", name);
	ck_assert(hears(fd, hello->bytes, hello->length));
	ck_assert(peer_echoes(fd));
	close(fd);
}

static struct daemon *start(int mode, const char *relay, const char *keys, struct server *app,
			    struct server *other)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode],
			    "[proxy tls]\nlisten = %s\nrelay = %s\n"
			    "route_sni = app.example -> app\nroute_sni = *.example -> other\n"
			    "route_sni = big.example -> reject\nroute_sni = tiny.example -> drop\n"
			    "%s[pool app]\nserver = %s\n[pool other]\nserver = %s\n",
			    front, relay, keys, server_address(app), server_address(other));
}

/* ---- Where they go --------------------------------------------------------------------------- */

START_TEST(a_hello_goes_where_its_name_leads_as_it_came)
{
	struct server *app = start_server("app"), *other = start_server("other");
	struct daemon *daemon =
		start(_i % DAEMON_WAYS, relays[_i / DAEMON_WAYS], "hello_max = 64K\n", app, other);
	static const struct {
		const char *hello, *server;
	} rows[] = {
		{"openssl30-tls13", "app"},           {"openssl35-pq", "app"},
		{"openssl35-pq-3-records", "app"},    {"chrome-like-grease-ech-pq", "other"},
		{"sni-last-behind-padding", "other"}, {"hello-20000-2-records", "other"},
		{"sni-uppercase-dot", "app"},         {"pq-2-records-sni-second", "other"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		const struct tls_hello *hello = tls_hello(rows[i].hello);
		int fd = come();

		say(fd, hello->bytes, hello->length);
		assert_served(fd, rows[i].server, hello);
	}
	daemon_stop(daemon);
	server_stop(app);
	server_stop(other);
}
END_TEST

/* What a reload changes, for who comes from then on; who has begun goes as he began. */
START_TEST(a_reload_leads_names_elsewhere)
{
	const struct tls_hello *hello = tls_hello("openssl30-tls13");
	const struct tls_hello *nameless = tls_hello("openssl30-no-sni");
	struct server *app = start_server("app"), *other = start_server("other");
	/* One worker takes clients in their order: who is served has been taken behind all others.
	 */
	struct daemon_mode mode = daemon_modes[_i];
	char servers[300], text[800];
	struct daemon *daemon;
	int fd, half;

	mode.workers = 1;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(servers, sizeof(servers), "[pool app]\nserver = %s\n[pool other]\nserver = %s\n",
		 server_address(app), server_address(other));
	snprintf(text, sizeof(text),
		 "[proxy tls]\nlisten = %s\nhello_timeout = 5min\n"
		 "route_sni = app.example -> app\nno_sni = other\n%s",
		 front, servers);
	daemon = edition_start(&mode, "%s", text);
	half = come();
	say(half, hello->bytes, 100);
	fd = come();
	say(fd, hello->bytes, hello->length);
	assert_served(fd, "app", hello);
	snprintf(text, sizeof(text),
		 "[proxy tls]\nlisten = %s\nroute_sni = *.example -> other\n"
		 "route_alpn = h3 -> other\nno_sni = app\nhello_timeout = 1min\n%s",
		 front, servers);
	edition_adopt("%s", text);
	fd = come();
	say(fd, hello->bytes, hello->length);
	assert_served(fd, "other", hello);
	fd = come();
	say(fd, nameless->bytes, nameless->length);
	assert_served(fd, "app", nameless);
	say(half, hello->bytes + 100, hello->length - 100);
	assert_served(half, "app", hello);
	edition_refuse("there is no [pool nowhere]",
		       "[proxy tls]\nlisten = 127.0.0.1:1\nroute_sni = * -> nowhere\n");
	fd = come();
	say(fd, hello->bytes, hello->length);
	assert_served(fd, "other", hello);
	daemon_stop(daemon);
	server_stop(app);
	server_stop(other);
}
END_TEST

/* A byte at a time, and in two pieces that arrive apart. */
START_TEST(a_hello_may_come_in_pieces)
{
	const struct tls_hello *hello = tls_hello("openssl35-pq-3-records");
	struct server *app = start_server("app"), *other = start_server("other");
	struct daemon *daemon = start(_i, relays[_i % 4], "", app, other);
	int fd = come();

	for (size_t i = 0; i < hello->length; i++) {
		say(fd, hello->bytes + i, 1);
		if (i % 64 == 0)
			sleep_ms(1);
	}
	assert_served(fd, "app", hello);
	for (size_t cut = 1; cut < hello->length; cut += 97) {
		fd = come();
		say(fd, hello->bytes, cut);
		ck_assert(peer_flush(fd));
		say(fd, hello->bytes + cut, hello->length - cut);
		assert_served(fd, "app", hello);
	}
	daemon_stop(daemon);
	server_stop(app);
	server_stop(other);
}
END_TEST

START_TEST(what_comes_behind_a_hello_goes_with_it)
{
	const struct tls_hello *hello = tls_hello("openssl30-tls13");
	static unsigned char more[300000];
	struct server *app = start_server("app"), *other = start_server("other");
	struct daemon *daemon = start(_i % DAEMON_RINGS, relays[_i / DAEMON_RINGS], "", app, other);
	struct transfer transfer = {.send = sizeof(more), .receive = sizeof(more)};
	int fd = come();

	say(fd, hello->bytes, hello->length);
	ck_assert(hears(fd, "app", 3) && hears(fd, hello->bytes, hello->length));
	peer_transfer(fd, &transfer);
	ck_assert_uint_eq(transfer.received, sizeof(more));
	ck_assert_uint_eq(transfer.wrong_at, UINT64_MAX);
	close(fd);
	daemon_stop(daemon);
	server_stop(app);
	server_stop(other);
}
END_TEST

START_TEST(a_hello_is_said_again_to_the_next_server)
{
	const struct tls_hello *hello = tls_hello("openssl35-pq");
	struct server *app = start_server("app");
	struct daemon *daemon;
	char dead[64];
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(dead, sizeof(dead), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i % DAEMON_RINGS],
			      "[proxy tls]\nlisten = %s\nrelay = %s\nroute_sni = * -> app\n"
			      "[pool app]\nconnect_timeout = 300ms\nserver = %s\n"
			      "server = %s priority=1\nserver = %s priority=2\n",
			      front, relays[_i / DAEMON_RINGS], dead, black_hole_address(),
			      server_address(app));
	fd = come();
	say(fd, hello->bytes, hello->length);
	assert_served(fd, "app", hello);
	daemon_stop(daemon);
	server_stop(app);
}
END_TEST

START_TEST(names_without_a_route_go_to_the_servers_of_the_proxy)
{
	struct server *app = start_server("app"), *own = start_server("own"),
		      *none = start_server("none");
	const struct tls_hello *hello = tls_hello("python-tls12");
	struct daemon *daemon;
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon =
		daemon_start(&daemon_modes[_i],
			     "[proxy tls]\nlisten = %s\nserver = %s\nroute_sni = app.example -> "
			     "app\nroute_alpn = postgresql -> app\nno_sni = none\n"
			     "[pool app]\nserver = %s\n[pool none]\nserver = %s\n",
			     front, server_address(own), server_address(app), server_address(none));
	fd = come();
	say(fd, hello->bytes, hello->length);
	assert_served(fd, "own", hello);
	hello = tls_hello("openssl30-no-sni");
	fd = come();
	say(fd, hello->bytes, hello->length);
	assert_served(fd, "none", hello);
	hello = tls_hello("python-tls13"); /* which offers postgresql */
	fd = come();
	say(fd, hello->bytes, hello->length);
	assert_served(fd, "app", hello);
	daemon_stop(daemon);
	server_stop(app);
	server_stop(own);
	server_stop(none);
}
END_TEST

/* ---- Who is refused -------------------------------------------------------------------------- */

static const struct {
	const char *hello; /* of the vectors */
	int alert;         /* 0: a reset */
	const char *said;  /* in the record */
} refused[] = {
	{"hello-15000", 49,
	 "a route refuses what the client asks for (route_sni = big.example -> reject, line "},
	{"one-byte-records", 0,
	 "a route refuses what the client asks for (route_sni = tiny.example -> drop, line "},
	{"openssl30-no-sni", 109, "the client asks for no name (no_sni = reject, the default)"},
	{"sni-ip-literal", 112, "no route is for the name that the client asks for"},
	{"hello-20000-2-records", 50,
	 "the ClientHello is too large (hello_max = 16K, the default)"},
	{"sni-nul", 50,
	 "the ClientHello is wrong (its server name is empty, too long or has bytes that no name "
	 "has)"},
	{"sni-twice", 50, "the ClientHello is wrong (it has two server names)"},
	{"sslv2-hello", 0, "the ClientHello is wrong (an SSLv2 hello, which has no name)"},
	{"http", 0, "the client's first bytes are not TLS"},
	{"ssh", 0, "the client's first bytes are not TLS"},
	{"ccs-between", 50,
	 "the ClientHello is wrong (another record stands within the handshake)"},
};

START_TEST(who_is_refused_is_told_so_and_the_record_says_why)
{
	struct server *app = start_server("app"), *other = start_server("other");
	struct daemon *daemon = start(_i, "auto", "", app, other);

	for (size_t i = 0; i < array_size(refused); i++) {
		const struct tls_hello *hello = tls_hello(refused[i].hello);
		const unsigned char alert[] = {21, 3, 1, 0, 2, 2, (unsigned char)refused[i].alert};
		int fd = come();

		say(fd, hello->bytes, hello->length);
		if (refused[i].alert) {
			ck_assert_msg(hears(fd, alert, sizeof(alert)), "%s", refused[i].hello);
			/* Bytes that come now take nothing back. */
			(void)!send(fd, "more", 4, MSG_NOSIGNAL);
			ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_FIN);
		} else {
			ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		}
		close(fd);
		daemon_wait_log(daemon, refused[i].said);
	}
	ck_assert_uint_eq(server_accepted(app) + server_accepted(other), 0);
	daemon_stop(daemon);
	server_stop(app);
	server_stop(other);
}
END_TEST

START_TEST(who_says_nothing_or_half_of_it_is_over_in_time)
{
	const struct tls_hello *hello = tls_hello("openssl30-tls13");
	struct server *app = start_server("app"), *other = start_server("other");
	struct daemon *daemon = start(_i, "auto", "hello_timeout = 300ms\n", app, other);
	unsigned before = daemon_open_fds(daemon);
	int silent = come(), half = come(), gone = come(), left = come();

	say(half, hello->bytes, 100);
	say(gone, hello->bytes, 100);
	shutdown(gone, SHUT_WR);
	say(left, hello->bytes, 100);
	peer_reset(left);
	ck_assert_int_eq(peer_wait_end(silent, PEER_PATIENCE_MS), PEER_RST);
	ck_assert_int_eq(peer_wait_end(half, PEER_PATIENCE_MS), PEER_RST);
	ck_assert_int_ne(peer_wait_end(gone, PEER_PATIENCE_MS), PEER_SILENT);
	close(silent);
	close(half);
	close(gone);
	daemon_wait_log(daemon, "no ClientHello in time: a client that waits for the server to "
				"speak cannot be routed by name (hello_timeout = 300ms, ");
	daemon_wait_log(daemon, "the ClientHello was not whole in time (hello_timeout = 300ms, ");
	daemon_wait_log(daemon, "the client ended before its ClientHello was whole");
	daemon_wait_log(daemon, "the client reset the connection");
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
	server_stop(app);
	server_stop(other);
}
END_TEST

/* At each byte of it. */
START_TEST(a_reset_anywhere_in_a_hello_leaves_nothing_behind)
{
	const struct tls_hello *hello = tls_hello("openssl30-tls12-only");
	struct server *app = start_server("app"), *other = start_server("other");
	struct daemon *daemon = start(_i, "auto", "", app, other);
	unsigned before = daemon_open_fds(daemon);
	int fd;

	for (size_t length = 0; length < hello->length; length++) {
		fd = come();
		say(fd, hello->bytes, length);
		peer_reset(fd);
	}
	fd = come();
	say(fd, hello->bytes, hello->length);
	assert_served(fd, "app", hello);
	daemon_wait_fds(daemon, before);
	ck_assert_uint_eq(server_accepted(app), 1);
	daemon_stop(daemon);
	server_stop(app);
	server_stop(other);
}
END_TEST

/*
 * With as little memory as there can be for buffers, a few of them: whoever is silent in the
 * midst of a hello has none, or the one who is served could not be.
 */
START_TEST(a_thousand_halves_keep_no_buffer_from_anybody)
{
	enum { CROWD = 1000 };
	const struct tls_hello *hello = tls_hello("openssl35-pq");
	struct server *app = start_server("app");
	struct transfer transfer = {.send = 1 << 20, .receive = 1 << 20};
	struct daemon *daemon;
	static int fds[CROWD];
	unsigned before;
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "buffer_memory = 1M\n[proxy tls]\nlisten = %s\nhello_timeout = 20s\n"
			      "route_sni = * -> app\n[pool app]\nserver = %s\n",
			      front, server_address(app));
	before = daemon_open_fds(daemon);
	for (int i = 0; i < CROWD; i++) {
		fds[i] = come();
		say(fds[i], hello->bytes, 1 + (size_t)i % (hello->length - 1));
	}
	fd = come();
	say(fd, hello->bytes, hello->length);
	ck_assert(hears(fd, "app", 3) && hears(fd, hello->bytes, hello->length));
	peer_transfer(fd, &transfer);
	ck_assert_uint_eq(transfer.wrong_at, UINT64_MAX);
	ck_assert_uint_eq(transfer.received, 1 << 20);
	close(fd);
	for (int i = 0; i < CROWD; i++) {
		ck_assert_int_ne(peer_wait_end(fds[i], 2 * PEER_PATIENCE_MS), PEER_SILENT);
		close(fds[i]);
	}
	daemon_wait_fds(daemon, before);
	ck_assert_uint_eq(server_accepted(app), 1);
	daemon_stop(daemon);
	server_stop(app);
}
END_TEST

/* ---- PostgreSQL ------------------------------------------------------------------------------ */

#define SSL     "\0\0\0\x08\x04\xd2\x16\x2f"
#define GSS     "\0\0\0\x08\x04\xd2\x16\x30"
#define CANCEL  "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2"
#define STARTUP "\0\0\0\x13\0\3\0\0user\0alice\0\0"

/* Answers a request with that, and echoes; whoever says anything else is left. */
static void answer(int fd, void *context)
{
	if (hears(fd, SSL, 8) && peer_send_text(fd, context) == 0)
		server_echo(fd, NULL);
	else
		close(fd);
}

static struct daemon *start_postgres(int mode, const char *relay, const char *keys,
				     struct server *server)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode],
			    "[proxy pg]\nlisten = %s\nrelay = %s\npreface = postgres\n"
			    "route_sni = app.example -> db\n%s[pool db]\nconnect_timeout = 2s\n"
			    "server = %s\n",
			    front, relay, keys, server_address(server));
}

START_TEST(a_request_for_tls_is_answered_and_the_server_is_asked_by_the_same)
{
	const struct tls_hello *hello = tls_hello("openssl35-pq");
	struct transfer transfer = {.send = 300000, .receive = 300000};
	struct server *server = server_start(NULL, answer, (void *)"S");
	struct daemon *daemon =
		start_postgres(_i % DAEMON_WAYS, relays[_i / DAEMON_WAYS], "", server);

	for (int gss = 0; gss < 2; gss++) {
		int fd = come();

		if (gss) {
			say(fd, GSS, 8);
			ck_assert(hears(fd, "N", 1));
		}
		for (int i = 0; i < 8; i++)
			say(fd, SSL + i, 1);
		ck_assert(hears(fd, "S", 1));
		say(fd, hello->bytes, 700);
		ck_assert(peer_flush(fd));
		say(fd, hello->bytes + 700, hello->length - 700);
		ck_assert(hears(fd, hello->bytes, hello->length));
		peer_transfer(fd, &transfer);
		ck_assert_uint_eq(transfer.wrong_at, UINT64_MAX);
		ck_assert_uint_eq(transfer.received, 300000);
		close(fd);
	}
	daemon_wait_log(daemon, "both sides finished, client side while relaying");
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

static const struct {
	const char *answer, *said;
} answers[] = {
	{"N", "the server did not agree to TLS"},
	{"E\0\0\0\4", "the server did not agree to TLS"},
	{"Sx", "the server did not agree to TLS"},
};

START_TEST(a_server_that_does_not_agree_ends_the_connection)
{
	const struct tls_hello *hello = tls_hello("openssl30-tls13");
	struct server *server = server_start(NULL, answer, (void *)answers[_i / 2].answer);
	struct daemon *daemon = start_postgres(_i % 2, "auto", "", server);
	int fd = come();

	say(fd, SSL, 8);
	ck_assert(hears(fd, "S", 1));
	say(fd, hello->bytes, hello->length);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	daemon_wait_log(daemon, answers[_i / 2].said);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

START_TEST(a_server_that_does_not_answer_is_waited_for_no_longer_than_for_a_connect)
{
	const struct tls_hello *hello = tls_hello("openssl30-tls13");
	bool released = false;
	struct server *hung = server_start(NULL, server_hold, &released);
	struct server *closing = server_start(NULL, server_close, NULL);
	struct daemon *daemon;
	int fd;

	for (int i = 0; i < 2; i++) {
		daemon = start_postgres(_i, "auto", "", i ? closing : hung);
		fd = come();
		say(fd, SSL, 8);
		ck_assert(hears(fd, "S", 1));
		say(fd, hello->bytes, hello->length);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		close(fd);
		if (!i)
			daemon_wait_log(daemon,
					"no server answered in time (connect_timeout = 2s, ");
		daemon_stop(daemon);
	}
	__atomic_store_n(&released, true, __ATOMIC_RELAXED);
	server_stop(hung);
	server_stop(closing);
}
END_TEST

START_TEST(who_goes_on_before_the_answer_is_reset)
{
	struct server *server = server_start(NULL, answer, (void *)"S");
	struct daemon *daemon = start_postgres(_i, "auto", "", server);
	static const struct {
		const char *bytes;
		size_t length;
		const char *said;
	} rows[] = {
		{SSL "\x16\x03\x01", 11, "went on before its request for TLS was answered"},
		{GSS SSL, 16, "went on before its request for TLS was answered"},
		{"GET / HTTP/1.0\r\n\r\n", 18,
		 "first bytes are not PostgreSQL's (preface = postgres"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		int fd = come();

		say(fd, rows[i].bytes, rows[i].length);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		close(fd);
		daemon_wait_log(daemon, rows[i].said);
	}
	ck_assert_uint_eq(server_accepted(server), 0);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

START_TEST(who_wants_no_tls_is_told_what_to_do_or_goes_where_no_sni_says)
{
	struct server *server = start_server("db");
	struct daemon *daemon = start_postgres(_i, "auto", "", server);
	char text[400];
	int fd = come();

	say(fd, STARTUP, 19);
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), NULL), 100);
	ck_assert_int_eq(*text, 'E');
	ck_assert_ptr_nonnull(memmem(text, sizeof(text), "sslmode=require", 15));
	close(fd);
	fd = come();
	say(fd, CANCEL, 16);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	daemon_stop(daemon);

	daemon = start_postgres(_i, "auto", "no_sni = db\n", server);
	fd = come();
	say(fd, STARTUP, 19);
	ck_assert(hears(fd, "db" STARTUP, 21));
	close(fd);
	fd = come();
	say(fd, CANCEL, 16);
	ck_assert(hears(fd, "db" CANCEL, 18));
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

/* As libpq 17 does with sslnegotiation=direct: nobody is asked for anything. */
START_TEST(tls_at_once_goes_through)
{
	const struct tls_hello *hello = tls_hello("openssl30-tls13");
	struct server *server = start_server("db");
	struct daemon *daemon =
		start_postgres(_i % DAEMON_RINGS, relays[_i / DAEMON_RINGS], "", server);
	int fd = come();

	say(fd, hello->bytes, hello->length);
	assert_served(fd, "db", hello);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

SUITE_OF("daemon: ClientHello", 120,
	 EACH(a_hello_goes_where_its_name_leads_as_it_came, DAEMON_WAYS * 4),
	 IN_EVERY_WAY(a_hello_may_come_in_pieces), IN_BOTH_RINGS(a_reload_leads_names_elsewhere),
	 EACH(what_comes_behind_a_hello_goes_with_it, DAEMON_RINGS * 4),
	 EACH(a_hello_is_said_again_to_the_next_server, DAEMON_RINGS * 4),
	 IN_BOTH_RINGS(names_without_a_route_go_to_the_servers_of_the_proxy),
	 IN_EVERY_WAY(who_is_refused_is_told_so_and_the_record_says_why),
	 IN_EVERY_WAY(who_says_nothing_or_half_of_it_is_over_in_time),
	 IN_EVERY_WAY(a_reset_anywhere_in_a_hello_leaves_nothing_behind),
	 IN_BOTH_RINGS(a_thousand_halves_keep_no_buffer_from_anybody),
	 EACH(a_request_for_tls_is_answered_and_the_server_is_asked_by_the_same, DAEMON_WAYS * 4),
	 EACH(a_server_that_does_not_agree_ends_the_connection, 6),
	 IN_BOTH_RINGS(a_server_that_does_not_answer_is_waited_for_no_longer_than_for_a_connect),
	 IN_BOTH_RINGS(who_goes_on_before_the_answer_is_reset),
	 IN_BOTH_RINGS(who_wants_no_tls_is_told_what_to_do_or_goes_where_no_sni_says),
	 EACH(tls_at_once_goes_through, DAEMON_RINGS * 4))
