#include "session/reach.h"

#include "pool/passive.h"
#include "session/sessions.h"
#include "session/tenancy.h"

#include "ops/log.h"

#include <inttypes.h>
#include <unistd.h>

void reach_init(struct reach *reach, struct server *server)
{
	*reach = (struct reach){.server = server};
	shortage_line_init(&reach->ports, reach, CONDITION_PORTS);
	shortage_line_init(&reach->backlog, reach, CONDITION_COUNT);
}

static void init(void *reach, struct server *server, uint32_t worker)
{
	(void)worker;
	reach_init(reach, server);
}

struct servers_reaches reach_of_servers(uint32_t workers)
{
	return (struct servers_reaches){workers, sizeof(struct reach), init};
}

struct reach *reach_to(struct server *server, uint32_t worker)
{
	struct reach *reach = (struct reach *)server->reaches + worker;

	if (unlikely(!reach->cell))
		reach->cell = account_cell(server->account, worker);
	return reach;
}

/* Told once, until the main thread has looked. */
static void tell(struct sessions *all, struct server *server, uint32_t news)
{
	uint64_t one = 1;

	if ((atomic_fetch_or(&server->news, news) & news) == news ||
	    atomic_exchange(&all->engine->news, true))
		return;
	if (all->engine->wake_fd >= 0)
		(void)!write(all->engine->wake_fd, &one, sizeof(one));
}

void reach_failed(struct sessions *all, struct reach *reach, int error)
{
	struct server *server = reach->server;
	const struct passive_rule rule = {
		.fails = atomic_load_explicit(&server->fails, memory_order_relaxed),
		.within_ms = atomic_load_explicit(&server->within_ms, memory_order_relaxed),
	};
	uint32_t news = SERVER_FAILED, out_ms;

	server_failed(server, error, all->loop->now_ms);
	if (server_fault(server, error) == FAULT_REFUSED)
		news |= SERVER_REFUSED;
	atomic_store_explicit(&server->error, error, memory_order_relaxed);
	switch (passive_failed(server, &rule, server->passive, all->loop->now_ms, &out_ms)) {
	case PASSIVE_EJECTED:
		atomic_store(&server->out_ms, out_ms);
		news |= SERVER_EJECTED;
		break;
	case PASSIVE_LONGER:
		atomic_store(&server->out_ms, out_ms);
		news |= SERVER_STAYS_OUT;
		break;
	case PASSIVE_NOTHING:
		break;
	}
	tell(all, server, news);
}

void reach_took(struct sessions *all, struct reach *reach)
{
	if (unlikely(passive_word(reach->server)) &&
	    passive_ends(reach->server, reach->server->passive))
		tell(all, reach->server, SERVER_IS_BACK);
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

void reach_returned(struct sessions *all, struct branch *branch)
{
	if (!spell_meet(&branch->returning, all->loop->now_ms))
		return;
	list_push(&all->returning, &branch->returning_link);
	condition_settle_by(all->loop, spell_over_ms(&branch->returning));
	log_warning("%s: a connection came back to the section, and is reset: one of its servers "
		    "leads here again, by itself or through other sections",
		    branch->section->config->title);
}

static void settle_returning(struct sessions *all)
{
	struct list *node = all->returning.next, *next;

	for (; node != &all->returning; node = next) {
		struct branch *branch = container_of(node, struct branch, returning_link);

		next = node->next;
		if (all->loop->now_ms < spell_over_ms(&branch->returning)) {
			condition_settle_by(all->loop, spell_over_ms(&branch->returning));
			continue;
		}
		log_info("%s: no connection comes back any more (%" PRIu64 " were reset)",
			 branch->section->config->title, branch->returning.met);
		spell_end(&branch->returning, all->loop->now_ms);
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

void reach_forget_recovering(struct sessions *all)
{
	while (list_pop(&all->recovering))
		;
}

void reach_forget_returned(struct branch *branch)
{
	if (list_is_linked(&branch->returning_link))
		list_remove(&branch->returning_link);
}
