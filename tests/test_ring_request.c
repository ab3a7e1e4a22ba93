/* Requests: life cycles, the synchronous call, cancelling, waking, draining. */
#include "support/fake_kernel.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KIND 0x52

struct seen {
	unsigned calls, last;
	int32_t results[8];
};

static void note(struct ring_request *request, const struct io_uring_cqe *cqe)
{
	struct seen *seen = request->context;

	ck_assert_uint_lt(seen->calls, 8);
	seen->results[seen->calls++] = cqe->res;
	seen->last += request->last;
}

struct fixture {
	struct ring ring;
	struct ring_requests requests;
	int pair[2];
};

static void set_up(struct fixture *f, uint32_t wanted)
{
	open_ring(&f->ring, 16, wanted);
	ck_assert_int_eq(ring_requests_open(&f->requests, &f->ring, 8, KIND), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, f->pair), 0);
}

static void tear_down(struct fixture *f)
{
	ck_assert_int_eq(ring_requests_drain(&f->requests, in_ms(5000)), 0);
	ck_assert_uint_eq(f->requests.stale, 0);
	ring_requests_close(&f->requests);
	close(f->pair[0]);
	close(f->pair[1]);
	ring_close(&f->ring);
}

static void wait_until_idle(struct fixture *f)
{
	while (ring_requests_in_flight(&f->requests) > 0) {
		ck_assert_int_eq(ring_submit_wait(&f->ring, 1, in_ms(5000), 0).error, 0);
		ring_requests_dispatch(&f->requests);
	}
}

START_TEST(a_single_shot_request_completes_once_and_is_gone)
{
	struct fixture f;
	struct seen seen = {0};

	set_up(&f, 0);
	struct io_uring_sqe *sqe = entry(&f.ring);
	ring_prep_nop(sqe);
	ck_assert_ptr_nonnull(ring_request_start(&f.requests, sqe, note, &seen));
	ck_assert_uint_eq(sqe->user_data >> 56, KIND);
	wait_until_idle(&f);
	ck_assert_uint_eq(seen.calls, 1);
	ck_assert_uint_eq(seen.last, 1);
	tear_down(&f);
}
END_TEST

START_TEST(a_multishot_request_lives_until_a_completion_says_no_more)
{
	struct fixture f;
	struct seen seen = {0};
	struct ring_buffers buffers;
	static char memory[4][8];

	set_up(&f, 0);
	need(&f.ring, RING_RECV_MULTISHOT);
	ck_assert_int_eq(ring_buffers_open(&buffers, &f.ring, 1, 4, 0), 0);
	for (uint16_t i = 0; i < 4; i++)
		ring_buffers_add(&buffers, memory[i], 8, i);
	ring_buffers_publish(&buffers);
	struct io_uring_sqe *sqe = entry(&f.ring);
	ring_prep_recv_multishot(sqe, f.pair[0], 1, 0, 0);
	ck_assert_ptr_nonnull(ring_request_start(&f.requests, sqe, note, &seen));
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(write(f.pair[1], "abc", 3), 3);
		ck_assert_int_eq(ring_submit_wait(&f.ring, 1, in_ms(5000), 0).error, 0);
		ck_assert_uint_eq(ring_requests_dispatch(&f.requests), 1);
	}
	ck_assert_uint_eq(seen.calls, 3);
	ck_assert_uint_eq(seen.last, 0);
	ck_assert_uint_eq(ring_requests_in_flight(&f.requests), 1);
	shutdown(f.pair[1], SHUT_WR);
	wait_until_idle(&f);
	ck_assert_uint_eq(seen.calls, 4);
	ck_assert_int_eq(seen.results[3], 0);
	ck_assert_uint_eq(seen.last, 1);
	ring_buffers_close(&buffers);
	tear_down(&f);
}
END_TEST

