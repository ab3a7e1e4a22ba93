#include "support/sim_view.h"

#include "pool/roster.h"
#include "relay/splice.h"
#include "session/place.h"
#include "session/tenancy.h"
#include "support/sim.h"
#include "worker/worker.h"

static_assert((int)VIEW_UP == (int)LANE_UP && (int)VIEW_DOWN == (int)LANE_DOWN, "lanes are lanes");
static_assert(SIM_PARTS >= VECTOR_MAX, "a vector fits into an operation");

/* ---- A session ------------------------------------------------------------------------------- */

struct worker *view_worker(const struct session *session)
{
	return container_of(session->all, struct worker, sessions);
}

uint32_t view_slot(const struct session *session)
{
	return session->road.flight.slot;
}

uint64_t view_id(const struct session *session)
{
	return session->id;
}

static enum view_state state_of(unsigned state)
{
	switch ((enum session_state)state) {
	case SESSION_GREETING:
		return VIEW_GREETING;
	case SESSION_CONNECTING:
		return VIEW_CONNECTING;
	case SESSION_RETRYING:
		return VIEW_RETRYING;
	case SESSION_QUEUED:
		return VIEW_QUEUED;
	case SESSION_RELAYING:
		return VIEW_RELAYING;
	case SESSION_CLOSING:
		return VIEW_CLOSING;
	case SESSION_FREE:
	case SESSION_STATE_COUNT:
		break;
	}
	return VIEW_FREE;
}

enum view_state view_state(const struct session *session)
{
	return state_of(session->state);
}

const struct config_section *view_section(const struct session *session)
{
	return session->branch->section->config;
}

bool view_has_settings_of(const struct session *session, const struct config_section *section)
{
	return session->road.settings == &section->settings;
}

bool view_has_upstream(const struct session *session)
{
	return road_has_upstream(&session->road);
}

int view_fd(const struct session *session, unsigned side)
{
	return session->road.fd[side];
}

bool view_is_broken(const struct session *session, unsigned side)
{
	return session->road.broken[side] != 0;
}

uint64_t view_broken_ms(const struct session *session)
{
	return session->broken_ms;
}

uint64_t view_taken_ms(const struct session *session)
{
	return session->taken_ms;
}

enum reason view_reason(const struct session *session)
{
	return (enum reason)session->end.reason;
}

bool view_is_killed(const struct session *session)
{
	return session->killer.pid;
}

unsigned view_end_side(const struct session *session)
{
	return session->end.side;
}

enum view_state view_end_state(const struct session *session)
{
	return state_of(session->end.state);
}

static uint64_t fires_ms(const struct wheel_timer *timer)
{
	return wheel_is_set(timer) ? timer->expires_ms : VIEW_NEVER;
}

uint64_t view_wakes_ms(const struct session *session)
{
	return fires_ms(&session->deadlines.timer);
}

uint64_t view_started_ms(const struct session *session)
{
	return session->started_ms;
}

uint64_t view_lifetime_until_ms(const struct session *session)
{
	return session->deadlines.at_ms[DEADLINE_LIFETIME];
}

bool view_stands_in_line(const struct session *session)
{
	return list_is_linked(&session->waiting);
}

/* ---- Its server ------------------------------------------------------------------------------ */

const struct config_settings *view_pool_settings(const struct session *session)
{
	return &session->branch->desk->pool->config->settings;
}

const void *view_desk(const struct session *session)
{
	return session->branch->desk;
}

uint32_t view_attempts(const struct session *session)
{
	return session->attempts;
}

uint64_t view_attempt_ns(const struct session *session)
{
	return session->attempt_ns;
}

uint32_t view_tried(const struct session *session)
{
	return session->tried.count;
}

uint32_t view_tiers(const struct session *session)
{
	return pool_roster(session->branch->desk->pool)->tier_count;
}

uint32_t view_limit(const struct session *session)
{
	return session->reach->server->limit;
}

bool view_waits_for_place(const struct session *session)
{
	return session->queue_kind == QUEUE_PLACES;
}

uint64_t view_queued_ns(const struct session *session)
{
	return session->queue_kind == QUEUE_PLACES ? session->queued_ns : 0;
}

/* In a tier with somebody who would do one waits, and does not go to the next. */
static bool has_place(const struct session *session)
{
	const struct roster *roster = pool_roster(session->branch->desk->pool);
	bool would_do = false;

	for (uint32_t i = 0; i < roster->tier_count && !would_do; i++)
		for (uint32_t s = 0; s < roster->tiers[i].count; s++) {
			const struct seat *seat = &roster->tiers[i].seats[s];

			if (tried_has(&session->tried, seat->number))
				continue;
			if (!server_is_full(seat->server))
				return true;
			would_do = true;
		}
	return false;
}

