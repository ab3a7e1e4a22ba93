/* Our half of bench_ring. */
#include "bench_ring.h"
#include "ring/ring.h"

static const struct bench_ground *ground;
static struct ring_capabilities capabilities;
static struct ring ring;
static struct ring_buffers buffers;

static bool open_ring(const struct bench_ground *on)
{
	static const uint32_t flags[] = {
		[BENCH_DEFER] = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		[BENCH_COOP] = IORING_SETUP_COOP_TASKRUN,
		[BENCH_SQPOLL] = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
	};
	struct ring_options options = {
		.entries = BENCH_ENTRIES,
		.required = flags[on->mode] | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL,
		.sq_cpu = on->polling_cpu,
		.sq_idle_ms = BENCH_IDLE_MS,
		.sq_looks = on->looks,
		.capabilities = &capabilities,
	};

	ground = on;
	if (capabilities.operation_count == 0 && ring_probe(&capabilities, NULL) < 0)
		return false;
	if (ring_open(&ring, &options, NULL) < 0 ||
	    ring_buffers_open(&buffers, &ring, BENCH_GROUP, BENCH_BUFFERS, 0) < 0)
		return false;
	for (uint16_t i = 0; i < BENCH_BUFFERS; i++)
		ring_buffers_add(&buffers, ground->memory[i], BENCH_BYTES, i);
	ring_buffers_publish(&buffers);
	return true;
}

static void close_ring(void)
{
	ring_buffers_close(&buffers);
	ring_close(&ring);
}

static bool asleep(void)
{
	return !(ring.flags & IORING_SETUP_SQPOLL) ||
	       __atomic_load_n(ring.sq_kflags, __ATOMIC_RELAXED) & IORING_SQ_NEED_WAKEUP;
}

static uint64_t nops(uint64_t count, unsigned batch)
{
	uint64_t sum = 0;

	for (uint64_t done = 0; done < count; done += batch) {
		struct io_uring_cqe *cqe;

		for (unsigned i = 0; i < batch; i++) {
			struct io_uring_sqe *sqe = ring_sqe(&ring);
			ring_prep_nop(sqe);
			ring_sqe_tag(sqe, done + i);
		}
		ring_submit_wait(&ring, batch, RING_NEVER, 0);
		ring_for_each_cqe(&ring, cqe) sum += cqe->user_data;
	}
	return sum;
}

static void arm(int end)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);

	ring_prep_recv_multishot(sqe, ground->pair[end], BENCH_GROUP, 0, 0);
	ring_sqe_tag(sqe, (uint64_t)end);
}

static void send_from(int end, const void *bytes)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);

	ring_prep_send(sqe, ground->pair[end], bytes, BENCH_BYTES, 0);
	ring_sqe_tag(sqe, BENCH_TAG_SEND);
}

static void dismiss(int end)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);

	ring_prep_cancel(sqe, (uint64_t)end, 0);
	ring_sqe_tag(sqe, BENCH_TAG_DISMISS);
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
		uint16_t id;

		ring_submit_wait(&ring, 1, RING_NEVER, 0);
		ring_for_each_cqe(&ring, cqe)
		{
			if (!(cqe->flags & IORING_CQE_F_MORE))
				in_flight--;
			if (!ring_buffers_take(&buffers, cqe, &id))
				continue;
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
			ring_buffers_add(&buffers, ground->memory[id], BENCH_BYTES, id);
			if (!(cqe->flags & IORING_CQE_F_MORE) && trips < count) {
				arm(end);
				in_flight++;
			}
		}
		ring_buffers_publish(&buffers);
	}
	return trips;
}

const struct bench_library bench_ours = {
	.name = "ring",
	.open = open_ring,
	.nops = nops,
	.pingpong = pingpong,
	.asleep = asleep,
	.close = close_ring,
};
