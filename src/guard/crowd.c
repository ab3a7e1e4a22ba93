#include "guard/crowd.h"

#include "base/hash.h"

void crowd_add(struct crowd *crowd, struct cidr_number client)
{
	uint64_t bit = hash_spread(client.high * 31 + hash_spread(client.low)) % CROWD_BITS;

	crowd->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* Of n who come by chance, the last finds a clear bit with a chance of clear bits in all. */
uint32_t crowd_count(const struct crowd *crowd)
{
	unsigned set = 0;
	double expected = 0;
	uint32_t count = 0;

	for (unsigned i = 0; i < CROWD_BITS / 64; i++)
		set += (unsigned)__builtin_popcountll(crowd->bits[i]);
	for (; expected + 0.5 < set && count < CROWD_MAX; count++)
		expected += (CROWD_BITS - expected) / CROWD_BITS;
	return count;
}
