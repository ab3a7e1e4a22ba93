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

bool admission_ask(struct sessions *all, struct branch *branch, const char *listener,
		   const struct arrival *arrival)
{
	unsigned guards = branch->section->guards;

	if (guards & GUARD_LISTS && !ask_lists(all, branch, listener, arrival))
		return false;
	return true;
}
