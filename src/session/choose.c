#include "session/choose.h"

#include "session/section.h"
#include "session/sessions.h"

uint32_t choose_next(struct sessions *all, const struct section *section)
{
	uint32_t *next = &all->next_server[section->index];
	uint32_t server = *next % section->server_count;

	*next = server + 1;
	return server;
}

struct server_health *choose_health(struct sessions *all, const struct section *section,
				    uint32_t server)
{
	return &all->health[section->index][server];
}
