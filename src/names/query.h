/*
 * Questions to name servers, by glibc's resolver, which does as resolv.conf says.
 *
 * A state of its own for each look-up finds out when that file has changed, and asks from a new
 * port each time.  Where nobody answers once, nothing more is asked: who waits has waited long
 * enough.
 */
#ifndef NAMES_QUERY_H
#define NAMES_QUERY_H

#include "names/answer.h"
#include "names/dns.h"

#include <resolv.h>

struct query {
	struct __res_state state;
	bool is_open;
	bool silent;                 /* nobody answered once */
	bool nobody;                 /* ... because there is nobody where name servers should be */
	char asked[NAMES_ASKED_MAX]; /* who is */
	char error[NAMES_ERROR_MAX]; /* what went wrong last; "" */
};

/* What became of a question. */
struct query_result {
	enum name_status status;
	uint32_t ttl_s; /* NAME_NO_TTL: not said */
};

/*
 * To be asked by it is that server (kind INET), or (kind NONE) those of resolv.conf.  0, or a
 * negative errno: there is no resolver, and query_close() is good all the same.
 */
int query_open(struct query *query, const struct address *server) must_check;
void query_close(struct query *query);

/*
 * Ask for records of that type, with DNS_MESSAGE_MAX bytes for the message, which the answer, to be
 * done with, refers to.
 */
struct query_result query_ask(struct query *query, const char *host, enum dns_type type,
			      uint8_t *message, struct dns_answer *ret_answer);

/* Nobody can say: that is not the same as that there is none. */
bool query_is_open_question(struct query_result result);

#endif
