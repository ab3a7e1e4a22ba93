/* The timer wheel against a sorted model, and its edges one by one. */
#include "base/clock.h"
#include "base/list.h"
#include "base/wheel.h"
#include "support/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SPAN_MS (1ull << 30) /* what the levels cover; beyond is the far list */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Fire what is due at now and say how many it were; each must be due, set no more, in order. */
static unsigned expire_all(struct wheel *wheel, uint64_t now_ms)
{
	struct wheel_timer *timer;
	uint64_t last_ms = 0;
	unsigned count = 0;

	while ((timer = wheel_expire(wheel, now_ms))) {
		if (timer->expires_ms > now_ms || timer->expires_ms < last_ms ||
		    wheel_is_set(timer))
			ck_abort_msg("at %" PRIu64 " after %" PRIu64 ": one due at %" PRIu64
				     " came%s",
				     now_ms, last_ms, timer->expires_ms,
				     wheel_is_set(timer) ? ", still set" : "");
		last_ms = timer->expires_ms;
		count++;
	}
	return count;
}

START_TEST(an_empty_wheel_has_nothing_next_and_nothing_to_expire)
{
	struct wheel wheel;

	wheel_init(&wheel, 1000);
	ck_assert_uint_eq(wheel_next(&wheel), UINT64_MAX);
	ck_assert_ptr_null(wheel_expire(&wheel, 1000));
	ck_assert_ptr_null(wheel_expire(&wheel, UINT64_MAX));
	ck_assert_uint_eq(wheel_next(&wheel), UINT64_MAX);
}
END_TEST

START_TEST(a_timer_fires_at_its_millisecond_and_not_one_before)
{
	const uint64_t starts[] = {0, 1, 63, 64, 4095, 123456789, SPAN_MS - 1, SPAN_MS * 7 + 5};
	const uint64_t delays[] = {1,
				   2,
				   63,
				   64,
				   65,
				   4095,
				   4096,
				   4097,
				   262143,
				   262144,
				   16777215,
				   16777216,
				   SPAN_MS - 1,
				   SPAN_MS,
				   SPAN_MS + 1,
				   3 * SPAN_MS,
				   40 * SPAN_MS + 77};

	for (size_t s = 0; s < array_size(starts); s++) {
		for (size_t d = 0; d < array_size(delays); d++) {
			struct wheel wheel;
			struct wheel_timer timer = {0};
			uint64_t expires = starts[s] + delays[d];

			wheel_init(&wheel, starts[s]);
			wheel_set(&wheel, &timer, expires);
			ck_assert_uint_le(wheel_next(&wheel), expires);
			ck_assert_ptr_null(wheel_expire(&wheel, expires - 1));
			ck_assert(wheel_is_set(&timer));
			ck_assert_ptr_eq(wheel_expire(&wheel, expires), &timer);
			ck_assert(!wheel_is_set(&timer));
			ck_assert_ptr_null(wheel_expire(&wheel, expires));
		}
	}
}
END_TEST

START_TEST(sleeping_until_wheel_next_meets_every_timer_on_its_millisecond)
{
	struct wheel wheel;
	struct wheel_timer timer = {0};

	for (uint64_t delay = 1; delay < 50 * SPAN_MS; delay = delay * 3 + 1) {
		uint64_t now = 987654321;
		unsigned wakeups = 0;

		wheel_init(&wheel, now);
		wheel_set(&wheel, &timer, now + delay);
		while (wheel_is_set(&timer)) {
			uint64_t next = wheel_next(&wheel);
			ck_assert_uint_gt(next, now);
			ck_assert_uint_le(next, timer.expires_ms);
			now = next;
			wakeups++;
			if (wheel_expire(&wheel, now))
				ck_assert_uint_eq(now, timer.expires_ms);
		}
		/* once per level on the way down, and once per turn of the far list */
		ck_assert_uint_le(wakeups, WHEEL_LEVELS + 1 + delay / SPAN_MS);
	}
}
END_TEST

