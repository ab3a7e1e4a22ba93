#include "pool/vitals.h"

#include "config/config.h"

void vitals_start(struct vitals *vitals, uint32_t slow_ms, uint64_t now_ms)
{
	vitals->slow_ms = slow_ms;
	vitals->starts_ms = slow_ms ? now_ms : 0;
}

static bool starts(const struct vitals *vitals, uint64_t now_ms)
{
	return vitals->starts_ms && now_ms - vitals->starts_ms < vitals->slow_ms;
}

uint32_t vitals_step(const struct vitals *vitals, uint64_t now_ms)
{
	uint64_t passed = now_ms - vitals->starts_ms;

	return starts(vitals, now_ms) ? 1 + (uint32_t)(passed * VITALS_STEPS / vitals->slow_ms)
				      : VITALS_STEPS;
}

uint64_t vitals_next_ms(const struct vitals *vitals, uint64_t now_ms)
{
	uint64_t step = vitals_step(vitals, now_ms);

	if (!starts(vitals, now_ms))
		return UINT64_MAX;
	return vitals->starts_ms + (step * vitals->slow_ms + VITALS_STEPS - 1) / VITALS_STEPS;
}

uint32_t vitals_limit(const struct vitals *vitals, uint32_t limit, uint64_t now_ms)
{
	uint64_t now = (uint64_t)limit * vitals_step(vitals, now_ms) / VITALS_STEPS;

	return limit && !now ? 1 : (uint32_t)now;
}

bool vitals_panic(uint32_t panic, uint32_t up, uint32_t able)
{
	if (panic == CONFIG_PANIC_OFF || up == able)
		return false;
	if (panic == CONFIG_PANIC_LAST_RESORT)
		return up == 0;
	return (uint64_t)up * 100 < (uint64_t)able * panic;
}
