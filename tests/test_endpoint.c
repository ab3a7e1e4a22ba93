/* Ends of connections: when two are the same, and what is special about some. */
#include "base/endpoint.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct endpoint v4(const char *text, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct endpoint endpoint;

	ck_assert_int_eq(inet_pton(AF_INET, text, &in.sin_addr), 1);
	endpoint_of((const struct sockaddr *)&in, &endpoint);
	return endpoint;
}

static struct endpoint v6(const char *text, uint16_t port)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct endpoint endpoint;

	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	endpoint_of((const struct sockaddr *)&in6, &endpoint);
	return endpoint;
}

static bool same(struct endpoint a, struct endpoint b)
{
	return endpoint_is_same(&a, &b);
}

START_TEST(an_end_is_the_same_in_both_families_and_differs_by_address_and_by_port)
{
	ck_assert(same(v4("127.0.0.1", 80), v6("::ffff:127.0.0.1", 80)));
	ck_assert(same(v6("fe80::1", 80), v6("fe80::1", 80)));
	ck_assert(!same(v4("127.0.0.1", 80), v4("127.0.0.1", 81)));
	ck_assert(!same(v4("127.0.0.1", 80), v4("127.0.0.2", 80)));
	ck_assert(!same(v4("127.0.0.1", 80), v6("::1", 80)));
}
END_TEST

START_TEST(every_address_and_the_loopback_are_known_in_both_families)
{
	struct endpoint any[] = {v4("0.0.0.0", 1), v6("::", 1), v6("::ffff:0.0.0.0", 1)};
	struct endpoint loopback[] = {v4("127.0.0.1", 1), v4("127.255.0.9", 1), v6("::1", 1),
				      v6("::ffff:127.0.0.1", 1)};
	struct endpoint others[] = {v4("128.0.0.1", 1), v6("::2", 1), v6("fe80::1", 1)};

	for (unsigned i = 0; i < array_size(any); i++)
		ck_assert(endpoint_is_any(&any[i]) && !endpoint_is_loopback(&any[i]));
	for (unsigned i = 0; i < array_size(loopback); i++)
		ck_assert(endpoint_is_loopback(&loopback[i]) && !endpoint_is_any(&loopback[i]));
	for (unsigned i = 0; i < array_size(others); i++)
		ck_assert(!endpoint_is_loopback(&others[i]) && !endpoint_is_any(&others[i]));
}
END_TEST

START_TEST(a_unix_socket_has_no_such_end)
{
	struct sockaddr local = {.sa_family = AF_UNIX};
	struct endpoint endpoint;

	endpoint_of(&local, &endpoint);
	ck_assert(same(endpoint, (struct endpoint){0}));
}
END_TEST

SUITE("endpoint", an_end_is_the_same_in_both_families_and_differs_by_address_and_by_port,
      every_address_and_the_loopback_are_known_in_both_families, a_unix_socket_has_no_such_end)
