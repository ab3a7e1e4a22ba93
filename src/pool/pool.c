#include "pool/pool.h"

#include "pool/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pool_open(struct pool *pool, uint32_t room)
{
	*pool = (struct pool){.members = calloc(room + 1, sizeof(*pool->members)), .room = room};
	return pool->members ? 0 : -ENOMEM;
}

void pool_close(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->count; i++) {
		servers_put(pool->members[i].server);
		free(pool->members[i].place);
	}
	free(pool->members);
	*pool = (struct pool){0};
}

int pool_add(struct pool *pool, const struct member *member)
{
	uint32_t count = atomic_load_explicit(&pool->count, memory_order_relaxed);
	char *place = strdup(member->place);

	assert(count < pool->room);
	if (!place)
		return -ENOMEM;
	pool->members[count] = *member;
	pool->members[count].place = place;
	/* From now on it is read by workers. */
	atomic_store_explicit(&pool->count, count + 1, memory_order_release);
	return 0;
}
