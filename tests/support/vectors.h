/*
 * Inputs of a protocol, one a line in a file of tests/vectors/:
 *
 *   NAME  VERDICT  BYTES   # why
 *
 * in hexadecimal digits, <XX*N> being the byte XX, N times.  Lines that begin with # are not.
 */
#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

#include "base/compiler.h"

#define VECTORS_MAX 128

struct vector {
	char name[48], verdict[32];
	unsigned char *bytes;
	uint32_t count;
};

struct vectors {
	struct vector each[VECTORS_MAX];
	uint32_t count;
};

/* Of that file; a mistake in it fails the test. */
void vectors_read(struct vectors *ret_vectors, const char *path);
void vectors_done(struct vectors *vectors);

const struct vector *vectors_find(const struct vectors *vectors, const char *name);

#endif
