#include "session/introduction.h"

#include "base/endpoint.h"
#include "config/send_proxy.h"
#include "greet/proxy_write.h"
#include "lane/preface.h"
#include "lane/strategy.h"
#include "loop/socket.h"
#include "pool/pool.h"
#include "pool/server.h"
#include "session/introduced.h"
#include "session/reach.h"
#include "session/session.h"
#include "session/sessions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ID_TEXT_MAX 48

static bool has_field(uint32_t header, enum send_proxy_field field)
{
	return header >> POOL_HEADER_FIELDS & 1u << field;
}

static bool is_inet(const struct sockaddr_in6 *address)
{
	return address->sin6_family == AF_INET || address->sin6_family == AF_INET6;
}

/* Both ends as the client has them; false: it has none. */
static bool say_ends(struct proxy_said *said, struct session *session)
{
	const struct introduced *introduced = session->introduced;
	struct sockaddr_in6 client = session->client, own;

	if (!client.sin6_family) /* nobody has asked yet */
		socket_peer(session->road.fd[SIDE_CLIENT], &client);
	if (introduced && introduced->has_destination)
		own = introduced->destination;
	else
		socket_name(session->road.fd[SIDE_CLIENT], &own);
	if (!is_inet(&client) || !is_inet(&own))
		return false;
	endpoint_of((const struct sockaddr *)&client, &said->source);
	endpoint_of((const struct sockaddr *)&own, &said->destination);
	return true;
}

/* What it is called here, which no other connection of any process is. */
static uint32_t id_of(const struct session *session, char text[ID_TEXT_MAX])
{
	return (uint32_t)snprintf(text, ID_TEXT_MAX, "%016" PRIx64 "-%" PRIu64,
				  session->all->engine->run, session->id);
}

static void say_fields(struct proxy_said *said, const struct session *session, uint32_t header,
		       char id[ID_TEXT_MAX])
{
	const struct introduced *introduced = session->introduced;

	if (introduced && has_field(header, SEND_PROXY_CLIENT)) {
		said->tlvs = introduced->tlvs;
		said->tlvs_size = introduced->tlv_size;
	}
	if (introduced && introduced->sni && has_field(header, SEND_PROXY_AUTHORITY)) {
		said->authority = introduced->sni;
		said->authority_size = (uint32_t)strnlen(introduced->sni, PROXY_AUTHORITY_MAX);
	}
	if (has_field(header, SEND_PROXY_UNIQUE_ID)) {
		said->unique_id = (const unsigned char *)id;
		said->unique_id_size = id_of(session, id);
	}
	said->checksum = has_field(header, SEND_PROXY_CRC32C);
}

static seldom int prepare(struct session *session, uint32_t header)
{
	struct lane *lane = &session->road.lanes[LANE_UP];
	unsigned char bytes[PROXY_WRITE_MAX];
	uint32_t version = header & ((1u << POOL_HEADER_FIELDS) - 1), count = 0;
	char id[ID_TEXT_MAX];

	if (version != CONFIG_SEND_PROXY_OFF) {
		struct proxy_said said = {.version = version == CONFIG_SEND_PROXY_V1 ? PROXY_V1
										     : PROXY_V2};

		said.nothing = !say_ends(&said, session);
		say_fields(&said, session, header, id);
		count = proxy_write(&said, bytes);
	}
	return preface_say(lane, bytes, count) ? 0 : -ENOMEM;
}

int introduction_prepare(struct session *session)
{
	uint32_t header =
		atomic_load_explicit(&session->reach->server->header, memory_order_relaxed);

	if (likely(!header && !session->road.lanes[LANE_UP].preface))
		return 0;
	return prepare(session, header);
}
