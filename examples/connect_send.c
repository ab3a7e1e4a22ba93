/*
 * connect_send PORT MILLISECONDS: connect to a port of this machine, send standard input's
 * first bytes, and give up when the connection has not been taken by then; one submit, one
 * wait.
 *
 *   connect --link--> limit        the limit belongs to what is before it
 *       `---link---------> send    and the chain goes on behind both
 *
 * A link is broken by the first entry that fails: the send is -ECANCELED then, and nothing of it
 * has gone.
 */
#include "ring/ring.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECT, LIMIT, SEND, COUNT };

static void put(struct ring *ring, int fd, const struct sockaddr_in *to,
		const struct __kernel_timespec *limit, const void *bytes, size_t length)
{
	struct io_uring_sqe *sqe = ring_sqe_reserve(ring, COUNT);

	ring_prep_connect(sqe, fd, (const struct sockaddr *)to, sizeof(*to));
	ring_sqe_tag(sqe, CONNECT);
	ring_sqe_link(sqe);
	sqe = ring_sqe(ring);
	ring_prep_link_timeout(sqe, limit, 0);
	ring_sqe_tag(sqe, LIMIT);
	ring_sqe_link(sqe);
	sqe = ring_sqe(ring);
	ring_prep_send(sqe, fd, bytes, length, MSG_WAITALL | MSG_NOSIGNAL);
	ring_sqe_tag(sqe, SEND);
}

static void wait_for_all(struct ring *ring, int results[COUNT])
{
	struct io_uring_cqe *cqe;
	unsigned seen = 0;

	while (seen < COUNT) {
		ring_submit_wait(ring, COUNT - seen, RING_NEVER, 0);
		ring_for_each_cqe(ring, cqe)
		{
			results[cqe->user_data] = cqe->res;
			seen++;
		}
	}
}

int main(int argc, char **argv)
{
	static char bytes[4096];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct __kernel_timespec limit;
	struct ring_error error;
	struct ring ring;
	int results[COUNT], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	if (argc != 3 || atol(argv[2]) <= 0) {
		fprintf(stderr, "usage: connect_send PORT MILLISECONDS\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	limit.tv_sec = atol(argv[2]) / 1000;
	limit.tv_nsec = atol(argv[2]) % 1000 * 1000000;
	n = read(0, bytes, sizeof(bytes));
	if (n < 0 || ring_open(&ring, &(struct ring_options){.entries = 4}, &error) < 0) {
		fprintf(stderr, "connect_send: %s\n", n < 0 ? strerror(errno) : error.text);
		return 1;
	}
	put(&ring, fd, &to, &limit, bytes, (size_t)n);
	wait_for_all(&ring, results);
	ring_close(&ring);
	if (results[CONNECT] < 0)
		printf("not connected: %s\n",
		       results[LIMIT] == -ETIME ? "timed out" : strerror(-results[CONNECT]));
	else
		printf("%d bytes\n", results[SEND]);
	return results[CONNECT] < 0 || results[SEND] != n;
}
