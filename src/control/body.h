/*
 * What a request may say in its body: one object of JSON with these members and no others,
 * each a text, each once.  No body at all says nothing.
 */
#ifndef CONTROL_BODY_H
#define CONTROL_BODY_H

#include "base/compiler.h"

#include <jansson.h>

#define BODY_WHY_MAX  200
#define BODY_TEXT_MAX 256 /* bytes of a member; each is printable */

struct body_field {
	const char *name;  /* NULL: the last one */
	const char **text; /* set where it is there, and lives as long as the body */
	bool needed;
};

/*
 * Read it.  0, and *ret_body is to be json_decref()ed (it may be NULL: there is none); or
 * -EINVAL and why in words, with what the client sent in them as it is; -ENOMEM.
 */
int body_read(const char *text, size_t size, const struct body_field *fields, json_t **ret_body,
	      char why[BODY_WHY_MAX]) must_check;

#endif
