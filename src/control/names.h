/*
 * Names looked up beside everything else.  A look-up takes as long as name
 * servers that do not answer make it, so threads of their own wait for them, up to
 * NAMES_THREADS_MAX at once; the answers are taken by who asked, when the
 * descriptor can be read.  Nothing here waits: names_close() leaves look-ups that
 * are under way to their threads, which free what they have when they come back.
 */
#ifndef CONTROL_NAMES_H
#define CONTROL_NAMES_H

#include "base/address.h"

#define NAMES_THREADS_MAX   32
#define NAMES_ADDRESSES_MAX 64 /* of one name; more are not kept */

struct names;

struct name_answer {
	uint32_t id;               /* as it was asked */
	const char *error;         /* why there is none, static or in text; NULL: there is */
	bool for_good;             /* as far as name servers say: the name does not exist */
	bool cut;                  /* there were more than NAMES_ADDRESSES_MAX */
	struct address *addresses; /* INET, none twice, in the resolver's order; to be freed */
	uint32_t count;
	char text[128];
};

/* 0 or a negative errno. */
int names_open(struct names **ret_names) must_check;
void names_close(struct names *names);

/* Readable when there is an answer. */
int names_descriptor(const struct names *names);

/* Look up the host of an address of kind NAME, for its port.  0 or a negative errno. */
int names_ask(struct names *names, uint32_t id, const struct address *name) must_check;

/* The next answer, or false. */
bool names_take(struct names *names, struct name_answer *ret_answer);

#endif
