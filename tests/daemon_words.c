/* Messages and exit codes: what is said of a state or a refusal is what is so. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/refusal.h"
#include "support/skip.h"
#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

static char address[32], other[32];

static void reserve_addresses(void)
{
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(other, sizeof(other), "127.0.0.1:%u", port_reserve());
}

static int connected(const char *to)
{
	int fd = peer_connect(to);

	assert_connected(fd);
	return fd;
}

/* One more than there is room for; wait for the line that says so. */
static void fill(struct daemon *daemon, const char *to, int *fds, int count, const char *says)
{
	for (int i = 0; i < count; i++)
		fds[i] = connected(to);
	daemon_wait_log(daemon, says);
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

/* ---- max_connections ---- */

START_TEST(a_section_that_is_full_is_named_with_the_line_that_says_how_many)
{
	char one[400], many[400];
	struct daemon *daemon;
	int fds[6];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "[defaults]\nmax_connections = 2\n"
			      "[echo one]\nlisten = %s\nmax_connections = 1\n"
			      "[echo many]\nlisten = %s\n",
			      address, other);
	snprintf(one, sizeof(one),
		 "paused accepting for [echo one]: max_connections is reached; raise it: %s:8: "
		 "[echo one] max_connections = 1\n",
		 daemon_configuration_path(daemon));
	snprintf(many, sizeof(many),
		 "paused accepting for [echo many]: max_connections is reached; raise it: %s:5: "
		 "[defaults] max_connections = 2\n",
		 daemon_configuration_path(daemon));
	fill(daemon, address, fds, 2, one);
	ck_assert_uint_eq(daemon_log_count(daemon, "paused accepting"), 1);
	fill(daemon, other, fds + 2, 4, many);
	ck_assert_uint_eq(daemon_log_count(daemon, "paused accepting"), 2);
	close_all(fds, 6);
	daemon_wait_log(daemon, "[echo one]: accepting again: there is room");
	daemon_wait_log(daemon, "[echo many]: accepting again: there is room");
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_daemon_that_is_full_names_the_line_or_the_descriptors)
{
	struct daemon *daemon;
	char says[400], text[128];
	int fds[60];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i], "max_connections = 1\n[echo]\nlisten = %s\n",
			      address);
	snprintf(says, sizeof(says),
		 "paused accepting: max_connections is reached; raise it: %s:4: [global] "
		 "max_connections = 1\n",
		 daemon_configuration_path(daemon));
	fill(daemon, address, fds, 2, says);
	close_all(fds, 2);
	daemon_stop(daemon);

	snprintf(text, sizeof(text), "[echo]\nlisten = %s\n", address);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = text, .nofile = 100});
	daemon_wait_ready(daemon);
	fill(daemon, address, fds, 60, "for want of descriptors; raise LimitNOFILE= of the unit");
	close_all(fds, 60);
	daemon_stop(daemon);
}
END_TEST

/* ---- io_uring_setup ---- */

/* 78 is what the unit does not restart on: there would have to be something to correct. */
static void assert_refused(const struct daemon_options *options, const char *says)
{
	struct daemon *daemon = daemon_spawn(options);
	char *log;

	ck_assert_int_eq(daemon_wait_exit(daemon), EX_OSERR);
	log = daemon_log(daemon);
	ck_assert_msg(strstr(log, says), "\"%s\" is not said in:\n%s", says, log);
	free(log);
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 0);
	daemon_free(daemon);
}

START_TEST(whatever_io_uring_setup_says_is_explained_and_no_fault_of_the_configuration)
{
	static const struct {
		int error;
		const char *says;
	} cases[] = {
		{EINVAL, "run on Linux 6.1 or later"},
		{EOPNOTSUPP, "a sandbox or an emulator in the kernel's place"},
		{EAGAIN, "TasksMax="},
		{ENOMEM, "no room for even the smallest ring"},
		{EPERM, "seccomp"},
		{ENOSYS, "CONFIG_IO_URING"},
		{EIO, "see to a seccomp filter or a security module"},
	};
	char text[64];

	reserve_addresses();
	snprintf(text, sizeof(text), "[echo]\nlisten = %s\n", address);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(&(struct daemon_options){.mode = &daemon_modes[_i],
							.configuration = text,
							.io_uring_errno = cases[i].error},
			       cases[i].says);
}
END_TEST

/* Whatever the kernel says of listening, there is nothing to correct in the configuration. */
static const struct {
	int call, error;
	const char *says;
} no_listening[] = {
	{SYS_socket, ENFILE, "(the whole machine has no file descriptors left: fs.file-max)"},
	{SYS_socket, EMFILE, "(raise LimitNOFILE= of the unit (ulimit -n))"},
	{SYS_socket, ENOBUFS, "(see net.ipv4.tcp_mem and the memory limit of the unit)"},
	{SYS_socket, EAFNOSUPPORT, "RestrictAddressFamilies= of the unit leaves it out)"},
	{SYS_bind, EACCES, "(ports below 1024 need CAP_NET_BIND_SERVICE"},
	{SYS_bind, EPERM, "(SocketBindAllow= or SocketBindDeny= of the unit"},
	{SYS_bind, EINVAL, "(of a link-local address the number of its interface"},
	{SYS_listen, EADDRINUSE, "(another process listens there already"},
};
enum { NO_LISTENING = sizeof(no_listening) / sizeof(no_listening[0]) };

