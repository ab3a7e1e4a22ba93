/* Orders to workers: none is lost, whatever becomes of the bell. */
#include "base/list.h"
#include "ops/events.h"
#include "ops/log.h"
#include "support/suite.h"
#include "worker/order.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- one thread is both ---- */

#define WORKERS 2

/* A worker that is looked after by the test, and its bell. */
struct post {
	struct events *events;
	struct orders orders;
	struct order_box box[WORKERS];
	unsigned rung[WORKERS], failing[WORKERS]; /* so many times more */
	unsigned back, enough;
};

static int bell(void *owner, uint32_t worker)
{
	struct post *post = owner;

	if (post->failing[worker]) {
		post->failing[worker]--;
		return -EOVERFLOW;
	}
	if (++post->rung[worker] == post->enough)
		events_stop(post->events);
	return 0;
}

static void count_back(struct order *order)
{
	struct post *post = order->owner;

	if (++post->back == post->enough)
		events_stop(post->events);
}

static void post_open(struct post *post)
{
	*post = (struct post){.enough = 1};
	ck_assert_int_eq(events_open(&post->events), 0);
	ck_assert_int_eq(orders_open(&post->orders, post->events, WORKERS, bell, post), 0);
	for (uint32_t i = 0; i < WORKERS; i++)
		orders_begin(&post->orders, i, &post->box[i]);
}

static void post_close(struct post *post)
{
	orders_close(&post->orders);
	events_close(post->events);
}

static struct order order_of(enum order_kind kind, struct post *post)
{
	return (struct order){.kind = kind, .done = count_back, .owner = post};
}

START_TEST(orders_are_taken_as_they_were_sent)
{
	struct order first, second, third, *taken;
	struct post post;

	post_open(&post);
	first = order_of(ORDER_CATCH_UP, &post);
	second = order_of(ORDER_DRAIN, &post);
	third = order_of(ORDER_STOP, &post);
	ck_assert(!order_any(&post.box[0]));
	orders_send(&post.orders, 0, &first);
	orders_send(&post.orders, 0, &second);
	orders_send(&post.orders, 0, &third);
	ck_assert(order_any(&post.box[0]));
	taken = order_take(&post.box[0]);
	ck_assert(!order_any(&post.box[0]));
	ck_assert_ptr_null(order_take(&post.box[0]));
	ck_assert_ptr_eq(taken, &first);
	ck_assert_ptr_eq(taken->next, &second);
	ck_assert_ptr_eq(taken->next->next, &third);
	ck_assert_ptr_null(taken->next->next->next);
	post_close(&post);
}
END_TEST

START_TEST(the_bell_rings_once_for_what_is_taken_together)
{
	struct order orders[4];
	struct post post;

	post_open(&post);
	for (size_t i = 0; i < array_size(orders); i++)
		orders[i] = order_of(ORDER_PING, &post);
	orders_send(&post.orders, 0, &orders[0]);
	orders_send(&post.orders, 0, &orders[1]);
	ck_assert_uint_eq(post.rung[0], 1);
	orders_send(&post.orders, 1, &orders[2]);
	ck_assert_uint_eq(post.rung[1], 1);
	ck_assert_ptr_nonnull(order_take(&post.box[0]));
	orders_send(&post.orders, 0, &orders[3]);
	ck_assert_uint_eq(post.rung[0], 2);
	post_close(&post);
}
END_TEST

START_TEST(an_order_comes_back_with_the_workers_word)
{
	struct order order;
	struct post post;

	post_open(&post);
	order = order_of(ORDER_PING, &post);
	orders_send(&post.orders, 1, &order);
	ck_assert_ptr_eq(order_take(&post.box[1]), &order);
	ck_assert_uint_eq(post.back, 0);
	order_return(&order, 42);
	ck_assert_uint_eq(post.back, 0);
	events_run(post.events);
	ck_assert_uint_eq(post.back, 1);
	ck_assert_int_eq(order.result, 42);
	ck_assert(!order.under_way);
	post_close(&post);
}
END_TEST

