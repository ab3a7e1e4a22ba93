/*
 * What it costs to decide about a client: to count its connection, see whether it is in time,
 * and let it go again.
 *
 *	bench_clients ENTRIES [milliseconds]
 *
 * One line of JSON: nanoseconds a decision, of clients by chance, where three quarters of a
 * table of so many entries have one: with both limits ("ns"), with max_per_client alone
 * ("count_ns"), with client_rate alone ("rate_ns"), and of clients that are new, each of which
 * takes the entry of another ("new_ns").  All are medians, of rounds of so many milliseconds
 * (20).
 */
#include "common.h"

#include "guard/clients.h"

#define ENTRIES_LEAST 2048
#define ENTRIES_MOST  (64 << 20)
#define ROUNDS        9

static struct clients table;
static uint64_t fresh = UINT64_C(1) << 40;

static uint64_t next_random(void)
{
	static uint64_t random = 88172645463325252;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return random;
}

static void decide(uint64_t number, const struct clients_limits *limits, uint64_t at_ns)
{
	struct cidr_number client = {.high = UINT64_C(0x2001) << 48 | number};
	struct clients_place place;

	if (clients_enter(&table, 1, client, limits, at_ns, &place) != CLIENTS_TOO_MANY &&
	    clients_is_counted(&place))
		clients_leave(&table, &place);
}

static double once(const struct clients_limits *limits, uint64_t clients, uint64_t for_ns)
{
	uint64_t began = now_ns(), now = began, count = 0;

	for (; now < began + for_ns; now = now_ns())
		for (int i = 0; i < 64; i++, count++)
			decide(clients ? next_random() % clients : fresh++, limits, now);
	return (double)(now - began) / (double)count;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

/* Of so many clients; 0: each is another. */
static double often(const struct clients_limits *limits, uint64_t clients, uint64_t for_ns)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		values[i] = once(limits, clients, for_ns);
	qsort(values, ROUNDS, sizeof(*values), by_size);
	return values[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	uint64_t for_ns = (argc > 2 ? number_between(argv[2], 1, 10000) : 20) * 1000000;
	struct clients_limits count = {.most = 100, .prefix_v4 = 32, .prefix_v6 = 64}, both = count,
			      rate = count;
	uint64_t entries, clients;

	if (argc < 2 || argc > 3)
		errx(2, "usage: bench_clients ENTRIES [milliseconds]");
	entries = number_between(argv[1], ENTRIES_LEAST, ENTRIES_MOST);
	clients = entries / 4 * 3;
	clients_set_rate(&both, 100, 10000);
	clients_set_rate(&rate, 100, 10000);
	rate.most = 0;
	if (clients_open(&table, entries * 32, &(struct siphash_key){{1, 2}}) < 0)
		errx(1, "no memory");
	for (uint64_t i = 0; i < clients; i++)
		decide(i, &both, now_ns());
	printf("{\"entries\": %lu, \"ns\": %.0f, \"count_ns\": %.0f, \"rate_ns\": %.0f, ",
	       (unsigned long)entries, often(&both, clients, for_ns),
	       often(&count, clients, for_ns), often(&rate, clients, for_ns));
	printf("\"new_ns\": %.0f}\n", often(&both, 0, for_ns));
	clients_close(&table);
	return 0;
}
