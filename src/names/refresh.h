/*
 * When a name is asked for again, and what of an answer is believed.  Time is handed in.
 *
 *   found        used at once.  An address that is missing is gone: it gets no more connections,
 *                and those that it has go on, so there is nothing to be lost by believing it, and
 *                one that comes back is the same server again
 *   nothing      believed when it has been heard REFRESH_EMPTIES times in a row: until then, and
 *                while nobody can say, what was found last goes on being used (resolve_hold)
 *   denied       believed at once: SRV has a way to say so
 *
 * Asked again after its time to live, no sooner than resolve_min and no later than resolve_max,
 * less up to a tenth, so that names that were asked for together are not for ever; where that would
 * be sooner than resolve_min, more up to a tenth.  A name that nobody could say anything of is
 * asked for again after 1, 2, 4, ... 30 s, no sooner than resolve_min.
 */
#ifndef NAMES_REFRESH_H
#define NAMES_REFRESH_H

#include "names/answer.h"

#define REFRESH_EMPTIES     3
#define REFRESH_FAILED_MS   1000
#define REFRESH_PATIENCE_MS 30000
#define REFRESH_FOR_EVER    UINT64_MAX

struct refresh_rules {
	uint64_t min_ms, max_ms;
	uint64_t hold_ms; /* REFRESH_FOR_EVER */
};

struct refresh {
	uint64_t found_ms; /* when it was last found; 0: never */
	uint64_t due_ms;   /* when it is to be asked for; UINT64_MAX: that is being done */
	uint32_t failures; /* in a row: nobody could say, or not of all families */
	uint32_t empties;  /* in a row */
	bool has_set;      /* there is something that was found and is still used */
};

enum refresh_verdict {
	REFRESH_USE,  /* what was found; families that are unknown go on as they were */
	REFRESH_KEEP, /* what there was */
	REFRESH_DROP, /* it: there is nothing now */
};

/* It is to be asked for at that time; known before, at found_ms, or 0. */
void refresh_begin(struct refresh *refresh, uint64_t found_ms, uint64_t due_ms);
/* It is being asked for. */
void refresh_ask(struct refresh *refresh);
/* An answer has come; `random` is any number. */
enum refresh_verdict refresh_hear(struct refresh *refresh, const struct refresh_rules *rules,
				  const struct name_answer *answer, uint64_t now_ms,
				  uint32_t random);

/* It is used, and what it says is older than may be: nobody could say so again. */
bool refresh_is_stale(const struct refresh *refresh);

/* After how long, in general: of that time to live, between the limits, with its jitter. */
uint64_t refresh_wait_ms(const struct refresh_rules *rules, uint64_t wait_ms, uint32_t random);

#endif
