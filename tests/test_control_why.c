/* What a connection does or waits for, in words. */
#include "control/why.h"
#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct glance seen;
static struct glance_detail detail;

/* Idle for 12 s, an hour old. */
static void begin(const char *state)
{
	seen = (struct glance){
		.state = state,
		.server = "10.0.0.5:80",
		.attempts = 1,
		.now_ms = 3600000,
		.active_ms = 3588000,
	};
	detail = (struct glance_detail){
		.servers = 3,
		.greeting_left_ms = GLANCE_NEVER,
		.connect_left_ms = GLANCE_NEVER,
		.request_left_ms = GLANCE_NEVER,
		.retry_left_ms = GLANCE_NEVER,
		.queue_left_ms = GLANCE_NEVER,
		.lifetime_left_ms = GLANCE_NEVER,
		.quiet_left_ms = GLANCE_NEVER,
	};
}

static void expect(const char *words)
{
	struct sheet sheet = {0};

	why_tell(&sheet, &seen, &detail);
	ck_assert_str_eq(sheet_text(&sheet), words);
	sheet_done(&sheet);
}

START_TEST(who_connects_is_told_with_the_attempt_before)
{
	begin("connecting");
	detail.attempting = true;
	detail.attempt_ms = seen.now_ms - 2000;
	expect("connecting to 10.0.0.5:80 for 2 s, attempt 1 of 3");
	seen.attempts = 2;
	detail.connect_error = -ECONNREFUSED;
	expect("connecting to 10.0.0.5:80 for 2 s, attempt 2 of 3; the one before failed: "
	       "Connection refused");
}
END_TEST

START_TEST(who_waits_for_a_server_is_told_what_is_lacking)
{
	begin("connecting");
	seen.started_ms = seen.now_ms - 3000;
	detail.in_line = true;
	detail.lacks = -EMFILE;
	expect("waiting for a file descriptor to connect to 10.0.0.5:80 with, for 3 s");
	detail.lacks = -EADDRNOTAVAIL;
	expect("waiting for a local port to connect to 10.0.0.5:80 with, for 3 s");
	detail.in_line = false;
	detail.connect_error = -ECONNREFUSED;
	expect("giving up the connection to 10.0.0.5:80, which failed: Connection refused; the "
	       "next is tried in a moment");
	detail.servers = 0;
	expect("waiting for a server to be known, for 3 s: no name is resolved yet");
}
END_TEST

START_TEST(who_waits_in_a_queue_is_told_where_and_for_what)
{
	begin("queued");
	detail.queued = true;
	detail.before = 2;
	detail.queued_ms = seen.now_ms - 12000;
	snprintf(detail.pool, sizeof(detail.pool), "db");
	expect("waiting in the queue of pool db, 3rd of its worker's, for 12 s: every server has "
	       "its max_connections");
	detail.before = 11;
	detail.to_retry = true;
	detail.connect_error = -ECONNREFUSED;
	expect("waiting to be sent to another server of pool db, 12th of its worker's, for 12 s: "
	       "as many as may be are on their way to one; the one before failed: Connection "
	       "refused");
}
END_TEST

START_TEST(bytes_that_do_not_get_on_are_told_with_who_holds_them_up)
{
	begin("relaying");
	detail.lanes[LANE_DOWN].unsent = 64000;
	expect("waiting for the client to read, 64 kB unsent for 12 s");
	detail.lanes[LANE_UP].unacknowledged = 500;
	expect("waiting for the server to acknowledge, 500 B unsent for 12 s; waiting for the "
	       "client to read, 64 kB unsent for 12 s");
	seen.active_ms = seen.now_ms - 10;
	expect("bytes are flowing");
	detail.lanes[LANE_DOWN].paced = true;
	expect("bytes are flowing, held to download_rate");
	begin("relaying");
	detail.service = true;
	detail.lanes[LANE_UP].unsent = 5;
	expect("waiting for the client to read, 5 B unsent for 12 s");
	begin("relaying");
	detail.lanes[LANE_UP].starved = true;
	expect("waiting for a buffer: all of buffer_memory is in use");
}
END_TEST

START_TEST(who_is_silent_or_half_gone_is_told)
{
	begin("relaying");
	expect("idle: neither side has said anything for 12 s");
	detail.service = true;
	expect("idle: the client has said nothing for 12 s");
	begin("relaying");
	detail.lanes[LANE_UP].state = LANE_SHUT;
	expect("the client has said its end, and the server has not; nothing has moved for 12 s");
	begin("relaying");
	detail.lanes[LANE_DOWN].broken = -ECONNRESET;
	detail.lanes[LANE_DOWN].state = LANE_RESETTING;
	detail.lanes[LANE_DOWN].unacknowledged = 500;
	expect("the server is gone (Connection reset by peer); what it had said is still being "
	       "delivered; waiting for the client to acknowledge, 500 B unsent for 12 s");
	begin("closing");
	seen.reason = REASON_KILLED;
	detail.in_flight = 2;
	expect("ended: an operator ended it; 2 operations of the kernel are not back yet");
}
END_TEST

START_TEST(who_greets_is_told_what_is_asked_of_him)
{
	uint64_t left;

	begin("greeting");
	detail.awaited = "its ClientHello";
	detail.awaited_key = "hello_timeout";
	detail.lanes[LANE_UP].unsent = 7;
	detail.greeting_left_ms = 3000;
	expect("waiting for the client to say its ClientHello before it is served; it has said 7 "
	       "bytes so far, and has 3 s left");
	ck_assert_str_eq(why_limit(&detail, &left), "hello_timeout");
	begin("connecting");
	detail.agreeing = true;
	detail.greeting_left_ms = 3000;
	expect("connected to 10.0.0.5:80, which has not answered yet whether it does TLS");
	ck_assert_str_eq(why_limit(&detail, &left), "connect_timeout");
}
END_TEST

START_TEST(the_limit_is_the_one_that_comes_first)
{
	uint64_t left;

	begin("relaying");
	ck_assert_ptr_null(why_limit(&detail, &left));
	detail.quiet_left_ms = 5000;
	ck_assert_str_eq(why_limit(&detail, &left), "idle_timeout");
	detail.half_closed = true;
	ck_assert_str_eq(why_limit(&detail, &left), "half_close_timeout");
	detail.request_left_ms = 4500;
	ck_assert_str_eq(why_limit(&detail, &left), "request_timeout");
	detail.lifetime_left_ms = 4000;
	ck_assert_str_eq(why_limit(&detail, &left), "max_lifetime");
	ck_assert_uint_eq(left, 4000);
	detail.connect_left_ms = 100;
	ck_assert_str_eq(why_limit(&detail, &left), "connect_timeout");
	detail.queue_left_ms = 50;
	ck_assert_str_eq(why_limit(&detail, &left), "queue_timeout");
}
END_TEST

SUITE("control: why", who_connects_is_told_with_the_attempt_before,
      who_waits_for_a_server_is_told_what_is_lacking,
      who_waits_in_a_queue_is_told_where_and_for_what,
      bytes_that_do_not_get_on_are_told_with_who_holds_them_up, who_is_silent_or_half_gone_is_told,
      who_greets_is_told_what_is_asked_of_him, the_limit_is_the_one_that_comes_first)
