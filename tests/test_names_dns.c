/* What a DNS message answers: handmade ones, right and wrong. */
#include "names/dns.h"

#include "support/dns_write.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

static struct dns_write message;
static struct dns_answer answer;

static enum dns_result read_lines(const char *lines, enum dns_type type)
{
	dns_write(&message, lines);
	ck_assert(!message.full);
	ck_assert_int_eq(dns_read(&answer, message.bytes, message.size, type), 0);
	return answer.result;
}

static bool has(uint32_t index, const char *ip)
{
	uint8_t want[4];
	unsigned b[4];

	sscanf(ip, "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]);
	for (int i = 0; i < 4; i++)
		want[i] = (uint8_t)b[i];
	return index < answer.count && !memcmp(answer.records[index].ip, want, 4);
}

START_TEST(addresses_are_found_with_the_least_of_their_times_to_live)
{
	ck_assert_int_eq(read_lines("question www.example A\n"
				    "answer www.example 60 A 10.0.0.5\n"
				    "answer www.example 30 A 10.0.0.6\n",
				    DNS_A),
			 DNS_FOUND);
	ck_assert_uint_eq(answer.count, 2);
	ck_assert(has(0, "10.0.0.5") && has(1, "10.0.0.6"));
	ck_assert_uint_eq(answer.ttl_s, 30);
	ck_assert_uint_eq(answer.records[0].ttl_s, 60);
	dns_done(&answer);
}
END_TEST

START_TEST(names_differ_in_case_and_are_the_same)
{
	ck_assert_int_eq(read_lines("question WWW.example A\n"
				    "answer www.EXAMPLE 60 CNAME Web.Example\n"
				    "answer wEB.eXAMPLE 60 A 10.0.0.5\n",
				    DNS_A),
			 DNS_FOUND);
	ck_assert(has(0, "10.0.0.5"));
	dns_done(&answer);
}
END_TEST

START_TEST(a_chain_of_aliases_may_be_believed_as_long_as_its_shortest_lived_part)
{
	/* Not in its order. */
	ck_assert_int_eq(read_lines("question a.example A\n"
				    "answer c.example 86400 A 10.0.0.5\n"
				    "answer b.example 10 CNAME c.example\n"
				    "answer a.example 600 CNAME b.example\n",
				    DNS_A),
			 DNS_FOUND);
	ck_assert(has(0, "10.0.0.5"));
	ck_assert_uint_eq(answer.ttl_s, 10);
	dns_done(&answer);
}
END_TEST

START_TEST(only_what_the_chain_leads_to_is_an_answer)
{
	ck_assert_int_eq(read_lines("question a.example A\n"
				    "answer a.example 600 CNAME b.example\n"
				    "answer a.example 600 A 10.0.0.1\n"
				    "answer other.example 600 A 10.0.0.2\n"
				    "answer b.example 600 A 10.0.0.5\n",
				    DNS_A),
			 DNS_FOUND);
	ck_assert_uint_eq(answer.count, 1);
	ck_assert(has(0, "10.0.0.5"));
	dns_done(&answer);
}
END_TEST

START_TEST(aliases_of_each_other_are_no_answer)
{
	ck_assert_int_eq(read_lines("question a.example A\n"
				    "answer a.example 60 CNAME b.example\n"
				    "answer b.example 60 CNAME a.example\n",
				    DNS_A),
			 DNS_CIRCLE);
	ck_assert_uint_eq(answer.count, 0);
	dns_done(&answer);
	ck_assert_int_eq(
		read_lines("question a.example A\nanswer a.example 60 CNAME a.example\n", DNS_A),
		DNS_CIRCLE);
	dns_done(&answer);
}
END_TEST

START_TEST(a_chain_has_sixteen_links_at_most)
{
	for (unsigned links = 16; links <= 17; links++) {
		char line[100];

		dns_write(&message, "question n0.example A\n");
		for (unsigned i = 0; i < links; i++) {
			snprintf(line, sizeof(line), "answer n%u.example 60 CNAME n%u.example", i,
				 i + 1);
			dns_write_line(&message, line);
		}
		snprintf(line, sizeof(line), "answer n%u.example 60 A 10.0.0.1", links);
		dns_write_line(&message, line);
		ck_assert_int_eq(dns_read(&answer, message.bytes, message.size, DNS_A), 0);
		ck_assert_int_eq(answer.result, links == 16 ? DNS_FOUND : DNS_CIRCLE);
		dns_done(&answer);
	}
}
END_TEST

/* RFC 2308: min(time to live, minimum). */
START_TEST(nothing_may_be_believed_as_long_as_the_zone_says)
{
	static const struct {
		const char *lines;
		enum dns_result result;
		uint32_t ttl_s;
	} rows[] = {
		{"question a.example A\nrcode 3\nauthority example 600 SOA 30\n", DNS_NO_NAME, 30},
		{"question a.example A\nrcode 3\nauthority example 20 SOA 30\n", DNS_NO_NAME, 20},
		{"question a.example A\nauthority example 600 SOA 45\n", DNS_NO_DATA, 45},
		{"question a.example A\nrcode 3\n", DNS_NO_NAME, 0},
		/* The alias is what may be another by then. */
		{"question a.example A\nanswer a.example 5 CNAME b.example\nrcode 3\n"
		 "authority example 600 SOA 45\n",
		 DNS_NO_NAME, 5},
		{"question a.example A\nanswer a.example 50 CNAME b.example\n"
		 "authority example 600 SOA 45\n",
		 DNS_NO_DATA, 45},
		/* More than 2^31 is none. */
		{"question a.example A\nrcode 3\nauthority example 4294967295 SOA 30\n",
		 DNS_NO_NAME, 0},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		ck_assert_int_eq(read_lines(rows[i].lines, DNS_A), rows[i].result);
		ck_assert_msg(answer.ttl_s == rows[i].ttl_s, "row %zu: %u", i, answer.ttl_s);
		ck_assert_uint_eq(answer.count, 0);
		dns_done(&answer);
	}
}
END_TEST

START_TEST(what_is_wrong_is_not_believed)
{
	static const struct {
		const char *lines;
		enum dns_result result;
	} rows[] = {
		{"", DNS_BROKEN}, /* without a question */
		{"question a.example A\nquestion b.example A\n", DNS_BROKEN},
		{"question a.example AAAA\nanswer a.example 60 A 10.0.0.5\n", DNS_BROKEN},
		{"flags query\nquestion a.example A\nanswer a.example 60 A 10.0.0.5\n", DNS_BROKEN},
		{"flags tc\nquestion a.example A\nanswer a.example 60 A 10.0.0.5\n", DNS_CUT},
		{"rcode 2\nquestion a.example A\n", DNS_FAILED},
		{"rcode 5\nquestion a.example A\nanswer a.example 60 A 10.0.0.5\n", DNS_FAILED},
		{"question a.example A\nanswer a.example 60 A hex 0a0000\n", DNS_BROKEN},
		{"question a.example A\nanswer a.example 60 A hex 0a00000500\n", DNS_BROKEN},
		/* A name that is a pointer to itself. */
		{"question a.example A\nanswer a.example 60 CNAME @48\n", DNS_BROKEN},
		{"question a.example A\nanswer a.example 60 CNAME hex ff\n", DNS_BROKEN},
		/* Whom to ask is no answer, and not that there is none. */
		{"question a.example A\nauthority example 60 NS ns.example\n", DNS_REFERRED},
		/* Types that nobody asked for. */
		{"question a.example A\nanswer a.example 60 TXT hex 0161\n", DNS_NO_DATA},
		{"question a.example A\nanswer a.example 60 AAAA ::1\n", DNS_NO_DATA},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		ck_assert_msg(read_lines(rows[i].lines, DNS_A) == rows[i].result, "row %zu: %d", i,
			      answer.result);
		ck_assert_uint_eq(answer.count, 0);
		dns_done(&answer);
	}
}
END_TEST

/* All that stands before it was right, and yet: half of the servers are not all of them. */
START_TEST(a_message_that_ends_too_early_is_not_believed)
{
	size_t whole;

	dns_write(&message, "question a.example A\nanswer a.example 60 A 10.0.0.5\n"
			    "answer a.example 60 A 10.0.0.6\n");
	whole = message.size;
	for (size_t size = 0; size < whole; size++) {
		uint8_t *bytes = malloc(size); /* so that a byte too many is found */

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, message.bytes, size);
		ck_assert_int_eq(dns_read(&answer, bytes, size, DNS_A), 0);
		ck_assert_msg(answer.result == DNS_BROKEN, "%zu of %zu bytes", size, whole);
		ck_assert_uint_eq(answer.count, 0);
		dns_done(&answer);
		free(bytes);
	}
}
END_TEST

