#include "support/daemon_sockets.h"

#include "support/daemon.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.ss_family == AF_INET;
}

/* A copy of it if it is such a socket; -1 if it is not, -2 when no copy can be had. */
static int copy_of(int process, int number)
{
	int fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);

	if (fd < 0)
		return errno == EBADF ? -1 : -2; /* closed meanwhile, or not allowed */
	if (is_connected(fd))
		return fd;
	close(fd);
	return -1;
}

int daemon_connected_sockets(struct daemon *daemon, int *fds, int max)
{
	int process = (int)syscall(SYS_pidfd_open, daemon_pid(daemon), 0), count = 0, fd = -1;
	char path[64];
	DIR *directory;

	if (process < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/fd", daemon_pid(daemon));
	directory = opendir(path);
	ck_assert_ptr_nonnull(directory);
	for (struct dirent *entry; fd != -2 && count < max && (entry = readdir(directory));) {
		fd = entry->d_name[0] == '.' ? -1 : copy_of(process, atoi(entry->d_name));
		if (fd >= 0)
			fds[count++] = fd;
	}
	closedir(directory);
	close(process);
	if (fd != -2)
		return count;
	while (count > 0)
		close(fds[--count]);
	return -1;
}
