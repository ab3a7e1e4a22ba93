#include "service/services.h"

const struct strategy *service_of(enum config_kind kind)
{
	static const struct strategy *const services[CONFIG_KIND_COUNT] = {
#define X(NAME, name) [CONFIG_##NAME] = &service_##name,
		CONFIG_SERVICES(X)
#undef X
	};

	assert(kind < CONFIG_KIND_COUNT);
	return services[kind];
}
