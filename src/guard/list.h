/*
 * A file that lists addresses: an address, a network or a range on each line, as cidr.h reads
 * them; what is behind a # or ; is for people.
 *
 *   192.0.2.0/24            # example
 *   2001:db8::/32 ; SBL123
 *
 * It is read in pieces, once, and each line where it lies: a million of them take less time
 * than a look at a server does.
 */
#ifndef GUARD_LIST_H
#define GUARD_LIST_H

#include "base/cidr.h"

#define LIST_LINE_MAX 1024
#define LIST_WHY_MAX  (CIDR_WHY_MAX + 160)
/* So many mistakes are told of one file; whoever has more has given the wrong file. */
#define LIST_TOLD_MAX 10

struct list_reader {
	/* One entry of it.  0, or a negative errno, which ends it. */
	int (*take)(void *owner, const struct cidr *cidr);
	/* A mistake in that line (0: in the file as a whole), as a sentence. */
	void (*complain)(void *owner, unsigned line, const char *sentence);
	void *owner;
};

/* 0; -EINVAL after complaints; or what take() has said. */
int list_read(const char *path, const struct list_reader *reader) must_check;

#endif
