/*
 * What came of a check: a word that is HAProxy's, since dashboards and people know those, and
 * the rest of a sentence that begins with what was asked: "http GET /primary on :8008" ...
 *
 *   L4OK L7OK         well: it let itself be connected to; it answered as is expected
 *   L4CON L4TOUT      no connection: refused or unreachable; not in time
 *   L7TOUT            no answer, or not all of it, in time
 *   L7RSP             it closed, or what it said is not the protocol's
 *   L7STS             an answer by which it is not well: "answered 503, wanted 200-399"
 *   SOCKERR           it could not be asked, and that is this machine's doing: it counts neither
 *                     way (HAProxy takes it for a failure)
 */
#ifndef CONTROL_CHECK_RESULT_H
#define CONTROL_CHECK_RESULT_H

#include "base/compiler.h"

#define CHECK_CODES(X)                                                                             \
	X(UNKNOWN, UNK)                                                                            \
	X(L4OK, L4OK)                                                                              \
	X(L4CON, L4CON)                                                                            \
	X(L4TOUT, L4TOUT)                                                                          \
	X(L7OK, L7OK)                                                                              \
	X(L7TOUT, L7TOUT)                                                                          \
	X(L7RSP, L7RSP)                                                                            \
	X(L7STS, L7STS)                                                                            \
	X(SOCKERR, SOCKERR)

enum check_code {
#define X(NAME, word) CHECK_##NAME,
	CHECK_CODES(X)
#undef X
		CHECK_CODE_COUNT,
};

#define CHECK_TEXT_MAX 300

struct check_result {
	enum check_code code;
	int error;                 /* a negative errno of L4CON and SOCKERR */
	uint64_t at_ms;            /* when it was over */
	uint32_t duration_us;      /* from its begin */
	char text[CHECK_TEXT_MAX]; /* printable: "answered 503, wanted 200-399" */
};

const char *check_code_word(enum check_code code);
bool check_is_good(enum check_code code);
/* Whether it says anything of the server. */
bool check_counts(enum check_code code);

void check_conclude(struct check_result *result, enum check_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What a server said, for a sentence: in quotes, one line, printable, cut; returns text. */
#define CHECK_QUOTE_MAX 84
const char *check_quote(const void *bytes, size_t size, char text[CHECK_QUOTE_MAX]);

#endif
