/*
 * Silent sends: those that say nothing when they succeed.
 *
 * A send that must not wait (MSG_DONTWAIT) has been carried out when the kernel
 * has taken its entry, unless a polling thread takes the entries.  So it need
 * not post a completion (IOSQE_CQE_SKIP_SUCCESS): with MSG_WAITALL a short one
 * counts as failed and posts all the same.  After a turn's completions have
 * been read, every silent send that was not among them has succeeded, and is
 * completed as if it had said so.  That halves the completions of a relayed
 * message.
 *
 * A worker may sleep over a success, so only lanes that wait for nothing but
 * their next bytes send silently: open, and receiving.  It does not sleep over
 * one while others are starved, for its buffer may be what they wait for.  And
 * while a connect may still fail every success must be known before the failure,
 * or the next server would be given bytes that the first one has had.
 *
 * What moved then moved when it was sent: a connection is not less idle because
 * another one woke the worker up.
 */
#ifndef LOOP_SILENT_H
#define LOOP_SILENT_H

#include "base/compiler.h"

#define SILENT_MAX 1024

struct ring;

struct silent {
	uint64_t tags[SILENT_MAX]; /* of the sends since the last conclusion */
	uint64_t noted_ms;         /* when the last of them was prepared */
	uint32_t count;
	uint32_t next;  /* to be concluded */
	bool postponed; /* the kernel has not taken all of them yet */
};

/* Whether one more can be noted. */
static inline bool silent_has_room(const struct silent *silent)
{
	return silent->count < SILENT_MAX;
}

/* Note a silent send by its tag. */
void silent_note(struct silent *silent, uint64_t tag, uint64_t now_ms);
/* Every completion has been read: whether those of which nothing was heard have succeeded. */
bool silent_is_over(struct silent *silent, struct ring *ring);
/* Then one after the other is concluded, and none is noted meanwhile: false after the last. */
bool silent_next(struct silent *silent, uint64_t *ret_tag);

#endif