START_TEST(nobody_need_wait_for_an_order)
{
	struct order silent = {.kind = ORDER_PING}, order;
	struct post post;

	post_open(&post);
	order = order_of(ORDER_PING, &post);
	orders_send(&post.orders, 0, &silent);
	orders_send(&post.orders, 1, &order);
	order_return(order_take(&post.box[0]), 0);
	order_return(order_take(&post.box[1]), 0);
	events_run(post.events);
	ck_assert(!silent.under_way);
	post_close(&post);
}
END_TEST

/* ---- the bell ---- */

START_TEST(a_bell_that_does_not_ring_is_tried_until_it_does)
{
	struct order order;
	struct post post;

	post_open(&post);
	post.failing[0] = 5;
	order = order_of(ORDER_STOP, &post);
	orders_send(&post.orders, 0, &order);
	ck_assert_uint_eq(post.rung[0], 0);
	events_run(post.events);
	ck_assert_uint_eq(post.rung[0], 1);
	ck_assert_uint_eq(post.failing[0], 0);
	ck_assert_ptr_eq(order_take(&post.box[0]), &order);
	post_close(&post);
}
END_TEST

START_TEST(who_turns_by_itself_needs_no_bell)
{
	struct order order;
	struct post post;

	post_open(&post);
	post.failing[0] = UINT32_MAX;
	order = order_of(ORDER_DRAIN, &post);
	orders_send(&post.orders, 0, &order);
	ck_assert_ptr_eq(order_take(&post.box[0]), &order);
	order_return(&order, 0);
	events_run(post.events);
	ck_assert_uint_eq(post.back, 1);
	ck_assert_uint_eq(post.rung[0], 0);
	post_close(&post);
}
END_TEST

/* Worker 0 is sent an order every millisecond, takes it by itself, and never hears a bell. */
struct busy {
	struct post *post;
	struct event *event;
	struct order order;
	unsigned left;
};

static void keep_busy(void *owner)
{
	struct busy *busy = owner;
	struct order *taken;

	taken = order_take(&busy->post->box[0]);
	if (taken)
		order_return(taken, 0);
	orders_send(&busy->post->orders, 0, &busy->order);
	events_set_in(busy->event, 1);
	if (--busy->left == 0)
		events_stop(busy->post->events);
}

START_TEST(the_bell_of_one_is_not_put_off_by_that_of_another)
{
	struct busy busy = {.left = 200};
	struct order order;
	struct post post;

	post_open(&post);
	post.failing[0] = UINT32_MAX;
	post.failing[1] = 12; /* at most 11 of its turns for each */
	busy.post = &post;
	busy.order = (struct order){.kind = ORDER_PING};
	order = (struct order){.kind = ORDER_PING};
	ck_assert_int_eq(events_add_timer(post.events, &busy.event, keep_busy, &busy), 0);
	events_set(busy.event, 0);
	orders_send(&post.orders, 1, &order);
	events_run(post.events);
	ck_assert_uint_eq(post.rung[1], 1);
	ck_assert_uint_gt(busy.left, 0);
	events_remove(busy.event);
	post_close(&post);
}
END_TEST

static char *said(int fd)
{
	static char text[4096];
	ssize_t size = read(fd, text, sizeof(text) - 1);

	text[size < 0 ? 0 : size] = 0;
	return text;
}

START_TEST(a_worker_out_of_reach_is_said_once_and_so_is_its_return)
{
	struct order order;
	struct post post;
	const char *text;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	post_open(&post);
	post.failing[1] = 5;
	order = order_of(ORDER_PING, &post);
	orders_send(&post.orders, 1, &order);
	events_run(post.events);
	ck_assert_str_eq(said(ends[0]), ""); /* a moment is nothing to speak of */
	order_return(order_take(&post.box[1]), 0);
	events_run(post.events);
	post.rung[1] = post.back = 0;
	post.failing[1] = 150;
	orders_send(&post.orders, 1, &order);
	events_run(post.events);
	text = said(ends[0]);
	ck_assert_str_eq(text, "warning: cannot reach worker 1: Value too large for defined data "
			       "type; it is tried again and again\n"
			       "worker 1 is reached again\n");
	post_close(&post);
}
END_TEST

