#include "pool/ways.h"

static const struct way *const ways[] = {
	[BALANCE_ROUND_ROBIN] = &round_robin, [BALANCE_LEAST_CONN] = &least_conn,
	[BALANCE_RANDOM_TWO] = &random_two,   [BALANCE_SOURCE_HASH] = &source_hash,
	[BALANCE_LEAST_TIME] = &least_time,
};
static_assert(array_size(ways) == BALANCE_COUNT, "every way of balancing is one");

const struct way *way_of(enum balance balance)
{
	return ways[balance];
}

const char *balance_name(enum balance balance)
{
	return ways[balance]->name;
}
