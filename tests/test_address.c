#include "base/address.h"

#include "support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define ZONE "the zone after % is the interface's name or number, as shown by: ip link"

#define EITHER (ADDRESS_FOR_LISTEN | ADDRESS_FOR_CONNECT)

static struct address parsed(const char *text, unsigned use)
{
	struct address address;
	const char *why = NULL;

	ck_assert_msg(address_parse(&address, text, use, &why) == 0, "%s: %s", text, why);
	return address;
}

START_TEST(a_port_alone_is_every_local_address_of_both_families)
{
	static const char *const texts[] = {"80", ":80"};

	for (size_t i = 0; i < array_size(texts); i++) {
		struct address address = parsed(texts[i], ADDRESS_FOR_LISTEN);

		ck_assert_int_eq(address.kind, ADDRESS_ANY);
		ck_assert_uint_eq(address.port, 80);
		ck_assert_uint_eq(address.length, sizeof(struct sockaddr_in6));
		ck_assert_int_eq(address.u.in6.sin6_family, AF_INET6);
		ck_assert_uint_eq(ntohs(address.u.in6.sin6_port), 80);
		ck_assert(IN6_IS_ADDR_UNSPECIFIED(&address.u.in6.sin6_addr));
	}
}
END_TEST

START_TEST(numeric_addresses_are_complete_socket_addresses)
{
	struct address address = parsed("127.0.0.1:8080", EITHER);

	ck_assert_int_eq(address.kind, ADDRESS_INET);
	ck_assert_uint_eq(address.length, sizeof(struct sockaddr_in));
	ck_assert_int_eq(address.u.in.sin_family, AF_INET);
	ck_assert_uint_eq(ntohl(address.u.in.sin_addr.s_addr), 0x7f000001);
	ck_assert_uint_eq(ntohs(address.u.in.sin_port), 8080);
	ck_assert_uint_eq(address.port, 8080);

	address = parsed("[::1]:65535", EITHER);
	ck_assert_int_eq(address.kind, ADDRESS_INET);
	ck_assert_uint_eq(address.length, sizeof(struct sockaddr_in6));
	ck_assert_int_eq(address.u.in6.sin6_family, AF_INET6);
	ck_assert(IN6_IS_ADDR_LOOPBACK(&address.u.in6.sin6_addr));
	ck_assert_uint_eq(ntohs(address.u.in6.sin6_port), 65535);
}
END_TEST

START_TEST(a_link_local_address_carries_its_interface)
{
	struct address address = parsed("[fe80::1%2]:80", EITHER);

	ck_assert_uint_eq(address.u.in6.sin6_scope_id, 2);
}
END_TEST

START_TEST(an_interface_is_looked_up_by_its_name_when_it_is_used)
{
	struct address address = parsed("[fe80::1%lo]:80", EITHER), again = address;
	struct address nowhere = parsed("[fe80::1%none7]:80", EITHER);

	ck_assert_uint_eq(address_scope(&address), if_nametoindex("lo"));
	ck_assert_int_eq(address_locate(&address), 0);
	ck_assert_uint_eq(address.u.in6.sin6_scope_id, if_nametoindex("lo"));
	ck_assert_uint_eq(again.u.in6.sin6_scope_id, 0);
	ck_assert_uint_eq(address_scope(&nowhere), 0);
	ck_assert_int_eq(address_locate(&nowhere), -ENODEV);
	ck_assert(!address_is_same(&again, &nowhere));
}
END_TEST

START_TEST(a_unix_path_is_counted_with_its_nul_and_an_abstract_name_without)
{
	struct address address = parsed("unix:/run/x.sock", EITHER);

	ck_assert_int_eq(address.kind, ADDRESS_UNIX);
	ck_assert_int_eq(address.u.un.sun_family, AF_UNIX);
	ck_assert_str_eq(address.u.un.sun_path, "/run/x.sock");
	ck_assert_uint_eq(address.length, offsetof(struct sockaddr_un, sun_path) + 12 - 1 + 1);

	address = parsed("unix:@x", EITHER);
	ck_assert_int_eq(address.kind, ADDRESS_UNIX);
	ck_assert_int_eq(address.u.un.sun_path[0], 0);
	ck_assert_int_eq(address.u.un.sun_path[1], 'x');
	ck_assert_uint_eq(address.length, offsetof(struct sockaddr_un, sun_path) + 2);
}
END_TEST

