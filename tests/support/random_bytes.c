#include "support/random_bytes.h"

#include <string.h>

/* splitmix64, whose state is a counter. */
static uint64_t word_at(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* A piece of a word, where a buffer begins or ends in the middle of one. */
static size_t piece(uint64_t seed, uint64_t offset, unsigned char *out, size_t size)
{
	uint64_t word = word_at(seed, offset / 8);
	size_t skip = offset % 8, n = 8 - skip < size ? 8 - skip : size;

	memcpy(out, (unsigned char *)&word + skip, n);
	return n;
}

/* Gigabytes are made in a run of the tests, so all but the ends goes by whole words. */
void random_bytes(uint64_t seed, uint64_t offset, void *buffer, size_t size)
{
	unsigned char *out = buffer;
	size_t done = offset % 8 && size ? piece(seed, offset, out, size) : 0;

	for (; size - done >= 8; done += 8) {
		uint64_t word = word_at(seed, (offset + done) / 8);

		memcpy(out + done, &word, sizeof(word));
	}
	if (done < size)
		piece(seed, offset + done, out + done, size - done);
}

size_t random_bytes_match(uint64_t seed, uint64_t offset, const void *buffer, size_t size)
{
	const unsigned char *in = buffer;
	unsigned char want[4096];
	size_t done = 0;

	while (done < size) {
		size_t n = size - done < sizeof(want) ? size - done : sizeof(want);

		random_bytes(seed, offset + done, want, n);
		if (memcmp(in + done, want, n) != 0) {
			while (in[done] == want[0]) {
				done++;
				random_bytes(seed, offset + done, want, 1);
			}
			return done;
		}
		done += n;
	}
	return size;
}
