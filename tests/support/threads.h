/* The threads of a running daemon, as /proc shows them. */
#ifndef TESTS_SUPPORT_THREADS_H
#define TESTS_SUPPORT_THREADS_H

#include <stdbool.h>
#include <sys/types.h>

/* The threads whose names begin with that word: how many were found, up to most. */
unsigned threads_named(pid_t pid, const char *word, pid_t *ret_threads, unsigned most);

/* Its workers. */
unsigned threads_of_workers(pid_t pid, pid_t *ret_threads, unsigned most);

/* Hold a thread where it is, as a debugger does; false where that is not allowed.  It goes on when
 * it is let go, or when the test ends. */
bool thread_hold(pid_t thread);
/* One that is held goes on until it begins that system call, SYS_write for one, and is held there.
 */
bool thread_hold_at(pid_t thread, int call);
void thread_let_go(pid_t thread);
/* One that is held ends with its process, and that only when we have seen it. */
void thread_await_end(pid_t thread);

/* Whether it runs, or would if the machine or a disk let it; one that waits for somebody, is held
 * or has ended does not. */
bool thread_runs(pid_t pid, pid_t thread);

/* A file of a thread, such as "status", as a string to free. */
char *thread_file(pid_t pid, pid_t thread, const char *file);

#endif
