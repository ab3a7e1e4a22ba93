#include "config/source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int wrong(char *why, const char *because)
{
	snprintf(why, VALUE_WHY_MAX, "%s", because);
	return -EINVAL;
}

/* An address of IPv6 has two colons, and brackets only where a port is to follow. */
static bool has_port(const char *text)
{
	const char *bracket = strchr(text, ']'), *colon = strchr(text, ':');

	return bracket ? bracket[1] == ':' : colon && colon == strrchr(text, ':');
}

static bool is_every(const struct address *address)
{
	return address->u.any.sa_family == AF_INET
		       ? address->u.in.sin_addr.s_addr == htonl(INADDR_ANY)
		       : IN6_IS_ADDR_UNSPECIFIED(&address->u.in6.sin6_addr);
}

int source_parse(struct address *ret_source, const char *text, char why[VALUE_WHY_MAX])
{
	bool is_bare = *text != '[' && strchr(text, ':');
	char whole[ADDRESS_TEXT_MAX];
	struct address source;
	const char *because;

	if (!strncmp(text, "unix:", 5))
		return wrong(why,
			     "is a unix socket; connections come from an IPv4 or IPv6 address");
	if (has_port(text))
		return wrong(why, "takes an address without a port, which the kernel chooses");
	if (text[strcspn(text, " \t,-")])
		return wrong(why, "takes one address; for several repeat the key");
	if (strlen(text) > sizeof(whole) - 8)
		return wrong(why, "is not an address; write for example 10.0.0.5");
	snprintf(whole, sizeof(whole), "%s%s%s:1", is_bare ? "[" : "", text, is_bare ? "]" : "");
	if (address_parse(&source, whole, ADDRESS_FOR_LISTEN, &because) < 0)
		return wrong(why, because);
	if (source.kind != ADDRESS_INET)
		return wrong(why, "is not an address; write for example 10.0.0.5");
	if (is_every(&source))
		return wrong(why, "is every address; write auto, and the kernel chooses one");
	address_set_port(&source, 0);
	*ret_source = source;
	return 0;
}

int source_check(const char *text, char why[VALUE_WHY_MAX])
{
	struct address source;

	return source_parse(&source, text, why);
}

const char *source_format(const struct address *source, char text[SOURCE_TEXT_MAX])
{
	bool v4 = source->u.any.sa_family == AF_INET;
	char host[INET6_ADDRSTRLEN], number[16] = "";
	const void *bytes =
		v4 ? (const void *)&source->u.in.sin_addr : (const void *)&source->u.in6.sin6_addr;

	inet_ntop(source->u.any.sa_family, bytes, host, sizeof(host));
	if (!v4 && source->u.in6.sin6_scope_id)
		snprintf(number, sizeof(number), "%u", source->u.in6.sin6_scope_id);
	else if (address_has_zone(source))
		snprintf(number, sizeof(number), "%.15s", source->host);
	snprintf(text, SOURCE_TEXT_MAX, "%s%s%s", host, *number ? "%" : "", number);
	return text;
}
