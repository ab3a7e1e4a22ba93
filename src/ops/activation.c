#include "ops/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

int activation_open(struct activation *activation)
{
	*activation = (struct activation){0};
	int count = sd_listen_fds_with_names(true, &activation->names);
	if (count < 0)
		return count;
	activation->count = (unsigned)count;
	if (count == 0)
		return 0;
	activation->taken = calloc((size_t)count, sizeof(*activation->taken));
	activation->gone = calloc((size_t)count, sizeof(*activation->gone));
	if (!activation->taken || !activation->gone) {
		activation_close(activation);
		return -ENOMEM;
	}
	return 0;
}

void activation_close(struct activation *activation)
{
	for (unsigned i = 0; i < activation->count; i++) {
		if (!activation->gone || !activation->gone[i])
			close(SD_LISTEN_FDS_START + (int)i);
		free(activation->names[i]);
	}
	free(activation->names);
	free(activation->taken);
	free(activation->gone);
	*activation = (struct activation){0};
}

static int make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int activation_take(struct activation *activation, const char *name, int fds[], unsigned max)
{
	unsigned found = 0;

	for (unsigned i = 0; i < activation->count; i++) {
		int fd = SD_LISTEN_FDS_START + (int)i;

		if (activation->gone[i] || strcmp(activation->names[i], name) != 0)
			continue;
		int r = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, true);
		if (r < 0)
			return r;
		if (r == 0)
			return sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, -1) > 0 ? -ENOTSOCK
										: -EPROTOTYPE;
		r = make_nonblocking(fd);
		if (r < 0)
			return r;
		activation->taken[i] = true;
		if (found < max)
			fds[found] = fd;
		found++;
	}
	return (int)found;
}

unsigned activation_adopt(struct activation *activation, const char *name, int fds[], unsigned max)
{
	unsigned found = 0;

	for (unsigned i = 0; i < activation->count; i++) {
		int fd = SD_LISTEN_FDS_START + (int)i;

		if (activation->gone[i] || strcmp(activation->names[i], name) != 0)
			continue;
		activation->gone[i] = true;
		if (found < max && sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, true) > 0 &&
		    make_nonblocking(fd) == 0)
			fds[found++] = fd;
		else
			close(fd);
	}
	return found;
}

void activation_drop(struct activation *activation, bool (*is_one)(const char *name),
		     void (*dropped)(const char *name))
{
	for (unsigned i = 0; i < activation->count; i++) {
		if (activation->gone[i] || activation->taken[i] || !is_one(activation->names[i]))
			continue;
		activation->gone[i] = true;
		close(SD_LISTEN_FDS_START + (int)i);
		dropped(activation->names[i]);
	}
}

const char *activation_unclaimed(const struct activation *activation, unsigned n)
{
	for (unsigned i = 0; i < activation->count; i++)
		if (!activation->taken[i] && !activation->gone[i] && n-- == 0)
			return activation->names[i];
	return NULL;
}
