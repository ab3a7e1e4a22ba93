#include "control/utf8_json.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

json_t *utf8_json(const char *text)
{
	char *copy = text ? strdup(text) : NULL;
	json_t *json;

	for (char *at = copy; at && *at;) {
		size_t length = utf8_length(at);

		if (!length)
			*at = '?';
		at += length ? length : 1;
	}
	json = copy ? json_string(copy) : NULL;
	free(copy);
	return json;
}
