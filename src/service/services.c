#include "service/services.h"

const struct strategy *service_of(enum config_kind kind)
{
	static const struct strategy *const services[] = {
		[CONFIG_PROXY] = NULL,
		[CONFIG_ECHO] = &service_echo,
		[CONFIG_DISCARD] = &service_discard,
		[CONFIG_CHARGEN] = &service_chargen,
		[CONFIG_RESPONDER] = &service_responder,
	};

	static_assert(array_size(services) == CONFIG_KIND_COUNT, "every kind is known");
	assert(kind < CONFIG_KIND_COUNT);
	return services[kind];
}
