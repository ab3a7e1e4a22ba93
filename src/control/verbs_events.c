#include "control/verbs_events.h"

#include "control/answers.h"
#include "control/member.h"
#include "control/metrics.h"

#include "ops/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_KEPT 160
#define STEADY_MS     50 /* times that are nearer to each other are the same */

struct reader {
	struct list node;
	struct feed *feed;
	struct http_request *request;
};

/* What is known of a server; or of a proxy, whose pool is "". */
struct feed_server {
	char pool[48], name[NAME_MAX_KEPT], state[16];
	uint64_t changed_ms;
};

/* ---- Telling --------------------------------------------------------------------------------- */

static void let_go(struct reader *reader)
{
	struct feed *feed = reader->feed;

	list_remove(&reader->node);
	feed->count--;
	free(reader);
	if (feed->count == 0) {
		events_set(feed->look, EVENTS_NEVER);
		feed->known = false;
	}
}

static void push(struct reader *reader, const char *text, size_t size)
{
	if (http_push(reader->request, text, size) != -ENOBUFS)
		return;
	log_info("control: a reader of events is too slow, and is let go");
	http_stream_end(reader->request);
	let_go(reader);
}

void feed_begin(struct sheet *sheet, const char *event)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	sheet_add(sheet, "event: %s\ndata: {", event);
	member_text(sheet, "event", event);
	member_time(sheet, "time", (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static const char *end(struct sheet *sheet)
{
	sheet_add(sheet, "}\n\n");
	return sheet_text(sheet);
}

void feed_tell(struct feed *feed, struct sheet *sheet)
{
	const char *text = end(sheet);
	struct list *node, *next;

	for (node = feed->readers.next; text && feed->count && node != &feed->readers;
	     node = next) {
		next = node->next;
		push(container_of(node, struct reader, node), text, sheet->used);
	}
	sheet_done(sheet);
}

void feed_asked(struct feed *feed, const struct http_request *request)
{
	char asker[ANSWER_ASKER_MAX];
	struct sheet sheet = {0};

	if (!feed->count)
		return;
	feed_begin(&sheet, "asked");
	member_text(&sheet, "method", request->method);
	member_text(&sheet, "path", request->path);
	member_text(&sheet, "by", answer_asker(request, asker));
	feed_tell(feed, &sheet);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static const struct feed_server *find(const struct feed_server *known, size_t count, size_t hint,
				      const char *pool, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		const struct feed_server *at = &known[(hint + i) % count];

		if (!strcmp(at->pool, pool) && !strncmp(at->name, name, NAME_MAX_KEPT - 1))
			return at;
	}
	return NULL;
}

static void keep(struct feed_server *at, const char *pool, const char *name, const char *state,
		 uint64_t changed_ms)
{
	snprintf(at->pool, sizeof(at->pool), "%s", pool);
	snprintf(at->name, sizeof(at->name), "%s", name);
	snprintf(at->state, sizeof(at->state), "%s", state);
	at->changed_ms = changed_ms;
}

/* It is in another state, or was in between. */
static bool has_changed(const struct feed_server *before, const struct metrics_server *now)
{
	return strcmp(before->state, now->state) != 0 ||
	       now->changed_ms > before->changed_ms + STEADY_MS;
}

static void tell_server(struct feed *feed, const struct metrics_server *server)
{
	struct sheet sheet = {0};

	feed_begin(&sheet, "server");
	member_text(&sheet, "pool", server->pool);
	member_text(&sheet, "name", server->name);
	member_text(&sheet, "state", server->state);
	member_text(&sheet, "why", server->why);
	feed_tell(feed, &sheet);
}

static void look_at_servers(struct feed *feed, const struct metrics_snapshot *snapshot)
{
	struct feed_server *servers = calloc(snapshot->server_count + 1, sizeof(*servers));

	if (!servers)
		return; /* the next look finds it */
	for (size_t i = 0; i < snapshot->server_count; i++) {
		const struct metrics_server *now = &snapshot->servers[i];
		const struct feed_server *before =
			find(feed->servers, feed->server_count, i, now->pool, now->name);

		keep(&servers[i], now->pool, now->name, now->state, now->changed_ms);
		if (feed->known && (before ? has_changed(before, now) : !now->up))
			tell_server(feed, now);
	}
	free(feed->servers);
	feed->servers = servers;
	feed->server_count = snapshot->server_count;
}

static void tell_proxy(struct feed *feed, const struct metrics_proxy *proxy)
{
	struct sheet sheet = {0};

	feed_begin(&sheet, "proxy");
	member_text(&sheet, "name", proxy->name);
	member_text(&sheet, "kind", proxy->kind);
	member_truth(&sheet, "draining", proxy->draining);
	feed_tell(feed, &sheet);
}

static void look_at_proxies(struct feed *feed, const struct metrics_snapshot *snapshot)
{
	struct feed_server *proxies = calloc(snapshot->proxy_count + 1, sizeof(*proxies));

	if (!proxies)
		return;
	for (size_t i = 0; i < snapshot->proxy_count; i++) {
		const struct metrics_proxy *now = &snapshot->proxies[i];
		const struct feed_server *before =
			find(feed->proxies, feed->proxy_count, i, now->kind, now->name);
		const char *state = now->draining ? "drained" : "";

		keep(&proxies[i], now->kind, now->name, state, 0);
		if (feed->known && strcmp(before ? before->state : "", state) != 0)
			tell_proxy(feed, now);
	}
	free(feed->proxies);
	feed->proxies = proxies;
	feed->proxy_count = snapshot->proxy_count;
}

/* How the whole is. */
static void add_state(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	member_text(sheet, "state", snapshot->state);
	member_truth(sheet, "ready", snapshot->ready);
	member_number(sheet, "edition", snapshot->edition);
	member_number(sheet, "connections", snapshot->connections);
}

static void tell_state(struct feed *feed, const char *event,
		       const struct metrics_snapshot *snapshot)
{
	struct sheet sheet = {0};

	feed_begin(&sheet, event);
	add_state(&sheet, snapshot);
	feed_tell(feed, &sheet);
}

static void look_at(struct feed *feed, const struct metrics_snapshot *snapshot)
{
	if (feed->known && strcmp(feed->state, snapshot->state) != 0)
		tell_state(feed, "state", snapshot);
	if (feed->known && feed->edition != snapshot->edition)
		tell_state(feed, "reloaded", snapshot);
	if (feed->known && feed->reloads_failed < snapshot->reloads_failed)
		tell_state(feed, "reload_failed", snapshot);
	look_at_proxies(feed, snapshot);
	look_at_servers(feed, snapshot);
	snprintf(feed->state, sizeof(feed->state), "%s", snapshot->state);
	feed->edition = snapshot->edition;
	feed->reloads_failed = snapshot->reloads_failed;
	feed->known = feed->count > 0;
}

static void on_look(void *owner)
{
	struct feed *feed = owner;
	const struct metrics_snapshot *snapshot;

	if (feed->tellers->snapshot(feed->tellers->owner, &snapshot) == 0)
		look_at(feed, snapshot);
	if (feed->count)
		events_set_in(feed->look, FEED_LOOK_MS);
}

void feed_look(struct feed *feed)
{
	if (feed->count)
		events_set(feed->look, 0);
}

/* ---- Listening ------------------------------------------------------------------------------- */

static void on_gone(void *owner)
{
	let_go(owner);
}

/* How it is now, so that a reader knows what changes. */
static void welcome(struct reader *reader, const struct metrics_snapshot *snapshot)
{
	struct sheet sheet = {0};
	const char *text;

	feed_begin(&sheet, "hello");
	member_text(&sheet, "version", snapshot->version);
	add_state(&sheet, snapshot);
	text = end(&sheet);
	if (text)
		push(reader, text, sheet.used);
	sheet_done(&sheet);
}

static void begin(struct feed *feed, struct http_request *request,
		  const struct metrics_snapshot *snapshot)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader || http_stream(request, "text/event-stream", on_gone, reader) < 0) {
		free(reader);
		http_error(request, 503, "memory", "there is no memory for another reader", NULL);
		return;
	}
	reader->feed = feed;
	reader->request = request;
	list_push(&feed->readers, &reader->node);
	if (feed->count++ == 0) {
		look_at(feed, snapshot);
		events_set_in(feed->look, FEED_LOOK_MS);
	}
	welcome(reader, snapshot);
}

void events_follow(const struct verbs *verbs, struct http_request *request,
		   const char *const parts[])
{
	const struct metrics_snapshot *snapshot;
	const char *none;

	(void)parts;
	if (!answer_takes_argument(request, NULL, &none))
		return;
	if (verbs->feed->count >= FEED_READERS_MAX)
		http_error(request, 503, "busy", "there are as many readers of events as may be",
			   NULL);
	else if (verbs->tellers.snapshot(verbs->tellers.owner, &snapshot) < 0)
		http_error(request, 503, "memory", "there is no memory to look", NULL);
	else
		begin(verbs->feed, request, snapshot);
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

int feed_open(struct feed *feed, struct events *events, const struct serve_tellers *tellers)
{
	*feed = (struct feed){.tellers = tellers};
	list_init(&feed->readers);
	return events_add_timer(events, &feed->look, on_look, feed);
}

void feed_close(struct feed *feed)
{
	feed->look = events_remove(feed->look);
	free(feed->servers);
	free(feed->proxies);
	*feed = (struct feed){0};
}
