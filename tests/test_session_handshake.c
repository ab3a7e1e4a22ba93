/* Whether a server waits for its clients: what is believed of it, by whatever they do. */
#include "loop/socket.h"
#include "session/handshake.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tenancy.h"
#include "support/suite.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS };

static void spoken_to(struct handshake *handshake, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		handshake_spoken_to(handshake);
}

START_TEST(a_server_that_many_have_spoken_to_first_is_believed_to_wait_for_it)
{
	struct handshake handshake = {0};

	for (unsigned i = 0; i < HANDSHAKE_LEARN; i++) {
		ck_assert(!handshake_awaits(&handshake, 1));
		handshake_spoken_to(&handshake);
	}
	ck_assert(handshake_awaits(&handshake, 1));
}
END_TEST

/* Innocents come in between, are greeted, and that is what counts. */
START_TEST(a_stranger_before_each_innocent_teaches_nothing)
{
	struct handshake handshake = {0};

	for (uint64_t now = 0; now < HOUR_MS; now += 100) {
		spoken_to(&handshake, 1 + now % (HANDSHAKE_LEARN - 1));
		ck_assert(!handshake_awaits(&handshake, now));
		handshake_spoke(&handshake, 2, now);
	}
}
END_TEST

START_TEST(a_stranger_who_speaks_first_without_end_makes_a_greeting_late_once_an_hour)
{
	struct handshake handshake = {0};
	unsigned late = 0;

	for (uint64_t now = 0; now < 24 * HOUR_MS; now += 1000) {
		spoken_to(&handshake, 10 * HANDSHAKE_LEARN);
		if (handshake_awaits(&handshake, now)) {
			handshake_met_silence(&handshake, now);
			handshake_spoke(&handshake, HANDSHAKE_MS, now);
			late++;
		}
		ck_assert(!handshake_awaits(&handshake, now));
	}
	ck_assert_uint_le(late, 24 + 6);
}
END_TEST

/* A browser's connection to spare: those behind it do not wait, and nothing is held against the
 * server. */
START_TEST(after_a_silence_nobody_else_waits_and_soon_all_is_as_before)
{
	struct handshake handshake = {0};

	spoken_to(&handshake, HANDSHAKE_LEARN);
	handshake_met_silence(&handshake, 1000);
	ck_assert(!handshake_awaits(&handshake, 1000));
	ck_assert(!handshake_awaits(&handshake, 1000 + 2 * HANDSHAKE_MS));
	ck_assert(handshake_awaits(&handshake, 2000));
}
END_TEST

/* What it was believed of before is not believed again by the passing of time. */
START_TEST(a_server_that_spoke_first_is_learned_about_anew)
{
	struct handshake handshake = {0};

	spoken_to(&handshake, HANDSHAKE_LEARN);
	handshake_spoke(&handshake, 2, 1000);
	spoken_to(&handshake, HANDSHAKE_LEARN - 1);
	ck_assert(!handshake_awaits(&handshake, HOUR_MS));
	spoken_to(&handshake, 1);
	ck_assert(handshake_awaits(&handshake, HOUR_MS));
}
END_TEST

START_TEST(a_silence_does_not_shorten_what_is_held_against_a_server)
{
	struct handshake handshake = {0};

	handshake_spoke(&handshake, 2, 1000);
	spoken_to(&handshake, HANDSHAKE_LEARN);
	handshake_met_silence(&handshake, 1001);
	ck_assert(!handshake_awaits(&handshake, 1000 + MINUTE_MS - 1));
	ck_assert(handshake_awaits(&handshake, 1000 + MINUTE_MS));
}
END_TEST

START_TEST(what_a_server_says_at_the_end_of_its_patience_is_no_greeting)
{
	struct handshake handshake = {0};

	spoken_to(&handshake, HANDSHAKE_LEARN);
	handshake_spoke(&handshake, 10000, 10000);
	ck_assert(handshake_awaits(&handshake, 10000));
}
END_TEST

/* ---- of a session ---- */

