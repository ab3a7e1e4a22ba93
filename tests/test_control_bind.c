/* Listening on unix sockets: who may connect, and what else may be in the way of their files. */
#include "config/config.h"
#include "control/bind.h"
#include "loop/socket.h"
#include "support/skip.h"
#include "support/suite.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct address address;
static struct config_endpoint line;
static const struct config_settings settings = {.backlog = 4};
static const char *why;
static mode_t at_bind, at_listen; /* what the file's mode was when these returned, began */

#define PATH (address.u.un.sun_path)

/* ---- the daemon's calls, looked at ---- */

static mode_t mode_of(const char *path)
{
	struct stat status;

	return lstat(path, &status) < 0 ? (mode_t)-1 : status.st_mode & 07777;
}

int bind(int fd, const struct sockaddr *to, socklen_t length)
{
	int (*real)(int, const struct sockaddr *, socklen_t);
	int r, error;

	*(void **)&real = dlsym(RTLD_NEXT, "bind");
	r = real(fd, to, length);
	error = errno;
	at_bind = mode_of(PATH);
	errno = error;
	return r;
}

int listen(int fd, int backlog)
{
	int (*real)(int, int);

	*(void **)&real = dlsym(RTLD_NEXT, "listen");
	at_listen = mode_of(PATH);
	return real(fd, backlog);
}

static void name(const char *last)
{
	char text[300];
	const char *because;

	snprintf(text, sizeof(text), "unix:%s/%s", suite_dir(), last);
	ck_assert_int_eq(address_parse(&address, text, ADDRESS_FOR_LISTEN, &because), 0);
	line = (struct config_endpoint){.mode = 0666, .owner = (uid_t)-1, .group = (gid_t)-1};
	why = NULL;
}

static int open_it(void)
{
	int fd = bind_open(&address, &line, &settings, &why);

	if (fd >= 0)
		ck_assert_int_eq(bind_listen(fd, &line, &settings, &why), 0);
	return fd;
}

static void close_it(int fd)
{
	struct bind_path path = bind_path(&address);

	bind_remove(&address, &path);
	close(fd);
	ck_assert_uint_eq(mode_of(PATH), (mode_t)-1);
}

static bool connects(void)
{
	int fd = socket_open(AF_UNIX), r;

	ck_assert_int_ge(fd, 0);
	r = socket_connect(fd, &address);
	close(fd);
	return r == 0;
}

/* ---- rights ---- */

START_TEST(its_file_has_the_mode_asked_for_whatever_the_umask_and_none_before)
{
	static const mode_t modes[] = {0666, 0660, 0600, 0777, 0};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		mode_t before = umask(i % 2 ? 0 : 0077);
		int fd;

		name("mode");
		line.mode = modes[i];
		fd = open_it();
		umask(before);
		ck_assert_int_ge(fd, 0);
		ck_assert_uint_eq(at_bind, 0);
		ck_assert_uint_eq(at_listen, modes[i]);
		ck_assert_uint_eq(mode_of(PATH), modes[i]);
		close_it(fd);
	}
}
END_TEST

START_TEST(its_file_has_the_owner_and_the_group_asked_for)
{
	struct stat status;
	int fd;

	if (geteuid() != 0)
		SKIP_TEST("only root may give files away");
	name("owner");
	line.owner = 12;
	line.group = 34;
	fd = open_it();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lstat(PATH, &status), 0);
	ck_assert_uint_eq(status.st_uid, 12);
	ck_assert_uint_eq(status.st_gid, 34);
	close_it(fd);
}
END_TEST

