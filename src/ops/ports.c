#include "ops/ports.h"

#include <stdio.h>

#define RANGE    "/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED "/proc/sys/net/ipv4/ip_local_reserved_ports"

#define FIRST_BY_DEFAULT 32768
#define LAST_BY_DEFAULT  60999

/* "80,8000-8010": how many of them are in the range. */
static uint32_t count_reserved(FILE *file, uint32_t first, uint32_t last)
{
	uint32_t from, to, count = 0;

	while (fscanf(file, "%u", &from) == 1) {
		int next = fgetc(file);

		to = from;
		if (next == '-') {
			if (fscanf(file, "%u", &to) != 1)
				break;
			(void)fgetc(file);
		}
		from = from < first ? first : from;
		to = to > last ? last : to;
		count += to >= from ? to - from + 1 : 0;
	}
	return count;
}

uint32_t ports_to_choose(void)
{
	uint32_t first = FIRST_BY_DEFAULT, last = LAST_BY_DEFAULT, reserved = 0;
	FILE *file = fopen(RANGE, "re");

	if (file && (fscanf(file, "%u %u", &first, &last) != 2 || last < first)) {
		first = FIRST_BY_DEFAULT;
		last = LAST_BY_DEFAULT;
	}
	if (file)
		fclose(file);
	file = fopen(RESERVED, "re");
	if (file) {
		reserved = count_reserved(file, first, last);
		fclose(file);
	}
	return last - first + 1 - reserved;
}
