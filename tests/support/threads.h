/* The worker threads of a running daemon, as /proc shows them. */
#ifndef TESTS_SUPPORT_THREADS_H
#define TESTS_SUPPORT_THREADS_H

#include <sys/types.h>

/*
 * Threads that are neither the main one nor the kernel's (iou-sqp-*, iou-wrk-*): how many were
 * found, up to most.
 */
unsigned threads_of_workers(pid_t pid, pid_t *ret_threads, unsigned most);

/* A file of a thread, such as "status", as a string to free. */
char *thread_file(pid_t pid, pid_t thread, const char *file);

#endif
