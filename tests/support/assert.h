/* What tests of connections claim again and again, as macros so that a failure names the test's
 * line. */
#ifndef TESTS_SUPPORT_ASSERT_H
#define TESTS_SUPPORT_ASSERT_H

#include "support/peer.h"

#include <check.h>
#include <inttypes.h>
#include <string.h>

/* All was sent, exactly so much received, every byte right, and it ended so. */
#define assert_transferred(t, count, how)                                                          \
	ck_assert_msg((t)->sent == (t)->send && (t)->received == (count) &&                        \
			      (t)->wrong_at == UINT64_MAX && (t)->end == (how),                    \
		      "sent %" PRIu64 " of %" PRIu64 " (%s), received %" PRIu64 " of %" PRIu64     \
		      ", first wrong byte at %" PRId64 ", ended with %s instead of %s",            \
		      (t)->sent, (t)->send, strerror((t)->send_error), (t)->received,              \
		      (uint64_t)(count), (int64_t)(t)->wrong_at, peer_end_name((t)->end),          \
		      peer_end_name(how))

/* A descriptor, not an error. */
#define assert_connected(fd)                                                                       \
	ck_assert_msg((fd) >= 0, "cannot connect: %s", strerror((fd) < 0 ? -(fd) : 0))

#endif
