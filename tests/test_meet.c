/* Addresses that meet, and the keys by which those that do are found among many. */
#include "base/meet.h"

#include "support/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct address listening(const char *text)
{
	struct address address;
	const char *why = NULL;

	ck_assert_msg(address_parse(&address, text, ADDRESS_FOR_LISTEN, &why) == 0, "%s: %s", text,
		      why);
	return address;
}

static bool is_found(const struct address *kept, const struct address *sought)
{
	uint32_t has[MEET_KEYS_MAX], wants[MEET_KEYS_MAX];
	unsigned n = meet_keys_kept(kept, has), m = meet_keys_sought(sought, wants);

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < m; j++)
			if (has[i] == wants[j])
				return true;
	return false;
}

START_TEST(addresses_that_meet_have_a_key_in_common)
{
	char there[128], again[128], link_there[128], nobody[128];
	const char *const texts[] = {
		"80",
		"81",
		"0.0.0.0:80",
		"[::]:80",
		"127.0.0.1:80",
		"127.0.0.1:81",
		"127.0.0.2:80",
		"[::1]:80",
		"[fe80::1%1]:80",
		"[fe80::1%2]:80",
		"localhost:80",
		"LocalHost:80",
		"localhost:81",
		"systemd:80",
		"systemd:a",
		"unix:@a",
		"unix:@b",
		there,
		again,
		link_there,
		nobody,
		"unix:/x/nobody",
	};
	unsigned met = 0;
	FILE *file;

	snprintf(there, sizeof(there), "unix:%s/there", suite_dir());
	snprintf(again, sizeof(again), "unix:%s/./there", suite_dir());
	snprintf(link_there, sizeof(link_there), "unix:%s/link", suite_dir());
	snprintf(nobody, sizeof(nobody), "unix:%s/nobody", suite_dir());
	file = fopen(there + strlen("unix:"), "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(symlink("there", link_there + strlen("unix:")), 0);
	for (unsigned i = 0; i < array_size(texts); i++)
		for (unsigned j = 0; j < array_size(texts); j++) {
			struct address a = listening(texts[i]), b = listening(texts[j]);

			if (!meet_as_listeners(&a, &b))
				continue;
			met += i != j;
			ck_assert_msg(is_found(&a, &b), "%s is not found by %s", texts[i],
				      texts[j]);
		}
	ck_assert_uint_ge(met, 30);
}
END_TEST

/* Of as many lines as a worker has sockets each is compared with itself, and some by accident. */
START_TEST(of_many_addresses_few_have_a_key_in_common)
{
	enum { MANY = 1000, ALL = 3 * MANY };
	static struct address all[3][MANY];
	unsigned found = 0;

	for (unsigned i = 0; i < MANY; i++) {
		char text[64];

		snprintf(text, sizeof(text), "127.0.0.1:%u", 1024 + i);
		all[0][i] = listening(text);
		snprintf(text, sizeof(text), "127.0.%u.%u:80", i >> 8, i & 255);
		all[1][i] = listening(text);
		snprintf(text, sizeof(text), "unix:/x/s%u", i);
		all[2][i] = listening(text);
	}
	for (unsigned kind = 0; kind < 3; kind++)
		for (unsigned i = 0; i < MANY; i++)
			for (unsigned j = 0; j < MANY; j++)
				found += is_found(&all[kind][i], &all[kind][j]);
	ck_assert_uint_ge(found, ALL);
	ck_assert_uint_le(found, ALL + 30);
}
END_TEST

SUITE("meet", addresses_that_meet_have_a_key_in_common, of_many_addresses_few_have_a_key_in_common)
