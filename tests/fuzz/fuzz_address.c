/* An address is refused with a reason, or written as text that is the same address. */
#include "base/address.h"

#include <stdlib.h>
#include <string.h>

static void check(const char *text, unsigned use)
{
	struct address address, again;
	char written[ADDRESS_TEXT_MAX], rewritten[ADDRESS_TEXT_MAX];
	const char *why = NULL;

	if (address_parse(&address, text, use, &why) < 0) {
		assert(why && *why);
		return;
	}
	address_format(&address, written, sizeof(written));
	/* bytes that cannot be printed are written as '?' */
	if (strchr(written, '?'))
		return;
	assert(address_parse(&again, written, use, &why) == 0);
	assert(!memcmp(&address, &again, sizeof(address)));
	assert(!strcmp(written, address_format(&again, rewritten, sizeof(rewritten))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), written[ADDRESS_TEXT_MAX];
	struct sockaddr_storage storage = {0};

	assert(text);
	memcpy(text, data, size);
	check(text, ADDRESS_FOR_LISTEN);
	check(text, ADDRESS_FOR_CONNECT);
	free(text);

	/* and whatever the kernel may give */
	memcpy(&storage, data, size < sizeof(storage) ? size : sizeof(storage));
	address_format_socket((struct sockaddr *)&storage,
			      (socklen_t)(size < sizeof(storage) ? size : sizeof(storage)), written,
			      sizeof(written));
	return 0;
}
