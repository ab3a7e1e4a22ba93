#include "pool/health.h"

#include <stdio.h>

static uint32_t most(const struct health *health)
{
	return health->rise + health->fall - 1;
}

void health_init(struct health *health, uint32_t rise, uint32_t fall)
{
	*health = (struct health){.rise = rise, .fall = fall};
	health->points = most(health);
}

void health_limit(struct health *health, uint32_t rise, uint32_t fall)
{
	bool up = health_is_up(health);
	uint32_t left = up ? health->points - health->rise : health->points;

	health->rise = rise;
	health->fall = fall;
	if (up)
		health->points = rise + (left < fall ? left : fall - 1);
	else
		health->points = left < rise ? left : rise - 1;
}

/* The first check decides alone. */
static bool meet(struct health *health, bool good)
{
	health->known = true;
	health->points = good ? most(health) : 0;
	return true;
}

bool health_note(struct health *health, bool good)
{
	bool up = health_is_up(health);

	if (!health->known)
		return meet(health, good);
	if (good)
		health->points =
			health->points + 1 < health->rise ? health->points + 1 : most(health);
	else
		health->points = health->points > health->rise ? health->points - 1 : 0;
	return health_is_up(health) != up;
}

const char *health_words(const struct health *health, char text[HEALTH_WORDS_MAX])
{
	bool up = health_is_up(health);

	if (!health_is_changing(health))
		snprintf(text, HEALTH_WORDS_MAX, "%s", up ? "up" : "down");
	else if (up)
		snprintf(text, HEALTH_WORDS_MAX, "up %u/%u", health->points - health->rise + 1,
			 health->fall);
	else
		snprintf(text, HEALTH_WORDS_MAX, "down %u/%u", health->points, health->rise);
	return text;
}
