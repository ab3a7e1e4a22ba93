/* source =, interface = and mark =: what they may be, and what is said where they are not. */
#include "config/source.h"
#include "support/config_text.h"

#define PROXY "[proxy]\nlisten = 1\n"
#define V4    "server = 10.0.0.1:9\n"
#define V6    "server = [2001:db8::1]:9\n"

START_TEST(a_source_is_an_address_without_a_port)
{
	static const char *const texts[] = {"10.0.0.5", "2001:db8::5", "::1", "fe80::1%eth0",
					    "fe80::1%3"};
	char text[SOURCE_TEXT_MAX], in_brackets[80], why[VALUE_WHY_MAX];
	struct address source, same;

	for (size_t i = 0; i < array_size(texts); i++) {
		ck_assert_int_eq(source_parse(&source, texts[i], why), 0);
		ck_assert_str_eq(source_format(&source, text), texts[i]);
		ck_assert_uint_eq(source.port, 0);
		if (!i)
			continue;
		snprintf(in_brackets, sizeof(in_brackets), "[%s]", texts[i]);
		ck_assert_int_eq(source_parse(&same, in_brackets, why), 0);
		ck_assert(address_is_same(&source, &same));
	}
}
END_TEST

START_TEST(mistakes_in_a_source_have_their_words)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"10.0.0.5:80", "takes an address without a port, which the kernel chooses"},
		{"[::1]:80", "takes an address without a port, which the kernel chooses"},
		{"unix:/x", "is a unix socket; connections come from an IPv4 or IPv6 address"},
		{"0.0.0.0", "is every address; write auto, and the kernel chooses one"},
		{"::", "is every address; write auto, and the kernel chooses one"},
		{"eth0", "is not an address; write for example 10.0.0.5"},
		{"10.0.0.300", "the host is not an IPv4 address; write for example 127.0.0.1:80"},
		{"10.0.0.5-10.0.0.9", "takes one address; for several repeat the key"},
		{"10.0.0.0/24", "the host is neither an address nor a name"},
		{"fe80::1", "a link-local address needs its interface: [fe80::1%eth0]:80"},
		{"224.0.0.1", "is a multicast address, and TCP has none"},
		{"10.0.0.5 10.0.0.6", "takes one address; for several repeat the key"},
		{"10.0.0.5,10.0.0.6", "takes one address; for several repeat the key"},
	};
	char text[200], expected[400];

	for (size_t i = 0; i < array_size(cases); i++) {
		snprintf(text, sizeof(text), PROXY V4 "source = %s\n", cases[i].text);
		snprintf(expected, sizeof(expected), "t:4: [proxy] source: \"%s\": %s\n",
			 cases[i].text, cases[i].why);
		ck_assert_config_mistakes(text, expected);
	}
	ck_assert_config_mistakes(
		PROXY "server = 10.0.0.1:9 source=10.0.0.5:1\nserver = unix:/x source=10.0.0.5\n"
		      "server = 10.0.0.2:9 source=\n",
		"t:3: [proxy] server: \"10.0.0.1:9 source=10.0.0.5:1\": source=10.0.0.5:1: takes "
		"an "
		"address without a port, which the kernel chooses\n"
		"t:4: [proxy] server: \"unix:/x source=10.0.0.5\": source has no use here: who "
		"connects to a unix socket has no address\n"
		"t:5: [proxy] server: \"10.0.0.2:9 source=\": source needs a value, as in "
		"source=...\n");
	ck_assert_config_mistakes(PROXY V4 "source = 10.0.0.5\nsource = 10.0.0.5\n",
				  "t:5: [proxy] source: \"10.0.0.5\" is there already, at t:4\n");
	ck_assert_config_mistakes(
		"[pool p]\n" V4 PROXY "pool = p\nsource = 10.0.0.5\nmark = 1\ninterface = eth0\n",
		"t:6: [proxy] source: is about servers, and these stand in [pool p] at t:1; move "
		"the "
		"line there\n"
		"t:7: [proxy] mark: is about servers, and these stand in [pool p] at t:1; move the "
		"line there\n"
		"t:8: [proxy] interface: is about servers, and these stand in [pool p] at t:1; "
		"move "
		"the line there\n");
}
END_TEST