/* ---- twice, and too late ---- */

START_TEST(an_order_that_is_under_way_is_sent_again_when_it_is_back)
{
	struct order order;
	struct post post;

	post_open(&post);
	order = order_of(ORDER_CATCH_UP, &post);
	orders_send(&post.orders, 0, &order);
	ck_assert_ptr_eq(order_take(&post.box[0]), &order);
	orders_send(&post.orders, 0, &order);
	orders_send(&post.orders, 0, &order);
	ck_assert(!order_any(&post.box[0]));
	post.enough = 2; /* bells */
	order_return(&order, 1);
	events_run(post.events);
	ck_assert_uint_eq(post.back, 0);
	ck_assert_ptr_eq(order_take(&post.box[0]), &order);
	post.enough = 1;
	order_return(&order, 2);
	events_run(post.events);
	ck_assert_uint_eq(post.back, 1);
	ck_assert_int_eq(order.result, 2);
	ck_assert(!order_any(&post.box[0]));
	post_close(&post);
}
END_TEST

START_TEST(what_a_worker_that_has_ended_did_not_take_comes_back)
{
	struct order left, late;
	struct post post;

	post_open(&post);
	post.enough = 2;
	post.failing[0] = UINT32_MAX;
	left = order_of(ORDER_DRAIN, &post);
	late = order_of(ORDER_STOP, &post);
	orders_send(&post.orders, 0, &left);
	orders_end(&post.orders, 0);
	orders_end(&post.orders, 0);
	orders_send(&post.orders, 0, &late);
	ck_assert_uint_eq(post.back, 0);
	events_run(post.events);
	ck_assert_uint_eq(post.back, 2);
	ck_assert_int_eq(left.result, -ESHUTDOWN);
	ck_assert_int_eq(late.result, -ESHUTDOWN);
	post_close(&post);
}
END_TEST

START_TEST(one_that_was_to_be_sent_again_to_who_has_ended_says_so)
{
	struct order order;
	struct post post;

	post_open(&post);
	order = order_of(ORDER_CATCH_UP, &post);
	orders_send(&post.orders, 0, &order);
	orders_send(&post.orders, 0, &order);
	order_return(order_take(&post.box[0]), 0);
	orders_end(&post.orders, 0);
	events_run(post.events);
	ck_assert_uint_eq(post.back, 1);
	ck_assert_int_eq(order.result, -ESHUTDOWN);
	post_close(&post);
}
END_TEST

START_TEST(without_a_loop_orders_are_put_into_boxes_and_looked_for_in_trays)
{
	struct order_tray tray = {.fd = -1};
	struct order first = {.kind = ORDER_DRAIN}, second = {.kind = ORDER_STOP};
	struct order_box box = {0};

	ck_assert(order_put(&box, &first, &tray));
	ck_assert(!order_put(&box, &second, &tray));
	ck_assert_ptr_eq(order_take(&box), &first);
	order_return(&first, 0);
	ck_assert_ptr_eq(order_take(&tray.box), &first);
	order_return(&second, -EBUSY);
	ck_assert_ptr_eq(order_take(&tray.box), &second);
	ck_assert_int_eq(second.result, -EBUSY);
}
END_TEST

/* ---- threads ---- */

#define CROWD   4
#define EACH_IN 16   /* under way at once to each */
#define ROUNDS  2000 /* of each */

struct numbered {
	struct order order;
	struct crowd *crowd;
	uint32_t worker;
	int number; /* of those sent to the worker; it says the same */
};

struct member {
	pthread_t thread;
	struct order_box box;
	int bell; /* an eventfd, which the worker sleeps on */
	int last; /* number that came back */
	int sent;
	struct order stop;
};

struct crowd {
	struct events *events;
	struct orders orders;
	struct member members[CROWD];
	struct numbered numbered[CROWD][EACH_IN];
	unsigned seed, failed, stopped;
};

