/* A set of addresses is refused with a reason, or written as text that is the same set. */
#include "base/cidr.h"

#include <stdlib.h>
#include <string.h>

/* A range of IPv6 has its ends, but where they are IPv4 by another name. */
static bool has_end(const struct cidr *cidr, struct cidr_number end)
{
	return cidr_has(cidr, end) || (cidr->family == CIDR_V6 && cidr_is_v4(end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1), written[CIDR_TEXT_MAX], why[CIDR_WHY_MAX] = "";
	struct cidr cidr, again;

	assert(text);
	if (size)
		memcpy(text, data, size); /* nothing behind it: what is read there is found */
	if (cidr_parse(&cidr, text, size, why) < 0) {
		assert(*why);
	} else {
		cidr_format(&cidr, written);
		assert(cidr_parse(&again, written, strlen(written), why) == 0);
		assert(!memcmp(&cidr.first, &again.first, sizeof(cidr.first)));
		assert(!memcmp(&cidr.last, &again.last, sizeof(cidr.last)));
		assert(cidr.family == again.family);
		assert(has_end(&cidr, cidr.first) && has_end(&cidr, cidr.last));
	}
	free(text);
	return 0;
}
