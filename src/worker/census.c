#include "worker/census.h"

#include "session/hold.h"
#include "session/reach.h"
#include "session/session.h"
#include "session/sessions.h"

#include <errno.h>

/* ---- The least ids --------------------------------------------------------------------------- */

static uint64_t id_at(const struct census_order *census, uint32_t place)
{
	return census->rows[census->heap[place]].id;
}

static void swap(uint32_t *heap, uint32_t a, uint32_t b)
{
	uint32_t row = heap[a];

	heap[a] = heap[b];
	heap[b] = row;
}

static void rise(struct census_order *census, uint32_t place)
{
	while (place > 0 && id_at(census, (place - 1) / 2) < id_at(census, place)) {
		swap(census->heap, place, (place - 1) / 2);
		place = (place - 1) / 2;
	}
}

static void sink(struct census_order *census)
{
	uint32_t place = 0, child;

	while ((child = 2 * place + 1) < census->count) {
		if (child + 1 < census->count && id_at(census, child) < id_at(census, child + 1))
			child++;
		if (id_at(census, child) <= id_at(census, place))
			return;
		swap(census->heap, place, child);
		place = child;
	}
}

static void write_down(struct census_order *census, struct session *session)
{
	if (census->count < census->room) {
		uint32_t row = census->count++;

		glance(session, &census->rows[row]);
		census->heap[row] = row;
		rise(census, row);
	} else if (census->room && session->id < id_at(census, 0)) {
		glance(session, &census->rows[census->heap[0]]);
		sink(census);
	}
}

/* ---- Looking --------------------------------------------------------------------------------- */

static void kill(struct census_order *census, struct session *session)
{
	session_catch_up(session);
	if (session->over)
		return;
	if (census->reason == REASON_NONE)
		session->killer = (struct session_killer){census->uid, census->pid};
	session_end(session, census->reason == REASON_NONE ? REASON_KILLED : census->reason,
		    SIDE_CLIENT, 0);
	census->killed++;
}

static void meet(struct census_order *census, struct session *session)
{
	if (census->holds) {
		hold_servers(session);
		return;
	}
	if (session->id < census->from || session->id >= census->below ||
	    !glance_matches(session, census->filter))
		return;
	census->met++;
	write_down(census, session);
	if (census->detail)
		glance_closely(session, census->detail);
	if (census->kills)
		kill(census, session);
}

/* No more can be met than there are ids. */
static bool is_done(const struct census_order *census, const struct sessions *all)
{
	return census->slot >= all->slab.fresh || census->met >= census->below - census->from;
}

static void begin(struct census_order *census, struct sessions *all)
{
	if (census->holds)
		reach_forget_recovering(all);
	census->next_id = all->next_id;
	if (census->below > all->next_id)
		census->below = census->from < all->next_id ? all->next_id : census->from;
}

/* As many slots as one turn may: whether all have been looked at. */
static bool look(struct census_order *census, struct sessions *all)
{
	const struct slab *slab = &all->slab;
	uint64_t killed = census->killed;

	if (census->slot == 0)
		begin(census, all);
	for (unsigned n = 0; n < CENSUS_SLOTS_MAX && !is_done(census, all); n++) {
		uint32_t slot = census->slot++;
		struct session *session = slab_find(slab, slot, slab->generation[slot]);

		if (session)
			meet(census, session);
		if (census->killed - killed >= CENSUS_KILLS_MAX)
			break;
	}
	return is_done(census, all);
}

/* ---- Orders ---------------------------------------------------------------------------------- */

void census_take(struct censuses *censuses, struct order *order)
{
	if (!censuses->oldest)
		censuses->end = &censuses->oldest;
	order->next = NULL;
	*censuses->end = order;
	censuses->end = &order->next;
}

static void give_back(struct censuses *censuses, int result)
{
	struct order *order = censuses->oldest;

	censuses->oldest = order->next;
	order_return(order, result);
}

void census_turn(struct censuses *censuses, struct sessions *all)
{
	if (census_any(censuses) &&
	    look(container_of(censuses->oldest, struct census_order, order), all))
		give_back(censuses, 0);
}

void census_leave(struct censuses *censuses)
{
	while (censuses->oldest)
		give_back(censuses, -ESHUTDOWN);
}
