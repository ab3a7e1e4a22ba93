#include "control/roster.h"

#include "ops/log.h"

#include <errno.h>
#include <stdio.h>

/* A server that leads back is left out. */
static int add(const struct roster *roster, const struct config_endpoint *endpoint,
	       const struct address *address, const char *text)
{
	struct section *section = roster->section;
	char place[RESOLVE_PLACE_MAX], name[RESOLVE_PLACE_MAX + 2 * ADDRESS_TEXT_MAX];
	struct member member = {.place = place, .may_return = true};
	size_t index = (size_t)(section->config - section->edition->config->sections);
	int r = resolve_leads_on(roster->resolver, index, endpoint, address);

	if (r <= 0)
		return r;
	snprintf(place, sizeof(place), "%s:%u", section->edition->config->files[endpoint->file],
		 endpoint->line);
	/* hop_prepare() knows better of those that are there at the start. */
	member.server = servers_get(roster->servers, section->config->title, text, text, address);
	if (!member.server)
		return log_no_memory("the servers");
	snprintf(name, sizeof(name), "%s %s", section->config->title, text);
	/* One that another reading names has it, and workers read it. */
	if (!member.server->account)
		member.server->account = ledger_account(roster->ledger, name);
	if (member.server->account && pool_add(&section->pool, &member) == 0)
		return 0;
	servers_put(member.server);
	return log_no_memory("the servers");
}

static int add_found(const struct roster *roster, const struct resolution *answer)
{
	int r = 0;

	for (uint32_t i = 0; i < answer->count && r == 0; i++) {
		char number[ADDRESS_TEXT_MAX], text[2 * ADDRESS_TEXT_MAX + 4];

		snprintf(text, sizeof(text), "%s (%s)", answer->endpoint->text,
			 address_format(&answer->found[i], number, sizeof(number)));
		r = add(roster, answer->endpoint, &answer->found[i], text);
	}
	return r;
}

int roster_open(const struct roster *roster)
{
	const struct config_section *source = roster->section->config;
	uint32_t room = 0;
	int r = 0;

	for (size_t i = 0; i < source->server_count; i++)
		room += source->servers[i].address.kind == ADDRESS_NAME ? NAMES_ADDRESSES_MAX : 1;
	if (pool_open(&roster->section->pool, room) < 0)
		return log_no_memory("the servers");
	for (size_t i = 0; i < source->server_count && r == 0; i++) {
		const struct config_endpoint *endpoint = &source->servers[i];
		const struct resolution *answer = resolver_answer(roster->resolver, endpoint);

		if (endpoint->address.kind != ADDRESS_NAME)
			r = add(roster, endpoint, &endpoint->address, endpoint->text);
		else if (answer)
			r = add_found(roster, answer);
	}
	return r;
}

void roster_extend(const struct roster *roster, const struct resolution *answer)
{
	(void)!add_found(roster, answer); /* what is wrong has been logged */
}
