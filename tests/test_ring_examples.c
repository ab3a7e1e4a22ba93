/* Each example, run as a user would. */
#include "support/ring_tests.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The examples lie beside this program's folder. */
static const char *example(const char *name)
{
	static char path[PATH_MAX + 64];
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(n, 0);
	self[n] = 0;
	snprintf(path, sizeof(path), "%s/../examples/%s", dirname(self), name);
	return path;
}

struct child {
	pid_t pid;
	int in, out; /* its standard input and output, our ends */
};

static struct child start(const char *name, const char *a, const char *b)
{
	struct child child;
	int in[2], out[2];
	const char *path = example(name);

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	child.pid = fork();
	if (child.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(path, name, a, b, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	child.in = in[1];
	child.out = out[0];
	return child;
}

static size_t read_all(int fd, char *text, size_t size)
{
	size_t got = 0;
	ssize_t n;

	while (got < size - 1 && (n = read(fd, text + got, size - 1 - got)) > 0)
		got += (size_t)n;
	text[got] = 0;
	return got;
}

static int finish(struct child *child)
{
	int status;

	close(child->in);
	close(child->out);
	ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void stop(struct child *child)
{
	kill(child->pid, SIGTERM);
	finish(child);
}

/* "listening on 127.0.0.1:PORT\n" */
static int port_of(const struct child *child)
{
	char line[64] = "";

	for (size_t i = 0; i < sizeof(line) - 1 && (i == 0 || line[i - 1] != '\n'); i++)
		ck_assert_int_eq(read(child->out, &line[i], 1), 1);
	ck_assert_ptr_nonnull(strrchr(line, ':'));
	return atoi(strrchr(line, ':') + 1);
}

static int connect_to(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

START_TEST(cat_prints_files_that_do_not_know_their_size)
{
	static char expected[1 << 16], got[1 << 16];
	struct child child = start("cat", "/proc/filesystems", "/proc/version");
	int fd = open("/proc/filesystems", O_RDONLY);
	size_t n = read_all(fd, expected, sizeof(expected)), m;

	close(fd);
	fd = open("/proc/version", O_RDONLY);
	n += read_all(fd, expected + n, sizeof(expected) - n);
	close(fd);
	m = read_all(child.out, got, sizeof(got));
	ck_assert_int_eq(finish(&child), 0);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(m, n);
	ck_assert_str_eq(got, expected);

	child = start("cat", "/no/such/file", NULL);
	ck_assert_int_eq(finish(&child), 1);
}
END_TEST

static void copy_of_size(const char *directory, size_t size)
{
	static char bytes[300001], copied[300002];
	char from[PATH_MAX], to[PATH_MAX];
	struct child child;
	int fd;

	snprintf(from, sizeof(from), "%s/from", directory);
	snprintf(to, sizeof(to), "%s/to", directory);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	fd = open(from, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	child = start("copy_link", from, to);
	ck_assert_int_eq(finish(&child), 0);
	fd = open(to, O_RDONLY);
	ck_assert_uint_eq(read_all(fd, copied, sizeof(copied)), size);
	close(fd);
	ck_assert_int_eq(memcmp(bytes, copied, size), 0);
	unlink(from);
	unlink(to);
}

START_TEST(copy_link_copies_every_byte_of_any_size)
{
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300001};
	char directory[] = "/tmp/ring-example-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(directory));
	for (size_t i = 0; i < array_size(sizes); i++)
		copy_of_size(directory, sizes[i]);
	rmdir(directory);
}
END_TEST

START_TEST(read_timeout_reads_or_gives_up)
{
	struct child child = start("read_timeout", "20", NULL);
	char text[64];

	read_all(child.out, text, sizeof(text));
	ck_assert_str_eq(text, "timed out\n");
	ck_assert_int_eq(finish(&child), 0);

	child = start("read_timeout", "20000", NULL);
	ck_assert_int_eq(write(child.in, "hello", 5), 5);
	read_all(child.out, text, sizeof(text));
	ck_assert_str_eq(text, "5 bytes\n");
	ck_assert_int_eq(finish(&child), 0);
}
END_TEST

/* Send much, and only then read it back: more than the sockets hold, so both must flow. */
static void exchange(int port)
{
	static char out[1 << 20], in[(1 << 20) + 1];
	int fd = connect_to(port), status;
	pid_t writer;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 13 + i / 1021);
	writer = fork();
	if (writer == 0) {
		size_t sent = 0;
		ssize_t n = 0;
		while (sent < sizeof(out) && (n = write(fd, out + sent, sizeof(out) - sent)) > 0)
			sent += (size_t)n;
		shutdown(fd, SHUT_WR);
		_exit(sent != sizeof(out));
	}
	ck_assert_uint_eq(read_all(fd, in, sizeof(in)), sizeof(out));
	ck_assert_int_eq(memcmp(in, out, sizeof(out)), 0);
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	ck_assert_int_eq(status, 0);
	close(fd);
}

START_TEST(echo_returns_what_it_gets_to_each_connection)
{
	struct child child = start("echo", "0", NULL);
	int port = port_of(&child), fds[20];
	char byte;

	exchange(port);
	for (int i = 0; i < 20; i++)
		fds[i] = connect_to(port);
	for (int i = 0; i < 20; i++) {
		char mine = (char)('a' + i);
		ck_assert_int_eq(write(fds[i], &mine, 1), 1);
	}
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(read(fds[i], &byte, 1), 1);
		ck_assert_int_eq(byte, 'a' + i);
		close(fds[i]);
	}
	exchange(port);
	stop(&child);
}
END_TEST

START_TEST(proxy_carries_bytes_both_ways_and_passes_on_an_end)
{
	struct child server = start("echo", "0", NULL), child;
	char port[16];

	snprintf(port, sizeof(port), "%d", port_of(&server));
	child = start("proxy", "0", port);
	int listening = port_of(&child);
	for (int i = 0; i < 3; i++)
		exchange(listening); /* which half-closes */
	stop(&child);
	stop(&server);
}
END_TEST

START_TEST(probe_prints_every_feature_of_this_kernel)
{
	static char text[8192];
	struct child child = start("probe", NULL, NULL);

	read_all(child.out, text, sizeof(text));
	ck_assert_int_eq(finish(&child), 0);
	for (unsigned i = 0; i < RING_FEATURE_COUNT; i++)
		ck_assert_ptr_nonnull(strstr(text, ring_feature_name((enum ring_feature)i)));
	ck_assert_ptr_nonnull(strstr(text, "nodrop               yes"));
}
END_TEST

SUITE("ring examples", cat_prints_files_that_do_not_know_their_size,
      copy_link_copies_every_byte_of_any_size, read_timeout_reads_or_gives_up,
      echo_returns_what_it_gets_to_each_connection,
      proxy_carries_bytes_both_ways_and_passes_on_an_end, probe_prints_every_feature_of_this_kernel)
