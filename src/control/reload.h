/*
 * Reload: the configuration is read anew while the workers serve, and takes the place of the
 * one before, or leaves everything as it was.
 *
 *   IDLE --asked--> read, judged --> ASKING --names answered, or 2 s--> built, bound, listening
 *     ^                  | wrong        |                                  | wrong    | right
 *     +------------------+--------------+----------------------------------+          v
 *     +------------ all workers have adopted it: it is current -------------------- ADOPTING
 *
 * Nothing that can fail comes after the first worker has been told.  What becomes of the
 * reading before, and of addresses that the new one does not name, is said in retire.h.
 *
 * Who asks while a reload is under way may have changed the file since it was read: another
 * one follows, and answers.
 */
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

#include "config/report.h"
#include "control/crew.h"
#include "control/reading.h"

#include "ops/events.h"

/* What has come of it. */
struct reload_result {
	bool good;
	uint64_t edition;             /* that serves now */
	const struct report *said;    /* mistakes and warnings */
	const struct report *changed; /* as notes; of a good one */
	const char *refused;          /* why it was not even begun; NULL: it was */
};

/* Somebody who waits for it: the asker's memory, until it is told. */
struct reload_call {
	void (*done)(struct reload_call *call, const struct reload_result *result);
	struct list link;
};

struct reload_means {
	const char *path;
	struct crew *crew;
	struct events *events;
	const struct reading_means *reading;
	struct reading **current;
	/* What is wrong with a configuration on this machine: judge.h. */
	int (*judge)(const struct config *config, struct report *report);
	/* Another is current; what is known of the one before is not to be looked at any more. */
	void (*adopted)(void *owner);
	/* It is over, well or not; told before those who wait are. */
	void (*over)(void *owner, const struct reload_result *result);
	void *owner;
};

struct reload;

/* 0, or a negative errno that has been logged. */
int reload_open(struct reload **ret_reload, const struct reload_means *means) must_check;
/* No worker lives any more: old readings are freed.  NULL is fine. */
void reload_close(struct reload *reload);

/* Read it again, for somebody or (NULL) for nobody in particular. */
void reload_begin(struct reload *reload, struct reload_call *call);
/* The daemon stops: what is not adopted yet will not be. */
void reload_stop(struct reload *reload);

/* The one that is being adopted, or is made: then it has no pools yet; NULL: there is none. */
struct reading *reload_next(const struct reload *reload);
/* Workers are just being told: nothing may be offered to them meanwhile. */
bool reload_is_adopting(const struct reload *reload);

/* Readings that still have connections, the oldest first; NULL after the last. */
struct reading *reload_next_old(const struct reload *reload, const struct reading *before);

#endif
