/*
 * Signals as something to read: SIGTERM and SIGINT (stop), SIGHUP, SIGUSR1 and
 * SIGUSR2 are blocked in every thread and arrive on a signalfd(2) that the main
 * thread waits for.  SIGPIPE and SIGXFSZ are ignored: a write to a closed
 * connection is EPIPE, one to a file at its limit EFBIG, and neither the end of
 * the process.
 */
#ifndef OPS_SIGNALS_H
#define OPS_SIGNALS_H

#include "base/compiler.h"

/*
 * Block the signals in the calling thread -- before it makes others, which
 * inherit it.  0 or a negative errno.
 */
int signals_block(void) must_check;

/*
 * The same, and open the descriptor: non-blocking, close-on-exec, owned by the
 * caller.  Returns it, or a negative errno.
 */
int signals_open(void) must_check;

/* The next signal's number, 0 when none is pending, or a negative errno. */
int signals_read(int fd) must_check;

#endif
