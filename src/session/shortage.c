#include "session/shortage.h"

#include "session/reach.h"
#include "session/section.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tenancy.h"

#define PAUSE_FIRST_MS 1
#define PAUSE_MAX_MS   1000
#define BATCH_MAX      64
#define EASE_PART      16 /* of its pause a line waits though something came free: it may not do */

void shortage_line_init(struct shortage_line *line, struct reach *of, enum condition condition)
{
	*line = (struct shortage_line){.of = of, .condition = condition};
	list_init(&line->sessions);
}

void shortage_init(struct shortages *shortages)
{
	*shortages = (struct shortages){0};
	list_init(&shortages->lines);
	shortage_line_init(&shortages->descriptors, NULL, CONDITION_DESCRIPTORS);
	shortage_line_init(&shortages->memory, NULL, CONDITION_MEMORY);
}

bool shortage_is(enum fault fault)
{
	return fault == FAULT_BACKLOG || condition_of(fault) != CONDITION_COUNT;
}

static struct shortage_line *line_for(struct sessions *all, struct reach *reach, int error)
{
	enum fault fault = server_fault(reach->server, error);

	assert(shortage_is(fault));
	if (fault == FAULT_DESCRIPTORS)
		return &all->shortages.descriptors;
	if (fault == FAULT_MEMORY)
		return &all->shortages.memory;
	return fault == FAULT_PORTS ? &reach->ports : &reach->backlog;
}

/* ---- Standing in line ------------------------------------------------------------------------ */

static bool is_empty(const struct shortage_line *line)
{
	return list_is_empty(&line->sessions);
}

/*
 * Whoever tries for all in a line tries: were those in other lines before it as well, two
 * lines could wait for each other.  But from the worker's line it joins a server's, which is
 * one for what comes after, and it does not overtake those who wait for another server.
 */
static bool goes_before(const struct session *session, const struct shortage_line *line)
{
	return session->woken && (!line->of || line->of == session->line->of);
}

static seldom int error_ahead(const struct session *session, const struct reach *reach)
{
	const struct sessions *all = session->all;
	const struct shortage_line *const lines[] = {
		&all->shortages.descriptors,
		&all->shortages.memory,
		&reach->ports,
		&reach->backlog,
	};

	for (unsigned i = 0; i < array_size(lines); i++)
		if (!is_empty(lines[i]) && !goes_before(session, lines[i]))
			return lines[i]->error;
	return 0;
}

int shortage_ahead(const struct session *session, const struct reach *reach)
{
	return likely(list_is_empty(&session->all->shortages.lines)) ? 0
								     : error_ahead(session, reach);
}

bool shortage_is_own(const struct session *session)
{
	return session->woken && session->lacks &&
	       line_for(session->all, session->lacking, session->lacks) == session->line;
}

static void wake_by(struct sessions *all, uint64_t when_ms)
{
	struct wheel_timer *timer = &all->shortages.timer;

	if (!wheel_is_set(timer) || when_ms < timer->expires_ms)
		wheel_set(&all->loop->wheel, timer, when_ms);
}

void shortage_wait(struct session *session, struct reach *reach, int error)
{
	struct sessions *all = session->all;
	struct shortage_line *line = line_for(all, reach, error);
	bool again = session->woken && session->line == line;

	if (is_empty(line))
		list_push(&all->shortages.lines, &line->link);
	if (is_empty(line) && !again) {
		line->pause_ms = PAUSE_FIRST_MS;
		line->batch = 1;
		line->failed_ms = all->loop->now_ms;
		line->next_ms = all->loop->now_ms + line->pause_ms;
		wake_by(all, line->next_ms);
	}
	line->error = error;
	session->line = line;
	/* Whoever has tried for all stays first. */
	list_push(again ? line->sessions.next : &line->sessions, &session->waiting);
}

void shortage_leave(struct session *session)
{
	struct shortages *shortages = &session->all->shortages;

	if (!list_is_linked(&session->waiting))
		return;
	list_remove(&session->waiting);
	if (is_empty(session->line))
		list_remove(&session->line->link);
	if (list_is_empty(&shortages->lines))
		wheel_clear(&session->road.loop->wheel, &shortages->timer);
}

/* ---- Getting on ------------------------------------------------------------------------------ */

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

/* The first of the line tries: whether that was not in vain, or it has found the next line. */
static bool try_first(struct shortage_line *line)
{
	struct session *session = container_of(line->sessions.next, struct session, waiting);

	shortage_leave(session);
	deadline_clear(session, DEADLINE_RETRY);
	session->attempts = 0;
	session->woken = true;
	if (line->of)
		session->reach = line->of;
	session_step(session, SESSION_RETRY);
	session->woken = false;
	return !list_is_linked(&session->waiting) || (session->line->of && !line->of);
}

static void serve(struct sessions *all, struct shortage_line *line)
{
	uint32_t served = 0;
	bool lacked = false;

	for (; served < line->batch && !is_empty(line) && !lacked; served += !lacked)
		lacked = !try_first(line);
	if (served) /* about two attempts for what comes free, whatever the pace of that */
		line->pause_ms =
			line->pause_ms / 2 > PAUSE_FIRST_MS ? line->pause_ms / 2 : PAUSE_FIRST_MS;
	else
		line->pause_ms = at_most(2 * line->pause_ms, PAUSE_MAX_MS);
	if (lacked) {
		line->batch = 1;
		line->failed_ms = all->loop->now_ms;
		line->next_ms = all->loop->now_ms + line->pause_ms;
	} else {
		line->batch = at_most(2 * line->batch, BATCH_MAX);
		line->next_ms = all->loop->now_ms + 1;
	}
}

void shortage_expired(struct sessions *all)
{
	struct list *lines = &all->shortages.lines, *node, due;

	list_init(&due);
	/* A line that is served may move to the end, or out of the list, and others come in. */
	for (node = lines->next; node != lines;) {
		struct shortage_line *line = container_of(node, struct shortage_line, link);

		node = node->next;
		if (all->loop->now_ms < line->next_ms)
			continue;
		list_remove(&line->link);
		list_push(&due, &line->link);
	}
	while (!list_is_empty(&due)) {
		struct shortage_line *line = container_of(due.next, struct shortage_line, link);

		list_remove(&line->link);
		list_push(lines, &line->link);
		serve(all, line);
	}
	for (node = lines->next; node != lines; node = node->next)
		wake_by(all, container_of(node, struct shortage_line, link)->next_ms);
}

static void ease(struct sessions *all, struct shortage_line *line)
{
	uint64_t when_ms = line->failed_ms + line->pause_ms / EASE_PART;

	if (is_empty(line) || when_ms >= line->next_ms)
		return;
	line->next_ms = when_ms > all->loop->now_ms ? when_ms : all->loop->now_ms;
	wake_by(all, line->next_ms);
}

void shortage_ease(struct sessions *all, const struct session *session)
{
	if (likely(list_is_empty(&all->shortages.lines)))
		return;
	ease(all, &all->shortages.descriptors);
	ease(all, &all->shortages.memory);
	if (session->reach)
		ease(all, &session->reach->ports);
}

void shortage_hold(struct sessions *all)
{
	const struct list *lines = &all->shortages.lines;

	for (const struct list *node = lines->next; node != lines; node = node->next) {
		enum condition condition =
			container_of(node, const struct shortage_line, link)->condition;

		if (condition != CONDITION_COUNT)
			condition_hold(all->loop, condition);
	}
}
