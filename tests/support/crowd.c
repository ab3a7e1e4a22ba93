#include "support/crowd.h"

#include "support/assert.h"
#include "support/child.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct member {
	pthread_t thread;
	const char *address;
	struct transfer transfer;
	int connected;
};

struct crowd {
	unsigned count;
	struct member members[];
};

static void *play(void *argument)
{
	struct member *member = argument;
	int fd = peer_connect(member->address);

	member->connected = fd;
	if (fd < 0)
		return NULL;
	peer_transfer(fd, &member->transfer);
	close(fd);
	return NULL;
}

struct crowd *crowd_start(unsigned clients, const char *const *addresses, unsigned count,
			  const struct transfer *order)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd) + clients * sizeof(crowd->members[0]));

	crowd->count = clients;
	for (unsigned i = 0; i < clients; i++) {
		struct member *member = &crowd->members[i];

		member->address = addresses[i % count];
		member->transfer = *order;
		member->transfer.send_seed = member->transfer.receive_seed = 1000 + i;
		member->transfer.half_close = true;
		member->transfer.receive = PEER_UNTIL_THE_END;
		ck_assert_int_eq(pthread_create(&member->thread, NULL, play, member), 0);
	}
	return crowd;
}

static bool all_received(const struct crowd *crowd, uint64_t bytes)
{
	for (unsigned i = 0; i < crowd->count; i++)
		if (__atomic_load_n(&crowd->members[i].transfer.received, __ATOMIC_RELAXED) < bytes)
			return false;
	return true;
}

bool crowd_wait_received(struct crowd *crowd, uint64_t bytes)
{
	return wait_until(all_received(crowd, bytes), PEER_PATIENCE_MS);
}

void crowd_finish(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++)
		pthread_join(crowd->members[i].thread, NULL);
	for (unsigned i = 0; i < crowd->count; i++) {
		const struct member *member = &crowd->members[i];

		assert_connected(member->connected);
		assert_transferred(&member->transfer, member->transfer.send, PEER_FIN);
	}
	free(crowd);
}
