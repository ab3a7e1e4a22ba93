/*
 * echo PORT: answer each connection on 127.0.0.1 with what it sends (0: any port).
 * One multishot accept, a multishot receive per connection, one ring of buffers for
 * all.  What came in waits in line and goes back a buffer at a time: two sends at
 * once could overtake each other.
 */
#include "listen.h"
#include "ring/ring.h"

#include <errno.h>
#include <unistd.h>

enum { ACCEPT, RECEIVE, SEND, BUFFERS = 256, SIZE = 4096, FDS = 1024 };
static struct ring ring;
static struct ring_buffers buffers;
static char memory[BUFFERS][SIZE];
static uint32_t length[BUFFERS];
static uint16_t line[FDS][BUFFERS]; /* per descriptor: the buffers from out to in */
static unsigned in[FDS], out[FDS];
static bool ended[FDS];
static int hungry[FDS], hungry_count; /* to receive again when there is a buffer */

static void ask(uint64_t what, int fd)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);
	uint16_t id = line[fd][out[fd] % BUFFERS];
	if (what == ACCEPT)
		ring_prep_accept_multishot(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
	else if (what == RECEIVE)
		ring_prep_recv_multishot(sqe, fd, 0, 0, 0);
	else /* all of it, or the connection is broken */
		ring_prep_send(sqe, fd, memory[id], length[id], MSG_WAITALL | MSG_NOSIGNAL);
	ring_sqe_tag(sqe, what << 32 | (uint32_t)fd);
}

static void send_or_close(int fd)
{
	if (in[fd] != out[fd])
		ask(SEND, fd);
	else if (ended[fd])
		close(fd);
}

static void received(int fd, const struct io_uring_cqe *cqe)
{
	bool idle = in[fd] == out[fd];
	uint16_t id;
	if (ring_buffers_take(&buffers, cqe, &id)) {
		line[fd][in[fd]++ % BUFFERS] = id;
		length[id] = (uint32_t)cqe->res;
	}
	ended[fd] = cqe->res <= 0 && cqe->res != -ENOBUFS;
	if (!(cqe->flags & IORING_CQE_F_MORE) && !ended[fd])
		hungry[hungry_count++] = fd;
	if (idle)
		send_or_close(fd);
}

int main(int argc, char **argv)
{
	int listener = listen_on(argc > 1 ? argv[1] : "7");
	struct ring_error error = {0};
	struct io_uring_cqe *cqe;
	if (ring_open(&ring, &(struct ring_options){.entries = 256}, &error) < 0 ||
	    ring_buffers_open(&buffers, &ring, 0, BUFFERS, 0) < 0)
		return fprintf(stderr, "echo: cannot start: %s\n", error.text), 1;
	for (uint16_t id = 0; id < BUFFERS; id++)
		ring_buffers_add(&buffers, memory[id], SIZE, id);
	for (ask(ACCEPT, listener);; ring_submit_wait(&ring, 1, RING_NEVER, 0)) {
		ring_for_each_cqe(&ring, cqe)
		{
			int fd = (int)cqe->user_data;
			if (cqe->user_data >> 32 == RECEIVE) {
				received(fd, cqe);
			} else if (cqe->user_data >> 32 == SEND) {
				uint16_t id = line[fd][out[fd]++ % BUFFERS];
				ring_buffers_add(&buffers, memory[id], SIZE, id);
				send_or_close(fd);
			} else {
				if (cqe->res >= FDS)
					close(cqe->res);
				else if (cqe->res >= 0)
					ask(RECEIVE, cqe->res);
				if (!(cqe->flags & IORING_CQE_F_MORE))
					ask(ACCEPT, listener);
			}
		}
		ring_buffers_publish(&buffers);
		while (hungry_count > 0 && ring_buffers_available(&buffers) > 0)
			ask(RECEIVE, hungry[--hungry_count]);
	}
}
