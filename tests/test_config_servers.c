/* Servers, their options, and pools: what is read of a file, and what is said of one that is wrong.
 */
#include "config/change.h"
#include "support/config_text.h"

#include <stdlib.h>

#define WEB    "[proxy web]\nlisten = 80\n"
#define SERVER "server = 10.0.0.1:80\n"

/* ---- Server lines ---------------------------------------------------------------------------- */

START_TEST(a_server_has_what_stands_behind_its_address)
{
	struct config config = config_of(
		WEB "server = 10.0.0.1:80 name=a weight=256 max_connections=100 slow_start=30s "
		    "max_fails=5 fail_timeout=1min check_port=8008 check_address=10.0.0.9\n"
		    "server = 10.0.0.2:80 weight=0 priority=255 disabled\n"
		    "server = 10.0.0.3:80\tbackup  max_fails=off\n"
		    "server = unix:/run/x.sock check_address=unix:/run/health.sock\n");
	const struct config_endpoint *servers = config.sections[0].servers;

	ck_assert_str_eq(servers[0].name, "a");
	ck_assert_uint_eq(servers[0].weight, 256);
	ck_assert_uint_eq(servers[0].max_connections, 100);
	ck_assert_uint_eq(servers[0].slow_start_ms, 30000);
	ck_assert_uint_eq(servers[0].max_fails, 5);
	ck_assert_uint_eq(servers[0].fail_timeout_ms, 60000);
	ck_assert_uint_eq(servers[0].check_port, 8008);
	ck_assert_int_eq(servers[0].check_address.kind, ADDRESS_INET);
	ck_assert_uint_eq(servers[0].check_address.u.in.sin_port, 0);
	ck_assert_uint_eq(servers[0].check_address.u.in.sin_addr.s_addr, htonl(0x0a000009));
	ck_assert_uint_eq(servers[1].weight, 0);
	ck_assert_uint_eq(servers[1].priority, 255);
	ck_assert(servers[1].disabled && !servers[0].disabled);
	ck_assert_uint_eq(servers[2].priority, CONFIG_PRIORITY_BACKUP);
	ck_assert_uint_eq(servers[2].max_fails, 0);
	ck_assert_int_eq(servers[3].check_address.kind, ADDRESS_UNIX);
	config_done(&config);
}
END_TEST

START_TEST(a_server_without_options_is_one_of_equals)
{
	struct config config = config_of(WEB SERVER);
	const struct config_endpoint *server = config.sections[0].servers;

	ck_assert_ptr_null(server->name);
	ck_assert_uint_eq(server->weight, 1);
	ck_assert_uint_eq(server->priority, 0);
	ck_assert_uint_eq(server->max_connections, 0);
	ck_assert_uint_eq(server->max_fails, 3);
	ck_assert_uint_eq(server->fail_timeout_ms, 10000);
	ck_assert_uint_eq(server->slow_start_ms, 0);
	ck_assert(!server->disabled);
	ck_assert_uint_eq(server->check_port, 0);
	ck_assert_int_eq(server->check_address.kind, ADDRESS_NONE);
	config_done(&config);
}
END_TEST

START_TEST(options_are_written_in_any_case_and_with_any_dashes)
{
	struct config config = config_of(WEB "server = 10.0.0.1:80 Max-Connections=7 BACKUP\n");

	ck_assert_uint_eq(config.sections[0].servers[0].max_connections, 7);
	ck_assert_uint_eq(config.sections[0].servers[0].priority, CONFIG_PRIORITY_BACKUP);
	config_done(&config);
}
END_TEST

