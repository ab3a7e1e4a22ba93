/*
 * Looking one name up, however long name servers take: for threads that may wait.
 *
 *   a number            stands for itself
 *   /etc/hosts          before anybody is asked, unless it is said who is to be asked
 *   name servers        A, AAAA, SRV, and the addresses of what SRV leads to
 *   getaddrinfo(3)      what other modules of nsswitch.conf and its search list know, for names
 *                       that are not in the DNS; never for one that has been: a name without
 *                       servers for once must not become what a wildcard of some search domain is
 *
 * Name servers are asked by glibc's resolver (query.h).  Another would be another look_up():
 * nothing else of the daemon knows how a name is asked for.
 */
#ifndef NAMES_LOOK_UP_H
#define NAMES_LOOK_UP_H

#include "names/answer.h"

struct name_question {
	char host[254];
	bool is_service; /* SRV: ports, priorities and weights come with the answer */
	uint16_t port;   /* of who is no service */
	enum name_family family;
	struct address server; /* who is asked; of kind NONE: whom resolv.conf names */
	bool in_dns;           /* it has been found there */
};

/* Whatever comes of it is in the answer, to be done with. */
void look_up(const struct name_question *question, struct name_answer *ret_answer);

#endif
