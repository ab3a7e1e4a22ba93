#include "session/greet_proxy.h"

#include "base/cidr.h"
#include "config/config.h"
#include "greet/proxy_header.h"
#include "lane/strategy.h"
#include "loop/socket.h"
#include "session/admission.h"
#include "session/greeting.h"
#include "session/introduced.h"
#include "session/section.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tenancy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct config_settings *settings_of(const struct session *session)
{
	return &session->branch->section->config->settings;
}

/* ---- Who is believed ------------------------------------------------------------------------- */

int greet_proxy_build(struct section *section)
{
	const struct config_line *line = NULL;
	char why[CIDR_WHY_MAX];
	uint32_t count = 0;

	if (section->config->settings.accept_proxy == CONFIG_ACCEPT_PROXY_OFF)
		return 0;
	section->asks |= 1u << ASK_PROXY;
	while ((line = config_line_of(section->config, "accept_proxy_from", line)))
		count++;
	if (!count)
		return 0;
	section->proxies = calloc(count, sizeof(*section->proxies));
	if (!section->proxies)
		return -ENOMEM;
	while ((line = config_line_of(section->config, "accept_proxy_from", line)))
		if (cidr_parse(&section->proxies[section->proxy_count], line->text,
			       strlen(line->text), why) == 0)
			section->proxy_count++;
	return 0;
}

void greet_proxy_done(struct section *section)
{
	free(section->proxies);
	section->proxies = NULL;
	section->proxy_count = 0;
}

/* Whoever reaches a unix socket is believed: its file says who that is. */
bool greet_proxy_is_expected(const struct section *section, const struct arrival *peer)
{
	if (!section->proxies || peer->peer.sin6_family == AF_UNIX)
		return true;
	for (uint32_t i = 0; peer->is_inet && i < section->proxy_count; i++)
		if (cidr_has(&section->proxies[i], peer->address))
			return true;
	return false;
}

bool greet_proxy_rejects_others(const struct section *section)
{
	return section->config->settings.accept_proxy_others == CONFIG_OTHERS_REJECT;
}

static enum greeted begin(struct session *session)
{
	struct arrival peer;

	arrival_look(&peer, session->road.fd[SIDE_CLIENT]);
	return greet_proxy_is_expected(session->branch->section, &peer) ? GREETED_MORE
									: GREETED_DONE;
}

/* ---- It is over ------------------------------------------------------------------------------ */

static enum greeted refuse(struct session *session, enum reason reason)
{
	struct arrival peer;

	arrival_look(&peer, session->road.fd[SIDE_CLIENT]);
	refused_client(session->all, session->branch, REFUSED_NO_HEADER, &peer);
	session->road.lanes[LANE_UP].received = 0; /* of a client there was nothing */
	session_end(session, reason, SIDE_CLIENT, 0);
	return GREETED_OVER;
}

/* Nothing was said that could be cut short. */
static enum greeted was_check(struct session *session)
{
	session->end.reason = REASON_PROXY_CHECK;
	session_end(session, REASON_COMPLETED, SIDE_CLIENT, 0);
	return GREETED_OVER;
}

static enum greeted wrong(struct session *session, enum proxy_fault fault)
{
	static_assert((int)REASON_PROXY_CHECKSUM - (int)REASON_PROXY_SIGNATURE ==
			      (int)PROXY_FAULT_CHECKSUM - (int)PROXY_FAULT_SIGNATURE,
		      "a reason for each fault, in their order");
	return refuse(session, (enum reason)(REASON_PROXY_SIGNATURE +
					     ((int)fault - (int)PROXY_FAULT_SIGNATURE)));
}

static enum greeted late(struct session *session)
{
	return refuse(session, REASON_PROXY_LATE);
}

/* ---- What it says ---------------------------------------------------------------------------- */

static enum greeted no_memory(struct session *session)
{
	session->resetting[SIDE_CLIENT] = true;
	session_end(session, REASON_NO_MEMORY, SIDE_CLIENT, -ENOMEM);
	return GREETED_OVER;
}

