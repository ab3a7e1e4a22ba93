/* How servers are chosen, asked and found: what is read of a file, and what is said of one that is
 * wrong. */
#include "support/config_text.h"

#define WEB    "[proxy web]\nlisten = 80\n"
#define SERVER "server = 10.0.0.1:80\n"

START_TEST(without_keys_servers_take_turns_and_are_not_asked)
{
	struct config config = config_of(WEB SERVER);
	const struct config_settings *settings = &config.sections[0].settings;

	ck_assert_uint_eq(settings->balance, CONFIG_BALANCE_ROUND_ROBIN);
	ck_assert_uint_eq(settings->retries, CONFIG_RETRIES_ALL);
	ck_assert_uint_eq(settings->retry_timeout_ms, 0);
	ck_assert_uint_eq(settings->queue, 0);
	ck_assert_uint_eq(settings->queue_timeout_ms, 0);
	ck_assert_uint_eq(settings->on_down, CONFIG_ON_DOWN_KEEP);
	ck_assert_uint_eq(settings->on_up, CONFIG_ON_UP_KEEP);
	ck_assert_uint_eq(settings->panic, CONFIG_PANIC_LAST_RESORT);
	ck_assert_uint_eq(settings->check, CONFIG_CHECK_OFF);
	ck_assert_str_eq(settings->check_request, "GET /");
	ck_assert_ptr_null(settings->check_host);
	ck_assert_ptr_null(settings->check_expect);
	ck_assert_ptr_null(settings->check_send);
	ck_assert_ptr_null(settings->check_user);
	ck_assert_uint_eq(settings->check_every_ms, 2000);
	ck_assert_uint_eq(settings->check_timeout_ms, 1000);
	ck_assert_uint_eq(settings->check_fall, 3);
	ck_assert_uint_eq(settings->check_rise, 2);
	ck_assert_uint_eq(settings->check_fast_ms, 0);
	ck_assert_uint_eq(settings->resolve_min_ms, 5000);
	ck_assert_uint_eq(settings->resolve_max_ms, 300000);
	ck_assert_uint_eq(settings->resolve_hold_ms, 0);
	ck_assert_ptr_null(settings->resolver);
	ck_assert_uint_eq(settings->family, CONFIG_FAMILY_AUTO);
	config_done(&config);
}
END_TEST

#define IS(key, value, field, is)                                                                  \
	{                                                                                          \
		key " = " value "\n", offsetof(struct config_settings, field), is                  \
	}
static const struct {
	const char *line;
	size_t offset;
	uint32_t is;
} numbers[] = {
	IS("retries", "all", retries, CONFIG_RETRIES_ALL),
	IS("retries", "0", retries, 0),
	IS("retries", "255", retries, 255),
	IS("queue", "10", queue, 10),
	IS("queue", "off", queue, 0),
	IS("queue_timeout", "3s", queue_timeout_ms, 3000),
	IS("queue_timeout", "connect_timeout", queue_timeout_ms, 0),
	IS("panic", "last_resort", panic, CONFIG_PANIC_LAST_RESORT),
	IS("panic", "off", panic, CONFIG_PANIC_OFF),
	IS("panic", "never", panic, CONFIG_PANIC_OFF),
	IS("panic", "50%", panic, 50),
	IS("check_fast", "auto", check_fast_ms, 0),
	IS("check_fast", "10ms", check_fast_ms, 10),
	IS("resolve_hold", "never", resolve_hold_ms, 0),
	IS("balance", "round_robin", balance, CONFIG_BALANCE_ROUND_ROBIN),
	IS("balance", "least_conn", balance, CONFIG_BALANCE_LEAST_CONN),
	IS("balance", "random_two", balance, CONFIG_BALANCE_RANDOM_TWO),
	IS("balance", "source_hash", balance, CONFIG_BALANCE_SOURCE_HASH),
	IS("balance", "least_time", balance, CONFIG_BALANCE_LEAST_TIME),
	IS("check", "off", check, CONFIG_CHECK_OFF),
	IS("check", "no", check, CONFIG_CHECK_OFF),
	IS("check", "tcp", check, CONFIG_CHECK_TCP),
	IS("check", "http", check, CONFIG_CHECK_HTTP),
	IS("check_expect", "+PONG\ncheck = send", check, CONFIG_CHECK_SEND),
	IS("check", "redis", check, CONFIG_CHECK_REDIS),
	IS("check_user", "check\ncheck = mysql", check, CONFIG_CHECK_MYSQL),
	IS("check", "postgres", check, CONFIG_CHECK_POSTGRES),
	IS("on_down", "keep", on_down, CONFIG_ON_DOWN_KEEP),
	IS("on_down", "drain", on_down, CONFIG_ON_DOWN_DRAIN),
	IS("on_down", "reset", on_down, CONFIG_ON_DOWN_RESET),
	IS("on_up", "keep", on_up, CONFIG_ON_UP_KEEP),
	IS("on_up", "reset", on_up, CONFIG_ON_UP_RESET),
	IS("family", "auto", family, CONFIG_FAMILY_AUTO),
	IS("family", "ipv4", family, CONFIG_FAMILY_IPV4),
	IS("family", "ipv6", family, CONFIG_FAMILY_IPV6),
	IS("family", "ipv4_first", family, CONFIG_FAMILY_IPV4_FIRST),
	IS("family", "ipv6_first", family, CONFIG_FAMILY_IPV6_FIRST),
};
#undef IS

