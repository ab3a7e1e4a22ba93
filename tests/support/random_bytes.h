/*
 * Bytes that look random and can be told apart: the byte at an offset depends on the seed and the
 * offset alone.  So a receiver needs no copy of what was sent, and can say where the first wrong
 * byte is.
 */
#ifndef TESTS_SUPPORT_RANDOM_BYTES_H
#define TESTS_SUPPORT_RANDOM_BYTES_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(uint64_t seed, uint64_t offset, void *buffer, size_t size);
/* How many leading bytes of buffer are right: size when all are. */
size_t random_bytes_match(uint64_t seed, uint64_t offset, const void *buffer, size_t size);

#endif
