#include "session/refused.h"

#include "session/record.h"
#include "session/sessions.h"
#include "session/tenancy.h"

static const struct {
	const char *name, *sentence;
} causes[] = {
#define X(name, text, sentence) [REFUSED_##name] = {text, sentence},
	REFUSALS(X)
#undef X
};
static_assert(array_size(causes) == REFUSED_COUNT, "every cause has a name");

void refused_one(struct sessions *all, struct branch *branch, enum refused_cause cause)
{
	struct refused *refused = &branch->refused[cause];

	if (likely(refused->count++ > 0))
		return;
	refused->since_ms = all->loop->now_ms;
	if (!list_is_linked(&branch->refused_link))
		list_push(&all->refused, &branch->refused_link);
	condition_settle_by(all->loop, refused->since_ms + REFUSED_EVERY_MS);
}

/* Tell of those who came before that.  Whether there are others. */
static bool tell(struct sessions *all, struct branch *branch, uint64_t before_ms)
{
	bool left = false;

	for (unsigned cause = 0; cause < REFUSED_COUNT; cause++) {
		struct refused *refused = &branch->refused[cause];

		if (refused->count == 0)
			continue;
		if (refused->since_ms > before_ms) {
			condition_settle_by(all->loop, refused->since_ms + REFUSED_EVERY_MS);
			left = true;
			continue;
		}
		record_refused(all, &(struct record_refused){
					    .section = branch->section,
					    .count = refused->count,
					    .since_ms = refused->since_ms,
					    .reason = causes[cause].name,
					    .reason_text = causes[cause].sentence,
				    });
		refused->count = 0;
	}
	return left;
}

static void tell_all(struct sessions *all, uint64_t before_ms)
{
	struct list *node = all->refused.next, *next;

	for (; node != &all->refused; node = next) {
		next = node->next;
		if (!tell(all, container_of(node, struct branch, refused_link), before_ms))
			list_remove(node);
	}
}

void refused_settle(struct sessions *all)
{
	if (all->loop->now_ms >= REFUSED_EVERY_MS)
		tell_all(all, all->loop->now_ms - REFUSED_EVERY_MS);
}

void refused_end(struct sessions *all)
{
	tell_all(all, all->loop->now_ms);
}

void refused_forget(struct sessions *all, struct branch *branch)
{
	if (!list_is_linked(&branch->refused_link))
		return;
	(void)tell(all, branch, all->loop->now_ms);
	list_remove(&branch->refused_link);
}
