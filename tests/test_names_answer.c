/* Sets of servers: their order, the ratio of their weights, and what is another than before. */
#include "names/answer.h"
#include "names/hosts.h"

#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "10.0.0.5 80 priority weight", "::1 80 0 1" */
static struct name_record record_of(const char *text)
{
	struct name_record record = {.weight = 1};
	char ip[64];
	unsigned port = 0, priority = 0, weight = 1;

	ck_assert_int_ge(sscanf(text, "%63s %u %u %u", ip, &port, &priority, &weight), 1);
	ck_assert(hosts_number(ip, &record));
	record.port = (uint16_t)port;
	record.priority = (uint16_t)priority;
	record.weight = (uint16_t)weight;
	return record;
}

/* Lines of those, in order. */
static struct name_set set_of(const char *lines)
{
	struct name_set set = {0};
	char copy[2000], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", lines);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct name_record record = record_of(line);

		ck_assert_int_eq(name_set_add(&set, &record), 0);
	}
	name_set_sort(&set);
	return set;
}

static void assert_set(const struct name_set *set, const char *lines)
{
	struct name_set want = set_of(lines);

	ck_assert_uint_eq(set->count, want.count);
	ck_assert_uint_eq(name_set_compare(set, &want, NULL, NULL), 0);
	name_set_done(&want);
}

START_TEST(a_set_is_in_order_and_has_none_twice)
{
	struct name_set set =
		set_of("10.0.0.7 80\n::1 80\n10.0.0.5 81\n10.0.0.5 80\n10.0.0.7 80\n");

	ck_assert_uint_eq(set.count, 4);
	ck_assert_uint_eq(set.records[0].port, 80);
	ck_assert_uint_eq(set.records[0].ip[3], 5);
	ck_assert_uint_eq(set.records[1].port, 81);
	ck_assert_uint_eq(set.records[2].ip[3], 7);
	ck_assert(set.records[3].is_v6);
	name_set_done(&set);
}
END_TEST

START_TEST(of_a_server_that_is_there_twice_the_earlier_priority_holds)
{
	struct name_set set = set_of("10.0.0.5 80 20 1\n10.0.0.5 80 10 9\n");

	assert_set(&set, "10.0.0.5 80 10 9\n");
	name_set_done(&set);
}
END_TEST

START_TEST(a_set_has_an_end)
{
	struct name_set set = {0};
	struct name_record record = record_of("10.0.0.5 80");

	for (int i = 0; i < NAMES_FOUND_MAX; i++) {
		record.port = (uint16_t)(NAMES_FOUND_MAX - i);
		ck_assert_int_eq(name_set_add(&set, &record), 0);
	}
	ck_assert_int_eq(name_set_add(&set, &record), -E2BIG);
	ck_assert(name_set_sort(&set));
	ck_assert_uint_eq(set.count, NAMES_RECORDS_MAX);
	ck_assert_uint_eq(set.records[0].port, 1);
	ck_assert(!name_set_sort(&set));
	name_set_done(&set);
}
END_TEST

/* ---- Weights ---- */

static const struct {
	const char *name;
	unsigned weights[5], want[5]; /* of SRV, and ours; UINT16_MAX + 1: no more */
} scales[] = {
	{"Consul: 1 and 10", {1, 10}, {1, 10}},
	{"CoreDNS: 33 each", {33, 33, 33}, {1, 1, 1}},
	{"half", {100, 50}, {2, 1}},
	{"all 0 are equal", {0, 0}, {1, 1}},
	{"0 is seldom, not never", {10, 10, 0}, {256, 256, 1}},
	{"large ones", {65535, 32768}, {256, 128}},
	{"very unlike ones", {65535, 1}, {256, 1}},
	{"prime to each other", {257, 256}, {256, 255}},
	{"one", {50}, {1}},
	{"one that is 0", {0}, {1}},
};

START_TEST(weights_keep_their_ratio)
{
	struct name_set set = {0};

	for (unsigned i = 0; i < 5 && (i == 0 || scales[_i].want[i]); i++) {
		struct name_record record = record_of("10.0.0.1 80");

		record.ip[3] = (uint8_t)i;
		record.weight = (uint16_t)scales[_i].weights[i];
		ck_assert_int_eq(name_set_add(&set, &record), 0);
	}
	name_set_weigh(&set);
	name_set_sort(&set);
	for (uint32_t i = 0; i < set.count; i++)
		ck_assert_msg(set.records[i].weight == scales[_i].want[i], "%s: %u is %u",
			      scales[_i].name, i, set.records[i].weight);
	name_set_done(&set);
}
END_TEST

START_TEST(each_priority_has_its_own_ratio)
{
	struct name_set set = set_of("10.0.0.1 80 10 20\n10.0.0.2 80 20 500\n"
				     "10.0.0.3 80 10 10\n10.0.0.4 80 20 0\n");

	name_set_weigh(&set);
	name_set_sort(&set);
	assert_set(&set,
		   "10.0.0.1 80 10 2\n10.0.0.2 80 20 256\n10.0.0.3 80 10 1\n10.0.0.4 80 20 1\n");
	name_set_done(&set);
}
END_TEST

/* ---- Families ---- */

START_TEST(a_family_that_nobody_could_say_anything_of_stays)
{
	struct name_set before = set_of("10.0.0.1 80\n10.0.0.2 80\n::1 80\n::2 80\n");
	struct name_set set = set_of("10.0.0.2 80\n10.0.0.3 80\n");

	ck_assert_int_eq(name_set_keep(&set, &before, NAME_HAS_V6), 0);
	assert_set(&set, "10.0.0.2 80\n10.0.0.3 80\n::1 80\n::2 80\n");
	name_set_done(&set);
	set = set_of("::2 80 0 7\n");
	ck_assert_int_eq(name_set_keep(&set, &before, NAME_HAS_BOTH), 0);
	assert_set(&set, "10.0.0.1 80\n10.0.0.2 80\n::1 80\n::2 80 0 7\n");
	name_set_done(&set);
	name_set_done(&before);
}
END_TEST

