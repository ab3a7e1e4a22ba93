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
#ifndef NET_SILENT_H
#define NET_SILENT_H

#include "base/compiler.h"

#define SILENT_MAX 1024

struct lane;
struct worker;

struct silent {
	uint64_t tags[SILENT_MAX]; /* of the sends since the last conclusion */
	uint64_t noted_ms;         /* when the last of them was prepared */
	uint32_t count;
	bool postponed; /* the kernel has not taken all of them yet */
};

/* Whether this lane's next send may be silent. */
bool silent_may(const struct worker *worker, const struct lane *lane);
/* Note a silent send by its tag. */
void silent_note(struct worker *worker, uint64_t tag);
/* Every completion has been read: complete the sends that had none. */
void silent_conclude(struct worker *worker);

#endif
