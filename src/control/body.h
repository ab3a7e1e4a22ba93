/*
 * What a request may say in its body: one object of JSON with these members and no others,
 * each a text or a number, each once.  No body at all says nothing.
 */
#ifndef CONTROL_BODY_H
#define CONTROL_BODY_H

#include "base/compiler.h"

#include <jansson.h>
#include <stdint.h>

#define BODY_WHY_MAX  200
#define BODY_TEXT_MAX 256 /* bytes of a member; each is printable */

/* A whole number from 0 on, or null. */
struct body_number {
	bool given, null;
	uint32_t value; /* 0 where it is null */
};

struct body_field {
	const char *name;  /* NULL: the last one */
	const char **text; /* set where it is there, and lives as long as the body */
	bool needed;
	struct body_number *number; /* instead of a text ... */
	uint32_t most;              /* ... which may be so great */
};

/*
 * Read it.  0, and *ret_body is to be json_decref()ed (it may be NULL: there is none); or
 * -EINVAL and why in words, with what the client sent in them as it is; -ENOMEM.
 */
int body_read(const char *text, size_t size, const struct body_field *fields, json_t **ret_body,
	      char why[BODY_WHY_MAX]) must_check;

#endif
