#include "base/cidr.h"

#include "support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cidr parsed(const char *text)
{
	struct cidr cidr;
	char why[CIDR_WHY_MAX];

	ck_assert_msg(cidr_parse(&cidr, text, strlen(text), why) == 0, "%s: %s", text, why);
	return cidr;
}

static struct cidr_number number(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct cidr_number number = {0};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		ck_assert(cidr_number_of((struct sockaddr *)&in, &number));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		ck_assert(cidr_number_of((struct sockaddr *)&in6, &number));
	else
		ck_abort_msg("%s is no address", text);
	return number;
}

START_TEST(a_network_is_from_its_first_address_to_its_last)
{
	static const struct {
		const char *text, *first, *last;
		enum cidr_family family;
	} cases[] = {
		{"10.0.0.0/8", "10.0.0.0", "10.255.255.255", CIDR_V4},
		{"192.0.2.7", "192.0.2.7", "192.0.2.7", CIDR_V4},
		{"192.0.2.7/32", "192.0.2.7", "192.0.2.7", CIDR_V4},
		{"192.0.2.6/31", "192.0.2.6", "192.0.2.7", CIDR_V4},
		{"0.0.0.0/0", "0.0.0.0", "255.255.255.255", CIDR_V4},
		{"192.0.2.9-192.0.3.1", "192.0.2.9", "192.0.3.1", CIDR_V4},
		{"192.0.2.9-192.0.2.9", "192.0.2.9", "192.0.2.9", CIDR_V4},
		{"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", CIDR_V6},
		{"2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", CIDR_V6},
		{"2001:db8::/65", "2001:db8::", "2001:db8::7fff:ffff:ffff:ffff", CIDR_V6},
		{"2001:DB8::A", "2001:db8::a", "2001:db8::a", CIDR_V6},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", CIDR_V6},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0", CIDR_V6},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", CIDR_V6},
		{"64:ff9b::192.0.2.7", "64:ff9b::c000:207", "64:ff9b::c000:207", CIDR_V6},
		{"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", CIDR_V6},
		{"::1", "::1", "::1", CIDR_V6},
		{"2001:db8::1-2001:db8::1:0", "2001:db8::1", "2001:db8::1:0", CIDR_V6},
		{"::ffff:10.0.0.0/104", "10.0.0.0", "10.255.255.255", CIDR_V4},
		{"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7", CIDR_V4},
		{"::ffff:c000:207", "192.0.2.7", "192.0.2.7", CIDR_V4},
		{"::ffff:0:0/96", "0.0.0.0", "255.255.255.255", CIDR_V4},
		{"::ffff:1.2.3.4-1.2.3.9", "1.2.3.4", "1.2.3.9", CIDR_V4},
		{"all", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", CIDR_ALL},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct cidr cidr = parsed(cases[i].text);
		struct cidr_number first = number(cases[i].first), last = number(cases[i].last);

		ck_assert_msg(cidr.first.high == first.high && cidr.first.low == first.low, "%s",
			      cases[i].text);
		ck_assert_msg(cidr.last.high == last.high && cidr.last.low == last.low, "%s",
			      cases[i].text);
		ck_assert_msg(cidr.family == cases[i].family, "%s", cases[i].text);
	}
}
END_TEST

START_TEST(an_ipv4_address_is_in_its_networks_however_its_socket_shows_it_and_in_no_ipv6_one)
{
	static const struct {
		const char *cidr, *address;
		bool has;
	} cases[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "::ffff:10.0.0.0", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "9.255.255.255", false},
		{"10.0.0.0/8", "::10.0.0.1", false},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"0.0.0.0/0", "0.0.0.0", true},
		{"::/0", "192.0.2.7", false},
		{"::/0", "::ffff:192.0.2.7", false},
		{"::/0", "2001:db8::1", true},
		{"::-::1:0:0:0", "192.0.2.7", false},
		{"2001:db8::5-2001:db8::7", "2001:db8::4", false},
		{"2001:db8::5-2001:db8::7", "2001:db8::7", true},
		{"2001:db8::5-2001:db8::7", "2001:db8::8", false},
		{"all", "192.0.2.7", true},
		{"all", "2001:db8::1", true},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct cidr cidr = parsed(cases[i].cidr);

		ck_assert_msg(cidr_has(&cidr, number(cases[i].address)) == cases[i].has, "%s %s",
			      cases[i].cidr, cases[i].address);
	}
}
END_TEST

