#include "pool/server.h"

#include "pool/departure.h"
#include "pool/queue.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/spell.h"

#include "ops/ledger.h"
#include "ops/log.h"
#include "pool/passive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define load(from)      atomic_load_explicit(from, memory_order_relaxed)
#define store(to, what) atomic_store_explicit(to, what, memory_order_relaxed)
#define add(to, amount) atomic_fetch_add_explicit(to, amount, memory_order_relaxed)

static enum fault_place place_of(const struct server *server)
{
	return server->address.u.any.sa_family == AF_UNIX ? FAULT_AT_CONNECT_UNIX
							  : FAULT_AT_CONNECT;
}

enum fault server_fault(const struct server *server, int error)
{
	return fault_of(place_of(server), error);
}

/* ---- Failing and answering ------------------------------------------------------------------- */

/* Whether the spell begins by that, and by this worker. */
static bool begins(struct server *server, uint64_t now_ms)
{
	uint64_t none = 0;

	if (server_is_failing(server))
		return false;
	store(&server->patience_ms,
	      spell_patience(load(&server->ended_ms), load(&server->patience_ms), now_ms));
	return atomic_compare_exchange_strong_explicit(&server->since_ms, &none, now_ms,
						       memory_order_relaxed, memory_order_relaxed);
}

void server_failed(struct server *server, int error, uint64_t now_ms)
{
	const char *advice = fault_advice(place_of(server), error);

	store(&server->answers, false);
	store(&server->last_ms, now_ms);
	add(&server->failed, 1);
	if (!begins(server, now_ms)) {
		log_debug("%s server %s: %s", server->title, server->text, strerror(-error));
		return;
	}
	store(&server->connected, 0);
	log_warning("%s server %s: %s%s%s%s%s; %s", server->title, server->text,
		    error == -ETIMEDOUT ? "no answer within connect_timeout: " : "cannot connect: ",
		    strerror(-error), advice ? " (" : "", advice ? advice : "", advice ? ")" : "",
		    load(&server->place));
}

void server_keeps_failing(struct server *server, uint64_t now_ms)
{
	store(&server->last_ms, now_ms);
}

static uint64_t over_ms(const struct server *server)
{
	return load(&server->last_ms) + load(&server->patience_ms);
}

uint64_t server_answered(struct server *server)
{
	add(&server->connected, 1);
	store(&server->answers, true);
	return over_ms(server);
}

static void tell_over(const struct server *server, uint64_t since_ms)
{
	uint64_t lasted = load(&server->last_ms) - since_ms;
	uint32_t connected = load(&server->connected);
	char between[64] = "";

	if (connected > 1)
		snprintf(between, sizeof(between), ", and %u connections between them",
			 connected - 1);
	log_info("%s server %s: connected again after %" PRIu64 " failed attempts (in %" PRIu64
		 ".%03" PRIu64 " s%s)",
		 server->title, server->text, load(&server->failed), lasted / 1000, lasted % 1000,
		 between);
}

bool server_recovers(struct server *server, uint64_t now_ms, uint64_t *ret_again_ms)
{
	uint64_t since_ms = load(&server->since_ms), over = over_ms(server);

	*ret_again_ms = UINT64_MAX;
	if (since_ms == 0)
		return true; /* another worker has said so */
	if (!load(&server->answers))
		return false;
	if (now_ms < over) {
		*ret_again_ms = over;
		return false;
	}
	if (!atomic_compare_exchange_strong_explicit(&server->since_ms, &since_ms, 0,
						     memory_order_relaxed, memory_order_relaxed))
		return true;
	tell_over(server, since_ms);
	store(&server->failed, 0);
	store(&server->ended_ms, now_ms);
	return true;
}

void server_found_well(struct server *server, uint64_t now_ms)
{
	uint64_t again_ms;

	if (!server_is_failing(server))
		return;
	store(&server->answers, true);
	(void)server_recovers(server, now_ms, &again_ms); /* or when the next one does */
}

/* ---- All there are --------------------------------------------------------------------------- */

struct servers_place {
	struct servers_place *next;
	char text[];
};

struct servers_title {
	struct servers_title *next;
	struct passive_pool passive;
	char text[];
};

void servers_init(struct servers *servers, const struct servers_reaches *reaches)
{
	*servers = (struct servers){.reaches = reaches ? *reaches : (struct servers_reaches){0}};
	for (size_t i = 0; i < SERVERS_BUCKETS; i++) {
		list_init(&servers->buckets[i]);
		list_init(&servers->numbered[i]);
	}
}

void servers_done(struct servers *servers)
{
	struct servers_place *place;
	struct servers_title *title;
	struct queue *queue;

	departures_done(servers);
	for (size_t i = 0; i < array_size(servers->places); i++) {
		while ((place = servers->places[i])) {
			servers->places[i] = place->next;
			free(place);
		}
		while ((title = servers->titles[i])) {
			servers->titles[i] = title->next;
			free(title);
		}
		while ((queue = servers->queues[i])) {
			servers->queues[i] = queue->next;
			queue_free(queue);
		}
	}
}

