/*
 * What it costs to choose a server: to pick one, take a place there, and give it back.
 *
 *	bench_pool SERVERS [milliseconds]
 *
 * For each way of balancing, and a pool of so many servers with weights from 1 to 5 and
 * connections by chance, one line of JSON: nanoseconds a pick, where one comes after the
 * other ("ns"), and where each finds the caches full of something else ("cold_ns", as in a
 * worker that has moved bytes meanwhile); of a pick that finds nobody, as all have been
 * tried ("nobody_ns"); and of making the roster ("roster_us").  All are medians, of rounds
 * of so many milliseconds (20).
 */
#include "common.h"

#include "base/compiler.h"
#include "pool/choose.h"
#include "pool/least_time.h"
#include "pool/server.h"

#define SERVERS_MAX 1000
#define ROUNDS      9
#define COLD_PICKS  101
#define NOW_MS      1000000
#define CACHES      (8 << 20)

static struct servers all;
static struct roster_entry entries[SERVERS_MAX];
static struct tried tried;
static char others[CACHES];

static uint64_t next_random(void)
{
	static uint64_t random = 88172645463325252;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return random;
}

static void recruit(void)
{
	servers_init(&all, NULL);
	for (uint32_t i = 0; i < SERVERS_MAX; i++) {
		struct address address = {0};
		char name[16];

		snprintf(name, sizeof(name), "s%u", i);
		entries[i] = (struct roster_entry){
			.server = servers_get(&all, "[pool p]", name, name, "f:1", &address),
			.weight = 1 + (uint32_t)next_random() % 5,
			.takes = true,
		};
		if (!entries[i].server || tried_add(&tried, entries[i].server->number) < 0)
			errx(1, "no memory");
		entries[i].server->active = (uint32_t)next_random() % 50;
		least_time_took(entries[i].server, next_random() % 50000, NOW_MS);
	}
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

/* Sorts them. */
static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

/* How long one takes, of as many as there is time for. */
static double pick(struct wish *wish, uint64_t for_ns)
{
	uint64_t began = now_ns(), now = began, picks = 0;

	for (; now < began + for_ns; now = now_ns())
		for (int i = 0; i < 64; i++, picks++) {
			struct server *server;

			wish->random = wish->key = next_random();
			if (pool_choose(wish, &server) == CHOICE_MADE)
				server_release(server);
		}
	return (double)(now - began) / (double)picks;
}

static double pick_often(struct wish *wish, uint64_t for_ns)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		values[i] = pick(wish, for_ns);
	return median(values, ROUNDS);
}

static double pick_cold(struct wish *wish)
{
	double values[COLD_PICKS];

	for (int i = 0; i < COLD_PICKS; i++) {
		struct server *server;
		uint64_t began;

		for (size_t at = 0; at < sizeof(others); at += 64)
			others[at]++;
		wish->random = wish->key = next_random();
		began = now_ns();
		if (pool_choose(wish, &server) != CHOICE_MADE)
			errx(1, "nobody was chosen");
		values[i] = (double)(now_ns() - began);
		server_release(server);
	}
	return median(values, COLD_PICKS);
}

static double make_roster(const struct roster_rule *rule, uint32_t servers)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t began = now_ns();
		struct roster *roster = roster_make(rule, entries, servers);

		values[i] = (double)(now_ns() - began) / 1000;
		roster_free(roster);
	}
	return median(values, ROUNDS);
}

static void measure(enum balance balance, uint32_t servers, uint64_t for_ns)
{
	struct roster_rule rule = {.balance = balance};
	struct roster *roster = roster_make(&rule, entries, servers);
	struct picker picker;
	struct wish wish = {.roster = roster, .picker = &picker, .now_ms = NOW_MS};
	double ns, cold_ns;

	if (!roster)
		errx(1, "no memory");
	picker_init(&picker, 0);
	ns = pick_often(&wish, for_ns);
	cold_ns = pick_cold(&wish);
	wish.tried = &tried;
	printf("{\"balance\": \"%s\", \"servers\": %u, \"ns\": %.0f, \"cold_ns\": %.0f, "
	       "\"nobody_ns\": %.0f, \"roster_us\": %.0f}\n",
	       balance_name(balance), servers, ns, cold_ns, pick_often(&wish, for_ns),
	       make_roster(&rule, servers));
	fflush(stdout);
	roster_free(roster);
}

int main(int argc, char **argv)
{
	uint64_t for_ns = (argc > 2 ? number_between(argv[2], 1, 10000) : 20) * 1000000;
	uint32_t servers;

	if (argc < 2 || argc > 3)
		errx(2, "usage: bench_pool SERVERS [milliseconds]");
	servers = (uint32_t)number_between(argv[1], 1, SERVERS_MAX);
	recruit();
	for (int balance = 0; balance < BALANCE_COUNT; balance++)
		measure((enum balance)balance, servers, for_ns);
	return 0;
}
