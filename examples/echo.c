/*
 * echo PORT: answer each connection on 127.0.0.1 with what it sends (0: any port).
 *
 * One multishot accept, a multishot receive per connection, one ring of buffers
 * for all.  One send at a time per connection, or they could overtake each other.
 */
#include "listen.h"
#include "ring/ring.h"

#include <errno.h>
#include <unistd.h>

enum { ACCEPT, RECEIVE, SEND, BUFFERS = 256, SIZE = 4096, NONE = BUFFERS, FDS = 1024 };
static struct ring ring;
static struct ring_buffers buffers;
static char memory[BUFFERS][SIZE];
static unsigned length[BUFFERS], next[BUFFERS];
static struct {
	unsigned first, last; /* buffers to be sent */
	bool ended;
} peers[FDS]; /* by descriptor */

static void receive(int fd)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);
	ring_prep_recv_multishot(sqe, fd, 0, 0, 0);
	ring_sqe_tag(sqe, (uint64_t)RECEIVE << 32 | (unsigned)fd);
}

static void send_first(int fd)
{
	unsigned id = peers[fd].first;
	if (id != NONE) {
		struct io_uring_sqe *sqe = ring_sqe(&ring);
		ring_prep_send(sqe, fd, memory[id], length[id], MSG_WAITALL | MSG_NOSIGNAL);
		ring_sqe_tag(sqe, (uint64_t)SEND << 32 | (unsigned)fd);
	} else if (peers[fd].ended) {
		close(fd);
	}
}

static void received(int fd, const struct io_uring_cqe *cqe)
{
	struct ring_bundle bundle = ring_buffers_bundle(&buffers, cqe);
	bool idle = peers[fd].first == NONE;
	uint32_t bytes;
	for (uint16_t id; ring_bundle_next(&bundle, &id, &bytes); peers[fd].last = id) {
		*(peers[fd].first == NONE ? &peers[fd].first : &next[peers[fd].last]) = id;
		length[id] = bytes;
		next[id] = NONE;
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		peers[fd].ended = cqe->res <= 0 && cqe->res != -ENOBUFS;
		if (!peers[fd].ended)
			receive(fd); /* the receive ended, the connection did not */
	}
	if (idle)
		send_first(fd);
}

static void sent(int fd)
{
	unsigned id = peers[fd].first;
	peers[fd].first = next[id];
	ring_buffers_add(&buffers, memory[id], SIZE, (uint16_t)id);
	send_first(fd);
}

static void accepted(int listener, const struct io_uring_cqe *cqe)
{
	if (cqe->res >= 0 && cqe->res < FDS) {
		peers[cqe->res].first = NONE;
		peers[cqe->res].ended = false;
		receive(cqe->res);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		struct io_uring_sqe *sqe = ring_sqe(&ring);
		ring_prep_accept_multishot(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
		ring_sqe_tag(sqe, (unsigned)listener);
	}
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "7"), fd;
	struct ring_error error = {0};
	struct io_uring_cqe *cqe;

	if (ring_open(&ring, &(struct ring_options){.entries = 256}, &error) < 0 ||
	    ring_buffers_open(&buffers, &ring, 0, BUFFERS, 0) < 0)
		return fprintf(stderr, "echo: cannot start: %s\n", error.text), 1;
	for (uint16_t id = 0; id < BUFFERS; id++)
		ring_buffers_add(&buffers, memory[id], SIZE, id);
	accepted(listener, &(struct io_uring_cqe){.res = -EAGAIN}); /* arms it */
	for (;; ring_submit_wait(&ring, 1, RING_NEVER, 0)) {
		ring_for_each_cqe(&ring, cqe)
		{
			fd = (int)(uint32_t)cqe->user_data;
			if (cqe->user_data >> 32 == ACCEPT)
				accepted(fd, cqe);
			else if (cqe->user_data >> 32 == RECEIVE)
				received(fd, cqe);
			else
				sent(fd);
		}
		ring_buffers_publish(&buffers);
	}
}
