/*
 * The first bytes of a connection are a PROXY header, the beginning of one, or none: what is none
 * stays none however much follows, and what is one says the same when it is written again.
 */
#include "greet/proxy_header.h"
#include "greet/proxy_write.h"

#include <stdlib.h>
#include <string.h>

/* The same bytes at the end of a block of their size: what reads behind them is found out. */
static struct proxy_reading read_copy(unsigned char **ret_copy, const uint8_t *data, uint32_t count)
{
	*ret_copy = malloc(count ? count : 1);
	assert(*ret_copy);
	if (count)
		memcpy(*ret_copy, data, count);
	return proxy_read(*ret_copy, count, PROXY_ANY);
}

static void check_written(const struct proxy_header *header)
{
	unsigned char bytes[PROXY_WRITE_MAX];
	struct proxy_said said = {
		.version = header->version,
		.nothing = header->told != PROXY_TOLD_ADDRESSES,
		.source = header->source,
		.destination = header->destination,
		.tlvs = header->tlvs,
		.tlvs_size = header->tlvs_size,
		.checksum = header->has_checksum,
	};
	uint32_t count = proxy_write(&said, bytes);
	struct proxy_reading again = proxy_read(bytes, count, header->version);

	assert(header->version == PROXY_V1 || count <= header->length);
	assert(again.progress == PROXY_DONE && again.header.length == count);
	assert(!memcmp(&again.header.source, &header->source, sizeof(header->source)));
	assert(!memcmp(&again.header.destination, &header->destination,
		       sizeof(header->destination)));
	assert(again.header.has_checksum == header->has_checksum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum proxy_progress before = PROXY_MORE;
	uint32_t least = 0;

	if (size > PROXY_HEADER_MAX + 64)
		return 0;
	for (size_t step = size > 256 ? 61 : 1, count = 0; count <= size; count += step) {
		unsigned char *copy;
		struct proxy_reading reading = read_copy(&copy, data, (uint32_t)count);

		assert(before == PROXY_MORE || reading.progress == before);
		assert(reading.progress != PROXY_DONE || count >= least);
		if (reading.progress == PROXY_MORE && count + reading.more > least)
			least = (uint32_t)count + reading.more;
		assert(reading.progress != PROXY_MORE || reading.more > 0);
		if (reading.progress == PROXY_DONE) {
			assert(reading.header.length <= count);
			check_written(&reading.header);
		}
		before = reading.progress;
		free(copy);
	}
	return 0;
}