/* glibc does not say how long the message is that has no records. */
START_TEST(what_is_behind_the_end_is_not_looked_at)
{
	dns_write(&message, "question a.example A\nrcode 3\nauthority example 600 SOA 30\n");
	memset(message.bytes + message.size, 0xff, 1000);
	ck_assert_int_eq(dns_read(&answer, message.bytes, sizeof(message.bytes), DNS_A), 0);
	ck_assert_int_eq(answer.result, DNS_NO_NAME);
	ck_assert_uint_eq(answer.ttl_s, 30);
	dns_done(&answer);
}
END_TEST

START_TEST(more_records_than_anybody_needs_are_refused)
{
	dns_write(&message, "question a.example A\n");
	for (int i = 0; i < DNS_RECORDS_MAX; i++)
		dns_write_line(&message, "answer @12 60 41"); /* the smallest ones */
	ck_assert(!message.full);
	ck_assert_int_eq(dns_read(&answer, message.bytes, message.size, DNS_A), 0);
	ck_assert_int_eq(answer.result, DNS_NO_DATA);
	dns_done(&answer);
	message.bytes[7]++; /* one more is said to be there */
	ck_assert_int_eq(dns_read(&answer, message.bytes, message.size, DNS_A), 0);
	ck_assert_int_eq(answer.result, DNS_TOO_MANY);
	dns_done(&answer);
}
END_TEST

