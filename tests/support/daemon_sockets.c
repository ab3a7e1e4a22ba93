#include "support/daemon_sockets.h"

#include "support/daemon.h"

#include <check.h>
#include <dirent.h>
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

int daemon_connected_sockets(struct daemon *daemon, int *fds, int max)
{
	int process = (int)syscall(SYS_pidfd_open, daemon_pid(daemon), 0), count = 0;
	char path[64];
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", daemon_pid(daemon));
	directory = opendir(path);
	ck_assert_ptr_nonnull(directory);
	for (struct dirent *entry; process >= 0 && count >= 0 && (entry = readdir(directory));) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, process, atoi(entry->d_name), 0);
		if (fd < 0)
			count = -1;
		else if (count < max && is_connected(fd))
			fds[count++] = fd;
		else
			close(fd);
	}
	closedir(directory);
	if (process >= 0)
		close(process);
	return process < 0 ? -1 : count;
}
