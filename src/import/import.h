/*
 * The configuration of another proxy, as ours would have it: `uringproxy import FILE`.
 *
 * What has an equal here is carried over and everything else becomes a comment that says why;
 * nothing is guessed, no other file is read, nothing is run.  Which of the two kinds a text is
 * shows in its first words.  What is printed has been read by our own reader (draft.h).
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/compiler.h"

#include <stdio.h>

#define IMPORT_SIZE_MAX (4u << 20)

enum import_kind {
	IMPORT_HAPROXY, /* haproxy.cfg */
	IMPORT_NGINX,   /* nginx.conf, of which only the stream block is of interest */
};

struct import_result {
	enum import_kind kind;
	int serving;     /* sections that listen */
	unsigned missed; /* lines that are comments */
};

/* Print the text as a configuration of ours.  0, or -ENOMEM; a NUL byte ends the text. */
int import(const char *text, size_t size, FILE *out, struct import_result *ret_result) must_check;

#endif
