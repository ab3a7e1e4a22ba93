/*
 * The step that asks for a ClientHello, to send the client where its name leads.
 *
 * Nothing is answered to TLS but an alert to those who are refused, which browsers show as what
 * it is; and nothing of what the client says is taken: the server gets all of it.
 */
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALERT_SIZE     7
#define ALPN_SHOWN_MAX 200

/* RFC 8446, section 6.2. */
enum alert {
	ALERT_ACCESS_DENIED = 49,
	ALERT_DECODE_ERROR = 50,
	ALERT_MISSING_EXTENSION = 109,
	ALERT_UNRECOGNIZED_NAME = 112,
};

static enum greeted alert(struct session *session, enum reason reason, enum alert description)
{
	const unsigned char words[ALERT_SIZE] = {21, 3, 1, 0, 2, 2, (unsigned char)description};

	return refusal_say(session, reason, words, sizeof(words));
}

static const struct config_section *config_of(const struct session *session)
{
	return session->branch->section->config;
}

/* ---- What it has said, for whoever reads of it ----------------------------------------------- */

/* Bytes of anybody's, as letters of ours. */
static size_t show(char *text, const unsigned char *bytes, size_t count)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++)
		if (bytes[i] > ' ' && bytes[i] < 0x7f && !strchr("\\\",'<>&", bytes[i]))
			text[length++] = (char)bytes[i];
		else
			length += (size_t)sprintf(text + length, "\\x%02x", bytes[i]);
	return length;
}

/* "h2,http/1.1"; of many, the first. */
static char *alpn_text(const struct client_hello *hello)
{
	char text[ALPN_SHOWN_MAX + 4 * 256 + 8];
	size_t length = 0;

	for (size_t at = 0; at < hello->alpn_length; at += 1 + (size_t)hello->alpn[at]) {
		if (at)
			text[length++] = ',';
		if (length > ALPN_SHOWN_MAX) {
			length += (size_t)sprintf(text + length, "...");
			break;
		}
		length += show(text + length, hello->alpn + at + 1, hello->alpn[at]);
	}
	return strndup(text, length);
}

static bool remember(struct session *session, const struct client_hello *hello)
{
	struct introduced *introduced = introduced_of(session);

	if (!introduced)
		return false;
	/* A PROXY header may have said something, of which the client knows better. */
	if (hello->name_length) {
		free(introduced->sni);
		introduced->sni = strdup(hello->name);
	}
	if (hello->alpn_length) {
		free(introduced->alpn);
		introduced->alpn = alpn_text(hello);
	}
	return (introduced->sni || !hello->name_length) &&
	       (introduced->alpn || !hello->alpn_length);
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

static enum greeted no_memory(struct session *session)
{
	session->resetting[SIDE_CLIENT] = true;
	session_end(session, REASON_NO_MEMORY, SIDE_CLIENT, -ENOMEM);
	return GREETED_OVER;
}

static enum greeted follow(struct session *session, const struct client_hello *hello)
{
	if (!remember(session, hello))
		return no_memory(session);
	switch (routing_follow(session, hello)) {
	case ROUTED_REJECTED:
		return alert(session, REASON_NAME_REFUSED, ALERT_ACCESS_DENIED);
	case ROUTED_DROPPED:
		return refusal_say(session, REASON_NAME_REFUSED, NULL, 0);
	case ROUTED_NOWHERE:
		return alert(session, REASON_NO_ROUTE, ALERT_UNRECOGNIZED_NAME);
	case ROUTED_NAMELESS:
		return alert(session, REASON_NO_NAME, ALERT_MISSING_EXTENSION);
	case ROUTED:
	default:
		return GREETED_DONE;
	}
}

static enum greeted refuse(struct session *session, enum hello_verdict verdict)
{
	struct introduced *introduced = introduced_of(session);

	if (introduced)
		introduced->hello = (uint8_t)verdict;
	if (verdict == HELLO_NOT_TLS)
		return refusal_say(session, REASON_NOT_TLS, NULL, 0);
	if (verdict == HELLO_SSLV2)
		return refusal_say(session, REASON_BAD_HELLO, NULL, 0);
	return alert(session,
		     verdict == HELLO_TOO_LARGE ? REASON_HELLO_TOO_LARGE : REASON_BAD_HELLO,
		     ALERT_DECODE_ERROR);
}

/* It has ended, and half of it is nothing to send to anybody. */
static enum greeted cut(struct session *session)
{
	session_end(session, REASON_HELLO_CUT, SIDE_CLIENT, 0);
	return GREETED_OVER;
}

static enum greeted look(struct session *session, const unsigned char *bytes, uint32_t length,
			 bool ended, uint32_t *ret_take)
{
	struct client_hello hello;
	enum hello_verdict verdict;

	if (refusal_is_said(session))
		return refusal_look(session, length, ended, ret_take);
	verdict = client_hello_read(bytes, length, config_of(session)->hello_max, &hello);
	if (verdict == HELLO_MORE)
		return ended ? cut(session) : GREETED_MORE;
	return verdict == HELLO_READ ? follow(session, &hello) : refuse(session, verdict);
}

static enum greeted late(struct session *session)
{
	bool silent = !session->road.lanes[LANE_UP].queued;

	if (refusal_is_said(session))
		return refusal_late(session);
	return refusal_say(session, silent ? REASON_NO_HELLO : REASON_HELLO_TIMEOUT, NULL, 0);
}

static uint32_t timeout_ms(const struct session *session)
{
	return config_of(session)->hello_timeout_ms;
}

const struct greet_step greet_hello = {.look = look, .late = late, .timeout_ms = timeout_ms};