START_TEST(a_zero_copy_send_lives_until_its_notification)
{
	struct fixture f;
	struct seen seen = {0};

	set_up(&f, 0);
	need(&f.ring, RING_SEND_ZC);
	/* Fails, and announces that it let go all the same. */
	struct io_uring_sqe *sqe = entry(&f.ring);
	ring_prep_send_zc(sqe, -1, "x", 1, 0, 0);
	struct ring_request *request = ring_request_start(&f.requests, sqe, note, &seen);
	ck_assert_ptr_nonnull(request);
	ck_assert_uint_eq(request->operation, IORING_OP_SEND_ZC);
	wait_until_idle(&f);
	ck_assert_uint_eq(seen.calls, 2);
	ck_assert_int_eq(seen.results[0], -EBADF);
	ck_assert_uint_eq(seen.last, 1);
	tear_down(&f);
}
END_TEST

START_TEST(a_full_slab_refuses_and_a_late_completion_finds_nobody)
{
	struct fixture f;
	struct seen seen = {0};
	uint64_t old = 0;

	set_up(&f, 0);
	for (unsigned i = 0; i < 9; i++) {
		struct io_uring_sqe *sqe = entry(&f.ring);
		ring_prep_nop(sqe);
		struct ring_request *request = ring_request_start(&f.requests, sqe, note, &seen);
		ck_assert_int_eq(request != NULL, i < 8);
		if (request)
			old = request->tag;
		else
			ring_sqe_unget(&f.ring, 1);
	}
	wait_until_idle(&f);
	ck_assert_uint_eq(seen.calls, 8);

	struct io_uring_sqe *sqe = entry(&f.ring);
	ring_prep_nop(sqe);
	ring_sqe_tag(sqe, old);
	ck_assert_int_eq(ring_submit_wait(&f.ring, 1, in_ms(5000), 0).error, 0);
	ring_requests_dispatch(&f.requests);
	ck_assert_uint_eq(f.requests.stale, 1);
	ck_assert_uint_eq(seen.calls, 8);
	f.requests.stale = 0;
	tear_down(&f);
}
END_TEST

static void count_other(void *context, const struct io_uring_cqe *cqe)
{
	ck_assert_uint_eq(cqe->user_data, 5);
	++*(unsigned *)context;
}

START_TEST(completions_of_another_kind_go_to_their_owner)
{
	struct fixture f;
	unsigned others = 0;

	set_up(&f, 0);
	f.requests.other = count_other;
	f.requests.other_context = &others;
	put_nops(&f.ring, 1, 5);
	struct io_uring_sqe *sqe = entry(&f.ring);
	ring_prep_nop(sqe);
	ck_assert_int_eq(ring_call(&f.requests, sqe, RING_NEVER), 0);
	ck_assert_uint_eq(others, 1);
	tear_down(&f);
}
END_TEST

START_TEST(a_call_returns_the_result_or_stops_the_operation_at_its_deadline)
{
	static const uint32_t modes[] = {0, DEFERRED, IORING_SETUP_SQPOLL};
	char bytes[4];

	for (unsigned i = 0; i < array_size(modes); i++) {
		struct fixture f;
		set_up(&f, modes[i]);
		ck_assert_int_eq(write(f.pair[1], "ab", 2), 2);
		struct io_uring_sqe *sqe = entry(&f.ring);
		ring_prep_recv(sqe, f.pair[0], bytes, 4, 0);
		ck_assert_int_eq(ring_call(&f.requests, sqe, in_ms(5000)), 2);

		uint64_t deadline = in_ms(10);
		sqe = entry(&f.ring);
		ring_prep_recv(sqe, f.pair[0], bytes, 4, 0);
		ck_assert_int_eq(ring_call(&f.requests, sqe, deadline), -ETIME);
		ck_assert_uint_ge(now_ns(), deadline);
		ck_assert_uint_eq(ring_requests_in_flight(&f.requests), 0);
		/* nothing of it is left to take what comes now */
		ck_assert_int_eq(write(f.pair[1], "c", 1), 1);
		ck_assert_int_eq(read(f.pair[0], bytes, 4), 1);
		tear_down(&f);
	}
}
END_TEST

struct waker {
	int ring_fd;
	uint64_t tag;
	bool by_ring;
};