START_TEST(what_cannot_be_understood_is_refused_with_what_would_be_right)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "is empty; write an address or a network, as in 10.0.0.0/8"},
		{"10.1.2.3/8", "has bits set behind its prefix; the network is 10.0.0.0/8, and the "
			       "address alone 10.1.2.3"},
		{"2001:db8::1/32", "has bits set behind its prefix; the network is 2001:db8::/32, "
				   "and the address alone 2001:db8::1"},
		{"192.0.2.7/0", "has bits set behind its prefix; the network is 0.0.0.0/0, and the "
				"address alone 192.0.2.7"},
		{"::ffff:10.1.2.3/104", "has bits set behind its prefix; the network is "
					"10.0.0.0/8, and the address alone 10.1.2.3"},
		{"10.0.0.0/33", "the prefix of an IPv4 network is 0..32 bits long"},
		{"::/129", "the prefix of an IPv6 network is 0..128 bits long"},
		{"10.0.0.0/", "behind the / comes the length of the network's prefix, as in "
			      "10.0.0.0/8"},
		{"10.0.0.0/x", "behind the / comes the length of the network's prefix, as in "
			       "10.0.0.0/8"},
		{"10.0.0.0/08x", "behind the / comes the length of the network's prefix, as in "
				 "10.0.0.0/8"},
		{"10.0.0.0/255.0.0.0", "behind the / comes the length of the prefix, not a mask: "
				       "write 10.0.0.0/8"},
		{"10.1.2.3/255.255.0.0", "behind the / comes the length of the prefix, not a mask: "
					 "write 10.1.0.0/16"},
		{"0.0.0.0/0.0.0.0", "behind the / comes the length of the prefix, not a mask: "
				    "write 0.0.0.0/0"},
		{"10.0.0.0/0.0.0.255",
		 "the mask is not ones followed by zeroes, and is no network"},
		{"192.0.2.9-192.0.2.1", "the range runs backwards; write 192.0.2.1-192.0.2.9"},
		{"192.0.2.9-", "behind the - comes the last address of the range, as in "
			       "192.0.2.10-192.0.2.19"},
		{"192.0.2.9-19", "behind the - comes the last address of the range, as in "
				 "192.0.2.10-192.0.2.19"},
		{"192.0.2.9-2001:db8::1", "begins in one family and ends in the other; a range is "
					  "of IPv4 or of IPv6 addresses"},
		{"::-::ffff:1.2.3.4", "begins in one family and ends in the other; a range is of "
				      "IPv4 or of IPv6 addresses"},
		{"192.0.2.9 - 192.0.2.19",
		 "is more than one; each is on a line of its own (a range "
		 "is written without blanks)"},
		{"192.0.2.9,192.0.2.19", "is more than one; each is on a line of its own (a range "
					 "is written without blanks)"},
		{"10.0.0.0/8 11.0.0.0/8", "is more than one; each is on a line of its own (a range "
					  "is written without blanks)"},
		{"10.0.0.0/8,",
		 "is more than one; each is on a line of its own (a range is written "
		 "without blanks)"},
		{"fe80::1%eth0", "an address in a list has no zone: leave out % and what is behind "
				 "it"},
		{"[::1]:80", "an address in a list has no brackets and no port"},
		{"192.0.2.7:80", "an address in a list has no port: leave out : and what is behind "
				 "it"},
		{"010.0.0.1", "a number with a 0 in front of it may mean two things; leave the 0 "
			      "out"},
		{"10.0/8", "is not an IPv4 address or network; all four numbers are written, "
			   "0..255, as in 10.0.0.0/8"},
		{"10.0.0.256", "is not an IPv4 address or network; all four numbers are written, "
			       "0..255, as in 10.0.0.0/8"},
		{"10.0.0.0.0", "is not an IPv4 address or network; all four numbers are written, "
			       "0..255, as in 10.0.0.0/8"},
		{"1::2::3", "is not an IPv6 address or network, as 2001:db8::/32 is"},
		{"1:2:3:4:5:6:7:8:9", "is not an IPv6 address or network, as 2001:db8::/32 is"},
		{"1:2:3:4:5:6:7:8::", "is not an IPv6 address or network, as 2001:db8::/32 is"},
		{"1:2:3", "is not an IPv6 address or network, as 2001:db8::/32 is"},
		{"12345::", "is not an IPv6 address or network, as 2001:db8::/32 is"},
		{"1:2:3:4:5:6:7:1.2.3.4", "is not an IPv6 address or network, as 2001:db8::/32 is"},
		{"any", "every address is written: all"},
		{"*", "every address is written: all"},
		{"host.example", "is neither an address (192.0.2.7) nor a network (10.0.0.0/8, "
				 "2001:db8::/32) nor a range (a-b)"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct cidr cidr;
		char why[CIDR_WHY_MAX] = "";

		ck_assert_msg(cidr_parse(&cidr, cases[i].text, strlen(cases[i].text), why) ==
				      -EINVAL,
			      "%s", cases[i].text);
		ck_assert_str_eq(why, cases[i].why);
	}
}
END_TEST

