/*
 * What becomes of readings that another one has replaced, and of the addresses that it does
 * not name.
 *
 * Workers give the tenancies of an old edition back when nothing is under them any more; then
 * the reading is freed.  Where [global] drain_old says so, its connections are ended before.
 * An address that is gone is accepted from for another RETIRE_GRACE_MS, since there may be
 * handshakes on their way; then what waits there is served, and it is closed.
 */
#ifndef CONTROL_RETIRE_H
#define CONTROL_RETIRE_H

#include "control/crew.h"
#include "control/reading.h"

#include "ops/events.h"

#define RETIRE_GRACE_MS 1000

struct retire_means {
	struct crew *crew;
	struct events *events;
	struct entrances *entrances;
	struct reading **current;
};

struct retiring {
	struct retire_means means;
	struct list old;      /* readings, the oldest first */
	struct event *grace;  /* of addresses that are gone */
	struct event *expiry; /* of connections: drain_old */
	bool held;
};

/* 0 or a negative errno of events_add_timer(); retire_close() in either case. */
int retire_open(struct retiring *retiring, const struct retire_means *means) must_check;
/* No worker lives any more: what is left is freed. */
void retire_close(struct retiring *retiring);

/* Another reading is current: this one is old, and retire_hold() is over. */
void retire_begin(struct retiring *retiring, struct reading *old);
/*
 * Workers are being told of the next reading, which has claimed what it names: no address is
 * closed meanwhile.
 */
void retire_hold(struct retiring *retiring);

/* Readings that still have something, the oldest first; NULL after the last. */
struct reading *retire_next(const struct retiring *retiring, const struct reading *before);

#endif