static void *wake(void *argument)
{
	const struct waker *waker = argument;
	struct ring_capabilities caps;
	struct ring_sender sender;

	ck_assert_int_eq(ring_probe(&caps, NULL), 0);
	if (waker->by_ring)
		ck_assert_int_eq(ring_capabilities_without(&caps, "send-msg-ring"), 0);
	ck_assert_int_eq(ring_sender_open_on(&sender, NULL, &caps), 0);
	if (waker->by_ring)
		ck_assert(!sender.direct);
	usleep(10000); /* likely, not certainly, asleep by now: right either way */
	ck_assert_int_eq(ring_send(&sender, waker->ring_fd, waker->tag, 0), 0);
	ck_assert_int_eq(ring_send(&sender, -1, 0, 0), -EBADF);
	ring_sender_close(&sender);
	return NULL;
}

START_TEST(another_thread_ends_a_call_early_with_and_without_a_ring_of_its_own)
{
	static const uint32_t modes[] = {0, DEFERRED};
	char byte;

	for (unsigned i = 0; i < 4; i++) {
		struct fixture f;
		pthread_t thread;
		set_up(&f, modes[i / 2]);
		need(&f.ring, RING_MSG_RING);
		struct waker waker = {f.ring.fd, ring_requests_wake_tag(&f.requests), i & 1};
		ck_assert_int_eq(pthread_create(&thread, NULL, wake, &waker), 0);
		struct io_uring_sqe *sqe = entry(&f.ring);
		ring_prep_recv(sqe, f.pair[0], &byte, 1, 0);
		ck_assert_int_eq(ring_call(&f.requests, sqe, in_ms(20000)), -ECANCELED);
		pthread_join(thread, NULL);
		tear_down(&f);
	}
}
END_TEST

START_TEST(a_message_to_a_ring_not_enabled_is_refused)
{
	struct ring ring;
	struct ring_sender sender;

	open_ring(&ring, 4, DEFERRED | IORING_SETUP_R_DISABLED);
	need(&ring, RING_MSG_RING);
	ck_assert_int_eq(ring_sender_open(&sender), 0);
	ck_assert_int_eq(ring_send(&sender, ring.fd, 1, 2), -EBADFD);
	ck_assert_int_eq(ring_enable(&ring), 0);
	ck_assert_int_eq(ring_send(&sender, ring.fd, 1, -2), 0);
	struct io_uring_cqe cqe = one(&ring);
	ck_assert_uint_eq(cqe.user_data, 1);
	ck_assert_int_eq(cqe.res, -2);
	ring_sender_close(&sender);
	ring_sender_close(&sender);
	ring_close(&ring);
}
END_TEST

/* So many, or as many as a slow machine -- an emulated one beside other work -- sends by then. */
enum { MESSAGES = 20000, ENOUGH_MS = 20000 };

struct messages {
	struct ring *ring;
	_Atomic bool enough;
};

static void *send_and_wait(void *argument)
{
	struct messages *messages = argument;
	struct ring *ring = messages->ring;
	struct ring_sender sender;

	ck_assert_int_eq(ring_sender_open(&sender), 0);
	for (uint64_t i = 0; i < MESSAGES && !messages->enough; i++) {
		ck_assert_int_eq(ring_send(&sender, ring->fd, i, 0), 0);
		while (__atomic_load_n(ring->cq_khead, __ATOMIC_ACQUIRE) == (uint32_t)i &&
		       !messages->enough)
			sched_yield();
	}
	ring_sender_close(&sender);
	return NULL;
}

/* Whoever sleeps through a completion finds it at the deadline.  A sender that got no processor
 * all the while has sent nothing: that is none of ours. */
static struct io_uring_cqe one_in_time(struct ring *ring)
{
	struct io_uring_cqe cqe = {0};
	struct ring_wait wait;
	uint64_t deadline;

