#include "control/ask_names.h"

#include "base/sheet.h"
#include "control/ask.h"

#include <string.h>

static const struct {
	const char *place, *target, *list, *member;
	const char *before; /* a member that stands before that, and a slash between; NULL: none */
} places[] = {
	{"PROXY", "/status.json", "proxies", "name", NULL},
	{"POOL", "/v1/servers", "pools", "name", NULL},
	{"SERVER", "/v1/servers", "servers", "name", NULL},
	{"POOL/NAME", "/v1/servers", "servers", "name", "pool"},
	{"ID", "/v1/connections?limit=1000", "connections", "id", NULL},
};

static void take_one(const json_t *row, const char *member, const char *before,
		     ask_name_taker *take, void *owner)
{
	const json_t *value = json_object_get(row, member);
	struct sheet text = {0};

	if (before)
		sheet_add(&text, "%s/", ask_text(row, before));
	if (json_is_string(value))
		sheet_add(&text, "%s", json_string_value(value));
	else if (json_is_integer(value))
		sheet_add(&text, "%lld", (long long)json_integer_value(value));
	if (sheet_text(&text))
		take(owner, sheet_text(&text));
	sheet_done(&text);
}

void ask_names(const struct commandline *line, const char *place, ask_name_taker *take, void *owner)
{
	const json_t *list;
	json_t *answer;

	for (size_t i = 0; i < array_size(places); i++) {
		if (strcmp(places[i].place, place) != 0)
			continue;
		if (ask(line, "GET", places[i].target, NULL, &answer) != CLIENT_DONE)
			return;
		list = json_object_get(answer, places[i].list);
		for (size_t j = 0; j < json_array_size(list); j++)
			take_one(json_array_get(list, j), places[i].member, places[i].before, take,
				 owner);
		json_decref(answer);
	}
}
