#include "session/hop.h"

#include "loop/socket.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tenancy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS   65536u /* a power of two */
#define PROBES  8u
#define FREE    0u
#define CLAIMED 1u /* being written; no key is below KEY_MIN */
#define KEY_MIN 2u

/* ---- Which servers may be listeners of ours -------------------------------------------------- */

static bool is_same_path(const struct sockaddr_un *a, const struct sockaddr_un *b)
{
	struct stat of_a, of_b;

	if (!a->sun_path[0] || !b->sun_path[0])
		return memcmp(a->sun_path, b->sun_path, sizeof(a->sun_path)) == 0;
	return stat(a->sun_path, &of_a) == 0 && stat(b->sun_path, &of_b) == 0 &&
	       of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

static bool may_be(const struct address *server, const struct sockaddr_storage *listener)
{
	struct endpoint at;

	if (server->u.any.sa_family == AF_UNIX)
		return listener->ss_family == AF_UNIX &&
		       is_same_path(&server->u.un, (const void *)listener);
	endpoint_of((const void *)listener, &at);
	return listener->ss_family != AF_UNIX && at.port == server->port;
}

void hop_prepare(struct edition *edition, bool more)
{
	for (uint32_t i = 0; i < edition->section_count; i++)
		edition->sections[i].is_reached = more && edition->sections[i].has_upstream;
	for (uint32_t i = 0; i < edition->pool_count; i++)
		for (uint32_t m = 0; m < edition->pools[i].count; m++) {
			struct server *server = edition->pools[i].members[m].server;

			/* Of another edition that is still in use it may be known already. */
			if (server->users == 1)
				atomic_store_explicit(&server->may_return, false,
						      memory_order_relaxed);
		}
}

static bool may_lead_to(struct pool *pool, const struct sockaddr_storage *listener)
{
	bool any = false;

	for (uint32_t i = 0; i < pool->count; i++) {
		struct server *server = pool->members[i].server;

		if (!may_be(&server->address, listener))
			continue;
		atomic_store_explicit(&server->may_return, true, memory_order_relaxed);
		any = true;
	}
	return any;
}

void hop_prepare_listener(struct edition *edition, struct section *section, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return;
	for (uint32_t i = 0; i < edition->pool_count; i++)
		section->is_reached |= may_lead_to(&edition->pools[i], &address);
}

int hop_open(struct engine *engine, const struct edition *edition)
{
	bool any = false;

	for (uint32_t i = 0; i < edition->section_count; i++)
		any |= edition->sections[i].is_reached;
	if (any && !engine->hops.table)
		engine->hops.table = calloc(SLOTS, sizeof(struct hop));
	return any && !engine->hops.table ? -ENOMEM : 0;
}

void hop_done(struct engine *engine)
{
	free(engine->hops.table);
	engine->hops.table = NULL;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* splitmix64's: every bit of the input matters to every bit of the output. */
static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t key_of(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint64_t key = size, word;

	for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		key = mix(key ^ word);
	}
	word = 0;
	memcpy(&word, at, size);
	key = mix(key ^ word);
	return key < KEY_MIN ? KEY_MIN : key;
}

static uint64_t key_of_ends(const struct endpoint *from, const struct endpoint *to)
{
	struct endpoint ends[2] = {*from, *to};

	static_assert(sizeof(ends) == 36, "no padding is part of the key");
	return key_of(ends, sizeof(ends));
}

/* ---- The table ------------------------------------------------------------------------------- */

static struct hop *slot_of(struct hops *hops, uint64_t key, uint32_t probe)
{
	return &hops->table[(key + probe) % SLOTS];
}

static void note(struct session *session, uint64_t key)
{
	struct hops *hops = &session->all->engine->hops;

	for (uint32_t i = 0; i < PROBES; i++) {
		struct hop *hop = slot_of(hops, key, i);
		uint64_t expected = FREE;

		if (!atomic_compare_exchange_strong_explicit(&hop->key, &expected, CLAIMED,
							     memory_order_acquire,
							     memory_order_relaxed))
			continue;
		atomic_store_explicit(&hop->previous, session->came_by, memory_order_relaxed);
		atomic_store_explicit(&hop->section, session->branch->section->account->id,
				      memory_order_relaxed);
		atomic_store_explicit(&hop->key, key, memory_order_release);
		atomic_fetch_add_explicit(&hops->count, 1, memory_order_relaxed);
		session->hop = hop;
		return;
	}
}

void hop_forget(struct session *session)
{
	if (likely(!session->hop))
		return;
	atomic_store_explicit(&session->hop->key, FREE, memory_order_release);
	atomic_fetch_sub_explicit(&session->all->engine->hops.count, 1, memory_order_relaxed);
	session->hop = NULL;
}

/* Which section made it, and the hop before; false when it is not noted. */
static bool find(struct hops *hops, uint64_t key, uint32_t *ret_section, uint64_t *ret_previous)
{
	for (uint32_t i = 0; i < PROBES; i++) {
		struct hop *hop = slot_of(hops, key, i);

		if (atomic_load_explicit(&hop->key, memory_order_acquire) != key)
			continue;
		*ret_section = atomic_load_explicit(&hop->section, memory_order_relaxed);
		*ret_previous = atomic_load_explicit(&hop->previous, memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		/* Not another one that has taken its place meanwhile. */
		return atomic_load_explicit(&hop->key, memory_order_relaxed) == key;
	}
	return false;
}

/* ---- What sessions do ------------------------------------------------------------------------ */

void hop_note(struct session *session, const struct endpoint *from, const struct endpoint *to)
{
	if (session->all->engine->hops.table)
		note(session, key_of_ends(from, to));
}

void hop_name(struct session *session, int fd)
{
	char name[SOCKET_LABEL_MAX];
	int length;

	if (!session->all->engine->hops.table)
		return;
	length = snprintf(name, sizeof(name), "uringproxy-%d-%u-%llu", (int)getpid(),
			  session->road.loop->index, (unsigned long long)session->id);
	if (socket_label(fd, name) == 0)
		note(session, key_of(name, (size_t)length));
}

bool hop_may_come(const struct engine *engine, const struct section *section)
{
	return section->is_reached &&
	       atomic_load_explicit(&engine->hops.count, memory_order_relaxed) != 0;
}

/* The key of the hop that a client would be. */
static uint64_t key_of_client(int fd)
{
	struct sockaddr_in6 peer, own;
	char name[SOCKET_LABEL_MAX];
	struct endpoint from, to;
	size_t length;

	socket_peer(fd, &peer);
	if (peer.sin6_family == AF_UNIX) {
		length = socket_peer_label(fd, name);
		return length ? key_of(name, length) : FREE;
	}
	socket_name(fd, &own);
	endpoint_of((const void *)&peer, &from);
	endpoint_of((const void *)&own, &to);
	return key_of_ends(&from, &to);
}

bool hop_is_own(struct engine *engine, const struct section *section, int client_fd)
{
	uint64_t key, previous;
	uint32_t from;

	if (!hop_may_come(engine, section))
		return false;
	key = key_of_client(client_fd);
	return key != FREE && find(&engine->hops, key, &from, &previous);
}

static seldom bool is_in_its_chain(struct session *session)
{
	struct engine *engine = session->all->engine;
	uint32_t section, left = session->branch->section->edition->section_count + 1;
	uint64_t key = key_of_client(session->road.fd[SIDE_CLIENT]), previous;

	if (key == FREE || !find(&engine->hops, key, &section, &previous))
		return false;
	session->came_by = key;
	/* Longer than there are sections it is only if it has come back to another one. */
	while (left-- && section != session->branch->section->account->id) {
		key = previous;
		if (key == FREE || !find(&engine->hops, key, &section, &previous))
			return false;
	}
	return true;
}

bool hop_comes_back(struct session *session)
{
	return hop_may_come(session->all->engine, session->branch->section) &&
	       is_in_its_chain(session);
}
