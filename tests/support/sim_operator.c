#include "support/sim_operator.h"

#include "support/sim_edition.h"
#include "support/sim_orders.h"
#include "worker/census.h"

#include <inttypes.h>
#include <string.h>

#define ASKS     12
#define ROOM_MAX 16
#define UID      4711
#define PID      42

/* What he asks a worker. */
static struct ask {
	struct census_order census;
	struct glance_filter filter;
	struct glance rows[ROOM_MAX];
	uint32_t heap[ROOM_MAX];
	struct glance_detail detail;
} asks[ASKS];
static uint32_t asked;
static uint64_t killed[SIM_WORKERS];

static void make_filter(struct glance_filter *filter)
{
	static const char *const states[] = {"connecting", "relaying", "closing"};

	*filter = (struct glance_filter){0};
	if (sim_chance(3))
		filter->state = states[sim_random() % array_size(states)];
	if (sim_chance(4))
		filter->proxy = sim_chance(4) ? "other" : "sim";
	if (sim_chance(6))
		filter->listener = "sim";
	if (sim_chance(6))
		filter->server = "second";
	if (sim_chance(4))
		filter->client = sim_chance(4) ? GLANCE_UNIX : GLANCE_INET; /* of bits 0: all */
}

/* ---- What he is told ------------------------------------------------------------------------- */

static bool is_listed(const struct census_order *census, uint64_t id)
{
	for (uint32_t i = 0; i < census->count; i++)
		if (census->rows[i].id == id)
			return true;
	return false;
}

static void check_row(const struct census_order *census, uint32_t index)
{
	const struct glance *row = &census->rows[index];
	const char *state = census->filter->state;

	if (row->id < census->from || row->id >= census->below || row->id >= census->next_id)
		sim_fail("session id %" PRIu64 " is listed, and was not asked for", row->id);
	if (row->id > census->rows[census->heap[0]].id)
		sim_fail("the greatest id of a list is not the first of its heap");
	if (state && strcmp(row->state, state) != 0)
		sim_fail("session id %" PRIu64 " is %s, and %s ones were asked for", row->id,
			 row->state, state);
	for (uint32_t i = 0; i < index; i++)
		if (census->rows[i].id == row->id)
			sim_fail("session id %" PRIu64 " is listed twice", row->id);
}

static bool asks_for_all(const struct glance_filter *filter)
{
	return !filter->proxy && !filter->server && !filter->listener && !filter->state &&
	       filter->client == GLANCE_ANY;
}

/* Whoever is there now was there when it was looked. */
static void check_complete(const struct census_order *census, const struct worker *worker)
{
	uint64_t greatest = census->count == census->room ? 0 : UINT64_MAX;

	if (!asks_for_all(census->filter))
		return;
	for (uint32_t i = 0; i < census->count && greatest < UINT64_MAX; i++)
		greatest = census->rows[i].id > greatest ? census->rows[i].id : greatest;
	for (uint32_t slot = 0; slot < view_slots(worker); slot++) {
		struct session *session = view_session(worker, slot);

		if (session && view_id(session) >= census->from &&
		    view_id(session) < census->below && view_id(session) < census->next_id &&
		    view_id(session) <= greatest && census->room &&
		    !is_listed(census, view_id(session)))
			sim_fail("session id %" PRIu64 " is not listed", view_id(session));
	}
}

static void heard(struct order *order)
{
	struct census_order *census = container_of(order, struct census_order, order);
	uint64_t most = census->room < census->met ? census->room : census->met;

	if (order->result < 0)
		return;
	sim_trace("operator: %" PRIu64 " met, %" PRIu64 " killed", census->met, census->killed);
	if (census->count != most || census->killed > (census->kills ? census->met : 0))
		sim_fail("%u sessions are listed and %" PRIu64 " killed, of %" PRIu64,
			 census->count, census->killed, census->met);
	for (uint32_t i = 0; i < census->count; i++)
		check_row(census, i);
	if (!view_is_over(sim.workers[order->worker]))
		check_complete(census, sim.workers[order->worker]);
	killed[order->worker] += census->killed;
}

/* ---- What he does ---------------------------------------------------------------------------- */

static void ask(void *object)
{
	struct ask *this = object;
	struct census_order *census = &this->census;
	uint64_t from = sim_chance(2) ? 0 : sim_between(0, 8);

	make_filter(&this->filter);
	*census = (struct census_order){
		.order = {.kind = ORDER_CENSUS, .done = heard},
		.filter = &this->filter,
		.from = from,
		.below = sim_chance(3) ? from + sim_between(0, 4) : UINT64_MAX,
		.rows = this->rows,
		.heap = this->heap,
		.room = sim_between(0, ROOM_MAX),
		.detail = sim_chance(2) ? &this->detail : NULL,
		.kills = sim_chance(3),
		.uid = UID,
		.pid = PID,
	};
	sim_order_now(sim_between(0, sim.worker_count - 1), &census->order);
}

void sim_operator_begin(void)
{
	asked = sim_chance(2) ? 0 : sim_between(1, ASKS);
	memset(killed, 0, sizeof(killed));
	for (uint32_t i = 0; i < asked; i++)
		sim_at(sim.now_ns + sim_random() % (sim_chance(2) ? 5 * SIM_MS : 150 * SIM_MS), ask,
		       &asks[i]);
}

void sim_operator_end(void)
{
	for (uint32_t i = 0; i < sim.worker_count; i++) {
		uint64_t ended = view_ended(sim.workers[i], REASON_KILLED);

		/* A service that had said all is said to have ended by that. */
		if (ended > killed[i] || (ended < killed[i] && !sim_had_service()))
			sim_fail("of %" PRIu64 " that were killed %" PRIu64 " have ended by that",
				 killed[i], ended);
	}
}
