#include "guard/clients.h"

#include "support/suite.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SECOND   UINT64_C(1000000000)
#define MS       UINT64_C(1000000)
#define SMALLEST 256 /* bytes: two homes, so that every client has all of the eight entries */
#define THREADS  8
#define ACCOUNT  7

static const struct siphash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

static struct clients *table_of(uint64_t memory)
{
	static struct clients clients;

	clients_close(&clients);
	ck_assert_int_eq(clients_open(&clients, memory, &key), 0);
	return &clients;
}

static struct cidr_number client_at(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct cidr_number client;

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		ck_assert(cidr_number_of((const struct sockaddr *)&in, &client));
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		ck_assert(cidr_number_of((const struct sockaddr *)&in6, &client));
	}
	return client;
}

/* 10.0.0.0 and so many on. */
static struct cidr_number client_number(uint32_t number)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(0x0a000000 + number)};
	struct cidr_number client;

	ck_assert(cidr_number_of((const struct sockaddr *)&in, &client));
	return client;
}

static struct clients_limits limits_of(uint32_t most, uint32_t count, uint32_t period_ms)
{
	struct clients_limits limits = {.most = most, .prefix_v4 = 32, .prefix_v6 = 64};

	clients_set_rate(&limits, count, period_ms);
	return limits;
}

static enum clients_verdict enter(struct clients *clients, const char *client,
				  const struct clients_limits *limits, uint64_t now_ns,
				  struct clients_place *ret_place)
{
	return clients_enter(clients, ACCOUNT, client_at(client), limits, now_ns, ret_place);
}

/* ---- Counts ---------------------------------------------------------------------------------- */

START_TEST(a_client_has_so_many_connections_and_no_more)
{
	struct clients *clients = table_of(SMALLEST);
	struct clients_limits limits = limits_of(2, 0, 0);
	struct clients_place first, second, third;

	ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &first), CLIENTS_COUNTED);
	ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &second), CLIENTS_COUNTED);
	ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &third), CLIENTS_TOO_MANY);
	ck_assert(!clients_is_counted(&third));
	ck_assert_uint_eq(clients_sum(clients), 2);

	clients_leave(clients, &first);
	ck_assert(!clients_is_counted(&first));
	ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &third), CLIENTS_COUNTED);
	clients_leave(clients, &second);
	clients_leave(clients, &third);
	ck_assert_uint_eq(clients_sum(clients), 0);
}
END_TEST

START_TEST(clients_and_accounts_do_not_count_into_each_other)
{
	struct clients *clients = table_of(SMALLEST);
	struct clients_limits limits = limits_of(1, 0, 0);
	struct cidr_number client = client_at("192.0.2.1");
	struct clients_place place;

	ck_assert_int_eq(clients_enter(clients, 1, client, &limits, 0, &place), CLIENTS_COUNTED);
	ck_assert_int_eq(clients_enter(clients, 2, client, &limits, 0, &place), CLIENTS_COUNTED);
	ck_assert_int_eq(clients_enter(clients, 1, client, &limits, 0, &place), CLIENTS_TOO_MANY);
	ck_assert_int_eq(enter(clients, "192.0.2.2", &limits, 0, &place), CLIENTS_COUNTED);
}
END_TEST

