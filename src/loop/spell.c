#include "loop/spell.h"

#define PATIENCE_MAX_MS 60000
#define SOON_MS         60000

static uint32_t patience_for(const struct spell *spell, uint64_t now_ms)
{
	uint32_t twice = 2 * spell->patience_ms;

	if (!spell->ended_ms || now_ms - spell->ended_ms > SOON_MS)
		return SPELL_PATIENCE_FIRST_MS;
	return twice < PATIENCE_MAX_MS ? twice : PATIENCE_MAX_MS;
}

bool spell_meet(struct spell *spell, uint64_t now_ms)
{
	bool begins = spell->met++ == 0;

	if (begins) {
		spell->patience_ms = patience_for(spell, now_ms);
		spell->since_ms = now_ms;
	}
	spell->last_ms = now_ms;
	return begins;
}

void spell_end(struct spell *spell, uint64_t now_ms)
{
	spell->met = 0;
	spell->ended_ms = now_ms;
}
