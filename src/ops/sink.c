#include "ops/sink.h"

#include "ops/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECE_MAX      4096 /* PIPE_BUF: several writers' pieces do not mix in a pipe */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* ---- Opening --------------------------------------------------------------------------------- */

/*
 * Standard error is shared with whoever started us: making it non-blocking
 * would be done to them too.  Opening it again through /proc gives a pipe or a
 * terminal a description of our own; a socket cannot be opened but takes
 * MSG_DONTWAIT.  A file must keep the common offset, or our lines and others'
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

/* Connected, so that a send names no address and a restarted journald shows as an error. */
static int open_journal(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path)
		path = JOURNAL_SOCKET;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

static int open_target(const struct sink *sink)
{
	switch (sink->target) {
	case SINK_STDERR:
		return open_stderr();
	case SINK_JOURNAL:
		return open_journal(sink->path);
	case SINK_FILE:
		return path_open(sink->path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY,
				 0640);
	case SINK_NONE:
		break;
	}
	return -EINVAL;
}

static void put_in_place(struct sink *sink, int fd, const struct stat *status)
{
	sink->fd = fd;
	sink->is_file = S_ISREG(status->st_mode);
	sink->is_socket = S_ISSOCK(status->st_mode);
	sink->may_wait = !sink->is_file && !sink->is_socket && !(fcntl(fd, F_GETFL) & O_NONBLOCK);
	whole_begin(&sink->lines, sink->target == SINK_FILE && whole_ends_within(fd, status));
}

int sink_reopen(struct sink *sink)
{
	struct stat status;
	int fd = open_target(sink);

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	if (sink->fd >= 0) {
		(void)sink_flush(sink); /* what the old one does not take, the new one gets */
		close(sink->fd);
	}
	put_in_place(sink, fd, &status);
	return 0;
}

int sink_open(struct sink *sink, enum sink_target target, const char *path)
{
	int r;

	*sink = (struct sink){.target = target, .path = path, .fd = -1};
	r = whole_init(&sink->lines, SINK_BUFFER);
	if (r == 0)
		r = sink_reopen(sink);
	if (r < 0)
		sink_close(sink);
	return r;
}

void sink_close(struct sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	whole_done(&sink->lines);
	*sink = (struct sink){.fd = -1};
}

/* ---- Writing --------------------------------------------------------------------------------- */

bool sink_take(struct sink *sink, struct lines *queue)
{
	struct whole *lines = &sink->lines;
	size_t size;

	/* An entry of the journal is a datagram. */
	if (sink->target == SINK_NONE || (sink->target == SINK_JOURNAL && lines->used))
		return false;
	size = lines_take(queue, lines->bytes + lines->used, SINK_BUFFER - lines->used);
	lines->used += size;
	return size > 0;
}

bool sink_is_empty(const struct sink *sink)
{
	return sink->lines.used == 0;
}

uint64_t sink_pending(const struct sink *sink)
{
	return sink->target == SINK_JOURNAL ? !sink_is_empty(sink) : whole_pending(&sink->lines);
}

static ssize_t put(const struct sink *sink, const char *bytes, size_t size)
{
	ssize_t n;

	if (sink->may_wait && poll(&(struct pollfd){.fd = sink->fd, .events = POLLOUT}, 1, 0) == 0)
		return -EAGAIN;
	do {
		n = sink->is_socket ? send(sink->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)
				    : write(sink->fd, bytes, size);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return -EIO; /* a device of that kind is no place for lines */
	return n < 0 ? -errno : n;
}

static int flush(struct sink *sink)
{
	bool is_one = sink->is_file || sink->target == SINK_JOURNAL;
	const char *bytes;
	ssize_t n = 0;
	size_t size;

	while (n >= 0 &&
	       (size = whole_next(&sink->lines, is_one ? SINK_BUFFER : PIECE_MAX, &bytes))) {
		n = put(sink, bytes, size);
		if (n > 0)
			whole_taken(&sink->lines, (size_t)n);
	}
	whole_settle(&sink->lines);
	return n < 0 ? (int)n : 0;
}

int sink_flush(struct sink *sink)
{
	int r = flush(sink);

	if (sink->target != SINK_JOURNAL)
		return r;
	/* journald was started anew: the old socket refuses, then we are not connected */
	if (r == -ECONNREFUSED || r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE) {
		int fd = open_journal(sink->path);
		if (fd < 0)
			return fd;
		close(sink->fd);
		sink->fd = fd;
		r = flush(sink);
	}
	if (r == -EMSGSIZE) /* it never will be */
		sink->lines.used = 0;
	return r;
}

const char *sink_remedy(enum sink_target target, int error)
{
	static const struct {
		int error;
		const char *remedy;
	} remedies[] = {
		{ENOENT, "make its directory; LogsDirectory=uringproxy in the unit makes "
			 "/var/log/uringproxy"},
		{ENOTDIR, "a part of its path is a file"},
		{EISDIR, "it is a directory: name a file in it"},
		{EACCES, "let the daemon's user write there; LogsDirectory=uringproxy in the unit "
			 "makes /var/log/uringproxy its own"},
		{EPERM, "let the daemon's user write there; is it append-only or immutable "
			"(chattr(1))?"},
		{EROFS, "with ProtectSystem=strict a unit writes only below its LogsDirectory= "
			"(/var/log/uringproxy) and ReadWritePaths="},
		{ELOOP, "it leads over a symbolic link in a directory that others can write, or "
			"over too many: name the file itself"},
		{ENXIO, "nobody reads that pipe, or it is a socket"},
		{ENOSPC, "make room on that file system"},
		{EDQUOT, "make room, or raise the quota of the daemon's user"},
		{EFBIG, "see LimitFSIZE= of the unit (ulimit -f), or have it rotated"},
		{EPIPE, "nobody reads it"},
	};

	if (target == SINK_JOURNAL)
		return "does systemd-journald run here? If not, use stderr or the path of a file";
	for (size_t i = 0; i < array_size(remedies); i++)
		if (remedies[i].error == error)
			return remedies[i].remedy;
	return "";
}
