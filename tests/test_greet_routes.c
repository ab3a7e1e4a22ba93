/* Lines of routes, and which of them a client's name and protocols lead to. */
#include "greet/client_hello.h"
#include "greet/route.h"
#include "greet/routes.h"

#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char why[400];

static struct client_hello asks(const char *name, const char *alpn)
{
	struct client_hello hello = {.name_length = (uint16_t)strlen(name)};

	snprintf(hello.name, sizeof(hello.name), "%s", name);
	while (*alpn) {
		size_t length = strcspn(alpn, ",");

		hello.alpn[hello.alpn_length] = (unsigned char)length;
		memcpy(hello.alpn + hello.alpn_length + 1, alpn, length);
		hello.alpn_length = (uint16_t)(hello.alpn_length + 1 + length);
		alpn += length + (alpn[length] == ',');
	}
	return hello;
}

/* A line as it stands in the file, of either key. */
static int add(struct routes *routes, const char *line, uint32_t *ret_clash)
{
	struct route route;
	bool anybody = *line == '!';
	int r = anybody ? route_parse_alpn(line + 1, &route, why, sizeof(why))
			: route_parse_sni(line, &route, why, sizeof(why));

	ck_assert_msg(r == 0, "%s: %s", line, why);
	return routes_add(routes, &route, ret_clash);
}

static struct routes *make(const char *const *lines, size_t count)
{
	struct routes *routes = routes_new();
	uint32_t clash;

