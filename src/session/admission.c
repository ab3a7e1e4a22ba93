#include "session/admission.h"

#include "guard/acl.h"
#include "session/section.h"
#include "session/sessions.h"
#include "session/tenancy.h"

#include "ops/log.h"

static seldom void log_refused(const struct branch *branch, const char *listener,
			       const struct arrival *arrival, const char *why)
{
	char client[ADDRESS_TEXT_MAX];

	log_debug("%s %s: refused %s: %s", branch->section->config->title, listener,
		  arrival_text(arrival, client, sizeof(client)), why);
}

static bool ask_lists(struct sessions *all, struct branch *branch, const char *listener,
		      const struct arrival *arrival)
{
	const struct acl *acl = branch->section->acl;
	struct acl_verdict verdict =
		arrival->is_inet ? acl_ask(acl, arrival->address) : acl_ask_user(acl, arrival->uid);

	if (verdict.admits)
		return true;
	stats_count(&all->loop->stats, denied, 1);
	refused_by_rule(all, branch, verdict.rule, arrival);
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_refused(branch, listener, arrival, acl_rule_text(acl, verdict.rule));
	return false;
}

void admission_limit(struct section *section)
{
	const struct config_settings *settings = &section->config->settings;

	section->limits = (struct clients_limits){
		.most = settings->max_per_client,
		.prefix_v4 = (uint8_t)settings->client_prefix_v4,
		.prefix_v6 = (uint8_t)settings->client_prefix_v6,
	};
	clients_set_rate(&section->limits, settings->client_rate.count,
			 settings->client_rate.period_ms);
	if (clients_any_limit(&section->limits))
		section->guards |= GUARD_CLIENTS;
}

static bool refuse_client(struct sessions *all, struct branch *branch, const char *listener,
			  const struct arrival *arrival, enum refused_cause cause)
{
	if (cause == REFUSED_CLIENT_MOST)
		stats_count(&all->loop->stats, client_most, 1);
	else
		stats_count(&all->loop->stats, client_fast, 1);
	refused_client(all, branch, cause, arrival);
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_refused(branch, listener, arrival, refused_sentence(cause));
	return false;
}

/* Who is at a unix socket has no address, and is no client in this sense. */
static bool ask_clients(struct sessions *all, struct branch *branch, const char *listener,
			const struct arrival *arrival, struct clients_place *ret_counted)
{
	const struct section *section = branch->section;

	if (!arrival->is_inet)
		return true;
	switch (clients_enter(&all->engine->clients, section->account->id, arrival->address,
			      &section->limits, all->loop->coalesce.now_ns, ret_counted)) {
	case CLIENTS_COUNTED:
		return true;
	case CLIENTS_UNKNOWN:
		stats_count(&all->loop->stats, client_table_full, 1);
		return true;
	case CLIENTS_TOO_MANY:
		return refuse_client(all, branch, listener, arrival, REFUSED_CLIENT_MOST);
	case CLIENTS_TOO_FAST:
		return refuse_client(all, branch, listener, arrival, REFUSED_CLIENT_FAST);
	}
	return true;
}

bool admission_ask(struct sessions *all, struct branch *branch, const char *listener,
		   const struct arrival *arrival, struct clients_place *ret_counted)
{
	unsigned guards = branch->section->guards;

	*ret_counted = (struct clients_place){0};
	if (guards & GUARD_LISTS && !ask_lists(all, branch, listener, arrival))
		return false;
	return !(guards & GUARD_CLIENTS) ||
	       ask_clients(all, branch, listener, arrival, ret_counted);
}

void admission_over(struct sessions *all, struct clients_place *counted)
{
	if (unlikely(clients_is_counted(counted)))
		clients_leave(&all->engine->clients, counted);
}
