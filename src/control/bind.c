#include "control/bind.h"

#include "base/fault.h"
#include "loop/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNTIME_DIR   "/run/uringproxy" /* RuntimeDirectory= of the shipped unit */
#define DIRECTORY_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) + 1)

static void bind_without_address(int fd, int family)
{
	int on = 1;

	if (family == AF_INET)
		(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
}

/* What has to be known before it is bound. */
static int prepare(int fd, struct address *address, const struct config_endpoint *line,
		   bool reuse_port)
{
	int on = 1, r = address_locate(address);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (reuse_port)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (line->freebind)
		bind_without_address(fd, address->u.any.sa_family);
	if (address->u.any.sa_family == AF_INET6) {
		/* [::] serves both families only where no family was named. */
		int v6only = address->kind != ADDRESS_ANY;
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	}
	return r == 0 && *line->interface ? socket_interface(fd, line->interface) : r;
}

/* An internet address. */
static int bind_socket(const struct address *address, const struct config_endpoint *line,
		       bool reuse_port)
{
	struct address now = *address;
	int fd = socket_open(address->u.any.sa_family), r;

	if (fd < 0)
		return fd;
	r = prepare(fd, &now, line, reuse_port);
	if (r == 0 && bind(fd, &now.u.any, now.length) < 0)
		r = -errno;
	if (r < 0)
		socket_close(fd);
	return r < 0 ? r : fd;
}

/* Where the machine has no IPv6, every local address is 0.0.0.0. */
static int bind_any(const struct address *address, const struct config_endpoint *line,
		    bool reuse_port)
{
	struct address v4 = {
		.kind = ADDRESS_INET,
		.length = sizeof(v4.u.in),
		.u.in = {.sin_family = AF_INET, .sin_port = htons(address->port)},
	};
	int fd = bind_socket(address, line, reuse_port);

	return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? bind_socket(&v4, line, reuse_port)
							   : fd;
}

/* ---- Unix sockets ---------------------------------------------------------------------------- */

/*
 * What connecting to a path with another type of socket than its own is told:
 * EPROTOTYPE where a socket is bound to the file, whether or not it listens (yet),
 * ECONNREFUSED where none is any more (unix_find_bsd() of net/unix/af_unix.c).
 * Unlike a connect by a stream socket it is nothing that a listener would see.
 */
static int who_is_bound(const struct address *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	r = connect(fd, &address->u.any, address->length) < 0 ? -errno : 0;
	socket_close(fd);
	return r;
}

/* Why a file of that name is no socket that could be replaced, or NULL. */
static const char *in_the_way(mode_t mode)
{
	if (S_ISSOCK(mode))
		return NULL;
	if (S_ISLNK(mode))
		return "there is a symbolic link of that name, which is not followed: write the "
		       "path that it leads to, or remove it";
	if (S_ISDIR(mode))
		return "that is a directory: write a path in it";
	return "there is a file of that name that is no socket: remove it, or write another path";
}

/* What keeps us from the path, as *ret_why; or true when it was left behind by who is gone. */
static bool is_left_behind(const struct address *address, const char **ret_why)
{
	struct stat before, after;

	if (lstat(address->u.un.sun_path, &before) < 0)
		return false;
	*ret_why = in_the_way(before.st_mode);
	if (*ret_why)
		return false;
	switch (-who_is_bound(address)) {
	case ECONNREFUSED:
		/* Still the one that was looked at, and not a link that took its place. */
		return lstat(address->u.un.sun_path, &after) == 0 &&
		       after.st_ino == before.st_ino && after.st_dev == before.st_dev;
	case EACCES:
		*ret_why = "there is a socket of that name, and our user may not find out whose; "
			   "`ss -lxp` shows who listens there: if nobody, remove the file";
		return false;
	default:
		*ret_why = "another process has that socket already; `ss -axp` shows which";
		return false;
	}
}

static void directory_of(const char *path, char directory[DIRECTORY_MAX])
{
	size_t length = (size_t)(strrchr(path, '/') - path);

	snprintf(directory, DIRECTORY_MAX, "%.*s", (int)(length ? length : 1), path);
}

/* One at a time of those who replace sockets in a directory; false: another is at it. */
static bool lock_directory(const char *path, int *ret_lock)
{
	char directory[DIRECTORY_MAX];

	directory_of(path, directory);
	*ret_lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_lock < 0 || flock(*ret_lock, LOCK_EX | LOCK_NB) == 0;
}

/* By the file's own descriptor: its name may have become another's. */
static int give_rights(int file, const struct config_endpoint *line, const char **ret_why)
{
	char path[64];

	if ((line->owner != (uid_t)-1 || line->group != (gid_t)-1) &&
	    fchownat(file, "", line->owner, line->group, AT_EMPTY_PATH) < 0) {
		*ret_why = "owner= needs CAP_CHOWN (AmbientCapabilities= and "
			   "CapabilityBoundingSet= of the unit); group= needs it too, or a group "
			   "of the daemon's user: SupplementaryGroups= and "
			   "SystemCallFilter=fchownat of the unit";
		return -errno;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (chmod(path, line->mode) < 0) {
		*ret_why = "the mode of its file cannot be set, for which /proc is needed";
		return -errno;
	}
	return 0;
}

/* The file that we have just made has no rights at all so far. */
static int open_rights(const char *path, const struct config_endpoint *line, const char **ret_why)
{
	int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), r;
	struct stat status;

	if (file < 0)
		return -errno;
	r = fstat(file, &status) < 0 ? -errno : 0;
	if (r == 0 &&
	    (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1)) {
		*ret_why = "somebody else changes files in its directory";
		r = -EPERM;
	}
	if (r == 0)
		r = give_rights(file, line, ret_why);
	close(file);
	return r;
}

int bind_rights(const struct address *address, const struct bind_path *path,
		const struct config_endpoint *line, const char **ret_why)
{
	struct config_endpoint wanted = *line;
	int file = open(address->u.un.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC), r;
	struct stat status;

	if (file < 0)
		return -errno;
	r = fstat(file, &status) < 0 ? -errno : 0;
	if (r == 0 && (status.st_ino != path->inode || status.st_dev != path->device)) {
		*ret_why = "it is another file by now";
		r = -EPERM;
	}
	/* Nobody's in particular any more. */
	if (wanted.owner == (uid_t)-1 && status.st_uid != geteuid())
		wanted.owner = geteuid();
	if (wanted.group == (gid_t)-1 && status.st_gid != getegid())
		wanted.group = getegid();
	if (r == 0)
		r = give_rights(file, &wanted, ret_why);
	close(file);
	return r;
}

static int bind_unix(const struct address *address, const char **ret_why)
{
	bool named = address->u.un.sun_path[0];
	int fd = socket_open(AF_UNIX), lock, r;

	if (fd < 0)
		return fd;
	/* Its file gets this mode: none can connect before open_rights() (unix_bind_bsd()). */
	(void)fchmod(fd, 0);
	r = bind(fd, &address->u.any, address->length) < 0 ? -errno : 0;
	if (r == -EADDRINUSE && named) {
		if (lock_directory(address->u.un.sun_path, &lock) &&
		    is_left_behind(address, ret_why) && unlink(address->u.un.sun_path) == 0)
			r = bind(fd, &address->u.any, address->length) < 0 ? -errno : 0;
		if (lock >= 0)
			close(lock);
	}
	if (r < 0)
		socket_close(fd);
	return r < 0 ? r : fd;
}

static int open_unix(const struct address *address, const struct config_endpoint *line,
		     const char **ret_why)
{
	int fd = bind_unix(address, ret_why), r;

	if (fd < 0 || !address->u.un.sun_path[0])
		return fd;
	r = open_rights(address->u.un.sun_path, line, ret_why);
	if (r < 0) {
		struct bind_path path = bind_path(address);

		bind_remove(address, &path);
		socket_close(fd);
	}
	return r < 0 ? r : fd;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static int bind_one(const struct address *address, const struct config_endpoint *line,
		    const char **ret_why)
{
	if (address->kind == ADDRESS_UNIX)
		return open_unix(address, line, ret_why);
	return address->kind == ADDRESS_ANY ? bind_any(address, line, true)
					    : bind_socket(address, line, true);
}

void bind_tune(int fd, int family, const struct config_endpoint *line,
	       const struct config_settings *settings)
{
	socket_tune(fd, family, settings);
	if (family == AF_UNIX)
		return;
	socket_tos(fd, family, line->tos);
	socket_defer_accept(fd, line->defer_accept);
}

uint32_t bind_backlog(const struct config_endpoint *line, const struct config_settings *settings)
{
	return line->backlog ? line->backlog : settings->backlog;
}

int bind_open(const struct address *address, const struct config_endpoint *line,
	      const struct config_settings *settings, const char **ret_why)
{
	int fd;

	*ret_why = NULL;
	fd = bind_one(address, line, ret_why);
	/* Accepted sockets inherit these from the listening one. */
	if (fd >= 0)
		bind_tune(fd, address->u.any.sa_family, line, settings);
	else if (!*ret_why)
		*ret_why = fault_advice(FAULT_AT_BIND, fd);
	return fd;
}

int bind_listen(int fd, const struct config_endpoint *line, const struct config_settings *settings,
		const char **ret_why)
{
	int r = listen(fd, (int)bind_backlog(line, settings)) < 0 ? -errno : 0;

	*ret_why = r < 0 ? fault_advice(FAULT_AT_BIND, r) : NULL;
	return r;
}

int bind_try(const struct address *address, const struct config_endpoint *line)
{
	int fd;

	if (address->kind == ADDRESS_UNIX)
		return 0; /* bound once, it cannot be shared by accident */
	fd = address->kind == ADDRESS_ANY ? bind_any(address, line, false)
					  : bind_socket(address, line, false);
	if (fd < 0)
		return fd;
	socket_close(fd);
	return 0;
}

/* With any port: the one that is meant may be in use, by the daemon that runs. */
static int check_internet(const struct address *address, const struct config_endpoint *line)
{
	struct address any = *address;
	int r;

	address_set_port(&any, 0);
	r = bind_try(&any, line);
	return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL ? r : 0;
}

/* The shipped unit's own directory is there only while the daemon runs. */
static int check_path(const char *path, const char **ret_why)
{
	char directory[DIRECTORY_MAX];
	struct stat status;
	int r;

	if (lstat(path, &status) == 0) {
		*ret_why = in_the_way(status.st_mode);
		return *ret_why ? -EADDRINUSE : 0;
	}
	r = -errno;
	directory_of(path, directory);
	if (r != -ENOTDIR &&
	    (r != -ENOENT || !strcmp(directory, RUNTIME_DIR) ||
	     !strcmp(directory, "/var" RUNTIME_DIR) || stat(directory, &status) == 0))
		return 0;
	*ret_why = fault_advice(FAULT_AT_BIND, r);
	return r;
}

int bind_check(const struct address *address, const struct config_endpoint *line,
	       const char **ret_why)
{
	int r = 0;

	*ret_why = NULL;
	if (address->kind == ADDRESS_UNIX && address->u.un.sun_path[0])
		return check_path(address->u.un.sun_path, ret_why);
	if (address->kind == ADDRESS_INET)
		r = check_internet(address, line);
	*ret_why = r < 0 ? fault_advice(FAULT_AT_BIND, r) : NULL;
	return r;
}

const char *bind_text(int fd, const char *fallback, char text[ADDRESS_TEXT_MAX])
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		snprintf(text, ADDRESS_TEXT_MAX, "%s", fallback);
	else
		address_format_socket((struct sockaddr *)&address, size, text, ADDRESS_TEXT_MAX);
	return text;
}

void bind_address(int fd, struct address *ret_address)
{
	struct address address = {.kind = ADDRESS_INET};
	socklen_t size = sizeof(address.u), size_of_one = sizeof(int);
	int v6only = 1;

	*ret_address = (struct address){0};
	if (getsockname(fd, &address.u.any, &size) < 0 || size > sizeof(address.u))
		return;
	address.length = size;
	if (address.u.any.sa_family == AF_UNIX) {
		address.kind = ADDRESS_UNIX;
	} else if (address.u.any.sa_family == AF_INET6) {
		address.port = ntohs(address.u.in6.sin6_port);
		(void)getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &size_of_one);
		if (!v6only && IN6_IS_ADDR_UNSPECIFIED(&address.u.in6.sin6_addr))
			address.kind = ADDRESS_ANY;
	} else if (address.u.any.sa_family == AF_INET) {
		address.port = ntohs(address.u.in.sin_port);
	} else {
		return;
	}
	*ret_address = address;
}

int bind_share(int fd)
{
	int shared = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return shared < 0 ? -errno : shared;
}

struct bind_path bind_path(const struct address *address)
{
	struct stat status;

	if (address->kind != ADDRESS_UNIX || !address->u.un.sun_path[0] ||
	    lstat(address->u.un.sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return (struct bind_path){0};
	return (struct bind_path){.device = status.st_dev, .inode = status.st_ino};
}

void bind_remove(const struct address *address, const struct bind_path *path)
{
	struct bind_path now = bind_path(address);

	if (now.inode && now.inode == path->inode && now.device == path->device)
		(void)unlink(address->u.un.sun_path);
}
