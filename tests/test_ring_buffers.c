/* Buffer rings: order, ids, bundles, incremental use, wrap, who owns what. */
#include "support/fake_kernel.h"
#include "support/ring_tests.h"
#include <stdlib.h>

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char memory[64][256];
static int pair[2];

static void open_pair(struct ring *ring, uint32_t wanted)
{
	open_ring(ring, 8, wanted);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

static void close_pair(struct ring *ring)
{
	close(pair[0]);
	close(pair[1]);
	ring_close(ring);
}

static void say(const char *text)
{
	ck_assert_int_eq(write(pair[1], text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(a_receive_takes_buffers_in_the_order_given_whatever_their_ids)
{
	static const uint16_t ids[] = {40, 7, 65535, 0};
	struct ring ring;
	struct ring_buffers buffers;

	open_pair(&ring, 0);
	need(&ring, RING_BUFFER_RING);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 9, 4, 0), 0);
	for (unsigned i = 0; i < 4; i++)
		ring_buffers_add(&buffers, memory[i], 256, ids[i]);
	ck_assert_uint_eq(ring_buffers_available(&buffers), 0); /* not published */
	ring_buffers_publish(&buffers);
	ck_assert_uint_eq(ring_buffers_available(&buffers), 4);

	for (unsigned i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = entry(&ring);
		uint16_t id;
		uint32_t length;
		ring_prep_recv(sqe, pair[0], NULL, 0, 0);
		ring_sqe_buffer_select(sqe, 9);
		say("hello");
		struct io_uring_cqe cqe = one(&ring);
		ck_assert_int_eq(cqe.res, 5);
		struct ring_bundle bundle = ring_buffers_bundle(&buffers, &cqe);
		ck_assert(ring_buffers_holds(&buffers, ids[i]));
		ck_assert(ring_bundle_next(&bundle, &id, &length));
		ck_assert_uint_eq(id, ids[i]);
		ck_assert_uint_eq(length, 5);
		ck_assert(!ring_buffers_holds(&buffers, ids[i]));
		ck_assert(!ring_bundle_next(&bundle, &id, &length));
		ck_assert_uint_eq(ring_buffers_available(&buffers), 3 - i);
		ck_assert_int_eq(memcmp(memory[i], "hello", 5), 0);
	}
	if (ring_has(&ring, RING_BUFFER_RING_STATUS)) {
		uint16_t head;
		ck_assert_int_eq(ring_buffers_status(&buffers, &head), 0);
		ck_assert_uint_eq(head, 4);
		buffers.group = 10;
		ck_assert_int_eq(ring_buffers_status(&buffers, &head), -ENOENT);
		buffers.group = 9;
	}
	ring_buffers_close(&buffers);
	ring_buffers_close(&buffers);
	close_pair(&ring);
}
END_TEST

START_TEST(a_completion_gives_its_one_buffer_or_none)
{
	struct ring ring;
	struct ring_buffers buffers;

	open_pair(&ring, 0);
	need(&ring, RING_BUFFER_RING);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 9, 2, 0), 0);
	ring_buffers_add(&buffers, memory[0], 256, 5);
	ring_buffers_publish(&buffers);
	say("hello");
	for (int i = 0; i < 2; i++) {
		struct io_uring_sqe *sqe = entry(&ring);
		uint16_t id = 77;
		ring_prep_recv(sqe, pair[0], NULL, 0, MSG_DONTWAIT);
		ring_sqe_buffer_select(sqe, 9);
		struct io_uring_cqe cqe = one(&ring);
		ck_assert_int_eq(cqe.res, i == 0 ? 5 : -ENOBUFS);
		ck_assert_int_eq(ring_buffers_take(&buffers, &cqe, &id), i == 0);
		ck_assert_uint_eq(id, i == 0 ? 5 : 77);
		ck_assert_uint_eq(ring_buffers_available(&buffers), 0);
		ck_assert(!ring_buffers_holds(&buffers, 5));
	}
	ring_buffers_close(&buffers);
	close_pair(&ring);
}
END_TEST

START_TEST(sizes_and_groups_are_the_kernels)
{
	struct ring ring;
	struct ring_buffers buffers, again;

	open_ring(&ring, 4, 0);
	need(&ring, RING_BUFFER_RING);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 0, 3, 0), -EINVAL);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 0, 65536, 0), -EINVAL);
	ring_buffers_close(&buffers);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 65535, 32768, 0), 0);
	ck_assert_int_eq(ring_buffers_open(&again, &ring, 65535, 8, 0), -EEXIST);
	ring_buffers_close(&buffers);
	ck_assert_int_eq(ring_buffers_open(&again, &ring, 65535, 8, 0), 0);
	ring_buffers_close(&again);
	ring_close(&ring);
}
END_TEST

