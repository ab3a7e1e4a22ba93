/*
 * What a check sends and expects, as it is written in the configuration.
 *
 *   bytes      QUIT\r\n          \r \n \t \\ and \xHH stand for what they do in C
 *              hex:16 03 01      every byte by two digits; blanks between are left out
 *   an answer  +PONG             what it begins with, as bytes
 *              *role:master      what is in it, in its first 16 KiB; \x2a is a star
 *   statuses   200               one of HTTP; several with commas or blanks between
 *              200-399 4xx       from one to another; all of a hundred
 *   of HTTP    200 *ready        statuses, 200-399 where there are none, and what is in the body
 *
 * A parser returns 0, or -EINVAL with one sentence without full stop in why.
 */
#ifndef CONFIG_EXPECT_H
#define CONFIG_EXPECT_H

#include "config/value.h"

/* Into room for as many bytes as the text has.  There may be none: "". */
int expect_parse_bytes(uint8_t *ret_bytes, size_t *ret_size, const char *text,
		       char why[VALUE_WHY_MAX]) must_check;

/* The same of an answer: there is at least one byte. */
int expect_parse_answer(uint8_t *ret_bytes, size_t *ret_size, bool *ret_anywhere, const char *text,
			char why[VALUE_WHY_MAX]) must_check;

#define EXPECT_STATUSES     "200-399" /* where nothing is written */
#define EXPECT_STATUSES_MAX 16
struct expect_statuses {
	struct {
		uint16_t first, last;
	} range[EXPECT_STATUSES_MAX];
	unsigned count;
};
int expect_parse_statuses(struct expect_statuses *ret_statuses, const char *text,
			  char why[VALUE_WHY_MAX]) must_check;
/* With what is in the body, into room for as many bytes as the text has; 0: anything. */
int expect_parse_http(struct expect_statuses *ret_statuses, uint8_t *ret_bytes, size_t *ret_size,
		      const char *text, char why[VALUE_WHY_MAX]) must_check;
bool expect_has_status(const struct expect_statuses *statuses, unsigned status);

#endif
