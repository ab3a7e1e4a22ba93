/*
 * CRC32C (Castagnoli's polynomial), which PROXY protocol headers carry.
 *
 * It goes on from what came before, so that some of the bytes may be taken for others:
 *
 *   crc = crc32c_add(CRC32C_BEGIN, head, size);
 *   crc = crc32c_add(crc, zeroes, 4);
 *   crc = crc32c_end(crc);
 */
#ifndef GREET_CRC32C_H
#define GREET_CRC32C_H

#include "base/compiler.h"

#define CRC32C_BEGIN 0xffffffffu

uint32_t crc32c_add(uint32_t crc, const unsigned char *bytes, uint32_t count);

static inline uint32_t crc32c_end(uint32_t crc)
{
	return crc ^ 0xffffffffu;
}

#endif
