#include "ring/internal.h"
#include "ring/syscall.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

size_t ring_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int kernel_setup(void *context, uint32_t entries, struct io_uring_params *params)
{
	(void)context;
	long r = syscall(RING_NR_SETUP, entries, params);
	return r < 0 ? -errno : (int)r;
}

/* As many parameters as the call has. NOLINTNEXTLINE(readability-function-size) */
static int kernel_enter(void *context, int fd, uint32_t to_submit, uint32_t min_complete,
			uint32_t flags, const void *argument, size_t size)
{
	(void)context;
	return ring_syscall_enter(fd, to_submit, min_complete, flags, argument, size);
}

static int kernel_enlist(void *context, int fd, uint32_t operation, void *argument, uint32_t count)
{
	(void)context;
	long r = syscall(RING_NR_REGISTER, fd, operation, argument, count);
	return r < 0 ? -errno : (int)r;
}

/* As many parameters as the call has. NOLINTNEXTLINE(readability-function-size) */
static int kernel_map(void *context, void **ret_address, void *address, size_t size, int protection,
		      int flags, int fd, uint64_t offset)
{
	(void)context;
	void *mapped = mmap(address, size, protection, flags, fd, (off_t)offset);
	if (mapped == MAP_FAILED)
		return -errno;
	*ret_address = mapped;
	return 0;
}

static int kernel_unmap(void *context, void *address, size_t size)
{
	(void)context;
	return munmap(address, size) < 0 ? -errno : 0;
}

static int kernel_advise(void *context, void *address, size_t size, int advice)
{
	(void)context;
	return madvise(address, size, advice) < 0 ? -errno : 0;
}

static int kernel_close(void *context, int fd)
{
	(void)context;
	return close(fd) < 0 ? -errno : 0;
}

static uint64_t kernel_now(void *context, int clock)
{
	struct timespec now;

	(void)context;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int kernel_thread(void *context)
{
	(void)context;
	return gettid();
}

static int kernel_process(void *context)
{
	(void)context;
	return getpid();
}

const struct ring_system ring_kernel = {
	.setup = kernel_setup,
	.enter = kernel_enter,
	.enlist = kernel_enlist,
	.map = kernel_map,
	.unmap = kernel_unmap,
	.advise = kernel_advise,
	.close = kernel_close,
	.now = kernel_now,
	.thread = kernel_thread,
	.process = kernel_process,
};