START_TEST(an_owner_that_cannot_be_given_is_explained_and_leaves_nothing)
{
	int status;
	pid_t child;

	if (geteuid() != 0)
		SKIP_TEST("only root can become another user");
	name("not-mine");
	line.owner = 12;
	ck_assert_int_eq(chmod(suite_dir(), 0777), 0);
	child = fork();
	if (child == 0) {
		bool right = setgid(65534) == 0 && setuid(65534) == 0 && open_it() == -EPERM &&
			     why && strstr(why, "CAP_CHOWN") &&
			     strstr(why, "SupplementaryGroups=") && mode_of(PATH) == (mode_t)-1;
		_exit(right ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(chmod(suite_dir(), 0700), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- what is in the way ---- */

START_TEST(what_was_left_behind_is_replaced)
{
	int fd;

	name("left");
	fd = open_it();
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert(!connects());
	fd = open_it();
	ck_assert_int_ge(fd, 0);
	ck_assert(connects());
	close_it(fd);
}
END_TEST

/* Of any type, listening or not (yet): connecting to each is refused as to one left behind. */
START_TEST(a_socket_that_somebody_has_bound_is_not_one_left_behind)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct stat before, after;
		int other;

		name("bound");
		other = socket(AF_UNIX, types[i], 0);
		ck_assert_int_eq(bind(other, &address.u.any, address.length), 0);
		ck_assert_int_eq(lstat(PATH, &before), 0);
		ck_assert_int_eq(open_it(), -EADDRINUSE);
		ck_assert_msg(why && strstr(why, "another process has that socket"), "%s", why);
		ck_assert_int_eq(lstat(PATH, &after), 0);
		ck_assert_uint_eq(before.st_ino, after.st_ino);
		close(other);
		close_it(open_it());
	}
}
END_TEST

START_TEST(no_link_is_followed_and_none_removed)
{
	char target[300];
	struct stat status;
	int other;

	name("target");
	other = open_it();
	ck_assert_int_ge(other, 0);
	close(other); /* left behind: a link to it must not be taken for it */
	snprintf(target, sizeof(target), "%s", PATH);
	name("link");
	ck_assert_int_eq(symlink(target, PATH), 0);
	ck_assert_int_eq(open_it(), -EADDRINUSE);
	ck_assert_msg(why && strstr(why, "symbolic link"), "%s", why);
	ck_assert_int_eq(lstat(PATH, &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
	ck_assert_int_eq(lstat(target, &status), 0);
	ck_assert_uint_eq(bind_path(&address).inode, 0);
	unlink(PATH);
	unlink(target);
}
END_TEST

START_TEST(a_file_or_directory_in_the_way_is_named_and_left_alone)
{
	struct stat status;
	int fd;

	name("file");
	fd = open(PATH, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ck_assert_int_eq(open_it(), -EADDRINUSE);
	ck_assert_msg(why && strstr(why, "no socket"), "%s", why);
	ck_assert_int_eq(lstat(PATH, &status), 0);
	ck_assert(S_ISREG(status.st_mode));
	unlink(PATH);

	name("directory");
	ck_assert_int_eq(mkdir(PATH, 0700), 0);
	ck_assert_int_eq(open_it(), -EADDRINUSE);
	ck_assert_msg(why && strstr(why, "directory"), "%s", why);
	ck_assert_int_eq(rmdir(PATH), 0);
}
END_TEST

START_TEST(two_that_replace_the_same_one_do_not_remove_each_others)
{
	enum { ROUNDS = 50, RIVALS = 4 };

	for (int round = 0; round < ROUNDS; round++) {
		int begin[2], end[2], told[2], won = 0;
		pid_t rivals[RIVALS];

		name("rivals");
		close(open_it()); /* left behind */
		ck_assert_int_eq(pipe(begin) | pipe(end) | pipe(told), 0);
		for (int i = 0; i < RIVALS; i++) {
			rivals[i] = fork();
			if (rivals[i] == 0) {
				char byte;
				bool ours;

				close(begin[1]);
				close(end[1]);
				if (read(begin[0], &byte, 1) < 0)
					_exit(1);
				ours = open_it() >= 0;
				/* Who has it keeps it until all the others have tried. */
				if (write(told[1], &ours, 1) < 0 || read(end[0], &byte, 1) < 0)
					_exit(1);
				_exit(0);
			}
		}
		close(begin[0]);
		close(begin[1]);
		for (int i = 0; i < RIVALS; i++) {
			bool ours;

			ck_assert_int_eq(read(told[0], &ours, 1), 1);
			won += ours;
		}
		close(end[0]);
		close(end[1]);
		close(told[0]);
		close(told[1]);
		for (int i = 0; i < RIVALS; i++)
			waitpid(rivals[i], NULL, 0);
		ck_assert_int_eq(won, 1);
		unlink(PATH);
	}
}
END_TEST

static int check(const char *text, bool freebind)
{
	const char *because;

	ck_assert_int_eq(address_parse(&address, text, ADDRESS_FOR_LISTEN, &because), 0);
	line = (struct config_endpoint){.freebind = freebind};
	return bind_check(&address, &line, &why);
}

START_TEST(what_can_be_listened_on_is_known_without_doing_it)
{
	int fd;

	name("x.sock");
	fd = open_it();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind_check(&address, &line, &why), 0); /* ours, or left behind */
	ck_assert_int_eq(access(PATH, F_OK), 0);
	unlink(PATH);
	close(fd);
	ck_assert_int_eq(bind_check(&address, &line, &why), 0);
	ck_assert_int_ne(access(PATH, F_OK), 0); /* nothing was made */
	name("none/x.sock");
	ck_assert_int_eq(bind_check(&address, &line, &why), -ENOENT);
	ck_assert_str_eq(why, "the directory of the socket does not exist");
	name("..");
	ck_assert_int_eq(bind_check(&address, &line, &why), -EADDRINUSE);
	ck_assert_str_eq(why, "that is a directory: write a path in it");
	ck_assert_int_eq(check("unix:/etc/passwd/x.sock", false), -ENOTDIR);
	ck_assert_int_eq(check("unix:@x", false), 0);
	ck_assert_int_eq(check("unix:/run/uringproxy/x.sock", false), 0); /* the unit makes it */
	ck_assert_int_eq(check("unix:/run/uringproxy/none/x.sock", false), -ENOENT);

	fd = bind_open(&(struct address){.kind = ADDRESS_INET,
					 .length = sizeof(address.u.in),
					 .u.in = {.sin_family = AF_INET,
						  .sin_addr = {htonl(INADDR_LOOPBACK)}}},
		       &line, &settings, &why);
	ck_assert_int_ge(fd, 0);
	bind_address(fd, &address);
	line = (struct config_endpoint){0};
	ck_assert_int_eq(bind_check(&address, &line, &why), 0); /* in use: by the daemon, perhaps */
	close(fd);
	ck_assert_int_eq(check("192.0.2.9:7", false), -EADDRNOTAVAIL);
	ck_assert_int_eq(check("192.0.2.9:7", true), 0);
	ck_assert_int_eq(check("127.0.0.1:1", false), 0); /* the unit grants what that needs */
	ck_assert_int_eq(check("7", false), 0);
}
END_TEST

SUITE("listeners", its_file_has_the_mode_asked_for_whatever_the_umask_and_none_before,
      its_file_has_the_owner_and_the_group_asked_for,
      an_owner_that_cannot_be_given_is_explained_and_leaves_nothing,
      what_was_left_behind_is_replaced, a_socket_that_somebody_has_bound_is_not_one_left_behind,
      no_link_is_followed_and_none_removed, a_file_or_directory_in_the_way_is_named_and_left_alone,
      two_that_replace_the_same_one_do_not_remove_each_others,
      what_can_be_listened_on_is_known_without_doing_it)