START_TEST(a_key_about_servers_is_what_it_says)
{
	char text[300];
	struct config config;

	snprintf(text, sizeof(text), WEB SERVER "%s", numbers[_i].line);
	config = config_of(text);
	ck_assert_uint_eq(*(const uint32_t *)((const char *)&config.sections[0].settings +
					      numbers[_i].offset),
			  numbers[_i].is);
	config_done(&config);
}
END_TEST

START_TEST(a_name_server_is_asked_at_its_port_or_at_53)
{
	static const char *const pairs[][2] = {
		{"10.0.0.2", "10.0.0.2:53"},
		{"127.0.0.1:8600", "127.0.0.1:8600"},
		{"[::1]", "[::1]:53"},
		{"[::1]:8600", "[::1]:8600"},
	};
	char text[200];

	for (size_t i = 0; i < array_size(pairs); i++) {
		struct config config;

		snprintf(text, sizeof(text), WEB "server = a.example:1\nresolver = %s\n",
			 pairs[i][0]);
		config = config_of(text);
		ck_assert_str_eq(config.sections[0].settings.resolver, pairs[i][1]);
		config_done(&config);
	}
}
END_TEST

static const struct {
	const char *lines, *said;
} wrong_keys[] = {
	{"balance = leastconn\n",
	 "balance: \"leastconn\" is not one of: round_robin, least_conn, random_two, source_hash, "
	 "least_time (did you mean least_conn?)"},
	{"balance = roundrobin\n",
	 "balance: \"roundrobin\" is not one of: round_robin, least_conn, random_two, source_hash, "
	 "least_time (did you mean round_robin?)"},
	{"balance = ip_hash\n",
	 "balance: \"ip_hash\" is not one of: round_robin, least_conn, random_two, source_hash, "
	 "least_time (did you mean source_hash?)"},
	{"check = httpchk\n",
	 "check: \"httpchk\" is not one of: off, tcp, http, send, redis, mysql, "
	 "postgres (did you mean http?)"},
	{"check = on\n",
	 "check: \"on\" is not one of: off, tcp, http, send, redis, mysql, postgres"},
	{"retries = 256\n", "retries: \"256\" is outside 0..255 or all"},
	{"retries = some\n", "retries: \"some\" is not a whole number (0..255 or all)"},
	{"panic = 0\n", "panic: \"0\" is outside 1%..100%, last_resort or off"},
	{"panic = 101%\n", "panic: \"101%\" is outside 1%..100%, last_resort or off"},
	{"queue = 1000001\n", "queue: \"1000001\" is outside 1..1000000 or off"},
	{"queue_timeout = 2h\n", "queue_timeout: \"2h\" is outside 1ms..1h or connect_timeout"},
	{"queue_timeout = never\n",
	 "queue_timeout: \"never\" is not a time; write for example 500ms, 30s or 1h30min "
	 "(1ms..1h or connect_timeout)"},
	{"retry_timeout = 2h\n", "retry_timeout: \"2h\" is outside 1ms..1h or off"},
	{"check_every = 5ms\n", "check_every: \"5ms\" is outside 10ms..1d"},
	{"check_timeout = 0\n",
	 "check_timeout: \"0\" (a number alone is seconds) is outside 1ms..10min"},
	{"check_fall = 0\n", "check_fall: \"0\" is outside 1..100"},
	{"check_rise = 101\n", "check_rise: \"101\" is outside 1..100"},
	{"check_fast = 1ms\n", "check_fast: \"1ms\" is outside 10ms..1d or auto"},
	{"resolve_min = 10ms\n", "resolve_min: \"10ms\" is outside 100ms..1d"},
	{"resolve_max = 2d\n", "resolve_max: \"2d\" is outside 100ms..1d"},
	{"resolve_hold = 10ms\n", "resolve_hold: \"10ms\" is outside 1s..30d or infinity"},
	{"on_down = close\n",
	 "on_down: \"close\" is not one of: keep, drain, reset (did you mean reset?)"},
	{"on_up = drain\n", "on_up: \"drain\" is not one of: keep, reset"},
	{"family = v4\n", "family: \"v4\" is not one of: auto, ipv4, ipv6, ipv4_first, ipv6_first"},
	{"resolver = dns.example\n",
	 "resolver: \"dns.example\" is not the address of a name server; write for example "
	 "127.0.0.1:8600, or auto for those of /etc/resolv.conf"},
	{"resolver = 10.0.0.2:0\n", "resolver: \"10.0.0.2:0\": the port is outside 1..65535"},
	{"resolver = ::1\n",
	 "resolver: \"::1\": an IPv6 address stands in brackets, as in [::1]:80"},
	{"balance =\n", "balance: has no value; remove the line to have the default"},
	{"inter = 2s\n", "inter: no such key; did you mean check_every?"},
	{"fall = 2\n", "fall: no such key; did you mean check_fall?"},
	{"rise = 2\n", "rise: no such key; did you mean check_rise?"},
	{"health_check = tcp\n", "health_check: no such key; did you mean check?"},
	{"balanse = least_conn\n", "balanse: no such key; did you mean balance?"},

	/* what contradicts */
	{"check = tcp\ncheck_timeout = 3s\n",
	 "check_timeout: 3s is longer than check_every, which is 2s; lower it, or raise "
	 "check_every"},
	{"check = tcp\ncheck_every = 500ms\n",
	 "check_every: 500ms is shorter than check_timeout, which is 1s by default; add for "
	 "example check_timeout = 500ms"},
	{"check = tcp\ncheck_fast = 3s\n",
	 "check_fast: 3s is longer than check_every, which is 2s; lower it, or raise "
	 "check_every"},
	{"check = send\n", "check: send needs check_expect, what a server answers that is well; "
			   "write for example check_expect = +PONG, or check = tcp"},
	{"check = mysql\n", "check: mysql needs check_user, an account without a password and "
			    "without rights; write for example check_user = check"},
	{"check = postgres\ncheck_user = a b\n", "check_user: is one word, without blanks"},
	{"check = postgres\ncheck_user = "
	 "1234567890123456789012345678901234567890123456789012345678901234\n",
	 "check_user: is 64 bytes long; the most is 63"},
	{"check = mysql\ncheck_user = "
	 "123456789012345678901234567890123456789012345678901234567890123456789012345678901\n",
	 "check_user: is 81 bytes long; the most is 80"},
	{"check = http\ncheck_request = /health\n",
	 "check_request: \"/health\" is a path without a method; write GET /health"},
	{"check = http\ncheck_request = GET /health HTTP/1.1\n",
	 "check_request: \"GET /health HTTP/1.1\" is not a method and a path; write for example "
	 "GET /health"},
	{"check = http\ncheck_request = get\n",
	 "check_request: \"get\" is not a method and a path; write for example GET /health"},
	{"check = http\ncheck_host = http://x/\n",
	 "check_host: is a host, perhaps with a port, as in www.example.com"},
	{"check = http\ncheck_expect = ok\n",
	 "check_expect: \"ok\" is no HTTP status, which is 100 to 599; write for example 200-399, "
	 "2xx or 200,204"},
	{"check = http\ncheck_expect = 200 *\n",
	 "check_expect: \"*\" expects nothing; what the answer begins with is written, as in "
	 "+PONG, or * and what is in it"},
	{"check = http\ncheck_request = HEAD /\ncheck_expect = *ok\n",
	 "check_expect: what is in a body is not found where check_request = HEAD; write GET"},
	{"check = send\ncheck_expect = hex:0\n",
	 "check_expect: after hex: come bytes of two digits each, 0-9 and a-f, and not \"0\""},
	{"check = send\ncheck_expect = x\ncheck_send = \\q\n",
	 "check_send: \"\\q\" is none of \\r, \\n, \\t, \\\\ and \\xHH (two hexadecimal digits)"},
};

