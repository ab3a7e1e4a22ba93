#include "session/choose.h"

#include "base/endpoint.h"
#include "base/hash.h"
#include "config/config.h"
#include "loop/socket.h"
#include "pool/least_time.h"
#include "pool/passive.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/shortage.h"
#include "session/tenancy.h"

#define NS_PER_US  1000
#define FAILURE_US 1000000 /* at least, as if it had taken so long: who refuses is not quick */

void choose_leave(struct session *session)
{
	if (!session->reserved)
		return;
	session->reserved = false;
	if (!session->served)
		passive_unknown(session->reach->server, session->road.loop->now_ms);
	server_release(session->reach->server);
}

/* It has a place there. */
static void take(struct session *session, struct server *server)
{
	session->reach = reach_to(server, session->road.loop->index);
	session->reserved = true;
	session->attempts++;
}

/* Who tries for all that wait for one server tries that one. */
static bool take_awaited(struct session *session)
{
	struct reach *reach = session->woken ? session->line->of : NULL;

	if (session->attempts || !reach || !server_reserve(reach->server))
		return false;
	take(session, reach->server);
	return true;
}

/* The same for all connections of a client's address; those of unix sockets have none. */
static seldom uint64_t key_of_client(const struct session *session, uint64_t otherwise)
{
	struct sockaddr_in6 client = session->client;
	struct endpoint from;

	if (!client.sin6_family) /* nobody has asked yet */
		socket_peer(session->road.fd[SIDE_CLIENT], &client);
	if (client.sin6_family != AF_INET && client.sin6_family != AF_INET6)
		return otherwise;
	endpoint_of((const struct sockaddr *)&client, &from);
	return hash_spread(hash64_bytes(HASH64_BEGIN, from.address, sizeof(from.address)));
}

bool choose_server(struct session *session)
{
	struct desk *desk = session->branch->desk;
	struct wish wish = {
		.roster = pool_roster(desk->pool),
		.picker = &desk->picker,
		.tried = &session->tried,
		.random = loop_random(session->road.loop),
		.now_ms = session->road.loop->now_ms,
	};
	struct server *server;

	if (take_awaited(session))
		return true;
	if (wish.roster->rule.balance == BALANCE_SOURCE_HASH)
		wish.key = key_of_client(session, wish.random);
	if (pool_choose(&wish, &server) != CHOICE_MADE)
		return false;
	take(session, server);
	return true;
}

bool choose_tried(struct session *session)
{
	return tried_add(&session->tried, session->reach->server->number) == 0;
}

/* ---- How long it takes ----------------------------------------------------------------------- */

static bool is_timed(const struct session *session)
{
	return pool_roster(session->branch->desk->pool)->rule.balance == BALANCE_LEAST_TIME;
}

void choose_took(struct session *session, uint32_t us)
{
	if (unlikely(is_timed(session)))
		least_time_took(session->reach->server, us, session->road.loop->now_ms);
}

void choose_failed(struct session *session)
{
	uint64_t us = (session->road.loop->coalesce.now_ns - session->attempt_ns) / NS_PER_US;

	if (is_timed(session))
		least_time_failed(session->reach->server, us > FAILURE_US ? us : FAILURE_US,
				  session->road.loop->now_ms);
}
