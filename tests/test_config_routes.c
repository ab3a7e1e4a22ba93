/* Routes by name: what is read of a file, and what is said of one that is wrong. */
#include "config/change.h"
#include "support/config_text.h"

#include <stdlib.h>

#define TLS   "[proxy tls]\nlisten = 443\n"
#define POOLS "[pool web]\nserver = 10.0.0.1:443\n[pool app]\nserver = 10.0.0.2:443\n"
#define OWN   "server = 10.0.0.9:443\n"

START_TEST(a_proxy_with_routes_needs_no_servers_of_its_own)
{
	struct config config = config_of(TLS "route_sni = a.example -> web\n"
					     "route_sni = *.example alpn=h2 -> app\n"
					     "route_sni = gone.example -> reject\n"
					     "route_alpn = acme-tls/1 -> web\n"
					     "no_sni = app\n" POOLS);
	const struct config_section *tls = &config.sections[0];

	ck_assert_uint_eq(tls->route_count, 4);
	ck_assert_ptr_eq(tls->routes[0].pool, &config.pools[0]);
	ck_assert_ptr_eq(tls->routes[1].pool, &config.pools[1]);
	ck_assert_ptr_null(tls->routes[2].pool);
	ck_assert_uint_eq(tls->routes[2].line->origin.line, 5);
	ck_assert_ptr_eq(tls->nameless.pool, &config.pools[1]);
	ck_assert_uint_eq(tls->reach_count, 2);
	ck_assert_ptr_eq(tls->reaches[0], &config.pools[0]);
	ck_assert_uint_eq(tls->hello_timeout_ms, 5000);
	ck_assert_uint_eq(tls->hello_max, 16 << 10);
	ck_assert_uint_eq(tls->preface, CONFIG_PREFACE_NONE);
	config_done(&config);
}
END_TEST

START_TEST(its_own_servers_are_where_all_other_names_go)
{
	struct config config = config_of(
		TLS OWN "route_sni = a.example -> web\nroute_sni = b -> tls\n" POOLS
			"[proxy other]\nlisten = 444\nroute_sni = * -> app\npool = web\n");
	const struct config_section *tls = &config.sections[0], *other = &config.sections[1];

	ck_assert_uint_eq(tls->reach_count, 2);
	ck_assert_ptr_eq(tls->reaches[0], tls);
	ck_assert_ptr_eq(tls->routes[1].pool, tls);
	ck_assert_uint_eq(other->reach_count, 2);
	ck_assert_ptr_eq(other->reaches[0], &config.pools[0]);
	config_done(&config);
}
END_TEST

START_TEST(a_pool_that_only_a_route_names_is_used)
{
	ck_assert_str_eq(config_said_of(TLS OWN "route_sni = a -> web\nno_sni = app\n" POOLS), "");
	ck_assert_str_eq(config_said_of(TLS OWN "route_sni = a -> web\n" POOLS),
			 "t:7: [pool app] is used by no proxy; one that is to have these servers "
			 "says pool = app\n");
	/* ... but not by one that nobody is asked for */
	ck_assert_str_eq(config_said_of(TLS "pool = web\nno_sni = app\n" POOLS),
			 "t:4: [proxy tls] no_sni: has no effect: no route asks for a "
			 "ClientHello\n"
			 "t:7: [pool app] is used by no proxy; one that is to have these servers "
			 "says pool = app\n");
}
END_TEST

static const struct {
	const char *lines, *said;
} wrong[] = {
	{"route_sni = a.example\n",
	 "t:3: [proxy tls] route_sni: \"a.example\": 'a.example' has no '->': it is NAME "
	 "[alpn=PROTO] -> POOL, reject or drop\n"},
	{"route_sni = a.*.example -> web\n",
	 "t:3: [proxy tls] route_sni: \"a.*.example -> web\": 'a.*.example': '*' stands for whole "
	 "parts at the beginning only: *.example\n"},
	{"route_alpn = h2\n", "t:3: [proxy tls] route_alpn: \"h2\": 'h2' has no '->': it is PROTO "
			      "-> POOL, reject or drop\n"},
	{"route_sni = a -> wbe\n",
	 "t:3: [proxy tls] route_sni: there is no [pool wbe]; did you mean web?\n"},
	{"route_sni = a -> rejct\n",
	 "t:3: [proxy tls] route_sni: there is no [pool rejct]; did you mean reject?\n"},
	{"route_sni = a -> nowhere_else\n",
	 "t:3: [proxy tls] route_sni: there is no [pool nowhere_else]; write that section, and its "
	 "server lines\n"},
	{"route_sni = a -> other\n",
	 "t:3: [proxy tls] route_sni: there is no [pool other], and the servers of [proxy other] "
	 "are its own; move them into a [pool] that both name\n"},
	{"route_sni = a -> web\nno_sni = wbe\n",
	 "t:4: [proxy tls] no_sni: there is no [pool wbe]; did you mean web?\n"},
	{"route_sni = A.example -> web\nroute_sni = a.example. -> app\n",
	 "t:4: [proxy tls] route_sni: \"a.example. -> app\" is for the same clients as "
	 "\"A.example -> web\" at t:3; one of the two has to go\n"},
	{"route_sni = .example -> web\nroute_sni = *.example -> app\n",
	 "t:4: [proxy tls] route_sni: \"*.example -> app\" is for the same clients as \".example "
	 "-> web\" at t:3; one of the two has to go\n"},
	{"route_sni = a -> web\nconnect_timeout = 2s\n",
	 "t:4: [proxy tls] connect_timeout: is about servers, and this section has none of its "
	 "own; move the line into the [pool] of the routes that it is for\n"},
	{"route_sni = a -> web\nhello_timeout = 0\n",
	 "t:4: [proxy tls] hello_timeout: \"0\" (a number alone is seconds) is outside "
	 "1ms..10min\n"},
	{"route_sni = a -> web\nhello_max = 100\n",
	 "t:4: [proxy tls] hello_max: \"100\" is outside 512..64K\n"},
	{"route_sni = a -> web\npreface = mysql\n",
	 "t:4: [proxy tls] preface: \"mysql\" is not one of: none, postgres\n"},
	{"server_name = a -> web\nroute_sni = a -> web\n",
	 "t:3: [proxy tls] server_name: no such key; did you mean route_sni?\n"},
};