START_TEST(a_bundle_is_walked_over_buffers_of_different_lengths)
{
	static const uint32_t lengths[] = {10, 200, 30, 100};
	struct ring ring;
	struct ring_buffers buffers;
	char sent[230], got[230];
	unsigned done = 0, walked = 0;

	open_pair(&ring, 0);
	need(&ring, RING_RECV_BUNDLE);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 3, 4, 0), 0);
	for (uint16_t i = 0; i < 4; i++)
		ring_buffers_add(&buffers, memory[i], lengths[i], (uint16_t)(10 * i));
	ring_buffers_publish(&buffers);
	for (unsigned i = 0; i < sizeof(sent); i++)
		sent[i] = (char)i;
	ck_assert_int_eq(write(pair[1], sent, sizeof(sent)), sizeof(sent));
	struct io_uring_sqe *sqe = entry(&ring);
	ring_prep_recv_multishot(sqe, pair[0], 3, 0, 0);
	ring_sqe_bundle(sqe);
	while (done < sizeof(sent)) {
		struct io_uring_cqe cqe = one(&ring);
		struct ring_bundle bundle = ring_buffers_bundle(&buffers, &cqe);
		uint16_t id;
		uint32_t length;
		ck_assert_int_gt(cqe.res, 0);
		while (ring_bundle_next(&bundle, &id, &length)) {
			ck_assert_uint_eq(id, 10 * walked);
			memcpy(got + done, memory[walked++], length);
			done += length;
		}
	}
	ck_assert_uint_eq(done, sizeof(sent));
	ck_assert_int_eq(memcmp(sent, got, sizeof(sent)), 0);
	ck_assert_uint_eq(walked, 3);
	ck_assert_uint_eq(ring_buffers_available(&buffers), 1);
	ring_buffers_close(&buffers);
	close_pair(&ring);
}
END_TEST

START_TEST(an_incremental_buffer_is_ours_when_it_is_used_up)
{
	struct ring ring;
	struct ring_buffers buffers;
	uint32_t offset = 0;

	open_pair(&ring, 0);
	need(&ring, RING_BUFFER_RING_INC);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 3, 2, IOU_PBUF_RING_INC), 0);
	ring_buffers_add(&buffers, memory[0], 20, 5);
	ring_buffers_publish(&buffers);
	for (unsigned i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = entry(&ring);
		uint16_t id;
		uint32_t length;
		ring_prep_recv(sqe, pair[0], NULL, 0, 0);
		ring_sqe_buffer_select(sqe, 3);
		say("abcde");
		struct io_uring_cqe cqe = one(&ring);
		struct ring_bundle bundle = ring_buffers_bundle(&buffers, &cqe);
		ck_assert(ring_bundle_next(&bundle, &id, &length));
		ck_assert_uint_eq(id, 5);
		ck_assert_uint_eq(length, 5);
		ck_assert_uint_eq(bundle.offset, offset);
		ck_assert_int_eq(bundle.done, i == 3);
		ck_assert_int_eq(memcmp(memory[0] + offset, "abcde", 5), 0);
		ck_assert(!ring_bundle_next(&bundle, &id, &length));
		offset += 5;
	}
	ck_assert_uint_eq(ring_buffers_available(&buffers), 0);
	ring_buffers_close(&buffers);
	close_pair(&ring);
}
END_TEST

START_TEST(the_kernels_memory_serves_as_well)
{
	struct ring ring;
	struct ring_buffers buffers;

	open_pair(&ring, 0);
	need(&ring, RING_BUFFER_RING_MMAP);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 3, 8, IOU_PBUF_RING_MMAP), 0);
	ring_buffers_add(&buffers, memory[0], 256, 1);
	ring_buffers_publish(&buffers);
	ring_prep_recv_multishot(entry(&ring), pair[0], 3, 0, 0);
	say("x");
	struct io_uring_cqe cqe = one(&ring);
	ck_assert_int_eq(cqe.res, 1);
	ck_assert_uint_eq(ring_cqe_buffer(&cqe), 1);
	ring_buffers_close(&buffers);
	close_pair(&ring);
}
END_TEST

