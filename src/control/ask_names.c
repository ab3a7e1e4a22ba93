#include "control/ask_names.h"

#include "control/ask.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *place, *target, *list, *member;
} places[] = {
	{"PROXY", "/status.json", "proxies", "name"},
	{"POOL", "/status.json", "pools", "name"},
	{"SERVER", "/status.json", "servers", "name"},
	{"ID", "/v1/connections?limit=1000", "connections", "id"},
};

static void take_all(const json_t *list, const char *member, ask_name_taker *take, void *owner)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *value = json_object_get(json_array_get(list, i), member);

		char text[24];

		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
		if (json_is_string(value))
			take(owner, json_string_value(value));
		else if (json_is_integer(value))
			take(owner, text);
	}
}

void ask_names(const struct commandline *line, const char *place, ask_name_taker *take, void *owner)
{
	json_t *answer;

	for (size_t i = 0; i < array_size(places); i++) {
		if (strcmp(places[i].place, place) != 0)
			continue;
		if (ask(line, "GET", places[i].target, NULL, &answer) != CLIENT_DONE)
			return;
		take_all(json_object_get(answer, places[i].list), places[i].member, take, owner);
		json_decref(answer);
	}
}
