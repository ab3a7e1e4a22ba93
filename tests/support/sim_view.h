/*
 * The simulation's window: all that it sees of the engine's insides, and the few
 * things that it does to them.
 *
 * Nobody else under tests/support/sim*.c knows what a worker, a session, a lane or
 * an engine is made of, so whoever moves their members changes sim_view.c, and no
 * rule.  What can be seen from outside is looked at there: in sim_net.c's sockets.
 */
#ifndef TESTS_SUPPORT_SIM_VIEW_H
#define TESTS_SUPPORT_SIM_VIEW_H

#include "config/config.h"
#include "loop/op.h"
#include "ops/stats.h"
#include "ring/ring.h"
#include "session/reason.h"

struct access_queue;
struct session;
struct tenancy;
struct worker;

#define VIEW_NEVER UINT64_MAX

/* Directions, and how far a session has come. */
enum { VIEW_UP, VIEW_DOWN, VIEW_LANES };
enum view_state {
	VIEW_FREE,
	VIEW_GREETING,
	VIEW_CONNECTING,
	VIEW_RETRYING,
	VIEW_QUEUED,
	VIEW_RELAYING,
	VIEW_CLOSING,
};

/* ---- A session ------------------------------------------------------------------------------- */

struct worker *view_worker(const struct session *session);
uint32_t view_slot(const struct session *session);
uint64_t view_id(const struct session *session);
enum view_state view_state(const struct session *session);
const struct config_section *view_section(const struct session *session);
bool view_has_settings_of(const struct session *session, const struct config_section *section);
bool view_has_upstream(const struct session *session);
/* The descriptor of a side, -1: none. */
int view_fd(const struct session *session, unsigned side);
/* A side that was reset, or whose peer is gone; since when the first one is. */
bool view_is_broken(const struct session *session, unsigned side);
uint64_t view_broken_ms(const struct session *session);
/* When the side that is left was last seen to take something. */
uint64_t view_taken_ms(const struct session *session);
/* Why it ended, REASON_NONE: it lives; on which side; and how far it had come. */
enum reason view_reason(const struct session *session);
bool view_is_killed(const struct session *session); /* by an operator, whatever the reason */
unsigned view_end_side(const struct session *session);
enum view_state view_end_state(const struct session *session);
/* When it wakes up by itself, VIEW_NEVER: it does not. */
uint64_t view_wakes_ms(const struct session *session);
uint64_t view_started_ms(const struct session *session);
uint64_t view_lifetime_until_ms(const struct session *session);
/* For whatever this machine is short of: a port, a place in a backlog. */
bool view_stands_in_line(const struct session *session);

/* ---- Its server ------------------------------------------------------------------------------ */

/* What is written where its servers are. */
const struct config_settings *view_pool_settings(const struct session *session);
/* Whoever has the same chooses among the same servers. */
const void *view_desk(const struct session *session);
/* Servers tried in this round; when the attempt began; those it will not try again. */
uint32_t view_attempts(const struct session *session);
uint64_t view_attempt_ns(const struct session *session);
uint32_t view_tried(const struct session *session);
uint32_t view_tiers(const struct session *session); /* that servers stand in */
/* Connections that its server may have, 0: any number. */
uint32_t view_limit(const struct session *session);
/* Whether it is a place that it waits for; since when, or did last, 0: it never did. */
bool view_waits_for_place(const struct session *session);
uint64_t view_queued_ns(const struct session *session);
/* Whether that which it waits for is there. */
bool view_has_room(const struct session *session);

/* Of a server: the connections that have a place, and those that are counted. */
struct view_places {
	const void *server;
	uint32_t taken, counted;
};
/* Sessions of a section by that title whose client is closed, and which are still counted. */
uint32_t view_unburied(const struct worker *worker, const struct config_section *section);
/* Add the worker's to the first so many; returns how many there are. */
uint32_t view_add_places(const struct worker *worker, struct view_places *places, uint32_t count,
			 uint32_t most);

/* ---- A lane of it ---------------------------------------------------------------------------- */

