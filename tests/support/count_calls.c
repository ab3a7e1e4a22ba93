/*
 * A library to preload: counts what a program allocates and locks, by its main thread and by all
 * the others.
 *
 * The counts are in the file that $COUNT_CALLS names, 2 * CALL_COUNT numbers of 64 bits in the
 * order of count_calls.h, where a test reads them while the program runs.  Nothing here allocates,
 * locks or calls the kernel once the program's main() has begun.
 */
#include "support/count_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, reachable without looking them up, which would allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

typedef int lock_function(pthread_mutex_t *);
typedef int rwlock_function(pthread_rwlock_t *);

static struct call_counts nowhere, *counts = &nowhere;
static pthread_t main_thread;
static lock_function *next_lock, *next_trylock;
static rwlock_function *next_rdlock, *next_wrlock;

static void count(enum call call)
{
	uint64_t *row = pthread_self() == main_thread ? counts->main : counts->others;

	__atomic_fetch_add(&row[call], 1, __ATOMIC_RELAXED);
}

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("COUNT_CALLS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mapped = MAP_FAILED;

	main_thread = pthread_self();
	next_lock = (lock_function *)dlsym(RTLD_NEXT, "pthread_mutex_lock");
	next_trylock = (lock_function *)dlsym(RTLD_NEXT, "pthread_mutex_trylock");
	next_rdlock = (rwlock_function *)dlsym(RTLD_NEXT, "pthread_rwlock_rdlock");
	next_wrlock = (rwlock_function *)dlsym(RTLD_NEXT, "pthread_rwlock_wrlock");
	if (fd >= 0)
		mapped = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped != MAP_FAILED)
		counts = mapped;
	if (fd >= 0)
		close(fd);
}

void *malloc(size_t size)
{
	count(CALL_ALLOCATE);
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	count(CALL_ALLOCATE);
	return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
	count(CALL_ALLOCATE);
	return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count(CALL_ALLOCATE);
	return __libc_memalign(alignment, size);
}

void free(void *memory)
{
	count(CALL_FREE);
	__libc_free(memory);
}

/* Before the constructor there is one thread, and a lock is nobody's. */
int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	count(CALL_LOCK);
	return next_lock ? next_lock(mutex) : 0;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	count(CALL_LOCK);
	return next_trylock ? next_trylock(mutex) : 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	count(CALL_LOCK);
	return next_rdlock ? next_rdlock(lock) : 0;
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	count(CALL_LOCK);
	return next_wrlock ? next_wrlock(lock) : 0;
}
