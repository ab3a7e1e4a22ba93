/*
 * The system call of the data path, in line.
 *
 * Kernels that guard against speculation empty the processor's stack of return
 * addresses, so after a system call each return on the way up is mispredicted.
 * syscall(2), a table and a function for waiting would be three of them for every
 * turn of an event loop.
 */
#ifndef RING_SYSCALL_H
#define RING_SYSCALL_H

#include "ring/system.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <errno.h>
#include <unistd.h>
#endif

static inline int ring_syscall_enter(int fd, uint32_t to_submit, uint32_t min_complete,
				     uint32_t flags, const void *argument, size_t size)
{
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = flags;
	register const void *r8 __asm__("r8") = argument;
	register size_t r9 __asm__("r9") = size;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"((long)RING_NR_ENTER), "D"((long)fd), "S"((long)to_submit),
			   "d"((long)min_complete), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return (int)result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = RING_NR_ENTER;
	register long x0 __asm__("x0") = fd;
	register long x1 __asm__("x1") = to_submit;
	register long x2 __asm__("x2") = min_complete;
	register long x3 __asm__("x3") = flags;
	register const void *x4 __asm__("x4") = argument;
	register size_t x5 __asm__("x5") = size;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return (int)x0;
#else
	long r = syscall(RING_NR_ENTER, fd, to_submit, min_complete, flags, argument, size);
	return r < 0 ? -errno : (int)r;
#endif
}

#endif
