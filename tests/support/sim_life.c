/*
 * The rules of a session's life: what its lanes may hold, when time may end it, whom
 * it must tell of what, and what its record says of it.
 *
 * They are checked from outside: against what the connections gave and took and when,
 * not against what the session believes.
 */
#include "lane/throttle.h"
#include "ops/access.h"
#include "support/sim_edition.h"
#include "support/sim_pool.h"

#include <errno.h>
#include <string.h>

#define LATE_MS 60  /* the worker may be that late: its kernel is, and pauses for want of memory */
#define TOLD_MS 500 /* for a reset to become known on the other side */

static uint64_t now_ms(void)
{
	return sim.now_ns / SIM_MS;
}

/* A completion may come that long after what it tells of. */
static uint64_t early_ms(void)
{
	return sim.faults.late ? 25 : 2;
}

struct sim_life *sim_life_of(const struct session *session)
{
	struct sim_life *life = &sim.lives[view_index(view_worker(session))][view_slot(session)];

	if (life->session_id == view_id(session) + 1)
		return life;
	*life = (struct sim_life){
		.session_id = view_id(session) + 1,
		.opened_after_ms = sim.turned_ms[view_index(view_worker(session))],
		.opened_by_ms = now_ms(),
		.until_ms = view_lifetime_until_ms(session),
		.untold_ms = {UINT64_MAX, UINT64_MAX},
		.section = view_section(session),
	};
	return life;
}

static struct sim_connection *side_of(const struct session *session, unsigned side)
{
	struct sim_file *file = sim_file_of(view_fd(session, side));

	return file ? file->connection : NULL;
}

static void note_sides(struct sim_life *life, const struct session *session)
{
	struct sim_connection *client = side_of(session, SIDE_CLIENT);
	struct sim_connection *upstream = side_of(session, SIDE_UPSTREAM);

	life->client = client ? client : life->client;
	life->upstream = upstream ? upstream : life->upstream;
	if (life->state != VIEW_CLOSING && view_state(session) != VIEW_CLOSING)
		life->until_ms = view_lifetime_until_ms(session);
	if (life->state != VIEW_CLOSING)
		life->state = view_state(session);
}

/* ---- What a lane holds ----------------------------------------------------------------------- */

static uint64_t budget_most(const struct session *session)
{
	uint32_t most = view_section(session)->settings.receive_budget;
	uint32_t buffer = view_buffer_size(sim.worker);

	return most > buffer ? most : buffer;
}

/* The budget of a lane's nth receive: a buffer, doubled each time, up to the most there is. */
static uint64_t budget_of(const struct session *session, uint32_t nth)
{
	uint64_t most = budget_most(session), budget = view_buffer_size(sim.worker);

	for (uint32_t i = 1; i < nth && budget < most; i++)
		budget *= 2;
	return nth == 0 ? 0 : budget < most ? budget : most;
}

/* Bytes that were taken from the source and have not been given to the sink. */
static uint64_t held_by(const struct session *session, unsigned lane)
{
	const struct sim_connection *from = side_of(session, lane);
	const struct sim_connection *to = side_of(session, view_to(session, lane));

	if (to && to->takes_no_more)
		return 0; /* what is read is dropped */
	return (from ? from->in.read : 0) - (to ? to->out.written : 0);
}

static bool relays(const struct session *session)
{
	return view_section(session)->kind == CONFIG_PROXY ||
	       view_section(session)->kind == CONFIG_ECHO;
}

void sim_life_receive(const struct fake_ring *ring, const struct io_uring_sqe *sqe)
{
	struct op_tag tag = op_unpack(sqe->user_data);
	struct session *session = view_find(sim.workers[ring - sim.kernel.rings], tag);
	uint32_t nth;

	if (!session || tag.kind != OP_RECV || view_state(session) == VIEW_CLOSING)
		return;
	nth = ++sim_life_of(session)->receives[tag.lane];
	if (sqe->optlen > budget_of(session, nth))
		sim_fail("receive %u of session %u has a budget of %u instead of %llu", nth,
			 view_slot(session), sqe->optlen,
			 (unsigned long long)budget_of(session, nth));
	if (relays(session) && !view_drops(session, tag.lane) &&
	    held_by(session, tag.lane) > budget_of(session, nth - 1) / 2)
		sim_fail("receive %u of session %u begins though the lane holds %llu bytes", nth,
			 view_slot(session), (unsigned long long)held_by(session, tag.lane));
}