START_TEST(a_timer_set_to_the_past_is_due_at_once)
{
	struct wheel wheel;
	struct wheel_timer past = {0}, present = {0};

	wheel_init(&wheel, 5000);
	wheel_set(&wheel, &past, 10);
	wheel_set(&wheel, &present, 5000);
	ck_assert_uint_eq(wheel_next(&wheel), 5000);
	ck_assert_ptr_eq(wheel_expire(&wheel, 5000), &past);
	ck_assert_ptr_eq(wheel_expire(&wheel, 5000), &present);
	ck_assert_ptr_null(wheel_expire(&wheel, 5000));
}
END_TEST

START_TEST(setting_an_armed_timer_moves_it)
{
	struct wheel wheel;
	struct wheel_timer timer = {0};

	wheel_init(&wheel, 100);
	wheel_set(&wheel, &timer, 150);
	wheel_set(&wheel, &timer, 90000);
	ck_assert_uint_eq(expire_all(&wheel, 89999), 0);
	wheel_set(&wheel, &timer, 90001);
	wheel_set(&wheel, &timer, 90000);
	ck_assert_uint_eq(expire_all(&wheel, 90000), 1);
	ck_assert_uint_eq(wheel_next(&wheel), UINT64_MAX);
}
END_TEST

START_TEST(a_cleared_timer_never_fires_and_clearing_twice_is_harmless)
{
	struct wheel wheel;
	struct wheel_timer gone = {0}, stays = {0}, far = {0}, never_set = {0};

	wheel_init(&wheel, 0);
	wheel_set(&wheel, &gone, 70);
	wheel_set(&wheel, &stays, 70); /* shares the slot */
	wheel_set(&wheel, &far, 9 * SPAN_MS);
	wheel_clear(&wheel, &gone);
	wheel_clear(&wheel, &gone);
	wheel_clear(&wheel, &far);
	wheel_clear(&wheel, &never_set);
	ck_assert_ptr_eq(wheel_expire(&wheel, UINT64_MAX), &stays);
	ck_assert_ptr_null(wheel_expire(&wheel, UINT64_MAX));
}
END_TEST

START_TEST(a_clock_that_stands_or_goes_back_fires_nothing_early)
{
	struct wheel wheel;
	struct wheel_timer timer = {0};

	wheel_init(&wheel, 1000);
	wheel_set(&wheel, &timer, 1100);
	ck_assert_uint_eq(expire_all(&wheel, 1050), 0);
	ck_assert_uint_eq(expire_all(&wheel, 900), 0);
	ck_assert_uint_eq(expire_all(&wheel, 1050), 0);
	ck_assert_uint_eq(expire_all(&wheel, 1100), 1);
}
END_TEST

START_TEST(a_handler_may_set_and_clear_any_timer)
{
	struct wheel wheel;
	struct wheel_timer ticker = {0}, victim = {0}, second_victim = {0}, *timer;
	unsigned ticks = 0;

	wheel_init(&wheel, 0);
	wheel_set(&wheel, &ticker, 10);
	wheel_set(&wheel, &victim, 10);        /* due together with the ticker */
	wheel_set(&wheel, &second_victim, 25); /* in a later slot */
	while ((timer = wheel_expire(&wheel, 100))) {
		ck_assert_ptr_eq(timer, &ticker);
		wheel_clear(&wheel, &victim);
		wheel_clear(&wheel, &second_victim);
		ticks++;
		wheel_set(&wheel, &ticker, timer->expires_ms + 10);
	}
	ck_assert_uint_eq(ticks, 10); /* 10, 20 ... 100: a late caller misses no tick */
	ck_assert(wheel_is_set(&ticker));
	ck_assert_uint_eq(wheel_next(&wheel), 110);
}
END_TEST

