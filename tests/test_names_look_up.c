/* One look-up against a name server that is told what to answer: every outcome there is. */
#include "names/families.h"
#include "names/look_up.h"

#include "support/dns_server.h"
#include "support/network.h"
#include "support/skip.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct dns_server *server;
static struct name_answer answer;

static struct name_question question_of(const char *host)
{
	struct name_question question = {
		.is_service = *host == '_',
		.port = *host == '_' ? 0 : 80,
		.in_dns = true,
	};
	const char *why;

	snprintf(question.host, sizeof(question.host), "%s", host);
	ck_assert_int_eq(address_parse(&question.server, dns_server_address(server),
				       ADDRESS_FOR_CONNECT, &why),
			 0);
	return question;
}

static enum name_status ask_family(const char *host, enum name_family family)
{
	struct name_question question = question_of(host);

	question.family = family;
	look_up(&question, &answer);
	return answer.status;
}

static enum name_status ask(const char *host)
{
	struct name_question question = question_of(host);

	/* The machine that tests run on may have one family only. */
	look_up(&question, &answer);
	return answer.status;
}

/* "10.0.0.5:80 0/1, [::1]:80 0/1": address, priority, weight. */
static const char *set_text(void)
{
	static char text[4000];
	size_t used = 0;

	*text = '\0';
	for (uint32_t i = 0; i < answer.set.count && used < sizeof(text); i++) {
		const struct name_record *record = &answer.set.records[i];
		struct address address;
		char number[ADDRESS_TEXT_MAX];

		name_record_address(record, &address);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %u/%u",
					 i ? ", " : "",
					 address_format(&address, number, sizeof(number)),
					 record->priority, record->weight);
	}
	return text;
}

static void start(const char *lines)
{
	/* Nobody else's patience. */
	setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
	server = dns_server_start("127.0.0.1:0");
	dns_server_say(server, lines);
}

static void stop(void)
{
	name_answer_done(&answer);
	dns_server_stop(server);
}

START_TEST(both_families_are_asked_for_apart)
{
	start("www.example 60 A 10.0.0.6\nwww.example 30 A 10.0.0.5\nwww.example 90 AAAA ::5\n"
	      "four.example 60 A 10.0.0.4\nsix.example 60 AAAA ::6\n");
	ck_assert_int_eq(ask_family("www.example", NAME_V4), NAME_FOUND);
	ck_assert_str_eq(set_text(), "10.0.0.5:80 0/1, 10.0.0.6:80 0/1");
	ck_assert_uint_eq(answer.ttl_s, 30);
	ck_assert_uint_eq(dns_server_asked_of(server, "www.example", "AAAA"), 0);
	name_answer_done(&answer);
	ck_assert_int_eq(ask_family("www.example", NAME_V6), NAME_FOUND);
	ck_assert_str_eq(set_text(), "[::5]:80 0/1");
	ck_assert_uint_eq(answer.ttl_s, 90);
	ck_assert_uint_eq(dns_server_asked_of(server, "www.example", "A"), 1);
	name_answer_done(&answer);
	ck_assert_int_eq(ask_family("four.example", NAME_V6), NAME_NO_DATA);
	name_answer_done(&answer);
	ck_assert_str_eq(answer.error, "the name has no address");
	ck_assert_uint_eq(answer.ttl_s, DNS_SERVER_NEGATIVE_S);
	stop();
}
END_TEST

START_TEST(a_name_that_does_not_exist_is_said_to_not_exist)
{
	start("www.example 60 A 10.0.0.6\n");
	ck_assert_int_eq(ask("other.example"), NAME_NO_NAME);
	ck_assert_str_eq(answer.error, "the name does not exist (NXDOMAIN)");
	ck_assert_uint_eq(answer.ttl_s, DNS_SERVER_NEGATIVE_S);
	ck_assert_str_eq(answer.asked + strlen(answer.asked) - 5,
			 strrchr(dns_server_address(server), ':') + 1);
	stop();
}
END_TEST

START_TEST(a_name_with_a_dot_at_its_end_is_the_same)
{
	start("www.example 60 A 10.0.0.6\n");
	ck_assert_int_eq(ask_family("www.example.", NAME_V4), NAME_FOUND);
	stop();
}
END_TEST

START_TEST(a_number_is_not_asked_for)
{
	start("");
	ck_assert_int_eq(ask("10.0.0.9"), NAME_FOUND);
	ck_assert_str_eq(set_text(), "10.0.0.9:80 0/1");
	ck_assert_uint_eq(dns_server_asked(server), 0);
	stop();
}
END_TEST

