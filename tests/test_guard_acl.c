/* Who may come in, by the lines of a section: against a list that is gone through. */
#include "guard/acl.h"
#include "guard/crowd.h"
#include "guard/list.h"

#include "config/client_rule.h"
#include "config/report.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD  "[echo web]\nlisten = 127.0.0.1:7\n"
#define LINE1 3 /* of the lines behind it */

struct fixture {
	struct config config;
	struct report report;
	struct acl *acl;
	int r;
};

static void make(struct fixture *fixture, const char *lines)
{
	char *text;
	int r;

	ck_assert_int_gt(asprintf(&text, HEAD "%s", lines), 0);
	r = config_parse(&fixture->config, "t", text, strlen(text), &fixture->report);
	ck_assert_msg(r == 0, "%s", report_first_mistake(&fixture->report));
	fixture->r = acl_make(&fixture->acl, &fixture->config, &fixture->config.sections[0],
			      &fixture->report);
	free(text);
}

static void done(struct fixture *fixture)
{
	acl_free(fixture->acl);
	config_done(&fixture->config);
	report_done(&fixture->report);
}

static struct cidr_number number(const char *text)
{
	struct cidr cidr;
	char why[CIDR_WHY_MAX];

	ck_assert_msg(cidr_parse(&cidr, text, strlen(text), why) == 0, "%s: %s", text, why);
	return cidr.first;
}

static bool admits(const struct fixture *fixture, const char *address)
{
	return acl_ask(fixture->acl, number(address)).admits;
}

START_TEST(without_lines_there_is_no_list)
{
	struct fixture fixture;

	make(&fixture, "");
	ck_assert_int_eq(fixture.r, 0);
	ck_assert_ptr_null(fixture.acl);
	done(&fixture);
}
END_TEST

START_TEST(the_first_line_that_names_an_address_decides)
{
	struct fixture fixture;

	make(&fixture, "deny = 10.1.2.3\nallow = 10.1.0.0/16\ndeny = 10.0.0.0/8\nallow = all\n");
	ck_assert(!admits(&fixture, "10.1.2.3"));
	ck_assert(admits(&fixture, "10.1.2.2"));
	ck_assert(admits(&fixture, "10.1.2.4"));
	ck_assert(admits(&fixture, "10.1.255.255"));
	ck_assert(!admits(&fixture, "10.2.0.0"));
	ck_assert(!admits(&fixture, "10.0.255.255"));
	ck_assert(admits(&fixture, "11.0.0.0"));
	ck_assert(admits(&fixture, "2001:db8::1"));
	ck_assert_uint_eq(acl_ask(fixture.acl, number("10.1.2.3")).rule, 0);
	ck_assert_uint_eq(acl_ask(fixture.acl, number("10.9.2.3")).rule, 2);
	ck_assert_str_eq(acl_rule_text(fixture.acl, 2), "deny = 10.0.0.0/8");
	ck_assert_uint_eq(acl_rule_origin(fixture.acl, 2)->line, LINE1 + 2);
	done(&fixture);
}
END_TEST

START_TEST(whom_no_line_names_may_come_unless_there_is_one_of_allow)
{
	struct fixture fixture;
	struct acl_verdict verdict;

	make(&fixture, "deny = 10.0.0.0/8\n");
	ck_assert(admits(&fixture, "11.0.0.1") && admits(&fixture, "::1"));
	ck_assert(acl_ask_user(fixture.acl, 33).admits);
	done(&fixture);

	make(&fixture, "deny = 10.0.0.0/8\nallow = 2001:db8::/32\n");
	verdict = acl_ask(fixture.acl, number("11.0.0.1"));
	ck_assert(!verdict.admits);
	ck_assert_uint_eq(verdict.rule, acl_rule_count(fixture.acl));
	ck_assert_str_eq(acl_rule_text(fixture.acl, verdict.rule), "no line of allow names them");
	ck_assert_ptr_null(acl_rule_origin(fixture.acl, verdict.rule));
	ck_assert(!acl_ask_user(fixture.acl, 33).admits);
	done(&fixture);
}
END_TEST

