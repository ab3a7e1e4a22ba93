/*
 * Whether somebody may come in, in the order of cost:
 *
 *   the section's allow and deny lines  -->  how many and how fast that client comes
 *
 * Asked of the socket's peer, before there is a session, a buffer or a line of a log for it
 * (worker/admit.c); or, where a section has accept_proxy, of the address in the header, once
 * that has come.  Who is refused is counted (refused.h).  Who is let in may be counted among the
 * connections of its client, once, until it has gone: whoever has the place gives it back.
 */
#ifndef SESSION_ADMISSION_H
#define SESSION_ADMISSION_H

#include "guard/clients.h"
#include "session/arrival.h"

struct branch;
struct section;
struct sessions;

/* What a section has guards of: section->guards, a set of these. */
enum {
	GUARD_LISTS = 1,   /* allow and deny */
	GUARD_CLIENTS = 2, /* max_per_client and client_rate: section->limits */
};

/* The limits that the section's settings have for each client. */
void admission_limit(struct section *section);

/* True: they may; false: counted, and to be told so by the caller. */
bool admission_ask(struct sessions *all, struct branch *branch, const char *listener,
		   const struct arrival *arrival, struct clients_place *ret_counted) must_check;
/* It has gone, or was not let in after all; none is fine. */
void admission_over(struct sessions *all, struct clients_place *counted);

#endif
