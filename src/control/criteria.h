/*
 * Which connections are meant, as the query of a request says:
 *
 *   proxy=web                        a section's name
 *   client=192.0.2.7                 ... :PORT, /BITS, [2001:db8::1]:PORT, unix
 *   server=10.0.0.5:80               as it is named in the configuration
 *   listener=0.0.0.0:80
 *   state=connecting                 relaying, closing
 *   sort=id                          age; limit=100  after=ID  confirm=N
 *
 * What is no criterion, is said twice, or says nothing that could be right is refused
 * with a reason, so that a word misspelt never means everybody.
 */
#ifndef CONTROL_CRITERIA_H
#define CONTROL_CRITERIA_H

#include "control/http.h"
#include "session/glance.h"

#define CRITERIA_WHY_MAX   200
#define CRITERIA_LIMIT     100
#define CRITERIA_LIMIT_MAX 1000

/* Groups of them that a request may have. */
enum { CRITERIA_FILTER = 1, CRITERIA_PAGE = 2, CRITERIA_CONFIRM = 4 };

struct criteria {
	struct glance_filter filter; /* its texts are the arguments' */
	bool narrows;                /* there is any filter */
	bool by_age;
	uint32_t limit;
	uint64_t from; /* the least id */
	bool confirmed;
	uint64_t confirm;
};

/* 0; or -EINVAL and why, in words, and with what was sent as it is. */
int criteria_read(const struct http_argument *arguments, size_t count, unsigned groups,
		  struct criteria *ret_criteria, char why[CRITERIA_WHY_MAX]) must_check;

/* Digits and nothing else: 0; or -EINVAL, also for what 64 bits cannot hold. */
int criteria_number(const char *text, uint64_t *ret_number) must_check;

#endif