START_TEST(an_ipv6_network_however_wide_names_no_ipv4_client)
{
	struct fixture fixture;

	make(&fixture, "deny = ::/0\n");
	ck_assert(!admits(&fixture, "2001:db8::1"));
	ck_assert(admits(&fixture, "192.0.2.1"));
	ck_assert(admits(&fixture, "::ffff:192.0.2.1"));
	done(&fixture);
	make(&fixture, "deny = ::ffff:192.0.2.0/120\n");
	ck_assert(!admits(&fixture, "192.0.2.1"));
	done(&fixture);
}
END_TEST

START_TEST(users_of_unix_sockets_are_named_by_lines_of_their_own)
{
	struct fixture fixture;

	make(&fixture, "deny = uid:0\nallow = uid:33\ndeny = unix\nallow = 10.0.0.0/8\n");
	ck_assert(!acl_ask_user(fixture.acl, 0).admits);
	ck_assert(acl_ask_user(fixture.acl, 33).admits);
	ck_assert(!acl_ask_user(fixture.acl, 34).admits);
	ck_assert_uint_eq(acl_ask_user(fixture.acl, 34).rule, 2);
	ck_assert_uint_eq(acl_ask_user(fixture.acl, (uid_t)-1).rule, 2);
	done(&fixture);
	make(&fixture, "allow = uid:33\nallow = all\n");
	ck_assert(acl_ask_user(fixture.acl, (uid_t)-1).admits);
	ck_assert_uint_eq(acl_ask_user(fixture.acl, (uid_t)-1).rule, 1);
	done(&fixture);
}
END_TEST

START_TEST(a_line_that_decides_of_nobody_is_warned_of)
{
	static const struct {
		const char *lines, *warning; /* NULL: none */
	} cases[] = {
		{"deny = 10.0.0.0/8\nallow = 10.1.0.0/16\n",
		 "t:4: [echo web] allow: 10.1.0.0/16: decides of nobody: the lines before it name "
		 "all of them"},
		{"allow = all\ndeny = 192.0.2.7\n",
		 "t:4: [echo web] deny: 192.0.2.7: decides of nobody: the lines before it name all "
		 "of them"},
		{"deny = 10.0.0.0/9\ndeny = 10.128.0.0/9\ndeny = 10.0.0.0/8\n",
		 "t:5: [echo web] deny: 10.0.0.0/8: decides of nobody: the lines before it name "
		 "all of them"},
		{"deny = unix\nallow = uid:5\n",
		 "t:4: [echo web] allow: uid:5: decides of nobody: the lines before it name all of "
		 "them"},
		{"allow = uid:5\nallow = uid:5\n",
		 "t:4: [echo web] allow: uid:5: decides of nobody: the lines before it name all of "
		 "them"},
		{"allow = uid:5\ndeny = unix\n", NULL},
		{"allow = unix\ndeny = all\n", NULL},
		{"deny = 10.0.0.0/9\ndeny = 10.0.0.0/8\n", NULL},
		{"allow = 0.0.0.0/0\nallow = ::/0\ndeny = all\n", NULL}, /* of users */
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct fixture fixture;

		make(&fixture, cases[i].lines);
		ck_assert_int_eq(fixture.r, 0);
		ck_assert_msg(fixture.report.count == !!cases[i].warning, "%s", cases[i].lines);
		if (cases[i].warning)
			ck_assert_str_eq(fixture.report.lines[0].text, cases[i].warning);
		done(&fixture);
	}
}
END_TEST

/* ---- Against a list that is gone through ----------------------------------------------------- */

#define NAIVE_MAX 400

struct naive {
	struct cidr cidr;
	bool allows;
};

/* Few high bits differ, so that ranges overlap, touch and are the same. */
static struct cidr_number random_number(bool v4)
{
	uint64_t low = (uint64_t)random() << 31 ^ (uint64_t)random();

