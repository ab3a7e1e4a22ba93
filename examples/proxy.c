/*
 * proxy PORT UPSTREAM-PORT: carry bytes between 127.0.0.1:PORT (0: any) and
 * 127.0.0.1:UPSTREAM-PORT.
 *
 * A connection is two lanes, each a receive and then a send, for ever.  The end of
 * one lane is passed on as an end and leaves the other lane running; when both
 * have ended, nothing is in flight and the sockets are closed.
 */
#include "ring/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct lane {
	int from, to;
	struct lane *other;
	bool sending, ended;
	char bytes[16384];
};

static struct ring ring;
static struct sockaddr_in upstream = {.sin_family = AF_INET};

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

static void accepted(int client)
{
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct lane *lanes = calloc(2, sizeof(*lanes)); /* up, down */
	if (!lanes || server < 0 ||
	    connect(server, (struct sockaddr *)&upstream, sizeof(upstream)) < 0) {
		perror("proxy: upstream");
		close(client);
		if (server >= 0)
			close(server);
		free(lanes);
		return;
	}
	lanes[0].from = lanes[1].to = client;
	lanes[0].to = lanes[1].from = server;
	lanes[0].other = &lanes[1];
	lanes[1].other = &lanes[0];
	receive(&lanes[0]);
	receive(&lanes[1]);
}

static void arm_accept(int listener)
{
	ring_prep_accept_multishot(ring_sqe(&ring), listener, NULL, NULL, SOCK_CLOEXEC); /* tag 0 */
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);
	struct ring_error error = {0};
	struct io_uring_cqe *cqe;

	upstream.sin_addr = address.sin_addr;
	upstream.sin_port = htons((uint16_t)(argc == 3 ? atoi(argv[2]) : 0));
	address.sin_port = htons((uint16_t)(argc == 3 ? atoi(argv[1]) : 0));
	if (argc != 3 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(listener, 128) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
	    ring_open(&ring, &(struct ring_options){.entries = 256}, &error) < 0) {
		fprintf(stderr, "proxy PORT UPSTREAM-PORT: cannot start %s\n", error.text);
		return 1;
	}
	printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
	arm_accept(listener);
	for (;;) {
		ring_submit_wait(&ring, 1, RING_NEVER, 0);
		ring_for_each_cqe(&ring, cqe)
		{
			if (cqe->user_data) {
				turn((struct lane *)(uintptr_t)cqe->user_data, cqe->res);
				continue;
			}
			if (cqe->res >= 0)
				accepted(cqe->res);
			if (!(cqe->flags & IORING_CQE_F_MORE))
				arm_accept(listener);
		}
	}
}
