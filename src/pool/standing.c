#include "pool/standing.h"

#include "pool/passive.h"
#include "pool/pool.h"
#include "pool/ruling.h"
#include "pool/server.h"

static const struct {
	const char *word, *why;
	bool refuses, unchecked, panics;
} causes[] = {
	[STANDING_WELL] = {"up", "", false, false, false},
	[STANDING_REMOVED] = {"gone", "removed by an operator", true, true, false},
	[STANDING_DRAINED] = {"drain", "drained by an operator", true, false, false},
	[STANDING_MAINTAINED] = {"maint", "taken out by an operator", true, true, false},
	[STANDING_UNWEIGHTED] = {"drain", "given weight 0 by an operator", true, false, false},
	[STANDING_DISABLED] = {"maint", "disabled in the configuration", true, true, false},
	[STANDING_WEIGHTLESS] = {"drain", "weight 0 in the configuration", true, false, false},
	[STANDING_GONE] = {"gone", "its name stands for other addresses", true, true, false},
	[STANDING_DOWN] = {"down", "its check fails", true, false, true},
	[STANDING_EJECTED] = {"down", "its connections failed", false, false, false},
	[STANDING_FAILING] = {"down", "it can not be connected to", false, false, false},
};
static_assert(array_size(causes) == STANDING_CAUSE_COUNT, "every cause has its row");

const char *standing_word(enum standing_cause cause)
{
	return causes[cause].word;
}

const char *standing_why(enum standing_cause cause)
{
	return causes[cause].why;
}

/* Everybody who may have something against it, those first whose word is shown. */
static uint32_t objections_to(const struct member *member, const struct ruling *ruling)
{
	const struct server *server = member->server;
	bool weighted = ruling && ruling->weight != RULING_AS_CONFIGURED;
	uint64_t until_ms;
	bool tried;

#define IF(condition, cause) ((condition) ? 1u << (cause) : 0)
	return IF(member->removed, STANDING_REMOVED) |
	       IF(ruling && ruling->state == RULING_DRAIN, STANDING_DRAINED) |
	       IF(ruling && ruling->state == RULING_MAINT, STANDING_MAINTAINED) |
	       IF(weighted && ruling->weight == 0, STANDING_UNWEIGHTED) |
	       IF(member->disabled, STANDING_DISABLED) |
	       IF(!weighted && member->weight == 0, STANDING_WEIGHTLESS) |
	       IF(member->gone_ms, STANDING_GONE) | IF(server->vitals.down, STANDING_DOWN) |
	       IF(passive_is_out(server, &until_ms, &tried), STANDING_EJECTED) |
	       IF(server_is_out_of_reach(server), STANDING_FAILING);
#undef IF
}

struct standing standing_of(const struct member *member)
{
	const struct ruling *ruling = member->server->ruling;
	uint32_t objections = objections_to(member, ruling);
	struct standing standing = {
		.able = true,
		.takes = true,
		.checked = true,
		.weight = member->weight,
		.limit = member->limit,
	};

	if (ruling && ruling->weight != RULING_AS_CONFIGURED)
		standing.weight = ruling->weight;
	if (ruling && ruling->limit != RULING_AS_CONFIGURED)
		standing.limit = ruling->limit;
	for (unsigned cause = STANDING_CAUSE_COUNT - 1; cause > STANDING_WELL; cause--) {
		if (!(objections & 1u << cause))
			continue;
		standing.cause = (enum standing_cause)cause;
		standing.able &= !causes[cause].refuses || causes[cause].panics;
		standing.takes &= !causes[cause].refuses;
		standing.checked &= !causes[cause].unchecked;
	}
	return standing;
}
