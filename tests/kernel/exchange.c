/*
 * Send standard input to a port of 127.0.0.1, half-close, and write what comes back to standard
 * output until the other side ends it:
 *
 *   exchange PORT <FILE >BACK
 *
 * For the guest of test_kernel.sh, whose busybox has an nc with one thread that does not read while
 * it writes: where what comes back fills its receive buffer first, both sides wait for ever.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

int main(int argc, char **argv)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)(argc == 2 ? atoi(argv[1]) : 0)),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	pid_t sender;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("connect");
		return 1;
	}
	sender = fork();
	if (sender == 0)
		_exit(copy(STDIN_FILENO, fd) && shutdown(fd, SHUT_WR) == 0 ? 0 : 1);
	if (!copy(fd, STDOUT_FILENO) || waitpid(sender, &status, 0) < 0 || status != 0) {
		perror("exchange");
		return 1;
	}
	return 0;
}
