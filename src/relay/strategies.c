#include "relay/strategies.h"

const struct relay_strategy *relay_strategy(enum config_relay relay)
{
	static const struct relay_strategy *const strategies[] = {
		[CONFIG_RELAY_AUTO] = &relay_auto,
		[CONFIG_RELAY_COPY] = &relay_copy,
		[CONFIG_RELAY_SPLICE] = &relay_splice,
		[CONFIG_RELAY_ZEROCOPY] = &relay_zerocopy,
	};

	static_assert(array_size(strategies) == CONFIG_RELAY_COUNT, "every choice is a strategy");
	assert(relay < CONFIG_RELAY_COUNT);
	return strategies[relay];
}
