/* `uringproxy top`: once, and on a terminal, with the keys that change something. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static char front[32], control[200];

static struct daemon *serve(void)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "unix:%s/control.sock", suite_dir());
	return daemon_start(&daemon_modes[0], "[echo]\nlisten = %s\n[control]\nlisten = %s\n",
			    front, control);
}

static int connect_front(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	return fd;
}

START_TEST(once_prints_every_view)
{
	struct daemon *daemon = serve();
	int fd = connect_front();

	assert_run(0, "NAME  KIND  CONNS  NEW/S ", RUN("-s", control + 5, "top", "--once"));
	assert_run(0, "\nPOOL  SERVER  STATE  CONNS ", RUN("-s", control + 5, "top", "--once"));
	assert_run(0, "  echo   127.0.0.1:", RUN("-s", control + 5, "top", "--once"));
	assert_run(0, "\"proxies\": [", RUN("-s", control + 5, "top", "--once", "--json"));
	assert_run(0, "\"bytes_up_per_second\": 0",
		   RUN("-s", control + 5, "top", "--once", "--json"));
	assert_run(64, "it is `uringproxy top ", RUN("-s", control + 5, "top", "--json"));
	close(fd);
	daemon_stop(daemon);
	assert_run(3, "is the daemon running?", RUN("-s", control + 5, "top", "--once"));
}
END_TEST

/* ---- A terminal ------------------------------------------------------------------------------ */

struct terminal {
	int fd;
	struct child child;
	char text[65536]; /* since it was last looked at */
	size_t used;
};

static void become_session(const void *name)
{
	int fd;

	setsid();
	fd = open(name, O_RDWR);
	(void)dup2(fd, 0);
	(void)dup2(fd, 1);
	(void)dup2(fd, 2);
}

static void open_terminal(struct terminal *terminal, unsigned short columns)
{
	const char *argv[] = {getenv("URINGPROXY"), "-s", control + 5, "top", NULL};
	const struct winsize size = {.ws_row = 12, .ws_col = columns};
	static char name[100];

	memset(terminal, 0, sizeof(*terminal));
	terminal->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(terminal->fd, 0);
	ck_assert_int_eq(grantpt(terminal->fd), 0);
	ck_assert_int_eq(unlockpt(terminal->fd), 0);
	ck_assert_int_eq(ptsname_r(terminal->fd, name, sizeof(name)), 0);
	ck_assert_int_eq(ioctl(terminal->fd, TIOCSWINSZ, &size), 0);
	ck_assert_int_eq(
		child_start(&terminal->child, &(struct child_options){.argv = argv,
								      .prepare = become_session,
								      .argument = name}),
		0);
}

/* Whether more has come, or the end. */
static bool read_more(struct terminal *terminal)
{
	struct pollfd input = {.fd = terminal->fd, .events = POLLIN};
	ssize_t count;

	if (poll(&input, 1, PEER_PATIENCE_MS) <= 0)
		return false;
	if (terminal->used > sizeof(terminal->text) / 2)
		terminal->used = 0;
	count = read(terminal->fd, terminal->text + terminal->used,
		     sizeof(terminal->text) - 1 - terminal->used);
	if (count <= 0)
		return false;
	terminal->used += (size_t)count;
	terminal->text[terminal->used] = 0;
	return true;
}

static void expect(struct terminal *terminal, const char *contains)
{
	int64_t until = clock_ms() + PEER_PATIENCE_MS;

	while (!strstr(terminal->text, contains))
		ck_assert_msg(read_more(terminal) && clock_ms() < until, "%s\n--- %s", contains,
			      terminal->text);
	terminal->used = 0;
	terminal->text[0] = 0;
}

