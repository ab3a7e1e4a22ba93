/*
 * Any bytes are a ClientHello or none; however many of them are there, nothing beyond is read,
 * and a verdict on some is the verdict on more.
 */
#include "greet/client_hello.h"

#include "greet/postgres.h"

#include <stdlib.h>
#include <string.h>

static enum hello_verdict read_first(const uint8_t *data, size_t size, size_t max)
{
	uint8_t *bytes = malloc(size ? size : 1); /* of that size, for ASan */
	struct client_hello hello;
	enum hello_verdict verdict;

	assert(bytes);
	memcpy(bytes, data, size);
	postgres_read(bytes, size);
	verdict = client_hello_read(bytes, size, max, &hello);
	free(bytes);
	if (verdict != HELLO_READ)
		return verdict;
	assert(strlen(hello.name) == hello.name_length);
	for (size_t at = 0; at < hello.alpn_length; at += 1 + (size_t)hello.alpn[at])
		assert(hello.alpn[at] && at + hello.alpn[at] < hello.alpn_length);
	return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t maxima[] = {100, 16384, 65536};
	static const size_t cuts[] = {0, 1, 5, 9, 50, 144};

	for (size_t i = 0; i < array_size(maxima); i++) {
		enum hello_verdict whole = read_first(data, size, maxima[i]);

		for (size_t cut = 0; cut < array_size(cuts) + 2; cut++) {
			size_t part = cut < array_size(cuts)    ? cuts[cut]
				      : cut == array_size(cuts) ? size / 2
								: size - (size > 0);
			enum hello_verdict verdict =
				part < size ? read_first(data, part, maxima[i]) : whole;

			assert(verdict == HELLO_MORE || verdict == whole);
		}
	}
	return 0;
}