START_TEST(the_prefix_says_who_is_one_client)
{
	static const struct {
		uint8_t v4, v6;
		const char *one, *other;
		bool same;
	} cases[] = {
		{32, 64, "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{32, 64, "2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{32, 56, "2001:db8:1:200::1", "2001:db8:1:2ff::1", true},
		{32, 56, "2001:db8:1:200::1", "2001:db8:1:300::1", false},
		{32, 61, "2001:db8:1:20::1", "2001:db8:1:27::1", true},
		{32, 61, "2001:db8:1:20::1", "2001:db8:1:28::1", false},
		{32, 128, "2001:db8::1", "2001:db8::2", false},
		{32, 64, "192.0.2.1", "192.0.2.2", false},
		{24, 64, "192.0.2.1", "192.0.2.255", true},
		{24, 64, "192.0.2.1", "192.0.3.1", false},
		{31, 64, "192.0.2.2", "192.0.2.3", true},
		{32, 64, "192.0.2.1", "::ffff:192.0.2.1", true},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct clients *clients = table_of(SMALLEST);
		struct clients_limits limits = {
			.most = 1, .prefix_v4 = cases[i].v4, .prefix_v6 = cases[i].v6};
		struct clients_place place;

		ck_assert_int_eq(enter(clients, cases[i].one, &limits, 0, &place), CLIENTS_COUNTED);
		ck_assert_msg(enter(clients, cases[i].other, &limits, 0, &place) ==
				      (cases[i].same ? CLIENTS_TOO_MANY : CLIENTS_COUNTED),
			      "%s and %s", cases[i].one, cases[i].other);
	}
}
END_TEST

START_TEST(limits_that_change_hold_for_who_comes_next)
{
	struct clients *clients = table_of(SMALLEST);
	struct clients_limits limits = limits_of(3, 0, 0), wider = limits, other = limits;
	struct clients_place places[3], place;

	for (size_t i = 0; i < array_size(places); i++)
		ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &places[i]),
				 CLIENTS_COUNTED);
	limits.most = 1;
	ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &place), CLIENTS_TOO_MANY);
	wider.most = 4;
	ck_assert_int_eq(enter(clients, "192.0.2.1", &wider, 0, &place), CLIENTS_COUNTED);
	clients_leave(clients, &place);
	/* Of another prefix it is another client: what is counted stays where it is. */
	other.prefix_v4 = 24;
	ck_assert_int_eq(enter(clients, "192.0.2.1", &other, 0, &place), CLIENTS_COUNTED);
	clients_leave(clients, &place);
	for (size_t i = 0; i < array_size(places); i++)
		clients_leave(clients, &places[i]);
	ck_assert_uint_eq(clients_sum(clients), 0);
}
END_TEST

/* ---- The table ------------------------------------------------------------------------------- */

START_TEST(a_full_table_refuses_nobody_and_forgets_nobody)
{
	struct clients *clients = table_of(SMALLEST);
	struct clients_limits limits = limits_of(1, 1, 1000);
	struct clients_place places[8], place;

	for (uint32_t i = 0; i < 8; i++) {
		struct cidr_number client = client_number(i);

		ck_assert_int_eq(clients_enter(clients, ACCOUNT, client, &limits, 0, &places[i]),
				 CLIENTS_COUNTED);
	}
	for (uint32_t i = 8; i < 1000; i++) {
		struct cidr_number client = client_number(i);

		ck_assert_int_eq(
			clients_enter(clients, ACCOUNT, client, &limits, i * SECOND, &place),
			CLIENTS_UNKNOWN);
		ck_assert(!clients_is_counted(&place));
	}
	for (uint32_t i = 0; i < 8; i++) {
		struct cidr_number client = client_number(i);

		ck_assert_int_eq(
			clients_enter(clients, ACCOUNT, client, &limits, 2000 * SECOND, &place),
			CLIENTS_TOO_MANY);
		clients_leave(clients, &places[i]);
	}
	ck_assert_uint_eq(clients_sum(clients), 0);
	ck_assert_uint_eq(clients->used, 8);
}
END_TEST

START_TEST(who_is_new_takes_the_entry_that_was_used_longest_ago)
{
	struct clients *clients = table_of(SMALLEST);
	struct clients_limits limits = limits_of(0, 1, 3600000);
	struct clients_place place;
	struct cidr_number client;

	/* The third one was here last. */
	for (uint32_t i = 0; i < 8; i++) {
		client = client_number(i);
		ck_assert_int_eq(clients_enter(clients, ACCOUNT, client, &limits,
					       (i == 2 ? 100 : i) * SECOND, &place),
				 CLIENTS_COUNTED);
	}
	/* Seven that are new: one after the other takes the place of the others. */
	for (uint32_t i = 0; i < 7; i++) {
		client = client_number(100 + i);
		ck_assert_int_eq(clients_enter(clients, ACCOUNT, client, &limits,
					       (200 + i) * SECOND, &place),
				 CLIENTS_COUNTED);
	}
	ck_assert_uint_eq(clients->evicted, 7);
	client = client_number(2);
	ck_assert_int_eq(clients_enter(clients, ACCOUNT, client, &limits, 300 * SECOND, &place),
			 CLIENTS_TOO_FAST);
	/* And whoever has an entry of another has nothing of his past. */
	client = client_number(0);
	ck_assert_int_eq(clients_enter(clients, ACCOUNT, client, &limits, 301 * SECOND, &place),
			 CLIENTS_COUNTED);
}
END_TEST

