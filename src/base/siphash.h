/*
 * SipHash-1-3 (Aumasson and Bernstein): a hash with a secret key, for tables whose keys
 * others choose.
 *
 * Who does not know the key cannot find texts that meet in a table, however many are tried,
 * which is what hash.h is no use for.  One round for each word and three at the end are what
 * Rust, Python and Ruby have for the same purpose.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/compiler.h"

struct siphash_key {
	uint64_t k[2];
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t size);

#endif
