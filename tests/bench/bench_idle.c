/*
 * Load: connections that do nothing.
 *
 *   bench_idle PORT COUNT TEXT
 *
 * Opens COUNT connections one after the other, sends TEXT on each and waits
 * for the first bytes of the answer, so that each is known to reach through
 * the proxy.  Then it prints the line "ready" and holds them, silent, until
 * standard input ends.
 */
#include "bench/common.h"

int main(int argc, char *argv[])
{
	unsigned long port, count;
	char answer[4096];

	if (argc != 4 || !*argv[3])
		errx(2, "usage: bench_idle PORT COUNT TEXT");
	prepare_process();
	port = number_between(argv[1], 1, 65535);
	count = number_between(argv[2], 1, 1000000);
	for (unsigned long i = 0; i < count; i++) {
		size_t size = strlen(argv[3]);
		int fd = tcp_connect(port);

		if (send(fd, argv[3], size, MSG_NOSIGNAL) != (ssize_t)size)
			err(1, "connection %lu of %lu: send", i + 1, count);
		if (recv(fd, answer, sizeof(answer), 0) <= 0)
			err(1, "connection %lu of %lu: no answer", i + 1, count);
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, answer, sizeof(answer)) > 0)
		;
	return 0;
}
