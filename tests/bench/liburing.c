/* The liburing half of bench_ring: written as its documentation teaches. */
#include "bench_ring.h"

#include <liburing.h>
#include <sys/mman.h>

#define BUFFERS_SIZE (BENCH_BUFFERS * sizeof(struct io_uring_buf))

static const struct bench_ground *ground;
static struct io_uring ring;
static struct io_uring_buf_ring *buffers;

static bool open_ring(const struct bench_ground *on)
{
	static const uint32_t flags[] = {
		[BENCH_DEFER] = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		[BENCH_COOP] = IORING_SETUP_COOP_TASKRUN,
		[BENCH_SQPOLL] = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
	};
	struct io_uring_params params = {
		.flags = flags[on->mode] | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL,
		.sq_thread_cpu = on->polling_cpu,
		.sq_thread_idle = BENCH_IDLE_MS,
	};
	struct io_uring_buf_reg registration = {.ring_entries = BENCH_BUFFERS, .bgid = BENCH_GROUP};

	ground = on;
	if (io_uring_queue_init_params(BENCH_ENTRIES, &ring, &params) < 0)
		return false;
	io_uring_register_ring_fd(&ring);
	io_uring_ring_dontfork(&ring);

	buffers = mmap(NULL, BUFFERS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (buffers == MAP_FAILED)
		return false;
	io_uring_buf_ring_init(buffers);
	registration.ring_addr = (uintptr_t)buffers;
	if (io_uring_register_buf_ring(&ring, &registration, 0) < 0)
		return false;
	for (int i = 0; i < BENCH_BUFFERS; i++)
		io_uring_buf_ring_add(buffers, ground->memory[i], BENCH_BYTES, (unsigned short)i,
				      io_uring_buf_ring_mask(BENCH_BUFFERS), i);
	io_uring_buf_ring_advance(buffers, BENCH_BUFFERS);
	return true;
}

static void close_ring(void)
{
	io_uring_unregister_buf_ring(&ring, BENCH_GROUP);
	munmap(buffers, BUFFERS_SIZE);
	io_uring_queue_exit(&ring);
}

static bool asleep(void)
{
	return !(ring.flags & IORING_SETUP_SQPOLL) ||
	       IO_URING_READ_ONCE(*ring.sq.kflags) & IORING_SQ_NEED_WAKEUP;
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

	io_uring_prep_recv_multishot(sqe, ground->pair[end], NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BENCH_GROUP;
	io_uring_sqe_set_data64(sqe, (uint64_t)end);
}

static void send_from(int end, const void *bytes)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_send(sqe, ground->pair[end], bytes, BENCH_BYTES, 0);
	io_uring_sqe_set_data64(sqe, BENCH_TAG_SEND);
}

static void dismiss(int end)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_cancel64(sqe, (uint64_t)end, 0);
	io_uring_sqe_set_data64(sqe, BENCH_TAG_DISMISS);
}

static uint64_t pingpong(uint64_t count)
{
	static char first[BENCH_BYTES] __attribute__((aligned(64)));
	uint64_t trips = 0;
	int in_flight = 3;

	arm(0);
	arm(1);
	send_from(0, first);
	while (in_flight > 0) {
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;
		int back = 0;

		io_uring_submit_and_wait(&ring, 1);
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			seen++;
			if (!(cqe->flags & IORING_CQE_F_MORE))
				in_flight--;
			if (!(cqe->flags & IORING_CQE_F_BUFFER))
				continue;
			unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
			int end = (int)cqe->user_data;
			if (end == 0 && ++trips == count) {
				dismiss(0);
				dismiss(1);
				in_flight += 2;
			}
			if (trips < count) {
				send_from(end, ground->memory[id]);
				in_flight++;
			}
			/* back already: a send on a socket pair copies at submission */
			io_uring_buf_ring_add(buffers, ground->memory[id], BENCH_BYTES,
					      (unsigned short)id,
					      io_uring_buf_ring_mask(BENCH_BUFFERS), back++);
			if (!(cqe->flags & IORING_CQE_F_MORE) && trips < count) {
				arm(end);
				in_flight++;
			}
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
	.asleep = asleep,
	.close = close_ring,
};