START_TEST(the_longest_unix_path_fits_and_one_more_does_not)
{
	char text[200] = "unix:/";
	struct address address;
	const char *why;

	memset(text + 6, 'a', 106);
	address = parsed(text, EITHER);
	ck_assert_uint_eq(address.length, sizeof(struct sockaddr_un));
	ck_assert_int_eq(address.u.un.sun_path[107], 0);

	text[6 + 106] = 'a';
	ck_assert_int_eq(address_parse(&address, text, EITHER, &why), -EINVAL);
	ck_assert_str_eq(why, "the path of a unix socket is at most 107 bytes long");
}
END_TEST

START_TEST(a_name_keeps_its_text_until_it_is_looked_up)
{
	struct address address = parsed("db-1.my_net.example:5432", EITHER);

	ck_assert_int_eq(address.kind, ADDRESS_NAME);
	ck_assert_str_eq(address.host, "db-1.my_net.example");
	ck_assert_uint_eq(address.port, 5432);
	ck_assert_uint_eq(address.length, 0);
}
END_TEST

START_TEST(a_service_is_a_name_without_a_port_for_connecting_only)
{
	struct address address = parsed("srv:_pg._tcp.example", ADDRESS_FOR_CONNECT);
	struct address host = parsed("_pg._tcp.example:1", ADDRESS_FOR_CONNECT);
	const char *why;

	ck_assert_int_eq(address.kind, ADDRESS_NAME);
	ck_assert(address.is_service);
	ck_assert_str_eq(address.host, "_pg._tcp.example");
	ck_assert_uint_eq(address.port, 0);
	ck_assert(!host.is_service);
	host.port = 0;
	ck_assert(!address_is_same(&address, &host));
	ck_assert_int_eq(address_parse(&address, "srv:a.example", ADDRESS_FOR_LISTEN, &why),
			 -EINVAL);
	ck_assert_str_eq(why, "srv: is where to connect; it cannot be listened on");
}
END_TEST

START_TEST(an_inherited_socket_is_for_listening_only)
{
	struct address address = parsed("systemd:web", ADDRESS_FOR_LISTEN);
	const char *why;

	ck_assert_int_eq(address.kind, ADDRESS_SYSTEMD);
	ck_assert_str_eq(address.host, "web");
	ck_assert_int_eq(address_parse(&address, "systemd:web", ADDRESS_FOR_CONNECT, &why),
			 -EINVAL);
	ck_assert_str_eq(why,
			 "systemd: names an inherited listening socket; it cannot be connected to");
}
END_TEST

START_TEST(what_cannot_be_understood_is_refused_with_what_would_be_right)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "is empty; write for example 127.0.0.1:80"},
		{"0", "the port is outside 1..65535"},
		{"65536", "the port is outside 1..65535"},
		{"99999999999999999999999", "the port is outside 1..65535"},
		{":0", "the port is outside 1..65535"},
		{"127.0.0.1:0", "the port is outside 1..65535"},
		{"[::1]:65536", "the port is outside 1..65535"},
		{"127.0.0.1:http", "the port is not a number between 1 and 65535"},
		{"127.0.0.1:-1", "the port is not a number between 1 and 65535"},
		{"127.0.0.1:80 ", "the port is not a number between 1 and 65535"},
		{"127.0.0.1", "has no port; write for example 127.0.0.1:80 or [::1]:80"},
		{"127.0.0.1:", "has no port; write for example 127.0.0.1:80"},
		{"[::1]", "has no port; write for example 127.0.0.1:80 or [::1]:80"},
		{"[::1:80", "the bracket is not closed; write for example [::1]:80"},
		{"[::1]80", "after the bracket comes :PORT, as in [::1]:80"},
		{"::1:80", "an IPv6 address stands in brackets, as in [::1]:80"},
		{"[127.0.0.1]:80", "what is between the brackets is not an IPv6 address"},
		{"[]:80", "what is between the brackets is not an IPv6 address"},
		{"[fe80::1]:80", "a link-local address needs its interface: [fe80::1%eth0]:80"},
		{"[fe80::1%]:80", ZONE},
		{"[fe80::1%0]:80", ZONE},
		{"[fe80::1%4294967296]:80", ZONE},
		{"[fe80::1%a/b]:80", ZONE},
		{"[fe80::1%a:b]:80", ZONE},
		{"[fe80::1%..]:80", ZONE},
		{"[fe80::1%sixteen-letters-]:80", ZONE},
		{"[::1%lo]:80", "only a link-local address (fe80::...) belongs to an interface: "
				"leave out % and what is behind it"},
		{"[::1%99]:80", "only a link-local address (fe80::...) belongs to an interface: "
				"leave out % and what is behind it"},
		{"[2001:db8::1%1]:80", "only a link-local address (fe80::...) belongs to an "
				       "interface: leave out % and what is behind it"},
		{"[ff02::1]:80", "is a multicast address, and TCP has none"},
		{"224.0.0.1:80", "is a multicast address, and TCP has none"},
		{"239.255.255.255:80", "is a multicast address, and TCP has none"},
		{"[::ffff:1.2.3.4]:80", "write an IPv4 address without ::ffff: and brackets"},
		{"*:80", "for every local address write the port alone, as in :80"},
		{"300.1.2.3:80", "the host is not an IPv4 address; write for example 127.0.0.1:80"},
		{"1.2.3:80", "the host is not an IPv4 address; write for example 127.0.0.1:80"},
		{"a..b:80", "the host name has an empty part"},
		{"a b:80", "the host is neither an address nor a name"},
		{"http://host:80", "is a URL; write only host and port, as in 127.0.0.1:80"},
		{"/run/x.sock", "is a path; write unix: in front of it"},
		{"unix:", "after unix: comes a path that begins with / (or @ and a name for the "
			  "abstract name space)"},
		{"unix:x", "after unix: comes a path that begins with / (or @ and a name for the "
			   "abstract name space)"},
		{"unix:@", "the path or name of the unix socket is missing"},
		{"systemd:", "after systemd: comes the socket's FileDescriptorName="},
		{"systemd:a:b",
		 "the name after systemd: holds no blanks, colons or control characters"},
	};
	for (size_t i = 0; i < array_size(cases); i++) {
		struct address address;
		const char *why = "";

		ck_assert_msg(address_parse(&address, cases[i].text, ADDRESS_FOR_LISTEN, &why) ==
				      -EINVAL,
			      "\"%s\" was taken", cases[i].text);
		ck_assert_str_eq(why, cases[i].why);
	}
}
END_TEST

