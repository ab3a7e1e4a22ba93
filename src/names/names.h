/*
 * Names looked up beside everything else.  A look-up takes as long as name servers that do
 * not answer make it, so threads of their own wait for them, up to NAMES_THREADS_MAX at once,
 * and end when there is nothing to be asked; the answers are taken by who asked, when the
 * descriptor can be read.  Nothing here waits: names_close() leaves look-ups that are under way
 * to their threads, which free what they have when they come back.
 *
 * What could not be answered before is `slow`, and some threads are never for that: one name
 * server that is dead does not hold up the names that another one knows.
 */
#ifndef NAMES_NAMES_H
#define NAMES_NAMES_H

#include "names/look_up.h"

#define NAMES_THREADS_MAX  32
#define NAMES_SLOW_THREADS 24 /* of them, at most, are busy with what is slow */

struct names;

/* 0 or a negative errno. */
int names_open(struct names **ret_names) must_check;
/* NULL is fine. */
void names_close(struct names *names);

/* Readable when there is an answer. */
int names_descriptor(const struct names *names);

/* Look that up; the answer has the number.  0 or a negative errno. */
int names_ask(struct names *names, uint64_t id, const struct name_question *question,
	      bool slow) must_check;

/* The next answer, to be done with, and its number; or false. */
bool names_take(struct names *names, uint64_t *ret_id, struct name_answer *ret_answer);

#endif
