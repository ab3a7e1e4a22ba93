#include "session/place.h"

#include "session/edition.h"
#include "session/engine.h"
#include "session/hop.h"

#define KEPT_PART 10 /* of all places, in equal parts for each section */

/* Who is alone shares with nobody; and of very few places none is kept. */
static uint32_t part_of(uint32_t all, uint32_t sections)
{
	uint32_t part = all / KEPT_PART / (sections ? sections : 1);

	if (sections < 2 || all < 2 * sections)
		return 0;
	return part ? part : 1;
}

void place_keep(struct edition *edition, uint32_t connections_max)
{
	uint32_t part = part_of(connections_max, edition->section_count);

	edition->kept = 0;
	for (uint32_t i = 0; i < edition->section_count; i++) {
		struct section *section = &edition->sections[i];
		uint32_t most = section->config->settings.max_connections;

		section->kept = most && most < part ? most : part;
		edition->kept += section->kept;
	}
}

static uint32_t count(const _Atomic uint32_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint32_t more(_Atomic uint32_t *counter)
{
	return atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void fewer(_Atomic uint32_t *counter)
{
	(void)atomic_fetch_sub_explicit(counter, 1, memory_order_relaxed);
}

static uint32_t left_of(uint64_t most, uint64_t used)
{
	return most > used ? (uint32_t)(most - used) : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Those that nobody has kept; after a reload there may be fewer than are used. */
static uint32_t shared_most(const struct engine *engine, const struct section *section)
{
	return left_of(count(&engine->connections_max), section->edition->kept);
}

uint32_t place_room(const struct engine *engine, const struct section *section)
{
	const struct account *account = section->account;
	uint32_t most = section->config->settings.max_connections;
	uint32_t room = left_of(section->kept, count(&account->kept)) +
			left_of(shared_most(engine, section), count(&engine->shared));

	room = least(room, left_of((uint64_t)count(&engine->connections_max) + count(&engine->over),
				   count(&engine->connections)));
	return most ? least(room, left_of(most, count(&account->connections))) : room;
}

/* One of those that are kept for it, or else of those for all. */
static enum place take_within(struct engine *engine, const struct section *section)
{
	if (section->kept) {
		if (more(&section->account->kept) < section->kept)
			return PLACE_KEPT;
		fewer(&section->account->kept);
	}
	if (more(&engine->shared) < shared_most(engine, section))
		return PLACE_SHARED;
	fewer(&engine->shared);
	return PLACE_NONE_SPARE;
}

/* It is counted among all; used: before it. */
static enum place take(struct engine *engine, const struct section *section, uint32_t used,
		       int client_fd)
{
	uint32_t all = count(&engine->connections_max);
	enum place place = PLACE_NONE;

	if (used < (uint64_t)all + count(&engine->over))
		place = take_within(engine, section);
	if (place_is_taken(place) || used >= (uint64_t)all * ENGINE_HOPS_TIMES ||
	    !hop_is_own(engine, section, client_fd))
		return place;
	(void)more(&engine->over);
	return PLACE_OVER;
}

enum place place_take(struct engine *engine, const struct section *section, int client_fd)
{
	uint32_t most = section->config->settings.max_connections;
	enum place place = take(engine, section, more(&engine->connections), client_fd);

	if (!place_is_taken(place)) {
		fewer(&engine->connections);
		return place;
	}
	if (more(&section->account->connections) >= most && most) {
		place_leave(engine, section, place);
		return PLACE_NONE_OWN;
	}
	return place;
}

void place_leave(struct engine *engine, const struct section *section, enum place place)
{
	assert(place_is_taken(place));
	if (place == PLACE_KEPT)
		fewer(&section->account->kept);
	else
		fewer(place == PLACE_SHARED ? &engine->shared : &engine->over);
	fewer(&section->account->connections);
	fewer(&engine->connections);
}