START_TEST(what_is_behind_the_length_is_not_read)
{
	static const char text[] = "192.0.2.7/24";
	struct cidr cidr;
	char why[CIDR_WHY_MAX];

	ck_assert_int_eq(cidr_parse(&cidr, text, strlen("192.0.2.7"), why), 0);
	ck_assert_str_eq(cidr_format(&cidr, (char[CIDR_TEXT_MAX]){0}), "192.0.2.7");
}
END_TEST

START_TEST(every_kind_is_written_the_shortest_way)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"192.0.2.7/32", "192.0.2.7"},
		{"10.0.0.0-10.255.255.255", "10.0.0.0/8"},
		{"10.0.0.0-10.255.255.254", "10.0.0.0-10.255.255.254"},
		{"2001:0DB8:0::/32", "2001:db8::/32"},
		{"2001:db8::1-2001:db8::2", "2001:db8::1-2001:db8::2"},
		{"::/0", "::/0"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"::ffff:0:0/96", "0.0.0.0/0"},
		{"all", "all"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct cidr cidr = parsed(cases[i].text);
		char text[CIDR_TEXT_MAX];

		ck_assert_str_eq(cidr_format(&cidr, text), cases[i].written);
	}
}
END_TEST

START_TEST(addresses_are_read_as_the_library_reads_them)
{
	static const char letters[] = "0123456789abcdefF::::....";
	unsigned taken = 0;

	srandom(1);
	for (unsigned round = 0; round < 300000; round++) {
		char text[48], why[CIDR_WHY_MAX];
		unsigned char bytes[16];
		struct cidr cidr;
		size_t length = 0;

		if (round % 2) { /* near an address, so that many are right */
			uint16_t group[8];

			for (unsigned i = 0; i < 8; i++)
				group[i] = random() % 3 ? 0 : htons((uint16_t)random());
			inet_ntop(random() % 4 ? AF_INET6 : AF_INET, group, text, sizeof(text));
			length = strlen(text);
			if (random() % 4 == 0)
				text[(size_t)random() % length] = letters[random() % 25];
		} else {
			length = 1 + (size_t)random() % 12;
			for (size_t i = 0; i < length; i++)
				text[i] = letters[random() % 25];
			text[length] = 0;
		}
		bool is_address = inet_pton(AF_INET, text, bytes) == 1 ||
				  inet_pton(AF_INET6, text, bytes) == 1;
		bool is_taken = cidr_parse(&cidr, text, length, why) == 0;

		ck_assert_msg(is_address == is_taken, "%s", text);
		if (!is_taken)
			continue;
		taken++;
		ck_assert_msg(!memcmp(&cidr.first,
				      &(struct cidr_number){number(text).high, number(text).low},
				      sizeof(cidr.first)),
			      "%s", text);
	}
	ck_assert_uint_gt(taken, 50000);
}
END_TEST

SUITE("cidr", a_network_is_from_its_first_address_to_its_last,
      an_ipv4_address_is_in_its_networks_however_its_socket_shows_it_and_in_no_ipv6_one,
      what_cannot_be_understood_is_refused_with_what_would_be_right,
      what_is_behind_the_length_is_not_read, every_kind_is_written_the_shortest_way,
      addresses_are_read_as_the_library_reads_them)