/* The line that is named is the last one that is wrong; those above it are as they should be. */
START_TEST(a_key_about_servers_that_is_wrong_is_said_with_what_would_be_right)
{
	char text[400], said[1000];
	const char *all, *place;

	snprintf(text, sizeof(text), WEB SERVER "%s", wrong_keys[_i].lines);
	all = config_said_of(text);
	place = strstr(all, ": [proxy web] ");
	ck_assert_msg(place, "%s: %s", wrong_keys[_i].lines, all);
	snprintf(said, sizeof(said), ": [proxy web] %s\n", wrong_keys[_i].said);
	ck_assert_str_eq(place, said);
}
END_TEST

/* So that what is printed of it is a line that can be read. */
START_TEST(a_text_is_at_most_1000_bytes_long)
{
	char text[2000];

	snprintf(text, sizeof(text), WEB SERVER "check = send\ncheck_expect = %01000d\n", 0);
	ck_assert_config_mistakes(text, "");
	snprintf(text, sizeof(text), WEB SERVER "check = send\ncheck_expect = %01001d\n", 0);
	ck_assert_config_mistakes(text, "t:5: [proxy web] check_expect: is 1001 bytes long; the "
					"most is 1000\n");
}
END_TEST

START_TEST(names_are_not_looked_up_sooner_than_at_the_latest)
{
	ck_assert_config_mistakes(WEB "server = a.example:1\nresolve_min = 10min\n",
				  "t:4: [proxy web] resolve_min: 10min is longer than resolve_max, "
				  "which is 5min; lower it, or raise resolve_max\n");
	ck_assert_config_mistakes("[defaults]\nresolve_max = 1s\n" WEB "server = a.example:1\n",
				  "t:2: [defaults] resolve_max: 1s is shorter than resolve_min, "
				  "which is 5s by default; add for example resolve_min = 1s\n");
}
END_TEST