struct queue *servers_queue(struct servers *servers, const char *title)
{
	struct queue **bucket =
		&servers->queues[hash_text(HASH_BEGIN, title) % array_size(servers->queues)];
	struct queue *queue = *bucket;

	while (queue && strcmp(queue->title, title) != 0)
		queue = queue->next;
	if (queue)
		return queue;
	queue = queue_make(title, servers->reaches.workers);
	if (!queue)
		return NULL;
	queue->next = *bucket;
	return *bucket = queue;
}

/* How many are ejected is known as long as any edition has the pool, so it stays. */
static struct passive_pool *keep_title(struct servers *servers, const char *text)
{
	size_t size = strlen(text) + 1;
	struct servers_title **bucket =
		&servers->titles[hash_text(HASH_BEGIN, text) % array_size(servers->titles)];
	struct servers_title *title = *bucket;

	while (title && strcmp(title->text, text) != 0)
		title = title->next;
	if (!title) {
		title = calloc(1, sizeof(*title) + size);
		if (!title)
			return NULL;
		memcpy(title->text, text, size);
		title->next = *bucket;
		*bucket = title;
	}
	return &title->passive;
}

const char *servers_place(struct servers *servers, const char *text)
{
	size_t size = strlen(text) + 1;
	struct servers_place **bucket =
		&servers->places[hash_text(HASH_BEGIN, text) % array_size(servers->places)];
	struct servers_place *place = *bucket;

	while (place && strcmp(place->text, text) != 0)
		place = place->next;
	if (place)
		return place->text;
	place = malloc(sizeof(*place) + size);
	if (!place)
		return NULL;
	memcpy(place->text, text, size);
	place->next = *bucket;
	*bucket = place;
	return place->text;
}

static struct list *bucket_of(struct servers *servers, const char *title, const char *name)
{
	uint32_t sum = hash_text(hash_text(HASH_BEGIN, title), name);

	return &servers->buckets[sum % array_size(servers->buckets)];
}

static struct server *find(const struct list *bucket, const char *title, const char *name,
			   const struct address *address)
{
	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct server *server = container_of(node, struct server, link);

		if (!strcmp(server->title, title) && !strcmp(server->name, name) &&
		    address_is_same(&server->address, address))
			return server;
	}
	return NULL;
}

static void discard(struct server *server)
{
	ways_done(server);
	free(server->reaches);
	free(server->title);
	free(server->name);
	free(server->text);
	free(server->address_text);
	free(server);
}

/* The workers' parts of it. */
static bool make_reaches(struct server *server, const struct servers_reaches *reaches)
{
	char *at;

	if (!reaches->workers)
		return true;
	at = aligned_alloc(64, reaches->workers * reaches->size);
	server->reaches = at;
	for (uint32_t i = 0; at && i < reaches->workers; i++, at += reaches->size)
		reaches->init(at, server, i);
	return server->reaches;
}

static struct server *make(const char *title, const char *name, const char *text,
			   const struct address *address, const struct servers_reaches *reaches)
{
	struct server *server = aligned_alloc(_Alignof(struct server), sizeof(*server));
	char number[ADDRESS_TEXT_MAX];

	if (!server)
		return NULL;
	memset(server, 0, sizeof(*server));
	server->address = *address;
	server->hash = hash_spread(hash64_text(HASH64_BEGIN, name));
	server->title = strdup(title);
	server->name = strdup(name);
	server->text = strdup(text);
	server->address_text = strdup(address_format(address, number, sizeof(number)));
	store(&server->may_return, true);
	if (server->title && server->name && server->text && server->address_text &&
	    make_reaches(server, reaches))
		return server;
	discard(server);
	return NULL;
}

/* The smallest number that none of its title has. */
static void number(struct servers *servers, struct server *server)
{
	struct list *numbered =
		&servers->numbered[hash_text(HASH_BEGIN, server->title) % SERVERS_BUCKETS];
	struct list *node = numbered->next;

	for (; node != numbered; node = node->next, server->number++)
		if (container_of(node, struct server, in_order)->number != server->number)
			break;
	list_push(node, &server->in_order); /* before that one */
}

struct server *servers_get(struct servers *servers, const char *title, const char *name,
			   const char *text, const char *place, const struct address *address)
{
	struct list *bucket = bucket_of(servers, title, name);
	struct server *server = find(bucket, title, name, address);
	const char *kept = servers_place(servers, place);
	struct passive_pool *passive = keep_title(servers, title);
	struct queue *queue = servers_queue(servers, title);

	if (!kept || !passive || !queue)
		return NULL;
	if (!server) {
		server = make(title, name, text, address, &servers->reaches);
		if (!server)
			return NULL;
		server->passive = passive;
		server->queue = queue;
		store(&server->place, kept);
		list_push(bucket, &server->link);
		number(servers, server);
	}
	server->users++;
	return server;
}

void servers_put(struct server *server)
{
	if (--server->users > 0)
		return;
	assert(load(&server->active) == 0);
	(void)passive_ends(server, server->passive);
	list_remove(&server->link);
	list_remove(&server->in_order);
	if (server->account && server->account->users)
		account_leave(server->account, clock_now_ms());
	discard(server);
}