START_TEST(a_late_caller_gets_timers_of_all_levels_in_order)
{
	static struct wheel_timer timers[1000];
	struct wheel wheel;
	uint64_t random = 88172645463325252ull;

	wheel_init(&wheel, 1ull << 29);
	for (size_t i = 0; i < array_size(timers); i++)
		wheel_set(&wheel, &timers[i],
			  (1ull << 29) + next_random(&random) % (1ull << (1 + i % 36)));
	ck_assert_uint_eq(expire_all(&wheel, 1ull << 40), array_size(timers));
	ck_assert_uint_eq(wheel_next(&wheel), UINT64_MAX);
}
END_TEST

#define MODEL_TIMERS 300

struct model {
	struct wheel wheel;
	struct wheel_timer timers[MODEL_TIMERS];
	uint64_t expires_ms[MODEL_TIMERS]; /* UINT64_MAX: not set */
	uint64_t now_ms;
	uint64_t random;
};

static uint64_t model_earliest(const struct model *model)
{
	uint64_t earliest = UINT64_MAX;

	for (size_t i = 0; i < MODEL_TIMERS; i++)
		if (model->expires_ms[i] < earliest)
			earliest = model->expires_ms[i];
	return earliest;
}

/* Check reports every assertion to its parent: thousands of comparisons become one. */
static bool model_agrees(const struct model *model)
{
	for (size_t i = 0; i < MODEL_TIMERS; i++)
		if (wheel_is_set(&model->timers[i]) != (model->expires_ms[i] != UINT64_MAX))
			return false;
	return true;
}

static void model_change_some(struct model *model)
{
	for (unsigned i = 0; i < 20; i++) {
		size_t at = next_random(&model->random) % MODEL_TIMERS;
		uint64_t reach = 1ull << next_random(&model->random) % 34;

		if (next_random(&model->random) % 4 == 0) {
			wheel_clear(&model->wheel, &model->timers[at]);
			model->expires_ms[at] = UINT64_MAX;
		} else {
			model->expires_ms[at] = model->now_ms + next_random(&model->random) % reach;
			wheel_set(&model->wheel, &model->timers[at], model->expires_ms[at]);
		}
	}
}

/* The wheel gives exactly the earliest of the model's, one by one, until none is due. */
static void model_expire(struct model *model)
{
	struct wheel_timer *timer;

	while ((timer = wheel_expire(&model->wheel, model->now_ms))) {
		size_t at = (size_t)(timer - model->timers);
		if (timer->expires_ms != model->expires_ms[at] || timer->expires_ms > model->now_ms)
			ck_abort_msg("at %" PRIu64 ": timer %zu of %" PRIu64 " came", model->now_ms,
				     at, model->expires_ms[at]);
		model->expires_ms[at] = UINT64_MAX;
		if (next_random(&model->random) % 2 == 0) { /* from within the handling */
			model->expires_ms[at] =
				model->now_ms + 1 + next_random(&model->random) % 5000;
			wheel_set(&model->wheel, timer, model->expires_ms[at]);
		}
	}
	ck_assert_uint_gt(model_earliest(model), model->now_ms);
}

START_TEST(ten_thousand_random_steps_agree_with_a_sorted_model)
{
	static struct model model;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		memset(&model, 0, sizeof(model));
		memset(model.expires_ms, 0xff, sizeof(model.expires_ms));
		model.random = seed * 0x9e3779b97f4a7c15ull;
		model.now_ms = next_random(&model.random) % (1ull << 42);
		wheel_init(&model.wheel, model.now_ms);

		for (unsigned step = 0; step < 500; step++) {
			model_change_some(&model);
			uint64_t next = wheel_next(&model.wheel);
			ck_assert_msg(next <= model_earliest(&model),
				      "seed %" PRIu64 " step %u: next is %" PRIu64
				      ", a timer expires at %" PRIu64,
				      seed, step, next, model_earliest(&model));
			if (next_random(&model.random) % 2 && next != UINT64_MAX &&
			    next > model.now_ms)
				model.now_ms = next;
			else
				model.now_ms += next_random(&model.random) %
						(1ull << next_random(&model.random) % 33);
			model_expire(&model);
			ck_assert(model_agrees(&model));
		}
	}
}
END_TEST

