/*
 * A hash (FNV-1a), for names and addresses that administrators give: nobody attacks with those.
 *
 * In 64 bits it is the same on every machine, for what several must agree on.  It is weak in
 * its upper bits: hash_spread() lets each bit of the text reach each bit of the hash.
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

#define HASH64_BEGIN 14695981039346656037u

static inline uint64_t hash64_bytes(uint64_t hash, const void *bytes, size_t size)
{
	for (const unsigned char *at = bytes; size; at++, size--)
		hash = (hash ^ *at) * 1099511628211u;
	return hash;
}

static inline uint64_t hash64_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return hash;
}

/* One to one, and no bit of it is that of the hash by more than chance (MurmurHash3's end). */
static inline uint64_t hash_spread(uint64_t hash)
{
	hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
	hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
	return hash ^ (hash >> 33);
}

#endif
