/*
 * A configuration of ours while another proxy's is read: sections, each with lines and with
 * comments on what has no line here.
 *
 *   text of theirs ---> haproxy.c, nginx.c ---> draft ---> our own reader ---> what is printed
 *                                                 ^            |
 *                                                 +- mistakes -+  the line becomes a comment
 *
 * What is printed has been read by config_parse() and is good: a line that it refuses is printed
 * as a comment with what it said, and so is a whole section where the line was one without
 * which the section would let in or take for granted what the other proxy did not.  Text of
 * theirs stands in values without control characters and without what begins a comment, in names
 * of our own letters, and in comments.  What there is no memory for is remembered, and nothing
 * is printed.
 */
#ifndef IMPORT_DRAFT_H
#define IMPORT_DRAFT_H

#include "base/compiler.h"

#include <stdio.h>

#define DRAFT_NAME_MAX 41 /* with its end */

/* A line, or a comment on one of theirs. */
struct draft_line {
	char *text;    /* "key = value", or what a comment says */
	unsigned from; /* their line; 0: of none */
	bool comment;
	bool needed;      /* without it the section is none */
	const char *mark; /* of comments: "not carried over", or NULL */
};

struct draft_section {
	const char *word; /* "proxy", "pool", "global"; NULL: comments before all */
	char *theirs;     /* its name as they have it */
	char name[DRAFT_NAME_MAX];
	unsigned from;
	bool out; /* it is printed as comments */
	char *why;
	struct draft_line *lines;
	size_t count;
};

struct draft {
	struct draft_section **sections;
	size_t count;
	unsigned missed; /* lines of theirs that are not carried over */
	bool failed;     /* there was no memory */
};

/* What stands before all sections is there. */
void draft_init(struct draft *draft);
void draft_done(struct draft *draft);

/* What is before all sections: comments. */
struct draft_section *draft_top(struct draft *draft);
/* A new one, called as theirs is, or as that may be called here; without a name, NULL. */
struct draft_section *draft_section(struct draft *draft, const char *word, const char *name,
				    unsigned from);
/* The one of a word without names: "global". */
struct draft_section *draft_one(struct draft *draft, const char *word, unsigned from);
/* By the name that they have for it; NULL: there is none. */
struct draft_section *draft_find(const struct draft *draft, const char *word, const char *theirs);

/* A line; one that the reader would read otherwise than it is written becomes a comment. */
__attribute__((format(printf, 5, 6))) void draft_set(struct draft *draft,
						     struct draft_section *section, unsigned from,
						     const char *key, const char *format, ...);
/* The same, and without it the section is none. */
__attribute__((format(printf, 5, 6))) void draft_need(struct draft *draft,
						      struct draft_section *section, unsigned from,
						      const char *key, const char *format, ...);
/* Whether it has a line of that key, and with which value; NULL: none. */
const char *draft_value(const struct draft_section *section, const char *key);

/* A line of theirs has no line here, for a reason. */
void draft_miss(struct draft *draft, struct draft_section *section, unsigned from, const char *line,
		const char *why);
/* The section is none, for a reason, a static text. */
void draft_drop(struct draft *draft, struct draft_section *section, const char *why);

/*
 * Print what our reader accepts of it.  How many sections that serve clients are in it, or
 * -ENOMEM.
 */
int draft_print(struct draft *draft, FILE *out) must_check;

#endif
