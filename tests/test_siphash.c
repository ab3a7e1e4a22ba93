#include "base/siphash.h"

#include "support/suite.h"

#include <string.h>

/* Python from 3.11 on has this hash for its strings, with that key where PYTHONHASHSEED=0. */
START_TEST(it_is_the_hash_that_others_have_under_that_name)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} known[] = {
		{"a", 0x407448d2b89b1813},
		{"abcdefg", 0x6db12aae9070f506},
		{"abcdefgh", 0x3f7b849c0b8e35ea},
		{"a client of ours, twenty-four", 0x5718053cda78cc80},
	};
	const struct siphash_key key = {0};

	for (size_t i = 0; i < array_size(known); i++)
		ck_assert_uint_eq(siphash(&key, known[i].text, strlen(known[i].text)),
				  known[i].hash);
}
END_TEST

START_TEST(each_half_of_the_key_matters)
{
	static const struct siphash_key keys[] = {{{0, 0}}, {{1, 0}}, {{0, 1}}};

	for (size_t i = 0; i < array_size(keys); i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(siphash(&keys[i], "text", 4),
					  siphash(&keys[j], "text", 4));
}
END_TEST

SUITE("siphash", it_is_the_hash_that_others_have_under_that_name, each_half_of_the_key_matters)