START_TEST(an_entry_that_is_counted_in_is_never_given_away)
{
	struct clients *clients = table_of(1 << 16);
	struct clients_limits limits = limits_of(1, 0, 0);
	uint32_t capacity = clients_capacity(clients), stay = capacity / 4;
	struct clients_place *places = calloc(stay, sizeof(*places)), place;
	struct cidr_number client;

	ck_assert_uint_eq(capacity, 2048);
	for (uint32_t i = 0; i < stay; i++) {
		client = client_number(i);
		ck_assert_int_eq(clients_enter(clients, ACCOUNT, client, &limits, 0, &places[i]),
				 CLIENTS_COUNTED);
	}
	for (uint32_t i = 0; i < 100 * capacity; i++) {
		client = client_number(1000000 + i);
		if (clients_enter(clients, ACCOUNT, client, &limits, i * SECOND, &place) ==
		    CLIENTS_COUNTED)
			clients_leave(clients, &place);
	}
	ck_assert_uint_eq(clients_sum(clients), stay);
	for (uint32_t i = 0; i < stay; i++) {
		client = client_number(i);
		ck_assert_int_eq(clients_enter(clients, ACCOUNT, client, &limits, 0, &place),
				 CLIENTS_TOO_MANY);
		clients_leave(clients, &places[i]);
	}
	ck_assert_uint_eq(clients_sum(clients), 0);
	free(places);
}
END_TEST

/* Two homes for each, of which the emptier is taken. */
START_TEST(half_of_a_table_is_filled_before_many_are_left_out)
{
	struct clients *clients = table_of(2 << 20);
	struct clients_limits limits = limits_of(1, 0, 0);
	uint32_t left_out[4] = {0}, capacity = clients_capacity(clients);
	struct clients_place place;

	ck_assert_uint_eq(capacity, 65536);
	for (uint32_t i = 0; i < capacity / 4 * 3; i++) {
		struct cidr_number client = client_number(i);

		left_out[i * 4 / capacity] += clients_enter(clients, ACCOUNT, client, &limits, 0,
							    &place) == CLIENTS_UNKNOWN;
	}
	ck_assert_uint_eq(left_out[0], 0);
	ck_assert_uint_le(left_out[1], capacity / 4 / 1000);
	ck_assert_uint_le(left_out[2], capacity / 4 / 20);
	ck_assert_uint_eq(clients_sum(clients), capacity / 4 * 3 - left_out[1] - left_out[2]);
}
END_TEST

/* ---- Rates ----------------------------------------------------------------------------------- */

/* How many of so many at once come in. */
static uint32_t burst(struct clients *clients, const struct clients_limits *limits, uint32_t count,
		      uint64_t now_ns)
{
	struct clients_place place;
	uint32_t welcome = 0;

	for (uint32_t i = 0; i < count; i++) {
		enum clients_verdict verdict = enter(clients, "192.0.2.1", limits, now_ns, &place);

		ck_assert(!clients_is_counted(&place));
		welcome += verdict == CLIENTS_COUNTED;
		ck_assert(verdict == CLIENTS_COUNTED || verdict == CLIENTS_TOO_FAST);
	}
	return welcome;
}

START_TEST(so_many_come_at_once_and_then_one_at_a_time)
{
	struct clients *clients = table_of(SMALLEST);
	struct clients_limits limits = limits_of(0, 100, 10000); /* 100/10s: one in 100 ms */
	uint64_t now = 5 * SECOND;

	ck_assert_uint_eq(burst(clients, &limits, 1000, now), 100);
	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(burst(clients, &limits, 10, now + 100 * MS - 16), 0);
		now += 100 * MS;
		ck_assert_uint_eq(burst(clients, &limits, 10, now), 1);
	}
	/* Half of the time brings half of them back, and no time brings more than all. */
	now += 5 * SECOND;
	ck_assert_uint_eq(burst(clients, &limits, 1000, now), 50);
	now += 3600 * SECOND;
	ck_assert_uint_eq(burst(clients, &limits, 1000, now), 100);
}
END_TEST