START_TEST(a_hundred_thousand_armed_timers_are_looked_at_only_when_their_slot_comes)
{
	static struct wheel_timer timers[100000];
	struct wheel wheel, before;
	const uint64_t hour = 3600 * 1000;

	/* As of 2^24 all of them lie in later slots of the third level and above. */
	wheel_init(&wheel, 1ull << 24);
	for (size_t i = 0; i < array_size(timers); i++)
		wheel_set(&wheel, &timers[i], wheel.now_ms + hour + i % 1000);

	memcpy(&before, &wheel, sizeof(wheel));
	uint64_t next = wheel_next(&wheel);
	ck_assert_uint_gt(next, wheel.now_ms + hour / 2);
	for (uint64_t now = wheel.now_ms; now < next; now += 1 + (next - now) / 2)
		ck_assert_ptr_null(wheel_expire(&wheel, now));
	/* Not one list has changed: only the present moved. */
	ck_assert_mem_eq(wheel.slots, before.slots, sizeof(wheel.slots));
	ck_assert_mem_eq(wheel.occupied, before.occupied, sizeof(wheel.occupied));
	ck_assert_uint_eq(expire_all(&wheel, (1ull << 24) + 2 * hour), array_size(timers));
}
END_TEST

START_TEST(a_list_keeps_order_and_lets_any_node_leave)
{
	struct list head, other, nodes[4] = {{0}};

	list_init(&head);
	list_init(&other);
	ck_assert(list_is_empty(&head));
	ck_assert_ptr_null(list_pop(&head));
	for (size_t i = 0; i < array_size(nodes); i++)
		list_push(&head, &nodes[i]);
	list_remove(&nodes[2]);
	ck_assert(!list_is_linked(&nodes[2]));
	list_move_all(&head, &other);
	ck_assert(list_is_empty(&head));
	ck_assert_ptr_eq(list_pop(&other), &nodes[0]);
	ck_assert_ptr_eq(list_pop(&other), &nodes[1]);
	list_push(&other, &nodes[0]);
	ck_assert_ptr_eq(list_pop(&other), &nodes[3]);
	ck_assert_ptr_eq(list_pop(&other), &nodes[0]);
	ck_assert(list_is_empty(&other));
	list_move_all(&other, &head);
	ck_assert(list_is_empty(&head));
}
END_TEST

START_TEST(the_clock_moves_forward_and_milliseconds_are_rounded_down)
{
	uint64_t first_ns = clock_now_ns(), ms = clock_now_ms(), second_ns = clock_now_ns();

	ck_assert_uint_gt(first_ns, 0);
	ck_assert_uint_le(first_ns, second_ns);
	ck_assert_uint_ge(ms, first_ns / 1000000);
	ck_assert_uint_le(ms * 1000000, second_ns);
}
END_TEST

SUITE("wheel", an_empty_wheel_has_nothing_next_and_nothing_to_expire,
      a_timer_fires_at_its_millisecond_and_not_one_before,
      sleeping_until_wheel_next_meets_every_timer_on_its_millisecond,
      a_timer_set_to_the_past_is_due_at_once, setting_an_armed_timer_moves_it,
      a_cleared_timer_never_fires_and_clearing_twice_is_harmless,
      a_clock_that_stands_or_goes_back_fires_nothing_early, a_handler_may_set_and_clear_any_timer,
      a_late_caller_gets_timers_of_all_levels_in_order,
      ten_thousand_random_steps_agree_with_a_sorted_model,
      a_hundred_thousand_armed_timers_are_looked_at_only_when_their_slot_comes,
      a_list_keeps_order_and_lets_any_node_leave,
      the_clock_moves_forward_and_milliseconds_are_rounded_down)