static const struct {
	const char *options, *why;
} wrong_options[] = {
	{"weight=257", "weight: \"257\" is outside 0..256"},
	{"weight=heavy", "weight: \"heavy\" is not a whole number (0..256)"},
	{"weight", "weight needs a value, as in weight=..."},
	{"weight=", "weight needs a value, as in weight=..."},
	{"weight=1 weight=1", "weight is given twice"},
	{"priority=256", "priority: \"256\" is outside 0..255"},
	{"backup=yes", "backup takes no value"},
	{"backup backup", "backup is given twice"},
	{"backup priority=1", "backup is behind every priority; keep one of the two"},
	{"priority=0 backup", "backup is behind every priority; keep one of the two"},
	{"max_connections=16777216", "max_connections: \"16777216\" is outside 1..16777215 or off"},
	{"max_fails=1001", "max_fails: \"1001\" is outside 1..1000 or off"},
	{"max_fails=0 fail_timeout=1s", "fail_timeout has no use with max_fails=off"},
	{"fail_timeout=2h", "fail_timeout: \"2h\" is outside 1ms..1h"},
	{"fail_timeout=0", "fail_timeout: \"0\" (a number alone is seconds) is outside 1ms..1h"},
	{"slow_start=2d", "slow_start: \"2d\" is outside 1ms..1d or off"},
	{"slow_start=1s weight=0", "slow_start has no use with weight=0: it takes no connections"},
	{"check_port=0", "check_port=0 is outside 1..65535"},
	{"check_port=65536", "check_port=65536 is outside 1..65535"},
	{"check_port=http", "check_port=http is outside 1..65535"},
	{"check_address=10.0.0.5:80", "check_address=10.0.0.5:80 is not an address; write for "
				      "example check_address=10.0.0.5, and check_port="},
	{"check_address=host", "check_address=host is not an address; write for example "
			       "check_address=10.0.0.5, and check_port="},
	{"check_address=unix:/x check_port=1",
	 "check_port has no use: check_address is a unix socket"},
	{"name=a/b", "name=a/b is not a name; it is one word of letters, digits, \"_\", \".\" and "
		     "\"-\""},
	{"name=12345678901234567890123456789012345678901",
	 "name=12345678901234567890123456789012345678901 is 41 bytes long; the most is 40"},
	{"mode=0660", "mode has no use here: it is for listen lines"},
	{"freebind", "freebind has no use here: it is for listen lines"},
	{"wieght=2", "\"wieght=2\" is no option of a server; did you mean weight?"},
	{"bakup", "\"bakup\" is no option of a server; did you mean backup?"},
	{"maxconn=5", "\"maxconn=5\" is no option of a server; did you mean max_connections?"},
	{"max_conns=5", "\"max_conns=5\" is no option of a server; did you mean max_connections?"},
	{"down", "\"down\" is no option of a server; did you mean disabled?"},
	{"port=8008", "\"port=8008\" is no option of a server; did you mean check_port?"},
	{"check", "check is a key of its own, for all servers: write the line check = ..."},
	{"inter=2s", "check_every is a key of its own, for all servers: write the line "
		     "check_every = 2s"},
	{"fall=3",
	 "check_fall is a key of its own, for all servers: write the line check_fall = 3"},
	{"rise=2",
	 "check_rise is a key of its own, for all servers: write the line check_rise = 2"},
	{"balance=least_conn", "balance is a key of its own, for all servers: write the line "
			       "balance = least_conn"},
	{"10.0.0.2:80", "\"10.0.0.2:80\" is no option of a server; uringproxy.conf(5) has them "
			"all; for several servers repeat the key"},
};

START_TEST(a_wrong_option_is_said_with_what_would_be_right)
{
	char text[400], expected[600];

	snprintf(text, sizeof(text), WEB "server = 10.0.0.1:80 %s\n", wrong_options[_i].options);
	snprintf(expected, sizeof(expected), "t:3: [proxy web] server: \"10.0.0.1:80 %s\": %s\n",
		 wrong_options[_i].options, wrong_options[_i].why);
	ck_assert_config_mistakes(text, expected);
}
END_TEST

/* Elsewhere the name is in front. */
START_TEST(the_address_comes_first)
{
	ck_assert_config_mistakes(
		WEB "server = web1 10.0.0.1:80 check\nserver = web1 weight=2\n",
		"t:3: [proxy web] server: \"web1 10.0.0.1:80 check\": the address comes first; "
		"write 10.0.0.1:80 name=web1\n"
		"t:4: [proxy web] server: \"web1 weight=2\": has no port; write for example "
		"127.0.0.1:80 or [::1]:80\n");
}
END_TEST

START_TEST(a_unix_socket_has_no_port_to_be_asked_at)
{
	ck_assert_config_mistakes(
		WEB "server = unix:/x check_port=1\nserver = unix:/y check_address=10.0.0.1\n",
		"t:3: [proxy web] server: \"unix:/x check_port=1\": check_port needs "
		"check_address here: a unix socket has none\n"
		"t:4: [proxy web] server: \"unix:/y check_address=10.0.0.1\": check_address needs "
		"check_port here: a unix socket has none\n");
	ck_assert_config_mistakes(WEB "check = tcp\nserver = unix:/x\n"
				      "server = unix:/y check_address=::1 check_port=1\n",
				  "");
}
END_TEST

