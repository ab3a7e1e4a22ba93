/* The part of loader.h that looks for keys that another leaves without effect. */
#include "config/loader.h"
#include "config/send_proxy.h"

#include <string.h>

static bool idles(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.idle_timeout_ms;
}

static bool ages(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.max_lifetime_ms;
}

static bool splices(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.relay == CONFIG_RELAY_AUTO ||
	       section->settings.relay == CONFIG_RELAY_SPLICE;
}

static bool may_poll(const struct config *config, const struct config_section *section)
{
	(void)section;
	return config->sqpoll != CONFIG_OFF;
}

static bool may_coalesce(const struct config *config, const struct config_section *section)
{
	(void)section;
	return config->sqpoll != CONFIG_ON && !config->busy_poll_us;
}

static bool queues(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.queue;
}

static bool may_fill(const struct config *config, const struct config_section *section)
{
	(void)config;
	for (size_t i = 0; i < section->server_count; i++)
		if (section->servers[i].max_connections)
			return true;
	return false;
}

static bool tries_again(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.retries;
}

static bool has_tiers(const struct config *config, const struct config_section *section)
{
	(void)config;
	for (size_t i = 1; i < section->server_count; i++)
		if (section->servers[i].priority != section->servers[0].priority)
			return true;
	for (size_t i = 0; i < section->server_count; i++)
		if (section->servers[i].address.is_service) /* its records have priorities */
			return true;
	return false;
}

static bool has_names(const struct config *config, const struct config_section *section)
{
	(void)config;
	for (size_t i = 0; i < section->server_count; i++)
		if (section->servers[i].address.kind == ADDRESS_NAME)
			return true;
	return false;
}

static bool has_internet(const struct config *config, const struct config_section *section)
{
	(void)config;
	for (size_t i = 0; i < section->server_count; i++)
		if (section->servers[i].address.kind != ADDRESS_UNIX)
			return true;
	return !section->server_count;
}

static bool checks(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.check != CONFIG_CHECK_OFF;
}

static bool checks_http(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.check == CONFIG_CHECK_HTTP;
}

static bool checks_by_sending(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.check == CONFIG_CHECK_SEND;
}

static bool checks_answers(const struct config *config, const struct config_section *section)
{
	return checks_http(config, section) || checks_by_sending(config, section) ||
	       section->settings.check == CONFIG_CHECK_REDIS;
}

static bool checks_as_user(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.check == CONFIG_CHECK_MYSQL ||
	       section->settings.check == CONFIG_CHECK_POSTGRES;
}

static bool speaks(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->kind != CONFIG_DISCARD;
}

static bool routes(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->route_count > 0;
}

static bool counts_clients(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.max_per_client || section->settings.client_rate.count;
}

#define NO_ROUTES "no route asks for a ClientHello"
static bool takes_headers(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.accept_proxy != CONFIG_ACCEPT_PROXY_OFF;
}

static bool sends_fields(const struct config *config, const struct config_section *section)
{
	(void)config;
	for (size_t i = 0; i < section->server_count; i++)
		if (send_proxy_of(section, &section->servers[i]) == CONFIG_SEND_PROXY_V2)
			return true;
	return false;
}

#define NO_HEADERS  "it is about accept_proxy, which is off"
#define NOT_CHECKED "it is about check, which is off"
#define NO_CLIENTS  "it is about max_per_client and client_rate, which are off"
#define NO_NAMES    "no server of these is a name"

