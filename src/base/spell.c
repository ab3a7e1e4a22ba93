#include "base/spell.h"

#define PATIENCE_MAX_MS 60000
#define SOON_MS         60000

uint32_t spell_patience(uint64_t ended_ms, uint32_t patience_ms, uint64_t now_ms)
{
	uint32_t twice = 2 * patience_ms;

	if (!ended_ms || now_ms - ended_ms > SOON_MS)
		return SPELL_PATIENCE_FIRST_MS;
	return twice < PATIENCE_MAX_MS ? twice : PATIENCE_MAX_MS;
}

bool spell_meet(struct spell *spell, uint64_t now_ms)
{
	bool begins = spell->met++ == 0;

	if (begins) {
		spell->patience_ms = spell_patience(spell->ended_ms, spell->patience_ms, now_ms);
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
