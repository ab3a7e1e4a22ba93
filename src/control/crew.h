/*
 * The workers, as the main thread has them: started one after the other, told what to do by
 * orders, awaited at the end.
 */
#ifndef CONTROL_CREW_H
#define CONTROL_CREW_H

#include "control/mode.h"
#include "ring/sender.h"
#include "worker/worker.h"

struct crew {
	struct engine *engine;
	const struct mode *mode;
	struct worker *workers;
	uint32_t count;
	struct ring_sender sender; /* of the orders' bells */
	struct orders orders;
	struct order (*order)[ORDER_KIND_COUNT]; /* one of each kind for each worker */
};

/* 0, or a negative errno that has been logged, and nothing is to be closed. */
int crew_open(struct crew *crew, struct engine *engine, const struct mode *mode,
	      struct events *events) must_check;
/* No worker lives. */
void crew_close(struct crew *crew);

/*
 * Start the worker, under that tenancy, and run the loop until it has begun: who is told by
 * engine.wake_fd stops the loop.  The configuration is for its messages.  0, or a
 * negative errno that has been logged.
 */
int crew_start(struct crew *crew, uint32_t index, struct tenancy *tenancy,
	       const struct config *config, struct events *events) must_check;
/* Wait for the ends of all that were started.  0, or why the first one failed. */
int crew_join(struct crew *crew);

/* Send an order that stays the caller's; and one that says it all by its kind, to all. */
void crew_send(struct crew *crew, uint32_t index, struct order *order);
void crew_command(struct crew *crew, enum order_kind what);

/* Whether all have come back from the last of that kind, or are not to be waited for. */
bool crew_has_answered(const struct crew *crew, enum order_kind what);

/*
 * Take note of who has ended.  Returns the first that has for an error, which nobody had
 * noted before; or NULL.
 */
const struct worker *crew_note_ends(struct crew *crew);
bool crew_has_ended(const struct crew *crew);

#endif
