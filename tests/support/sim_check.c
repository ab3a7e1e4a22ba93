/* The rules: what must be true of every run, whatever the seed. */
#include "session/ending.h"
#include "session/handshake.h"
#include "support/sim_drain.h"
#include "support/sim_edition.h"
#include "support/sim_orders.h"
#include "support/sim_pool.h"
#include "support/sim_strangers.h"

#include <string.h>

static struct session *session_with(const struct worker *worker, int fd)
{
	uint32_t seen = 0;

	for (uint32_t slot = 0; seen < view_sessions(worker); slot++) {
		struct session *session = view_session(worker, slot);
		if (session &&
		    (view_fd(session, SIDE_CLIENT) == fd || view_fd(session, SIDE_UPSTREAM) == fd))
			return session;
		seen += session != NULL;
	}
	return NULL;
}

static uint64_t now_of(const struct session *session)
{
	return view_now_ms(view_worker(session));
}

struct session *sim_session_of(const struct sim_connection *connection)
{
	struct session *found = NULL;

	for (uint32_t i = 0; i < sim.worker_count && connection->file && !found; i++)
		found = session_with(sim.workers[i], connection->file->fd);
	return found;
}

/* Who stands in line is tried for within a second, and lets go when its time is over. */
static void check_line(const struct session *session)
{
	const struct config_settings *settings = &view_section(session)->settings;

	if (!view_stands_in_line(session))
		return;
	if (view_line_moves_ms(view_worker(session)) > now_of(session) + 1000)
		sim_fail("session %u stands in a line that does not move", view_slot(session));
	if (view_wakes_ms(session) > view_started_ms(session) + settings->connect_timeout_ms)
		sim_fail("session %u stands in line for ever", view_slot(session));
}

static struct sim_connection *side_of(const struct session *session, unsigned side)
{
	struct sim_file *file = sim_file_of(view_fd(session, side));

	return file ? file->connection : NULL;
}

static enum config_kind kind_of(const struct session *session)
{
	return view_section(session)->kind;
}

static unsigned number(const struct sim_connection *connection)
{
	return (unsigned)(connection - sim.connections);
}

#define WATCH_WITHIN_MS 200 /* a side of which nothing is read is watched within that time */

#define KNOWN_WITHIN_MS 20 /* that a connect has succeeded */

/* The ACK that is held for the first bytes is released, though none come. */
static void check_handshake(const struct session *session)
{
	struct sim_file *file = sim_file_of(view_fd(session, SIDE_UPSTREAM));

	if (!file || !file->ack_held || view_delivered(session, VIEW_UP) ||
	    view_queued(session, VIEW_UP) || view_is_broken(session, SIDE_UPSTREAM) ||
	    view_state(session) == VIEW_CLOSING)
		return;
	if (view_wakes_ms(session) > now_of(session) + HANDSHAKE_MS)
		sim_fail("nobody will release the acknowledgement that descriptor %d holds",
			 file->fd);
}

static bool is_due_soon(const struct session *session)
{
	return view_wakes_ms(session) <= now_of(session) + WATCH_WITHIN_MS;
}

/* Whether bytes from a side are waited for, or given up by somebody who is short of buffers. */
static bool is_read(const struct session *session, unsigned side)
{
	return view_is_flying(session, side, OP_RECV) ||
	       view_is_flying(session, side, OP_POLL_IN) || view_is_starved(session, side) ||
	       view_rests(session, side);
}

/* A reset on either side is heard of, and who writes to a side that was reset hears of it. */
static void check_heard(const struct session *session, unsigned side)
{
	const struct sim_connection *connection = side_of(session, side);
	const struct sim_connection *other = side_of(session, !side);

	if (connection->phase == SIM_DEAD && other->phase == SIM_DEAD && !is_due_soon(session) &&
	    !view_flies(session, VIEW_UP) && !view_flies(session, VIEW_DOWN))
		sim_fail("session %u outlives both its peers", view_slot(session));
	if (connection->in.fin_arrived && connection->shut_write)
		return; /* nothing more is to be heard */
	if (connection->phase == SIM_ESTABLISHED && !sim_ops_on(connection->file) &&
	    !is_due_soon(session) && !view_rests(session, side))
		sim_fail("nobody would hear of a reset of %u", number(connection));
	if (view_is_broken(session, !side) && connection->phase == SIM_ESTABLISHED &&
	    connection->in.arrived > connection->in.read && !is_read(session, side))
		sim_fail("%u writes to a side that was reset, and nobody reads it",
			 number(connection));
}

