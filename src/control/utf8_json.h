/*
 * Texts that may be anything, such as paths, as JSON, which is UTF-8: what is none becomes
 * "?", byte by byte.  jansson refuses it.
 */
#ifndef CONTROL_UTF8_JSON_H
#define CONTROL_UTF8_JSON_H

#include <jansson.h>

/* NULL: no memory, or there is no text. */
json_t *utf8_json(const char *text);

#endif