/*
 * A pipe has one and a half budgets.  A receive begins when half of the budget before
 * it is left, and the kernel stops it, at the end of a buffer, after its own; or, where
 * it knows no budgets, after a buffer.
 */
static uint64_t held_most(const struct session *session, unsigned lane)
{
	uint32_t nth = sim_life_of(session)->receives[lane];
	uint64_t budget = budget_of(session, nth), left = budget_of(session, nth - 1) / 2;
	uint64_t buffer = view_buffer_size(sim.worker);

	if (view_splices(session, lane))
		return budget_most(session) * 3 / 2;
	return left + (view_has_budget(sim.worker) ? budget + buffer - 1 : buffer);
}

static void check_lane(const struct session *session, unsigned lane)
{
	uint64_t held = held_by(session, lane), most;

	if (held < view_queued(session, lane)) /* a zero-copy send's, of which no notice came yet */
		held = view_queued(session, lane);
	if (held == 0 || view_drops(session, lane))
		return;
	most = held_most(session, lane);
	if (held > most)
		sim_fail("lane %u of session %u holds %llu bytes instead of %llu at most", lane,
			 view_slot(session), (unsigned long long)held, (unsigned long long)most);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static uint64_t moved_ms(const struct sim_life *life)
{
	uint64_t moved = life->opened_after_ms;

	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		const struct sim_connection *connection =
			side == SIDE_CLIENT ? life->client : life->upstream;
		if (connection && connection->moved_ns / SIM_MS > moved)
			moved = connection->moved_ns / SIM_MS;
	}
	return moved;
}

static void check_quiet(const struct sim_life *life, const char *key, uint32_t timeout_ms)
{
	uint64_t quiet = now_ms() - moved_ms(life);

	if (quiet + early_ms() < timeout_ms)
		sim_fail("%s of %u ms ends a connection that has been quiet for %llu ms", key,
			 timeout_ms, (unsigned long long)quiet);
}

static uint64_t lifetime_least(const struct config_settings *settings)
{
	uint64_t most = settings->max_lifetime_ms;

	return most - most * settings->max_lifetime_jitter / 100;
}

/* The session has just ended. */
static void check_timely(const struct sim_life *life, const struct session *session)
{
	const struct config_settings *settings = &view_section(session)->settings;
	uint64_t age = now_ms() - life->opened_after_ms;

	switch ((unsigned)view_reason(session)) {
	case REASON_QUEUE_TIMEOUT:
		sim_pool_ended(life, session);
		break;
	case REASON_IDLE_TIMEOUT:
		check_quiet(life, "idle_timeout", settings->idle_timeout_ms);
		break;
	case REASON_HALF_CLOSE_TIMEOUT:
	case REASON_UNDELIVERED:
		check_quiet(life, "half_close_timeout", settings->half_close_timeout_ms);
		break;
	case REASON_LIFETIME:
		if (age + early_ms() < lifetime_least(settings))
			sim_fail("max_lifetime of %u ms ends a connection after %llu ms",
				 settings->max_lifetime_ms, (unsigned long long)age);
		break;
	default:
		break;
	}
}

void sim_life_late(const struct session *session)
{
	uint32_t timeout_ms = view_section(session)->settings.request_timeout_ms;
	uint64_t age = now_ms() - sim_life_of(session)->opened_after_ms;

	if (age + early_ms() < timeout_ms)
		sim_fail("request_timeout of %u ms is over after %llu ms", timeout_ms,
			 (unsigned long long)age);
}

static void check_age(const struct sim_life *life, const struct session *session)
{
	uint32_t most = view_section(session)->settings.max_lifetime_ms;

	if (most && now_ms() > life->opened_by_ms + most + LATE_MS)
		sim_fail("session %u is open after %llu ms, with a max_lifetime of %u ms",
			 view_slot(session), (unsigned long long)(now_ms() - life->opened_by_ms),
			 most);
}

static void check_rate(const struct sim_life *life, const struct session *session, unsigned lane,
		       uint32_t rate)
{
	uint64_t open_ms = now_ms() - life->opened_after_ms + THROTTLE_AHEAD_NS / SIM_MS + 1;
	uint64_t most = open_ms * rate / 1000 + THROTTLE_LEAST + view_buffer_size(sim.worker);

	if (rate && view_received(session, lane) > most)
		sim_fail("lane %u of session %u has taken %llu bytes with a rate of %u, after "
			 "%llu ms",
			 lane, view_slot(session), (unsigned long long)view_received(session, lane),
			 rate, (unsigned long long)open_ms);
}