START_TEST(a_listen_line_has_no_options_of_servers)
{
	ck_assert_config_mistakes("[echo]\nlisten = 127.0.0.1:7 weight=2\n",
				  "t:2: [echo] listen: \"127.0.0.1:7 weight=2\": weight has no use "
				  "here: it is for server lines\n");
}
END_TEST

START_TEST(two_servers_of_a_pool_have_two_names)
{
	ck_assert_config_mistakes(WEB SERVER "server = 10.0.0.2:80\n" SERVER,
				  "t:5: [proxy web] server: \"10.0.0.1:80\" is there already, at "
				  "t:3; for a bigger share write weight=2 there\n");
	ck_assert_config_mistakes(
		WEB "server = 10.0.0.1:80 name=a\nserver = 10.0.0.2:80\n"
		    "server = host.example:80 name=a\n",
		"t:5: [proxy web] server: \"a\" is the name of \"10.0.0.1:80\" at t:3, too; give "
		"one of the two another by name=\n");
	ck_assert_str_eq(config_said_of(WEB "server = 10.0.0.1:80 name=a\n" SERVER),
			 "t:4: [proxy web] server: \"10.0.0.1:80\" is at t:3, too, by another "
			 "name: each of the two has limits and failures of its own; for a bigger "
			 "share write weight=2\n");
	/* of different pools they are different */
	ck_assert_str_eq(config_said_of(WEB SERVER "[proxy other]\nlisten = 81\n" SERVER), "");
}
END_TEST

START_TEST(a_pool_that_serves_nobody_is_warned_of)
{
	ck_assert_str_eq(config_said_of(WEB "server = 10.0.0.1:80 weight=0\n"
					    "server = 10.0.0.2:80 disabled\n"),
			 "t:1: [proxy web] has no server that takes connections: each is "
			 "disabled, or has weight=0\n");
	ck_assert_str_eq(config_said_of(WEB "pool = p\n[pool p]\nserver = 10.0.0.1:80 backup\n"
					    "server = 10.0.0.2:80 backup\n"),
			 "t:4: [pool p] has backups only: they are used as if they were none; "
			 "take the word away\n");
	ck_assert_str_eq(config_said_of(WEB "server = 10.0.0.1:80 weight=0\n"
					    "server = 10.0.0.2:80 backup\n"),
			 "");
}
END_TEST

/* ---- Pools ----------------------------------------------------------------------------------- */

#define POOL   "[pool db]\nserver = 10.0.0.1:5432\nserver = 10.0.0.2:5432\nconnect_timeout = 2s\n"
#define INSIDE "[proxy inside]\nlisten = 1\npool = db\nidle_timeout = 9s\n"

START_TEST(proxies_have_the_servers_of_the_pool_that_they_name)
{
	struct config config = config_of(INSIDE POOL "[proxy web]\nlisten = 2\n" SERVER);
	const struct config_section *inside = &config.sections[0], *web = &config.sections[1];
	char text[CONFIG_EXPLAIN_MAX];

	ck_assert_uint_eq(config.section_count, 2);
	ck_assert_uint_eq(config.pool_count, 1);
	ck_assert_int_eq(config.pools[0].kind, CONFIG_POOL);
	ck_assert_uint_eq(config.pools[0].server_count, 2);
	ck_assert_uint_eq(config.pools[0].settings.connect_timeout_ms, 2000);
	ck_assert_ptr_eq(config_pool(&config, inside), &config.pools[0]);
	ck_assert_ptr_eq(config_pool(&config, web), web);
	ck_assert_str_eq(config_explain(&config, inside, "connect_timeout", text, sizeof(text)),
			 "connect_timeout = 2s, [pool db] line 8");
	ck_assert_str_eq(config_explain(&config, inside, "idle_timeout", text, sizeof(text)),
			 "idle_timeout = 9s, [proxy inside] line 4");
	ck_assert_uint_eq(config_origin(&config, inside, "connect_timeout")->line, 8);
	config_done(&config);
}
END_TEST

