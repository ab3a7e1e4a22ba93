#include "control/status_line.h"

#include "control/named.h"
#include "pool/standing.h"

#include <stdio.h>

#define NUMBER_MAX 32

/* As people write it: "1,204". */
static const char *grouped(uint64_t number, char text[NUMBER_MAX])
{
	char digits[NUMBER_MAX];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	char *to = text;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return text;
}

static void count_servers(const struct edition *edition, uint32_t *ret_up, uint32_t *ret_all)
{
	*ret_up = *ret_all = 0;
	for (uint32_t i = 0; i < edition->pool_count; i++) {
		const struct pool *pool = &edition->pools[i];

		for (uint32_t m = 0; m < pool->count; m++)
			*ret_up += standing_of(&pool->members[m]).cause == STANDING_WELL;
		*ret_all += named_count(pool);
	}
}

void status_line(const struct status_line *line, char ret_text[STATUS_LINE_MAX])
{
	const struct reading *reading = line->reading;
	uint32_t open = sockets_listening(&reading->sockets), up, all;
	uint32_t waiting = sockets_waiting(&reading->sockets);
	char missing[200] = "", servers[60] = "", number[NUMBER_MAX];

	count_servers(&reading->edition, &up, &all);
	if (all)
		snprintf(servers, sizeof(servers), ", %u of %u server%s up", up, all,
			 all == 1 ? "" : "s");
	if (reading->resolver.missing || waiting)
		snprintf(missing, sizeof(missing),
			 "; missing: %u name%s not resolved, %u address%s not this machine's",
			 reading->resolver.missing, reading->resolver.missing == 1 ? "" : "s",
			 waiting, waiting == 1 ? "" : "es");
	snprintf(ret_text, STATUS_LINE_MAX,
		 "%s: %s connection%s%s, edition %llu; %u listening socket%s, %u worker%s%s%s%s",
		 line->state, grouped(line->connections, number), line->connections == 1 ? "" : "s",
		 servers, (unsigned long long)reading->edition.number, open, open == 1 ? "" : "s",
		 line->workers, line->workers == 1 ? "" : "s", missing,
		 line->mistake[0] ? "; not reloaded: " : "", line->mistake);
}
