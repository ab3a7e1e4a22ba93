#include "lane/preface.h"

#include "lane/road.h"
#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

#define ROUND 1024u

/* One with room for so many bytes in all, and what the old one has, from `keep` on, behind `front`.
 */
static struct preface *make(const struct preface *old, uint32_t keep, uint32_t front, uint32_t more)
{
	uint32_t kept = old ? old->length - keep : 0;
	uint32_t need = (uint32_t)sizeof(*old) + front + kept + more;
	uint32_t size = (need + ROUND - 1) / ROUND * ROUND;
	struct preface *preface = malloc(size);

	if (!preface)
		return NULL;
	*preface = (struct preface){
		.length = front + kept,
		.size = size - (uint32_t)sizeof(*preface),
	};
	if (kept)
		memcpy(preface->bytes + front, old->bytes + old->offset + keep, kept);
	return preface;
}

/* Whether there is room behind it for so many. */
static bool has_room(const struct preface *preface, uint32_t more)
{
	return preface && preface->size - preface->offset - preface->length >= more;
}

static void replace(struct lane *lane, struct preface *preface)
{
	lane->chunks -= lane->preface != NULL;
	free(lane->preface);
	lane->preface = preface;
	lane->chunks += preface != NULL;
}

bool preface_hold(struct lane *lane)
{
	struct stock *stock = &lane_loop(lane)->stock;
	uint32_t more = lane_stocked(lane);
	struct preface *preface = lane->preface;

	assert(!lane->sending);
	if (!more)
		return true;
	if (!has_room(preface, more)) {
		preface = make(preface, 0, 0, more);
		if (!preface)
			return false;
		preface->ours = lane->preface ? lane->preface->ours : 0;
		preface->fresh = lane->preface && lane->preface->fresh;
		replace(lane, preface);
	}
	stock->holders--;
	while (lane->head != STOCK_NONE) {
		uint16_t id = lane->head;
		const struct chunk *chunk = &stock->chunks[id];

		memcpy(preface->bytes + preface->offset + preface->length,
		       stock_memory(stock, id) + chunk->offset, chunk->length);
		preface->length += chunk->length;
		lane->head = chunk->next;
		lane->chunks--;
		stock_give(stock, id);
	}
	lane->tail = STOCK_NONE;
	return true;
}

bool preface_say(struct lane *lane, const void *words, uint32_t count)
{
	const struct preface *old = lane->preface;
	uint32_t before = old ? old->length : 0;
	struct preface *preface = NULL;

	assert(!lane->sending);
	if (!count && (!old || !old->ours))
		return true;
	if (count || old->length > old->ours) {
		preface = make(old, old ? old->ours : 0, count, 0);
		if (!preface)
			return false;
		preface->ours = count;
		preface->fresh = count > 0;
		if (count)
			memcpy(preface->bytes, words, count);
	}
	replace(lane, preface);
	lane->queued = lane->queued - before + (preface ? preface->length : 0);
	return true;
}

bool preface_waits(struct lane *lane)
{
	struct preface *preface = lane->preface;
	bool waits = preface->fresh && lane->queued == preface->ours && lane->state == LANE_OPEN;

	preface->fresh = false;
	return waits;
}

uint32_t preface_consume(struct lane *lane, uint32_t count)
{
	struct preface *preface = lane->preface;

	if (count >= preface->length) {
		count = preface->length;
		replace(lane, NULL);
		return count;
	}
	preface->offset += count;
	preface->length -= count;
	preface->ours -= count < preface->ours ? count : preface->ours;
	return count;
}
