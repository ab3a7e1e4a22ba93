/* Each example, run as a user would. */
#include "support/network.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
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

/* Byte n of what is exchanged: no two stretches of it are alike. */
static char nth(size_t n)
{
	return (char)((uint32_t)n * 2654435761U >> 24);
}

enum { TOTAL = 32 << 20 }; /* more than all the sockets on the way hold, if they may not grow */

/* By itself a socket takes up to 32 MiB, where it is read slowly (tcp_rmem since Linux 6.16). */
static void keep_sockets_small(void)
{
	if (network_own())
		(void)(network_set("tcp_rmem", "4096 131072 2097152") &&
		       network_set("tcp_wmem", "4096 16384 2097152"));
}

struct exchange {
	int fd;
	size_t sent, received;
};

/* Non-blocking, with small socket buffers: what is not read waits elsewhere. */
static struct exchange begin(int port)
{
	struct exchange x = {.fd = connect_to(port)};
	int size = 65536;

	ck_assert_int_eq(setsockopt(x.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	ck_assert_int_eq(setsockopt(x.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	ck_assert_int_eq(fcntl(x.fd, F_SETFL, O_NONBLOCK), 0);
	return x;
}

/* Send what goes; then half-close. */
static void give(struct exchange *x)
{
	char bytes[65536];
	size_t left = TOTAL - x->sent;
	ssize_t n;

	left = left < sizeof(bytes) ? left : sizeof(bytes);
	for (size_t i = 0; i < left; i++)
		bytes[i] = nth(x->sent + i);
	n = send(x->fd, bytes, left, MSG_NOSIGNAL);
	if (n < 0)
		ck_assert_int_eq(errno, EAGAIN);
	else
		x->sent += (size_t)n;
	if (x->sent == TOTAL)
		ck_assert_int_eq(shutdown(x->fd, SHUT_WR), 0);
}

/* Receive what there is; false at the end. */
static bool take(struct exchange *x)
{
	char bytes[65536];
	ssize_t n = recv(x->fd, bytes, sizeof(bytes), 0);

	if (n < 0)
		ck_assert_int_eq(errno, EAGAIN);
	for (ssize_t i = 0; i < n; i++)
		if (bytes[i] != nth(x->received + (size_t)i))
			ck_abort_msg("byte %zu is wrong", x->received + (size_t)i);
	x->received += n > 0 ? (size_t)n : 0;
	return n != 0;
}

/* Only send, until nothing has moved for a while: who reads so slowly holds all up. */
static void stuff(struct exchange *x)
{
	struct pollfd ready = {.fd = x->fd, .events = POLLOUT};

	while (x->sent < TOTAL && poll(&ready, 1, 300) > 0)
		give(x);
	ck_assert_uint_lt(x->sent, TOTAL);
}

/* Send the rest, get all of it back, and the end. */
static void finish_exchange(struct exchange *x)
{
	struct pollfd ready = {.fd = x->fd};

	do {
		ready.events = (short)(x->sent < TOTAL ? POLLIN | POLLOUT : POLLIN);
		ck_assert_int_gt(poll(&ready, 1, -1), 0);
		if (x->sent < TOTAL && ready.revents & POLLOUT)
			give(x);
	} while (!(ready.revents & (POLLIN | POLLHUP | POLLERR)) || take(x));
	ck_assert_uint_eq(x->received, TOTAL);
	close(x->fd);
}

static void exchange(int port)
{
	struct exchange x = begin(port);

	stuff(&x);
	finish_exchange(&x);
}

/* What connect_send says of that port. */
static void says_of(int port, const char *expected)
{
	struct child child;
	char number[16], text[100];

	snprintf(number, sizeof(number), "%d", port);
	child = start("connect_send", number, "200");
	ck_assert_int_eq(write(child.in, "hello", 5), 5);
	close(child.in);
	child.in = -1;
	read_all(child.out, text, sizeof(text));
	ck_assert_str_eq(text, expected);
	finish(&child);
}

START_TEST(connect_send_sends_is_refused_or_gives_up)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client, waiting[3];
	char bytes[8];

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	says_of(ntohs(address.sin_port), "not connected: Connection refused\n");
	ck_assert_int_eq(listen(listener, 0), 0);
	says_of(ntohs(address.sin_port), "5 bytes\n");
	client = accept(listener, NULL, NULL);
	ck_assert_int_eq(recv(client, bytes, sizeof(bytes), MSG_WAITALL), 5);
	ck_assert_mem_eq(bytes, "hello", 5);
	for (int i = 0; i < 3; i++) { /* its queue is full */
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(waiting[i], (struct sockaddr *)&address, length);
	}
	says_of(ntohs(address.sin_port), "not connected: timed out\n");
	for (int i = 0; i < 3; i++)
		close(waiting[i]);
	close(client);
	close(listener);
}
END_TEST

START_TEST(wake_hears_every_word_of_another_thread)
{
	struct child child = start("wake", "1000", NULL);
	char text[100];

	read_all(child.out, text, sizeof(text));
	ck_assert_str_eq(text, "1000 words, 500500 in all\n");
	ck_assert_int_eq(finish(&child), 0);
}
END_TEST

START_TEST(echo_returns_what_it_gets_to_each_connection)
{
	struct child child;
	int port, fds[20];
	char byte;

	keep_sockets_small();
	child = start("echo", "0", NULL);
	port = port_of(&child);
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

/* In the middle of an io_uring_enter() that sleeps? */
static bool sleeps(pid_t pid)
{
	char path[64], text[512];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	read_all(fd, text, sizeof(text));
	close(fd);
	return strstr(text, ") S ") != NULL;
}

START_TEST(echo_without_a_free_buffer_sleeps_and_serves_all_when_there_is_one)
{
	struct child child;
	int port, late;
	struct exchange slow;
	struct pollfd room = {.events = POLLOUT};
	char byte = 0;

	keep_sockets_small();
	child = start("echo", "0", NULL);
	port = port_of(&child);
	slow = begin(port);
	room.fd = slow.fd;
	do /* until its bytes lie in every buffer there is, however seldom the echo has its turn */
		stuff(&slow);
	while (!sleeps(child.pid) || poll(&room, 1, 0) > 0);
	late = connect_to(port);
	ck_assert_int_eq(write(late, "x", 1), 1);
	usleep(100000);
	while (!sleeps(child.pid)) /* unless it spins */
		usleep(5000);
	for (int i = 0; i < 20; i++, usleep(5000))
		ck_assert(sleeps(child.pid));
	ck_assert_int_eq(recv(late, &byte, 1, MSG_DONTWAIT), -1);

	finish_exchange(&slow);
	ck_assert_int_eq(read(late, &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
	close(late);
	stop(&child);
}
END_TEST

START_TEST(proxy_carries_bytes_both_ways_and_passes_on_an_end)
{
	struct child server, child;
	char port[16];

	keep_sockets_small();
	server = start("echo", "0", NULL);
	snprintf(port, sizeof(port), "%d", port_of(&server));
	child = start("proxy", "0", port);
	int listening = port_of(&child);
	exchange(listening); /* which half-closes */

	/* A server that dies ends what it served; who comes then is turned away. */
	struct exchange slow = begin(listening), idle = begin(listening);
	stuff(&slow);
	stop(&server);
	while (take(&idle))
		poll(NULL, 0, 1);
	close(slow.fd);
	close(idle.fd);
	int late = connect_to(listening);
	ck_assert_int_eq(read(late, port, 1), 0);
	close(late);
	stop(&child);
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
      echo_without_a_free_buffer_sleeps_and_serves_all_when_there_is_one,
      proxy_carries_bytes_both_ways_and_passes_on_an_end, connect_send_sends_is_refused_or_gives_up,
      wake_hears_every_word_of_another_thread, probe_prints_every_feature_of_this_kernel)
