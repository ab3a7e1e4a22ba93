#include "ops/access.h"
#include "ops/access_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFER_SIZE    ((size_t)64 * 1024)
#define PIECE_MAX      4096 /* PIPE_BUF: several writers' pieces do not mix in a pipe */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static_assert(ACCESS_LINE_MAX <= PIECE_MAX, "a line is never torn");

/*
 * Standard error is shared with whoever started us: making it non-blocking
 * would be done to them too.  Opening it again through /proc gives a pipe or a
 * terminal a description of our own; a socket cannot be opened but takes
 * MSG_DONTWAIT.  A file must keep the common offset, or our lines and the log's
 * would overwrite each other.  What cannot be opened (a terminal of another
 * user) is used as it is.
 */
static int open_stderr(void)
{
	struct stat status;
	int fd = -1;

	if (fstat(STDERR_FILENO, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) && !S_ISSOCK(status.st_mode))
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

static int open_file(const char *path)
{
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0640);

	return fd < 0 ? -errno : fd;
}

/* Connected, so that a send names no address and a restarted journald shows as an error. */
static int open_journal(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path)
		path = JOURNAL_SOCKET;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

static int open_target(const struct access *access)
{
	switch (access->target) {
	case ACCESS_STDERR:
		return open_stderr();
	case ACCESS_JOURNAL:
		return open_journal(access->path);
	case ACCESS_FILE:
		return open_file(access->path);
	case ACCESS_OFF:
		break;
	}
	return -EINVAL;
}

int access_open(struct access *access, enum access_target target, enum access_format format,
		const char *path)
{
	*access = (struct access){.target = target, .format = format, .path = path, .fd = -1};
	if (target == ACCESS_OFF)
		return 0;
	access->buffer = malloc(BUFFER_SIZE);
	int r = access->buffer ? access_reopen(access) : -ENOMEM;
	if (r < 0) {
		free(access->buffer);
		*access = (struct access){.fd = -1};
	}
	return r;
}

int access_reopen(struct access *access)
{
	struct stat status;

	if (access->target == ACCESS_OFF)
		return 0;
	int fd = open_target(access);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	access_flush(access);
	if (access->fd >= 0)
		close(access->fd);
	access->fd = fd;
	access->is_file = S_ISREG(status.st_mode);
	access->is_socket = S_ISSOCK(status.st_mode);
	return 0;
}

/* Bytes taken, or a negative errno; -EAGAIN when the reader is behind. */
static ssize_t put(const struct access *access, const char *bytes, size_t size)
{
	ssize_t n;

	do {
		n = access->is_socket ? send(access->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)
				      : write(access->fd, bytes, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The whole lines that fit into one piece: all for a file. */
static size_t piece(const struct access *access, const char *bytes, size_t size)
{
	if (access->is_file || size <= PIECE_MAX)
		return size;
	const char *newline = memrchr(bytes, '\n', PIECE_MAX);
	return newline ? (size_t)(newline - bytes) + 1 : PIECE_MAX;
}

static uint64_t count_lines(const char *bytes, size_t size)
{
	uint64_t lines = 0;

	for (const char *end = bytes + size; (bytes = memchr(bytes, '\n', (size_t)(end - bytes)));
	     bytes++)
		lines++;
	return lines;
}

void access_flush_lines(struct access *access)
{
	size_t sent = 0;
	ssize_t n = 0;

	while (sent < access->used) {
		size_t size = piece(access, access->buffer + sent, access->used - sent);
		n = put(access, access->buffer + sent, size);
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	access->error = n < 0 ? (int)-n : 0;
	if (n < 0 && n != -EAGAIN) { /* the disk is full or the reader gone: waiting is no use */
		access->dropped += count_lines(access->buffer + sent, access->used - sent);
		sent = access->used;
	}
	access->used -= sent;
	memmove(access->buffer, access->buffer + sent, access->used);
}

static void write_journal(struct access *access, const struct access_record *record)
{
	char entry[ACCESS_ENTRY_MAX];
	size_t size = access_format_journal(record, entry);
	bool fresh = false;

	for (;;) {
		ssize_t n = send(access->fd, entry, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		access->error = n < 0 ? errno : 0;
		if (n >= 0)
			return;
		/* journald was started anew: the old socket refuses, then we are not connected */
		bool gone = access->error == ECONNREFUSED || access->error == ENOTCONN;
		if (!gone || fresh || access_reopen(access) < 0)
			break;
		fresh = true;
	}
	access->dropped++;
}

void access_write(struct access *access, const struct access_record *record)
{
	if (access->target == ACCESS_OFF)
		return;
	access->lines++;
	if (access->target == ACCESS_JOURNAL) {
		write_journal(access, record);
		return;
	}
	if (BUFFER_SIZE - access->used < ACCESS_LINE_MAX)
		access_flush_lines(access);
	if (BUFFER_SIZE - access->used < ACCESS_LINE_MAX) {
		access->dropped++;
		return;
	}
	char *line = access->buffer + access->used;
	access->used += access->format == ACCESS_JSON
				? access_format_json(record, line)
				: access_format_text(record, access->target == ACCESS_FILE, line);
}

void access_close(struct access *access)
{
	if (access->target == ACCESS_OFF)
		return;
	access_flush(access);
	access->dropped += count_lines(access->buffer, access->used);
	close(access->fd);
	free(access->buffer);
	access->buffer = NULL; /* the counters stay readable */
	access->used = 0;
	access->fd = -1;
	access->target = ACCESS_OFF;
}