/* A connect that has succeeded is known as such, though nobody has said anything yet. */
static void check_connecting(const struct session *session)
{
	const struct sim_connection *upstream = side_of(session, SIDE_UPSTREAM);

	if (upstream->phase != SIM_ESTABLISHED || view_is_flying(session, VIEW_UP, OP_CONNECT))
		return;
	if (view_wakes_ms(session) > upstream->established_ns / SIM_MS + KNOWN_WITHIN_MS)
		sim_fail("session %u is connected, and does not know it", view_slot(session));
}

static void check_asleep(uint32_t index)
{
	const struct worker *worker = sim.workers[index];
	uint32_t seen = 0;

	for (uint32_t slot = 0; seen < view_sessions(worker); slot++) {
		struct session *session = view_session(worker, slot);

		seen += session != NULL;
		if (!session)
			continue;
		check_handshake(session);
		check_line(session);
		if (sim_has_completions(index))
			continue; /* it will wake up soon */
		if (view_state(session) == VIEW_CONNECTING)
			check_connecting(session);
		if (view_state(session) == VIEW_RELAYING && kind_of(session) == CONFIG_PROXY) {
			check_heard(session, SIDE_CLIENT);
			check_heard(session, SIDE_UPSTREAM);
		}
	}
}

void sim_check_asleep(void)
{
	for (uint32_t i = 0; i < sim.worker_count; i++)
		if (!view_is_over(sim.workers[i]))
			check_asleep(i);
	sim_pool_asleep();
}

/* Whose bytes go out here; remembered, since one of the two is closed before the other. */
static struct sim_connection *source_of(struct sim_connection *connection,
					const struct session *session)
{
	struct sim_connection *client, *upstream;

	if (kind_of(session) != CONFIG_PROXY)
		return connection;
	client = side_of(session, SIDE_CLIENT);
	upstream = side_of(session, SIDE_UPSTREAM);
	if (client && upstream) {
		client->partner = upstream;
		upstream->partner = client;
	}
	return connection->partner;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void check_relayed(struct sim_connection *to, const struct sim_connection *from,
			  uint64_t position, const unsigned char *bytes, uint32_t count)
{
	if (!from || position + count > from->in.read)
		sim_fail("bytes up to %llu are sent to %u, only %llu were received",
			 (unsigned long long)position + count, number(to),
			 (unsigned long long)(from ? from->in.read : 0));
	for (uint32_t i = 0; i < count; i++) {
		unsigned char right = from->script.text
					      ? (unsigned char)from->script.text[position + i]
					      : sim_byte(from->stream, position + i);
		if (bytes[i] != right)
			sim_fail("byte %llu sent to %u is %02x instead of %02x",
				 (unsigned long long)position + i, number(to), bytes[i], right);
	}
}

/* Whether request_timeout has told a client of a responder that it is late. */
static void note_late(const struct session *session, const struct sim_connection *client)
{
	if (view_reason(session) != REASON_REQUEST_TIMEOUT)
		return;
	sim_life_late(session);
	sim_note_late(view_section(session), client, view_said(session), view_owed(session));
}

/* RFC 864: lines of 72 characters, each begins one further. */
static void check_chargen(uint64_t position, const unsigned char *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t line = (position + i) / 74, column = (position + i) % 74;
		int right = column == 72   ? '\r'
			    : column == 73 ? '\n'
					   : ' ' + (int)((line + column) % 95);
		if (bytes[i] != right)
			sim_fail("character %llu is %02x instead of %02x",
				 (unsigned long long)position + i, bytes[i], (unsigned)right);
	}
}

void sim_check_bytes(struct sim_connection *connection, uint64_t position,
		     const unsigned char *bytes, uint32_t count)
{
	struct session *session = sim_session_of(connection);

	if (!session && connection->closed && connection->partner) {
		/* A zero-copy send's, looked at once more. */
		check_relayed(connection, connection->partner, position, bytes, count);
		return;
	}
	if (!session)
		sim_fail("bytes are sent to %u, which belongs to no session", number(connection));
	switch (kind_of(session)) {
	case CONFIG_PROXY:
	case CONFIG_ECHO:
		check_relayed(connection, source_of(connection, session), position, bytes, count);
		break;
	case CONFIG_CHARGEN:
		check_chargen(position, bytes, count);
		break;
	case CONFIG_RESPONDER:
		note_late(session, connection);
		sim_check_answer(view_section(session), connection, position, bytes, count);
		break;
	case CONFIG_DISCARD:
	case CONFIG_KIND_COUNT:
	case CONFIG_METRICS:
	case CONFIG_POOL: /* which are no sections of connections */
		sim_fail("discard answers");
	}
}

