/*
 * TCP endings: what happens on one side is what the other side sees.
 *
 *   a FIN   everything before it is sent on, then shutdown(SHUT_WR) on the other
 *           side; the other direction lives on under half_close_timeout
 *   a RST   everything received before it is delivered -- sent, and acknowledged
 *           by the far end's kernel, because a RST throws away what is still in
 *           the send queue -- then the other side is closed with a RST
 *
 * What the other side still writes after a RST is read and dropped.  For it may be
 * blocked in writing, and then it never takes what waits for it; and only who is
 * read from is heard when he ends or resets, too.  Who goes on writing and takes
 * nothing is told without delivering the rest: directly, the RST would have told
 * him at once, and what had not reached his kernel would be lost as well.
 *
 * No side is unwatched.  One that is not being read from -- it has said its end, or
 * what it said last does not get on -- has a poll that tells of its reset: after a
 * moment, since most connections are over by then, and most queues are short.
 *
 * A side is broken from the first error on it, read or written.  Its sink lane
 * has nowhere to go and is dropped; its source lane is read to the end, because
 * the kernel still hands out what arrived before the RST.  An end of file on a
 * broken side is that RST: the error had been reported to the sending half.  Where
 * both are broken nobody is left.
 *
 * A socket that fails to send and is not gone: either it is a unix socket whose peer
 * takes no more (SHUT_RD), and who writes to it is told as directly, EPIPE on a unix
 * socket and nothing on TCP; or the trouble is our kernel's, as when it has no memory,
 * and both sides get a RST, for they are well and would wait for each other for ever.
 */
#ifndef SESSION_ENDING_H
#define SESSION_ENDING_H

#include "session/deadline.h"

struct io_uring_cqe;
struct lane;
struct session;

#define ENDING_DEAF_MS 200 /* who writes after a RST, and takes nothing for so long, is told */

/* An error (negative errno) on a side. */
void ending_broken(struct session *session, unsigned side, int error);
/* A send of the lane has failed (negative errno). */
void ending_unsent(struct session *session, struct lane *lane, int error);

/* Something that an end may have waited for has happened: see whether the session is over. */
void ending_check(struct session *session);
/* Bytes of a side were dropped, since the other is broken. */
void ending_dropped(struct session *session, unsigned side);

/* A side has said its end: watch it in a moment. */
void ending_begun(struct session *session);
/* Nothing is read from a side until its bytes get on: watch it, if that takes longer. */
void ending_unread(struct session *session, unsigned side);
/* The time has come for something that may be due in every phase that lives. */
void ending_due(struct session *session, enum deadline which);
/* A watch has something to say. */
void ending_watched(struct session *session, unsigned side, const struct io_uring_cqe *done);

#endif
