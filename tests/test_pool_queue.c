#include "pool/queue.h"
#include "support/suite.h"

START_TEST(as_many_wait_as_may)
{
	struct queue *queue = queue_make("[pool a]", 2);

	ck_assert(queue_enter(queue, QUEUE_PLACES, 2, 1, false));
	ck_assert(queue_enter(queue, QUEUE_PLACES, 2, 1, false));
	ck_assert(!queue_enter(queue, QUEUE_PLACES, 2, 1, false));
	ck_assert_uint_eq(queue_waiting(queue, QUEUE_PLACES), 2);
	ck_assert_uint_eq(queue_waiting(queue, QUEUE_RETRIES), 0);
	queue_leave(queue, QUEUE_PLACES);
	ck_assert(queue_enter(queue, QUEUE_PLACES, 2, 1, false));
	queue_free(queue);
}
END_TEST

START_TEST(those_who_differ_make_it_mixed_until_nobody_waits)
{
	struct queue *queue = queue_make("[pool a]", 1);

	ck_assert(queue_enter(queue, QUEUE_PLACES, 9, 1, false));
	ck_assert(!queue_is_mixed(queue, QUEUE_PLACES));
	ck_assert(queue_enter(queue, QUEUE_PLACES, 9, 2, false)); /* of another edition */
	ck_assert(queue_is_mixed(queue, QUEUE_PLACES));
	queue_leave(queue, QUEUE_PLACES);
	ck_assert(queue_is_mixed(queue, QUEUE_PLACES));
	queue_leave(queue, QUEUE_PLACES);
	ck_assert(queue_enter(queue, QUEUE_PLACES, 9, 2, false));
	ck_assert(!queue_is_mixed(queue, QUEUE_PLACES));
	ck_assert(queue_enter(queue, QUEUE_PLACES, 9, 2, true)); /* it has tried somebody */
	ck_assert(queue_is_mixed(queue, QUEUE_PLACES));
	queue_free(queue);
}
END_TEST

START_TEST(the_line_whose_first_has_waited_for_the_longest_is_next)
{
	struct queue *queue = queue_make("[pool a]", 3);

	ck_assert_ptr_null(queue_oldest(queue, QUEUE_PLACES));
	queue_tell(&queue->lines[2], QUEUE_PLACES, 20);
	queue_tell(&queue->lines[1], QUEUE_PLACES, 10);
	ck_assert_ptr_eq(queue_oldest(queue, QUEUE_PLACES), &queue->lines[1]);
	queue_tell(&queue->lines[1], QUEUE_PLACES, QUEUE_NOBODY);
	ck_assert_ptr_eq(queue_oldest(queue, QUEUE_PLACES), &queue->lines[2]);
	ck_assert_ptr_null(queue_oldest(queue, QUEUE_RETRIES));
	queue_free(queue);
}
END_TEST

START_TEST(no_more_than_so_many_go_to_another_server)
{
	struct queue *queue = queue_make("[pool a]", 1);

	for (unsigned i = 0; i < 3; i++)
		ck_assert(queue_retry(queue, 3));
	ck_assert(!queue_retry(queue, 3));
	queue_retry_over(queue);
	ck_assert(queue_retry(queue, 3));
	queue_free(queue);
}
END_TEST

SUITE("pool: queue", as_many_wait_as_may, those_who_differ_make_it_mixed_until_nobody_waits,
      the_line_whose_first_has_waited_for_the_longest_is_next,
      no_more_than_so_many_go_to_another_server)
