#include "control/resolve.h"

#include "ops/log.h"

/* ---- Servers that lead back
 * ----------------------------------------------------------------------------------- */

/* Where it leads back to that proxy, that is said. */
static int leads_on_from(struct resolver *resolver, size_t section,
			 const struct config_section *pool, const struct config_endpoint *endpoint,
			 const struct address *address)
{
	char place[RESOLVE_PLACE_MAX], number[ADDRESS_TEXT_MAX];
	const struct config *config = resolver->config;
	struct loop_found found;
	int r = loops_connect(&resolver->loops, section, address, endpoint, &found);

	if (r < 0)
		return log_no_memory("the servers");
	if (r == 0)
		return 1;
	resolve_warn(resolver, endpoint, resolve_place(config, pool, endpoint, false, place),
		     "'%s' is %s, where %s listens (%s:%u)%s: connections would go round without "
		     "end, and "
		     "this server is left out",
		     endpoint->text, address_format(address, number, sizeof(number)),
		     found.section == section ? "this section"
					      : config->sections[found.section].title,
		     config->files[found.line->file], found.line->line,
		     found.onward ? ", which leads back here" : "");
	return 0;
}

int resolve_leads_on(struct resolver *resolver, const struct config_section *pool,
		     const struct config_endpoint *endpoint, const struct address *address)
{
	const struct config *config = resolver->config;
	int r = 1;

	for (size_t i = 0; i < config->section_count && r > 0; i++)
		for (size_t j = 0; j < config->sections[i].reach_count && r > 0; j++)
			if (config->sections[i].reaches[j] == pool)
				r = leads_on_from(resolver, i, pool, endpoint, address);
	return r;
}

static int test_server(struct resolver *resolver, const struct config_section *section,
		       const struct config_endpoint *server)
{
	const struct resolution *answer = resolver_answer(resolver, server);
	int r = 1;

	if (server->address.kind != ADDRESS_NAME)
		return resolve_leads_on(resolver, section, server, &server->address);
	for (uint32_t i = 0; answer && i < answer->set.count && r >= 0; i++) {
		struct address address;

		name_record_address(&answer->set.records[i], &address);
		r = resolve_leads_on(resolver, section, server, &address);
	}
	return r;
}

static int test_servers(struct resolver *resolver, const struct config_section *section)
{
	int r = 0;

	for (size_t i = 0; i < section->server_count && r >= 0; i++)
		r = test_server(resolver, section, &section->servers[i]);
	return r;
}

int resolver_test(const struct config *config, struct report *report)
{
	/* Of a file with mistakes, those that lead round have been told. */
	bool is_right = !report->found[REPORT_MISTAKE];
	struct resolver resolver;
	struct events *events = NULL;
	int r = resolver_open(&resolver, config, NULL);

	resolver.report = report;
	if (r == 0 && (r = events_open(&events)) < 0)
		(void)events_cannot("wait for the addresses of names", r);
	if (r == 0)
		r = resolver_wait(&resolver, events, RESOLVE_TEST_MS);
	events_close(events);
	for (size_t i = 0; is_right && i < config->section_count && r >= 0; i++)
		r = test_servers(&resolver, &config->sections[i]);
	for (size_t i = 0; is_right && i < config->pool_count && r >= 0; i++)
		r = test_servers(&resolver, &config->pools[i]);
	resolver_close(&resolver);
	return r < 0 ? r : 0;
}
