#include "base/wheel.h"

#define DIGIT_BITS 6
#define SLOT_FAR   ((size_t)WHEEL_LEVELS * WHEEL_SLOTS)
#define SLOT_DUE   (SLOT_FAR + 1)

static_assert(WHEEL_SLOTS == 1 << DIGIT_BITS, "a level has a slot for each value of a digit");
static_assert(WHEEL_SLOTS == 64, "a level's occupancy is one 64-bit word");

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
	*wheel = (struct wheel){.now_ms = now_ms};
	for (size_t i = 0; i < array_size(wheel->slots); i++)
		list_init(&wheel->slots[i]);
}

static uint32_t slot_for(const struct wheel *wheel, uint64_t expires_ms)
{
	if (expires_ms <= wheel->now_ms)
		return SLOT_DUE;

	unsigned highest_bit = 63 - (unsigned)__builtin_clzll(expires_ms ^ wheel->now_ms);
	unsigned level = highest_bit / DIGIT_BITS;
	if (level >= WHEEL_LEVELS)
		return SLOT_FAR;
	unsigned digit = (expires_ms >> (level * DIGIT_BITS)) & (WHEEL_SLOTS - 1);
	return level * WHEEL_SLOTS + digit;
}

static void insert(struct wheel *wheel, struct wheel_timer *timer)
{
	uint32_t slot = slot_for(wheel, timer->expires_ms);

	timer->slot = slot;
	list_push(&wheel->slots[slot], &timer->link);
	if (slot < SLOT_FAR)
		wheel->occupied[slot / WHEEL_SLOTS] |= 1ull << (slot % WHEEL_SLOTS);
}

void wheel_clear(struct wheel *wheel, struct wheel_timer *timer)
{
	uint32_t slot = timer->slot;

	if (!wheel_is_set(timer))
		return;
	list_remove(&timer->link);
	if (slot < SLOT_FAR && list_is_empty(&wheel->slots[slot]))
		wheel->occupied[slot / WHEEL_SLOTS] &= ~(1ull << (slot % WHEEL_SLOTS));
}

void wheel_set(struct wheel *wheel, struct wheel_timer *timer, uint64_t expires_ms)
{
	wheel_clear(wheel, timer);
	timer->expires_ms = expires_ms;
	insert(wheel, timer);
}

/* The first slot to be looked at and the time it begins, or false when nothing waits. */
static bool next_slot(const struct wheel *wheel, uint32_t *ret_slot, uint64_t *ret_begins_ms)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t occupied = wheel->occupied[level];
		if (!occupied)
			continue;
		unsigned digit = (unsigned)__builtin_ctzll(occupied);
		unsigned shift = level * DIGIT_BITS;
		uint64_t span = 1ull << (shift + DIGIT_BITS);
		*ret_slot = level * WHEEL_SLOTS + digit;
		*ret_begins_ms = (wheel->now_ms & ~(span - 1)) | (uint64_t)digit << shift;
		return true;
	}
	if (list_is_empty(&wheel->slots[SLOT_FAR]))
		return false;
	/* The last turn of the top level before 2^64 is followed by no other: nothing is far then.
	 */
	*ret_slot = SLOT_FAR;
	*ret_begins_ms = (wheel->now_ms | ((1ull << (WHEEL_LEVELS * DIGIT_BITS)) - 1)) + 1;
	return true;
}

uint64_t wheel_next(const struct wheel *wheel)
{
	uint32_t slot;
	uint64_t begins_ms;

	if (!list_is_empty(&wheel->slots[SLOT_DUE]))
		return wheel->now_ms;
	return next_slot(wheel, &slot, &begins_ms) ? begins_ms : UINT64_MAX;
}

/* The present has reached the slot: every timer in it is due, or waits at a lower level. */
static void deal_out(struct wheel *wheel, uint32_t slot)
{
	struct list timers, *link;

	list_init(&timers);
	list_move_all(&wheel->slots[slot], &timers);
	if (slot < SLOT_FAR)
		wheel->occupied[slot / WHEEL_SLOTS] &= ~(1ull << (slot % WHEEL_SLOTS));
	while ((link = list_pop(&timers)))
		insert(wheel, container_of(link, struct wheel_timer, link));
}

struct wheel_timer *wheel_expire(struct wheel *wheel, uint64_t now_ms)
{
	struct list *due = &wheel->slots[SLOT_DUE];
	uint32_t slot;
	uint64_t begins_ms;

	while (list_is_empty(due)) {
		if (!next_slot(wheel, &slot, &begins_ms) || begins_ms > now_ms) {
			if (now_ms > wheel->now_ms)
				wheel->now_ms = now_ms;
			return NULL;
		}
		wheel->now_ms = begins_ms;
		deal_out(wheel, slot);
	}
	return container_of(list_pop(due), struct wheel_timer, link);
}