/* A name that it gives, where the client has given none yet. */
static bool keep_text(char **text, const struct proxy_header *header, uint8_t type)
{
	struct proxy_tlv tlv;

	if (*text || !proxy_tlv_find(header->tlvs, header->tlvs_size, type, &tlv) || !tlv.size ||
	    memchr(tlv.value, '\0', tlv.size))
		return true;
	*text = strndup((const char *)tlv.value, tlv.size);
	return *text;
}

static bool keep_fields(struct introduced *introduced, const struct proxy_header *header)
{
	if (!header->tlvs_size)
		return true;
	introduced->tlvs = malloc(header->tlvs_size);
	if (!introduced->tlvs)
		return false;
	memcpy(introduced->tlvs, header->tlvs, header->tlvs_size);
	introduced->tlv_size = header->tlvs_size;
	return keep_text(&introduced->sni, header, PROXY_TLV_AUTHORITY) &&
	       keep_text(&introduced->alpn, header, PROXY_TLV_ALPN);
}

/* From now on the client is the one that it names. */
static bool introduce(struct session *session, const struct proxy_header *header)
{
	struct introduced *introduced = introduced_of(session);

	if (!introduced)
		return false;
	introduced->is_check = header->told == PROXY_TOLD_LOCAL;
	if (header->told != PROXY_TOLD_ADDRESSES)
		return true;
	socket_peer(session->road.fd[SIDE_CLIENT], &introduced->real);
	endpoint_to_socket(&header->source, &session->client);
	endpoint_to_socket(&header->destination, &introduced->destination);
	introduced->has_real = introduced->has_destination = true;
	return keep_fields(introduced, header);
}

/* What worker/admit.c asks of those that need no header. */
static enum greeted admit(struct session *session)
{
	const struct section *section = session->branch->section;
	struct arrival arrival;

	if (!section->guards)
		return GREETED_DONE;
	if (session->introduced && session->introduced->has_real)
		arrival_said(&arrival, &session->client);
	else
		arrival_look(&arrival, session->road.fd[SIDE_CLIENT]);
	if (admission_ask(session->all, session->branch, session->listener, &arrival,
			  &session->counted))
		return GREETED_DONE;
	if (settings_of(session)->reject == CONFIG_REJECT_FIN) {
		session->end.reason = REASON_PROXY_DENIED;
		session_end(session, REASON_COMPLETED, SIDE_CLIENT, 0);
	} else {
		session_end(session, REASON_PROXY_DENIED, SIDE_CLIENT, 0);
	}
	return GREETED_OVER;
}

static enum greeted take_header(struct session *session, const struct proxy_header *header,
				uint32_t length, bool ended, uint32_t *ret_take)
{
	if (header->told == PROXY_TOLD_LOCAL && ended && length == header->length)
		return was_check(session);
	if (!introduce(session, header))
		return no_memory(session);
	/* It is not the client's, and counts as nothing that was received from it. */
	session->road.lanes[LANE_UP].received -= header->length;
	*ret_take = header->length;
	return admit(session);
}

static enum greeted look(struct session *session, const unsigned char *bytes, uint32_t length,
			 bool ended, uint32_t *ret_take)
{
	static const uint8_t versions[] = {
		[CONFIG_ACCEPT_PROXY_OFF] = 0,
		[CONFIG_ACCEPT_PROXY_V1] = PROXY_V1,
		[CONFIG_ACCEPT_PROXY_V2] = PROXY_V2,
		[CONFIG_ACCEPT_PROXY_ANY] = PROXY_ANY,
	};
	struct proxy_reading reading =
		proxy_read(bytes, length, versions[settings_of(session)->accept_proxy]);

	if (reading.progress == PROXY_WRONG)
		return wrong(session, reading.fault);
	if (reading.progress == PROXY_DONE)
		return take_header(session, &reading.header, length, ended, ret_take);
	if (!ended)
		return GREETED_MORE;
	return length ? refuse(session, REASON_PROXY_CUT) : was_check(session);
}

static uint32_t timeout_ms(const struct session *session)
{
	return settings_of(session)->accept_proxy_timeout_ms;
}

const struct greet_step greet_proxy = {
	.begin = begin,
	.look = look,
	.late = late,
	.timeout_ms = timeout_ms,
};