START_TEST(defaults_are_for_proxies_and_pools)
{
	struct config config = config_of(
		"[defaults]\nbalance = least_conn\ncheck = http\ncheck_host = x.example\n" INSIDE
		"[pool db]\nserver = 10.0.0.1:80\ncheck_host = y.example\n"
		"[proxy web]\nlisten = 2\n" SERVER);
	const struct config_settings *db = &config.pools[0].settings;
	const struct config_settings *web = &config.sections[1].settings;

	ck_assert_uint_eq(db->balance, CONFIG_BALANCE_LEAST_CONN);
	ck_assert_uint_eq(db->check, CONFIG_CHECK_HTTP);
	ck_assert_str_eq(db->check_host, "y.example");
	ck_assert_uint_eq(web->balance, CONFIG_BALANCE_LEAST_CONN);
	ck_assert_str_eq(web->check_host, "x.example");
	config_done(&config);
}
END_TEST

static void gather(void *owner, const struct config_setting *setting)
{
	char *text = owner;

	if (!strcmp(setting->key, "server") || !strcmp(setting->key, "connect_timeout") ||
	    !strcmp(setting->key, "pool"))
		snprintf(text + strlen(text), 1000 - strlen(text), "%s %s=%s\n", setting->title,
			 setting->key, setting->value);
}

START_TEST(what_is_about_servers_is_shown_where_they_stand)
{
	struct config config = config_of(INSIDE POOL);
	char text[1000] = "";

	config_each(&config, gather, text);
	ck_assert_str_eq(text, "[proxy inside] pool=db\n"
			       "[pool db] server=10.0.0.1:5432\n"
			       "[pool db] server=10.0.0.2:5432\n"
			       "[pool db] connect_timeout=2s\n");
	config_done(&config);
}
END_TEST

/* Printed, it is read as the same. */
START_TEST(a_pool_is_printed_as_it_would_be_written)
{
	struct config config =
		config_of(INSIDE POOL "check = send\ncheck_send = '\"ping\"'\n"
				      "check_expect = \\x2a\nretries = 0\npanic = off\n"
				      "server = srv:_pg._tcp.example name=s\n"
				      "resolver = 127.0.0.1\n");
	struct config again;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct report report = {0};

	config_print_effective(&config, out);
	fclose(out);
	again = config_of(text);
	config_compare(&config, &again, &report);
	ck_assert_msg(!report.count, "%s", report.count ? report.lines[0].text : "");
	ck_assert_str_eq(again.pools[0].settings.check_send, "\"ping\"");
	ck_assert_str_eq(again.pools[0].settings.resolver, "127.0.0.1:53");
	report_done(&report);
	config_done(&again);
	config_done(&config);
	free(text);
}
END_TEST

START_TEST(a_proxy_may_say_that_it_names_no_pool)
{
	struct config config = config_of("[proxy a]\nlisten = 1\npool = none\n" SERVER);

	ck_assert_ptr_null(config.sections[0].pool);
	config_done(&config);
}
END_TEST

START_TEST(what_is_different_in_a_pool_is_told)
{
	struct config before = config_of(INSIDE POOL);
	struct config now = config_of("[proxy inside]\nlisten = 1\npool = other\n"
				      "idle_timeout = 9s\n[pool other]\n" SERVER
				      "[proxy two]\nlisten = 2\npool = db\n[pool db]\n"
				      "server = 10.0.0.2:5432\nserver = 10.0.0.3:5432 weight=2\n"
				      "balance = least_conn\nconnect_timeout = 2s\n");
	struct report report = {0};
	char text[2000] = "";

	config_compare(&before, &now, &report);
	for (size_t i = 0; i < report.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n",
			 report.lines[i].text);
	ck_assert_str_eq(text, "[proxy inside] pool: db is other now\n"
			       "[proxy two] is new\n"
			       "[pool other] is new\n"
			       "[pool db] server 10.0.0.1:5432 is gone\n"
			       "[pool db] server 10.0.0.3:5432 weight=2 is new\n"
			       "[pool db] balance: round_robin is least_conn now\n");
	report_done(&report);
	config_done(&before);
	config_done(&now);
}
END_TEST

