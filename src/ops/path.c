#include "ops/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40             /* as the kernel has it */
#define PART_SIZE (NAME_MAX + 2) /* one more than there can be, for the kernel to refuse it */

/* The walk: a directory, and what of the path is still before us. */
struct walk {
	int directory; /* O_PATH, or -1 after a failure */
	unsigned links;
	char rest[PATH_MAX];
};

static int open_root(struct walk *walk)
{
	if (walk->directory >= 0)
		close(walk->directory);
	walk->directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return walk->directory < 0 ? -errno : 0;
}

/* The next part of the path, taken off its front; the last one is true. */
static bool next_part(struct walk *walk, char part[PART_SIZE])
{
	char *at = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(at, "/");
	const char *after = at + length + strspn(at + length, "/");

	snprintf(part, PART_SIZE, "%.*s", length ? (int)length : 1, length ? at : ".");
	if (!*after && at[length]) { /* "name/" is a directory's name */
		memmove(walk->rest, ".", 2);
		return false;
	}
	memmove(walk->rest, after, strlen(after) + 1);
	return !*walk->rest;
}

/* Nobody but root and us can put a link here. */
static bool is_trusted(int directory)
{
	struct stat status;

	if (fstat(directory, &status) < 0)
		return false;
	return (status.st_uid == 0 || status.st_uid == geteuid()) &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/* What is behind /proc/self/fd/1 has no path to be walked. */
static bool is_proc(int directory)
{
	struct statfs status;

	return fstatfs(directory, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

/* Put what the link says in front of the rest. */
static int follow(struct walk *walk, int link)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(link, "", target, sizeof(target) - 1);
	size_t rest = strlen(walk->rest);

	if (length < 0)
		return -errno;
	if ((size_t)length + 1 + rest >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	memmove(walk->rest + length + (rest > 0), walk->rest, rest + 1);
	memcpy(walk->rest, target, (size_t)length);
	if (rest)
		walk->rest[length] = '/';
	return target[0] == '/' ? open_root(walk) : 0;
}

/* The directory to go on from. */
static int enter(struct walk *walk, int directory)
{
	if (directory < 0)
		return -errno;
	close(walk->directory);
	walk->directory = directory;
	return 0;
}

/* Into the next directory, or along a link: 0 while there is more, 1 when `part` is the last. */
static int step(struct walk *walk, char part[PART_SIZE])
{
	bool last = next_part(walk, part);
	struct stat status;
	int r, next = openat(walk->directory, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (next < 0)
		return last && errno == ENOENT ? 1 : -errno;
	if (fstat(next, &status) < 0)
		r = -errno;
	else if (S_ISLNK(status.st_mode) && !is_trusted(walk->directory))
		r = -ELOOP;
	else if (S_ISLNK(status.st_mode) && !is_proc(walk->directory))
		r = follow(walk, next);
	else if (last)
		r = 1;
	else if (S_ISLNK(status.st_mode)) /* the kernel's to follow */
		r = enter(walk, openat(walk->directory, part, O_PATH | O_DIRECTORY | O_CLOEXEC));
	else if (S_ISDIR(status.st_mode))
		return enter(walk, next);
	else
		r = -ENOTDIR;
	close(next);
	return r;
}

/* As far as the directory of the last part; the caller closes walk->directory in any case. */
static int walk_to(struct walk *walk, const char *path, char part[PART_SIZE])
{
	int r;

	walk->directory = -1;
	walk->links = 0;
	if (path[0] != '/' || strlen(path) >= sizeof(walk->rest))
		return path[0] == '/' ? -ENAMETOOLONG : -EINVAL;
	memcpy(walk->rest, path, strlen(path) + 1);
	r = open_root(walk);
	while (r == 0)
		r = step(walk, part);
	return r < 0 ? r : 0;
}

int path_open(const char *path, int flags, mode_t mode)
{
	char part[PART_SIZE];
	struct walk walk;
	int fd = -1, r = walk_to(&walk, path, part);

	if (r == 0) {
		/* What the walk has not followed is no link, or was not one a moment ago. */
		flags |= O_CLOEXEC | (is_proc(walk.directory) ? 0 : O_NOFOLLOW);
		fd = openat(walk.directory, part, flags, mode);
		r = fd < 0 ? -errno : fd;
	}
	if (walk.directory >= 0)
		close(walk.directory);
	return r;
}

int path_check(const char *path)
{
	char part[PART_SIZE];
	struct stat status;
	struct walk walk;
	int r = walk_to(&walk, path, part);

	if (r == 0 && fstatat(walk.directory, part, &status, 0) < 0)
		r = errno == ENOENT && faccessat(walk.directory, ".", W_OK | X_OK, AT_EACCESS) == 0
			    ? 0
			    : -errno;
	else if (r == 0 && S_ISDIR(status.st_mode))
		r = -EISDIR;
	else if (r == 0 && S_ISSOCK(status.st_mode))
		r = -ENXIO;
	else if (r == 0 && faccessat(walk.directory, part, W_OK, AT_EACCESS) < 0)
		r = -errno;
	if (walk.directory >= 0)
		close(walk.directory);
	return r;
}
