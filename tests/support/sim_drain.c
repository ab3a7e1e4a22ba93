#include "support/sim_drain.h"

#include "support/sim.h"

#define DRAINS_MAX 6
#define MANY       300 /* connections at once: nobody waits for room */

static struct engine *engine;
static struct section *sections;
static uint32_t count;
static uint64_t drained_ns[8], all_drained_ns; /* SIM_NEVER: it is not */

static void turn_round(_Atomic bool *flag, uint64_t *ns, const char *what)
{
	bool drained = !atomic_load(flag);

	sim_trace("operator: %s %s", what, drained ? "is drained" : "serves again");
	atomic_store(flag, drained);
	*ns = drained ? sim.now_ns : SIM_NEVER;
}

static void steer(void *unused)
{
	uint32_t index = sim_between(0, count);

	(void)unused;
	if (index == count)
		turn_round(&engine->drained, &all_drained_ns, "everything");
	else
		turn_round(&sections[index].account->drained, &drained_ns[index],
			   index ? "the second section" : "the first section");
}

void sim_drain_begin(struct engine *of, struct section *all, uint32_t section_count)
{
	assert(section_count <= array_size(drained_ns));
	engine = of;
	sections = all;
	count = section_count;
	all_drained_ns = SIM_NEVER;
	for (uint32_t i = 0; i < count; i++)
		drained_ns[i] = SIM_NEVER;
	for (uint32_t i = sim_chance(3) ? sim_between(1, DRAINS_MAX) : 0; i > 0; i--)
		sim_at(sim.now_ns + sim_random() % (sim_chance(2) ? 5 * SIM_MS : 150 * SIM_MS),
		       steer, NULL);
}

/* Who waits for room came before. */
static bool may_have_waited(const struct session *session)
{
	return engine->connections_max < MANY || view_section(session)->settings.max_connections;
}

static uint64_t drained_since(const struct session *session)
{
	for (uint32_t i = 0; i < count; i++)
		if (sections[i].config == view_section(session) && drained_ns[i] < all_drained_ns)
			return drained_ns[i];
	return all_drained_ns;
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