static void type(struct terminal *terminal, const char *keys)
{
	ck_assert_int_eq(write(terminal->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

/* It ends with that status, and the screen is given back. */
static void expect_end(struct terminal *terminal, int status)
{
	expect(terminal, "\x1b[?25h\x1b[?1049l");
	ck_assert_int_eq(child_wait(&terminal->child, PEER_PATIENCE_MS), 0);
	ck_assert_int_eq(child_exit_status(&terminal->child), status);
	close(terminal->fd);
}

START_TEST(views_change_with_keys_and_connections_end)
{
	struct daemon *daemon = serve();
	struct terminal terminal;
	int fd = connect_front();

	open_terminal(&terminal, 100);
	expect(&terminal, "\x1b[?1049h\x1b[?25l");
	expect(&terminal, "proxies by NAME, every 2 s");
	type(&terminal, "\t");
	expect(&terminal, "servers by POOL");
	type(&terminal, "3");
	expect(&terminal, "connections by ID");
	type(&terminal, "s");
	expect(&terminal, "connections by PROXY");
	type(&terminal, "/nothing\r");
	expect(&terminal, ", with 'nothing'");
	type(&terminal, "/echo\r");
	expect(&terminal, ", with 'echo'");
	expect(&terminal, "\x1b[7m");
	type(&terminal, "k");
	expect(&terminal, "End connection ");
	type(&terminal, "n");
	expect(&terminal, "k kill");
	type(&terminal, "k");
	expect(&terminal, "End connection ");
	type(&terminal, "y");
	expect(&terminal, "it is ended");
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	type(&terminal, "k\x1b[A\x1b[B+-?");
	type(&terminal, "1");
	expect(&terminal, "proxies by NAME");
	type(&terminal, "d");
	expect(&terminal, "Drain echo? [y/N]");
	type(&terminal, "y");
	expect(&terminal, "it is drained");
	type(&terminal, "q");
	expect_end(&terminal, 0);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(servers_are_drained_and_let_in_by_keys)
{
	struct daemon *daemon;
	struct terminal terminal;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "unix:%s/control.sock", suite_dir());
	daemon = daemon_start(&daemon_modes[0],
			      "[proxy web]\nlisten = %s\nserver = 127.0.0.1:9\n"
			      "[control]\nlisten = %s\n",
			      front, control);
	open_terminal(&terminal, 120);
	expect(&terminal, "proxies by NAME");
	type(&terminal, "r");
	expect(&terminal, "Let it serve again: web? [y/N]");
	type(&terminal, "nk");
	expect(&terminal, "k ends a connection: see 3");
	type(&terminal, "2");
	expect(&terminal, "servers by POOL");
	type(&terminal, "d");
	expect(&terminal, "Drain web/127.0.0.1:9? [y/N]");
	type(&terminal, "y");
	expect(&terminal, "it is drained");
	ck_assert(daemon_log_contains(daemon, "[proxy web] server 127.0.0.1:9: drain by user "));
	type(&terminal, "r");
	expect(&terminal, "Let in again: web/127.0.0.1:9? [y/N]");
	type(&terminal, "y");
	expect(&terminal, "nothing is said against it any more");
	ck_assert(daemon_log_contains(daemon, "[proxy web] server 127.0.0.1:9: ready by user "));
	type(&terminal, "q");
	expect_end(&terminal, 0);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_terminal_is_given_back_whatever_ends_it)
{
	struct daemon *daemon = serve();
	struct terminal terminal;

	open_terminal(&terminal, 20);
	expect(&terminal, "uringproxy ");
	type(&terminal, "\x03");
	expect_end(&terminal, 0);

	open_terminal(&terminal, 100);
	expect(&terminal, "proxies by NAME");
	child_signal(&terminal.child, SIGTERM);
	expect_end(&terminal, 0);

	open_terminal(&terminal, 100);
	expect(&terminal, "proxies by NAME");
	daemon_stop(daemon);
	expect_end(&terminal, 3);
}
END_TEST

SUITE_OF("daemon: top", 120, ONCE(once_prints_every_view),
	 ONCE(views_change_with_keys_and_connections_end),
	 ONCE(servers_are_drained_and_let_in_by_keys),
	 ONCE(the_terminal_is_given_back_whatever_ends_it))