START_TEST(a_server_that_fails_is_told_from_one_that_is_silent_and_from_nobody)
{
	struct name_question question;

	start("fails.example rcode 2\nrefused.example rcode 5\nmute.example silent\n");
	ck_assert_int_eq(ask("fails.example"), NAME_FAILED);
	ck_assert_ptr_nonnull(strstr(answer.error, "could not say (SERVFAIL)"));
	ck_assert_int_eq(ask("refused.example"), NAME_FAILED);
	ck_assert_ptr_nonnull(strstr(answer.error, "could not say (REFUSED)"));
	ck_assert_int_eq(ask("mute.example"), NAME_SILENT);
	ck_assert_ptr_nonnull(strstr(answer.error, "did not answer in "));
	/* The other family was not waited for, too. */
	ck_assert_uint_le(dns_server_asked_of(server, "mute.example", "A"), 1);
	ck_assert_uint_eq(dns_server_asked_of(server, "mute.example", "AAAA"), 0);
	question = question_of("www.example");
	stop();
	look_up(&question, &answer);
	ck_assert_int_eq(answer.status, NAME_SILENT);
	ck_assert_msg(strstr(answer.error, "cannot ask name server 127.0.0.1 port ") &&
			      strstr(answer.error, "Connection refused"),
		      "%s", answer.error);
	name_answer_done(&answer);
}
END_TEST

/* What a forger sends is nobody's answer, and not even that there is none. */
START_TEST(an_answer_to_another_question_is_not_believed)
{
	start("wrong.example id\nwrong.example 60 A 10.6.6.6\n"
	      "other.example question\nother.example 60 A 10.6.6.6\n"
	      "never.example id\nnever.example rcode 3\n");
	ck_assert_int_eq(ask_family("wrong.example", NAME_V4), NAME_SILENT);
	ck_assert_int_eq(ask_family("other.example", NAME_V4), NAME_SILENT);
	ck_assert_int_eq(ask_family("never.example", NAME_V4), NAME_SILENT);
	stop();
}
END_TEST

START_TEST(one_family_that_fails_is_not_the_other)
{
	start("half.example 60 A 10.0.0.5\nhalf.example AAAA rcode 2\n"
	      "six.example A rcode 2\nsix.example 60 AAAA ::6\n"
	      "none.example A rcode 2\n");
	/* Whatever this machine has. */
	if (ask("half.example") == NAME_FOUND &&
	    dns_server_asked_of(server, "half.example", "AAAA")) {
		ck_assert_str_eq(set_text(), "10.0.0.5:80 0/1");
		ck_assert_uint_eq(answer.unknown, NAME_HAS_V6);
		ck_assert_ptr_nonnull(strstr(answer.error, "SERVFAIL"));
		name_answer_done(&answer);
		ck_assert_int_eq(ask("six.example"), NAME_FOUND);
		ck_assert_uint_eq(answer.unknown, NAME_HAS_V4);
		name_answer_done(&answer);
		/* That it has no address is not known. */
		ck_assert_int_eq(ask("none.example"), NAME_FAILED);
	}
	name_answer_done(&answer);
	ck_assert_int_eq(ask_family("half.example", NAME_V4), NAME_FOUND);
	ck_assert_uint_eq(answer.unknown, 0);
	ck_assert_str_eq(answer.error, "");
	stop();
}
END_TEST

START_TEST(a_chain_of_aliases_is_followed)
{
	start("a.example 600 CNAME b.example\nb.example 10 CNAME c.example\n"
	      "c.example 86400 A 10.0.0.5\nx.example 5 CNAME y.example\ny.example 5 CNAME "
	      "x.example\n"
	      "gone.example 600 CNAME nowhere.example\n");
	ck_assert_int_eq(ask_family("a.example", NAME_V4), NAME_FOUND);
	ck_assert_str_eq(set_text(), "10.0.0.5:80 0/1");
	ck_assert_uint_eq(answer.ttl_s, 10);
	name_answer_done(&answer);
	ck_assert_int_eq(ask_family("x.example", NAME_V4), NAME_FAILED);
	ck_assert_ptr_nonnull(strstr(answer.error, "circle"));
	ck_assert_int_eq(ask_family("gone.example", NAME_V4), NAME_NO_NAME);
	stop();
}
END_TEST

START_TEST(a_long_answer_comes_by_tcp_whole)
{
	char lines[16000] = "", *end = lines;

	for (int i = 0; i < 200; i++)
		end += sprintf(end, "many.example 30 A 10.0.1.%d\n", i);
	sprintf(end, "cut.example cut\ncut.example 30 A 10.0.0.1\n");
	start(lines);
	ck_assert_int_eq(ask_family("many.example", NAME_V4), NAME_FOUND);
	ck_assert_uint_eq(answer.set.count, 200);
	ck_assert(!answer.cut);
	ck_assert_uint_eq(dns_server_asked_by_tcp(server), 1);
	name_answer_done(&answer);
	/* Half of it is not believed. */
	ck_assert_int_ne(ask_family("cut.example", NAME_V4), NAME_FOUND);
	ck_assert_uint_eq(answer.set.count, 0);
	stop();
}
END_TEST

