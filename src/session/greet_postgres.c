/*
 * The step that lets a client of PostgreSQL come to its ClientHello.
 *
 *   client                        we                               server
 *     | -- GSSENCRequest -------> |                                  |
 *     | <-------------------- N - |                                  |
 *     | -- SSLRequest ----------> |                                  |
 *     | <-------------------- S - |                                  |
 *     | -- ClientHello ---------> | its name leads to a server       |
 *     |                           | -- SSLRequest -----------------> |   asking.c
 *     |                           | <--------------------------- S - |
 *     |                           | -- ClientHello ----------------> |
 *
 * Who does not ask for TLS has no name, and goes where no_sni says, as it is: a CancelRequest,
 * whose key only the server knows that has given it, and who wants no encryption.
 */
#include "greet/postgres.h"

#include "config/config.h"
#include "greet/client_hello.h"
#include "session/greeting.h"
#include "session/introduced.h"
#include "session/refusal.h"
#include "session/routing.h"
#include "session/section.h"
#include "session/session.h"
#include "session/tenancy.h"

#include <errno.h>
#include <string.h>

/* ErrorResponse, which psql shows. */
#define FIELDS                                                                                     \
	"SFATAL\0"                                                                                 \
	"VFATAL\0"                                                                                 \
	"C28000\0"                                                                                 \
	"Mthis proxy finds the server by the name that TLS asks for: connect with "                \
	"sslmode=require\0"
static const char no_tls[] = "E\0\0\0\xff" FIELDS;
#define NO_TLS_SIZE (sizeof(no_tls)) /* the NUL behind it ends the fields */

static enum greeted say_no_tls(struct session *session)
{
	char words[NO_TLS_SIZE];
	size_t length = sizeof(words) - 1; /* it counts itself, not the letter */

	static_assert(sizeof(words) < 256, "its length is one byte");
	memcpy(words, no_tls, sizeof(words));
	words[4] = (char)length;
	return refusal_say(session, REASON_NO_NAME, words, sizeof(words));
}

/* In clear, so without a name, and there is no hello to wait for. */
static enum greeted follow_in_clear(struct session *session, bool may_be_told)
{
	struct client_hello nobody;

	nobody.name_length = nobody.alpn_length = 0;
	session->asks &= (uint8_t) ~(1u << ASK_HELLO);
	if (routing_follow(session, &nobody) == ROUTED)
		return GREETED_DONE;
	return may_be_told ? say_no_tls(session) : refusal_say(session, REASON_NO_NAME, NULL, 0);
}

static enum greeted agree(struct session *session, uint32_t *ret_take)
{
	struct introduced *introduced = introduced_of(session);

	if (!introduced) {
		session->resetting[SIDE_CLIENT] = true;
		session_end(session, REASON_NO_MEMORY, SIDE_CLIENT, -ENOMEM);
		return GREETED_OVER;
	}
	introduced->by_request = true;
	if (!refusal_answer(session, "S", 1))
		return GREETED_OVER;
	*ret_take = POSTGRES_REQUEST_SIZE;
	return GREETED_DONE;
}

/* Once: who asks again wants nothing else. */
static enum greeted decline(struct session *session, uint32_t *ret_take)
{
	struct introduced *introduced = introduced_of(session);

	if (!introduced || introduced->declined)
		return refusal_say(session, REASON_NOT_POSTGRES, NULL, 0);
	introduced->declined = true;
	if (!refusal_answer(session, "N", 1))
		return GREETED_OVER;
	*ret_take = POSTGRES_REQUEST_SIZE;
	return GREETED_MORE;
}

static enum greeted look(struct session *session, const unsigned char *bytes, uint32_t length,
			 bool ended, uint32_t *ret_take)
{
	if (refusal_is_said(session))
		return refusal_look(session, length, ended, ret_take);
	switch (postgres_read(bytes, length)) {
	case POSTGRES_SSL:
		return agree(session, ret_take);
	case POSTGRES_GSS:
		return decline(session, ret_take);
	case POSTGRES_CANCEL:
		return follow_in_clear(session, false);
	case POSTGRES_STARTUP:
		return follow_in_clear(session, true);
	case POSTGRES_TLS:
		return GREETED_DONE;
	case POSTGRES_EAGER:
		return refusal_say(session, REASON_TOO_EAGER, NULL, 0);
	case POSTGRES_OTHER:
		return refusal_say(session, REASON_NOT_POSTGRES, NULL, 0);
	case POSTGRES_MORE:
	default:
		break;
	}
	if (!ended)
		return GREETED_MORE;
	session_end(session, REASON_HELLO_CUT, SIDE_CLIENT, 0);
	return GREETED_OVER;
}

static enum greeted late(struct session *session)
{
	if (refusal_is_said(session))
		return refusal_late(session);
	return refusal_say(session,
			   session->road.lanes[LANE_UP].queued ? REASON_HELLO_TIMEOUT
							       : REASON_NO_HELLO,
			   NULL, 0);
}

static uint32_t timeout_ms(const struct session *session)
{
	return session->branch->section->config->hello_timeout_ms;
}

const struct greet_step greet_postgres = {.look = look, .late = late, .timeout_ms = timeout_ms};
