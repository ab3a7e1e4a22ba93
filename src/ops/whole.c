#include "ops/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int whole_init(struct whole *whole, size_t size)
{
	*whole = (struct whole){.bytes = malloc(size)};
	return whole->bytes ? 0 : -ENOMEM;
}

void whole_done(struct whole *whole)
{
	free(whole->bytes);
	*whole = (struct whole){0};
}

void whole_begin(struct whole *whole, bool cut)
{
	whole->cut = cut;
	whole->written = 0;
}

/* Somebody -- a daemon that met a full disk and ended -- may have left half a line. */
bool whole_ends_within(int fd, const struct stat *status)
{
	char name[32], last = '\n';
	int reader;

	if (!S_ISREG(status->st_mode) || status->st_size == 0)
		return false;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	reader = open(name, O_RDONLY | O_CLOEXEC);
	if (reader < 0)
		return false; /* not ours to read */
	if (pread(reader, &last, 1, status->st_size - 1) != 1)
		last = '\n';
	close(reader);
	return last != '\n';
}

size_t whole_next(const struct whole *whole, size_t most, const char **ret_bytes)
{
	size_t size = whole->used - whole->written;
	const char *newline;

	if (size && whole->cut) {
		*ret_bytes = "\n";
		return 1;
	}
	*ret_bytes = whole->bytes + whole->written;
	if (size <= most)
		return size;
	newline = memrchr(*ret_bytes, '\n', most);
	return newline ? (size_t)(newline - *ret_bytes) + 1 : most;
}

void whole_taken(struct whole *whole, size_t size)
{
	if (!whole->cut)
		whole->written += size;
	whole->cut = false;
}

/* Of a line that is out in part, remember how much. */
void whole_settle(struct whole *whole)
{
	const char *newline = whole->written ? memrchr(whole->bytes, '\n', whole->written) : NULL;
	size_t out = whole->written == whole->used ? whole->used
		     : newline                     ? (size_t)(newline - whole->bytes) + 1
						   : 0;

	whole->used -= out;
	whole->written -= out;
	memmove(whole->bytes, whole->bytes + out, whole->used);
}

uint64_t whole_pending(const struct whole *whole)
{
	const char *at = whole->bytes, *end = at + whole->used;
	uint64_t lines = 0;

	for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
		lines++;
	return lines;
}