/* ---- What is another ---- */

struct told {
	char text[500];
};

static void tell(void *owner, const struct name_record *before, const struct name_record *after)
{
	struct told *told = owner;
	const struct name_record *one = after ? after : before;
	size_t used = strlen(told->text);

	snprintf(told->text + used, sizeof(told->text) - used, "%s%u ",
		 !before  ? "+"
		 : !after ? "-"
			  : "~",
		 one->ip[one->is_v6 ? 15 : 3]);
}

START_TEST(what_comes_goes_and_changes_is_told)
{
	struct name_set before = set_of("10.0.0.1 80\n10.0.0.2 80\n10.0.0.3 80 0 5\n10.0.0.9 80\n");
	struct name_set after = set_of("10.0.0.0 80\n10.0.0.2 80\n10.0.0.3 80 0 6\n::7 80\n");
	struct name_set none = {0};
	struct told told = {""};

	ck_assert_uint_eq(name_set_compare(&before, &after, tell, &told), 5);
	ck_assert_str_eq(told.text, "+0 -1 ~3 -9 +7 ");
	told.text[0] = '\0';
	ck_assert_uint_eq(name_set_compare(&none, &before, tell, &told), 4);
	ck_assert_str_eq(told.text, "+1 +2 +3 +9 ");
	ck_assert_uint_eq(name_set_compare(&before, &none, NULL, NULL), 4);
	ck_assert_uint_eq(name_set_compare(&before, &before, NULL, NULL), 0);
	name_set_done(&before);
	name_set_done(&after);
}
END_TEST

START_TEST(how_long_it_may_be_believed_is_no_difference)
{
	struct name_set before = set_of("10.0.0.1 80\n"), after = set_of("10.0.0.1 80\n");

	after.records[0].ttl_s = 77;
	ck_assert_uint_eq(name_set_compare(&before, &after, NULL, NULL), 0);
	after.records[0].priority = 1;
	ck_assert_uint_eq(name_set_compare(&before, &after, NULL, NULL), 1);
	name_set_done(&before);
	name_set_done(&after);
}
END_TEST

START_TEST(a_record_is_an_address)
{
	struct name_record v4 = record_of("10.0.0.5 80"), v6 = record_of("2001:db8::5 443");
	char text[ADDRESS_TEXT_MAX];
	struct address address;

	name_record_address(&v4, &address);
	ck_assert_str_eq(address_format(&address, text, sizeof(text)), "10.0.0.5:80");
	name_record_address(&v6, &address);
	ck_assert_str_eq(address_format(&address, text, sizeof(text)), "[2001:db8::5]:443");
}
END_TEST

/* ---- /etc/hosts ---- */

START_TEST(a_file_of_hosts_has_addresses_by_all_names_of_a_line)
{
	static const char text[] =
		"127.0.0.1 localhost\n# 10.0.0.9 db\n"
		"10.0.0.5\tdb.example   db # the old one: other\n"
		"  10.0.0.6 DB\r\n::5 db\nnonsense db\n10.0.0.7 dba xdb\n10.0.0.8";
	static const struct {
		const char *host;
		unsigned families;
		const char *want;
	} rows[] = {
		{"db", NAME_HAS_BOTH, "10.0.0.5 80\n10.0.0.6 80\n::5 80\n"},
		{"db", NAME_HAS_V4, "10.0.0.5 80\n10.0.0.6 80\n"},
		{"db", NAME_HAS_V6, "::5 80\n"},
		{"db.example", NAME_HAS_BOTH, "10.0.0.5 80\n"},
		{"other", NAME_HAS_BOTH, ""},
		{"d", NAME_HAS_BOTH, ""},
		{"10.0.0.8", NAME_HAS_BOTH, ""},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct name_record pattern = record_of("0.0.0.0 80");
		struct name_set set = {0};

		ck_assert_int_eq(hosts_find(text, rows[i].host, rows[i].families, &pattern, &set),
				 0);
		name_set_sort(&set);
		assert_set(&set, rows[i].want);
		name_set_done(&set);
	}
}
END_TEST

START_TEST(a_file_of_hosts_is_read_whole_or_not_at_all)
{
	char path[300], *text;
	FILE *file;

	snprintf(path, sizeof(path), "%s/hosts-%d", suite_dir(), getpid());
	ck_assert_ptr_null(hosts_read(path));
	ck_assert_ptr_null(hosts_read(suite_dir()));
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 100000; i++)
		fputs("10.0.0.5 db\n", file);
	fclose(file);
	text = hosts_read(path);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(strlen(text), 1200000);
	free(text);
}
END_TEST

SUITE_OF("names: answers", 60, ONCE(a_set_is_in_order_and_has_none_twice),
	 ONCE(of_a_server_that_is_there_twice_the_earlier_priority_holds), ONCE(a_set_has_an_end),
	 EACH(weights_keep_their_ratio, array_size(scales)), ONCE(each_priority_has_its_own_ratio),
	 ONCE(a_family_that_nobody_could_say_anything_of_stays),
	 ONCE(what_comes_goes_and_changes_is_told),
	 ONCE(how_long_it_may_be_believed_is_no_difference), ONCE(a_record_is_an_address),
	 ONCE(a_file_of_hosts_has_addresses_by_all_names_of_a_line),
	 ONCE(a_file_of_hosts_is_read_whole_or_not_at_all))