bool view_has_room(const struct session *session)
{
	if (session->queue_kind == QUEUE_PLACES)
		return has_place(session);
	return session->branch->desk->line->queue->retrying < 3;
}

uint32_t view_unburied(const struct worker *worker, const struct config_section *section)
{
	uint32_t seen = 0, count = 0;

	for (uint32_t slot = 0; seen < view_sessions(worker); slot++) {
		const struct session *session = view_session(worker, slot);

		seen += session != NULL;
		count += session && session->road.fd[SIDE_CLIENT] < 0 &&
			 !strcmp(session->branch->section->config->title, section->title);
	}
	return count;
}

uint32_t view_add_places(const struct worker *worker, struct view_places *places, uint32_t count,
			 uint32_t most)
{
	uint32_t seen = 0;

	for (uint32_t slot = 0; seen < view_sessions(worker); slot++) {
		const struct session *session = view_session(worker, slot);
		uint32_t i = 0;

		seen += session != NULL;
		if (!session || !session->reserved)
			continue;
		while (i < count && places[i].server != session->reach->server)
			i++;
		if (i == count && i < most)
			places[count++].server = session->reach->server;
		places[i].taken++;
		places[i].counted = session->reach->server->active;
	}
	return count;
}

/* ---- A lane of it ---------------------------------------------------------------------------- */

bool view_is_flying(const struct session *session, unsigned lane, enum op_kind kind)
{
	return session->road.flight.flying[lane] & 1u << kind;
}

bool view_flies(const struct session *session, unsigned lane)
{
	return session->road.flight.flying[lane] != 0;
}

uint64_t view_delivered(const struct session *session, unsigned lane)
{
	return session->road.lanes[lane].bytes;
}

uint64_t view_received(const struct session *session, unsigned lane)
{
	return session->road.lanes[lane].received;
}

uint64_t view_said(const struct session *session)
{
	return session->road.lanes[LANE_UP].bytes;
}

uint32_t view_owed(const struct session *session)
{
	return session->road.lanes[LANE_UP].held;
}

uint32_t view_queued(const struct session *session, unsigned lane)
{
	return session->road.lanes[lane].queued;
}

unsigned view_to(const struct session *session, unsigned lane)
{
	return session->road.lanes[lane].to;
}

bool view_drops(const struct session *session, unsigned lane)
{
	return session->road.lanes[lane].state == LANE_BROKEN;
}

bool view_splices(const struct session *session, unsigned lane)
{
	return session->road.lanes[lane].strategy == &splice_pump;
}

bool view_is_starved(const struct session *session, unsigned lane)
{
	return session->road.lanes[lane].rationed;
}

bool view_is_blocked(const struct session *session, unsigned lane)
{
	return session->road.lanes[lane].blocked;
}

bool view_rests(const struct session *session, unsigned lane)
{
	return lane_rests(&session->road.lanes[lane]);
}

/* ---- A worker -------------------------------------------------------------------------------- */

struct session *view_session(const struct worker *worker, uint32_t slot)
{
	return slab_find(&worker->sessions.slab, slot, worker->sessions.slab.generation[slot]);
}

struct session *view_find(const struct worker *worker, struct op_tag tag)
{
	return slab_find(&worker->sessions.slab, tag.slot, tag.generation);
}

uint32_t view_slots(const struct worker *worker)
{
	return worker->sessions.slab.capacity;
}

uint32_t view_sessions(const struct worker *worker)
{
	return worker->sessions.slab.used;
}

bool view_is_running(const struct worker *worker)
{
	return worker->state == WORKER_RUNNING;
}

bool view_is_stopping(const struct worker *worker)
{
	return worker->state == WORKER_STOPPING;
}

bool view_is_over(const struct worker *worker)
{
	return view_ring(worker)->system == NULL;
}

uint32_t view_index(const struct worker *worker)
{
	return worker->loop.index;
}

uint64_t view_now_ms(const struct worker *worker)
{
	return worker->loop.now_ms;
}

uint64_t view_line_moves_ms(const struct worker *worker)
{
	return fires_ms(&worker->sessions.shortages.timer);
}

bool view_is_called(const struct worker *worker)
{
	const struct engine *engine = worker->engine;

	return engine->bells && atomic_load(&engine->bells[worker->loop.index].state) == BELL_RUNG;
}

bool view_rings_again(const struct worker *worker)
{
	return worker->sessions.queues.rings_again;
}

const struct ring *view_ring(const struct worker *worker)
{
	return &worker->loop.ring;
}

const struct stats *view_stats(const struct worker *worker)
{
	return &worker->loop.stats;
}

uint32_t view_buffer_size(const struct worker *worker)
{
	return worker->loop.stock.buffer_size;
}

uint32_t view_buffers_held(const struct worker *worker)
{
	return stock_held(&worker->loop.stock);
}

uint32_t view_buffers_free(const struct worker *worker)
{
	return stock_free(&worker->loop.stock);
}