START_TEST(a_route_that_is_wrong_is_said_with_what_would_be_right)
{
	char text[2000];

	snprintf(text, sizeof(text), TLS "%s" POOLS "[proxy other]\nlisten = 444\n" OWN,
		 wrong[_i].lines);
	ck_assert_config_mistakes(text, wrong[_i].said);
}
END_TEST

START_TEST(routes_are_about_proxies_only)
{
	ck_assert_config_mistakes(
		"[echo]\nlisten = 7\nroute_sni = a -> reject\n",
		"t:3: [echo] route_sni: has no meaning here; it belongs in [proxy]\n");
}
END_TEST

START_TEST(what_waits_for_a_hello_has_no_effect_without_routes)
{
	static const char *const keys[] = {"hello_timeout = 1s", "hello_max = 2K",
					   "preface = postgres"};
	char text[200], said[200];

	for (size_t i = 0; i < array_size(keys); i++) {
		snprintf(text, sizeof(text), TLS OWN "%s\n", keys[i]);
		snprintf(said, sizeof(said),
			 "t:4: [proxy tls] %.*s: has no effect: no route asks for a ClientHello\n",
			 (int)strcspn(keys[i], " "), keys[i]);
		ck_assert_str_eq(config_said_of(text), said);
	}
}
END_TEST

/* By any of the pools that it may lead to. */
START_TEST(a_route_that_leads_back_is_told)
{
	ck_assert_config_mistakes(
		"[proxy tls]\nlisten = 127.0.0.1:443\nroute_sni = a -> web\n"
		"[pool web]\nserver = 127.0.0.1:443\n",
		"t:5: [pool web] server: \"127.0.0.1:443\" is where [proxy tls] listens, at t:2: "
		"it would connect to itself without end\n");
}
END_TEST

START_TEST(the_order_of_routes_says_nothing_and_the_lines_are_told_when_they_change)
{
	struct config before = config_of(TLS "route_sni = a -> web\nroute_sni = b -> web\n" POOLS
					     "[proxy x]\nlisten = 1\npool = app\n");
	struct config after = config_of(TLS "route_sni = a -> app\nroute_sni = b -> web\n" POOLS
					    "[proxy x]\nlisten = 1\npool = app\n");
	struct report report = {0};

	config_compare(&before, &after, &report);
	ck_assert_uint_eq(report.count, 2);
	ck_assert_str_eq(report.lines[0].text, "[proxy tls] route_sni a -> web is gone");
	ck_assert_str_eq(report.lines[1].text, "[proxy tls] route_sni a -> app is new");
	report_done(&report);
	config_done(&before);
	config_done(&after);
}
END_TEST

START_TEST(a_hundred_thousand_routes_are_read)
{
	size_t size = 100000 * 40 + 1000, used;
	char *text = malloc(size);
	struct config config, again;
	struct report report = {0};

	ck_assert_ptr_nonnull(text);
	used = (size_t)snprintf(text, size, TLS);
	for (unsigned i = 0; i < 100000; i++)
		used += (size_t)snprintf(text + used, size - used,
					 "route_sni = n%u.example -> %s\n", i,
					 i % 2 ? "web" : "app");
	snprintf(text + used, size - used, POOLS);
	config = config_of(text);
	again = config_of(text);
	ck_assert_uint_eq(config.sections[0].route_count, 100000);
	ck_assert_uint_eq(config.sections[0].reach_count, 2);
	config_compare(&config, &again, &report);
	ck_assert_uint_eq(report.count, 0);
	report_done(&report);
	config_done(&config);
	config_done(&again);
	free(text);
}
END_TEST

SUITE_OF("config: routes", 60, ONCE(a_proxy_with_routes_needs_no_servers_of_its_own),
	 ONCE(its_own_servers_are_where_all_other_names_go),
	 ONCE(a_pool_that_only_a_route_names_is_used),
	 EACH(a_route_that_is_wrong_is_said_with_what_would_be_right, array_size(wrong)),
	 ONCE(routes_are_about_proxies_only),
	 ONCE(what_waits_for_a_hello_has_no_effect_without_routes),
	 ONCE(a_route_that_leads_back_is_told),
	 ONCE(the_order_of_routes_says_nothing_and_the_lines_are_told_when_they_change),
	 ONCE(a_hundred_thousand_routes_are_read))