START_TEST(in_the_long_run_it_is_the_rate_and_no_more)
{
	static const struct {
		uint32_t count, period_ms;
	} rates[] = {{1, 1000}, {3, 1000}, {7, 10000}, {100, 10000}, {1000, 1000}, {1000000, 1000}};

	for (size_t i = 0; i < array_size(rates); i++) {
		struct clients *clients = table_of(SMALLEST);
		struct clients_limits limits = limits_of(0, rates[i].count, rates[i].period_ms);
		uint64_t period = rates[i].period_ms * MS, welcome = 0, at;

		/* Ten attempts for each turn there is. */
		uint64_t step = period / rates[i].count / 10 + 1;

		for (at = 0; welcome < rates[i].count + 2000; at += step) {
			struct clients_place place;

			welcome += enter(clients, "192.0.2.1", &limits, SECOND + at, &place) ==
				   CLIENTS_COUNTED;
		}
		/* What the bucket held, and one for each turn since. */
		ck_assert_uint_le(welcome, rates[i].count + at / limits.every_ns + 1);
		ck_assert_uint_ge(welcome + 1, at / limits.every_ns);
	}
}
END_TEST

START_TEST(who_is_refused_pays_nothing)
{
	struct clients *clients = table_of(SMALLEST);
	struct clients_limits limits = limits_of(1, 2, 2000), free_ = limits_of(0, 2, 2000);
	struct clients_place first, place;

	/* Not for too many ... */
	ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &first), CLIENTS_COUNTED);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &place), CLIENTS_TOO_MANY);
	clients_leave(clients, &first);
	ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &first), CLIENTS_COUNTED);
	clients_leave(clients, &first);
	/* ... nor for too fast, and then it is not counted either. */
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(enter(clients, "192.0.2.1", &limits, 0, &place), CLIENTS_TOO_FAST);
	ck_assert_uint_eq(clients_sum(clients), 0);
	ck_assert_uint_eq(burst(clients, &free_, 5, SECOND), 1);
}
END_TEST

/* Workers read the clock once in a turn. */
START_TEST(a_clock_that_is_behind_gives_nothing_away)
{
	struct clients *clients = table_of(SMALLEST);
	struct clients_limits limits = limits_of(0, 10, 1000);

	ck_assert_uint_eq(burst(clients, &limits, 100, 10 * SECOND), 10);
	ck_assert_uint_eq(burst(clients, &limits, 100, 10 * SECOND - 50 * MS), 0);
	ck_assert_uint_eq(burst(clients, &limits, 100, 0), 0);
	ck_assert_uint_eq(burst(clients, &limits, 100, 10 * SECOND + 100 * MS), 1);
}
END_TEST

/* ---- Several workers ------------------------------------------------------------------------- */

/* How many connections each client has, as the threads know: theirs are never more than that. */
struct hammer {
	struct clients *clients;
	struct clients_limits limits;
	uint32_t clients_count, rounds, seed;
	_Atomic uint32_t *held;
	_Atomic uint32_t *over, *unknown;
};

#define HELD_MAX 8

struct held {
	struct clients_place place;
	uint32_t client;
};

static void drop(const struct hammer *hammer, struct held *held)
{
	atomic_fetch_sub(&hammer->held[held->client], 1);
	clients_leave(hammer->clients, &held->place);
}

static void *hammering(void *argument)
{
	const struct hammer *hammer = argument;
	struct held held[HELD_MAX];
	uint32_t count = 0, random = hammer->seed;

	for (uint32_t i = 0; i < hammer->rounds; i++) {
		struct clients_place place;
		uint32_t number;
		struct cidr_number client;
		enum clients_verdict verdict;

		random = random * 1664525 + 1013904223;
		number = (random >> 16) % hammer->clients_count;
		client = client_number(number);
		if (count == HELD_MAX || (count && random >> 30 == 0)) {
			drop(hammer, &held[--count]);
			continue;
		}
		verdict = clients_enter(hammer->clients, ACCOUNT, client, &hammer->limits, i * MS,
					&place);
		if (verdict == CLIENTS_UNKNOWN)
			atomic_fetch_add(hammer->unknown, 1);
		if (verdict != CLIENTS_COUNTED)
			continue;
		if (atomic_fetch_add(&hammer->held[number], 1) >= hammer->limits.most)
			atomic_fetch_add(hammer->over, 1);
		held[count++] = (struct held){.place = place, .client = number};
	}
	while (count)
		drop(hammer, &held[--count]);
	return NULL;
}