	if (v4)
		return (struct cidr_number){0, UINT64_C(0xffff) << 32 | 0x0a000000u |
						       (low & 0x000300ffu)};
	if (random() % 8 == 0) /* around where IPv4 is shown */
		return (struct cidr_number){0, low & UINT64_C(0x1ffffffffffff)};
	return (struct cidr_number){UINT64_C(0x20010db800000000) | (low & 3),
				    random() % 2 ? low & 0xff : UINT64_MAX - (low & 0xff)};
}

static struct cidr random_cidr(void)
{
	bool v4 = random() % 2;
	struct cidr_number a = random_number(v4), b = random_number(v4);
	char text[3 * CIDR_TEXT_MAX], why[CIDR_WHY_MAX], one[CIDR_TEXT_MAX], other[CIDR_TEXT_MAX];
	struct cidr first = {a, a, cidr_is_v4(a) ? CIDR_V4 : CIDR_V6};
	struct cidr last = {b, b, cidr_is_v4(b) ? CIDR_V4 : CIDR_V6};
	struct cidr cidr;

	if (random() % 40 == 0)
		snprintf(text, sizeof(text), "%s", v4 ? "0.0.0.0/0" : "::/0");
	else if (random() % 60 == 0)
		snprintf(text, sizeof(text), "all");
	else if (random() % 3 == 0 || first.family != last.family)
		cidr_format(&first, text);
	else
		snprintf(text, sizeof(text), "%s-%s",
			 cidr_format(cidr_is_less(b, a) ? &last : &first, one),
			 cidr_format(cidr_is_less(b, a) ? &first : &last, other));
	ck_assert_msg(cidr_parse(&cidr, text, strlen(text), why) == 0, "%s: %s", text, why);
	return cidr;
}

static uint32_t naive_rule(const struct naive *rules, uint32_t count, struct cidr_number address)
{
	for (uint32_t i = 0; i < count; i++)
		if (cidr_has(&rules[i].cidr, address))
			return i;
	return count;
}

static struct cidr_number near(struct cidr_number number, int64_t step)
{
	struct cidr_number next = {number.high, number.low + (uint64_t)step};

	if (step > 0)
		next.high += next.low < number.low;
	else if (step < 0)
		next.high -= next.low > number.low;
	return next;
}

static void compare(const struct fixture *fixture, const struct naive *rules, uint32_t count,
		    struct cidr_number address)
{
	uint32_t rule = naive_rule(rules, count, address);
	struct acl_verdict verdict = acl_ask(fixture->acl, address);
	struct cidr one = {address, address, CIDR_V6};
	char text[CIDR_TEXT_MAX];
	bool any_allow = false;

	for (uint32_t i = 0; i < count; i++)
		any_allow |= rules[i].allows;
	ck_assert_msg(verdict.rule == rule, "%s: rule %u, not %u", cidr_format(&one, text),
		      verdict.rule, rule);
	ck_assert(verdict.admits == (rule < count ? rules[rule].allows : !any_allow));
}