START_TEST(what_cannot_be_connected_to_is_refused_for_a_server)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"80", "has no host; write for example 127.0.0.1:80"},
		{":80", "has no host; write for example 127.0.0.1:80"},
		{"0.0.0.0:80", "is every address, which cannot be connected to; this machine is "
			       "127.0.0.1 or [::1]"},
		{"[::]:80", "is every address, which cannot be connected to; this machine is "
			    "127.0.0.1 or [::1]"},
	};
	static const struct {
		const char *text, *why;
	} services[] = {
		{"srv:", "after srv: comes the name of a service, as in "
			 "srv:_postgresql._tcp.example.com"},
		{"srv:_pg._tcp.example:5432", "srv: takes no port: the service's records have it"},
		{"srv:a..b", "the host name has an empty part"},
		{"srv:10.0.0.1", "after srv: comes the name of a service, not an address"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct address address;
		const char *why = "";

		ck_assert_int_eq(address_parse(&address, cases[i].text, ADDRESS_FOR_CONNECT, &why),
				 -EINVAL);
		ck_assert_str_eq(why, cases[i].why);
		ck_assert_int_eq(address_parse(&address, cases[i].text, ADDRESS_FOR_LISTEN, &why),
				 0);
	}
	for (size_t i = 0; i < array_size(services); i++) {
		struct address address;
		const char *why = "";

		ck_assert_int_eq(
			address_parse(&address, services[i].text, ADDRESS_FOR_CONNECT, &why),
			-EINVAL);
		ck_assert_str_eq(why, services[i].why);
	}
}
END_TEST

START_TEST(a_host_name_may_be_253_bytes_long_in_parts_of_63)
{
	char text[300];
	struct address address;
	const char *why;

	memset(text, 'a', sizeof(text));
	text[63] = text[127] = text[191] = '.';
	strcpy(text + 253, ":80");
	address = parsed(text, EITHER);
	ck_assert_uint_eq(strlen(address.host), 253);

	text[63] = 'a';
	ck_assert_int_eq(address_parse(&address, text, EITHER, &why), -EINVAL);
	ck_assert_str_eq(why, "the host name has a part of more than 63 bytes");

	text[63] = '.';
	strcpy(text + 253, "a:80");
	ck_assert_int_eq(address_parse(&address, text, EITHER, &why), -EINVAL);
	ck_assert_str_eq(why, "the host name is longer than 253 bytes");
}
END_TEST

START_TEST(what_was_refused_leaves_the_result_alone)
{
	struct address address = parsed("127.0.0.1:80", EITHER);
	const char *why;

	ck_assert_int_eq(address_parse(&address, "[::1]:0", EITHER, &why), -EINVAL);
	ck_assert_int_eq(address.u.in.sin_family, AF_INET);
	ck_assert_uint_eq(address.port, 80);
}
END_TEST

