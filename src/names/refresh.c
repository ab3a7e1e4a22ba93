#include "names/refresh.h"

#define JITTER 10 /* a part in so many */

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
	if (value > most)
		value = most;
	return value < least ? least : value;
}

uint64_t refresh_wait_ms(const struct refresh_rules *rules, uint64_t wait_ms, uint32_t random)
{
	uint64_t wait = clamp(wait_ms, rules->min_ms, rules->max_ms);
	uint64_t jitter = (wait / JITTER) * (random >> 16) >> 16;

	return wait - jitter >= rules->min_ms ? wait - jitter : wait + jitter;
}

void refresh_begin(struct refresh *refresh, uint64_t found_ms, uint64_t due_ms)
{
	*refresh =
		(struct refresh){.found_ms = found_ms, .due_ms = due_ms, .has_set = found_ms != 0};
}

void refresh_ask(struct refresh *refresh)
{
	refresh->due_ms = UINT64_MAX;
}

bool refresh_is_stale(const struct refresh *refresh)
{
	return refresh->has_set && (refresh->failures || refresh->empties);
}

/* When what was found last is not to be used any more, whatever comes. */
static uint64_t held_until_ms(const struct refresh *refresh, const struct refresh_rules *rules)
{
	bool for_ever = !refresh->has_set || rules->hold_ms >= REFRESH_FOR_EVER - refresh->found_ms;

	return for_ever ? UINT64_MAX : refresh->found_ms + rules->hold_ms;
}

static uint64_t ttl_ms(uint32_t ttl_s)
{
	return ttl_s == NAME_NO_TTL ? 0 : (uint64_t)ttl_s * 1000;
}

static uint64_t patience_ms(uint32_t failures)
{
	uint32_t doubled = failures - 1 < 6 ? failures - 1 : 6;

	return clamp((uint64_t)REFRESH_FAILED_MS << doubled, 0, REFRESH_PATIENCE_MS);
}

/* Until then, before the limits: nothing is asked for once more at once, to be believed soon. */
static uint64_t until_next_ms(const struct refresh *refresh, const struct name_answer *answer)
{
	if (refresh->failures)
		return patience_ms(refresh->failures);
	if (refresh->has_set && refresh->empties)
		return 0;
	return ttl_ms(answer->ttl_s);
}

static void plan(struct refresh *refresh, const struct refresh_rules *rules,
		 const struct name_answer *answer, uint64_t now_ms, uint32_t random)
{
	uint64_t held_until = held_until_ms(refresh, rules);

	refresh->due_ms = now_ms + refresh_wait_ms(rules, until_next_ms(refresh, answer), random);
	if (held_until < refresh->due_ms)
		refresh->due_ms = held_until > now_ms ? held_until : now_ms;
}

/* How it is counted. */
static void note(struct refresh *refresh, const struct name_answer *answer, uint64_t now_ms)
{
	bool found = answer->status == NAME_FOUND;
	bool failed = answer->status == NAME_FAILED || answer->status == NAME_SILENT;

	if (found) {
		refresh->found_ms = now_ms;
		refresh->has_set = true;
	}
	if (found || !failed)
		refresh->empties = found ? 0 : refresh->empties + 1;
	refresh->failures = failed || (found && answer->unknown) ? refresh->failures + 1 : 0;
}

enum refresh_verdict refresh_hear(struct refresh *refresh, const struct refresh_rules *rules,
				  const struct name_answer *answer, uint64_t now_ms,
				  uint32_t random)
{
	enum refresh_verdict verdict = REFRESH_KEEP;

	note(refresh, answer, now_ms);
	if (answer->status == NAME_FOUND)
		verdict = REFRESH_USE;
	else if (answer->status == NAME_DENIED || refresh->empties >= REFRESH_EMPTIES ||
		 held_until_ms(refresh, rules) <= now_ms)
		verdict = REFRESH_DROP;
	if (verdict == REFRESH_DROP)
		refresh->has_set = false;
	plan(refresh, rules, answer, now_ms, random);
	return verdict;
}
