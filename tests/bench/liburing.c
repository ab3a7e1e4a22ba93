/* The liburing half of bench_ring: written as its documentation teaches. */
#include "bench_ring.h"

#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static char memory[BENCH_BUFFERS][BENCH_BYTES] __attribute__((aligned(4096)));
static int pair[2];

static bool open_ring(enum bench_mode mode)
{
	struct io_uring_params params = {.flags = IORING_SETUP_SUBMIT_ALL};
	struct io_uring_buf_reg registration = {.ring_entries = BENCH_BUFFERS, .bgid = BENCH_GROUP};

	if (mode == BENCH_DEFER)
		params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
				IORING_SETUP_TASKRUN_FLAG;
	else if (mode == BENCH_COOP)
		params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN;
	else
		params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SQPOLL;
	params.sq_thread_idle = 1000;
	if (io_uring_queue_init_params(BENCH_ENTRIES, &ring, &params) < 0)
		return false;
	io_uring_register_ring_fd(&ring);

	if (posix_memalign((void **)&buffers, 4096, BENCH_BUFFERS * sizeof(struct io_uring_buf)))
		return false;
	io_uring_buf_ring_init(buffers);
	registration.ring_addr = (uintptr_t)buffers;
	if (io_uring_register_buf_ring(&ring, &registration, 0) < 0)
		return false;
	for (int i = 0; i < BENCH_BUFFERS; i++)
		io_uring_buf_ring_add(buffers, memory[i], BENCH_BYTES, (unsigned short)i,
				      io_uring_buf_ring_mask(BENCH_BUFFERS), i);
	io_uring_buf_ring_advance(buffers, BENCH_BUFFERS);
	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
}

static void close_ring(void)
{
	close(pair[0]);
	close(pair[1]);
	io_uring_queue_exit(&ring);
	free(buffers);
}

static uint64_t nops(uint64_t count, unsigned batch)
{
	uint64_t sum = 0;

	for (uint64_t done = 0; done < count; done += batch) {
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;

		for (unsigned i = 0; i < batch; i++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, done + i);
		}
		io_uring_submit_and_wait(&ring, batch);
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			sum += cqe->user_data;
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
	}
	return sum;
}

static void arm(int end)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_recv_multishot(sqe, pair[end], NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BENCH_GROUP;
	io_uring_sqe_set_data64(sqe, (uint64_t)end);
}

static void send_from(int end, const void *bytes)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_send(sqe, pair[end], bytes, BENCH_BYTES, 0);
	io_uring_sqe_set_data64(sqe, BENCH_TAG_SEND);
}

static uint64_t pingpong(uint64_t count)
{
	static char first[BENCH_BYTES] __attribute__((aligned(64)));
	uint64_t trips = 0;
	int in_flight;

	arm(0);
	arm(1);
	send_from(0, first);
	in_flight = 1;
	while (trips < count || in_flight > 0) {
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;
		int back = 0;

		io_uring_submit_and_wait(&ring, 1);
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			seen++;
			if (cqe->user_data == BENCH_TAG_SEND) {
				in_flight--;
				continue;
			}
			unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
			int end = (int)cqe->user_data;
			if (end == 0)
				trips++;
			if (trips < count) {
				send_from(end, memory[id]);
				in_flight++;
			}
			/* the buffer may go back: a send on a socket pair copies at submission */
			io_uring_buf_ring_add(buffers, memory[id], BENCH_BYTES, (unsigned short)id,
					      io_uring_buf_ring_mask(BENCH_BUFFERS), back++);
			if (!(cqe->flags & IORING_CQE_F_MORE) && trips < count)
				arm(end);
		}
		io_uring_buf_ring_advance(buffers, back);
		io_uring_cq_advance(&ring, seen);
	}
	return trips;
}

const struct bench_library bench_liburing = {
	.name = "liburing",
	.open = open_ring,
	.nops = nops,
	.pingpong = pingpong,
	.close = close_ring,
};
