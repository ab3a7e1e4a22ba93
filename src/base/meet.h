/*
 * Which addresses meet: whether two can be listened on at once, and whether who
 * connects to one arrives at who listens on another.  Listening on every address
 * is told apart by family, as bind.c does: `80` is IPv4 and IPv6, [::]:80 is
 * IPv6 alone.  Paths of unix sockets are compared as files, so that two ways of
 * writing one are one.
 */
#ifndef BASE_MEET_H
#define BASE_MEET_H

#include "base/address.h"

/*
 * Whether listening on one keeps the other from being listened on.  Names are
 * compared as they are written.
 */
bool meet_as_listeners(const struct address *a, const struct address *b);

/* Whether sockets of these interfaces are in each other's way; "": of all of them. */
bool meet_on_interfaces(const char *one, const char *other);

/* Whether whoever arrives at the second one would arrive at the first, were that one not there. */
bool meet_covers(const struct address *wide, const struct address *narrow);

/*
 * For an index of many: two that meet as listeners have a key in common, of those that one is
 * put into it by, and those that the other is looked for by; most that do not meet have
 * none.  How many.
 */
#define MEET_KEYS_MAX 2
unsigned meet_keys_kept(const struct address *address, uint32_t ret_keys[MEET_KEYS_MAX]);
unsigned meet_keys_sought(const struct address *address, uint32_t ret_keys[MEET_KEYS_MAX]);

/* Whether a connect to the address arrives at who listens on the other.  Never for a name. */
bool meet_by_connecting(const struct address *to, const struct address *listening);

#endif