/* Keys that another one leaves without effect. */
static const struct {
	const char *key;
	bool (*matters)(const struct config *config, const struct config_section *section);
	const char *why;
} dependents[] = {
	{"sqpoll_cpus", may_poll, "there are no polling threads with sqpoll = off"},
	{"sqpoll_idle", may_poll, "there are no polling threads with sqpoll = off"},
	{"coalesce", may_coalesce, "nothing is waited for with sqpoll = on or busy_poll"},
	{"max_lifetime_jitter", ages, "it is a part of max_lifetime, which is off"},
	{"idle_if_alive", idles, "it is about idle_timeout, which is off"},
	{"download_rate", speaks, "nothing is said to its clients"},
	{"pipe_size", splices, "there are no pipes with this relay"},
	{"no_sni", routes, NO_ROUTES},
	{"hello_timeout", routes, NO_ROUTES},
	{"hello_max", routes, NO_ROUTES},
	{"preface", routes, NO_ROUTES},
	{"client_prefix_v4", counts_clients, NO_CLIENTS},
	{"client_prefix_v6", counts_clients, NO_CLIENTS},
	{"queue", may_fill, "no server has max_connections, so that none is ever full"},
	{"queue_timeout", queues, "it is about queue, which is off"},
	{"retry_timeout", tries_again, "no other server is tried with retries = 0"},
	{"mark", has_internet, "all servers are unix sockets"},
	{"interface", has_internet, "all servers are unix sockets"},
	{"on_up", has_tiers, "there is no backup, and all priorities are the same"},
	{"on_down", checks, "what is down is found out by check, which is off"},
	{"check_request", checks_http, "it is about check = http"},
	{"check_host", checks_http, "it is about check = http"},
	{"check_send", checks_by_sending, "it is about check = send"},
	{"check_expect", checks_answers, "it is about check = http, send and redis"},
	{"check_user", checks_as_user, "it is about check = mysql and postgres"},
	{"check_every", checks, NOT_CHECKED},
	{"check_timeout", checks, NOT_CHECKED},
	{"check_fall", checks, NOT_CHECKED},
	{"check_rise", checks, NOT_CHECKED},
	{"check_fast", checks, NOT_CHECKED},
	{"accept_proxy_others", takes_headers, NO_HEADERS},
	{"accept_proxy_timeout", takes_headers, NO_HEADERS},
	{"send_proxy_tlv", sends_fields, "only headers of version 2 say more: send_proxy = v2"},
	{"resolve_min", has_names, NO_NAMES},
	{"resolve_max", has_names, NO_NAMES},
	{"resolve_hold", has_names, NO_NAMES},
	{"resolver", has_names, NO_NAMES},
	{"family", has_names, NO_NAMES},
};

/* Set by itself, or in [defaults] without mattering to any section. */
static void warn_of(struct loader *loader, size_t dependent, const struct config_section *section)
{
	const struct config *config = loader->config;
	const char *key = dependents[dependent].key;
	unsigned where = section ? (unsigned)IN_PROXY << section->kind : IN_GLOBAL;
	const struct schema_key *row = schema_find(key, where);
	const struct config_origin *origin;
	char value[VALUE_CPUS_TEXT_MAX];
	const void *owner;

	if (!row || (section && !schema_applies(row, section)) ||
	    dependents[dependent].matters(config, section))
		return;
	owner = row->owner == OWNER_SECTION    ? (const void *)section
		: row->owner == OWNER_SETTINGS ? (const void *)&section->settings
					       : (const void *)config;
	origin = &(section ? section->origins : config->origins)[row - schema_keys];
	if (!origin->line || origin->defaults || origin->refused ||
	    !strcmp(schema_format(row, owner, value, sizeof(value)), row->initial))
		return;
	report_key(loader->report, REPORT_WARNING, config, section, key, "has no effect: %s",
		   dependents[dependent].why);
}

static void warn_of_defaults(struct loader *loader, size_t dependent)
{
	const struct config *config = loader->config;
	const char *key = dependents[dependent].key;
	const struct schema_key *row = schema_find(key, IN_DEFAULTS);
	const struct config_section *section, *first = NULL;

	for (size_t i = 0; row && (section = config_section_at(config, i)); i++) {
		if (!section->origins[row - schema_keys].defaults)
			continue;
		if (dependents[dependent].matters(config, section))
			return;
		if (row->where & (unsigned)IN_PROXY << section->kind)
			first = first ? first : section;
	}
	if (first)
		report_key(loader->report, REPORT_WARNING, config, first, key, "has no effect: %s",
			   dependents[dependent].why);
}

void loader_check_effects(struct loader *loader)
{
	const struct config *config = loader->config;

	for (size_t i = 0; i < array_size(dependents); i++) {
		if (schema_find(dependents[i].key, IN_GLOBAL)) {
			warn_of(loader, i, NULL);
			continue;
		}
		warn_of_defaults(loader, i);
		for (size_t j = 0; config_section_at(config, j); j++)
			warn_of(loader, i, config_section_at(config, j));
	}
}
