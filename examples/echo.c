/*
 * echo PORT: answer each connection on 127.0.0.1 with what it sends (0: any port).
 *
 * One multishot accept, a multishot receive per connection, one ring of buffers
 * for all.  Sends go one at a time per connection, or they could overtake each
 * other; a buffer goes back to the ring when its send is done.
 */
#include "ring/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCEPT, RECEIVE, SEND, BUFFERS = 256, SIZE = 4096, NONE = BUFFERS, FDS = 1024 };

static struct ring ring;
static struct ring_buffers buffers;
static struct {
	char bytes[SIZE];
	uint32_t length;
	unsigned next;
} memory[BUFFERS];
static struct {
	unsigned first, last;
	bool ended;
} connections[FDS]; /* by descriptor */

static struct io_uring_sqe *tagged(struct io_uring_sqe *sqe, int kind, int fd)
{
	ring_sqe_tag(sqe, (uint64_t)kind << 32 | (uint32_t)fd);
	return sqe;
}

static void receive(int fd)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);
	ring_prep_recv_multishot(sqe, fd, 0, 0, 0);
	tagged(sqe, RECEIVE, fd);
}

/* Send what is first in line; nothing left and nothing more to come: close. */
static void send_next(int fd)
{
	unsigned id = connections[fd].first;
	if (id != NONE) {
		struct io_uring_sqe *sqe = ring_sqe(&ring);
		ring_prep_send(sqe, fd, memory[id].bytes, memory[id].length,
			       MSG_WAITALL | MSG_NOSIGNAL);
		tagged(sqe, SEND, fd);
	} else if (connections[fd].ended) {
		close(fd);
	}
}

static void received(int fd, const struct io_uring_cqe *cqe)
{
	struct ring_bundle bundle = ring_buffers_bundle(&buffers, cqe);
	bool idle = connections[fd].first == NONE;
	uint32_t length;
	for (uint16_t id; ring_bundle_next(&bundle, &id, &length);) {
		memory[id].length = length;
		memory[id].next = NONE;
		*(connections[fd].first == NONE ? &connections[fd].first
						: &memory[connections[fd].last].next) = id;
		connections[fd].last = id;
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		if (cqe->res > 0 || cqe->res == -ENOBUFS)
			receive(fd); /* it ended though the connection did not */
		else
			connections[fd].ended = true;
	}
	if (idle)
		send_next(fd);
}

static void handle(int kind, int fd, const struct io_uring_cqe *cqe)
{
	if (kind == ACCEPT && cqe->res >= FDS) {
		close(cqe->res);
	} else if (kind == ACCEPT && cqe->res >= 0) {
		connections[cqe->res].first = NONE;
		connections[cqe->res].ended = false;
		receive(cqe->res);
	} else if (kind == RECEIVE) {
		received(fd, cqe);
	} else if (kind == SEND) {
		unsigned id = connections[fd].first;
		connections[fd].first = memory[id].next;
		ring_buffers_add(&buffers, memory[id].bytes, SIZE, (uint16_t)id);
		send_next(fd);
	}
	if (kind == ACCEPT && !(cqe->flags & IORING_CQE_F_MORE)) {
		struct io_uring_sqe *sqe = ring_sqe(&ring);
		ring_prep_accept_multishot(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
		tagged(sqe, ACCEPT, fd);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ring_error error = {0};
	struct io_uring_cqe *cqe;

	address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 7));
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 128) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
	    ring_open(&ring, &(struct ring_options){.entries = 256, .cq_entries = 1024}, &error) <
		    0 ||
	    ring_buffers_open(&buffers, &ring, 0, BUFFERS, 0) < 0) {
		fprintf(stderr, "echo: cannot start: %s\n", error.text);
		return 1;
	}
	for (uint16_t id = 0; id < BUFFERS; id++)
		ring_buffers_add(&buffers, memory[id].bytes, SIZE, id);
	printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
	handle(ACCEPT, listener, &(struct io_uring_cqe){.res = -EAGAIN}); /* arms it */
	for (;;) {
		ring_buffers_publish(&buffers);
		ring_submit_wait(&ring, 1, RING_NEVER, 0);
		ring_for_each_cqe(&ring, cqe)
			handle((int)(cqe->user_data >> 32), (int)(uint32_t)cqe->user_data, cqe);
	}
}
