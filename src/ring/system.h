/*
 * Every system call of the module, as a table.
 *
 * The kernel is one such table; a test puts another in its place, to inject a
 * failure or to be the kernel altogether.  Calls return what the kernel returns:
 * a count or 0, or a negative errno; errno itself is not used.
 */
#ifndef RING_SYSTEM_H
#define RING_SYSTEM_H

#include "ring/uapi_register.h"

struct ring_system {
	int (*setup)(void *context, uint32_t entries, struct io_uring_params *params);
	int (*enter)(void *context, int fd, uint32_t to_submit, uint32_t min_complete,
		     uint32_t flags, const void *argument, size_t size);
	int (*enlist)(void *context, int fd, uint32_t operation, void *argument, uint32_t count);
	/* mmap(2); fd -1 with MAP_ANONYMOUS. */
	int (*map)(void *context, void **ret_address, void *address, size_t size, int protection,
		   int flags, int fd, uint64_t offset);
	int (*unmap)(void *context, void *address, size_t size);
	int (*advise)(void *context, void *address, size_t size, int advice);
	int (*close)(void *context, int fd);
	/* Nanoseconds on a clock of clock_gettime(2). */
	uint64_t (*now)(void *context, int clock);
	/* Names the calling thread: gettid(2); and its process: getpid(2). */
	int (*thread)(void *context);
	int (*process)(void *context);
	void *context;
};

extern const struct ring_system ring_kernel;

#endif