static const struct {
	const char *text, *said;
} wrong_pools[] = {
	{WEB "pool = db\n" SERVER POOL,
	 "t:4: [proxy web] server: is about servers, and these stand in [pool db] at t:5; move the "
	 "line there\n"},
	{WEB "pool = db\nbalance = least_conn\ncheck_every = 3s\n" POOL,
	 "t:4: [proxy web] balance: is about servers, and these stand in [pool db] at t:6; move "
	 "the line there\n"
	 "t:5: [proxy web] check_every: is about servers, and these stand in [pool db] at t:6; "
	 "move the line there\n"},
	{WEB, "t:1: [proxy web] no server to connect to; write for example server = "
	      "127.0.0.1:9000\n"},
	{WEB "pool = bd\n[pool db]\n" SERVER,
	 "t:3: [proxy web] pool: there is no [pool bd]; did you mean db?\n"
	 "t:4: [pool db] is used by no proxy; one that is to have these servers says pool = db\n"},
	{WEB "pool = files\n",
	 "t:3: [proxy web] pool: there is no [pool files]; write that section, and its server "
	 "lines\n"},
	{WEB "pool = a\n[proxy a]\nlisten = 81\n" SERVER,
	 "t:3: [proxy web] pool: there is no [pool a], and the servers of [proxy a] are its own; "
	 "move them into a [pool] that both name\n"},
	{WEB SERVER POOL,
	 "t:4: [pool db] is used by no proxy; one that is to have these servers says pool = db\n"},
	{WEB SERVER "[pool web]\nserver = 10.0.0.2:80\n",
	 "t:4: [pool web] [proxy web] at t:1 has servers of its own, which are a pool of that "
	 "name; give one of the two another name\n"},
	{WEB "pool = web\n[pool web]\n",
	 "t:4: [pool web] has no server; write for example server = 127.0.0.1:9000\n"},
	{WEB "pool = db\n" POOL POOL,
	 "t:8: [pool db] has begun before, at line 4; join the two or give each a name of its "
	 "own\n"},
	{WEB "pool = db\n" POOL "idle_timeout = 1s\nlisten = 9\n",
	 "t:8: [pool db] idle_timeout: has no meaning here; it belongs in [defaults] [proxy] "
	 "[echo] [discard] [chargen] [responder]\n"
	 "t:9: [pool db] listen: has no meaning here; it belongs in [proxy] [echo] [discard] "
	 "[chargen] [responder]\n"},
	{WEB "pool = web\n[pool web]\nserver = 127.0.0.1:80\n",
	 "t:5: [pool web] server: \"127.0.0.1:80\" is where [proxy web] listens, at t:2: it would "
	 "connect to itself without end\n"},
	{WEB "pool = web\nweight = 2\n[pool web]\n" SERVER "max_connections = 5\n",
	 "t:4: [proxy web] weight: is of one server: it stands behind its address, as in server = "
	 "127.0.0.1:9000 name=a weight=2\n"
	 "t:7: [pool web] max_connections: is of one server: it stands behind its address, as in "
	 "server = 127.0.0.1:9000 name=a weight=2\n"},
	{"[upstream db]\n" SERVER WEB "default_backend = db\n",
	 "t:1: there is no section [upstream]; did you mean [pool]?\n"
	 "t:3: [proxy web] no server to connect to; write for example server = 127.0.0.1:9000\n"
	 "t:5: [proxy web] default_backend: no such key; did you mean pool?\n"},
	{"[backend db]\n" SERVER WEB SERVER,
	 "t:1: there is no section [backend]; did you mean [pool]?\n"},
};

START_TEST(a_pool_that_is_wrong_is_said_with_what_would_be_right)
{
	ck_assert_str_eq(config_said_of(wrong_pools[_i].text), wrong_pools[_i].said);
}
END_TEST

SUITE_OF("config servers", 60, ONCE(a_server_has_what_stands_behind_its_address),
	 ONCE(a_server_without_options_is_one_of_equals),
	 ONCE(options_are_written_in_any_case_and_with_any_dashes),
	 EACH(a_wrong_option_is_said_with_what_would_be_right, (int)array_size(wrong_options)),
	 ONCE(the_address_comes_first), ONCE(a_unix_socket_has_no_port_to_be_asked_at),
	 ONCE(a_listen_line_has_no_options_of_servers), ONCE(two_servers_of_a_pool_have_two_names),
	 ONCE(a_pool_that_serves_nobody_is_warned_of),
	 ONCE(proxies_have_the_servers_of_the_pool_that_they_name),
	 ONCE(defaults_are_for_proxies_and_pools),
	 ONCE(what_is_about_servers_is_shown_where_they_stand),
	 ONCE(a_pool_is_printed_as_it_would_be_written),
	 ONCE(a_proxy_may_say_that_it_names_no_pool), ONCE(what_is_different_in_a_pool_is_told),
	 EACH(a_pool_that_is_wrong_is_said_with_what_would_be_right, (int)array_size(wrong_pools)))