START_TEST(whatever_keeps_it_from_listening_is_explained)
{
	const int calls[] = {no_listening[_i].call, -1};
	struct refusal *refusal = refusal_new(calls);
	char text[64];

	reserve_addresses();
	snprintf(text, sizeof(text), "[echo]\nlisten = %s\n", address);
	refusal_set(refusal, no_listening[_i].call, no_listening[_i].error);
	assert_refused(&(struct daemon_options){.mode = &daemon_modes[_i % DAEMON_RINGS],
						.configuration = text,
						.refusal = refusal},
		       no_listening[_i].says);
	refusal_free(refusal);
}
END_TEST

/* Linux 7.2 and later do not count rings: the daemon starts there. */
START_TEST(without_any_locked_memory_the_limit_and_the_need_are_named)
{
	struct daemon *daemon;
	char text[64];

	if (geteuid() != 0)
		SKIP_TEST("needs root, to start the daemon as somebody whose memory is limited");
	reserve_addresses();
	snprintf(text, sizeof(text), "[echo]\nlisten = %s\n", address);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = text, .uid = 65534, .memlock = 1});
	(void)wait_until(daemon_has_exited(daemon) || daemon_notify_count(daemon, "READY=1"),
			 PEER_PATIENCE_MS);
	if (daemon_notify_count(daemon, "READY=1")) {
		daemon_stop(daemon);
		SKIP_TEST("this kernel does not count rings as locked memory");
	}
	ck_assert_int_eq(daemon_wait_exit(daemon), EX_OSERR);
	ck_assert(daemon_log_contains(daemon, "the limit of locked memory is 0 KiB"));
	ck_assert(daemon_log_contains(daemon, "LimitMEMLOCK= (ulimit -l)"));
	ck_assert(daemon_log_contains(daemon, "each worker needs about 400 KiB"));
	ck_assert_uint_eq(daemon_log_count(daemon, "needs 0 KiB"), 0);
	daemon_free(daemon);
}
END_TEST

/* ---- a server's unix socket ---- */

static void assert_refused_with(const char *server, uid_t uid, const char *advice,
				const char *sentence)
{
	struct daemon *daemon;
	char text[400];
	int fd;

	reserve_addresses();
	snprintf(text, sizeof(text), "[proxy p]\nlisten = %s\nserver = unix:%s\n", address, server);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[0], .configuration = text, .uid = uid});
	daemon_wait_ready(daemon);
	fd = connected(address);
	ck_assert_str_eq(peer_end_name(peer_wait_end(fd, PEER_PATIENCE_MS)),
			 peer_end_name(PEER_RST));
	daemon_wait_log(daemon, advice);
	daemon_wait_log(daemon, sentence);
	ck_assert(!daemon_log_contains(daemon, "refused"));
	ck_assert(!daemon_log_contains(daemon, "firewall"));
	close(fd);
	daemon_stop(daemon);
}

START_TEST(a_servers_socket_that_is_missing_is_not_said_to_refuse)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/nobody-made-it", suite_dir());
	assert_refused_with(path, 0, "there is no such socket: its server is not running",
			    "the server's socket is not there");
}
END_TEST

START_TEST(a_servers_socket_that_we_may_not_use_is_told_with_what_to_do)
{
	char path[100], listens[120];
	int listener;

	if (geteuid() != 0)
		SKIP_TEST("needs root, to start the daemon as somebody else");
	snprintf(path, sizeof(path), "/tmp/uringproxy-test.%d", (int)getpid());
	snprintf(listens, sizeof(listens), "unix:%s", path);
	listener = peer_listen(listens, 8);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(chmod(path, 0700), 0);
	assert_refused_with(path, 65534,
			    "SupplementaryGroups=", "connecting to the server is not permitted");
	close(listener);
	unlink(path);
}
END_TEST

SUITE_OF("daemon: words", 60, ONCE(a_servers_socket_that_is_missing_is_not_said_to_refuse),
	 ONCE(a_servers_socket_that_we_may_not_use_is_told_with_what_to_do),
	 IN_BOTH_RINGS(a_section_that_is_full_is_named_with_the_line_that_says_how_many),
	 IN_BOTH_RINGS(a_daemon_that_is_full_names_the_line_or_the_descriptors),
	 IN_BOTH_RINGS(whatever_io_uring_setup_says_is_explained_and_no_fault_of_the_configuration),
	 EACH(whatever_keeps_it_from_listening_is_explained, NO_LISTENING),
	 IN_BOTH_RINGS(without_any_locked_memory_the_limit_and_the_need_are_named))
