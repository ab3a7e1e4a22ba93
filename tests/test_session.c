/* The engine's tables: tags, states, reasons; and shortages that come and go. */
#include "loop/loop.h"
#include "loop/op.h"
#include "pool/queue.h"
#include "session/engine.h"
#include "session/measure.h"
#include "session/queued.h"
#include "session/reason.h"
#include "session/session.h"
#include "session/sessions.h"
#include "support/said.h"
#include "support/suite.h"

#include <errno.h>
#include <string.h>

START_TEST(a_tag_comes_back_as_it_went)
{
	struct op_tag tag = {.slot = 0xfedcba, .generation = 0x123456, .lane = 1, .kind = OP_SEND};
	struct op_tag back = op_unpack(op_pack(tag));

	ck_assert_uint_eq(back.slot, tag.slot);
	ck_assert_uint_eq(back.generation, tag.generation);
	ck_assert_uint_eq(back.lane, tag.lane);
	ck_assert_uint_eq(back.kind, tag.kind);
}
END_TEST

START_TEST(a_session_ends_from_every_state_it_lives_in_and_is_free_only_after_closing)
{
	ck_assert_int_eq(session_next(SESSION_CONNECTING, SESSION_ENDED), SESSION_CLOSING);
	ck_assert_int_eq(session_next(SESSION_RETRYING, SESSION_ENDED), SESSION_CLOSING);
	ck_assert_int_eq(session_next(SESSION_RELAYING, SESSION_ENDED), SESSION_CLOSING);
	for (unsigned state = 0; state < SESSION_STATE_COUNT; state++)
		ck_assert_int_eq(session_next((enum session_state)state, SESSION_QUIET),
				 state == SESSION_CLOSING ? SESSION_FREE : -1);
}
END_TEST

START_TEST(an_error_is_the_fault_of_the_side_it_came_from)
{
	ck_assert_int_eq(reason_of_error(SIDE_CLIENT, -EPIPE), REASON_CLIENT_RESET);
	ck_assert_int_eq(reason_of_error(SIDE_UPSTREAM, -ETIMEDOUT), REASON_UPSTREAM_TIMED_OUT);
	ck_assert_int_eq(reason_of_error(SIDE_CLIENT, -ENOBUFS), REASON_NO_MEMORY);
	ck_assert_int_eq(reason_of_error(SIDE_UPSTREAM, -EHOSTDOWN), REASON_UPSTREAM_UNREACHABLE);
	ck_assert_int_eq(reason_of_error(SIDE_CLIENT, -EILSEQ), REASON_CLIENT_ERROR);
	ck_assert_int_eq(reason_of_error(SIDE_UPSTREAM, -EACCES), REASON_UPSTREAM_ERROR);
}
END_TEST

START_TEST(why_no_server_was_reached_is_the_fault_of_the_last_attempt)
{
	ck_assert_int_eq(reason_of_connect(FAULT_PORTS), REASON_NO_PORTS);
	ck_assert_int_eq(reason_of_connect(FAULT_FORBIDDEN), REASON_CONNECT_FORBIDDEN);
	ck_assert_int_eq(reason_of_connect(FAULT_BACKLOG), REASON_BACKLOG_FULL);
	ck_assert_int_eq(reason_of_connect(FAULT_BUFFERS), REASON_CONNECT_FAILED);
	ck_assert_int_eq(reason_of_connect(FAULT_UNKNOWN), REASON_CONNECT_FAILED);
}
END_TEST

START_TEST(who_waits_where_the_ring_has_failed_waits_no_more_and_others_do)
{
	struct bell bells[2] = {0};
	struct engine engine = {.worker_count = 2, .bells = bells};
	struct loop loop = {.index = 0};
	struct sessions all = {.loop = &loop, .engine = &engine};
	struct queue *queue = queue_make("[pool p]", 2);
	struct list here[2] = {0}, there = {0};

	ck_assert_ptr_nonnull(queue);
	list_init(&all.queues.lines);
	list_push(&all.queues.lines, &queue->lines[0].link);
	for (int i = 0; i < 2; i++) {
		ck_assert(queue_enter(queue, QUEUE_PLACES, 10, 1, false));
		list_push(&queue->lines[0].waiting[QUEUE_PLACES], &here[i]);
	}
	queue_tell(&queue->lines[0], QUEUE_PLACES, 5);
	ck_assert(queue_enter(queue, QUEUE_PLACES, 10, 1, false));
	list_push(&queue->lines[1].waiting[QUEUE_PLACES], &there);
	queue_tell(&queue->lines[1], QUEUE_PLACES, 9);
	queued_abandon(&all);
	ck_assert_uint_eq(queue_waiting(queue, QUEUE_PLACES), 1);
	ck_assert_ptr_eq(queue_oldest(queue, QUEUE_PLACES), &queue->lines[1]);
	ck_assert(bells[0].state & BELL_GONE);
	ck_assert(!list_is_linked(&here[0]) && !list_is_linked(&here[1]));
	queue_free(queue);
}
END_TEST

/* What its timer does until then, and how often the state has begun. */
static uint64_t begun_by(struct loop *loop, uint64_t now_ms)
{
	loop->now_ms = now_ms;
	while (wheel_expire(&loop->wheel, now_ms))
		condition_settle(loop);
	return stats_read(&loop->stats, paused_buffers);
}

static void open_clock(struct loop *loop)
{
	*loop = (struct loop){.now_ms = 1000};
	wheel_init(&loop->wheel, loop->now_ms);
}