	do {
		deadline = in_ms(ENOUGH_MS);
		wait = ring_submit_wait(ring, 1, deadline, 0);
	} while (wait.error == -ETIME || wait.error == -EINTR);
	ck_assert_msg(wait.error == 0, "waiting: %d", wait.error);
	ck_assert_uint_lt(in_ms(0), deadline);
	ck_assert_uint_eq(ring_reap(ring, &cqe, 1), 1);
	return cqe;
}

START_TEST(a_completion_that_arrives_on_the_way_to_sleep_is_not_slept_through)
{
	struct ring ring;
	struct messages messages = {.ring = &ring};
	uint64_t until = in_ms(ENOUGH_MS), seen = 0;
	pthread_t thread;

	open_ring(&ring, 4, 0);
	need(&ring, RING_MSG_RING);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_and_wait, &messages), 0);
	while (seen < MESSAGES && in_ms(0) < until)
		ck_assert_uint_eq(one_in_time(&ring).user_data, seen++);
	messages.enough = true;
	pthread_join(thread, NULL);
	dprintf(STDOUT_FILENO, "%lu messages\n", (unsigned long)seen);
	ring_close(&ring);
}
END_TEST

START_TEST(a_cancelled_request_ends_with_its_own_completion)
{
	struct fixture f;
	struct seen seen = {0};
	char byte;

	set_up(&f, DEFERRED);
	struct io_uring_sqe *sqe = entry(&f.ring);
	ring_prep_recv(sqe, f.pair[0], &byte, 1, 0);
	struct ring_request *request = ring_request_start(&f.requests, sqe, note, &seen);
	ck_assert_int_eq(ring_request_cancel_wait(&f.requests, request), 0);
	ck_assert_uint_eq(seen.calls, 1);
	ck_assert_int_eq(seen.results[0], -ECANCELED);

	/* one that completes before the cancel reaches it: its result, once */
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(write(f.pair[1], "x", 1), 1);
	sqe = entry(&f.ring);
	ring_prep_recv(sqe, f.pair[0], &byte, 1, 0);
	request = ring_request_start(&f.requests, sqe, note, &seen);
	ck_assert_int_eq(ring_request_cancel_wait(&f.requests, request), 0);
	ck_assert_uint_eq(seen.calls, 1);
	ck_assert_int_eq(seen.results[0], 1);
	tear_down(&f);
}
END_TEST

/* The three completions of a call that is cancelled at its deadline, in each order. */
static struct io_uring_sqe target, cancel;

static void hold(struct fake_kernel *fake, struct fake_ring *ring, const struct io_uring_sqe *sqe)
{
	bool target_first = *(bool *)fake->context;

	if (sqe->opcode != IORING_OP_ASYNC_CANCEL) {
		target = *sqe;
		return;
	}
	cancel = *sqe;
	ck_assert_uint_eq(cancel.addr, target.user_data);
	if (target_first)
		fake_kernel_post(ring, target.user_data, 3, 0);
	fake_kernel_post(ring, cancel.user_data, target_first ? -ENOENT : 0, 0);
	if (!target_first)
		fake_kernel_post(ring, target.user_data, -ECANCELED, 0);
}

START_TEST(target_and_cancel_may_complete_in_either_order)
{
	for (unsigned i = 0; i < 2; i++) {
		struct fake_kernel fake;
		struct ring_requests requests;
		struct ring ring;
		bool target_first = i;

		fake_kernel_init(&fake);
		fake.consume = hold;
		fake.context = &target_first;
		fake_kernel_open(&fake, &ring, 4, DEFERRED);
		ck_assert_int_eq(ring_requests_open(&requests, &ring, 4, KIND), 0);
		struct io_uring_sqe *sqe = entry(&ring);
		ring_prep_recv(sqe, 5, NULL, 0, 0);
		ck_assert_int_eq(ring_call(&requests, sqe, fake.now_ns + 1000),
				 target_first ? 3 : -ETIME);
		ck_assert_uint_eq(ring_requests_in_flight(&requests), 0);
		ck_assert_int_eq(ring_requests_drain(&requests, fake.now_ns + 1000), 0);
		ck_assert_uint_eq(requests.stale, 0);
		ring_requests_close(&requests);
		ring_close(&ring);
		fake_kernel_done(&fake);
	}
}
END_TEST

