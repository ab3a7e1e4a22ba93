#include "control/enlist.h"

#include "pool/departure.h"

#include "ops/ledger.h"
#include "ops/log.h"

#include <stdio.h>

int enlist(struct pool *pool, const struct pool_means *means, const struct enlisted *enlisted)
{
	const struct config_endpoint *line = enlisted->line;
	const char *title = pool->config->title;
	char text[RESOLVE_PLACE_MAX], account[RESOLVE_PLACE_MAX + 2 * ADDRESS_TEXT_MAX];
	struct member member = {
		.weight = enlisted->weight,
		.tier = enlisted->tier,
		.limit = line->max_connections,
		.disabled = line->disabled,
		.line = line,
	};
	const struct departure *departure;
	int r = resolve_leads_on(means->resolver, pool->config, line, enlisted->address);

	if (r <= 0)
		return r;
	snprintf(text, sizeof(text), "%s:%u", means->config->files[line->file], line->line);
	member.place = servers_place(means->servers, enlisted->place ? enlisted->place : text);
	if (member.place)
		member.server = servers_get(means->servers, title, enlisted->name, enlisted->text,
					    member.place, enlisted->address);
	if (!member.server)
		return log_no_memory("the servers");
	snprintf(account, sizeof(account), "%s %s", title, enlisted->name);
	if (departure_get(means->servers, pool->config, line, &departure) < 0 ||
	    way_get(means->servers, member.server, departure, &member.way) < 0) {
		servers_put(member.server);
		return log_no_memory("the servers");
	}
	/* One that another reading names has it, and workers read it. */
	if (!member.server->account) {
		member.server->account = ledger_account(means->ledger, account);
		if (member.server->account)
			account_use(member.server->account);
	}
	if (member.server->account && pool_add(pool, &member) == 0)
		return 0;
	servers_put(member.server);
	return log_no_memory("the servers");
}
