/*
 * proxy PORT UPSTREAM-PORT: carry bytes between 127.0.0.1:PORT (0: any) and
 * 127.0.0.1:UPSTREAM-PORT.
 *
 * A connection is two lanes, each a receive and then a send, for ever.  The end of
 * one lane is passed on as an end and leaves the other lane running; when both
 * have ended, nothing is in flight and the sockets are closed.
 */
#include "listen.h"
#include "ring/ring.h"

#include <unistd.h>

struct lane {
	int from, to;
	struct lane *other;
	bool sending, ended;
	char bytes[16384];
};
static struct ring ring;

static void receive(struct lane *lane)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);
	ring_prep_recv(sqe, lane->from, lane->bytes, sizeof(lane->bytes), 0);
	ring_sqe_tag(sqe, ring_pointer(lane));
	lane->sending = false;
}

static void forward(struct lane *lane, int length)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);
	ring_prep_send(sqe, lane->to, lane->bytes, (size_t)length, MSG_WAITALL | MSG_NOSIGNAL);
	ring_sqe_tag(sqe, ring_pointer(lane));
	lane->sending = true;
}

static void end(struct lane *lane)
{
	lane->ended = true;
	shutdown(lane->to, SHUT_WR);
	if (lane->other->ended) {
		close(lane->from);
		close(lane->to);
		free(lane < lane->other ? lane : lane->other);
	}
}

static void turn(struct lane *lane, int result)
{
	if (lane->sending && result > 0)
		receive(lane);
	else if (!lane->sending && result > 0)
		forward(lane, result);
	else
		end(lane); /* the peer's end, or an error: what was received has been sent */
}

static void accepted(int client, const char *port)
{
	struct sockaddr_in upstream = loopback(port);
	struct lane *lanes = calloc(2, sizeof(*lanes)); /* up, down */
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!lanes || connect(server, (struct sockaddr *)&upstream, sizeof(upstream)) < 0) {
		perror("proxy: upstream");
		close(client);
		close(server);
		free(lanes);
		return;
	}
	lanes[0] = (struct lane){.from = client, .to = server, .other = &lanes[1]};
	lanes[1] = (struct lane){.from = server, .to = client, .other = &lanes[0]};
	receive(&lanes[0]);
	receive(&lanes[1]);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return fprintf(stderr, "usage: proxy PORT UPSTREAM-PORT\n"), 1;
	int listener = listen_on(argv[1]);
	struct ring_error error = {0};
	struct io_uring_cqe *cqe, first = {.res = -1};
	if (ring_open(&ring, &(struct ring_options){.entries = 256}, &error) < 0)
		return fprintf(stderr, "proxy: %s\n", error.text), 1;

	for (cqe = &first;; ring_submit_wait(&ring, 1, RING_NEVER, 0)) {
		if (!(cqe->flags & IORING_CQE_F_MORE)) /* the accept (tag 0) is to be armed */
			ring_prep_accept_multishot(ring_sqe(&ring), listener, NULL, NULL,
						   SOCK_CLOEXEC);
		first.flags = IORING_CQE_F_MORE;
		ring_for_each_cqe(&ring, cqe)
		{
			if (cqe->user_data)
				turn((struct lane *)(uintptr_t)cqe->user_data, cqe->res);
			else if (cqe->res >= 0)
				accepted(cqe->res, argv[2]);
			if (!cqe->user_data)
				first.flags = cqe->flags;
		}
		cqe = &first;
	}
}
