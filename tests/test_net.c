/* The engine's tables: tags, states, reasons. */
#include "net/op.h"
#include "net/reason.h"
#include "net/session.h"
#include "support/suite.h"

#include <errno.h>

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
	ck_assert_int_eq(reason_of_connect(-EADDRNOTAVAIL), REASON_NO_PORTS);
	ck_assert_int_eq(reason_of_connect(-EACCES), REASON_CONNECT_FAILED);
}
END_TEST

SUITE("net", a_tag_comes_back_as_it_went,
      a_session_ends_from_every_state_it_lives_in_and_is_free_only_after_closing,
      an_error_is_the_fault_of_the_side_it_came_from)