static const struct {
	const char *line, *why;
} without_effect[] = {
	{"queue = 5", "no server has max_connections, so that none is ever full"},
	{"queue_timeout = 1s", "it is about queue, which is off"},
	{"retry_timeout = 1s\nretries = 0", "no other server is tried with retries = 0"},
	{"on_up = reset", "there is no backup, and all priorities are the same"},
	{"on_down = reset", "what is down is found out by check, which is off"},
	{"check_request = GET /x", "it is about check = http"},
	{"check_host = x", "it is about check = http"},
	{"check_send = x", "it is about check = send"},
	{"check_expect = x\ncheck = tcp", "it is about check = http, send and redis"},
	{"check_user = x", "it is about check = mysql and postgres"},
	{"check_every = 9s", "it is about check, which is off"},
	{"check_timeout = 9s", "it is about check, which is off"},
	{"check_fall = 9", "it is about check, which is off"},
	{"check_rise = 9", "it is about check, which is off"},
	{"check_fast = 9s", "it is about check, which is off"},
	{"resolve_min = 9s", "no server of these is a name"},
	{"resolve_max = 9s", "no server of these is a name"},
	{"resolve_hold = 9s", "no server of these is a name"},
	{"resolver = 10.0.0.2", "no server of these is a name"},
	{"family = ipv4", "no server of these is a name"},
};

START_TEST(a_key_that_another_leaves_without_effect_is_warned_of)
{
	const char *line = without_effect[_i].line, *why = without_effect[_i].why;
	char text[400], said[400];
	int key = (int)strcspn(line, " ");

	snprintf(text, sizeof(text), "%s%s%s\n", WEB, SERVER, line);
	snprintf(said, sizeof(said), "t:4: [proxy web] %.*s: has no effect: %s\n", key, line, why);
	ck_assert_str_eq(config_said_of(text), said);

	snprintf(text, sizeof(text), "[defaults]\n%s\n%s%s", line, WEB, SERVER);
	snprintf(said, sizeof(said), "t:2: [defaults] %.*s: has no effect: %s\n", key, line, why);
	ck_assert_str_eq(config_said_of(text), said);

	snprintf(text, sizeof(text), WEB "pool = p\n[pool p]\n" SERVER "%s\n", line);
	snprintf(said, sizeof(said), "t:6: [pool p] %.*s: has no effect: %s\n", key, line, why);
	ck_assert_str_eq(config_said_of(text), said);
}
END_TEST

SUITE_OF("config terms", 60, ONCE(without_keys_servers_take_turns_and_are_not_asked),
	 EACH(a_key_about_servers_is_what_it_says, (int)array_size(numbers)),
	 ONCE(a_name_server_is_asked_at_its_port_or_at_53),
	 EACH(a_key_about_servers_that_is_wrong_is_said_with_what_would_be_right,
	      (int)array_size(wrong_keys)),
	 ONCE(a_text_is_at_most_1000_bytes_long),
	 ONCE(names_are_not_looked_up_sooner_than_at_the_latest),
	 EACH(a_key_that_another_leaves_without_effect_is_warned_of,
	      (int)array_size(without_effect)))