START_TEST(every_address_meets_the_line_that_a_list_gone_through_finds)
{
	static struct naive rules[NAIVE_MAX];
	static char text[NAIVE_MAX * (CIDR_TEXT_MAX + 16)];

	for (unsigned round = 0; round < 300; round++) {
		uint32_t count = 1 + (uint32_t)random() % (round % 10 ? 12 : NAIVE_MAX);
		struct fixture fixture;
		size_t size = 0;

		srandom(round);
		for (uint32_t i = 0; i < count; i++) {
			char written[CIDR_TEXT_MAX];

			rules[i] = (struct naive){random_cidr(), random() % 2};
			size += (size_t)snprintf(text + size, sizeof(text) - size, "%s = %s\n",
						 rules[i].allows ? "allow" : "deny",
						 cidr_format(&rules[i].cidr, written));
		}
		make(&fixture, text);
		ck_assert_int_eq(fixture.r, 0);
		for (uint32_t i = 0; i < count; i++)
			for (int64_t step = -1; step <= 1; step++) {
				compare(&fixture, rules, count, near(rules[i].cidr.first, step));
				compare(&fixture, rules, count, near(rules[i].cidr.last, step));
			}
		for (unsigned i = 0; i < 200; i++)
			compare(&fixture, rules, count, random_number(random() % 2));
		compare(&fixture, rules, count, number("0.0.0.0"));
		compare(&fixture, rules, count, number("255.255.255.255"));
		compare(&fixture, rules, count, number("::"));
		compare(&fixture, rules, count, number("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
		done(&fixture);
	}
}
END_TEST

/* ---- Files ----------------------------------------------------------------------------------- */

static char list_path[] = "/tmp/guard-list-XXXXXX";

static void write_list(const char *text, size_t size)
{
	int fd;

	strcpy(list_path, "/tmp/guard-list-XXXXXX");
	fd = mkstemp(list_path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	close(fd);
}

static void make_of_list(struct fixture *fixture, const char *text)
{
	char line[100];

	write_list(text, strlen(text));
	snprintf(line, sizeof(line), "deny = file:%s\n", list_path);
	make(fixture, line);
}

static void list_done(struct fixture *fixture)
{
	unlink(list_path);
	done(fixture);
}

START_TEST(a_file_lists_addresses_one_to_a_line_with_comments_blanks_and_any_end)
{
	struct fixture fixture;

	make_of_list(&fixture, "\xef\xbb\xbf# a list\r\n\r\n  10.0.0.0/8 \t# ours\r\n"
			       "192.0.2.0/24 ; SBL123\n;\n\t\n2001:db8::/32\n"
			       "198.51.100.7-198.51.100.9#x\n203.0.113.1");
	ck_assert_int_eq(fixture.r, 0);
	ck_assert_uint_eq(fixture.report.count, 0);
	ck_assert(!admits(&fixture, "10.3.2.1") && !admits(&fixture, "192.0.2.200"));
	ck_assert(!admits(&fixture, "2001:db8:5::") && !admits(&fixture, "198.51.100.8"));
	ck_assert(!admits(&fixture, "203.0.113.1"));
	ck_assert(admits(&fixture, "203.0.113.2") && admits(&fixture, "198.51.100.10"));
	ck_assert_uint_eq(acl_ranges(fixture.acl), 5);
	list_done(&fixture);
}
END_TEST

START_TEST(an_ipv4_and_an_ipv6_list_of_many_pieces_is_read_whole)
{
	struct fixture fixture;
	char *text = malloc(100000 * 40), one[64];
	size_t size = 0;

	ck_assert_ptr_nonnull(text);
	for (unsigned i = 0; i < 50000; i++)
		size += (size_t)sprintf(text + size, "10.%u.%u.%u\n2001:db8:%x::%x/127\n", i >> 16,
					i >> 8 & 255, (i & 127) * 2, i, i * 2 & 0xffff);
	make_of_list(&fixture, text);
	ck_assert_int_eq(fixture.r, 0);
	for (unsigned i = 0; i < 50000; i += 7) {
		sprintf(one, "10.%u.%u.%u", i >> 16, i >> 8 & 255, (i & 127) * 2);
		ck_assert_msg(!admits(&fixture, one), "%s", one);
		sprintf(one, "10.%u.%u.%u", i >> 16, i >> 8 & 255, (i & 127) * 2 + 1);
		ck_assert_msg(admits(&fixture, one), "%s", one);
		sprintf(one, "2001:db8:%x::%x", i, (i * 2 & 0xffff) | 1);
		ck_assert_msg(!admits(&fixture, one), "%s", one);
		sprintf(one, "2001:db8:%x:1::", i);
		ck_assert_msg(admits(&fixture, one), "%s", one);
	}
	free(text);
	list_done(&fixture);
}
END_TEST

/* Many in one /64, so that the upper half alone leads nowhere. */
START_TEST(addresses_of_one_network_are_told_apart)
{
	struct fixture fixture;
	char *text = malloc(5000 * 40), one[64];
	size_t size = 0;

	ck_assert_ptr_nonnull(text);
	for (unsigned i = 0; i < 5000; i++)
		size += (size_t)sprintf(text + size, "2001:db8::%x:%x\n", i >> 8, (i & 255) * 2);
	make_of_list(&fixture, text);
	for (unsigned i = 0; i < 5000; i++) {
		sprintf(one, "2001:db8::%x:%x", i >> 8, (i & 255) * 2);
		ck_assert_msg(!admits(&fixture, one), "%s", one);
		sprintf(one, "2001:db8::%x:%x", i >> 8, (i & 255) * 2 + 1);
		ck_assert_msg(admits(&fixture, one), "%s", one);
	}
	ck_assert(admits(&fixture, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"));
	ck_assert(admits(&fixture, "2001:db8:0:1::"));
	free(text);
	list_done(&fixture);
}
END_TEST

/* What the report says, without the path of the list. */
static void assert_said(struct fixture *fixture, size_t index, const char *said)
{
	char wanted[1000];

	snprintf(wanted, sizeof(wanted), "%s%s", list_path, said);
	ck_assert_uint_gt(fixture->report.count, index);
	ck_assert_str_eq(fixture->report.lines[index].text, wanted);
}

#define NAMED " (deny in [echo web], t:3)"

START_TEST(what_is_wrong_in_a_file_is_told_with_its_line_and_what_would_be_right)
{
	struct fixture fixture;

	make_of_list(&fixture, "10.0.0.0/8\n10.1.2.3/8 # x\nhost.example\nall\nunix\nuid:3\n"
			       "file:/etc/x\n\x01\x02\n");
	ck_assert_int_eq(fixture.r, -EINVAL);
	ck_assert_ptr_null(fixture.acl);
	ck_assert_uint_eq(fixture.report.count, 6);
	assert_said(
		&fixture, 0,
		":2: \"10.1.2.3/8\": has bits set behind its prefix; the network is 10.0.0.0/8, "
		"and the address alone 10.1.2.3" NAMED);
	assert_said(&fixture, 1,
		    ":3: \"host.example\": is neither an address (192.0.2.7) nor a network "
		    "(10.0.0.0/8, 2001:db8::/32) nor a range (a-b)" NAMED);
	assert_said(&fixture, 2,
		    ":5: \"unix\": a list is of addresses; this is for a line of the "
		    "configuration" NAMED);
	assert_said(&fixture, 5,
		    ":8: \"??\": is neither an address (192.0.2.7) nor a network "
		    "(10.0.0.0/8, 2001:db8::/32) nor a range (a-b)" NAMED);
	list_done(&fixture);
}
END_TEST

START_TEST(of_a_file_that_is_no_list_few_mistakes_are_told)
{
	char text[20 * 200] = "";
	struct fixture fixture;

	for (unsigned i = 0; i < 200; i++)
		strcat(text, "not an address\n");
	make_of_list(&fixture, text);
	ck_assert_int_eq(fixture.r, -EINVAL);
	ck_assert_uint_eq(fixture.report.count, LIST_TOLD_MAX + 1);
	assert_said(&fixture, LIST_TOLD_MAX, ": and 190 more lines are wrong" NAMED);
	list_done(&fixture);
}
END_TEST

START_TEST(a_line_without_end_is_too_long)
{
	char *text = malloc(1 << 20);
	struct fixture fixture;

	ck_assert_ptr_nonnull(text);
	memset(text, '1', (1 << 20) - 1);
	text[(1 << 20) - 1] = 0;
	make_of_list(&fixture, text);
	ck_assert_int_eq(fixture.r, -EINVAL);
	assert_said(&fixture, 0,
		    ":1: is longer than 1024 bytes; each address is on a line of its own" NAMED);
	free(text);
	list_done(&fixture);
}
END_TEST

START_TEST(a_file_that_lists_nothing_is_warned_of)
{
	struct fixture fixture;
	char wanted[200];

	make_of_list(&fixture, "# nothing yet\n");
	ck_assert_int_eq(fixture.r, 0);
	ck_assert(admits(&fixture, "10.0.0.1"));
	ck_assert_uint_eq(fixture.report.count, 1);
	snprintf(wanted, sizeof(wanted), "t:3: [echo web] deny: file:%s: the file lists no address",
		 list_path);
	ck_assert_str_eq(fixture.report.lines[0].text, wanted);
	list_done(&fixture);
}
END_TEST

START_TEST(what_is_no_file_is_not_waited_for)
{
	static const struct {
		const char *path, *said;
	} cases[] = {
		{"/nowhere/list", "cannot be opened: No such file or directory"},
		{"/dev/zero", "is not a file"},
		{"/tmp", "is not a file"},
		{"/tmp/guard-fifo", "is not a file"},
	};

	unlink("/tmp/guard-fifo");
	ck_assert_int_eq(mkfifo("/tmp/guard-fifo", 0600), 0);
	for (size_t i = 0; i < array_size(cases); i++) {
		struct fixture fixture;
		char text[300];

		snprintf(text, sizeof(text), "deny = file:%s\n", cases[i].path);
		make(&fixture, text);
		ck_assert_int_eq(fixture.r, -EINVAL);
		snprintf(text, sizeof(text), "%s: %s" NAMED, cases[i].path, cases[i].said);
		ck_assert_str_eq(fixture.report.lines[0].text, text);
		done(&fixture);
	}
	unlink("/tmp/guard-fifo");
}
END_TEST

/* ---- Lines ----------------------------------------------------------------------------------- */

START_TEST(a_line_that_cannot_be_understood_is_refused_with_what_would_be_right)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"uid:", "after uid: comes the number of a user; `id -u NAME` tells it"},
		{"uid:www-data",
		 "after uid: comes the number of a user; `id -u www-data` tells it"},
		{"uid:-1", "after uid: comes the number of a user; `id -u -1` tells it"},
		{"uid:4294967295", "the number of a user is 0..4294967294"},
		{"uid:99999999999999999999", "the number of a user is 0..4294967294"},
		{"file:", "after file: comes a path that begins with /, of a file with an address "
			  "or a network on each line"},
		{"file:list", "after file: comes a path that begins with /, of a file with an "
			      "address or a network on each line"},
		{"/etc/list", "is a path; write file: in front of it"},
		{"unix:/run/x", "whoever connects to a unix socket is `unix` alone, or uid:N for "
				"one user"},
		{"10.1.2.3/8", "has bits set behind its prefix; the network is 10.0.0.0/8, and the "
			       "address alone 10.1.2.3"},
		{"10.0.0.0/8 11.0.0.0/8", "is more than one; each is on a line of its own (a range "
					  "is written without blanks)"},
		{"any", "every address is written: all"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		char why[VALUE_WHY_MAX] = "";

		ck_assert_int_eq(client_rule_check(cases[i].text, why), -EINVAL);
		ck_assert_str_eq(why, cases[i].why);
	}
}
END_TEST

START_TEST(a_section_with_lines_of_its_own_has_none_of_the_defaults)
{
	static const char text[] = "[defaults]\ndeny = 10.0.0.0/8\n"
				   "[echo a]\nlisten = 1\n[echo b]\nlisten = 2\ndeny = 11.0.0.1\n"
				   "[echo c]\nlisten = 3\nallow =\n";
	static const struct {
		bool ten, eleven;
	} admitted[] = {{false, true}, {true, false}, {true, true}};
	struct report report;
	struct config config;

	ck_assert_int_eq(config_parse(&config, "t", text, strlen(text), &report), 0);
	for (size_t i = 0; i < array_size(admitted); i++) {
		struct acl *acl;

		ck_assert_int_eq(acl_make(&acl, &config, &config.sections[i], &report), 0);
		ck_assert(!acl == (i == 2));
		if (acl) {
			ck_assert(acl_ask(acl, number("10.0.0.1")).admits == admitted[i].ten);
			ck_assert(acl_ask(acl, number("11.0.0.1")).admits == admitted[i].eleven);
		}
		acl_free(acl);
	}
	config_done(&config);
	report_done(&report);
}
END_TEST

START_TEST(sections_with_the_same_lines_of_the_defaults_share_a_list)
{
	static const char text[] = "[defaults]\ndeny = 10.0.0.0/8\nallow = all\n"
				   "[echo a]\nlisten = 1\n[echo b]\nlisten = 2\n"
				   "[echo c]\nlisten = 3\ndeny = 10.0.0.0/8\nallow = all\n"
				   "[echo d]\nlisten = 4\nallow =\n";
	struct report report;
	struct config config;
	struct acl *acl;

	ck_assert_int_eq(config_parse(&config, "t", text, strlen(text), &report), 0);
	ck_assert_int_eq(acl_make(&acl, &config, &config.sections[0], &report), 0);
	ck_assert(acl_share(acl, &config.sections[1]));
	ck_assert(!acl_share(acl, &config.sections[2])); /* its own lines are told of by theirs */
	ck_assert(!acl_share(acl, &config.sections[3]));
	acl_free(acl);
	ck_assert(!acl_ask(acl, number("10.0.0.1")).admits);
	acl_free(acl);
	config_done(&config);
	report_done(&report);
}
END_TEST

/* ---- How many -------------------------------------------------------------------------------- */

START_TEST(a_crowd_is_counted_about_right)
{
	static const uint32_t counts[] = {0, 1, 2, 5, 310, 2000, 10000};

	for (size_t i = 0; i < array_size(counts); i++) {
		struct crowd crowd = {0};
		double told, off;

		for (uint32_t j = 0; j < 3 * counts[i]; j++) /* each comes thrice */
			crowd_add(&crowd, (struct cidr_number){0, UINT64_C(0xffff0a000000) |
									  (j % counts[i])});
		told = crowd_count(&crowd);
		off = counts[i] ? told / counts[i] : told + 1;
		ck_assert_msg(off > 0.9 && off < 1.1, "%u are %.0f", counts[i], told);
	}
}
END_TEST

START_TEST(a_crowd_beyond_counting_is_the_most)
{
	struct crowd crowd = {0};

	for (uint32_t i = 0; i < 10000000; i++)
		crowd_add(&crowd, (struct cidr_number){i, i});
	ck_assert_uint_eq(crowd_count(&crowd), CROWD_MAX);
}
END_TEST

SUITE("guard: who may come in", without_lines_there_is_no_list,
      the_first_line_that_names_an_address_decides,
      whom_no_line_names_may_come_unless_there_is_one_of_allow,
      an_ipv6_network_however_wide_names_no_ipv4_client,
      users_of_unix_sockets_are_named_by_lines_of_their_own,
      a_line_that_decides_of_nobody_is_warned_of,
      every_address_meets_the_line_that_a_list_gone_through_finds,
      a_file_lists_addresses_one_to_a_line_with_comments_blanks_and_any_end,
      an_ipv4_and_an_ipv6_list_of_many_pieces_is_read_whole,
      addresses_of_one_network_are_told_apart,
      what_is_wrong_in_a_file_is_told_with_its_line_and_what_would_be_right,
      of_a_file_that_is_no_list_few_mistakes_are_told, a_line_without_end_is_too_long,
      a_file_that_lists_nothing_is_warned_of, what_is_no_file_is_not_waited_for,
      a_line_that_cannot_be_understood_is_refused_with_what_would_be_right,
      a_section_with_lines_of_its_own_has_none_of_the_defaults,
      sections_with_the_same_lines_of_the_defaults_share_a_list, a_crowd_is_counted_about_right,
      a_crowd_beyond_counting_is_the_most)
