/* Asking workers for their sessions: who is late, whose memory that is, and how many may wait. */
#include "control/inquiry.h"
#include "support/suite.h"
#include "worker/census.h"

#include <errno.h>
#include <string.h>

#define WORKERS 3

/* The main thread, with workers that the test plays. */
static struct {
	struct events *events;
	struct orders orders;
	struct order_box boxes[WORKERS];
	struct inquiries inquiries;
	unsigned told, enough;
	struct inquiry_answer answer;
	uint64_t ids[10];
} stage;

static int bell(void *owner, uint32_t worker)
{
	(void)owner;
	(void)worker;
	return 0;
}

static void send_to(void *owner, uint32_t worker, struct order *order)
{
	(void)owner;
	orders_send(&stage.orders, worker, order);
}

static void told(void *owner, const struct inquiry_answer *answer)
{
	ck_assert_ptr_eq(owner, &stage);
	stage.answer = *answer;
	for (uint32_t i = 0; i < answer->count && i < array_size(stage.ids); i++)
		stage.ids[i] = answer->rows[i]->id;
	if (++stage.told == stage.enough)
		events_stop(stage.events);
}

static void stage_open(void)
{
	memset(&stage, 0, sizeof(stage));
	stage.enough = 1;
	ck_assert_int_eq(events_open(&stage.events), 0);
	ck_assert_int_eq(orders_open(&stage.orders, stage.events, WORKERS, bell, NULL), 0);
	for (uint32_t i = 0; i < WORKERS; i++)
		orders_begin(&stage.orders, i, &stage.boxes[i]);
	inquiries_open(&stage.inquiries, stage.events, WORKERS, send_to, NULL);
}

static void stage_close(void)
{
	inquiries_close(&stage.inquiries);
	for (uint32_t i = 0; i < WORKERS; i++)
		orders_end(&stage.orders, i);
	orders_close(&stage.orders);
	events_close(stage.events);
}

static int ask(const struct inquiry_question *question)
{
	return inquiry_ask(&stage.inquiries, question, told, &stage);
}

static const struct inquiry_question everybody = {.below = UINT64_MAX, .room = 4};

/* The worker has sessions of these ids and ages, which end at a 0. */
static void work(uint32_t worker, const uint64_t *ids, uint64_t started_ms)
{
	struct order *order = order_take(&stage.boxes[worker]);
	struct census_order *census = container_of(order, struct census_order, order);

	ck_assert_ptr_nonnull(order);
	for (; *ids; ids++) {
		census->met++;
		if (census->count < census->room)
			census->rows[census->count++] =
				(struct glance){.id = *ids, .started_ms = started_ms};
	}
	order_return(order, 0);
}

START_TEST(what_workers_say_is_one_page_in_order)
{
	stage_open();
	ck_assert_int_eq(ask(&everybody), 0);
	work(2, (const uint64_t[]){11, 2, 5, 0}, 1);
	work(0, (const uint64_t[]){3, 0}, 2);
	work(1, (const uint64_t[]){1, 4, 0}, 3);
	events_run(stage.events);
	ck_assert_str_eq(stage.answer.late, "");
	ck_assert_uint_eq(stage.answer.met, 6);
	ck_assert_uint_eq(stage.answer.count, 4);
	ck_assert_mem_eq(stage.ids, ((uint64_t[]){1, 2, 3, 4}), 4 * sizeof(uint64_t));

	stage.enough = 2;
	ck_assert_int_eq(
		ask(&(struct inquiry_question){.below = UINT64_MAX, .room = 4, .by_age = true}), 0);
	work(2, (const uint64_t[]){11, 2, 5, 0}, 1);
	work(0, (const uint64_t[]){3, 0}, 2);
	work(1, (const uint64_t[]){1, 4, 0}, 3);
	events_run(stage.events);
	ck_assert_mem_eq(stage.ids, ((uint64_t[]){2, 5, 11, 3}), 4 * sizeof(uint64_t));
	stage_close();
}
END_TEST

START_TEST(for_one_id_only_its_worker_is_asked)
{
	stage_open();
	ck_assert_int_eq(ask(&(struct inquiry_question){
				 .from = 7, .below = 8, .one = true, .room = 1, .closely = true}),
			 0);
	ck_assert(!order_any(&stage.boxes[0]) && !order_any(&stage.boxes[2]));
	work(1, (const uint64_t[]){7, 0}, 1);
	events_run(stage.events);
	ck_assert_uint_eq(stage.answer.count, 1);
	ck_assert_uint_eq(stage.ids[0], 7);
	ck_assert_ptr_nonnull(stage.answer.detail);
	stage_close();
}
END_TEST

/* Its memory is written to after the answer, and is freed when it comes back. */
START_TEST(a_worker_that_is_late_is_named_and_may_come_back_later)
{
	stage_open();
	ck_assert_int_eq(ask(&everybody), 0);
	work(0, (const uint64_t[]){3, 0}, 1);
	events_run(stage.events);
	ck_assert_str_eq(stage.answer.late, "worker 1, worker 2");
	ck_assert_uint_eq(stage.inquiries.count, 1);

	stage.enough = 2;
	ck_assert_int_eq(ask(&(struct inquiry_question){.from = 3, .below = 4, .one = true}), 0);
	work(0, (const uint64_t[]){3, 0}, 1);
	work(1, (const uint64_t[]){1, 4, 0}, 1);
	work(2, (const uint64_t[]){2, 5, 0}, 1);
	events_run(stage.events);
	ck_assert_str_eq(stage.answer.late, "");
	ck_assert_uint_eq(stage.told, 2);
	ck_assert_uint_eq(stage.inquiries.count, 0);
	stage_close();
}
END_TEST

START_TEST(workers_that_hang_do_not_take_memory_without_end)
{
	stage_open();
	for (unsigned i = 0; i < INQUIRIES_MAX; i++)
		ck_assert_int_eq(ask(&everybody), 0);
	ck_assert_int_eq(ask(&everybody), -EBUSY);
	stage.enough = INQUIRIES_MAX;
	events_run(stage.events);
	ck_assert_int_eq(ask(&everybody), -EBUSY); /* nothing is back yet */
	stage_close();
	ck_assert_uint_eq(stage.told, INQUIRIES_MAX);
}
END_TEST

START_TEST(a_worker_that_has_ended_has_no_sessions)
{
	stage_open();
	orders_end(&stage.orders, 1);
	ck_assert_int_eq(ask(&everybody), 0);
	work(0, (const uint64_t[]){3, 0}, 1);
	work(2, (const uint64_t[]){2, 0}, 1);
	events_run(stage.events);
	ck_assert_str_eq(stage.answer.late, "");
	ck_assert_uint_eq(stage.answer.count, 2);
	stage_close();
}
END_TEST

START_TEST(whoever_still_waits_at_the_end_is_told_that_all_are_late)
{
	stage_open();
	ck_assert_int_eq(ask(&everybody), 0);
	inquiries_close(&stage.inquiries);
	ck_assert_uint_eq(stage.told, 1);
	ck_assert_str_eq(stage.answer.late, "worker 0, worker 1, worker 2");
	work(1, (const uint64_t[]){1, 0}, 1);
	stage_close();
	ck_assert_uint_eq(stage.told, 1);
}
END_TEST

SUITE("control: inquiry", what_workers_say_is_one_page_in_order,
      for_one_id_only_its_worker_is_asked, a_worker_that_is_late_is_named_and_may_come_back_later,
      workers_that_hang_do_not_take_memory_without_end, a_worker_that_has_ended_has_no_sessions,
      whoever_still_waits_at_the_end_is_told_that_all_are_late)