START_TEST(every_kind_is_written_as_it_was_read)
{
	static const char *const texts[] = {
		":80",
		"127.0.0.1:8080",
		"[::1]:80",
		"[2001:db8::5]:5432",
		"[fe80::1%2]:80",
		"[fe80::1%eth0.7]:80",
		"host.example:80",
		"unix:/run/x.sock",
		"unix:@x",
		"systemd:http.web",
		"srv:_pg._tcp.example",
	};
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < array_size(texts); i++) {
		bool listens = strncmp(texts[i], "srv:", 4) != 0;
		struct address address =
			parsed(texts[i], listens ? ADDRESS_FOR_LISTEN : ADDRESS_FOR_CONNECT);

		ck_assert_str_eq(address_format(&address, text, sizeof(text)), texts[i]);
	}
}
END_TEST

START_TEST(ipv4_seen_through_an_ipv6_socket_is_written_as_ipv4)
{
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(51034)};
	char text[ADDRESS_TEXT_MAX];

	ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr), 1);
	ck_assert_str_eq(address_format_socket((struct sockaddr *)&mapped, sizeof(mapped), text,
					       sizeof(text)),
			 "192.0.2.7:51034");
}
END_TEST

START_TEST(a_peer_without_a_name_is_written_as_unix)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char text[ADDRESS_TEXT_MAX];

	ck_assert_str_eq(address_format_socket((struct sockaddr *)&un, sizeof(sa_family_t), text,
					       sizeof(text)),
			 "unix:");
}
END_TEST

/* unix(7): the kernel may give a path that fills sun_path and has no NUL. */
START_TEST(a_path_that_fills_its_room_is_written_whole)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char text[ADDRESS_TEXT_MAX];

	memset(un.sun_path, 'a', sizeof(un.sun_path));
	un.sun_path[0] = '/';
	address_format_socket((struct sockaddr *)&un, sizeof(un), text, sizeof(text));
	ck_assert_uint_eq(strlen(text), strlen("unix:") + sizeof(un.sun_path));
}
END_TEST

START_TEST(an_abstract_name_chosen_by_a_peer_cannot_forge_text)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0a\nb\0c"};
	char text[ADDRESS_TEXT_MAX];

	ck_assert_str_eq(address_format_socket((struct sockaddr *)&un,
					       offsetof(struct sockaddr_un, sun_path) + 6, text,
					       sizeof(text)),
			 "unix:@a?b?c");
}
END_TEST

START_TEST(what_is_no_address_is_written_as_unknown)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	char text[ADDRESS_TEXT_MAX];

	ck_assert_str_eq(address_format_socket((struct sockaddr *)&in6, sizeof(struct sockaddr_in),
					       text, sizeof(text)),
			 "unknown");
	ck_assert_str_eq(address_format_socket((struct sockaddr *)&in6, 0, text, sizeof(text)),
			 "unknown");
}
END_TEST

START_TEST(text_is_cut_to_the_room_there_is)
{
	struct address address = parsed("host.example:80", EITHER);
	char text[8];

	ck_assert_str_eq(address_format(&address, text, sizeof(text)), "host.ex");
}
END_TEST

SUITE("address", a_port_alone_is_every_local_address_of_both_families,
      numeric_addresses_are_complete_socket_addresses, a_link_local_address_carries_its_interface,
      an_interface_is_looked_up_by_its_name_when_it_is_used,
      a_unix_path_is_counted_with_its_nul_and_an_abstract_name_without,
      the_longest_unix_path_fits_and_one_more_does_not, a_name_keeps_its_text_until_it_is_looked_up,
      a_service_is_a_name_without_a_port_for_connecting_only,
      an_inherited_socket_is_for_listening_only,
      what_cannot_be_understood_is_refused_with_what_would_be_right,
      what_cannot_be_connected_to_is_refused_for_a_server,
      a_host_name_may_be_253_bytes_long_in_parts_of_63, what_was_refused_leaves_the_result_alone,
      every_kind_is_written_as_it_was_read, ipv4_seen_through_an_ipv6_socket_is_written_as_ipv4,
      a_peer_without_a_name_is_written_as_unix, a_path_that_fills_its_room_is_written_whole,
      an_abstract_name_chosen_by_a_peer_cannot_forge_text, what_is_no_address_is_written_as_unknown,
      text_is_cut_to_the_room_there_is)
