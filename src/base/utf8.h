/*
 * UTF-8 as RFC 3629 has it: what a JSON text, a page or a label may hold.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/compiler.h"

/* Bytes of the character that a string begins with (1 for its end), or 0 when it is none. */
size_t utf8_length(const char *text);

#endif
