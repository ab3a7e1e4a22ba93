#include "session/queued.h"

#include "pool/passive.h"
#include "pool/roster.h"
#include "session/bell.h"
#include "session/choose.h"
#include "session/ending.h"
#include "session/session.h"
#include "session/tenancy.h"

#include "base/clock.h"

#define LOOK_MS 1000 /* while a server is out: that may end before its time */

static struct queue_line *line_of(const struct session *session)
{
	return session->desk->line;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static void join(struct session *session, struct queue_line *line, enum queue_kind kind)
{
	struct sessions *all = session->all;

	session->queue_kind = (uint8_t)kind;
	session->queued_ns = all->loop->coalesce.now_ns;
	if (list_is_empty(&line->waiting[kind]))
		queue_tell(line, kind, session->queued_ns);
	list_push(&line->waiting[kind], &session->queued);
	if (!list_is_linked(&line->link))
		list_push(&all->queues.lines, &line->link);
	line->due = all->queues.due = true;
}

static void note_queued(struct session *session, const struct queue *queue)
{
	uint32_t waiting = queue_waiting(queue, QUEUE_PLACES);

	session->was_queued = true;
	session->queued_before = waiting ? waiting - 1 : 0;
	stats_count(&session->road.loop->stats, queued, 1);
}

bool queued_wait(struct session *session, enum queue_kind kind, uint64_t until_ms)
{
	const struct branch *branch = session->branch;
	struct queue_line *line = line_of(session);
	bool places = kind == QUEUE_PLACES;
	uint32_t most = places ? session->desk->pool->config->settings.queue : UINT32_MAX;

	if (!queue_enter(line->queue, kind, most, branch->section->edition->number,
			 places && session->tried.count))
		return false;
	join(session, line, kind);
	if (places)
		note_queued(session, line->queue);
	deadline_set(session, DEADLINE_QUEUE, until_ms);
	ending_unread(session, SIDE_CLIENT);
	return true;
}

void queued_leave(struct session *session)
{
	enum queue_kind kind = (enum queue_kind)session->queue_kind;
	struct queue_line *line = line_of(session);
	struct list *waiting = &line->waiting[kind];
	bool was_first = waiting->next == &session->queued;

	if (!list_is_linked(&session->queued))
		return;
	list_remove(&session->queued);
	if (was_first)
		queue_tell(
			line, kind,
			list_is_empty(waiting)
				? QUEUE_NOBODY
				: container_of(waiting->next, struct session, queued)->queued_ns);
	queue_leave(line->queue, kind);
	deadline_clear(session, DEADLINE_QUEUE);
	if (kind == QUEUE_PLACES)
		session->queue_ms += (session->road.loop->coalesce.now_ns - session->queued_ns) /
				     CLOCK_NS_PER_MS;
}

uint32_t queued_before(const struct session *session)
{
	const struct list *waiting = &line_of(session)->waiting[session->queue_kind];
	uint32_t before = 0;

	for (const struct list *node = session->queued.previous; node != waiting;
	     node = node->previous)
		before++;
	return before;
}

/* ---- Serving --------------------------------------------------------------------------------- */

/* Of the servers that are out by their failures, when the first may be tried. */
static uint64_t back_ms(const struct session *session)
{
	const struct roster *roster = pool_roster(session->desk->pool);
	uint64_t now_ms = session->road.loop->now_ms, back = UINT64_MAX, until;
	bool tried;

	for (uint32_t i = 0; i < roster->tier_count; i++)
		for (uint32_t s = 0; s < roster->tiers[i].count; s++)
			if (passive_is_out(roster->tiers[i].seats[s].server, &until, &tried) &&
			    until < back)
				back = until;
	if (back == UINT64_MAX)
		return 0;
	if (back <= now_ms || back > now_ms + LOOK_MS)
		back = now_ms + LOOK_MS;
	return back;
}

static void look_later(struct sessions *all, struct queue_line *line, const struct session *session)
{
	line->look_ms = back_ms(session);
	if (line->look_ms)
		bell_wake_by(all, line->look_ms);
}

/* It goes on, to a server or to its end. */
static void go_on(struct session *session)
{
	queued_leave(session);
	session_step(session, SESSION_RETRY);
}

/* As many as there are places, or turns, for; whether there were any. */
static bool let_go_on(struct sessions *all, struct queue_line *line, enum queue_kind kind)
{
	struct list *waiting = &line->waiting[kind], *node, *next;
	bool mixed = queue_is_mixed(line->queue, kind), any = false;
	const struct desk *full = NULL; /* for who has tried nobody */

	for (node = waiting->next; node != waiting; node = next) {
		struct session *session = container_of(node, struct session, queued);
		bool fresh = !session->tried.count;
		enum chosen chosen;

		next = node->next;
		if (fresh && session->desk == full)
			continue;
		chosen = kind == QUEUE_PLACES ? choose_in_turn(session) : choose_to_retry(session);
		if (chosen != CHOSEN_FULL && chosen != CHOSEN_HELD) {
			session->in_turn = kind == QUEUE_PLACES;
			session->chosen = (uint8_t)chosen;
			go_on(session);
			any = true;
			continue;
		}
		if (kind == QUEUE_PLACES)
			look_later(all, line, session);
		if (!mixed)
			break;
		full = fresh ? session->desk : full;
	}
	return any;
}

static void serve_kind(struct sessions *all, struct queue_line *line, enum queue_kind kind,
		       bool called, bool looks)
{
	struct queue *queue = line->queue;

	/* Another line has waited for longer: that is called, or has been, when there is a place.
	 */
	if (!called && !queue_is_mixed(queue, kind) && queue_oldest(queue, kind) != line) {
		if (looks) /* its worker may have looked before it was the oldest */
			bell_call_oldest(all, queue, kind);
		return;
	}
	if (!let_go_on(all, line, kind) && !called && !looks)
		return;
	if (list_is_empty(&line->waiting[kind]) && queue_waiting(queue, kind))
		bell_call_oldest(all, queue, kind);
}

static void serve(struct sessions *all, struct queue_line *line)
{
	bool called = line->is_called, looks = line->looks;

	line->due = line->is_called = line->looks = false;
	/* Before this, who waits is seen to; after it, what was given back is seen. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned kind = 0; kind < QUEUE_KIND_COUNT; kind++)
		serve_kind(all, line, (enum queue_kind)kind, called, looks);
}

void queued_serve(struct sessions *all)
{
	struct list *lines = &all->queues.lines;

	bell_hear(all);
	all->queues.due = false;
	for (struct list *node = lines->next; node != lines; node = node->next) {
		struct queue_line *line = container_of(node, struct queue_line, link);

		if (line->due)
			serve(all, line);
	}
}

void queued_look_again(struct sessions *all)
{
	struct list *lines = &all->queues.lines;

	for (struct list *node = lines->next; node != lines; node = node->next) {
		struct queue_line *line = container_of(node, struct queue_line, link);

		line->due = line->looks = all->queues.due = true;
	}
}

void queued_expired(struct sessions *all)
{
	struct list *lines = &all->queues.lines;

	bell_expired(all);
	for (struct list *node = lines->next; node != lines; node = node->next) {
		struct queue_line *line = container_of(node, struct queue_line, link);

		if (!line->look_ms)
			continue;
		if (all->loop->now_ms < line->look_ms) {
			bell_wake_by(all, line->look_ms);
			continue;
		}
		line->look_ms = 0;
		line->due = line->is_called = all->queues.due = true;
	}
}

/* ---- The worker's life ----------------------------------------------------------------------- */

void queued_close(struct sessions *all)
{
	if (all->queues.is_closed)
		return;
	all->queues.is_closed = true;
	bell_close(all);
	queued_serve(all); /* nobody is there: it passes on what it has been called for */
	while (list_pop(&all->queues.lines))
		;
	wheel_clear(&all->loop->wheel, &all->queues.timer);
	bell_retry(all); /* what could not be rung still has to be */
}

void queued_abandon(struct sessions *all)
{
	struct list *node;

	bell_close(all);
	while ((node = list_pop(&all->queues.lines))) {
		struct queue_line *line = container_of(node, struct queue_line, link);

		for (unsigned kind = 0; kind < QUEUE_KIND_COUNT; kind++) {
			queue_tell(line, (enum queue_kind)kind, QUEUE_NOBODY);
			while (list_pop(&line->waiting[kind]))
				queue_leave(line->queue, (enum queue_kind)kind);
		}
	}
}
