/*
 * What it costs to find where a client goes by its name, and to read the name.
 *
 *	bench_routes NAMES [milliseconds]
 *
 * One line of JSON: nanoseconds a look-up in a table of so many names, half of them with
 * everything below, of names there in no order ("found_ns") and of names that have no route
 * ("missed_ns"); of reading one ClientHello of 1,700 bytes ("hello_ns"); and milliseconds to
 * make the table ("table_ms").  All are medians, of rounds of so many milliseconds (20).
 */
#include "common.h"

#include "base/compiler.h"
#include "greet/client_hello.h"
#include "greet/route.h"
#include "greet/routes.h"

#define NAMES_MAX 1000000
#define ROUNDS    9
#define ASKED     65536
#define HELLO     1700
#define NAME_ROOM 48

static char asked[ASKED][NAME_ROOM];
static unsigned char hello[HELLO];
static volatile uint32_t sum;

static uint32_t next_random(void)
{
	static uint64_t random = 88172645463325252;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return (uint32_t)(random >> 16);
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

/* Sorts them. */
static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_size);
	return values[ROUNDS / 2];
}

static struct routes *make_table(uint32_t names)
{
	struct routes *routes = routes_new();
	char line[100], why[100];
	struct route route;
	uint32_t clash;

	for (uint32_t i = 0; routes && i < names; i++) {
		snprintf(line, sizeof(line), "%scustomer-%u.service.example -> web",
			 i % 2 ? "." : "", i);
		if (route_parse_sni(line, &route, why, sizeof(why)) < 0 ||
		    routes_add(routes, &route, &clash) < 0)
			errx(1, "%s: %s", line, why);
	}
	if (!routes)
		errx(1, "no memory");
	return routes;
}

static void ask_for(uint32_t names, const char *word)
{
	for (uint32_t i = 0; i < ASKED; i++)
		snprintf(asked[i], sizeof(asked[i]), "%s-%u.service.example", word,
			 next_random() % names);
}

/* How long one takes, of as many as there is time for. */
static double look_up(const struct routes *routes, uint64_t for_ns)
{
	static struct client_hello read; /* in the caches, as one that was just read */
	double values[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t began = now_ns(), now = began, times = 0;

		for (; now < began + for_ns; now = now_ns())
			for (int i = 0; i < 64; i++, times++) {
				const char *name = asked[times % ASKED];

				memcpy(read.name, name, NAME_ROOM);
				read.name_length = (uint16_t)strlen(name);
				sum += routes_find(routes, &read);
			}
		values[round] = (double)(now - began) / (double)times;
	}
	return median(values);
}

/* An extension of 1,600 bytes, and a name behind it. */
static void put_hello(void)
{
	static const unsigned char head[] = {22,
					     3,
					     1,
					     (HELLO - 5) >> 8,
					     (HELLO - 5) & 255,
					     1,
					     0,
					     (HELLO - 9) >> 8,
					     (HELLO - 9) & 255,
					     3,
					     3};
	static const unsigned char name[] = "\0\0\0\x10\0\x0e\0\0\x0b"
					    "app.example";
	size_t at = sizeof(head) + 33, extensions = HELLO - at - 8;
	size_t first = extensions - 4 - (sizeof(name) - 1);

	memcpy(hello, head, sizeof(head));
	memcpy(hello + at - 1, "\0\0\2\x13\1\1\0", 7);
	hello[at + 6] = (unsigned char)(extensions >> 8);
	hello[at + 7] = (unsigned char)extensions;
	memcpy(hello + at + 8, "\0\x33", 2);
	hello[at + 10] = (unsigned char)(first >> 8);
	hello[at + 11] = (unsigned char)first;
	memcpy(hello + HELLO - (sizeof(name) - 1), name, sizeof(name) - 1);
}

static double read_hellos(uint64_t for_ns)
{
	static struct client_hello read;
	double values[ROUNDS];

	put_hello();
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t began = now_ns(), now = began, times = 0;

		for (; now < began + for_ns; now = now_ns())
			for (int i = 0; i < 64; i++, times++)
				if (client_hello_read(hello, sizeof(hello), 16384, &read) !=
					    HELLO_READ ||
				    read.name_length != strlen("app.example"))
					errx(1, "the hello was not read");
		values[round] = (double)(now - began) / (double)times;
	}
	return median(values);
}

int main(int argc, char **argv)
{
	uint64_t for_ns = (argc > 2 ? number_between(argv[2], 1, 10000) : 20) * 1000000, began;
	double table_ms, found_ns;
	struct routes *routes;
	uint32_t names;

	if (argc < 2 || argc > 3)
		errx(2, "usage: bench_routes NAMES [milliseconds]");
	names = (uint32_t)number_between(argv[1], 1, NAMES_MAX);
	began = now_ns();
	routes = make_table(names);
	table_ms = (double)(now_ns() - began) / 1e6;
	ask_for(names, "customer");
	found_ns = look_up(routes, for_ns);
	ask_for(names, "nobody");
	printf("{\"names\": %u, \"found_ns\": %.0f, \"missed_ns\": %.0f, \"hello_ns\": %.0f, "
	       "\"table_ms\": %.1f}\n",
	       names, found_ns, look_up(routes, for_ns), read_hellos(for_ns), table_ms);
	routes_free(routes);
	return 0;
}
