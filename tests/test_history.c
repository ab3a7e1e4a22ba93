/* Rates from totals, by name, and the last ten minutes. */
#include "control/history.h"
#include "support/suite.h"

#include <string.h>

static struct metrics_proxy proxies[2];
static struct metrics_server servers[3];
static struct metrics_worker worker;
static struct metrics_snapshot now;
static struct history history;

static void set_up(void)
{
	memset(&history, 0, sizeof(history));
	memset(&worker, 0, sizeof(worker));
	proxies[0] = (struct metrics_proxy){.name = "a", .kind = "proxy"};
	proxies[1] = (struct metrics_proxy){.name = "a", .kind = "echo"};
	servers[0] = (struct metrics_server){.pool = "a", .name = "b/c"};
	servers[1] = (struct metrics_server){.pool = "a", .name = "d"};
	servers[2] = (struct metrics_server){.pool = "e", .name = "d"};
	now = (struct metrics_snapshot){
		.now_ms = 1000000,
		.proxies = proxies,
		.proxy_count = 2,
		.servers = servers,
		.server_count = 3,
		.workers = &worker,
		.worker_count = 1,
	};
}

static void take_after(uint64_t ms)
{
	now.now_ms += ms;
	ck_assert_int_eq(history_take(&history, &now), 0);
	history_show(&history, &now);
}

START_TEST(what_a_total_grew_by_is_a_rate_of_its_name)
{
	set_up();
	proxies[0].connections_total = 1000;
	take_after(0);
	ck_assert_uint_eq(proxies[0].rates.connections, 0);
	proxies[0].connections_total += 300;
	proxies[0].bytes_up += 4000;
	proxies[1].bytes_down += 2000;
	servers[1].connections_total += 10;
	servers[2].bytes_up += 30000;
	take_after(2000);
	ck_assert_uint_eq(proxies[0].rates.connections, 150);
	ck_assert_uint_eq(proxies[0].rates.bytes_up, 2000);
	ck_assert_uint_eq(proxies[1].rates.connections, 0);
	ck_assert_uint_eq(proxies[1].rates.bytes_down, 1000);
	ck_assert_uint_eq(servers[0].rates.connections, 0);
	ck_assert_uint_eq(servers[1].rates.connections, 5);
	ck_assert_uint_eq(servers[1].rates.bytes_up, 0);
	ck_assert_uint_eq(servers[2].rates.bytes_up, 15000);
	history_done(&history);
}
END_TEST

START_TEST(names_keep_their_rates_when_others_come_and_go)
{
	struct metrics_server kept;

	set_up();
	take_after(0);
	kept = servers[2];
	kept.connections_total = 20;
	servers[0] = kept; /* the two before it are gone */
	servers[1] = (struct metrics_server){.pool = "a", .name = "new", .connections_total = 5000};
	now.server_count = 2;
	take_after(2000);
	ck_assert_uint_eq(servers[0].rates.connections, 10);
	ck_assert_uint_eq(servers[1].rates.connections, 0);
	history_done(&history);
}
END_TEST

START_TEST(a_total_that_is_less_than_before_has_no_rate)
{
	set_up();
	servers[0].bytes_down = 100000;
	take_after(0);
	servers[0].bytes_down = 50;
	take_after(2000);
	ck_assert_uint_eq(servers[0].rates.bytes_down, 0);
	ck_assert_uint_eq(history.points[0].bytes_per_second, 0);
	take_after(0); /* a clock that stands */
	history_done(&history);
}
END_TEST

START_TEST(points_are_of_all_together_the_oldest_first_and_no_more_than_ten_minutes)
{
	set_up();
	take_after(0);
	ck_assert_uint_eq(now.point_count, 0);
	for (unsigned i = 1; i <= HISTORY_POINTS + 5; i++) {
		now.connections = i;
		proxies[0].connections_total += 2ull * i;
		proxies[1].bytes_up += 2000;
		take_after(2000);
		ck_assert_uint_eq(now.point_count, i < HISTORY_POINTS ? i : HISTORY_POINTS);
	}
	ck_assert_uint_eq(now.points[0].connections, 6);
	ck_assert_uint_eq(now.points[0].accepted_per_second, 6);
	ck_assert_uint_eq(now.points[0].bytes_per_second, 1000);
	ck_assert_uint_eq(now.points[HISTORY_POINTS - 1].connections, HISTORY_POINTS + 5);
	ck_assert_uint_eq(now.points[HISTORY_POINTS - 1].at_ms, now.now_ms);
	history_done(&history);
}
END_TEST

START_TEST(lag_is_that_of_the_turns_between_two_points)
{
	set_up();
	worker.lag.counts[12] = 1000; /* long ago */
	take_after(0);
	worker.lag.counts[1] += 100;
	take_after(2000);
	ck_assert_uint_eq(now.points[0].lag_p99_ns, 20000);
	worker.lag.counts[HISTOGRAM_LAG.buckets] += 100;
	take_after(2000);
	ck_assert_uint_gt(now.points[1].lag_p99_ns, 327680000);
	take_after(2000);
	ck_assert_uint_eq(now.points[2].lag_p99_ns, 0);
	worker.lag.counts[1] += 1000;
	worker.lag.counts[12] += 1;
	take_after(2000);
	ck_assert_uint_eq(now.points[3].lag_p99_ns, 20000);
	history_done(&history);
}
END_TEST

SUITE("history", what_a_total_grew_by_is_a_rate_of_its_name,
      names_keep_their_rates_when_others_come_and_go, a_total_that_is_less_than_before_has_no_rate,
      points_are_of_all_together_the_oldest_first_and_no_more_than_ten_minutes,
      lag_is_that_of_the_turns_between_two_points)