static struct loop loop;
static struct sessions all = {.loop = &loop};
static struct section section;
static struct reach server;
static struct branch branch = {.section = &section};
static struct session session;

/* Of a server that is believed to wait, with a socket to it, not yet connecting. */
/* As when the session's timer fires. */
static void expire(void)
{
	deadline_clear(&session, DEADLINE_HANDSHAKE);
	handshake_expired(&session);
}

static void begin_session(void)
{
	memset(&loop, 0, sizeof(loop));
	memset(&session, 0, sizeof(session));
	loop.now_ms = HOUR_MS;
	wheel_init(&loop.wheel, HOUR_MS);
	reach_init(&server, NULL);
	spoken_to(&server.handshake, HANDSHAKE_LEARN);
	session.all = &all;
	session.road.loop = &loop;
	deadline_clear_all(&session);
	session.branch = &branch;
	session.reach = &server;
	session.started_ms = HOUR_MS;
	session.road.lanes[LANE_UP].state = LANE_OPEN;
	session.road.fd[SIDE_UPSTREAM] = socket_open(AF_INET);
	ck_assert_int_ge(session.road.fd[SIDE_UPSTREAM], 0);
	handshake_begin(&session);
}

static bool is_held(void)
{
	int held = -1;
	socklen_t length = sizeof(held);

	ck_assert_int_eq(getsockopt(session.road.fd[SIDE_UPSTREAM], IPPROTO_TCP, TCP_DEFER_ACCEPT,
				    &held, &length),
			 0);
	return held != 0;
}

START_TEST(the_acknowledgement_is_let_go_when_a_client_keeps_silent)
{
	begin_session();
	ck_assert(is_held());
	ck_assert_uint_eq(session.deadlines.at_ms[DEADLINE_HANDSHAKE], HOUR_MS + HANDSHAKE_MS);
	loop.now_ms += HANDSHAKE_MS;
	expire();
	ck_assert(!is_held());
	ck_assert_uint_eq(session.deadlines.at_ms[DEADLINE_HANDSHAKE], DEADLINE_NONE);
	/* And nobody else's is held meanwhile. */
	ck_assert(!handshake_awaits(&server.handshake, loop.now_ms));
	socket_close(session.road.fd[SIDE_UPSTREAM]);
}
END_TEST

START_TEST(a_client_that_has_spoken_is_no_silence)
{
	begin_session();
	session.road.lanes[LANE_UP].received = 1;
	expire();
	ck_assert(handshake_awaits(&server.handshake, loop.now_ms));
	socket_close(session.road.fd[SIDE_UPSTREAM]);
}
END_TEST

/* An answer to a client that has said its end, and nothing else, is no greeting. */
START_TEST(what_a_server_says_first_is_a_greeting_unless_the_client_is_at_its_end)
{
	begin_session();
	session.road.lanes[LANE_UP].state = LANE_ENDING;
	handshake_answered(&session);
	ck_assert(handshake_awaits(&server.handshake, HOUR_MS));
	session.road.lanes[LANE_UP].state = LANE_OPEN;
	handshake_answered(&session);
	ck_assert(!handshake_awaits(&server.handshake, HOUR_MS));
	socket_close(session.road.fd[SIDE_UPSTREAM]);
}
END_TEST

SUITE("handshake", the_acknowledgement_is_let_go_when_a_client_keeps_silent,
      a_client_that_has_spoken_is_no_silence,
      what_a_server_says_first_is_a_greeting_unless_the_client_is_at_its_end,
      a_server_that_many_have_spoken_to_first_is_believed_to_wait_for_it,
      a_stranger_before_each_innocent_teaches_nothing,
      a_stranger_who_speaks_first_without_end_makes_a_greeting_late_once_an_hour,
      after_a_silence_nobody_else_waits_and_soon_all_is_as_before,
      a_server_that_spoke_first_is_learned_about_anew,
      a_silence_does_not_shorten_what_is_held_against_a_server,
      what_a_server_says_at_the_end_of_its_patience_is_no_greeting)
