/* Which connections a query means, and that a word misspelt means nobody. */
#include "control/criteria.h"
#include "support/suite.h"

#include <errno.h>
#include <string.h>

#define ALL (CRITERIA_FILTER | CRITERIA_PAGE | CRITERIA_CONFIRM)

static struct criteria criteria;
static char why[CRITERIA_WHY_MAX];

static int read_one(const char *name, const char *value)
{
	return criteria_read(&(struct http_argument){name, value}, 1, ALL, &criteria, why);
}

static void expect_client(const char *text, unsigned bits, unsigned port)
{
	ck_assert_msg(read_one("client", text) == 0, "%s: %s", text, why);
	ck_assert_int_eq(criteria.filter.client, GLANCE_INET);
	ck_assert_uint_eq(criteria.filter.bits, bits);
	ck_assert_uint_eq(criteria.filter.port, port);
	ck_assert(criteria.narrows);
}

START_TEST(a_client_is_an_address_a_port_of_it_or_a_network)
{
	static const unsigned char mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 7};

	expect_client("192.0.2.7", 128, 0);
	ck_assert_mem_eq(criteria.filter.address, mapped, 16);
	expect_client("192.0.2.7:80", 128, 80);
	expect_client("192.0.2.0/24", 96 + 24, 0);
	expect_client("0.0.0.0/0", 96, 0);
	expect_client("2001:db8::1", 128, 0);
	expect_client("[2001:db8::1]", 128, 0);
	expect_client("[2001:db8::1]:65535", 128, 65535);
	expect_client("2001:db8::/32", 32, 0);
	expect_client("[2001:db8::]/32", 32, 0);
	ck_assert_int_eq(read_one("client", "unix"), 0);
	ck_assert_int_eq(criteria.filter.client, GLANCE_UNIX);
}
END_TEST

START_TEST(what_could_mean_anything_is_refused)
{
	static const struct http_argument wrong[] = {
		{"client", ""},
		{"client", "x"},
		{"client", "192.0.2"},
		{"client", "192.0.2.7:"},
		{"client", "192.0.2.7:0"},
		{"client", "192.0.2.7:65536"},
		{"client", "192.0.2.7/33"},
		{"client", "192.0.2.7/"},
		{"client", "192.0.2.7/8x"},
		{"client", "192.0.2.7 "},
		{"client", "[192.0.2.7]:80"},
		{"client", "[2001:db8::1"},
		{"client", "[2001:db8::1]x"},
		{"client", "2001:db8::/129"},
		{"client", "2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"},
		{"proxy", ""},
		{"proxy", "a\nb"},
		{"server", ""},
		{"listener", "\x7f"},
		{"state", "free"},
		{"state", ""},
		{"sort", "size"},
		{"limit", "0"},
		{"limit", "1001"},
		{"limit", "-1"},
		{"limit", "1 "},
		{"after", "18446744073709551615"},
		{"after", "18446744073709551616"},
		{"after", "0x1"},
		{"confirm", ""},
		{"confirm", "many"},
		{"Proxy", "web"},
		{"", ""},
	};

	for (size_t i = 0; i < array_size(wrong); i++) {
		ck_assert_msg(read_one(wrong[i].name, wrong[i].value) == -EINVAL, "%s=%s",
			      wrong[i].name, wrong[i].value);
		ck_assert_msg(*why, "%s=%s", wrong[i].name, wrong[i].value);
	}
}
END_TEST

START_TEST(nothing_is_said_twice_and_only_what_fits)
{
	const struct http_argument twice[] = {{"proxy", "a"}, {"proxy", "a"}};
	const struct http_argument aged[] = {{"sort", "age"}, {"after", "7"}};
	const struct http_argument page[] = {{"sort", "id"}, {"after", "7"}, {"limit", "1000"}};

	ck_assert_int_eq(criteria_read(twice, 2, ALL, &criteria, why), -EINVAL);
	ck_assert_str_eq(why, "proxy is given twice");
	ck_assert_int_eq(criteria_read(aged, 2, ALL, &criteria, why), -EINVAL);
	ck_assert_int_eq(criteria_read(page, 3, CRITERIA_FILTER, &criteria, why), -EINVAL);
	ck_assert_str_eq(why, "the query may not have 'sort'");
	ck_assert_int_eq(criteria_read(page, 3, ALL, &criteria, why), 0);
	ck_assert_uint_eq(criteria.from, 8);
	ck_assert_uint_eq(criteria.limit, 1000);
	ck_assert(!criteria.narrows && !criteria.confirmed);
	ck_assert_int_eq(criteria_read(NULL, 0, ALL, &criteria, why), 0);
	ck_assert_uint_eq(criteria.limit, CRITERIA_LIMIT);
}
END_TEST

SUITE("control: criteria", a_client_is_an_address_a_port_of_it_or_a_network,
      what_could_mean_anything_is_refused, nothing_is_said_twice_and_only_what_fits)
