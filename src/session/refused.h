/*
 * Clients that were refused as soon as they were accepted: of each only a count is kept, by
 * section and cause, or by the line of allow and deny, and a record in the access log says how
 * many they were.  There is one REFUSED_EVERY_MS after the first of them at the earliest, however
 * many there are: whoever is turned away comes again.
 *
 * Of those that are refused for what they are a line of the log says so, too, and from about how
 * many addresses they came: for REFUSED_CROWDS causes at a time.
 */
#ifndef SESSION_REFUSED_H
#define SESSION_REFUSED_H

#include "base/compiler.h"

struct arrival;
struct branch;
struct crowd;
struct sessions;

#define REFUSED_EVERY_MS 10000
#define REFUSED_CROWDS   64

/* Name in records, and the sentence for people.  In the order of uringproxy(8). */
#define REFUSALS(X)                                                                                \
	X(DRAINED, "drained", "it is drained by an operator")                                      \
	X(QUEUE_FULL, "queue-full", "no more could wait for a place among the connections")        \
	X(NO_PLACE, "no-place", "max_connections is reached, and they came from another section")  \
	X(DENIED, "denied", "a line of allow or deny says so")                                     \
	X(CLIENT_MOST, "client-most", "their clients had max_per_client connections already")      \
	X(CLIENT_FAST, "client-fast", "their clients connected faster than client_rate")           \
	X(UNTRUSTED, "untrusted", "accept_proxy_from does not name them")                          \
	X(NO_HEADER, "no-proxy-header", "they sent no PROXY header that is right")

enum refused_cause {
#define X(name, text, sentence) REFUSED_##name,
	REFUSALS(X)
#undef X
		REFUSED_COUNT,
};

/* What no record has told of yet. */
struct refused {
	uint64_t count;
	uint64_t since_ms;   /* when the first of them came */
	struct crowd *crowd; /* their addresses; NULL: nobody counts those */
	bool of_clients;     /* for what they are */
};

/* Where a worker counts addresses. */
struct refused_crowds;
struct refused_crowds *refused_crowds_make(void);

const char *refused_name(enum refused_cause cause);
const char *refused_sentence(enum refused_cause cause);

/* One was. */
void refused_one(struct sessions *all, struct branch *branch, enum refused_cause cause);
/* For what it is; and for what the section's allow and deny say, by which of them. */
void refused_client(struct sessions *all, struct branch *branch, enum refused_cause cause,
		    const struct arrival *client);
void refused_by_rule(struct sessions *all, struct branch *branch, uint32_t rule,
		     const struct arrival *client);

/* For the worker's timer: tell of those for whom it is time. */
void refused_settle(struct sessions *all);
/* Nothing is under its edition any more: tell what is left. */
void refused_forget(struct sessions *all, struct branch *branch);
/* The same of all: the worker ends. */
void refused_end(struct sessions *all);

#endif
