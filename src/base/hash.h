/*
 * A hash (FNV-1a), for names and addresses that administrators give: nobody attacks with those.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/compiler.h"

#define HASH_BEGIN 2166136261u

/* Of what was hashed before, or HASH_BEGIN, and this behind it. */
static inline uint32_t hash_text(uint32_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

static inline uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t size)
{
	for (const unsigned char *at = bytes; size; at++, size--)
		hash = (hash ^ *at) * 16777619u;
	return hash;
}

#endif
