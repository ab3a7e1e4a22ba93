/*
 * Send standard input to a port of 127.0.0.1, half-close, and write what comes back to standard
 * output until the other side ends it; or a line on each of so many connections, one after the
 * other, of which the same line is to come back:
 *
 *   exchange PORT <FILE >BACK
 *   exchange PORT COUNT
 *
 * For the guest of test_kernel.sh, whose busybox has an nc with one thread that does not read while
 * it writes: where what comes back fills its receive buffer first, both sides wait for ever.  And
 * three processes for each short connection are most of the time that is emulated then.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool copy(int from, int to)
{
	static char bytes[65536];
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		for (ssize_t done = 0, put; done < n; done += put)
			if ((put = write(to, bytes + done, (size_t)(n - done))) < 0)
				return false;
	return n == 0;
}

static int connected(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(port)),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	perror("connect");
	exit(1);
}

/* A FIN after the line, and one behind what comes back. */
static bool line_comes_back(int fd, unsigned number)
{
	char line[32], back[64];
	size_t length = (size_t)snprintf(line, sizeof(line), "line %u\n", number), have = 0;
	ssize_t n;

	if (write(fd, line, length) != (ssize_t)length || shutdown(fd, SHUT_WR) < 0)
		return false;
	while (have < sizeof(back) && (n = read(fd, back + have, sizeof(back) - have)) > 0)
		have += (size_t)n;
	return have == length && memcmp(line, back, length) == 0;
}

static int many_short(const char *port, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int fd = connected(port);

		if (!line_comes_back(fd, i)) {
			fprintf(stderr, "line %u did not come back\n", i);
			return 1;
		}
		close(fd);
	}
	return 0;
}

static int whole(const char *port)
{
	int fd = connected(port), status;
	pid_t sender = fork();

	if (sender == 0)
		_exit(copy(STDIN_FILENO, fd) && shutdown(fd, SHUT_WR) == 0 ? 0 : 1);
	if (!copy(fd, STDOUT_FILENO) || waitpid(sender, &status, 0) < 0 || status != 0) {
		perror("exchange");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return many_short(argv[1], (unsigned)atoi(argv[2]));
	return argc == 2 ? whole(argv[1]) : 2;
}
