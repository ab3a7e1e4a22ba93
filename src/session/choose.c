#include "session/choose.h"

#include "base/endpoint.h"
#include "base/hash.h"
#include "config/config.h"
#include "loop/socket.h"
#include "pool/departure.h"
#include "pool/least_time.h"
#include "pool/passive.h"
#include "session/bell.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/shortage.h"
#include "session/tenancy.h"

#define NS_PER_US   1000
#define FAILURE_US  1000000 /* at least, as if it had taken so long: who refuses is not quick */
#define RETRY_PART  5       /* of a pool's connections may be on their way to another server, */
#define RETRY_LEAST 3       /* ... and so many always */

static struct queue *queue_of(const struct session *session)
{
	return session->desk->line->queue;
}

static const struct config_settings *settings_of(const struct session *session)
{
	return &session->desk->pool->config->settings;
}

void choose_leave(struct session *session)
{
	struct server *server;

	if (!session->reserved)
		return;
	server = session->reach->server;
	session->reserved = false;
	if (unlikely(session->berth)) {
		berth_leave(session->berth, session->road.loop->now_ms);
		session->berth = NULL;
	}
	if (!session->served)
		passive_unknown(server, session->road.loop->now_ms);
	server_release(server);
	if (atomic_load_explicit(&server->limit, memory_order_relaxed))
		bell_call(session->all, server->queue, QUEUE_PLACES);
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

/* ---- Going to another one -------------------------------------------------------------------- */

static bool is_spent(const struct session *session)
{
	const struct config_settings *settings = settings_of(session);
	uint64_t age_ms = session->road.loop->now_ms - session->started_ms;

	return session->failures > settings->retries ||
	       (settings->retry_timeout_ms && age_ms >= settings->retry_timeout_ms);
}

static uint32_t retries_at_once(const struct roster *roster)
{
	uint64_t active = 0;

	for (uint32_t i = 0; i < roster->tier_count; i++)
		for (uint32_t s = 0; s < roster->tiers[i].count; s++)
			active += atomic_load_explicit(&roster->tiers[i].seats[s].server->active,
						       memory_order_relaxed);
	active /= RETRY_PART;
	return active > RETRY_LEAST ? (uint32_t)active : RETRY_LEAST;
}

enum chosen choose_to_retry(struct session *session)
{
	uint32_t most = retries_at_once(pool_roster(session->desk->pool));

	session->retrying = session->retrying || queue_retry(queue_of(session), most);
	return session->retrying ? CHOSEN_SERVER : CHOSEN_HELD;
}

static bool is_held(struct session *session)
{
	if (session->retrying)
		return false;
	return queue_waiting(queue_of(session), QUEUE_RETRIES) ||
	       choose_to_retry(session) == CHOSEN_HELD;
}

void choose_retried(struct session *session)
{
	if (likely(!session->retrying))
		return;
	session->retrying = false;
	queue_retry_over(queue_of(session));
	bell_call(session->all, queue_of(session), QUEUE_RETRIES);
}

/* ---- Choosing -------------------------------------------------------------------------------- */

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

enum chosen choose_in_turn(struct session *session)
{
	static const uint8_t chosen[] = {
		[CHOICE_MADE] = CHOSEN_SERVER,
		[CHOICE_FULL] = CHOSEN_FULL,
		[CHOICE_NONE] = CHOSEN_NOBODY,
	};
	struct desk *desk = session->desk;
	struct wish wish = {
		.roster = pool_roster(desk->pool),
		.picker = &desk->picker,
		.tried = &session->tried,
		.random = loop_random(session->road.loop),
		.now_ms = session->road.loop->now_ms,
	};
	struct server *server;
	enum choice choice;

	if (wish.roster->rule.balance == BALANCE_SOURCE_HASH)
		wish.key = key_of_client(session, wish.random);
	choice = pool_choose(&wish, &server);
	if (choice == CHOICE_MADE)
		take(session, server);
	return (enum chosen)chosen[choice];
}

enum chosen choose_server(struct session *session)
{
	if (unlikely(session->failures) && is_spent(session))
		return CHOSEN_SPENT;
	if (unlikely(session->failures) && is_held(session))
		return CHOSEN_HELD;
	if (take_awaited(session))
		return CHOSEN_SERVER;
	if (settings_of(session)->queue && queue_waiting(queue_of(session), QUEUE_PLACES))
		return CHOSEN_FULL; /* it would overtake */
	return choose_in_turn(session);
}

bool choose_tried(struct session *session)
{
	return tried_add(&session->tried, session->reach->server->number) == 0;
}

/* ---- How long it takes ----------------------------------------------------------------------- */

static bool is_timed(const struct session *session)
{
	return pool_roster(session->desk->pool)->rule.balance == BALANCE_LEAST_TIME;
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
