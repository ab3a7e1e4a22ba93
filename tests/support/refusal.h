/*
 * A program whose system calls the kernel refuses when the test says so, with any error, and
 * carries out when it says so: for what cannot be made scarce on a machine that others use, too.
 *
 * A seccomp filter sends the calls named to a thread of the test, which answers each: let it
 * happen, or fail.  The program knows of nothing.  What it asks for through a ring is not seen
 * here, but entering the ring is.
 *
 *   struct refusal *refusal = refusal_new((const int[]){SYS_socket, -1});
 *   daemon = daemon_spawn(&(struct daemon_options){..., .refusal = refusal});
 *   refusal_set(refusal, SYS_socket, ENFILE);
 */
#ifndef TESTS_SUPPORT_REFUSAL_H
#define TESTS_SUPPORT_REFUSAL_H

#include <stdint.h>

struct refusal;

/* Of these system calls; -1 ends the list. */
struct refusal *refusal_new(const int *calls);
/* In the child, before it executes; it ends when the kernel does not have it. */
void refusal_install(const struct refusal *refusal);
/* In the parent, once: answer from now on. */
void refusal_start(struct refusal *refusal);

/* From now on the call fails with this errno (positive); 0: it happens. */
void refusal_set(struct refusal *refusal, int call, int error);
/* So many calls have failed. */
uint64_t refusal_count(struct refusal *refusal);
/* The program has ended. */
void refusal_free(struct refusal *refusal);

#endif
