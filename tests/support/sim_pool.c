#include "support/sim_pool.h"

#include "support/sim_edition.h"

#include "session/shortage.h"

#include <errno.h>
#include <string.h>

#define KINDS_MAX  (2 * SIM_NAMES * SIM_SERVERS)
#define ROOM_MS    250 /* for who waits to hear of room: kernels are late, and bells fail */
#define CHANGES_MS 400

/* How a server is, for a while. */
static struct nature {
	int error; /* what comes of connects, or 0 */
	uint64_t until_ns;
} natures[KINDS_MAX];
static bool fickle; /* they change their nature */

static uint32_t kind_of(const struct address *address)
{
	uint32_t number = (uint32_t)(address->port - SIM_PORT_FIRST);

	return number * 2 + (address->u.any.sa_family == AF_UNIX);
}

void sim_pool_begin(void)
{
	memset(natures, 0, sizeof(natures));
	fickle = sim_chance(3);
}

void sim_pool_dress(struct member *member, bool calm)
{
	member->weight = sim_chance(3) ? sim_between(1, 5) : 1;
	member->tier = sim_chance(5) ? sim_between(0, 2) : 0;
	member->limit = sim_chance(2) ? 0 : sim_between(1, 3);
	if (!calm && sim_chance(10))
		member->weight = 0;
}

/* What a check says of it; that its name, or an operator, has it no more, or again. */
static void judge(struct member *member)
{
	struct vitals *vitals = &member->server->vitals;

	if (sim_chance(3)) {
		vitals->down = !vitals->down;
		vitals_start(vitals, vitals->down ? 0 : sim_one_of(0, 0, 1, 500),
			     sim.now_ns / SIM_MS);
	}
	if (sim_chance(8)) {
		member->removed = !member->gone_ms && sim_chance(2);
		member->gone_ms = !member->gone_ms;
	}
}

void sim_pool_change(struct pool *pool)
{
	bool judges = sim_chance(2);

	for (uint32_t i = 0; i < pool->count; i++) {
		if (sim_chance(2))
			sim_pool_dress(&pool->members[i], false);
		if (judges)
			judge(&pool->members[i]);
	}
}

void __real_shortage_wait(struct session *session, struct reach *reach, int error);
void __wrap_shortage_wait(struct session *session, struct reach *reach, int error);

/* After that all servers are tried again, and whoever is tried for all has an order of its own. */
void __wrap_shortage_wait(struct session *session, struct reach *reach, int error)
{
	struct sim_life *life = sim_life_of(session);

	life->stood_in_line = life->begins_anew = true;
	__real_shortage_wait(session, reach, error);
}

/* ---- A connect ------------------------------------------------------------------------------- */

static bool is_at(const struct sim_connection *connection, uint32_t kind)
{
	return connection->file && connection->file->fd >= 0 && !connection->client &&
	       connection->server_kind == kind + 1;
}

/* Sockets that the proxy has open to it. */
static uint32_t open_at(uint32_t kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sim.connection_count; i++)
		count += is_at(&sim.connections[i], kind);
	return count;
}

static void check_tried(struct sim_life *life, const struct session *session, uint32_t kind)
{
	uint32_t bit = 1u << kind;

	if (life->begins_anew)
		life->tried = 0;
	life->begins_anew = false;
	/* From its other source, in the same attempt. */
	if (life->tried & bit && life->lacked_kind == kind + 1 &&
	    life->lacked_ns == view_attempt_ns(session)) {
		life->lacked_kind = 0;
		return;
	}
	if (life->tried & bit)
		sim_fail("session %u tries a server twice in a round", view_slot(session));
	life->tried |= bit;
}

/* It has failed at some already: may it go on? */
static void check_retry(const struct sim_life *life, const struct session *session)
{
	const struct config_settings *settings = view_pool_settings(session);
	uint64_t age_ms = view_now_ms(view_worker(session)) - view_started_ms(session);

	if (!life->reached)
		return;
	/* A first send that fails for want of memory is no server's fault, either. */
	if (life->reached > settings->retries && !sim.faults.send)
		sim_fail("session %u is sent to a server more than its retries of %u",
			 view_slot(session), settings->retries);
	if (settings->retry_timeout_ms && age_ms >= settings->retry_timeout_ms)
		sim_fail("session %u is sent to another server after %llu ms, of %u",
			 view_slot(session), (unsigned long long)age_ms,
			 settings->retry_timeout_ms);
}

static int nature_of(uint32_t kind)
{
	static const int errors[] = {0, -ECONNREFUSED, -EHOSTUNREACH, -ETIMEDOUT, 0, 0};
	struct nature *nature = &natures[kind];

	if (!fickle)
		return 0;
	if (sim.now_ns >= nature->until_ns) {
		nature->error = errors[sim_random() % array_size(errors)];
		nature->until_ns = sim.now_ns + sim_random() % (CHANGES_MS * SIM_MS);
	}
	return nature->error;
}

