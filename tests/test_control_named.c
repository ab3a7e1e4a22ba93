/* Servers that names stand for: who is a member of a pool, and what is left of those that were. */
#include "base/clock.h"
#include "control/enrol.h"
#include "control/leaving.h"
#include "control/named.h"
#include "pool/roster.h"

#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config config;
static struct servers servers;
static struct ledger ledger;
static struct resolver resolver;
static struct edition edition;
static struct pool pool;
static struct resolution resolution;
static struct leaving leaving;
static uint64_t now = 1000;

/* A proxy with these lines, the first server of which is a name that is not answered. */
static void start(const char *lines)
{
	char text[1000];
	struct report report;
	size_t length = (size_t)snprintf(text, sizeof(text),
					 "[proxy web]\nlisten = 127.0.0.1:1\n%s\n", lines);

	ck_assert_int_eq(config_parse(&config, "test.conf", text, length, &report), 0);
	report_done(&report);
	servers_init(&servers, NULL);
	ledger_open(&ledger, 1, 8);
	resolver = (struct resolver){.config = &config};
	ck_assert_int_eq(loops_init(&resolver.loops, &config), 0);
	ck_assert_int_eq(pool_open(&pool, &config.sections[0]), 0);
	edition = (struct edition){.pools = &pool, .pool_count = 1};
	resolution_begin(&resolution, &config.sections[0], &config.sections[0].servers[0], false,
			 now);
	ck_assert_int_eq(leaving_open(&leaving, &servers, &ledger, NULL), 0);
}

static void stop(void)
{
	leaving_close(&leaving);
	pool_close(&pool);
	resolution_done(&resolution);
	loops_done(&resolver.loops);
	ledger_close(&ledger);
	servers_done(&servers);
	config_done(&config);
}

/* The name stands for 10.0.A.B:80, from A.B on, so many; with that priority and weight. */
static void stand_for(unsigned from, unsigned count, uint16_t priority, uint16_t weight)
{
	const struct pool_means means = {&config, &servers, &ledger, &resolver};
	const struct roster *old;

	name_set_done(&resolution.set);
	for (unsigned i = from; i < from + count; i++) {
		struct name_record record = {
			.ip = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
			.port = 80,
			.priority = priority,
			.weight = weight};

		ck_assert_int_eq(name_set_add(&resolution.set, &record), 0);
	}
	resolution.answered = true;
	ck_assert_int_eq(named_update(&pool, &means, &resolution, now), 0);
	ck_assert_int_eq(pool_publish(&pool, &old), 0);
	roster_free((struct roster *)old);
}

static int add(const char *name, const char *line)
{
	const struct pool_means means = {&config, &servers, &ledger, &resolver};
	struct enrolment enrolment = {.pool = "web", .name = name, .line = line, .by = "me"};
	const struct roster *old;
	int r = enrol_add(&pool, &means, &enrolment);

	ck_assert_int_eq(pool_publish(&pool, &old), 0);
	roster_free((struct roster *)old);
	return r;
}

static void take_out(const char *name)
{
	const struct pool_means means = {&config, &servers, &ledger, &resolver};
	struct enrolment enrolment = {.pool = "web", .name = name, .by = "me"};
	const struct server *server = enrol_find(&edition, &enrolment);
	const struct roster *old;

	ck_assert_ptr_nonnull(server);
	ck_assert(enrol_remove(&pool, &means, server, now));
	ck_assert_int_eq(pool_publish(&pool, &old), 0);
	roster_free((struct roster *)old);
}

static void pass(uint64_t ms)
{
	now += ms;
	leaving_look(&leaving, &edition, now);
	leaving_turn(&leaving, now);
}

static unsigned count_servers(void)
{
	unsigned count = 0;

	for (size_t i = 0; i < SERVERS_BUCKETS; i++)
		for (struct list *node = servers.buckets[i].next; node != &servers.buckets[i];
		     node = node->next)
			count++;
	return count;
}

static unsigned count_accounts(void)
{
	unsigned count = 0;

	for (size_t i = 0; i < LEDGER_BUCKETS; i++)
		for (struct account *account = ledger.buckets[i]; account; account = account->next)
			count++;
	return count;
}

