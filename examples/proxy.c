/*
 * proxy PORT UPSTREAM-PORT: carry bytes between 127.0.0.1:PORT (0: any) and
 * 127.0.0.1:UPSTREAM-PORT.  A connection is two lanes, each a receive and then a
 * send, for ever.  The end of one is passed on as an end and leaves the other
 * running; when both have ended, nothing is in flight and the sockets are closed.
 */
#include "listen.h"
#include "ring/ring.h"

#include <unistd.h>

struct lane {
	enum { ACCEPT, CONNECT, RECEIVE, SEND } doing;
	int from, to;
	bool ended;
	struct lane *other;
	char bytes[16384];
};
static struct ring ring;
static struct sockaddr_in upstream;

static void go_on(struct lane *lane, int doing, int length)
{
	struct io_uring_sqe *sqe = ring_sqe(&ring);
	if (doing == ACCEPT)
		ring_prep_accept(sqe, lane->from, NULL, NULL, SOCK_CLOEXEC);
	else if (doing == CONNECT)
		ring_prep_connect(sqe, lane->to, (struct sockaddr *)&upstream, sizeof(upstream));
	else if (doing == RECEIVE)
		ring_prep_recv(sqe, lane->from, lane->bytes, sizeof(lane->bytes), 0);
	else /* all of it, or the connection is broken */
		ring_prep_send(sqe, lane->to, lane->bytes, (size_t)length,
			       MSG_WAITALL | MSG_NOSIGNAL);
	ring_sqe_tag(sqe, ring_pointer(lane));
	lane->doing = doing;
}

static void accepted(int client)
{
	struct lane *lanes = calloc(2, sizeof(*lanes)); /* up, down */
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!lanes)
		exit(1);
	lanes[0] = (struct lane){.from = client, .to = server, .other = &lanes[1]};
	lanes[1] = (struct lane){.from = server, .to = client, .other = &lanes[0], .ended = true};
	go_on(&lanes[0], CONNECT, 0); /* the other lane begins when that is done */
}

static void turn(struct lane *lane, int result)
{
	if (lane->doing == ACCEPT) {
		if (result >= 0)
			accepted(result);
		go_on(lane, ACCEPT, 0);
	} else if (lane->doing == CONNECT && result == 0) {
		lane->other->ended = false;
		go_on(lane, RECEIVE, 0);
		go_on(lane->other, RECEIVE, 0);
	} else if (result > 0) {
		go_on(lane, lane->doing == RECEIVE ? SEND : RECEIVE, result);
	} else { /* the end, or an error: what was received has been sent */
		lane->ended = true;
		shutdown(lane->to, SHUT_WR);
		if (lane->other->ended) {
			close(lane->from);
			close(lane->to);
			free(lane < lane->other ? lane : lane->other);
		}
	}
}

int main(int argc, char **argv)
{
	struct lane door = {.from = listen_on(argc > 1 ? argv[1] : "0")};
	struct ring_error error = {0};
	struct io_uring_cqe *cqe;
	upstream = loopback(argc > 2 ? argv[2] : "7");
	if (ring_open(&ring, &(struct ring_options){.entries = 256}, &error) < 0)
		return fprintf(stderr, "proxy: %s\n", error.text), 1;
	for (go_on(&door, ACCEPT, 0);; ring_submit_wait(&ring, 1, RING_NEVER, 0))
		ring_for_each_cqe(&ring, cqe)
			turn((struct lane *)(uintptr_t)cqe->user_data, cqe->res);
}