void sim_life_given_up(const struct sim_connection *attempt)
{
	const struct session *session = sim_session_of(attempt);
	uint64_t tried = (sim.now_ns - attempt->asked_ns) / SIM_MS;
	uint32_t timeout;

	if (!session || attempt->phase != SIM_CONNECTING)
		return;
	timeout = view_section(session)->settings.connect_timeout_ms;
	/* Time is that of the turn, in which there may have been a pause for want of memory. */
	if (tried + early_ms() < timeout || tried > timeout + LATE_MS)
		sim_fail("connect_timeout of %u ms gives a server up after %llu ms", timeout,
			 (unsigned long long)tried);
}

/* ---- Who must be told ------------------------------------------------------------------------ */

/*
 * A reset, once all that came before it is delivered.  A side that has said its end is
 * read no more, and may be reset all the same.
 */
static bool is_to_be_told(const struct session *session, unsigned side)
{
	const struct sim_connection *dead = side_of(session, side);
	const struct sim_connection *other = side_of(session, !side);

	if (view_state(session) != VIEW_RELAYING || !dead || !other || dead->phase != SIM_DEAD ||
	    other->phase != SIM_ESTABLISHED)
		return false;
	return dead->in.read == dead->in.arrived && other->out.acked == dead->in.read &&
	       (!other->out.fin || other->out.fin_acked);
}

/* Acknowledgements are waited for ever less often: ending.c. */
static uint64_t told_within(const struct session *session, unsigned side, uint64_t since_ms)
{
	return TOLD_MS +
	       (view_is_broken(session, side) ? (since_ms - view_broken_ms(session)) / 8 : 0);
}

static void check_told(struct sim_life *life, const struct session *session, unsigned side)
{
	uint64_t *since_ms = &life->untold_ms[side];

	if (!is_to_be_told(session, side))
		*since_ms = UINT64_MAX;
	else if (*since_ms == UINT64_MAX)
		*since_ms = now_ms();
	else if (now_ms() > *since_ms + told_within(session, side, *since_ms))
		sim_fail("the reset of session %u by its %s is not passed on for %llu "
			 "ms",
			 view_slot(session), side_name(side),
			 (unsigned long long)(now_ms() - *since_ms));
}

/* ---- A turn ---------------------------------------------------------------------------------- */

static void check_session(struct session *session)
{
	struct sim_life *life = sim_life_of(session);

	note_sides(life, session);
	if (view_section(session) != life->section || !view_has_settings_of(session, life->section))
		sim_fail("session %u goes on under another section", view_slot(session));
	if (view_state(session) == VIEW_CLOSING) {
		if (life->state != VIEW_CLOSING)
			check_timely(life, session);
		life->state = VIEW_CLOSING;
		return;
	}
	check_age(life, session);
	check_rate(life, session, VIEW_UP, view_section(session)->settings.upload_rate);
	check_rate(life, session, VIEW_DOWN, view_section(session)->settings.download_rate);
	for (unsigned lane = 0; lane < VIEW_LANES && relays(session); lane++)
		if (view_has_upstream(session) || lane == VIEW_UP)
			check_lane(session, lane);
	for (unsigned side = 0; side < SIDE_COUNT; side++)
		check_told(life, session, side);
}

static void for_each_session(const struct worker *worker, void (*what)(struct session *))
{
	uint32_t seen = 0;

	for (uint32_t slot = 0; seen < view_sessions(worker); slot++) {
		struct session *session = view_session(worker, slot);
		if (session)
			what(session);
		seen += session != NULL;
	}
}

static uint32_t count_sessions(const struct worker *worker, uint32_t of[SIM_NAMES])
{
	uint32_t seen = 0;

	for (uint32_t slot = 0; !view_is_over(worker) && seen < view_sessions(worker); slot++) {
		const struct session *session = view_session(worker, slot);

		seen += session != NULL;
		if (session)
			of[sim_account_of(view_section(session))->id - 1]++;
	}
	return seen;
}