static struct server *server_named(const char *name)
{
	for (uint32_t i = 0; i < pool.count; i++)
		if (!strcmp(pool.members[i].server->name, name))
			return pool.members[i].server;
	return NULL;
}

static bool takes(const struct server *server)
{
	const struct roster *roster = pool_roster(&pool);

	for (uint32_t i = 0; i < roster->tier_count; i++)
		for (uint32_t j = 0; j < roster->tiers[i].count; j++)
			if (roster->tiers[i].seats[j].server == server)
				return true;
	return false;
}

/* ---- Members ---- */

START_TEST(each_address_is_a_server_called_by_it)
{
	start("server = www.example:80\nserver = 10.9.9.9:80");
	stand_for(1, 2, 0, 1);
	ck_assert_uint_eq(named_count(&pool), 2);
	ck_assert_ptr_nonnull(server_named("10.0.0.1:80"));
	ck_assert(takes(server_named("10.0.0.2:80")));
	ck_assert_str_eq(server_named("10.0.0.2:80")->text, "www.example:80 (10.0.0.2:80)");
	stop();
	start("server = www.example:80 name=pg");
	stand_for(1, 1, 0, 1);
	ck_assert_ptr_nonnull(server_named("pg-10.0.0.1:80"));
	stop();
}
END_TEST

START_TEST(who_is_gone_takes_none_and_comes_back_as_the_same)
{
	struct server *one;

	start("server = www.example:80");
	stand_for(1, 2, 0, 1);
	one = server_named("10.0.0.1:80");
	stand_for(2, 2, 0, 1);
	ck_assert(!takes(one));
	ck_assert(takes(server_named("10.0.0.3:80")));
	ck_assert_uint_eq(named_count(&pool), 2);
	/* As long as it is less than ten minutes. */
	for (int i = 0; i < 50; i++)
		pass(10000);
	stand_for(1, 1, 0, 1);
	ck_assert_ptr_eq(server_named("10.0.0.1:80"), one);
	ck_assert(takes(one));
	stop();
}
END_TEST

START_TEST(a_weight_and_a_priority_change_where_the_server_stands)
{
	struct server *one;

	start("server = srv:_www._tcp.example priority=3");
	stand_for(1, 1, 10, 7);
	one = server_named("10.0.0.1:80");
	ck_assert_uint_eq(pool.members[0].weight, 7);
	ck_assert_uint_eq(pool.members[0].tier, 3);
	stand_for(1, 1, 20, 9);
	ck_assert_ptr_eq(server_named("10.0.0.1:80"), one);
	ck_assert_uint_eq(pool.members[0].weight, 9);
	/* It is the first of its priorities all the same. */
	ck_assert_uint_eq(pool.members[0].tier, 3);
	stop();
}
END_TEST

START_TEST(the_family_that_comes_second_is_a_backup)
{
	const struct pool_means means = {&config, &servers, &ledger, &resolver};
	struct name_record six = {.ip = {[15] = 6}, .is_v6 = true, .port = 80, .weight = 1};

	start("server = www.example:80\nfamily = ipv4_first");
	stand_for(1, 1, 0, 1);
	ck_assert_int_eq(name_set_add(&resolution.set, &six), 0);
	ck_assert_int_eq(named_update(&pool, &means, &resolution, now), 0);
	ck_assert_uint_eq(pool.members[0].tier, 0);
	ck_assert_uint_eq(pool.members[1].tier, CONFIG_PRIORITY_BACKUP);
	stop();
}
END_TEST

START_TEST(what_another_line_has_is_there_once)
{
	const struct pool_means means = {&config, &servers, &ledger, &resolver};
	struct resolution other;

	start("server = www.example:80\nserver = web.example:80");
	stand_for(1, 2, 0, 1);
	resolution_begin(&other, &config.sections[0], &config.sections[0].servers[1], false, now);
	ck_assert_int_eq(name_set_copy(&other.set, &resolution.set), 0);
	ck_assert_int_eq(named_update(&pool, &means, &other, now), 0);
	ck_assert_uint_eq(pool.count, 2);
	/* The first does not stand for them any more: they are the other's. */
	stand_for(3, 1, 0, 1);
	ck_assert_uint_eq(named_count(&pool), 1);
	ck_assert_int_eq(named_update(&pool, &means, &other, now), 0);
	ck_assert_uint_eq(named_count(&pool), 3);
	resolution_done(&other);
	stop();
}
END_TEST

