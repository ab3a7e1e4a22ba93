/*
 * The time that only moves forward: CLOCK_MONOTONIC, since some point before
 * the process began, not counting suspend.  It is the clock of io_uring's
 * timeouts, so values compare directly with the deadlines a ring is given.
 *
 * Through the vdso a reading costs some 20 ns and no system call, where the
 * kernel's clock source is the TSC or a paravirtual clock; with hpet, acpi_pm
 * or an unstable TSC it is a real system call of a few hundred ns.  So a
 * worker reads the clock where a turn begins and where it ends, and hands the values down.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/compiler.h"

#define CLOCK_NS_PER_MS 1000000ull

uint64_t clock_now_ns(void);
/* The same rounded down: a deadline kept in milliseconds is never met early. */
uint64_t clock_now_ms(void);

#endif
