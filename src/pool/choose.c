#include "pool/choose.h"

#include "pool/look.h"
#include "pool/ways.h"

/* Its place; false: another was quicker. */
static bool take(const struct look *look, struct server *server)
{
	uint64_t now_ms = look->wish->now_ms;

	/* First that: a place is taken for good, or others would wait for it in vain. */
	if (!look->ejected_too && !passive_admits(server, now_ms))
		return false;
	if (server_reserve(server))
		return true;
	passive_unknown(server, now_ms);
	return false;
}

/* Somebody of the tier, reserved. */
static struct server *from_tier(struct look *look, const struct way *way)
{
	/* Others are quicker once each, or somebody else would do by now. */
	for (uint32_t i = 0; i <= look->tier->count; i++) {
		const struct seat *seat = way->propose(look);

		if (!seat)
			return NULL;
		if (take(look, seat->server))
			return seat->server;
	}
	look->seen_full = true;
	return NULL;
}

static struct picker_turn *turn_of(struct picker *picker, uint32_t tier)
{
	return &picker->turns[tier < PICKER_TIERS ? tier : PICKER_TIERS - 1];
}

/* Through all tiers; NULL: nobody. */
static struct server *from_roster(struct look *look)
{
	const struct roster *roster = look->wish->roster;
	const struct way *way = way_of(roster->rule.balance);

	for (uint32_t i = 0; i < roster->tier_count; i++) {
		struct server *server;

		look->tier = &roster->tiers[i];
		look->active = 0;
		look->turn = turn_of(look->wish->picker, i);
		server = from_tier(look, way);
		if (server || (look->seen_full && roster->rule.waits))
			return server;
	}
	return NULL;
}

enum choice pool_choose(const struct wish *wish, struct server **ret_server)
{
	struct look look = {
		.wish = wish,
		.random = wish->random,
	};
	struct server *server = from_roster(&look);

	if (!server && look.seen_ejected && !(look.seen_full && wish->roster->rule.waits)) {
		look.ejected_too = true;
		server = from_roster(&look);
	}
	if (!server)
		return look.seen_full ? CHOICE_FULL : CHOICE_NONE;
	*ret_server = server;
	return CHOICE_MADE;
}
