#include "loop/silent.h"

#include "ring/ring.h"

void silent_note(struct silent *silent, uint64_t tag, uint64_t now_ms)
{
	silent->tags[silent->count++] = tag;
	silent->noted_ms = now_ms;
}

bool silent_is_over(struct silent *silent, struct ring *ring)
{
	/* Failures may still be on their way where not all was taken, or completions overflowed. */
	silent->postponed =
		silent->count > 0 && (ring_sq_ready(ring) > 0 || ring_cq_overflowed(ring));
	return !silent->postponed;
}

bool silent_next(struct silent *silent, uint64_t *ret_tag)
{
	if (silent->next == silent->count) {
		silent->next = silent->count = 0;
		return false;
	}
	*ret_tag = silent->tags[silent->next++];
	return true;
}