/* Who opens one is looked at in sim_reload.c: a limit may be lower than what there is. */
static void check_places(void)
{
	const struct worker *worker = sim.worker;
	uint32_t all = 0, of[SIM_NAMES] = {0}, places = view_places(worker);
	uint64_t counted = 0;

	for (uint32_t i = 0; i < sim.worker_count; i++)
		all += count_sessions(sim.workers[i], of);
	if (all > view_connections_max(worker))
		sim_fail("%u sessions are open, of %u at most", all, view_connections_max(worker));
	for (uint32_t i = 0; i < SIM_NAMES; i++) {
		uint32_t most = sim_most_of(i), open = sim_account(i)->connections;

		places += sim_account(i)->kept;
		if (open != of[i])
			sim_fail("%u sessions of section %u are counted, of %u", open, i, of[i]);
		if (most && open > most)
			sim_fail("%u sessions of section %u are open, of %u at most", open, i,
				 most);
	}
	for (uint32_t i = 0; i < sim.worker_count; i++)
		counted += view_is_over(sim.workers[i]) ? 0 : view_counted_by(sim.workers[i]);
	if (counted != view_counted(worker))
		sim_fail("%llu connections are counted among those of clients, of %llu",
			 (unsigned long long)view_counted(worker), (unsigned long long)counted);
	if (places != all)
		sim_fail("%u sessions are open, and %u places are taken", all, places);
}

void sim_life_turn(void)
{
	check_places();
	for_each_session(sim.worker, check_session);
	sim.turned_ms[sim.turn] = now_ms();
}

static void check_resting(struct session *session)
{
	for (unsigned side = 0; side < SIDE_COUNT; side++)
		if (is_to_be_told(session, side))
			sim_fail("the reset of session %u by its %s goes unnoticed",
				 view_slot(session), side_name(side));
}

bool sim_life_is_over(const struct session *session)
{
	return view_now_ms(view_worker(session)) >= sim_life_of(session)->until_ms;
}

void sim_life_rest(void)
{
	for (uint32_t i = 0; i < sim.worker_count; i++)
		if (!view_is_over(sim.workers[i]))
			for_each_session(sim.workers[i], check_resting);
}

void sim_life_close(const struct session *session)
{
	note_sides(sim_life_of(session), session);
}

/* ---- The record, in place of the access log's ------------------------------------------------ */

void __wrap_access_write(struct access_queue *access, const struct access_record *record);

static const struct sim_life *life_recorded(const struct access_record *record)
{
	uint32_t seen = 0;

	for (uint32_t slot = 0; seen < view_sessions(sim.worker); slot++) {
		struct session *session = view_session(sim.worker, slot);
		if (session && view_id(session) == record->id) {
			note_sides(sim_life_of(session), session);
			return sim_life_of(session);
		}
		seen += session != NULL;
	}
	sim_fail("a record of session id %llu, which there is not", (unsigned long long)record->id);
}

static void check_equal(const char *field, uint64_t said, uint64_t right)
{
	if (said != right)
		sim_fail("the record's %s is %llu instead of %llu", field, (unsigned long long)said,
			 (unsigned long long)right);
}

/* A stop does not wait for what it cuts, and knows of less than there was. */
static void check_count(const char *field, uint64_t said, uint64_t right)
{
	if (!view_is_stopping(sim.worker) || said > right)
		check_equal(field, said, right);
}

static void check_text(const char *field, const char *said, const char *right)
{
	if (!said != !right || (said && strcmp(said, right) != 0))
		sim_fail("the record's %s is %s instead of %s", field, said, right);
}

static bool is_reason(const struct access_record *record, enum reason reason)
{
	return strcmp(record->reason, reason_name(reason)) == 0;
}

static void check_bytes(const struct sim_life *life, const struct access_record *record)
{
	const struct sim_connection *client = life->client, *upstream = life->upstream;
	bool relayed = strcmp(record->phase, "relaying") == 0;

	if (life->section->kind != CONFIG_DISCARD)
		check_count("bytes_down", record->bytes_down, client->out.written);
	if (life->section->kind != CONFIG_PROXY) {
		/* What is received while it ends counts for nobody. */
		if (record->bytes_up > client->in.read)
			check_equal("bytes_up", record->bytes_up, client->in.read);
		if (is_reason(record, REASON_COMPLETED))
			check_equal("bytes_up", record->bytes_up, client->in.read);
	} else if (relayed || !upstream || upstream->out.written == 0) {
		check_count("bytes_up", record->bytes_up, upstream ? upstream->out.written : 0);
	}
}

