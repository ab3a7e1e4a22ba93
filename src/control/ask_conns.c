#include "control/ask_conns.h"

#include "control/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE 1000

/* The target with one argument more; it is taken, and freed. */
static char *append(char *target, const char *name, const char *value)
{
	char *longer = target && value ? ask_target(target, name, value) : NULL;

	if (!value)
		return target;
	free(target);
	return longer;
}

char *ask_conns_target(const char *path, const struct ask_criteria *criteria)
{
	char *target = ask_target(path, "", NULL);

	target = append(target, "proxy", criteria->proxy);
	target = append(target, "client", criteria->client);
	target = append(target, "server", criteria->server);
	target = append(target, "listener", criteria->listener);
	target = append(target, "state", criteria->state);
	return append(target, "sort", criteria->sort);
}

static char *page_target(const struct ask_criteria *criteria, uint64_t limit, const json_t *next)
{
	char *target = ask_conns_target("/v1/connections", criteria), text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)limit);
	target = append(target, "limit", text);
	snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(next));
	return append(target, "after", json_is_integer(next) ? text : NULL);
}

/* With `all` taken over: its rows and those of the page, or NULL without memory. */
static json_t *join(json_t *all, json_t *page)
{
	if (!all)
		return page;
	if (json_array_extend(json_object_get(all, "connections"),
			      json_object_get(page, "connections")) < 0) {
		json_decref(all);
		all = NULL;
	}
	json_decref(page);
	return all;
}

int ask_conns(const struct commandline *line, const struct ask_criteria *criteria, uint64_t limit,
	      json_t **ret_list)
{
	json_t *all = NULL, *page, *next = NULL;
	size_t count = 0;
	int r;

	do {
		uint64_t left = limit ? limit - count : PAGE;
		char *target = page_target(criteria, left < PAGE ? left : PAGE, next);

		r = ask(line, "GET", target, NULL, &page);
		free(target);
		json_decref(next);
		if (r != CLIENT_DONE) {
			json_decref(all);
			return r;
		}
		next = json_incref(json_object_get(page, "next"));
		all = join(all, page);
		count = json_array_size(json_object_get(all, "connections"));
	} while (all && json_is_integer(next) && (!limit || count < limit));
	json_decref(next);
	if (!all)
		return client_cannot("the daemon", -ENOMEM);
	json_object_del(all, "next");
	*ret_list = all;
	return CLIENT_DONE;
}

const char *ask_duration(const json_t *answer, const char *name, char text[])
{
	double seconds = json_number_value(json_object_get(answer, name));

	return words_duration(text, (uint64_t)(seconds * 1000), 1000);
}
