#include "config/send_proxy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const words[] = {
#define X(name, text) [SEND_PROXY_##name] = (text),
	SEND_PROXY_FIELDS(X)
#undef X
};
static_assert(array_size(words) == SEND_PROXY_FIELD_COUNT, "every field has a word");

static int find(const char *word, size_t length)
{
	for (int i = 0; i < SEND_PROXY_FIELD_COUNT; i++)
		if (strlen(words[i]) == length && !strncasecmp(words[i], word, length))
			return i;
	return -1;
}

int send_proxy_parse(unsigned *ret_fields, const char *text, char why[VALUE_WHY_MAX])
{
	unsigned fields = 0;

	for (const char *at = text ? text : ""; *at;) {
		size_t length = strcspn(at, ", \t");
		int field = find(at, length);

		if (length && field < 0) {
			snprintf(why, VALUE_WHY_MAX,
				 "\"%.*s\" is not one of: authority, unique_id, crc32c, client, or "
				 "none",
				 length < 80 ? (int)length : 80, at);
			return -EINVAL;
		}
		fields |= length ? 1u << field : 0;
		at += length + (at[length] != 0);
	}
	*ret_fields = fields;
	return 0;
}

enum config_send_proxy send_proxy_of(const struct config_section *section,
				     const struct config_endpoint *server)
{
	return server->send_proxy != CONFIG_SEND_PROXY_AS_POOL
		       ? (enum config_send_proxy)server->send_proxy
		       : (enum config_send_proxy)section->settings.send_proxy;
}