bool view_has_budget(const struct worker *worker)
{
	return worker->loop.has_budget;
}

uint64_t view_rest_over_ns(const struct worker *worker)
{
	return rest_deadline(&worker->loop);
}

bool view_is_calm(const struct worker *worker)
{
	return list_is_empty(&worker->loop.dirty) && list_is_empty(&worker->sessions.quiet);
}

bool view_has_timers(const struct worker *worker)
{
	return wheel_next(&worker->loop.wheel) != UINT64_MAX;
}

bool view_has_resting(const struct worker *worker)
{
	return !list_is_empty(&worker->loop.resting);
}

uint32_t view_parked(const struct worker *worker)
{
	return worker->parked_count;
}

static bool has_room(const struct worker *worker, const struct listener *listener)
{
	return place_room(worker->engine, listener->branch->section) > 0;
}

bool view_has_room_in(const struct worker *worker, const struct config_section *section)
{
	for (struct list *node = worker->listeners.next; node != &worker->listeners;
	     node = node->next) {
		const struct listener *listener = container_of(node, struct listener, link);

		if (listener->branch->section->config == section)
			return has_room(worker, listener);
	}
	return false;
}

bool view_waits_in_vain(const struct worker *worker)
{
	bool found = false;

	for (struct list *node = worker->listeners.next; node != &worker->listeners;
	     node = node->next) {
		const struct listener *listener = container_of(node, struct listener, link);

		found |= (listener->parked || (listener->paused && !listener->leaving)) &&
			 has_room(worker, listener);
	}
	return found;
}

uint32_t view_used(const struct worker *worker, const struct tenancy *tenancy)
{
	uint32_t seen = 0, used = 0;

	for (uint32_t slot = 0; seen < view_sessions(worker); slot++) {
		const struct session *session = view_session(worker, slot);

		seen += session != NULL;
		used += session && session->branch->tenancy == tenancy;
	}
	for (struct list *node = worker->listeners.next; node != &worker->listeners;
	     node = node->next)
		used += container_of(node, struct listener, link)->branch->tenancy == tenancy;
	return used;
}

/* ---- What all workers share ------------------------------------------------------------------ */

uint32_t view_connections(const struct worker *worker)
{
	return worker->engine->connections;
}

uint32_t view_connections_max(const struct worker *worker)
{
	return worker->engine->connections_max;
}

uint64_t view_counted(const struct worker *worker)
{
	return clients_sum(&worker->engine->clients);
}

uint64_t view_counted_by(const struct worker *worker)
{
	uint64_t counted = 0;
	uint32_t seen = 0;

	for (uint32_t slot = 0; seen < view_sessions(worker); slot++) {
		const struct session *session = view_session(worker, slot);

		seen += session != NULL;
		counted += session && clients_is_counted(&session->counted);
	}
	for (uint32_t i = 0; i < worker->parked_count; i++)
		counted += clients_is_counted(
			&worker->parked[(worker->parked_first + i) % PARKED_MAX].counted);
	return counted;
}

uint32_t view_places(const struct worker *worker)
{
	return worker->engine->shared + worker->engine->over;
}

uint64_t view_ended(const struct worker *worker, enum reason reason)
{
	return atomic_load_explicit(&worker->sessions.reasons[reason], memory_order_relaxed);
}

/* ---- Acts ------------------------------------------------------------------------------------ */

void view_make_rich(struct session *session, unsigned lane)
{
	session->road.lanes[lane].rest.rich = REST_AFTER;
}

void view_make_heavy(struct session *session, unsigned lane)
{
	session->road.lanes[lane].heavy = true;
}

bool view_may_be_patient(const struct worker *worker)
{
	return worker->loop.coalesce.wait_us;
}

void view_make_patient(struct worker *worker, uint32_t batch)
{
	worker->loop.coalesce.batch = batch;
}

void view_make_spoken_to(struct worker *worker, uint32_t section, uint32_t server)
{
	const struct pool *pool = worker->tenancy->branches[section].desk->pool;

	reach_to(pool->members[server].server, worker->loop.index)->handshake.spoken_to =
		HANDSHAKE_LEARN;
}

void view_log_to(struct worker *worker, struct access_queue *access)
{
	worker->sessions.access = access;
}

void view_clear_own_timers(struct worker *worker)
{
	wheel_clear(&worker->loop.wheel, &worker->drain);
	wheel_clear(&worker->loop.wheel, &worker->roll.timer);
	wheel_clear(&worker->loop.wheel, &worker->loop.trim);
	wheel_clear(&worker->loop.wheel, &worker->loop.settle);
	for (struct list *node = worker->listeners.next; node != &worker->listeners;
	     node = node->next)
		wheel_clear(&worker->loop.wheel, &container_of(node, struct listener, link)->retry);
}