START_TEST(the_sixteen_bit_tail_wraps)
{
	struct fake_kernel fake;
	struct ring_buffers buffers;
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, 0);
	struct fake_ring *kernel = fake_kernel_ring(&fake, ring.fd);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 3, 8, 0), 0);
	for (uint16_t id = 0; id < 7; id++)
		ring_buffers_add(&buffers, memory[id], 256, id);
	ring_buffers_publish(&buffers);
	for (unsigned i = 0; i < 200000; i++) {
		struct io_uring_cqe cqe = {.res = 3};
		void *address;
		uint32_t length;
		uint16_t id, got;
		ck_assert(fake_kernel_take_buffer(kernel, 3, &address, &length, &id));
		ck_assert_uint_eq(id, i % 7);
		cqe.flags = IORING_CQE_F_BUFFER | (uint32_t)id << IORING_CQE_BUFFER_SHIFT;
		struct ring_bundle bundle = ring_buffers_bundle(&buffers, &cqe);
		ck_assert(ring_bundle_next(&bundle, &got, &length));
		ck_assert_uint_eq(got, id);
		ck_assert_uint_eq(ring_buffers_available(&buffers), 6);
		ring_buffers_add(&buffers, address, 256, id);
		ring_buffers_publish(&buffers);
	}
	ck_assert_uint_eq(fake_kernel_buffers(kernel, 3), 7);
	ring_buffers_close(&buffers);
	ring_close(&ring);
	fake_kernel_done(&fake);
}
END_TEST

START_TEST(completions_out_of_order_and_with_no_bytes_give_back_the_right_buffer)
{
	struct fake_kernel fake;
	struct ring_buffers buffers;
	struct ring ring;
	static const uint16_t order[] = {2, 0, 3, 1};
	static const int32_t results[] = {5, 0, -ECONNRESET, 256};

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, 0);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 3, 4, 0), 0);
	for (uint16_t id = 0; id < 4; id++)
		ring_buffers_add(&buffers, memory[id], 256, id);
	ring_buffers_publish(&buffers);
	for (unsigned i = 0; i < 4; i++) {
		struct io_uring_cqe cqe = {.res = results[i],
					   .flags = IORING_CQE_F_BUFFER |
						    (uint32_t)order[i] << IORING_CQE_BUFFER_SHIFT};
		struct ring_bundle bundle = ring_buffers_bundle(&buffers, &cqe);
		uint16_t id;
		uint32_t length;
		ck_assert(ring_bundle_next(&bundle, &id, &length));
		ck_assert_uint_eq(id, order[i]);
		ck_assert_uint_eq(length, results[i] > 0 ? (uint32_t)results[i] : 0);
		ck_assert(!ring_bundle_next(&bundle, &id, &length));
	}
	/* and one without a buffer gives none */
	struct ring_bundle none = ring_buffers_bundle(&buffers, &(struct io_uring_cqe){.res = 0});
	ck_assert(!ring_bundle_next(&none, &(uint16_t){0}, &(uint32_t){0}));
	ring_buffers_close(&buffers);
	ring_close(&ring);
	fake_kernel_done(&fake);
}
END_TEST

START_TEST(adding_a_buffer_the_kernel_holds_stops_the_program)
{
	struct ring ring;
	struct ring_buffers buffers;

	open_ring(&ring, 4, 0);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 3, 4, 0), 0);
	ring_buffers_add(&buffers, memory[0], 256, 1);
	ring_buffers_add(&buffers, memory[0], 256, 1);
}
END_TEST

START_TEST(adding_more_than_there_is_room_for_stops_the_program)
{
	struct ring ring;
	struct ring_buffers buffers;

	open_ring(&ring, 4, 0);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 3, 2, 0), 0);
	for (uint16_t id = 0; id < 3; id++)
		ring_buffers_add(&buffers, memory[id], 256, id);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring buffers");
	TCase *tcase = tcase_create("all");

	tcase_add_test(tcase, a_receive_takes_buffers_in_the_order_given_whatever_their_ids);
	tcase_add_test(tcase, a_completion_gives_its_one_buffer_or_none);
	tcase_add_test(tcase, sizes_and_groups_are_the_kernels);
	tcase_add_test(tcase, a_bundle_is_walked_over_buffers_of_different_lengths);
	tcase_add_test(tcase, an_incremental_buffer_is_ours_when_it_is_used_up);
	tcase_add_test(tcase, the_kernels_memory_serves_as_well);
	tcase_add_test(tcase, the_sixteen_bit_tail_wraps);
	tcase_add_test(tcase,
		       completions_out_of_order_and_with_no_bytes_give_back_the_right_buffer);
	tcase_add_test_raise_signal(tcase, adding_a_buffer_the_kernel_holds_stops_the_program,
				    SIGABRT);
	tcase_add_test_raise_signal(tcase, adding_more_than_there_is_room_for_stops_the_program,
				    SIGABRT);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