/* Operations of that kind, or any, are in flight for it. */
bool view_is_flying(const struct session *session, unsigned lane, enum op_kind kind);
bool view_flies(const struct session *session, unsigned lane);
uint64_t view_delivered(const struct session *session, unsigned lane);
uint64_t view_received(const struct session *session, unsigned lane);
/* Of a service: bytes it has said, and bytes it owes. */
uint64_t view_said(const struct session *session);
uint32_t view_owed(const struct session *session);
uint32_t view_queued(const struct session *session, unsigned lane);
unsigned view_to(const struct session *session, unsigned lane);
/* Its sink is broken: what arrives is dropped. */
bool view_drops(const struct session *session, unsigned lane);
bool view_splices(const struct session *session, unsigned lane);
/* It waits to be fed, for want of buffers; for its sink; for a rest to be over. */
bool view_is_starved(const struct session *session, unsigned lane);
bool view_is_blocked(const struct session *session, unsigned lane);
bool view_rests(const struct session *session, unsigned lane);

/* ---- A worker -------------------------------------------------------------------------------- */

/* Whoever has the slot, or NULL; how many slots there are, and how many are taken. */
struct session *view_session(const struct worker *worker, uint32_t slot);
struct session *view_find(const struct worker *worker, struct op_tag tag);
uint32_t view_slots(const struct worker *worker);
uint32_t view_sessions(const struct worker *worker);
bool view_is_running(const struct worker *worker);
bool view_is_stopping(const struct worker *worker);
/* Its ring is closed. */
bool view_is_over(const struct worker *worker);
uint32_t view_index(const struct worker *worker);
/* By its own clock. */
uint64_t view_now_ms(const struct worker *worker);
/* When those who stand in lines are tried for, VIEW_NEVER: not. */
uint64_t view_line_moves_ms(const struct worker *worker);
/* Another has called it, and it has not heard that; and whether it will ring bells again. */
bool view_is_called(const struct worker *worker);
bool view_rings_again(const struct worker *worker);
const struct ring *view_ring(const struct worker *worker);
const struct stats *view_stats(const struct worker *worker);
uint32_t view_buffer_size(const struct worker *worker);
uint32_t view_buffers_held(const struct worker *worker);
uint32_t view_buffers_free(const struct worker *worker);
/* The kernel stops receives by their budget. */
bool view_has_budget(const struct worker *worker);
/* When the next rest is over, in ns, VIEW_NEVER: nobody rests. */
uint64_t view_rest_over_ns(const struct worker *worker);
/* So many have ended for that reason. */
uint64_t view_ended(const struct worker *worker, enum reason reason);
/* No lane is to be flushed, and no session to be buried. */
bool view_is_calm(const struct worker *worker);
/* A timer is armed. */
bool view_has_timers(const struct worker *worker);
bool view_has_resting(const struct worker *worker);
/* So many wait for room, having been accepted; and some of them, or a paused listener, has it. */
uint32_t view_parked(const struct worker *worker);
/* There is a place for that section, to which one of its listeners leads. */
bool view_has_room_in(const struct worker *worker, const struct config_section *section);
bool view_waits_in_vain(const struct worker *worker);
/* Sessions and listeners that it has under that tenancy. */
uint32_t view_used(const struct worker *worker, const struct tenancy *tenancy);

/* ---- What all workers share ------------------------------------------------------------------ */

/* Connections that are counted, and that may be, of all sections. */
uint32_t view_connections(const struct worker *worker);
uint32_t view_connections_max(const struct worker *worker);
/* Places that are taken, but for those that are kept for a section. */
uint32_t view_places(const struct worker *worker);
/* Connections that are counted among those of their clients: in the table, and as the worker's
 * know. */
uint64_t view_counted(const struct worker *worker);
uint64_t view_counted_by(const struct worker *worker);

/* ---- Acts ------------------------------------------------------------------------------------ */

/* As if the lane had moved much for a while, or when last flushed. */
void view_make_rich(struct session *session, unsigned lane);
void view_make_heavy(struct session *session, unsigned lane);
/* As if servers had taken long to answer many; where completions may be waited for. */
void view_make_patient(struct worker *worker, uint32_t batch);
bool view_may_be_patient(const struct worker *worker);
/* As if clients had spoken first to a server of the section before. */
void view_make_spoken_to(struct worker *worker, uint32_t section, uint32_t server);
/* Records are written there. */
void view_log_to(struct worker *worker, struct access_queue *access);
/* At the end: timers that are the worker's own, of a drain and conditions that are over. */
void view_clear_own_timers(struct worker *worker);

#endif
