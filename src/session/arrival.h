/*
 * Who has come, as far as it decides whether they are let in: an address, or the user at the
 * other end of a unix socket.  It is asked of the kernel only where there is something to
 * decide, and again of what a PROXY header says.
 */
#ifndef SESSION_ARRIVAL_H
#define SESSION_ARRIVAL_H

#include "base/cidr.h"

#include <netinet/in.h>
#include <sys/types.h>

struct arrival {
	struct sockaddr_in6 peer;   /* sin6_family 0: nobody knows any more */
	struct cidr_number address; /* of an internet address */
	uid_t uid;                  /* of a unix socket; (uid_t)-1: nobody knows */
	bool is_inet;
};

/* The peer of that socket. */
void arrival_look(struct arrival *ret_arrival, int fd);
/* The one with that address, which may be a struct sockaddr_in's. */
void arrival_said(struct arrival *ret_arrival, const struct sockaddr_in6 *peer);
/* As text; returns text. */
const char *arrival_text(const struct arrival *arrival, char *text, size_t size);

#endif
