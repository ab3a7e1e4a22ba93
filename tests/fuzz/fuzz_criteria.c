/*
 * A query means some connections, within bounds, or is refused with a reason; and what is read
 * of it was there.
 */
#include "control/criteria.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char text[4096];

/* "name=value&..." as it comes, without decoding; how many there are. */
static size_t split(struct http_argument arguments[HTTP_ARGUMENTS_MAX])
{
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(text, "&", &rest); word && count < HTTP_ARGUMENTS_MAX;
	     word = strtok_r(NULL, "&", &rest)) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = 0;
		arguments[count++] = (struct http_argument){word, value ? value : ""};
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_argument arguments[HTTP_ARGUMENTS_MAX];
	struct criteria criteria;
	char why[CRITERIA_WHY_MAX] = "";
	size_t count;

	size = size < sizeof(text) ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = 0;
	count = split(arguments);
	if (criteria_read(arguments, count, CRITERIA_FILTER | CRITERIA_PAGE | CRITERIA_CONFIRM,
			  &criteria, why) < 0) {
		assert(*why && strlen(why) < CRITERIA_WHY_MAX);
		return 0;
	}
	assert(criteria.limit >= 1 && criteria.limit <= CRITERIA_LIMIT_MAX);
	assert(criteria.filter.bits <= 128);
	assert(criteria.narrows == (criteria.filter.proxy || criteria.filter.server ||
				    criteria.filter.listener || criteria.filter.state ||
				    criteria.filter.client != GLANCE_ANY));
	return 0;
}