	ck_assert_ptr_nonnull(routes);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(add(routes, lines[i], &clash), 0);
	ck_assert_uint_eq(routes_count(routes), count);
	return routes;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

START_TEST(a_line_is_a_name_perhaps_a_protocol_and_where_to)
{
	struct route route;

	ck_assert_int_eq(route_parse_sni("a.example -> web", &route, why, sizeof(why)), 0);
	ck_assert_int_eq(route.kind, ROUTE_EXACT);
	ck_assert_int_eq(route.end, ROUTE_TO_POOL);
	ck_assert_mem_eq(route.name, "a.example", route.name_length);
	ck_assert_mem_eq(route.pool, "web", route.pool_length + 1);
	ck_assert_ptr_null(route.alpn);

	ck_assert_int_eq(
		route_parse_sni("  *.Example.\talpn=h2   ->reject ", &route, why, sizeof(why)), 0);
	ck_assert_int_eq(route.kind, ROUTE_BELOW);
	ck_assert_int_eq(route.end, ROUTE_REJECT);
	ck_assert_uint_eq(route.name_length, strlen("Example"));
	ck_assert_mem_eq(route.alpn, "h2", 2);
	ck_assert_uint_eq(route.alpn_length, 2);

	ck_assert_int_eq(route_parse_sni(".example -> drop", &route, why, sizeof(why)), 0);
	ck_assert_int_eq(route.kind, ROUTE_WITH_BELOW);
	ck_assert_int_eq(route.end, ROUTE_DROP);
	ck_assert_int_eq(route_parse_sni("* -> web", &route, why, sizeof(why)), 0);
	ck_assert_int_eq(route.kind, ROUTE_ANY_NAME);
	ck_assert_int_eq(route_parse_alpn("acme-tls/1 -> acme", &route, why, sizeof(why)), 0);
	ck_assert_int_eq(route.kind, ROUTE_ANYBODY);
	ck_assert_int_eq(route_parse_end("web", &route, why, sizeof(why)), 0);
	ck_assert_int_eq(route.end, ROUTE_TO_POOL);
}
END_TEST

START_TEST(a_mistake_in_a_line_is_told)
{
	static const struct {
		const char *line, *part;
	} rows[] = {
		{"a.example", "has no '->': it is NAME [alpn=PROTO] -> POOL, reject or drop"},
		{"a.example web", "has no '->'"},
		{"a.example ->", "it goes nowhere: a pool, reject or drop is missing"},
		{"-> web", "a name is missing"},
		{"a.*.example -> web", "'*' stands for whole parts at the beginning only"},
		{"a*.example -> web", "'*' stands for whole parts at the beginning only"},
		{"*. -> web", "'*.' is no name"},
		{". -> web", "'.' is no name"},
		{"b\xc3\xbc"
		 "cher.example -> web",
		 "as xn--...: write it so"},
		{"a_b/c -> web", "no name has '/' in it"},
		{"https://a.example -> web", "no name has ':' in it"},
		{"a.example:443 -> web", "no name has ':' in it"},
		{"a..example -> web", "has an empty part between its dots"},
		{"a.example b.example -> web",
		 "no option 'b.example' behind a name: there is alpn="},
		{"a.example alpn= -> web", "a protocol is missing"},
		{"a.example alpn=h2 alpn=h3 -> web", "alpn= is there twice"},
		{"! -> web", "a protocol is missing"},
		{"!h2 -> ", "it goes nowhere"},
		{"!h2", "has no '->': it is PROTO -> POOL, reject or drop"},
		{"!h2 http/1.1 -> web", "'http/1.1' is one too many"},
	};
	struct route route;

	for (size_t i = 0; i < array_size(rows); i++) {
		int r = *rows[i].line == '!'
				? route_parse_alpn(rows[i].line + 1, &route, why, sizeof(why))
				: route_parse_sni(rows[i].line, &route, why, sizeof(why));

		ck_assert_msg(r == -EINVAL && strstr(why, rows[i].part), "%s: %s", rows[i].line,
			      r ? why : "taken");
	}
}
END_TEST

START_TEST(a_long_name_or_protocol_is_told)
{
	char line[700] = "";
	struct route route;

	memset(line, 'a', 256);
	strcpy(line + 256, " -> web");
	ck_assert_int_eq(route_parse_sni(line, &route, why, sizeof(why)), -EINVAL);
	ck_assert_str_eq(why, "a name has at most 255 bytes");
	ck_assert_int_eq(route_parse_sni(line + 1, &route, why, sizeof(why)), 0);
	ck_assert_int_eq(route_parse_alpn(line, &route, why, sizeof(why)), -EINVAL);
	ck_assert_str_eq(why, "a protocol has at most 255 bytes");
	ck_assert_int_eq(route_parse_alpn(line + 1, &route, why, sizeof(why)), 0);
}
END_TEST

/* ---- The table ------------------------------------------------------------------------------- */

static const char *const lines[] = {
	"a.example -> 0",
	"*.example -> 1",
	".b.example -> 2",
	"b.example alpn=h2 -> 3",
	"* -> 4",
	"* alpn=h2 -> 5",
	"!acme-tls/1 -> 6",
	"!h2 -> 7",
	"a.example alpn=h3 -> 8",
	"a.example alpn=http/1.1 -> 9",
	"*.c.example alpn=h2 -> 10",
};

static const struct {
	const char *name, *alpn;
	uint32_t route;
} asked[] = {
	{"a.example", "", 0},
	{"a.example", "h2", 0},
	{"a.example", "h3", 8},
	{"a.example", "h2,http/1.1,h3", 9},
	{"a.example", "h3,http/1.1", 8},
	{"x.example", "", 1},
	{"x.y.z.example", "", 1},
	{"x.a.example", "", 1},
	{"b.example", "", 2},
	{"b.example", "h2", 3},
	{"x.b.example", "h2", 2},
	{"xb.example", "", 1},
	{"example", "", 4},
	{"example", "h2", 5},
	{"other", "acme-tls/1,h2", 5},
	{"other", "acme-tls/1", 6},
	{"", "h2", 7},
	{"", "", ROUTES_NONE},
	{"", "h3", ROUTES_NONE},
	{"x.c.example", "h2", 10},
	{"x.c.example", "h3", 1},
};

/* And so in every order of the lines that turning them round gives. */
START_TEST(the_most_particular_route_that_applies_is_taken_in_any_order)
{
	const char *turned[array_size(lines)];
	struct routes *routes;

	for (size_t i = 0; i < array_size(lines); i++)
		turned[i] = lines[((size_t)_i / 2 + i) % array_size(lines)];
	for (size_t i = 0; _i % 2 && i < array_size(lines) / 2; i++) {
		const char *kept = turned[i];

		turned[i] = turned[array_size(lines) - 1 - i];
		turned[array_size(lines) - 1 - i] = kept;
	}
	routes = make(turned, array_size(lines));
	for (size_t i = 0; i < array_size(asked); i++) {
		struct client_hello hello = asks(asked[i].name, asked[i].alpn);
		uint32_t found = routes_find(routes, &hello);

		ck_assert_msg(asked[i].route == ROUTES_NONE
				      ? found == ROUTES_NONE
				      : found != ROUTES_NONE &&
						turned[found] == lines[asked[i].route],
			      "'%s' '%s' -> %s", asked[i].name, asked[i].alpn,
			      found == ROUTES_NONE ? "none" : turned[found]);
	}
	routes_free(routes);
}
END_TEST

START_TEST(a_table_without_routes_leads_nowhere)
{
	struct routes *routes = make(NULL, 0);
	struct client_hello hello = asks("a.example", "h2");

	ck_assert_uint_eq(routes_find(routes, &hello), ROUTES_NONE);
	routes_free(routes);
}
END_TEST

START_TEST(two_routes_for_the_same_clients_clash)
{
	static const struct {
		const char *one, *other;
		bool clash;
	} rows[] = {
		{"a.example -> x", "A.Example. -> y", true},
		{"a.example -> x", "a.example alpn=h2 -> y", false},
		{"a.example alpn=h2 -> x", "a.example alpn=h2 -> y", true},
		{"a.example alpn=h2 -> x", "a.example alpn=h3 -> y", false},
		{"*.example -> x", ".example -> y", true},
		{".example -> x", "*.example -> y", true},
		{".example -> x", "example -> y", false},
		{"*.example -> x", "example -> y", false},
		{"*.example alpn=h2 -> x", ".example -> y", false},
		{"* -> x", "* -> y", true},
		{"* alpn=h2 -> x", "!h2 -> y", false},
		{"!h2 -> x", "!h2 -> y", true},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct routes *routes = routes_new();
		uint32_t clash = 7;

		ck_assert_int_eq(add(routes, "first.example -> x", &clash), 0);
		ck_assert_int_eq(add(routes, rows[i].one, &clash), 0);
		ck_assert_int_eq(add(routes, rows[i].other, &clash), rows[i].clash ? -EEXIST : 0);
		ck_assert_uint_eq(clash, rows[i].clash ? 1 : 7);
		ck_assert_uint_eq(routes_count(routes), 3);
		routes_free(routes);
	}
}
END_TEST

/* ---- Beside a matcher that does it the plain way --------------------------------------------- */

#define MANY 400

struct pattern {
	char text[80]; /* as written */
	char name[32];
	int rank; /* 3 exact, 2 with below, 1 below, 0 any */
	int alpn; /* -1: whatever */
};

static uint64_t state;

static unsigned next_random(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

/* Of few letters, so that names meet. */
static void random_name(char *name)
{
	unsigned labels = 1 + next_random(4);

	for (unsigned i = 0; i < labels; i++) {
		if (i)
			*name++ = '.';
		for (unsigned letters = 1 + next_random(2); letters; letters--)
			*name++ = (char)('a' + next_random(3));
	}
	*name = '\0';
}

static bool matches(const struct pattern *pattern, const char *name, unsigned offered)
{
	size_t length = strlen(name), suffix = strlen(pattern->name);
	bool same = !strcmp(pattern->name, name);
	bool below = length > suffix && name[length - suffix - 1] == '.' &&
		     !strcmp(name + length - suffix, pattern->name);

	if (pattern->alpn >= 0 && !(offered >> pattern->alpn & 1))
		return false;
	return !pattern->rank       ? *name != '\0'
	       : pattern->rank == 1 ? below
	       : pattern->rank == 2 ? same || below
				    : same;
}

/* Whether the one goes before the other for that name, where both match. */
static bool goes_before(const struct pattern *one, const struct pattern *other, const char *name)
{
	const struct pattern *both[] = {one, other};
	int key[2];

	for (int i = 0; i < 2; i++) {
		bool exact = both[i]->rank == 3, same = !strcmp(both[i]->name, name);

		key[i] = exact ? 1000 : both[i]->rank ? (int)strlen(both[i]->name) * 2 : -1;
		key[i] += !exact && same; /* .example for example itself */
		key[i] = key[i] * 10 + (both[i]->alpn >= 0) * 5 - both[i]->alpn;
	}
	return key[0] > key[1];
}

START_TEST(random_names_are_matched_as_by_comparing_with_each)
{
	static const char *const forms[] = {"", "*.", "."};
	static struct pattern patterns[MANY];
	struct routes *routes = routes_new();
	uint32_t kept = 0, clash, found = 0;

	state = (uint64_t)_i + 1;
	while (kept < MANY / 4 + next_random(MANY / 2)) {
		struct pattern *pattern = &patterns[kept];
		unsigned form = next_random(3);
		char name[sizeof(pattern->name)], alpn[32] = "";

		random_name(name);
		pattern->alpn = (int)next_random(5) - 2;
		pattern->alpn = pattern->alpn < 0 ? -1 : pattern->alpn;
		if (pattern->alpn >= 0)
			snprintf(alpn, sizeof(alpn), "alpn=p%d ", pattern->alpn);
		snprintf(pattern->text, sizeof(pattern->text), "%s%s %s-> x", forms[form], name,
			 alpn);
		strcpy(pattern->name, name);
		pattern->rank = form == 0 ? 3 : form == 1 ? 1 : 2;
		if (!next_random(50)) {
			snprintf(pattern->text, sizeof(pattern->text), "* %s-> x", alpn);
			pattern->rank = 0;
			*pattern->name = '\0';
		}
		/* One that clashes has its number all the same, and leads nobody anywhere. */
		if (add(routes, pattern->text, &clash) != 0) {
			pattern->rank = 3;
			strcpy(pattern->name, "nobody");
		}
		kept++;
	}
	for (int i = 0; i < 2000; i++) {
		const struct pattern *best = NULL;
		unsigned offered = next_random(8);
		struct client_hello hello;
		char name[32], alpn[32] = "";
		uint32_t route;

		random_name(name);
		for (int proto = 0; proto < 3; proto++)
			if (offered >> proto & 1)
				sprintf(alpn + strlen(alpn), "%sp%d", *alpn ? "," : "", proto);
		hello = asks(name, alpn);
		for (uint32_t at = 0; at < kept; at++)
			if (matches(&patterns[at], name, offered) &&
			    (!best || goes_before(&patterns[at], best, name)))
				best = &patterns[at];
		route = routes_find(routes, &hello);
		found += route != ROUTES_NONE;
		ck_assert_msg(route == (best ? (uint32_t)(best - patterns) : ROUTES_NONE),
			      "'%s' '%s' -> %s, not %s", name, alpn,
			      route == ROUTES_NONE ? "none" : patterns[route].text,
			      best ? best->text : "none");
	}
	ck_assert_uint_gt(found, 1000);
	routes_free(routes);
}
END_TEST

START_TEST(a_hundred_thousand_names_are_all_found)
{
	struct routes *routes = routes_new();
	char line[64];
	uint32_t clash;

	for (unsigned i = 0; i < 100000; i++) {
		snprintf(line, sizeof(line), "%sn%u.example -> x", i % 3 ? "" : "*.", i);
		ck_assert_int_eq(add(routes, line, &clash), 0);
	}
	for (unsigned i = 0; i < 100000; i++) {
		struct client_hello hello;

		snprintf(line, sizeof(line), "%sn%u.example", i % 3 ? "" : "x.", i);
		hello = asks(line, "");
		ck_assert_uint_eq(routes_find(routes, &hello), i);
	}
	routes_free(routes);
}
END_TEST

SUITE_OF("routes", 60, ONCE(a_line_is_a_name_perhaps_a_protocol_and_where_to),
	 ONCE(a_mistake_in_a_line_is_told), ONCE(a_long_name_or_protocol_is_told),
	 EACH(the_most_particular_route_that_applies_is_taken_in_any_order, 22),
	 ONCE(a_table_without_routes_leads_nowhere), ONCE(two_routes_for_the_same_clients_clash),
	 EACH(random_names_are_matched_as_by_comparing_with_each, 20),
	 ONCE(a_hundred_thousand_names_are_all_found))
