/* cat FILE...: print files, of known size or not (/proc), through a ring. */
#include "ring/ring.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static char buffer[65536];

/* The result of one operation: submit it, wait for it, read its completion. */
static int run(struct ring *ring)
{
	struct io_uring_cqe cqe;
	struct ring_wait wait = ring_submit_wait(ring, 1, RING_NEVER, 0);

	return ring_reap(ring, &cqe, 1) == 1 ? cqe.res : wait.error;
}

static int write_all(struct ring *ring, const char *bytes, int left)
{
	while (left > 0) {
		ring_prep_write(ring_sqe(ring), 1, bytes, (uint32_t)left, RING_POSITION);
		int n = run(ring);
		if (n < 0)
			return n;
		bytes += n; /* a write may be short as well */
		left -= n;
	}
	return 0;
}

static int cat(struct ring *ring, const char *path)
{
	uint64_t offset = 0;
	int fd, n;

	ring_prep_openat(ring_sqe(ring), AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	fd = run(ring);
	if (fd < 0)
		return fd;
	/* Until the end, not until the size: some files do not know theirs. */
	do {
		ring_prep_read(ring_sqe(ring), fd, buffer, sizeof(buffer), offset);
		n = run(ring);
		if (n > 0) {
			int r = write_all(ring, buffer, n);
			offset += (uint64_t)n;
			n = r < 0 ? r : n;
		}
	} while (n > 0);
	ring_prep_close(ring_sqe(ring), fd);
	run(ring);
	return n;
}

int main(int argc, char **argv)
{
	struct ring_error error;
	struct ring ring;
	int failed = 0;

	if (ring_open(&ring, &(struct ring_options){.entries = 4}, &error) < 0) {
		fprintf(stderr, "cat: %s: %s\n", error.what, error.text);
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		int r = cat(&ring, argv[i]);
		if (r < 0) {
			fprintf(stderr, "cat: %s: %s\n", argv[i], strerror(-r));
			failed = 1;
		}
	}
	ring_close(&ring);
	return failed;
}
