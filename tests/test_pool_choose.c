/* Choosing a server: what holds of every way of balancing. */
#include "support/fleet.h"
#include "support/suite.h"

#include <math.h>

#define OPEN  1000
#define PICKS 10000

/* Three times the deviation of so many picks by chance. */
static void assert_near(uint32_t got, double share, uint32_t picks)
{
	double fair = share * picks, sigma = sqrt(picks * share * (1 - share));

	ck_assert_msg(fabs(got - fair) <= 3 * sigma + 1, "%u of %u picks, where %.0f are fair", got,
		      picks, fair);
}

/* Of picks among many connections that are open and end by chance. */
START_TEST(each_server_has_its_weights_share_of_the_picks)
{
	const uint32_t weights[] = {1, 2, 3, 4, 0};
	struct fleet *fleet = fleet_open((enum balance)_i, 4, weights);
	uint32_t counts[4] = {0};
	int open[OPEN];

	for (uint32_t i = 0; i < OPEN + PICKS; i++) {
		uint32_t place = i < OPEN ? i : (uint32_t)rand() % OPEN;

		if (i >= OPEN)
			server_release(fleet->entries[open[place]].server);
		open[place] = fleet_choose(fleet, NULL);
		ck_assert_int_ge(open[place], 0);
		counts[open[place]] += i >= OPEN;
		fleet->key++;
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_near(counts[i], weights[i] / 10., PICKS);
	for (uint32_t i = 0; i < OPEN; i++)
		server_release(fleet->entries[open[i]].server);
	fleet_close(fleet);
}
END_TEST

START_TEST(nobody_is_chosen_who_has_been_tried)
{
	struct fleet *fleet = fleet_open((enum balance)_i, 100, NULL);
	struct tried tried = {0};

	for (uint32_t i = 0; i < 100; i++) {
		int index = fleet_pick(fleet, &tried);

		ck_assert_int_ge(index, 0);
		ck_assert(!tried_has(&tried, fleet->entries[index].server->number));
		ck_assert_int_eq(tried_add(&tried, fleet->entries[index].server->number), 0);
	}
	ck_assert_int_eq(fleet_pick(fleet, &tried), -2);
	tried_done(&tried);
	fleet_close(fleet);
}
END_TEST

/* clang-format off */
SUITE_OF("pool choose", 60,
	 EACH(each_server_has_its_weights_share_of_the_picks, BALANCE_COUNT),
	 EACH(nobody_is_chosen_who_has_been_tried, BALANCE_COUNT))
/* clang-format on */