START_TEST(more_addresses_than_a_set_has_are_cut_the_same_everywhere)
{
	static char lines[100000];
	char *end = lines;

	for (int i = 1100; i-- > 0;)
		end += sprintf(end, "many.example 30 A 10.0.%d.%d\n", i / 250, i % 250);
	start(lines);
	ck_assert_int_eq(ask_family("many.example", NAME_V4), NAME_FOUND);
	ck_assert_uint_eq(answer.set.count, NAMES_RECORDS_MAX);
	ck_assert(answer.cut);
	ck_assert_uint_eq(answer.set.records[0].ip[2], 0);
	ck_assert_uint_eq(answer.set.records[0].ip[3], 0);
	stop();
}
END_TEST

/* ---- Services ---- */

#define CONSUL                                                                                     \
	"besides\n_pg._tcp.service.consul 0 SRV 1 1 5432 a.addr.consul\n"                          \
	"_pg._tcp.service.consul 0 SRV 1 10 5433 b.addr.consul\n"                                  \
	"a.addr.consul 0 A 10.0.0.1\nb.addr.consul 0 A 10.0.0.2\n"

START_TEST(a_service_like_those_of_consul)
{
	start(CONSUL);
	ck_assert_int_eq(ask_family("_pg._tcp.service.consul", NAME_V4), NAME_FOUND);
	ck_assert_str_eq(set_text(), "10.0.0.1:5432 1/1, 10.0.0.2:5433 1/10");
	ck_assert_uint_eq(answer.ttl_s, 0);
	/* The addresses came with it. */
	ck_assert_uint_eq(dns_server_asked(server), 1);
	stop();
}
END_TEST

START_TEST(addresses_that_do_not_come_with_a_service_are_asked_for)
{
	start("_pg._tcp.example 60 SRV 10 50 5432 db1.example\n"
	      "_pg._tcp.example 60 SRV 10 0 5433 db1.example\n"
	      "_pg._tcp.example 60 SRV 20 0 5432 db2.example\n"
	      "_pg._tcp.example 60 SRV 20 0 5432 gone.example\n"
	      "db1.example 30 A 10.0.0.1\ndb2.example 45 A 10.0.0.2\n");
	ck_assert_int_eq(ask_family("_pg._tcp.example", NAME_V4), NAME_FOUND);
	ck_assert_str_eq(set_text(),
			 "10.0.0.1:5432 10/256, 10.0.0.1:5433 10/1, 10.0.0.2:5432 20/1");
	/* The one that does not exist may, after five seconds. */
	ck_assert_uint_eq(answer.ttl_s, DNS_SERVER_NEGATIVE_S);
	ck_assert_uint_eq(dns_server_asked_of(server, "db1.example", "A"), 1);
	stop();
}
END_TEST

START_TEST(the_family_that_is_missing_is_asked_for)
{
	start("besides\n_pg._tcp.example 60 SRV 10 50 5432 db1.example\ndb1.example 30 A "
	      "10.0.0.1\n");
	ck_assert_int_eq(ask_family("_pg._tcp.example", NAME_V6), NAME_NO_DATA);
	ck_assert_uint_eq(dns_server_asked_of(server, "db1.example", "AAAA"), 1);
	stop();
}
END_TEST

START_TEST(a_service_whose_servers_nobody_can_name_is_not_gone)
{
	start("_pg._tcp.example 60 SRV 10 50 5432 db1.example\n"
	      "_pg._tcp.example 60 SRV 10 50 5432 db2.example\n"
	      "db1.example rcode 2\ndb2.example 30 A 10.0.0.2\n"
	      "_all._tcp.example 60 SRV 10 50 5432 db1.example\n");
	ck_assert_int_eq(ask_family("_pg._tcp.example", NAME_V4), NAME_FOUND);
	ck_assert_str_eq(set_text(), "10.0.0.2:5432 10/1");
	ck_assert_uint_eq(answer.unknown, NAME_HAS_V4);
	name_answer_done(&answer);
	ck_assert_int_eq(ask_family("_all._tcp.example", NAME_V4), NAME_FAILED);
	stop();
}
END_TEST