START_TEST(a_server_needs_a_source_of_its_family)
{
	ck_assert_config_mistakes(PROXY V4 V6 "source = 10.0.0.5\n",
				  "t:4: [proxy] server: \"[2001:db8::1]:9\": is IPv6, and no "
				  "source is; write another "
				  "source line, or source=auto behind the server\n");
	ck_assert_config_mistakes(PROXY V4 V6 "source = 10.0.0.5\nsource = 2001:db8::5\n", "");
	ck_assert_config_mistakes(
		PROXY V4 "server = [2001:db8::1]:9 source=auto\nsource = 10.0.0.5\n", "");
	ck_assert_config_mistakes(
		PROXY "server = 10.0.0.1:9 source=::1\nsource = 10.0.0.5\n",
		"t:3: [proxy] server: \"10.0.0.1:9\": is IPv4, and no source is; write another "
		"source line, or source=auto behind the server\n");
	ck_assert_config_mistakes(
		PROXY "server = 10.0.0.1:9 check_address=::1\nsource = 10.0.0.5\ncheck = tcp\n",
		"t:3: [proxy] server: \"10.0.0.1:9\": its check_address is IPv6, and no source is; "
		"write another source line, or source=auto behind the server\n");
	/* Of names it is not known yet. */
	ck_assert_str_eq(
		config_said_of(PROXY "server = db.example:9\nsource = 10.0.0.5\n"),
		"t:3: [proxy] server: \"db.example:9\": addresses of IPv6 cannot be connected to, "
		"since no source is one; write family = ipv4, or another source\n");
	ck_assert_str_eq(
		config_said_of(PROXY "server = db.example:9\nsource = 10.0.0.5\nfamily = ipv4\n"),
		"");
}
END_TEST

START_TEST(a_section_says_for_itself_where_connections_come_from)
{
	struct config config = config_of("[defaults]\nsource = 10.0.0.5\nsource = 10.0.0.6\n"
					 "mark = 0x10\ninterface = eth0\n"
					 "[proxy a]\nlisten = 1\n" V4
					 "[proxy b]\nlisten = 2\nsource = 10.0.0.7\nmark = off\n"
					 "interface = auto\n" V4
					 "[proxy c]\nlisten = 3\nsource = auto\nmark = 16\n" V4);
	const struct config_section *sections = config.sections;
	const struct config_line *line = config_line_of(&sections[0], "source", NULL);

	ck_assert_str_eq(line->text, "10.0.0.5");
	line = config_line_of(&sections[0], "source", line);
	ck_assert_str_eq(line->text, "10.0.0.6");
	ck_assert_ptr_null(config_line_of(&sections[0], "source", line));
	ck_assert_uint_eq(sections[0].settings.mark, 16);
	ck_assert_str_eq(sections[0].settings.interface, "eth0");
	line = config_line_of(&sections[1], "source", NULL);
	ck_assert_str_eq(line->text, "10.0.0.7");
	ck_assert_ptr_null(config_line_of(&sections[1], "source", line));
	ck_assert_uint_eq(sections[1].settings.mark, 0);
	ck_assert_ptr_null(sections[1].settings.interface);
	ck_assert_ptr_null(config_line_of(&sections[2], "source", NULL));
	ck_assert_uint_eq(sections[2].settings.mark, 16);
	config_done(&config);
}
END_TEST

START_TEST(mistakes_in_marks_and_interfaces_have_their_words)
{
	ck_assert_config_mistakes(PROXY V4 "mark = 0xfffffffff\n",
				  "t:4: [proxy] mark: \"0xfffffffff\" is not a mark; write for "
				  "example 0x10 (0x1..0xffffffff or off)\n");
	ck_assert_config_mistakes(PROXY V4 "mark = 4294967296\n",
				  "t:4: [proxy] mark: \"4294967296\" is outside 0x1..0xffffffff or "
				  "off\n");
	ck_assert_config_mistakes(PROXY V4 "mark = 0x\n",
				  "t:4: [proxy] mark: \"0x\" is not a mark; write for example 0x10 "
				  "(0x1..0xffffffff or off)\n");
	ck_assert_config_mistakes(
		PROXY V4 "interface = a/b\n",
		"t:4: [proxy] interface: \"a/b\" is not the name of an interface, "
		"of at most 15 bytes; `ip link` shows them\n");
	ck_assert_config_mistakes(PROXY V4 "so_mark = 1\n",
				  "t:4: [proxy] so_mark: no such key; did you mean mark?\n");
	ck_assert_str_eq(config_said_of(PROXY "server = unix:/x\nmark = 1\ninterface = eth0\n"
					      "source = 10.0.0.5\n"),
			 "t:4: [proxy] mark: has no effect: all servers are unix sockets\n"
			 "t:5: [proxy] interface: has no effect: all servers are unix sockets\n"
			 "t:6: [proxy] source: has no effect: all servers are unix sockets\n");
}
END_TEST

SUITE("config sources", a_source_is_an_address_without_a_port,
      mistakes_in_a_source_have_their_words, a_server_needs_a_source_of_its_family,
      a_section_says_for_itself_where_connections_come_from,
      mistakes_in_marks_and_interfaces_have_their_words)
