/*
 * TCP endings: what happens on one side is what the other side sees.
 *
 *   a FIN   everything before it is sent on, then shutdown(SHUT_WR) on the other
 *           side; the other direction lives on under half_close_timeout
 *   a RST   everything received before it is delivered -- sent, and acknowledged
 *           by the far end's kernel, because a RST throws away what is still in
 *           the send queue -- then the other side is closed with a RST
 *
 * A side is broken from the first error on it, read or written.  Its sink lane
 * has nowhere to go and is dropped; its source lane is read to the end, because
 * the kernel still hands out what arrived before the RST.  An end of file on a
 * broken side is that RST: the error had been reported to the sending half.
 */
#ifndef NET_ENDING_H
#define NET_ENDING_H

struct session;

/* An error (negative errno) on a side. */
void ending_broken(struct session *session, unsigned side, int error);

/* Something that an end may have waited for has happened: see whether the session is over. */
void ending_check(struct session *session);

#endif