/* ---- What is left ---- */

START_TEST(who_is_gone_is_forgotten_ten_minutes_after_its_last_connection)
{
	struct server *one;

	start("server = www.example:80");
	stand_for(1, 1, 0, 1);
	one = server_named("10.0.0.1:80");
	atomic_fetch_add(&one->account->connections, 1);
	stand_for(2, 1, 0, 1);
	for (int i = 0; i < 200; i++)
		pass(10000);
	ck_assert_ptr_eq(server_named("10.0.0.1:80"), one);
	atomic_fetch_sub(&one->account->connections, 1);
	pass(10000); /* it is seen */
	pass(LEAVING_MS - 10000);
	ck_assert_ptr_eq(server_named("10.0.0.1:80"), one);
	pass(10000);
	ck_assert_ptr_null(server_named("10.0.0.1:80"));
	pass(10000);
	ck_assert_uint_eq(count_servers(), 1);
	ck_assert_uint_eq(count_accounts(), 1);
	ck_assert(!leaving_is_due(&leaving, &edition));
	stop();
}
END_TEST

START_TEST(who_is_somebodys_still_is_asked_for_again)
{
	struct server *one;

	start("server = www.example:80");
	stand_for(1, 1, 0, 1);
	one = server_named("10.0.0.1:80");
	stand_for(2, 1, 0, 1);
	pass(10000);
	atomic_fetch_add(&one->active, 1); /* somebody is there whom no account has */
	leaving.left.count = 0;
	for (int i = 0; i < 100; i++)
		pass(10000);
	ck_assert_uint_eq(count_servers(), 2);
	server_release(one);
	for (int i = 0; i < 100; i++)
		pass(10000);
	ck_assert_uint_eq(count_servers(), 1);
	stop();
}
END_TEST

/* A change every five seconds, and nothing is left of any. */
START_TEST(ten_thousand_changes_leave_nothing_behind)
{
	unsigned most = 0, early = 0;

	start("server = www.example:80");
	for (unsigned i = 0; i < 10000; i++) {
		stand_for(i, 3, 0, 1);
		pass(5000);
		most = pool.count > most ? pool.count : most;
		if (i == 1000)
			early = most;
		ck_assert_uint_eq(named_count(&pool), 3);
		ck_assert_uint_eq(count_servers(), count_accounts());
	}
	/* What ten minutes have. */
	ck_assert_uint_eq(most, early);
	ck_assert_uint_le(count_servers(), 3 + LEAVING_MS / 5000 + 10);
	for (int i = 0; i < 100; i++)
		pass(10000);
	ck_assert_uint_eq(count_servers(), 3);
	ck_assert_uint_eq(count_accounts(), 3);
	ck_assert(!leaving_is_due(&leaving, &edition));
	stop();
}
END_TEST

START_TEST(another_edition_takes_over_who_is_gone)
{
	struct server *one;
	struct pool next;

	start("server = www.example:80\nserver = 10.9.9.9:80");
	stand_for(1, 2, 0, 1);
	one = server_named("10.0.0.1:80");
	stand_for(2, 1, 0, 1);
	ck_assert_int_eq(pool_open(&next, &config.sections[0]), 0);
	named_inherit(&next, &pool);
	ck_assert_uint_eq(next.count, 2);
	ck_assert_uint_eq(named_count(&next), 0);
	pool_close(&pool);
	pool = next;
	stand_for(1, 1, 0, 1);
	ck_assert_ptr_eq(server_named("10.0.0.1:80"), one);
	ck_assert_uint_eq(named_count(&pool), 1);
	for (int i = 0; i < 100; i++)
		pass(10000);
	ck_assert_uint_eq(count_servers(), 1);
	stop();
}
END_TEST

