#include "control/inquiry.h"

#include "worker/census.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inquiry {
	struct inquiries *inquiries; /* NULL: closed */
	struct list node;            /* in inquiries.all */
	struct event *patience;
	bool is_told;
	inquiry_told *told;
	void *owner;
	struct inquiry_question question;
	char *texts[4]; /* of its filter */
	uint32_t workers, room;
	uint32_t out; /* orders that are not back */
	struct census_order *census;
	struct glance_detail detail;
	uint64_t *next_ids;
	const struct glance **rows;
};

/* ---- Memory ---------------------------------------------------------------------------------- */

static void inquiry_free(struct inquiry *inquiry)
{
	for (uint32_t i = 0; i < inquiry->workers && inquiry->census; i++) {
		free(inquiry->census[i].rows);
		free(inquiry->census[i].heap);
	}
	for (size_t i = 0; i < array_size(inquiry->texts); i++)
		free(inquiry->texts[i]);
	free(inquiry->census);
	free(inquiry->next_ids);
	free(inquiry->rows);
	if (inquiry->inquiries) {
		list_remove(&inquiry->node);
		inquiry->inquiries->count--;
	}
	free(inquiry);
}

static bool copy_texts(struct inquiry *inquiry)
{
	struct glance_filter *filter = &inquiry->question.filter;
	const char **const texts[] = {&filter->proxy, &filter->server, &filter->listener,
				      &filter->state};

	static_assert(array_size(texts) == array_size(inquiry->texts), "one for each");
	for (size_t i = 0; i < array_size(texts); i++) {
		if (!*texts[i])
			continue;
		*texts[i] = inquiry->texts[i] = strdup(*texts[i]);
		if (!*texts[i])
			return false;
	}
	return true;
}

