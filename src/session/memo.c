#include "session/memo.h"

#include "base/clock.h"
#include "loop/socket.h"
#include "session/session.h"
#include "session/sessions.h"

#include "ops/log.h"

bool memo_wanted(const struct sessions *all)
{
	return all->access || log_enabled(LOG_LEVEL_DEBUG);
}

static struct memo *at_slot(const struct session *session)
{
	return &session->all->memos[session->road.flight.slot];
}

static bool is_of(const struct memo *memo, const struct session *session)
{
	return memo->of == session->id + 1;
}

const struct memo *memo_of(const struct session *session)
{
	static const struct memo nothing;
	const struct memo *memo = at_slot(session);

	return is_of(memo, session) ? memo : &nothing;
}

void memo_look(struct memo *memo, int client_fd, struct sockaddr_in6 *ret_client)
{
	socket_peer(client_fd, ret_client);
	memo->is_local = ret_client->sin6_family == AF_UNIX &&
			 socket_peer_process(client_fd, &memo->uid, &memo->pid);
}

void memo_begin(struct session *session)
{
	struct memo *memo = at_slot(session);

	memo->of = session->id + 1;
	memo->tried_count = memo->failed = 0;
	memo->has_wire[SIDE_CLIENT] = memo->has_wire[SIDE_UPSTREAM] = false;
	memo_look(memo, session->road.fd[SIDE_CLIENT], &session->client);
}

void memo_tried(struct session *session, int error)
{
	struct memo *memo = at_slot(session);
	uint64_t took_ns = session->road.loop->coalesce.now_ns - session->attempt_ns;

	if (!is_of(memo, session))
		return;
	memo->failed++;
	if (memo->tried_count == MEMO_TRIED_MAX)
		return;
	memo->tried[memo->tried_count++] = (struct memo_tried){
		.reach = session->reach,
		.error = error,
		.ms = (uint32_t)(took_ns / CLOCK_NS_PER_MS),
	};
}

void memo_wire(struct session *session, unsigned side, const struct wire *wire)
{
	struct memo *memo = at_slot(session);

	if (!is_of(memo, session))
		return;
	memo->wires[side] = *wire;
	memo->has_wire[side] = true;
}

void memo_look_at_wires(struct session *session)
{
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		struct wire wire;

		if (session->road.fd[side] >= 0 && wire_look(session->road.fd[side], &wire))
			memo_wire(session, side, &wire);
	}
}
