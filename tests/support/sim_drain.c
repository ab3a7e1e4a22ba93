#include "support/sim_drain.h"

#include "support/sim_edition.h"

#define DRAINS_MAX 6
#define MANY       300 /* connections at once: nobody waits for room */

static struct engine *engine;
static uint64_t drained_ns[SIM_NAMES], all_drained_ns; /* SIM_NEVER: it is not */
static bool was_asked;

static void turn_round(_Atomic bool *flag, uint64_t *ns, const char *what)
{
	bool drained = !atomic_load(flag);

	sim_trace("operator: %s %s", what, drained ? "is drained" : "serves again");
	was_asked = true;
	atomic_store(flag, drained);
	*ns = drained ? sim.now_ns : SIM_NEVER;
}

static void steer(void *unused)
{
	static const char *const names[SIM_NAMES] = {"the first section", "the second section",
						     "the third section"};
	uint32_t index = sim_between(0, SIM_NAMES);

	(void)unused;
	if (index == SIM_NAMES)
		turn_round(&engine->drained, &all_drained_ns, "everything");
	else
		turn_round(&sim_account(index)->drained, &drained_ns[index], names[index]);
}

void sim_drain_begin(struct engine *of)
{
	engine = of;
	was_asked = false;
	all_drained_ns = SIM_NEVER;
	for (uint32_t i = 0; i < SIM_NAMES; i++)
		drained_ns[i] = SIM_NEVER;
	for (uint32_t i = sim_chance(3) ? sim_between(1, DRAINS_MAX) : 0; i > 0; i--)
		sim_at(sim.now_ns + sim_random() % (sim_chance(2) ? 5 * SIM_MS : 150 * SIM_MS),
		       steer, NULL);
}

bool sim_drain_was_asked(void)
{
	return was_asked;
}

/* Who waits for room came before. */
static bool may_have_waited(const struct session *session)
{
	return engine->connections_max < MANY || sim_was_limited(view_section(session));
}

static uint64_t drained_since(const struct session *session)
{
	uint64_t ns = drained_ns[sim_account_of(view_section(session))->id - 1];

	return ns < all_drained_ns ? ns : all_drained_ns;
}

void sim_drain_turn(void)
{
	uint32_t seen = 0;

	for (uint32_t slot = 0; seen < view_sessions(sim.worker); slot++) {
		struct session *session = view_session(sim.worker, slot);

		seen += session != NULL;
		if (!session || may_have_waited(session))
			continue;
		if (drained_since(session) < view_started_ms(session) * SIM_MS)
			sim_fail("session %u has begun though its section is drained",
				 view_slot(session));
	}
}
