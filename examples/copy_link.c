/*
 * copy_link FROM TO: copy a file with pairs of linked operations, read then write.
 *
 * A link breaks when the read comes up short: the write is cancelled, and nothing
 * is copied.  So ask for exactly what is left, and when the file shrank meanwhile
 * write by hand what was read.
 */
#include "ring/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ, WRITE };
static char block[65536];

/* Both completions, in whatever order they come. */
static void run_pair(struct ring *ring, int results[2])
{
	struct io_uring_cqe *cqe;
	unsigned seen = 0;

	while (seen < 2) {
		ring_submit_wait(ring, 2 - seen, RING_NEVER, 0);
		ring_for_each_cqe(ring, cqe)
		{
			results[cqe->user_data] = cqe->res;
			seen++;
		}
	}
}

static int copy_block(struct ring *ring, int from, int to, uint64_t offset, uint32_t length)
{
	struct io_uring_sqe *sqe = ring_sqe_reserve(ring, 2); /* both in one submit */
	int results[2];

	ring_prep_read(sqe, from, block, length, offset);
	ring_sqe_tag(sqe, READ);
	ring_sqe_link(sqe);
	sqe = ring_sqe(ring);
	ring_prep_write(sqe, to, block, length, offset);
	ring_sqe_tag(sqe, WRITE);
	run_pair(ring, results);

	if (results[READ] <= 0)
		return results[READ];
	if (results[WRITE] == -ECANCELED)
		return (int)pwrite(to, block, (size_t)results[READ], (off_t)offset);
	return results[WRITE]; /* perhaps short: the next block begins there */
}

int main(int argc, char **argv)
{
	int from = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, n = 0;
	int to = argc == 3 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
	struct ring_error error;
	struct ring ring;
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0) {
		perror("copy_link FROM TO");
		return 1;
	}
	if (ring_open(&ring, &(struct ring_options){.entries = 4}, &error) < 0) {
		fprintf(stderr, "copy_link: %s\n", error.text);
		return 1;
	}
	for (uint64_t offset = 0, size = (uint64_t)st.st_size; offset < size;
	     offset += (uint64_t)n) {
		uint64_t left = size - offset;
		n = copy_block(&ring, from, to, offset,
			       left < sizeof(block) ? (uint32_t)left : sizeof(block));
		if (n <= 0)
			break;
	}
	if (n < 0)
		fprintf(stderr, "copy_link: %s\n", strerror(n == -1 ? errno : -n));
	ring_close(&ring);
	return n < 0;
}
