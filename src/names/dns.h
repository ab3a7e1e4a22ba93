/*
 * A DNS message: what it answers to the question in it.
 *
 *   www.example  CNAME  web.example  60 s   \  a chain of aliases is followed within the message;
 *   web.example  A      10.0.0.5     300 s  /  what it leads to may be believed for 60 s
 *
 * Nothing here asks anybody, and nothing of a message is trusted: it is bytes from the network.
 * One that is cut off, leads round in a circle or is wrong anywhere in front of what is needed
 * is not believed at all, so that nobody takes half of the servers for all of them.
 */
#ifndef NAMES_DNS_H
#define NAMES_DNS_H

#include "base/compiler.h"

#define DNS_NAME_MAX    1025 /* with its end, as dn_expand(3) writes it */
#define DNS_MESSAGE_MAX 65535
#define DNS_RECORDS_MAX 4096 /* in a message; with more it is refused */
#define DNS_ALIASES_MAX 16

enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_AAAA = 28, DNS_SRV = 33 };

enum dns_result {
	DNS_FOUND,
	DNS_NO_DATA,  /* the name exists, and has none of that type */
	DNS_NO_NAME,  /* it does not exist */
	DNS_FAILED,   /* whoever answered could not or would not: rcode */
	DNS_REFERRED, /* ... or knows only whom else to ask */
	DNS_BROKEN,   /* no message that makes sense, or no answer to its question */
	DNS_CUT,      /* it was longer than what came of it */
	DNS_CIRCLE,   /* aliases of each other, or more than DNS_ALIASES_MAX */
	DNS_TOO_MANY, /* records */
	DNS_RESULT_COUNT,
};

struct dns_record {
	enum dns_type type;
	uint32_t ttl_s;
	uint16_t priority, weight, port; /* SRV */
	uint16_t owner_at, target_at;    /* names in the message; no target: an address */
	uint32_t owner, target;          /* ... and their hashes */
	uint8_t ip[16];                  /* A: the first four */
};

struct dns_answer {
	const uint8_t *message;
	size_t size;
	enum dns_result result;
	unsigned rcode;
	uint32_t ttl_s; /* FOUND: the least on the way to it.  NO_DATA, NO_NAME: for how long that
			   may be believed, 0 where it is not said */
	struct dns_record *records; /* that were asked for */
	uint32_t count;
	struct dns_record *besides; /* addresses that nobody asked for */
	uint32_t beside_count;
};

/*
 * Read a message, which must stay, in which a question of that type was asked.  What is behind
 * its end is not looked at.  0, or -ENOMEM; dns_done() is good after either.
 */
int dns_read(struct dns_answer *ret_answer, const uint8_t *message, size_t size,
	     enum dns_type type) must_check;
void dns_done(struct dns_answer *answer);

/* The name that an SRV record leads to, "" for the root: the service is decidedly not there. */
void dns_target(const struct dns_answer *answer, const struct dns_record *record,
		char ret_name[DNS_NAME_MAX]);

/* The next of the addresses besides, behind that one (NULL: the first), of that target. */
const struct dns_record *dns_beside(const struct dns_answer *answer,
				    const struct dns_record *record, enum dns_type type,
				    const struct dns_record *behind);

/* Of DNS_FAILED: "SERVFAIL"; text for those without a name. */
const char *dns_rcode_name(unsigned rcode);

#endif
