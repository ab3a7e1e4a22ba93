/*
 * Telling the service manager how we are: sd_notify(3), here and nowhere else.
 *
 * Without $NOTIFY_SOCKET every call does nothing.  A message that cannot be
 * delivered is a debug line: the daemon serves all the same.  Under systemd
 * AF_UNIX must be among RestrictAddressFamilies=, or start waits for READY in
 * vain.  Called by the main thread.
 */
#ifndef OPS_NOTIFY_H
#define OPS_NOTIFY_H

#include "base/compiler.h"

/* Every listener accepts on every worker; status is what `systemctl status` shows. */
void notify_ready(const char *status);
/* One line for `systemctl status`. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The configuration is read anew; notify_ready() says that this is over, however it ended. */
void notify_reloading(void);
/* Draining has begun. */
void notify_stopping(const char *status);
/* Why the daemon is about to end: error is a positive errno, shown as StatusErrno. */
void notify_errno(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Starting or stopping goes on: do not time out within this long.  Repeat before it is over. */
void notify_extend_timeout(uint64_t timeout_us);

/*
 * Keep these descriptors, and pass them to the next process of the service by that name; and
 * forget all of that name.
 */
void notify_store(const char *name, const int fds[], unsigned count);
void notify_forget(const char *name);

/* How often at most WATCHDOG=1 is expected (feed at half of it); 0: no watchdog. */
uint64_t notify_watchdog_interval_us(void);
/* Every worker has turned since the last time. */
void notify_watchdog(void);

#endif