void sim_check_splice(struct sim_connection *connection, const struct sim_pipe *pipe)
{
	struct session *session = sim_session_of(connection);

	if (!session || source_of(connection, session) != pipe->from)
		sim_fail("bytes of another connection are spliced to %u", number(connection));
	if (pipe->first != connection->out.written)
		sim_fail("byte %llu is spliced to %u where %llu should follow",
			 (unsigned long long)pipe->first, number(connection),
			 (unsigned long long)connection->out.written);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static bool is_attempt(const struct session *session, const struct sim_connection *connection)
{
	enum view_state state =
		view_reason(session) ? view_end_state(session) : view_state(session);

	return connection == side_of(session, SIDE_UPSTREAM) && state != VIEW_RELAYING;
}

/* Who is refused may be shown an end: reject. */
static bool may_be_refused(const struct sim_connection *client)
{
	const struct config_section *section = client->client ? client->through->leads : NULL;

	return sim_may_be_denied(client) ||
	       (section && section->settings.reject == CONFIG_REJECT_FIN &&
		(section->settings.max_per_client || section->settings.client_rate.count));
}

/*
 * A FIN says that the stream is whole: its source said so, and all of it is on its way.
 * Whatever ends a connection else, a time limit or the operator, ends it with a RST.
 */
void sim_check_fin(struct sim_connection *connection)
{
	struct session *session = sim_session_of(connection);
	const struct sim_connection *from;

	if (!session && may_be_refused(connection))
		return;
	if (!session)
		sim_fail("a FIN to %u, which belongs to no session", number(connection));
	if (is_attempt(session, connection) || connection->takes_no_more)
		return;
	if (kind_of(session) == CONFIG_RESPONDER) {
		note_late(session, connection);
		sim_check_goodbye(view_section(session), connection);
		return;
	}
	from = source_of(connection, session);
	if (from && from->fin_read &&
	    (kind_of(session) == CONFIG_DISCARD || kind_of(session) == CONFIG_CHARGEN ||
	     connection->out.written == from->in.arrived))
		return;
	sim_fail("a FIN to %u after %llu of %llu bytes, %s (%s)", number(connection),
		 (unsigned long long)connection->out.written,
		 (unsigned long long)(from ? from->in.arrived : 0),
		 from && from->in.fin_arrived ? "and a FIN" : "and no FIN",
		 reason_name(view_reason(session)));
}

static bool is_broken_by(const struct session *session, const struct sim_connection *from)
{
	switch ((unsigned)view_reason(session)) {
	case REASON_CLIENT_RESET:
	case REASON_UPSTREAM_RESET:
	case REASON_CLIENT_TIMED_OUT:
	case REASON_UPSTREAM_TIMED_OUT:
	case REASON_CLIENT_UNREACHABLE:
	case REASON_UPSTREAM_UNREACHABLE:
	case REASON_CLIENT_ERROR:
	case REASON_UPSTREAM_ERROR:
		return from && side_of(session, view_end_side(session)) == from;
	default:
		return false;
	}
}

void sim_check_reset(struct sim_connection *connection)
{
	struct session *session = sim_session_of(connection);
	const struct sim_connection *from;

	if (!session || is_attempt(session, connection))
		return; /* one that was never served */
	/*
	 * The kernel resets where something is left unread, and neither a stop waits to read it
	 * nor an operator, nor a connection that has had its time.
	 */
	if (view_reason(session) == REASON_ANSWERED &&
	    (view_is_killed(session) || view_is_stopping(view_worker(session)) ||
	     sim_life_is_over(session)) &&
	    sim_has_unread(connection))
		return;
	if (view_reason(session) == REASON_COMPLETED || view_reason(session) == REASON_ANSWERED)
		sim_fail("a RST to %u, though both sides finished", number(connection));
	if (kind_of(session) != CONFIG_PROXY)
		return;
	from = source_of(connection, session);
	if (!is_broken_by(session, from) || connection->vanished ||
	    view_end_state(session) != VIEW_RELAYING)
		return;
	if (now_of(session) >= view_taken_ms(session) + ENDING_DEAF_MS)
		return; /* it writes, and takes nothing */
	if (connection->out.acked != from->in.arrived)
		sim_fail("a RST to %u, which has %llu of the %llu bytes before it",
			 number(connection), (unsigned long long)connection->out.acked,
			 (unsigned long long)from->in.arrived);
}

/* As sim_strangers.c has their addresses. */
static bool is_same_client(const struct sim_connection *a, const struct sim_connection *b,
			   uint32_t bits)
{
	if (bits == 128 || sim_may_be_denied(a) != sim_may_be_denied(b))
		return a == b;
	return bits < 64 || number(a) % SIM_NETWORKS == number(b) % SIM_NETWORKS;
}

/* Who is turned away without a session has as many as its section lets it have. */
static void check_refused(const struct sim_connection *client)
{
	const struct config_section *section = client->through->leads;
	const struct config_settings *settings = &section->settings;
	uint32_t open = 0;

	if (section != client->through->will_lead || settings->client_rate.count)
		return;
	for (uint32_t i = 0; i < sim.connection_count; i++) {
		const struct sim_connection *other = &sim.connections[i];

		open += other != client && other->client && other->file && !other->closed &&
			is_same_client(other, client, settings->client_prefix_v6);
	}
	if (!settings->max_per_client)
		sim_fail("client %u is turned away", number(client));
	/* Of those nobody knows whose they were; they count until they are buried. */
	for (uint32_t i = 0; i < sim.worker_count; i++)
		if (!view_is_over(sim.workers[i]))
			open += view_unburied(sim.workers[i], section);
	if (open < settings->max_per_client)
		sim_fail("client %u is turned away, and has %u connections of %u", number(client),
			 open, settings->max_per_client);
}

void sim_check_close(struct sim_file *file)
{
	const struct session *session = file->connection ? sim_session_of(file->connection) : NULL;

	if (session) {
		(void)source_of(file->connection, session); /* the last time that both are there */
		sim_life_close(session);
	}
	if (file->connection && file->connection->client && !file->connection->served &&
	    !sim_is_ending() && !sim_drain_was_asked() && !sim_may_be_denied(file->connection))
		check_refused(file->connection);
	if (view_is_stopping(sim.worker) && sim_ops_on(file) == file->uses)
		return; /* cut: those that the kernel has taken end with the ring */
	if (sim_ops_on(file))
		sim_fail("descriptor %d is closed with %u operations on it", file->fd,
			 sim_ops_on(file));
}

/* ---- Rest ------------------------------------------------------------------------------------ */

static void check_lane(const struct session *session, unsigned lane, struct sim_connection *from,
		       struct sim_connection *to)
{
	uint64_t unread = from->in.arrived - from->in.read;
	uint64_t pending = from->in.read - to->out.written;
	uint64_t room = to->out.send_room - (to->out.written - to->out.acked);

	if (to->phase != SIM_ESTABLISHED || to->shut_write || sim_is_noticing(to) ||
	    to->takes_no_more)
		return;
	if (pending && room)
		sim_fail("%llu bytes for %u stay behind though it takes them",
			 (unsigned long long)pending, number(to));
	if ((view_is_starved(session, lane) || view_is_blocked(session, lane)) && !room)
		return; /* short of buffers or pipes, nothing is received for a sink that is full */
	if (unread && !pending)
		sim_fail("%llu bytes from %u are never read", (unsigned long long)unread,
			 number(from));
	if (from->in.fin_arrived && !unread && !pending)
		sim_fail("the FIN of %u is not passed on to %u", number(from), number(to));
	if (from->phase == SIM_DEAD && !from->fin_read && !unread && !pending)
		sim_fail("the reset of %u is not passed on to %u", number(from), number(to));
}

static void check_responder(const struct session *session, const struct sim_connection *client)
{
	const struct sim_flow *out = &client->out;

	if (client->phase != SIM_ESTABLISHED || client->shut_write ||
	    out->send_room == out->written - out->acked)
		return;
	note_late(session, client);
	sim_check_answered(view_section(session), client);
	if (client->in.arrived > client->in.read && view_buffers_free(view_worker(session)) > 0)
		sim_fail("%llu bytes from %u are never read",
			 (unsigned long long)(client->in.arrived - client->in.read),
			 number(client));
}

static void check_session(struct session *session)
{
	struct sim_connection *client = side_of(session, SIDE_CLIENT);
	struct sim_connection *upstream = side_of(session, SIDE_UPSTREAM);

	switch (view_state(session)) {
	case VIEW_GREETING:
		break;
	case VIEW_CONNECTING:
		if (upstream->phase != SIM_CONNECTING && client->in.arrived > 0)
			sim_fail("session %u hangs in connecting", view_slot(session));
		break;
	case VIEW_RELAYING:
		if (kind_of(session) == CONFIG_PROXY) {
			check_lane(session, VIEW_UP, client, upstream);
			check_lane(session, VIEW_DOWN, upstream, client);
		} else if (kind_of(session) == CONFIG_ECHO) {
			check_lane(session, VIEW_UP, client, client);
		} else if (kind_of(session) == CONFIG_RESPONDER) {
			check_responder(session, client);
		}
		break;
	case VIEW_FREE:
	case VIEW_RETRYING:
	case VIEW_QUEUED:
	case VIEW_CLOSING:
		sim_fail("session %u hangs in state %u", view_slot(session), view_state(session));
	}
}

static void check_quiescent(const struct worker *worker)
{
	for (uint32_t slot = 0; slot < view_slots(worker); slot++)
		if (view_session(worker, slot))
			check_session(view_session(worker, slot));
}

static void check_waiting(const struct sim_listener *listener)
{
	const struct worker *worker = sim.workers[listener->worker];

	if (listener->waiting && view_is_running(worker) &&
	    view_has_room_in(worker, listener->leads))
		sim_fail("clients wait to be accepted and there is room");
}

void sim_check_quiescent(void)
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < sim.worker_count; i++) {
		if (view_is_over(sim.workers[i]))
			continue;
		check_quiescent(sim.workers[i]);
		open += view_sessions(sim.workers[i]);
	}
	if (open != view_connections(sim.worker))
		sim_fail("%u connections are counted, and %u are open",
			 view_connections(sim.worker), open);
	for (uint32_t i = 0; i < sim.listener_count; i++)
		check_waiting(&sim.listeners[i]);
}

