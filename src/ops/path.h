/*
 * Opening a file for writing where others may have been: no symbolic link is
 * followed that somebody else could have put there.
 *
 * A link is trusted where its directory is: owned by root or by us, and writable
 * by nobody else.  So /dev/stdout, or a link that the administrator made in
 * /var/log, leads where it says, and one in /tmp or in another user's directory
 * is refused.  Each part of the path is looked at through the descriptor of its
 * directory (openat(2), O_PATH | O_NOFOLLOW), so that nothing can be exchanged
 * between the look and the opening; fs.protected_symlinks need not be on.
 */
#ifndef OPS_PATH_H
#define OPS_PATH_H

#include "base/compiler.h"

#include <sys/types.h>

/*
 * open(2) for the absolute path; flags may have O_CREAT.  A descriptor, which is
 * close-on-exec, or a negative errno: -ELOOP for a link that is not trusted, and
 * for too many of them.
 */
int path_open(const char *path, int flags, mode_t mode) must_check;

/* Whether path_open() for writing would succeed, without opening or making anything: 0, or why not.
 */
int path_check(const char *path) must_check;

#endif