START_TEST(a_service_has_ports_priorities_weights_and_targets)
{
	char name[DNS_NAME_MAX];
	const struct dns_record *beside;

	ck_assert_int_eq(read_lines("question _pg._tcp.example SRV\n"
				    "answer _pg._tcp.example 60 SRV 10 5 5432 db1.example\n"
				    "answer _pg._tcp.example 60 SRV 20 0 5433 DB2.example\n"
				    "besides db2.example 30 A 10.0.0.2\n"
				    "besides . 0 41\n"
				    "besides db1.example 30 AAAA 2001:db8::1\n"
				    "besides db2.example 30 A 10.0.0.3\n",
				    DNS_SRV),
			 DNS_FOUND);
	ck_assert_uint_eq(answer.count, 2);
	ck_assert_uint_eq(answer.records[0].priority, 10);
	ck_assert_uint_eq(answer.records[0].weight, 5);
	ck_assert_uint_eq(answer.records[0].port, 5432);
	dns_target(&answer, &answer.records[0], name);
	ck_assert_str_eq(name, "db1.example");
	ck_assert_ptr_null(dns_beside(&answer, &answer.records[0], DNS_A, NULL));
	ck_assert_ptr_nonnull(dns_beside(&answer, &answer.records[0], DNS_AAAA, NULL));
	beside = dns_beside(&answer, &answer.records[1], DNS_A, NULL);
	ck_assert_ptr_nonnull(beside);
	ck_assert_uint_eq(beside->ip[3], 2);
	beside = dns_beside(&answer, &answer.records[1], DNS_A, beside);
	ck_assert_ptr_nonnull(beside);
	ck_assert_uint_eq(beside->ip[3], 3);
	ck_assert_ptr_null(dns_beside(&answer, &answer.records[1], DNS_A, beside));
	dns_done(&answer);
}
END_TEST

START_TEST(a_service_that_is_decidedly_not_there_leads_to_the_root)
{
	char name[DNS_NAME_MAX];

	ck_assert_int_eq(read_lines("question _pg._tcp.example SRV\n"
				    "answer _pg._tcp.example 60 SRV 0 0 0 .\n",
				    DNS_SRV),
			 DNS_FOUND);
	dns_target(&answer, &answer.records[0], name);
	ck_assert_str_eq(name, "");
	dns_done(&answer);
}
END_TEST

START_TEST(addresses_besides_that_are_wrong_are_asked_for_and_the_rest_holds)
{
	ck_assert_int_eq(read_lines("question _pg._tcp.example SRV\n"
				    "answer _pg._tcp.example 60 SRV 10 5 5432 db1.example\n"
				    "besides db1.example 30 A 10.0.0.2\n"
				    "besides db1.example 30 A hex 0a00\n",
				    DNS_SRV),
			 DNS_FOUND);
	ck_assert_uint_eq(answer.count, 1);
	ck_assert_uint_eq(answer.beside_count, 0);
	dns_done(&answer);
}
END_TEST

START_TEST(every_rcode_is_something_to_say)
{
	ck_assert_str_eq(dns_rcode_name(2), "SERVFAIL");
	ck_assert_str_eq(dns_rcode_name(5), "REFUSED");
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_gt(strlen(dns_rcode_name(i)), 0);
}
END_TEST

SUITE("names: messages", addresses_are_found_with_the_least_of_their_times_to_live,
      names_differ_in_case_and_are_the_same,
      a_chain_of_aliases_may_be_believed_as_long_as_its_shortest_lived_part,
      only_what_the_chain_leads_to_is_an_answer, aliases_of_each_other_are_no_answer,
      a_chain_has_sixteen_links_at_most, nothing_may_be_believed_as_long_as_the_zone_says,
      what_is_wrong_is_not_believed, a_message_that_ends_too_early_is_not_believed,
      what_is_behind_the_end_is_not_looked_at, more_records_than_anybody_needs_are_refused,
      a_service_has_ports_priorities_weights_and_targets,
      a_service_that_is_decidedly_not_there_leads_to_the_root,
      addresses_besides_that_are_wrong_are_asked_for_and_the_rest_holds,
      every_rcode_is_something_to_say)
