/*
 * Opening listening sockets, by the main thread before any worker starts, so
 * that whatever is wrong is said before anything is served.
 *
 * Internet addresses are opened once per worker with SO_REUSEPORT: the kernel
 * spreads connections.  SO_REUSEPORT would also let a second daemon of the same
 * user share the port in silence, so the first socket of an address is bound
 * without it as a trial.  A unix socket cannot be opened twice, and a socket
 * from systemd is as it is: all workers accept from the same one.
 */
#ifndef CONTROL_BIND_H
#define CONTROL_BIND_H

#include "session/section.h"

#include <sys/types.h>

/*
 * A socket bound to an internet or unix address (kind ANY, INET or UNIX), that does not
 * listen yet, with the options of the line that asks for it, and the section's
 * socket options.  A unix path left behind by a process that is gone is replaced;
 * whatever else is there stays, and no symbolic link is followed.  Its file has
 * the line's mode, owner and group before anybody can connect.  Returns the
 * descriptor, or a negative errno with *ret_why, a static text that says what to
 * do, or NULL.
 */
int bind_open(const struct address *address, const struct config_endpoint *line,
	      const struct config_settings *settings, const char **ret_why) must_check;

/* Whether the address is free: 0, or the negative errno of bind(2) on it. */
int bind_try(const struct address *address, const struct config_endpoint *line) must_check;

/*
 * Whether it can be listened on at all, in use or not, without making or removing
 * anything, as far as who asks may see: 0, or a negative errno with *ret_why as above.
 */
int bind_check(const struct address *address, const struct config_endpoint *line,
	       const char **ret_why) must_check;

/* Where a socket listens, as text: the address it is bound to; fallback where that is not known. */
const char *bind_text(int fd, const char *fallback, char text[ADDRESS_TEXT_MAX]);
/* What a socket that somebody else opened is bound to; kind NONE when that cannot be known. */
void bind_address(int fd, struct address *ret_address);

/* Another descriptor of the same socket, for another worker. */
int bind_share(int fd) must_check;

/* The file that a unix socket's path named when we had bound it; all zeroes: none. */
struct bind_path {
	dev_t device;
	ino_t inode;
};
struct bind_path bind_path(const struct address *address);

/* The mode, owner and group of that file become the line's.  0, or as bind_open(). */
int bind_rights(const struct address *address, const struct bind_path *path,
		const struct config_endpoint *line, const char **ret_why) must_check;

/* Listen.  Results as above. */
int bind_listen(int fd, const struct config_endpoint *line, const struct config_settings *settings,
		const char **ret_why) must_check;
/* How many may wait there, of the line or of the section. */
uint32_t bind_backlog(const struct config_endpoint *line, const struct config_settings *settings);
/* What accepted sockets have from the listening one, which may listen already. */
void bind_tune(int fd, int family, const struct config_endpoint *line,
	       const struct config_settings *settings);

/* Remove the path, unless another process has replaced it since. */
void bind_remove(const struct address *address, const struct bind_path *path);

#endif
