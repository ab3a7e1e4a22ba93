#include "ops/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

static sigset_t wanted_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < array_size(wanted); i++)
		sigaddset(&set, wanted[i]);
	return set;
}

int signals_block(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set = wanted_set();
	int r = -pthread_sigmask(SIG_BLOCK, &set, NULL);

	if (r < 0)
		return r;
	if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigaction(SIGXFSZ, &ignore, NULL) < 0)
		return -errno;
	return 0;
}

int signals_open(void)
{
	sigset_t set = wanted_set();
	int r = signals_block(), fd;

	if (r < 0)
		return r;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int signals_read(int fd)
{
	struct signalfd_siginfo info;
	ssize_t size;

	do {
		size = read(fd, &info, sizeof(info));
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN ? 0 : -errno;
	assert(size == sizeof(info)); /* the kernel gives whole records only */
	return (int)info.ssi_signo;
}
