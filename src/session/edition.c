#include "session/edition.h"

#include "pool/pool.h"

struct pool *edition_pool_of(const struct edition *edition, const struct account *account)
{
	uint32_t low = 0, high = edition->pool_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct pool *pool = edition->by_account[middle];

		if (pool->account == account)
			return pool;
		if (pool->account < account)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
