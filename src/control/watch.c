#include "control/watch.h"

/* What is there now takes the place of what was there before. */
static int look(struct watch *watch)
{
	gather_done(&watch->seen);
	return gather(&watch->sources, &watch->seen);
}

/* For rates and graphs. */
static void take(void *owner)
{
	struct watch *watch = owner;

	if (look(watch) == 0)
		(void)!history_take(&watch->history, &watch->seen);
	watch->looked(watch->owner);
	events_set_in(watch->timer, HISTORY_EVERY_MS);
}

int watch_open(struct watch *watch, struct events *events, const struct gather_sources *sources,
	       events_handler *looked, void *owner)
{
	int r = events_add_timer(events, &watch->timer, take, watch);

	watch->sources = *sources;
	watch->looked = looked;
	watch->owner = owner;
	if (r == 0)
		events_set(watch->timer, 0);
	return r;
}

void watch_close(struct watch *watch)
{
	watch->timer = events_remove(watch->timer);
	gather_done(&watch->seen);
	history_done(&watch->history);
}

void watch_turn(struct watch *watch, const struct reading *reading)
{
	gather_done(&watch->seen);
	watch->seen = (struct metrics_snapshot){0};
	watch->sources.reading = reading;
}

int watch_look(struct watch *watch, const struct metrics_snapshot **ret_snapshot)
{
	int r = look(watch);

	if (r == 0)
		history_show(&watch->history, &watch->seen);
	*ret_snapshot = &watch->seen;
	return r;
}