/* Eight threads and few entries: all of them claim, count in and evict the same ones. */
START_TEST(no_client_has_one_too_many_whatever_thread_it_comes_to)
{
	static const struct {
		uint32_t memory, clients, most;
	} cases[] = {{SMALLEST, 1, 3},  {SMALLEST, 3, 2},  {SMALLEST, 8, 1},
		     {SMALLEST, 12, 2}, {SMALLEST, 40, 1}, {1 << 16, 500, 1}};
	struct clients *clients = table_of(cases[_i].memory);
	_Atomic uint32_t *held = calloc(cases[_i].clients, sizeof(*held)), over = 0, unknown = 0;
	struct hammer hammers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		hammers[i] = (struct hammer){.clients = clients,
					     .limits = limits_of(cases[_i].most, 0, 0),
					     .clients_count = cases[_i].clients,
					     .rounds = 200000,
					     .seed = i * 7919,
					     .held = held,
					     .over = &over,
					     .unknown = &unknown};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammering, &hammers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(over, 0);
	ck_assert_uint_eq(clients_sum(clients), 0);
	ck_assert_uint_le(clients->used, clients_capacity(clients));
	/* A table where everybody has room leaves nobody out. */
	if (cases[_i].clients <= 8)
		ck_assert_uint_eq(unknown, 0);
	for (uint32_t i = 0; i < cases[_i].clients; i++)
		ck_assert_uint_eq(held[i], 0);
	free((void *)held);
}
END_TEST

struct racer {
	struct clients *clients;
	struct clients_limits limits;
	pthread_barrier_t *start;
	uint32_t rounds, welcome;
};

/* All come at once, again and again, each time as somebody who was never there. */
static void *racing(void *argument)
{
	struct racer *racer = argument;

	for (uint32_t i = 0; i < racer->rounds; i++) {
		struct cidr_number client = client_number(i);
		struct clients_place place;

		pthread_barrier_wait(racer->start);
		for (int j = 0; j < 4; j++)
			racer->welcome +=
				clients_enter(racer->clients, ACCOUNT, client, &racer->limits,
					      SECOND, &place) == CLIENTS_COUNTED;
	}
	return NULL;
}

START_TEST(a_rate_is_exact_whatever_thread_it_comes_to)
{
	struct clients *clients = table_of(SMALLEST);
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t start;
	uint32_t welcome = 0;

	ck_assert_int_eq(pthread_barrier_init(&start, NULL, THREADS), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){.clients = clients,
					   .limits = limits_of(0, 5, 60000),
					   .start = &start,
					   .rounds = 5000};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, racing, &racers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		welcome += racers[i].welcome;
	}
	ck_assert_uint_eq(welcome, 5 * 5000);
	ck_assert_uint_eq(clients_sum(clients), 0);
	pthread_barrier_destroy(&start);
}
END_TEST

SUITE_OF("guard clients", 120, ONCE(a_client_has_so_many_connections_and_no_more),
	 ONCE(clients_and_accounts_do_not_count_into_each_other),
	 ONCE(the_prefix_says_who_is_one_client), ONCE(limits_that_change_hold_for_who_comes_next),
	 ONCE(a_full_table_refuses_nobody_and_forgets_nobody),
	 ONCE(who_is_new_takes_the_entry_that_was_used_longest_ago),
	 ONCE(an_entry_that_is_counted_in_is_never_given_away),
	 ONCE(half_of_a_table_is_filled_before_many_are_left_out),
	 ONCE(so_many_come_at_once_and_then_one_at_a_time),
	 ONCE(in_the_long_run_it_is_the_rate_and_no_more), ONCE(who_is_refused_pays_nothing),
	 ONCE(a_clock_that_is_behind_gives_nothing_away),
	 EACH(no_client_has_one_too_many_whatever_thread_it_comes_to, 6),
	 ONCE(a_rate_is_exact_whatever_thread_it_comes_to))