START_TEST(who_is_added_and_removed_again_and_again_leaves_nothing_behind)
{
	unsigned all, accounts;

	start("server = 127.0.0.1:80");
	ck_assert_int_eq(add("stays", "10.0.0.9:80"), 0);
	ck_assert_int_eq(add("app", "10.0.0.1:80"), 0);
	ck_assert_int_eq(add("app", "10.0.0.2:80"), -EINVAL);
	all = count_servers();
	accounts = count_accounts();
	for (unsigned i = 2; i < 1000; i++) {
		char name[40], line[60];

		snprintf(name, sizeof(name), "app%u", i);
		snprintf(line, sizeof(line), "10.0.%u.%u:80 weight=2", i / 256, i % 256);
		ck_assert_int_eq(add(name, line), 0);
		ck_assert_uint_eq(pool_roster(&pool)->count, 3);
		take_out(name);
		ck_assert_uint_eq(pool_roster(&pool)->count, 2);
		pass(0);
		pass(LEAVING_MS);
		pass(LEAVING_EVERY_MS);
		pass(LEAVING_EVERY_MS);
	}
	ck_assert_uint_eq(count_servers(), all);
	ck_assert_uint_eq(count_accounts(), accounts);
	/* It is the same one again before that, as it is said now. */
	take_out("app");
	ck_assert_int_eq(add("app", "10.0.0.1:80 weight=7"), 0);
	ck_assert_uint_eq(count_servers(), all);
	ck_assert_uint_eq(pool_roster(&pool)->tiers[0].seats[1].weight, 7);
	stop();
}
END_TEST

static void open_again(void)
{
	pool_close(&pool);
	ck_assert_int_eq(pool_open(&pool, &config.sections[0]), 0);
}

START_TEST(what_was_counted_of_who_went_with_its_edition_is_kept_for_ten_minutes)
{
	start("server = 127.0.0.1:80");
	ck_assert_int_eq(add("app", "10.0.0.1:80"), 0);
	ck_assert_int_eq(add("other", "10.0.0.2:80"), 0);
	server_named("app")->account->connections = 7;
	open_again();
	ck_assert_uint_eq(count_servers(), 0);
	now = clock_now_ms();
	pass(LEAVING_MS / 2);
	ck_assert_uint_eq(count_accounts(), 2);
	/* One comes back, and its counters with it; at another address it is called the same. */
	ck_assert_int_eq(add("app", "10.0.0.9:80"), 0);
	ck_assert_uint_eq(server_named("app")->account->connections, 7);
	pass(LEAVING_MS);
	ck_assert_uint_eq(count_accounts(), 1);
	ck_assert_uint_eq(server_named("app")->account->connections, 7);
	stop();
}
END_TEST

START_TEST(where_a_server_is_written_is_what_the_adopted_edition_says)
{
	struct pool next;
	struct server *server;
	const char *place;

	start("server = 127.0.0.1:80");
	ck_assert_int_eq(add("app", "10.0.0.1:80"), 0);
	pool_in_force(&pool);
	server = server_named("app");
	place = server->place;
	ck_assert_int_eq(pool_open(&next, &config.sections[0]), 0);
	ck_assert_int_eq(pool_add(&next, &(struct member){.server = server_keep(server),
							  .place = servers_place(&servers, "f:9"),
							  .weight = 1}),
			 0);
	ck_assert_ptr_eq(servers_get(&servers, server->title, server->name, server->text, "f:9",
				     &server->address),
			 server);
	servers_put(server);
	ck_assert_str_eq(server->place, place);
	pool_in_force(&next);
	ck_assert_str_eq(server->place, "f:9");
	pool_close(&next);
	stop();
}
END_TEST

SUITE("control: servers of names", each_address_is_a_server_called_by_it,
      who_is_gone_takes_none_and_comes_back_as_the_same,
      a_weight_and_a_priority_change_where_the_server_stands,
      the_family_that_comes_second_is_a_backup, what_another_line_has_is_there_once,
      who_is_gone_is_forgotten_ten_minutes_after_its_last_connection,
      who_is_somebodys_still_is_asked_for_again, ten_thousand_changes_leave_nothing_behind,
      another_edition_takes_over_who_is_gone,
      who_is_added_and_removed_again_and_again_leaves_nothing_behind,
      what_was_counted_of_who_went_with_its_edition_is_kept_for_ten_minutes,
      where_a_server_is_written_is_what_the_adopted_edition_says)
