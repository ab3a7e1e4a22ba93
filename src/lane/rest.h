/*
 * Rests: where bulk flows, let it gather.
 *
 * A lane that splices is faster than its source, so it moves what there is, finds
 * the source empty and waits to be woken by the next segment: for every 64 KiB a
 * wake-up that the source pays for, and acknowledgements and segments as small as
 * that.  A lane that moved a lot several times in a row therefore rests: nobody
 * wakes it, and it looks again by itself a little later, when there is more to move
 * at once.
 *
 *   source      ||||||||||||||||||||||||||||||||||||||||||
 *   looks       ^  ^  ^  ^  ^        ^        ^          ^ nothing: poll
 *   rests                    '------' '------' '--------'
 *
 * Nothing else of the worker waits for it.  What is added to the time that bulk
 * takes is one rest, at its end.  Where the end comes soon and often, for it is large
 * answers to requests, each request begins the count anew.
 */
#ifndef LANE_REST_H
#define LANE_REST_H

#include "base/list.h"

struct lane;
struct loop;

/* Of a lane; all zero at first. */
struct rest {
	struct list link;  /* in worker.loop.resting, in the order in which they go on */
	uint64_t until_ns; /* ... at that time */
	uint8_t rich;      /* turns in a row that moved much */
};

#define REST_AFTER 4 /* rich turns */

/* The source has nothing more, after so many bytes: rest, and be marked when that is over? */
bool rest_begin(struct lane *lane, uint64_t moved) must_check;
/* Whether the next one of these will be one. */
bool rest_is_ahead(const struct lane *lane);
/* The other direction brought so many bytes at once: a request, or bulk itself? */
void rest_heard(struct lane *lane, uint32_t bytes);
/* End a rest, if it is on, without being marked. */
void rest_cut(struct lane *lane);

/* For the worker: when the first rest is over, UINT64_MAX: nobody rests. */
uint64_t rest_deadline(const struct loop *loop);
/* ... and mark the lanes whose rest is over at now_ns. */
void rest_expire(struct loop *loop, uint64_t now_ns);

#endif
