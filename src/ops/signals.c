#include "ops/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

int signals_block(void)
{
	static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (size_t i = 0; i < array_size(wanted); i++)
		sigaddset(&set, wanted[i]);
	r = -pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r < 0)
		return r;
	if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigaction(SIGXFSZ, &ignore, NULL) < 0)
		return -errno;
	return 0;
}
