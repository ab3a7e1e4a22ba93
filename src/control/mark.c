#include "control/mark.h"

#include <stdio.h>
#include <time.h>

struct mark mark_by(const char *by)
{
	struct mark mark;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	mark.at_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	snprintf(mark.by, sizeof(mark.by), "%s", by);
	return mark;
}