static int crowd_bell(void *owner, uint32_t worker)
{
	struct crowd *crowd = owner;
	uint64_t one = 1;

	if (rand_r(&crowd->seed) % 3 == 0) {
		crowd->failed++;
		return -EOVERFLOW;
	}
	return write(crowd->members[worker].bell, &one, sizeof(one)) < 0 ? -errno : 0;
}

static void *member_run(void *argument)
{
	struct member *member = argument;
	struct order *order, *next;
	bool stopped = false;
	uint64_t count;

	while (!stopped) {
		if (!order_any(&member->box) && read(member->bell, &count, sizeof(count)) < 0)
			break;
		for (order = order_take(&member->box); order; order = next) {
			next = order->next;
			stopped |= order->kind == ORDER_STOP;
			order_return(order,
				     order->kind == ORDER_STOP
					     ? 0
					     : container_of(order, struct numbered, order)->number);
		}
	}
	return NULL;
}

static void member_stopped(struct order *order)
{
	struct crowd *crowd = order->owner;

	ck_assert_int_eq(order->result, 0);
	if (++crowd->stopped == CROWD)
		events_stop(crowd->events);
}

static void numbered_back(struct order *order)
{
	struct numbered *numbered = container_of(order, struct numbered, order);
	struct crowd *crowd = numbered->crowd;
	struct member *member = &crowd->members[numbered->worker];

	ck_assert_int_eq(order->result, numbered->number);
	ck_assert_int_eq(numbered->number, member->last + 1);
	member->last = numbered->number;
	if (member->sent < ROUNDS) {
		numbered->number = ++member->sent;
		orders_send(&crowd->orders, numbered->worker, order);
	} else if (member->last == ROUNDS) {
		orders_send(&crowd->orders, numbered->worker, &member->stop);
	}
}

START_TEST(between_threads_every_order_comes_back_once_and_in_its_turn)
{
	static struct crowd crowd = {.seed = 1};

	ck_assert_int_eq(events_open(&crowd.events), 0);
	ck_assert_int_eq(orders_open(&crowd.orders, crowd.events, CROWD, crowd_bell, &crowd), 0);
	for (uint32_t i = 0; i < CROWD; i++) {
		struct member *member = &crowd.members[i];

		member->bell = eventfd(0, EFD_CLOEXEC);
		member->stop =
			(struct order){.kind = ORDER_STOP, .done = member_stopped, .owner = &crowd};
		ck_assert_int_eq(pthread_create(&member->thread, NULL, member_run, member), 0);
		orders_begin(&crowd.orders, i, &member->box);
		for (int j = 0; j < EACH_IN; j++) {
			struct numbered *numbered = &crowd.numbered[i][j];

			*numbered = (struct numbered){
				.order = {.kind = ORDER_PING, .done = numbered_back},
				.crowd = &crowd,
				.worker = i,
				.number = ++member->sent,
			};
			orders_send(&crowd.orders, i, &numbered->order);
		}
	}
	events_run(crowd.events);
	ck_assert_uint_gt(crowd.failed, 0);
	for (uint32_t i = 0; i < CROWD; i++) {
		ck_assert_int_eq(crowd.members[i].last, ROUNDS);
		pthread_join(crowd.members[i].thread, NULL);
		orders_end(&crowd.orders, i);
		close(crowd.members[i].bell);
	}
	orders_close(&crowd.orders);
	events_close(crowd.events);
}
END_TEST

SUITE("net: order", orders_are_taken_as_they_were_sent,
      the_bell_rings_once_for_what_is_taken_together, an_order_comes_back_with_the_workers_word,
      nobody_need_wait_for_an_order, a_bell_that_does_not_ring_is_tried_until_it_does,
      who_turns_by_itself_needs_no_bell, the_bell_of_one_is_not_put_off_by_that_of_another,
      a_worker_out_of_reach_is_said_once_and_so_is_its_return,
      an_order_that_is_under_way_is_sent_again_when_it_is_back,
      what_a_worker_that_has_ended_did_not_take_comes_back,
      one_that_was_to_be_sent_again_to_who_has_ended_says_so,
      without_a_loop_orders_are_put_into_boxes_and_looked_for_in_trays,
      between_threads_every_order_comes_back_once_and_in_its_turn)
