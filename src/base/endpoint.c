#include "base/endpoint.h"

#include <string.h>

static const unsigned char v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

void endpoint_of(const struct sockaddr *address, struct endpoint *ret_endpoint)
{
	const void *from = address; /* aligned as its family needs it */

	*ret_endpoint = (struct endpoint){0};
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = from;

		memcpy(ret_endpoint->address, v4_mapped, sizeof(v4_mapped));
		memcpy(ret_endpoint->address + sizeof(v4_mapped), &in->sin_addr, 4);
		ret_endpoint->port = ntohs(in->sin_port);
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = from;

		memcpy(ret_endpoint->address, &in6->sin6_addr, 16);
		ret_endpoint->port = ntohs(in6->sin6_port);
	}
}

bool endpoint_is_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

bool endpoint_is_v4(const struct endpoint *endpoint)
{
	return memcmp(endpoint->address, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool endpoint_is_any(const struct endpoint *endpoint)
{
	static const unsigned char zeroes[16];

	if (endpoint_is_v4(endpoint))
		return memcmp(endpoint->address + sizeof(v4_mapped), zeroes, 4) == 0;
	return memcmp(endpoint->address, zeroes, sizeof(zeroes)) == 0;
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
	static const unsigned char one[16] = {[15] = 1};

	if (endpoint_is_v4(endpoint))
		return endpoint->address[sizeof(v4_mapped)] == 127;
	return memcmp(endpoint->address, one, sizeof(one)) == 0;
}

void endpoint_to_socket(const struct endpoint *endpoint, struct sockaddr_in6 *ret_address)
{
	struct sockaddr_in *in = (void *)ret_address;

	*ret_address = (struct sockaddr_in6){0};
	if (endpoint_is_v4(endpoint)) {
		in->sin_family = AF_INET;
		in->sin_port = htons(endpoint->port);
		memcpy(&in->sin_addr, endpoint->address + sizeof(v4_mapped), 4);
	} else {
		ret_address->sin6_family = AF_INET6;
		ret_address->sin6_port = htons(endpoint->port);
		memcpy(&ret_address->sin6_addr, endpoint->address, 16);
	}
}