static bool make_room(struct inquiry *inquiry)
{
	uint32_t workers = inquiry->workers, room = inquiry->room;

	inquiry->census = calloc(workers, sizeof(*inquiry->census));
	inquiry->next_ids = calloc(workers, sizeof(*inquiry->next_ids));
	inquiry->rows = calloc((size_t)workers * room + 1, sizeof(struct glance *));
	if (!inquiry->census || !inquiry->next_ids || !inquiry->rows || !copy_texts(inquiry))
		return false;
	for (uint32_t i = 0; i < workers && room; i++) {
		struct census_order *census = &inquiry->census[i];

		census->rows = malloc(room * sizeof(*census->rows));
		census->heap = malloc(room * sizeof(*census->heap));
		if (!census->rows || !census->heap)
			return false;
	}
	return true;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static void note_late(char late[INQUIRY_LATE_MAX], uint32_t worker)
{
	size_t used = strlen(late);

	if (!used)
		snprintf(late, INQUIRY_LATE_MAX, "worker %u", worker);
	else if (used < INQUIRY_LATE_MAX - 20)
		snprintf(late + used, INQUIRY_LATE_MAX - used, ", worker %u", worker);
}

static int by_id(const void *a, const void *b)
{
	const struct glance *x = *(const struct glance *const *)a;
	const struct glance *y = *(const struct glance *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_age(const void *a, const void *b)
{
	const struct glance *x = *(const struct glance *const *)a;
	const struct glance *y = *(const struct glance *const *)b;

	if (x->started_ms != y->started_ms)
		return x->started_ms < y->started_ms ? -1 : 1;
	return by_id(a, b);
}

/* What the worker has said, who has given its order back. */
static void add_word(const struct inquiry *inquiry, const struct census_order *census,
		     struct inquiry_answer *answer)
{
	if (census->order.result < 0) /* it has ended, and has no sessions */
		return;
	for (uint32_t i = 0; i < census->count; i++)
		inquiry->rows[answer->count++] = &census->rows[i];
	answer->met += census->met;
	answer->killed += census->killed;
	inquiry->next_ids[census->order.worker] = census->next_id;
	if (census->met && census->detail)
		answer->detail = census->detail;
}

static void tell(struct inquiry *inquiry)
{
	struct inquiry_answer answer = {.rows = inquiry->rows, .next_ids = inquiry->next_ids};

	for (uint32_t i = 0; i < inquiry->workers; i++) {
		const struct census_order *census = &inquiry->census[i];

		if (census->order.under_way)
			note_late(answer.late, i);
		else if (census->filter)
			add_word(inquiry, census, &answer);
	}
	/* Ids grow with time, so a worker's oldest sessions are those with its least ids. */
	qsort(inquiry->rows, answer.count, sizeof(struct glance *),
	      inquiry->question.by_age ? by_age : by_id);
	if (answer.count > inquiry->room)
		answer.count = inquiry->room;
	inquiry->is_told = true;
	inquiry->patience = events_remove(inquiry->patience);
	inquiry->told(inquiry->owner, &answer);
}

static void on_patience(void *owner)
{
	tell(owner);
}

static void on_back(struct order *order)
{
	struct inquiry *inquiry = order->owner;

	if (--inquiry->out > 0)
		return;
	if (!inquiry->is_told)
		tell(inquiry);
	inquiry_free(inquiry);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static void send_to(struct inquiry *inquiry, uint32_t worker)
{
	const struct inquiry_question *question = &inquiry->question;
	struct census_order *census = &inquiry->census[worker];
	struct inquiries *inquiries = inquiry->inquiries;

	census->order = (struct order){.kind = ORDER_CENSUS, .done = on_back, .owner = inquiry};
	census->filter = &question->filter;
	census->from = question->from;
	census->below = question->below_each ? question->below_each[worker] : question->below;
	census->room = inquiry->room;
	census->detail = question->closely ? &inquiry->detail : NULL;
	census->kills = question->kills;
	census->uid = question->uid;
	census->pid = question->pid;
	if (census->below < census->from)
		census->below = census->from;
	inquiries->send(inquiries->owner, worker, &census->order);
}

static void send_all(struct inquiry *inquiry)
{
	const struct inquiry_question *question = &inquiry->question;
	bool one = question->one;

	list_push(&inquiry->inquiries->all, &inquiry->node);
	inquiry->inquiries->count++;
	events_set_in(inquiry->patience, INQUIRY_PATIENCE_MS);
	inquiry->out = one ? 1 : inquiry->workers;
	/* Ids are counted in steps of as many as there are workers: sessions.h. */
	for (uint32_t i = 0; i < inquiry->workers; i++)
		if (!one || question->from % inquiry->workers == i)
			send_to(inquiry, i);
	inquiry->question.below_each = NULL; /* the caller's */
}

int inquiry_ask(struct inquiries *inquiries, const struct inquiry_question *question,
		inquiry_told *told, void *owner)
{
	struct inquiry *inquiry;

	assert(question->room <= INQUIRY_ROOM_MAX);
	if (inquiries->count >= INQUIRIES_MAX)
		return -EBUSY;
	inquiry = calloc(1, sizeof(*inquiry));
	if (!inquiry)
		return -ENOMEM;
	*inquiry = (struct inquiry){
		.told = told,
		.owner = owner,
		.question = *question,
		.workers = inquiries->workers,
		.room = question->room,
	};
	if (!make_room(inquiry) ||
	    events_add_timer(inquiries->events, &inquiry->patience, on_patience, inquiry) < 0) {
		inquiry_free(inquiry);
		return -ENOMEM;
	}
	inquiry->inquiries = inquiries;
	send_all(inquiry);
	return 0;
}

/* ---- All of them ----------------------------------------------------------------------------- */

void inquiries_open(struct inquiries *inquiries, struct events *events, uint32_t workers,
		    inquiry_send *send_order, void *owner)
{
	*inquiries = (struct inquiries){
		.events = events, .workers = workers, .send = send_order, .owner = owner};
	list_init(&inquiries->all);
}

void inquiries_close(struct inquiries *inquiries)
{
	struct list *node;

	while (inquiries->events && (node = list_pop(&inquiries->all))) {
		struct inquiry *inquiry = container_of(node, struct inquiry, node);

		inquiry->inquiries = NULL;
		if (!inquiry->is_told)
			tell(inquiry);
	}
	inquiries->events = NULL;
}