static void check_peers(void)
{
	while (sim_next_event() != SIM_NEVER) {
		if (sim_next_event() > sim.now_ns)
			sim.now_ns = sim_next_event();
		sim_run_events();
	}
	for (uint32_t i = 0; i < sim.connection_count; i++) {
		const struct sim_connection *peer = &sim.connections[i];
		bool stalled = peer->stalled_ns && peer->script.stall_us == UINT32_MAX;

		if (peer->file)
			sim_fail("connection %u is never closed", i);
		if (!peer->gone && !peer->vanished && !stalled && !peer->saw_fin &&
		    peer->phase == SIM_ESTABLISHED)
			sim_fail("the peer of %u is never told of the end", i);
	}
}

void sim_check_finished(uint32_t index)
{
	struct worker *worker = sim.workers[index];
	const struct stats *stats = view_stats(worker);
	bool left = view_is_stopping(worker);

	if (sim_ops_in_flight(index) && !left)
		sim_fail("%u operations are in flight at the end", sim_ops_in_flight(index));
	if (view_has_resting(worker))
		sim_fail("a lane rests at the end");
	if (view_buffers_held(worker) && !left)
		sim_fail("%u buffers are missing at the end", view_buffers_held(worker));
	view_clear_own_timers(worker);
	if (view_has_timers(worker))
		sim_fail("a timer is armed at the end");
	if (stats_read(stats, stale_completions))
		sim_fail("%llu completions were for nobody",
			 (unsigned long long)stats_read(stats, stale_completions));
	if (stats_read(stats, accepted) != stats_read(stats, closed))
		sim_fail("accepted and closed differ at the end");
}

void sim_check_end(void)
{
	const struct worker *worker = sim.workers[0];

	for (uint32_t i = 0; i < sim.file_count; i++)
		if (sim.files[i].fd >= 0)
			sim_fail("descriptor %d is open at the end", sim.files[i].fd);
	if (view_connections(worker))
		sim_fail("%u connections are counted at the end", view_connections(worker));
	check_peers();
}
