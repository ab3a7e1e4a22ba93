#include "control/roster.h"

#include "ops/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that leads back is left out. */
static int add(struct section *section, struct resolver *resolver,
	       const struct config_endpoint *endpoint, const struct address *address,
	       const char *text)
{
	uint32_t count = atomic_load_explicit(&section->server_count, memory_order_relaxed);
	struct server *server = &section->servers[count];
	int r = resolve_leads_on(resolver, section->index, endpoint, address);

	if (r <= 0)
		return r;
	assert(count < section->server_room);
	/* hop_prepare() knows better of those that are there at the start. */
	*server = (struct server){.address = *address, .text = strdup(text), .may_return = true};
	if (!server->text)
		return log_no_memory("the servers");
	/* From now on it is read by workers. */
	atomic_store_explicit(&section->server_count, count + 1, memory_order_release);
	return 0;
}

static int add_found(struct section *section, struct resolver *resolver,
		     const struct resolution *answer)
{
	int r = 0;

	for (uint32_t i = 0; i < answer->count && r == 0; i++) {
		char number[ADDRESS_TEXT_MAX], text[2 * ADDRESS_TEXT_MAX + 4];

		snprintf(text, sizeof(text), "%s (%s)", answer->endpoint->text,
			 address_format(&answer->found[i], number, sizeof(number)));
		r = add(section, resolver, answer->endpoint, &answer->found[i], text);
	}
	return r;
}

int roster_open(struct section *section, struct resolver *resolver)
{
	const struct config_section *source = section->config;
	int r = 0;

	for (size_t i = 0; i < source->server_count; i++)
		section->server_room +=
			source->servers[i].address.kind == ADDRESS_NAME ? NAMES_ADDRESSES_MAX : 1;
	section->servers = calloc(section->server_room, sizeof(*section->servers));
	if (!section->servers)
		return log_no_memory("the servers");
	for (size_t i = 0; i < source->server_count && r == 0; i++) {
		const struct config_endpoint *endpoint = &source->servers[i];
		const struct resolution *answer = resolver_answer(resolver, endpoint);

		if (endpoint->address.kind != ADDRESS_NAME)
			r = add(section, resolver, endpoint, &endpoint->address, endpoint->text);
		else if (answer)
			r = add_found(section, resolver, answer);
	}
	return r;
}

void roster_close(struct section *section)
{
	for (uint32_t i = 0; section->servers && i < section->server_count; i++)
		free(section->servers[i].text);
	free(section->servers);
	section->servers = NULL;
}

void roster_extend(struct section *section, struct resolver *resolver,
		   const struct resolution *answer)
{
	(void)!add_found(section, resolver, answer); /* what is wrong has been logged */
}
