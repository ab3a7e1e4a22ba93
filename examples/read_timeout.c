/*
 * read_timeout MILLISECONDS: read standard input, but not for longer than that.
 *
 * The limit is a second entry linked to the first.  Both always complete, in
 * either order; who reads only one finds the other where he does not expect it.
 */
#include "ring/ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ, LIMIT };

static int read_for(struct ring *ring, int fd, void *buffer, uint32_t size, long ms)
{
	struct __kernel_timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	struct io_uring_sqe *sqe = ring_sqe_reserve(ring, 2);
	struct io_uring_cqe *cqe;
	int results[2];
	unsigned seen = 0;

	ring_prep_read(sqe, fd, buffer, size, RING_POSITION);
	ring_sqe_tag(sqe, READ);
	ring_sqe_link(sqe);
	sqe = ring_sqe(ring);
	ring_prep_link_timeout(sqe, &ts, 0);
	ring_sqe_tag(sqe, LIMIT);

	while (seen < 2) {
		ring_submit_wait(ring, 2 - seen, RING_NEVER, 0);
		ring_for_each_cqe(ring, cqe)
		{
			results[cqe->user_data] = cqe->res;
			seen++;
		}
	}
	/* The limit: -ETIME when it fired, -ECANCELED when the read was first. */
	if (results[READ] == -ECANCELED && results[LIMIT] == -ETIME)
		return -ETIME;
	return results[READ];
}

int main(int argc, char **argv)
{
	static char buffer[4096];
	struct ring_error error;
	struct ring ring;
	int n;

	if (argc != 2 || atol(argv[1]) <= 0) {
		fprintf(stderr, "usage: read_timeout MILLISECONDS\n");
		return 2;
	}
	if (ring_open(&ring, &(struct ring_options){.entries = 4}, &error) < 0) {
		fprintf(stderr, "read_timeout: %s\n", error.text);
		return 1;
	}
	n = read_for(&ring, 0, buffer, sizeof(buffer), atol(argv[1]));
	ring_close(&ring);
	if (n == -ETIME)
		puts("timed out");
	else if (n < 0)
		fprintf(stderr, "read_timeout: %s\n", strerror(-n));
	else
		printf("%d bytes\n", n);
	return n < 0 && n != -ETIME;
}