START_TEST(a_state_is_over_when_it_was_not_met_for_a_second)
{
	static struct loop loop;

	open_clock(&loop);
	for (uint64_t now = 1000; now < 21000; now += 900) {
		ck_assert_uint_eq(begun_by(&loop, now), now > 1000);
		condition_enter(&loop, CONDITION_BUFFERS, 0);
	}
	begun_by(&loop, 30000);
	ck_assert_uint_eq(loop.conditions.of[CONDITION_BUFFERS].met, 0);
	ck_assert_uint_eq(wheel_next(&loop.wheel), UINT64_MAX);
	condition_enter(&loop, CONDITION_BUFFERS, 0);
	ck_assert_uint_eq(begun_by(&loop, 30000), 2);
}
END_TEST

/* Whatever the rhythm, two lines each time: for a day it is one a minute at the very most. */
START_TEST(an_overload_that_comes_and_goes_for_an_hour_is_told_in_some_lines)
{
	static const unsigned rhythms[] = {100, 1100, 2100, 5000, 30000, 59000};
	static struct loop loop;
	unsigned rhythm = rhythms[_i];

	open_clock(&loop);
	for (uint64_t now = 1000; now < 3600 * 1000; now += rhythm) {
		begun_by(&loop, now);
		condition_enter(&loop, CONDITION_BUFFERS, 0);
	}
	ck_assert_uint_ge(stats_read(&loop.stats, paused_buffers), 1);
	ck_assert_uint_le(stats_read(&loop.stats, paused_buffers), 10);
}
END_TEST

START_TEST(a_state_that_is_waited_for_with_patience_does_not_keep_others)
{
	static struct loop loop;

	open_clock(&loop);
	loop.conditions.of[CONDITION_BUFFERS] =
		(struct spell){.ended_ms = 900, .patience_ms = 30000};
	condition_enter(&loop, CONDITION_BUFFERS, 0);
	condition_enter(&loop, CONDITION_DESCRIPTORS, 0);
	begun_by(&loop, 3000);
	ck_assert_uint_eq(loop.conditions.of[CONDITION_DESCRIPTORS].met, 0);
	ck_assert_uint_eq(loop.conditions.of[CONDITION_BUFFERS].met, 1);
	begun_by(&loop, 62000);
	ck_assert_uint_eq(loop.conditions.of[CONDITION_BUFFERS].met, 0);
}
END_TEST

START_TEST(a_fault_that_is_a_shortage_has_a_state_of_that_name)
{
	ck_assert_uint_eq(condition_of(FAULT_DESCRIPTORS), CONDITION_DESCRIPTORS);
	ck_assert_uint_eq(condition_of(FAULT_MEMORY), CONDITION_MEMORY);
	ck_assert_uint_eq(condition_of(FAULT_PORTS), CONDITION_PORTS);
	ck_assert_uint_eq(condition_of(FAULT_BACKLOG), CONDITION_COUNT);
	ck_assert_uint_eq(condition_of(FAULT_UNKNOWN), CONDITION_COUNT);
}
END_TEST

START_TEST(why_accepting_fails_is_said_with_what_helps)
{
	static const struct {
		int error;
		const char *words;
	} known[] = {
		{EPERM, "(Operation not permitted; a firewall rule or a security module"},
		{EINVAL, "(Invalid argument; the socket does not listen any more"},
		{EHOSTUNREACH, "(No route to host; see to the network interfaces)"},
		{EHOSTDOWN, "(Host is down; see to the network interfaces)"},
		{ENONET, "(Machine is not on the network; see to the network interfaces)"},
		{EILSEQ, "(Invalid or incomplete multibyte or wide character)"},
	};
	static struct loop loop;

	said_listen();
	for (size_t i = 0; i < array_size(known); i++) {
		const char *text;

		open_clock(&loop);
		condition_enter(&loop, CONDITION_ACCEPT, -known[i].error);
		text = said();
		ck_assert_msg(strstr(text, known[i].words), "%s", text);
	}
}
END_TEST

START_TEST(the_wires_of_a_thousand_connections_a_second_are_looked_at_and_of_some_at_once)
{
	struct loop loop = {.now_ms = 1000000};
	struct sessions all = {.loop = &loop};

	for (unsigned i = 0; i < MEASURE_LOOKS_AHEAD; i++)
		ck_assert(measure_may_look(&all));
	ck_assert(!measure_may_look(&all));
	loop.now_ms += 2;
	ck_assert(measure_may_look(&all) && measure_may_look(&all));
	ck_assert(!measure_may_look(&all));
	loop.now_ms += 3600000;
	for (unsigned i = 0; i < MEASURE_LOOKS_AHEAD; i++)
		ck_assert(measure_may_look(&all));
	ck_assert(!measure_may_look(&all));
}
END_TEST

SUITE_OF("session", 60, ONCE(a_tag_comes_back_as_it_went),
	 ONCE(who_waits_where_the_ring_has_failed_waits_no_more_and_others_do),
	 ONCE(a_session_ends_from_every_state_it_lives_in_and_is_free_only_after_closing),
	 ONCE(an_error_is_the_fault_of_the_side_it_came_from),
	 ONCE(why_no_server_was_reached_is_the_fault_of_the_last_attempt),
	 ONCE(a_state_is_over_when_it_was_not_met_for_a_second),
	 ONCE(a_state_that_is_waited_for_with_patience_does_not_keep_others),
	 ONCE(a_fault_that_is_a_shortage_has_a_state_of_that_name),
	 ONCE(why_accepting_fails_is_said_with_what_helps),
	 ONCE(the_wires_of_a_thousand_connections_a_second_are_looked_at_and_of_some_at_once),
	 EACH(an_overload_that_comes_and_goes_for_an_hour_is_told_in_some_lines, 6))