START_TEST(a_service_may_be_denied_or_not_be_there)
{
	start("_no._tcp.example 60 SRV 0 0 0 .\n_host._tcp.example 60 A 10.0.0.1\n"
	      "_fails._tcp.example rcode 2\n");
	ck_assert_int_eq(ask("_no._tcp.example"), NAME_DENIED);
	ck_assert_ptr_nonnull(strstr(answer.error, "decidedly"));
	ck_assert_uint_eq(answer.ttl_s, 60);
	ck_assert_int_eq(ask("_host._tcp.example"), NAME_NO_DATA);
	ck_assert_int_eq(ask("_other._tcp.example"), NAME_NO_NAME);
	ck_assert_int_eq(ask("_fails._tcp.example"), NAME_FAILED);
	stop();
}
END_TEST

START_TEST(a_service_of_two_hundred)
{
	char lines[32000] = "besides\n", *end = lines + strlen(lines);

	for (int i = 0; i < 200; i++) {
		end += sprintf(end, "_x._tcp.example 30 SRV 1 33 80 h%d.example\n", i);
		end += sprintf(end, "h%d.example 30 A 10.0.1.%d\n", i, i);
	}
	start(lines);
	ck_assert_int_eq(ask_family("_x._tcp.example", NAME_V4), NAME_FOUND);
	ck_assert_uint_eq(answer.set.count, 200);
	ck_assert_uint_eq(answer.set.records[199].weight, 1);
	ck_assert_uint_eq(dns_server_asked_by_tcp(server), 1);
	stop();
}
END_TEST

START_TEST(a_name_server_may_have_an_address_of_the_other_family)
{
	start("");
	stop();
	server = dns_server_start("[::1]:0");
	dns_server_say(server, "www.example 60 A 10.0.0.6\n");
	ck_assert_int_eq(ask_family("www.example", NAME_V4), NAME_FOUND);
	ck_assert_str_eq(set_text(), "10.0.0.6:80 0/1");
	stop();
}
END_TEST

/* ---- What the machine has ---- */

START_TEST(a_family_counts_by_an_address_that_leads_somewhere)
{
	static const char loopback[] = "00000000000000000000000000000001 01 80 10 80       lo\n";
	static const char local[] = "fe8000000000000002155dfffe000001 02 40 20 80     eth0\n";
	static const char global[] = "20010db8000000000000000000000007 02 40 00 80     eth0\n";
	char all[400];

	ck_assert(!families_has_v6(""));
	ck_assert(!families_has_v6(loopback));
	ck_assert(!families_has_v6(local));
	ck_assert(families_has_v6(global));
	snprintf(all, sizeof(all), "%s%s%s", loopback, local, global);
	ck_assert(families_has_v6(all));
	snprintf(all, sizeof(all), "%s%s", loopback, local);
	ck_assert(!families_has_v6(all));
}
END_TEST

START_TEST(a_machine_with_loopback_only_has_both_families)
{
	if (!network_own())
		SKIP_TEST("cannot have a network of its own");
	ck_assert_uint_eq(families_here(), NAME_HAS_BOTH);
	ck_assert_int_eq(system("ip address add 192.0.2.7/32 dev lo"), 0);
	ck_assert_uint_eq(families_here(), NAME_HAS_V4);
	ck_assert_int_eq(system("ip address add 2001:db8::7/128 dev lo"), 0);
	ck_assert_uint_eq(families_here(), NAME_HAS_BOTH);
	ck_assert_int_eq(system("ip address delete 192.0.2.7/32 dev lo"), 0);
	ck_assert_uint_eq(families_here(), NAME_HAS_V6);
}
END_TEST

SUITE_OF("names: look-ups", 60, ONCE(both_families_are_asked_for_apart),
	 ONCE(a_name_that_does_not_exist_is_said_to_not_exist),
	 ONCE(a_name_with_a_dot_at_its_end_is_the_same), ONCE(a_number_is_not_asked_for),
	 ONCE(a_server_that_fails_is_told_from_one_that_is_silent_and_from_nobody),
	 ONCE(an_answer_to_another_question_is_not_believed),
	 ONCE(one_family_that_fails_is_not_the_other), ONCE(a_chain_of_aliases_is_followed),
	 ONCE(a_long_answer_comes_by_tcp_whole),
	 ONCE(more_addresses_than_a_set_has_are_cut_the_same_everywhere),
	 ONCE(a_service_like_those_of_consul),
	 ONCE(addresses_that_do_not_come_with_a_service_are_asked_for),
	 ONCE(the_family_that_is_missing_is_asked_for),
	 ONCE(a_service_whose_servers_nobody_can_name_is_not_gone),
	 ONCE(a_service_may_be_denied_or_not_be_there), ONCE(a_service_of_two_hundred),
	 ONCE(a_name_server_may_have_an_address_of_the_other_family),
	 ONCE(a_family_counts_by_an_address_that_leads_somewhere),
	 ONCE(a_machine_with_loopback_only_has_both_families))
