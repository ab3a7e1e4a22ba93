#include "support/sim_strangers.h"

#include "base/hash.h"
#include "guard/acl.h"
#include "session/admission.h"
#include "session/tally.h"
#include "support/sim_edition.h"

#include <arpa/inet.h>
#include <string.h>

#define LINES "[echo x]\nlisten = 1\ndeny = 2001:db8::/32\n"

/* Of chance, but not of the seed's: whoever comes and what they do is as it was without. */
static uint64_t chance(uint64_t of)
{
	return hash_spread(sim.seed * 7919 + of);
}

static bool has_strangers(void)
{
	return chance(0) % 4 == 0;
}

static bool is_stranger(const struct sim_connection *client)
{
	return has_strangers() && client->client &&
	       chance(1000 + (uint64_t)(client - sim.connections)) % 3 == 0;
}

/* One for all: nothing is counted in it. */
static struct acl *acl_of_lines(void)
{
	static struct config config;
	static struct report report;
	static struct acl *acl;

	if (!acl && (config_parse(&config, "sim", LINES, strlen(LINES), &report) < 0 ||
		     acl_make(&acl, &config, &config.sections[0], &report) < 0))
		sim_fail("the lines of allow and deny cannot be read");
	return acl;
}

void sim_strangers_guard(struct section *section, struct config_section *source, uint32_t name)
{
	static _Atomic uint64_t cells[SIM_NAMES][2][SIM_WORKERS * TALLY_COUNT];
	static struct account accounts[SIM_NAMES][2];
	static struct account *rules[SIM_NAMES][2];

	if (!has_strangers() || chance(1 + name) % 2)
		return;
	for (unsigned i = 0; i < 2; i++) {
		accounts[name][i] =
			(struct account){.cells = cells[name][i], .stride = TALLY_COUNT};
		rules[name][i] = &accounts[name][i];
	}
	section->acl = acl_of_lines();
	section->rules = rules[name];
	section->guards |= GUARD_LISTS;
	source->settings.reject = (uint32_t)(chance(10 + name) % 3);
}

void sim_strangers_address(const struct sim_connection *client, struct sockaddr_in6 *ret_address)
{
	uint32_t index = (uint32_t)(client - sim.connections);

	*ret_address = (struct sockaddr_in6){.sin6_family = AF_INET6};
	if (is_stranger(client))
		inet_pton(AF_INET6, "2001:db8::5", &ret_address->sin6_addr);
	/* Some come from one network, each from another address of it. */
	ret_address->sin6_addr.s6_addr[7] = (unsigned char)(index % SIM_NETWORKS);
	ret_address->sin6_addr.s6_addr[14] = (unsigned char)(index >> 8);
	ret_address->sin6_addr.s6_addr[15] = (unsigned char)index;
}

bool sim_may_be_denied(const struct sim_connection *client)
{
	return is_stranger(client);
}

void sim_strangers_opened(const struct section *section, const struct sim_connection *client)
{
	if (is_stranger(client) && section->guards & GUARD_LISTS)
		sim_fail("client %u is let in, and is a stranger",
			 (unsigned)(client - sim.connections));
}
