#include "session/glance.h"

#include "base/clock.h"
#include "base/endpoint.h"
#include "lane/lane.h"
#include "loop/loop.h"
#include "loop/socket.h"
#include "session/greeting.h"
#include "session/introduced.h"
#include "session/life.h"
#include "session/queued.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tenancy.h"

#include <string.h>

/* ---- Who is meant ---------------------------------------------------------------------------- */

/* It is known from the start only where records need it. */
static const struct sockaddr_in6 *client_of(struct session *session)
{
	int fd = session->road.fd[SIDE_CLIENT];

	if (session->client.sin6_family == 0 && fd >= 0)
		socket_peer(fd, &session->client);
	return &session->client;
}

static bool is_same_network(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, bytes) == 0 && (!rest || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

static bool is_client(struct session *session, const struct glance_filter *filter)
{
	const struct sockaddr_in6 *client;
	struct endpoint endpoint;

	if (filter->client == GLANCE_ANY)
		return true;
	client = client_of(session);
	if (filter->client == GLANCE_UNIX)
		return client->sin6_family == AF_UNIX;
	if (client->sin6_family != AF_INET && client->sin6_family != AF_INET6)
		return false;
	endpoint_of((const struct sockaddr *)client, &endpoint);
	return is_same_network(endpoint.address, filter->address, filter->bits) &&
	       (!filter->port || filter->port == endpoint.port);
}

/* Whom it is with, or would be; NULL: with nobody so far. */
static const char *server_of(const struct session *session)
{
	return session->reach ? session->reach->server->name : NULL;
}

static bool is_named(const char *text, const char *wanted)
{
	return !wanted || (text && !strcmp(text, wanted));
}

/* By its name, or "web/app1": of that pool. */
static bool is_at(const struct session *session, const char *wanted)
{
	const char *name = server_of(session), *pool;
	size_t length;

	if (!wanted || !name)
		return !wanted;
	pool = session->desk->pool->config->name;
	length = strlen(pool);
	return !strcmp(name, wanted) || (!strncmp(wanted, pool, length) && wanted[length] == '/' &&
					 !strcmp(wanted + length + 1, name));
}

bool glance_matches(struct session *session, const struct glance_filter *filter)
{
	const struct section *section = session->branch->section;

	return (!filter->edition || filter->edition == section->edition->number) &&
	       (!filter->serves || (session->served && session->reach->server == filter->serves)) &&
	       is_named(section->config->name, filter->proxy) &&
	       is_named(session->phase->name, filter->state) &&
	       is_named(session->listener, filter->listener) && is_at(session, filter->server) &&
	       is_client(session, filter);
}

bool glance_is_state(const char *name)
{
	for (unsigned i = SESSION_FREE + 1; i < SESSION_STATE_COUNT; i++)
		if (!strcmp(life_proxy.phases[i]->name, name))
			return true;
	return false;
}

/* ---- What is to be seen ---------------------------------------------------------------------- */

static void copy(char *to, size_t size, const char *text)
{
	size_t length = text ? strnlen(text, size - 1) : 0;

	if (length)
		memcpy(to, text, length);
	to[length] = 0;
}

static uint32_t unsent(const struct lane *lane)
{
	return lane->queued + lane->held;
}

void glance(struct session *session, struct glance *ret_glance)
{
	const struct road *road = &session->road;
	const struct lane *up = &road->lanes[LANE_UP], *down = &road->lanes[LANE_DOWN];
	const struct section *section = session->branch->section;
	bool service = !road_has_upstream(road);

	*ret_glance = (struct glance){
		.id = session->id,
		.edition = section->edition->number,
		.worker = road->loop->index,
		.attempts = session->attempts,
		.state = session->phase->name,
		.now_ms = road->loop->now_ms,
		.started_ms = session->started_ms,
		.active_ms = road->active_ms,
		.bytes_up = service ? up->received : up->bytes,
		.bytes_down = service ? up->bytes : down->bytes,
		.unsent_up = service ? 0 : unsent(up),
		.unsent_down = service ? unsent(up) : unsent(down),
		.reason = session->end.reason,
		.client = *client_of(session),
	};
	copy(ret_glance->proxy, sizeof(ret_glance->proxy), section->config->name);
	copy(ret_glance->listener, sizeof(ret_glance->listener), session->listener);
	copy(ret_glance->server, sizeof(ret_glance->server), server_of(session));
	if (session->desk)
		copy(ret_glance->pool, sizeof(ret_glance->pool), session->desk->pool->config->name);
	if (session->introduced) {
		copy(ret_glance->sni, sizeof(ret_glance->sni), session->introduced->sni);
		copy(ret_glance->alpn, sizeof(ret_glance->alpn), session->introduced->alpn);
	}
}

static uint64_t left_ms(const struct session *session, uint64_t at_ms)
{
	uint64_t now = session->road.loop->now_ms;

	if (at_ms == DEADLINE_NONE)
		return GLANCE_NEVER;
	return at_ms > now ? at_ms - now : 0;
}

static uint64_t quiet_left_ms(const struct session *session)
{
	uint32_t limit = session->phase->quiet_ms ? session->phase->quiet_ms(session) : 0;

	return limit ? left_ms(session, session->road.active_ms + limit) : GLANCE_NEVER;
}

static struct glance_lane lane_of(const struct session *session, const struct lane *lane)
{
	const struct road *road = &session->road;
	int fd = road->fd[lane->to];

	return (struct glance_lane){
		.state = lane->state,
		.unsent = unsent(lane),
		.unacknowledged = fd >= 0 && session->state == SESSION_RELAYING
					  ? socket_unacknowledged(fd)
					  : 0,
		.broken = road->broken[lane->index],
		.starved = list_is_linked(&lane->starved),
		.rests = lane_rests(lane),
		.paced = throttle_holds(lane),
	};
}

static void look_at_queue(const struct session *session, const struct pool *pool,
			  struct glance_detail *ret_detail)
{
	ret_detail->queued = true;
	ret_detail->to_retry = session->queue_kind == QUEUE_RETRIES;
	ret_detail->before = queued_before(session);
	ret_detail->queued_ms = session->queued_ns / CLOCK_NS_PER_MS;
	copy(ret_detail->pool, sizeof(ret_detail->pool), pool->config->name);
}

/* What is asked of a client that greets. */
static void look_at_greeting(const struct session *session, struct glance_detail *ret_detail)
{
	static const struct {
		const char *words, *key;
	} asked[] = {
		[ASK_PROXY] = {"its PROXY header", "accept_proxy_timeout"},
		[ASK_PREFACE] = {"its request for TLS", "hello_timeout"},
		[ASK_HELLO] = {"its ClientHello", "hello_timeout"},
	};
	unsigned step = (unsigned)__builtin_ctz(session->asks);

	static_assert(array_size(asked) == ASK_COUNT, "every step has its words");
	ret_detail->awaited = asked[step].words;
	ret_detail->awaited_key = asked[step].key;
}

void glance_closely(const struct session *session, struct glance_detail *ret_detail)
{
	const struct lane *lanes = session->road.lanes;
	const uint64_t *at_ms = session->deadlines.at_ms;
	const struct desk *desk = session->desk;
	bool service = !road_has_upstream(&session->road);

	*ret_detail = (struct glance_detail){
		.service = service,
		.servers = desk ? pool_roster(desk->pool)->count : 0,
		.attempting = session->state == SESSION_CONNECTING,
		.attempt_ms = session->attempt_ns / CLOCK_NS_PER_MS,
		.connect_error = session->connect_error,
		.lacks = session->lacks,
		.in_line = list_is_linked(&session->waiting),
		.half_closed = !service && (lanes[LANE_UP].state != LANE_OPEN ||
					    lanes[LANE_DOWN].state != LANE_OPEN),
		.in_flight = session->road.flight.in_flight,
		.greeting_left_ms = left_ms(session, at_ms[DEADLINE_GREETING]),
		.connect_left_ms = left_ms(session, at_ms[DEADLINE_CONNECT]),
		.request_left_ms = left_ms(session, at_ms[DEADLINE_REQUEST]),
		.retry_left_ms = left_ms(session, at_ms[DEADLINE_RETRY]),
		.queue_left_ms = left_ms(session, at_ms[DEADLINE_QUEUE]),
		.lifetime_left_ms = left_ms(session, at_ms[DEADLINE_LIFETIME]),
		.quiet_left_ms = quiet_left_ms(session),
	};
	ret_detail->agreeing = session->phase == &phase_asking;
	if (session->state == SESSION_GREETING && session->asks)
		look_at_greeting(session, ret_detail);
	for (unsigned i = 0; i < LANE_COUNT; i++)
		ret_detail->lanes[i] = lane_of(session, &lanes[i]);
	if (desk && list_is_linked(&session->queued))
		look_at_queue(session, desk->pool, ret_detail);
}
