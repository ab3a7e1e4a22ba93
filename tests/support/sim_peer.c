/* The other ends: clients and servers, each playing its script. */
#include "support/sim.h"

#include <errno.h>

static uint64_t pause_of(const struct sim_connection *peer)
{
	return sim.now_ns + sim_random() % (peer->script.pause_us * SIM_US + 1);
}

static void go_on(void *peer)
{
	sim_peer_wake(peer);
}

static bool stalled(struct sim_connection *peer)
{
	const struct sim_script *script = &peer->script;

	if (peer->out.read < script->stall_at || script->stall_us == 0)
		return false;
	if (!peer->stalled_ns) {
		peer->stalled_ns = sim.now_ns;
		if (script->stall_us != UINT32_MAX)
			sim_at(sim.now_ns + script->stall_us * SIM_US, go_on, peer);
	}
	return script->stall_us == UINT32_MAX ||
	       sim.now_ns < peer->stalled_ns + script->stall_us * SIM_US;
}

/* Read something; whether there is more to do later. */
static bool read_some(struct sim_connection *peer)
{
	struct sim_flow *flow = &peer->out;
	uint64_t count = flow->arrived - flow->read;

	if (count == 0 || stalled(peer))
		return false;
	if (count > peer->script.read_burst)
		count = peer->script.read_burst;
	if (peer->out.read < peer->script.stall_at &&
	    peer->out.read + count > peer->script.stall_at)
		count = peer->script.stall_at - peer->out.read;
	flow->read += count;
	sim_flow_kick(flow);
	return flow->arrived > flow->read;
}

/* Behind some of the bytes that are sent now, or all; one at a time. */
static void mark_urgent(struct sim_connection *peer, uint64_t count)
{
	struct sim_flow *flow = &peer->in;

	if (flow->marked || peer->local || !sim_chance(peer->script.urgent))
		return;
	flow->marked = true;
	flow->mark = flow->written - (sim_chance(2) ? sim_random() % (count + 1) : 0);
	sim_trace("peer of %u sends urgent data behind %llu bytes",
		  (unsigned)(peer - sim.connections), (unsigned long long)flow->mark);
}

static bool send_some(struct sim_connection *peer)
{
	const struct sim_script *script = &peer->script;
	struct sim_flow *flow = &peer->in;
	uint64_t count = script->send - flow->written;
	uint64_t room = flow->send_room - (flow->written - flow->acked);

	if (peer->finished || (peer->out.read < script->after && !peer->saw_fin))
		return false;
	if (count > room)
		count = room;
	if (count > script->burst)
		count = script->burst;
	flow->written += count;
	mark_urgent(peer, count);
	sim_flow_kick(flow);
	return count > 0 && flow->written < script->send;
}

static void reset_arrives(void *object)
{
	sim_break(object, -ECONNRESET);
}

void sim_peer_reset(struct sim_connection *peer)
{
	if (peer->gone)
		return;
	sim_trace("peer of %u resets", (unsigned)(peer - sim.connections));
	peer->gone = peer->sent_reset = true;
	peer->out.cut = true;
	if (!peer->vanished)
		sim_at(sim.now_ns + sim_random() % (sim.latency_us * SIM_US + 1), reset_arrives,
		       peer);
}

static void end_half(struct sim_connection *peer)
{
	sim_trace("peer of %u ends after %llu bytes", (unsigned)(peer - sim.connections),
		  (unsigned long long)peer->in.written);
	peer->finished = true;
	peer->in.fin = true;
	sim_flow_kick(&peer->in);
}

/* close(2): over unread bytes it is a RST. */
static void close_it(struct sim_connection *peer)
{
	if (peer->out.arrived > peer->out.read) {
		sim_peer_reset(peer);
		return;
	}
	end_half(peer);
	peer->closed_by_peer = true;
}

static void finish(struct sim_connection *peer)
{
	if (peer->finished || peer->in.written < peer->script.send)
		return;
	switch (peer->script.finish) {
	case SIM_HALF_CLOSE:
		end_half(peer);
		break;
	case SIM_CLOSE:
		close_it(peer);
		break;
	case SIM_RESET:
		sim_peer_reset(peer);
		break;
	case SIM_WAIT:
	case SIM_FINISH_COUNT:
		if (peer->saw_fin)
			close_it(peer);
		break;
	}
}

static void tick(void *object)
{
	struct sim_connection *peer = object;
	bool more;

	peer->ticking = false;
	if (peer->gone || peer->vanished)
		return;
	more = read_some(peer);
	more |= send_some(peer);
	if ((peer->out.fin_arrived || peer->takes_no_more) && peer->out.read == peer->out.arrived &&
	    !peer->saw_fin) {
		peer->saw_fin = true;
		sim_trace("peer of %u sees the end", (unsigned)(peer - sim.connections));
	}
	finish(peer);
	if (peer->finished && peer->saw_fin)
		peer->gone = true; /* both halves are through: nothing more to say */
	else if (more)
		sim_peer_wake(peer);
}

void sim_peer_wake(struct sim_connection *peer)
{
	if (peer->ticking || peer->gone || peer->vanished || peer->phase == SIM_CONNECTING)
		return;
	peer->ticking = true;
	sim_at(pause_of(peer), tick, peer);
}

static void reset_now(void *object)
{
	struct sim_connection *peer = object;

	if (!peer->vanished)
		sim_peer_reset(peer);
}

static void take_no_more(void *object)
{
	struct sim_connection *peer = object;

	if (peer->gone || peer->vanished || peer->phase != SIM_ESTABLISHED)
		return;
	sim_trace("peer of %u takes no more", (unsigned)(peer - sim.connections));
	peer->takes_no_more = true;
	sim_told(peer, true);
	sim_peer_wake(peer);
}

/* What the proxy's kernel finds out by itself, if it has something to send. */
static void given_up(void *object)
{
	struct sim_connection *peer = object;

	if (!peer->closed && peer->out.written > peer->out.acked)
		sim_break(peer, -ETIMEDOUT);
}

static void vanish(void *object)
{
	struct sim_connection *peer = object;

	if (peer->gone)
		return;
	sim_trace("peer of %u vanishes", (unsigned)(peer - sim.connections));
	peer->vanished = true;
	sim_at(sim.now_ns + sim_random() % (20000 * SIM_MS), given_up, peer);
}

void sim_peer_start(struct sim_connection *peer)
{
	const struct sim_script *script = &peer->script;

	peer->began_ns = sim.now_ns;
	if (script->reset_us)
		sim_at(sim.now_ns + script->reset_us * SIM_US, reset_now, peer);
	if (script->deaf_us && peer->local)
		sim_at(sim.now_ns + script->deaf_us * SIM_US, take_no_more, peer);
	if (script->vanish_us)
		sim_at(sim.now_ns + script->vanish_us * SIM_US, vanish, peer);
	sim_peer_wake(peer);
}

void sim_peer_told_reset(void *object)
{
	struct sim_connection *peer = object;

	if (peer->gone || peer->vanished)
		return;
	sim_trace("peer of %u sees a RST", (unsigned)(peer - sim.connections));
	peer->saw_reset = peer->gone = true;
	peer->in.cut = true;
}