static struct io_uring_sqe held[3];
static unsigned held_count;

static void hold_three(struct fake_kernel *fake, struct fake_ring *ring,
		       const struct io_uring_sqe *sqe)
{
	(void)fake;
	(void)ring;
	ck_assert_uint_lt(held_count, 3);
	held[held_count++] = *sqe;
}

START_TEST(target_limit_and_cancel_may_complete_in_every_order)
{
	static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct __kernel_timespec ts = {.tv_sec = 1};

	for (unsigned i = 0; i < array_size(orders); i++) {
		struct fake_kernel fake;
		struct ring_requests requests;
		struct seen seen[2] = {0};
		struct ring ring;

		held_count = 0;
		fake_kernel_init(&fake);
		fake.consume = hold_three;
		fake_kernel_open(&fake, &ring, 4, 0);
		ck_assert_int_eq(ring_requests_open(&requests, &ring, 4, KIND), 0);
		struct io_uring_sqe *sqe = ring_sqe_reserve(&ring, 3);
		ring_prep_recv(sqe, 5, NULL, 0, 0);
		ring_sqe_link(sqe);
		struct ring_request *request = ring_request_start(&requests, sqe, note, &seen[0]);
		sqe = entry(&ring);
		ring_prep_link_timeout(sqe, &ts, 0);
		ck_assert_ptr_nonnull(ring_request_start(&requests, sqe, note, &seen[1]));
		ck_assert_int_eq(ring_request_cancel(&requests, request), 0);
		ck_assert_int_eq(ring_submit(&ring), 3);
		for (unsigned k = 0; k < 3; k++) {
			ck_assert_uint_eq(ring_requests_in_flight(&requests) + requests.cancels,
					  3 - k);
			fake_kernel_post(fake_kernel_ring(&fake, ring.fd),
					 held[orders[i][k]].user_data,
					 orders[i][k] < 2 ? -ECANCELED : 0, 0);
			ck_assert_uint_eq(ring_requests_dispatch(&requests), 1);
		}
		ck_assert_uint_eq(seen[0].calls, 1);
		ck_assert_uint_eq(seen[1].calls, 1);
		ck_assert_uint_eq(requests.stale, 0);
		ring_requests_close(&requests);
		ring_close(&ring);
		fake_kernel_done(&fake);
	}
}
END_TEST

START_TEST(draining_ends_everything_in_flight)
{
	struct fixture f;
	struct seen seen = {0};
	static char bytes[6];

	set_up(&f, DEFERRED);
	for (unsigned i = 0; i < 6; i++) {
		struct io_uring_sqe *sqe = entry(&f.ring);
		ring_prep_recv(sqe, f.pair[0], &bytes[i], 1, 0);
		ck_assert_ptr_nonnull(ring_request_start(&f.requests, sqe, note, &seen));
	}
	ck_assert_int_eq(ring_submit(&f.ring), 6);
	ck_assert_int_eq(ring_requests_drain(&f.requests, in_ms(5000)), 0);
	ck_assert_uint_eq(seen.calls, 6);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_int_eq(seen.results[i], -ECANCELED);
	tear_down(&f);
}
END_TEST

SUITE("ring request", a_single_shot_request_completes_once_and_is_gone,
      a_multishot_request_lives_until_a_completion_says_no_more,
      a_zero_copy_send_lives_until_its_notification,
      a_full_slab_refuses_and_a_late_completion_finds_nobody,
      completions_of_another_kind_go_to_their_owner,
      a_call_returns_the_result_or_stops_the_operation_at_its_deadline,
      another_thread_ends_a_call_early_with_and_without_a_ring_of_its_own,
      a_completion_that_arrives_on_the_way_to_sleep_is_not_slept_through,
      a_message_to_a_ring_not_enabled_is_refused, a_cancelled_request_ends_with_its_own_completion,
      target_and_cancel_may_complete_in_either_order,
      target_limit_and_cancel_may_complete_in_every_order, draining_ends_everything_in_flight)
