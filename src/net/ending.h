/*
 * TCP endings: what happens on one side is what the other side sees.
 *
 *   a FIN   everything before it is sent on, then shutdown(SHUT_WR) on the other
 *           side; the other direction lives on under half_close_timeout
 *   a RST   everything received before it is delivered -- sent, and acknowledged
 *           by the far end's kernel, because a RST throws away what is still in
 *           the send queue -- then the other side is closed with a RST
 *
 * A side that has said its end is read no more, so a RST that follows would go
 * unseen; where the other direction lives on, a poll watches for it -- after a
 * moment, since most connections are over by then.
 *
 * A side is broken from the first error on it, read or written.  Its sink lane
 * has nowhere to go and is dropped; its source lane is read to the end, because
 * the kernel still hands out what arrived before the RST.  An end of file on a
 * broken side is that RST: the error had been reported to the sending half.
 * Where it is the kernel that has no memory for a socket, both sides get a RST.
 */
#ifndef NET_ENDING_H
#define NET_ENDING_H

struct io_uring_cqe;
struct session;

/* An error (negative errno) on a side. */
void ending_broken(struct session *session, unsigned side, int error);

/* Something that an end may have waited for has happened: see whether the session is over. */
void ending_check(struct session *session);

/* A side has said its end: watch it in a moment. */
void ending_begun(struct session *session);
/* The moment has passed: watch the sides that have ended. */
void ending_watch(struct session *session);
/* A watch has something to say. */
void ending_watched(struct session *session, unsigned side, const struct io_uring_cqe *done);

#endif
