/*
 * Whether somebody may come in, in the order of cost:
 *
 *   the section's allow and deny lines  -->  how many and how fast that client comes
 *
 * Asked of the socket's peer, before there is a session, a buffer or a line of a log for it
 * (worker/admit.c); or, where a section has accept_proxy, of the address in the header, once
 * that has come.  Who is refused is counted (refused.h).
 */
#ifndef SESSION_ADMISSION_H
#define SESSION_ADMISSION_H

#include "session/arrival.h"

struct branch;
struct sessions;

/* What a section has guards of: section->guards, a set of these. */
enum {
	GUARD_LISTS = 1, /* allow and deny */
};

/* True: they may; false: counted, and to be told so by the caller. */
bool admission_ask(struct sessions *all, struct branch *branch, const char *listener,
		   const struct arrival *arrival) must_check;

#endif
