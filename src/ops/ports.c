#include "ops/ports.h"

#include <stdio.h>
#include <stdlib.h>

#define RANGE    "/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED "/proc/sys/net/ipv4/ip_local_reserved_ports"

#define FIRST_BY_DEFAULT 32768
#define LAST_BY_DEFAULT  60999
#define TEXT_MAX         4096

/* The file's first line, "" without one. */
static const char *line_of(const char *path, char text[TEXT_MAX])
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(text, TEXT_MAX, file))
		text[0] = 0;
	if (file)
		fclose(file);
	return text;
}

/* A number, and *at is behind it; false: there is none. */
static bool take_number(const char **at, uint32_t *ret_number)
{
	char *end;
	unsigned long number = strtoul(*at, &end, 10);

	if (end == *at || number > UINT16_MAX)
		return false;
	*at = end;
	*ret_number = (uint32_t)number;
	return true;
}

/* "80,8000-8010": how many of them are in the range. */
static uint32_t count_reserved(const char *at, uint32_t first, uint32_t last)
{
	uint32_t from, to, count = 0;

	while (take_number(&at, &from)) {
		to = from;
		if (*at == '-' && (at++, !take_number(&at, &to)))
			break;
		at += *at == ',';
		from = from < first ? first : from;
		to = to > last ? last : to;
		count += to >= from ? to - from + 1 : 0;
	}
	return count;
}

uint32_t ports_to_choose(void)
{
	uint32_t first, last;
	char text[TEXT_MAX];
	const char *at = line_of(RANGE, text);

	if (!take_number(&at, &first) || !take_number(&at, &last) || last < first) {
		first = FIRST_BY_DEFAULT;
		last = LAST_BY_DEFAULT;
	}
	return last - first + 1 - count_reserved(line_of(RESERVED, text), first, last);
}