int sim_pool_reached(const struct sim_connection *connection, const struct address *address)
{
	struct sim_connection *reached = &sim.connections[connection - sim.connections];
	struct session *session = sim_session_of(connection);
	uint32_t kind = kind_of(address), limit = view_limit(session);
	struct sim_life *life = sim_life_of(session);

	reached->server_kind = kind + 1;
	if (limit && open_at(kind) > limit)
		sim_fail("%u connections are open to a server, of %u at most", open_at(kind),
			 limit);
	check_tried(life, session, kind);
	check_retry(life, session);
	return nature_of(kind);
}

int sim_pool_failed(const struct sim_connection *connection, int error)
{
	struct session *session = sim_session_of(connection);
	struct sim_life *life = sim_life_of(session);

	if (error == -EADDRNOTAVAIL) {
		life->lacked_kind = connection->server_kind;
		life->lacked_ns = view_attempt_ns(session);
	}
	/* What this machine lacks is no server's fault. */
	if (error != -EAGAIN && error != -EADDRNOTAVAIL && error != -ENOBUFS)
		life->reached++;
	return error;
}

/* ---- Who waits ------------------------------------------------------------------------------- */

static void for_each_session(const struct worker *worker,
			     void (*what)(const struct session *, const void *), const void *with)
{
	uint32_t seen = 0;

	for (uint32_t slot = 0; seen < view_sessions(worker); slot++) {
		const struct session *session = view_session(worker, slot);

		if (session)
			what(session, with);
		seen += session != NULL;
	}
}

static bool waits_for_place(const struct session *session)
{
	return view_state(session) == VIEW_QUEUED && !view_reason(session) &&
	       view_waits_for_place(session);
}

/* Who has begun an attempt in this turn has not overtaken that one, for whom any server would do.
 */
static void check_overtaken(const struct session *waiting, const void *with)
{
	const struct session *other = with;
	uint64_t came_ns = view_queued_ns(other);

	if (!waits_for_place(waiting) || view_tried(waiting) ||
	    view_desk(waiting) != view_desk(other))
		return;
	if (view_tried(other) && view_tiers(other) > 1)
		return; /* it waits for those that the other has tried */
	if (!came_ns)
		came_ns = view_attempt_ns(other);
	if (view_queued_ns(waiting) < came_ns)
		sim_fail("session %u has overtaken %u, which waits for a place", view_slot(other),
			 view_slot(waiting));
}

static void check_order(const struct session *session, const void *unused)
{
	struct sim_life *life = sim_life_of(session);

	(void)unused;
	if (view_state(session) != VIEW_CONNECTING || view_attempt_ns(session) == life->attempt_ns)
		return;
	life->attempt_ns = view_attempt_ns(session);
	if (!life->stood_in_line && view_pool_settings(session)->queue)
		for_each_session(view_worker(session), check_overtaken, session);
}

void sim_pool_turn(void)
{
	if (!view_is_over(sim.worker))
		for_each_session(sim.worker, check_order, NULL);
}

/* ---- Nobody waits in vain -------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	return sim.now_ns / SIM_MS;
}

static void check_in_vain(const struct sim_life *life, const struct session *session)
{
	if (life->room_ms && now_ms() > life->room_ms + ROOM_MS)
		sim_fail("session %u waits, and for %llu ms there has been room for it",
			 view_slot(session), (unsigned long long)(now_ms() - life->room_ms));
}

static void check_room(const struct session *session, const void *unused)
{
	struct sim_life *life = sim_life_of(session);

	(void)unused;
	if (view_state(session) != VIEW_QUEUED || view_reason(session) || !view_has_room(session))
		life->room_ms = 0;
	else if (!life->room_ms)
		life->room_ms = now_ms();
	check_in_vain(life, session);
}

void sim_pool_ended(const struct sim_life *life, const struct session *session)
{
	if (view_reason(session) == REASON_QUEUE_TIMEOUT)
		check_in_vain(life, session);
}

/* Places are counted once for each connection that has one. */
static void check_places(void)
{
	struct view_places places[KINDS_MAX + 1] = {0};
	uint32_t count = 0;

	for (uint32_t i = 0; i < sim.worker_count; i++)
		if (!view_is_over(sim.workers[i]))
			count = view_add_places(sim.workers[i], places, count, KINDS_MAX);
	for (uint32_t i = 0; i < count; i++)
		if (places[i].taken != places[i].counted)
			sim_fail("%u connections are counted at a server, of %u", places[i].counted,
				 places[i].taken);
}

/* Who is called hears it: a message wakes it, or is going to be sent again. */
static void check_bells(void)
{
	bool again = false;

	for (uint32_t i = 0; i < sim.worker_count; i++)
		again |= view_rings_again(sim.workers[i]);
	for (uint32_t i = 0; i < sim.worker_count && !again; i++)
		if (!view_is_over(sim.workers[i]) && view_is_called(sim.workers[i]) &&
		    !sim_has_completions(i))
			sim_fail("worker %u is called, and sleeps", i);
}

void sim_pool_asleep(void)
{
	check_bells();
	for (uint32_t i = 0; i < sim.worker_count; i++)
		if (!view_is_over(sim.workers[i]) && !view_is_stopping(sim.workers[i]))
			for_each_session(sim.workers[i], check_room, NULL);
	check_places();
}