static void check_duration(const struct sim_life *life, const struct access_record *record)
{
	uint64_t least = sim.turned_ms[sim.turn] > life->opened_by_ms
				 ? sim.turned_ms[sim.turn] - life->opened_by_ms
				 : 0;
	uint64_t most = now_ms() - life->opened_after_ms;

	if (record->duration_ms < least || record->duration_ms > most)
		sim_fail("the record's duration is %llu ms instead of %llu to %llu",
			 (unsigned long long)record->duration_ms, (unsigned long long)least,
			 (unsigned long long)most);
}

/* Whether the reason is an error of an established socket of that side; 0: of none. */
static const struct sim_connection *blamed(const struct sim_life *life,
					   const struct access_record *record)
{
	static const enum reason of_client[] = {REASON_CLIENT_RESET, REASON_CLIENT_TIMED_OUT,
						REASON_CLIENT_UNREACHABLE};
	static const enum reason of_upstream[] = {REASON_UPSTREAM_RESET, REASON_UPSTREAM_TIMED_OUT,
						  REASON_UPSTREAM_UNREACHABLE};

	for (unsigned i = 0; i < array_size(of_client); i++) {
		if (is_reason(record, of_client[i]))
			return life->client;
		if (is_reason(record, of_upstream[i]))
			return life->upstream;
	}
	return NULL;
}

static void check_cause(const struct sim_life *life, const struct access_record *record)
{
	const struct sim_connection *cause = blamed(life, record);
	const char *side = cause && cause == life->upstream ? "upstream" : "client";

	if (is_reason(record, REASON_COMPLETED) && !life->client->in.fin_arrived)
		sim_fail("the record says that both sides finished, and the client did not");
	if (!cause)
		return;
	check_text("side", record->side, side);
	if (cause->phase != SIM_DEAD && !cause->closed_by_peer)
		sim_fail("the record says that \"%s\", and it is well", record->reason);
	if (record->error != -cause->died_of && record->error != EPIPE &&
	    record->error != ECONNRESET)
		check_equal("error", (uint64_t)record->error, (uint64_t)-cause->died_of);
}

static void check_server(const struct sim_life *life, const struct access_record *record)
{
	bool relayed = strcmp(record->phase, "relaying") == 0;

	if (life->section->kind != CONFIG_PROXY) {
		check_equal("is_connected", record->is_connected, false);
		return;
	}
	check_equal("is_connected", record->is_connected, relayed);
	if (relayed)
		check_text("server", record->server, life->upstream->server);
	if (record->bytes_down > 0 && !record->is_answered)
		sim_fail("the record knows of no first byte, and of %llu bytes",
			 (unsigned long long)record->bytes_down);
	if (is_reason(record, REASON_CONNECT_REFUSED) && !record->tried_count)
		sim_fail("the record knows of no server that was tried");
}

/* What has been done so far, as far as completions have told. */
static void check_open(const struct sim_life *life, const struct access_record *record)
{
	const struct sim_connection *client = life->client;

	check_text("reason", record->reason, "still-open");
	check_text("title", record->title, life->section->title);
	if (life->section->kind != CONFIG_DISCARD && record->bytes_down > client->out.written)
		check_equal("bytes_down", record->bytes_down, client->out.written);
	if (record->bytes_up > client->in.read)
		check_equal("bytes_up", record->bytes_up, client->in.read);
}

void __wrap_access_write(struct access_queue *access, const struct access_record *record)
{
	const struct sim_life *life;
	bool served;

	(void)access;
	if (record->event == ACCESS_REFUSED) {
		sim.refused_told[record->worker] += record->refused;
		return;
	}
	if (strcmp(record->phase, "waiting") == 0) {
		sim.refused_told[record->worker]++; /* a client that never was a session */
		return;
	}
	life = life_recorded(record);
	if (record->event == ACCESS_OPEN) {
		check_open(life, record);
		return;
	}
	served = life->section->kind != CONFIG_PROXY || record->bytes_down > 0;
	sim_trace("record: %s, %s side while %s: error %d (%llu up, %llu down, %llu ms)",
		  record->reason, record->side, record->phase, record->error,
		  (unsigned long long)record->bytes_up, (unsigned long long)record->bytes_down,
		  (unsigned long long)record->duration_ms);
	check_text("title", record->title, life->section->title);
	check_bytes(life, record);
	check_duration(life, record);
	check_cause(life, record);
	if (served)
		check_text("phase", record->phase, "relaying");
	check_server(life, record);
}
