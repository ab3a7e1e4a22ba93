#include "net/listener.h"

#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int bind_socket(const struct address *address, bool reuse_port)
{
	int fd = socket_open(address->u.any.sa_family), on = 1, off = 0;

	if (fd < 0)
		return fd;
	if (address->kind != ADDRESS_UNIX) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (reuse_port)
			(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	}
	if (address->u.any.sa_family == AF_INET6) {
		/* [::] serves both families only where no family was named. */
		int v6only = address->kind != ADDRESS_ANY;
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only ? &on : &off, sizeof(on));
	}
	if (bind(fd, &address->u.any, address->length) < 0) {
		int r = -errno;
		socket_close(fd);
		return r;
	}
	return fd;
}

/* Where the machine has no IPv6, every local address is 0.0.0.0. */
static int bind_any(const struct address *address, bool reuse_port)
{
	struct address v4 = {
		.kind = ADDRESS_INET,
		.length = sizeof(v4.u.in),
		.u.in = {.sin_family = AF_INET, .sin_port = htons(address->port)},
	};
	int fd = bind_socket(address, reuse_port);

	return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? bind_socket(&v4, reuse_port) : fd;
}

/* A path left behind by a process that is gone. */
static bool is_stale(const struct address *address)
{
	int fd = socket_open(AF_UNIX), r;
	struct stat status;

	if (fd < 0)
		return false;
	r = socket_connect(fd, address);
	socket_close(fd);
	return r == -ECONNREFUSED && stat(address->u.un.sun_path, &status) == 0 &&
	       S_ISSOCK(status.st_mode);
}

static const char *advice(int error)
{
	switch (-error) {
	case EACCES:
		return "ports below 1024 need CAP_NET_BIND_SERVICE, which the shipped unit grants; "
		       "a unix path needs a directory its user may write to";
	case EADDRINUSE:
		return "another process listens there already; `ss -lnp` shows which";
	case EADDRNOTAVAIL:
		return "no interface of this machine has that address";
	case EAFNOSUPPORT:
		return "this machine has no such address family";
	case EMFILE:
		return "raise LimitNOFILE= of the unit (ulimit -n)";
	case ENOENT:
		return "the directory of the socket does not exist";
	default:
		return NULL;
	}
}

static int bind_and_listen(const struct address *address, const struct config_settings *settings)
{
	int fd =
		address->kind == ADDRESS_ANY ? bind_any(address, true) : bind_socket(address, true);

	if (fd == -EADDRINUSE && address->kind == ADDRESS_UNIX && address->u.un.sun_path[0] &&
	    is_stale(address)) {
		(void)unlink(address->u.un.sun_path);
		fd = bind_socket(address, true);
	}
	if (fd < 0)
		return fd;
	/* Accepted sockets inherit these from the listening one. */
	socket_tune(fd, address->u.any.sa_family, settings);
	if (listen(fd, (int)settings->backlog) < 0) {
		int r = -errno;
		socket_close(fd);
		return r;
	}
	return fd;
}

int listener_open(const struct address *address, const struct config_settings *settings,
		  const char **ret_why)
{
	int fd = bind_and_listen(address, settings);

	*ret_why = fd < 0 ? advice(fd) : NULL;
	return fd;
}

int listener_try(const struct address *address)
{
	int fd;

	if (address->kind == ADDRESS_UNIX)
		return 0; /* bound once, it cannot be shared by accident */
	fd = address->kind == ADDRESS_ANY ? bind_any(address, false) : bind_socket(address, false);
	if (fd < 0)
		return fd;
	socket_close(fd);
	return 0;
}

int listener_share(int fd)
{
	int shared = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return shared < 0 ? -errno : shared;
}

struct listener_path listener_path(const struct address *address)
{
	struct stat status;

	if (address->kind != ADDRESS_UNIX || !address->u.un.sun_path[0] ||
	    stat(address->u.un.sun_path, &status) < 0)
		return (struct listener_path){0};
	return (struct listener_path){.device = status.st_dev, .inode = status.st_ino};
}

void listener_remove(const struct address *address, const struct listener_path *path)
{
	struct listener_path now = listener_path(address);

	if (now.inode && now.inode == path->inode && now.device == path->device)
		(void)unlink(address->u.un.sun_path);
}
