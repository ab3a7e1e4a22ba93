#include "session/reach.h"

#include "session/sessions.h"
#include "session/tenancy.h"

#include "ops/log.h"

#include <inttypes.h>

void reach_init(struct reach *reach, struct branch *branch)
{
	*reach = (struct reach){.branch = branch};
	shortage_line_init(&reach->ports, reach, CONDITION_PORTS);
	shortage_line_init(&reach->backlog, reach, CONDITION_COUNT);
}

void reach_meet(struct reach *reach, uint32_t worker)
{
	reach->server = reach_member(reach)->server;
	reach->cell = account_cell(reach->server->account, worker);
}

void reach_failed(struct sessions *all, struct reach *reach, int error)
{
	const struct member *member = reach_member(reach);

	server_failed(member->server, member->place, error, all->loop->now_ms);
}

/* Whether that needs to be looked at no more. */
static bool settle(struct sessions *all, struct reach *reach)
{
	struct server *server = reach->server;
	uint64_t again_ms;

	/* Who stands in line for its backlog is as good as another attempt that failed. */
	if (!list_is_empty(&reach->backlog.sessions))
		server_keeps_failing(server, all->loop->now_ms);
	if (server_recovers(server, all->loop->now_ms, &again_ms) || again_ms == UINT64_MAX)
		return true;
	condition_settle_by(all->loop, again_ms);
	return false;
}

void reach_answered(struct sessions *all, struct reach *reach)
{
	server_answered(reach->server);
	if (!settle(all, reach) && !list_is_linked(&reach->link))
		list_push(&all->recovering, &reach->link);
}

void reach_returned(struct sessions *all, struct reach *reach)
{
	if (!spell_meet(&reach->returning, all->loop->now_ms))
		return;
	list_push(&all->returning, &reach->returning_link);
	condition_settle_by(all->loop, spell_over_ms(&reach->returning));
	log_warning("%s: a connection came back to the section, and is reset: one of its servers "
		    "leads here again, by itself or through other sections",
		    reach->branch->section->config->title);
}

static void settle_returning(struct sessions *all)
{
	struct list *node = all->returning.next, *next;

	for (; node != &all->returning; node = next) {
		struct reach *reach = container_of(node, struct reach, returning_link);

		next = node->next;
		if (all->loop->now_ms < spell_over_ms(&reach->returning)) {
			condition_settle_by(all->loop, spell_over_ms(&reach->returning));
			continue;
		}
		log_info("%s: no connection comes back any more (%" PRIu64 " were reset)",
			 reach->branch->section->config->title, reach->returning.met);
		spell_end(&reach->returning, all->loop->now_ms);
		list_remove(node);
	}
}

void reach_settle(struct sessions *all)
{
	struct list *node = all->recovering.next, *next;

	settle_returning(all);
	for (; node != &all->recovering; node = next) {
		struct reach *reach = container_of(node, struct reach, link);

		next = node->next;
		if (settle(all, reach))
			list_remove(node);
	}
}

void reach_forget(struct reach *reach)
{
	if (list_is_linked(&reach->link))
		list_remove(&reach->link);
	if (list_is_linked(&reach->returning_link))
		list_remove(&reach->returning_link);
	assert(list_is_empty(&reach->ports.sessions) && list_is_empty(&reach->backlog.sessions));
}
