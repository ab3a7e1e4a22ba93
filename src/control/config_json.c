#include "control/config_json.h"

#include "control/utf8_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Settings -------------------------------------------------------------------------------- */

struct listing {
	const struct config *config;
	json_t *list; /* NULL: there was no memory */
};

static json_t *value_json(const struct config_setting *setting)
{
	char *text = NULL;
	json_t *json;

	if (!setting->options)
		return utf8_json(setting->value);
	if (asprintf(&text, "%s %s", setting->value, setting->options) < 0)
		return NULL;
	json = utf8_json(text);
	free(text);
	return json;
}

static json_t *place_json(const struct config *config, const struct config_origin *origin)
{
	char *text = NULL;
	json_t *json;

	if (!origin->line)
		return json_string("default");
	if (asprintf(&text, "%s:%u%s", config->files[origin->file], origin->line,
		     origin->defaults ? " [defaults]" : "") < 0)
		return NULL;
	json = utf8_json(text);
	free(text);
	return json;
}

static void add_setting(void *owner, const struct config_setting *setting)
{
	struct listing *listing = owner;
	json_t *row;

	if (!listing->list)
		return;
	row = json_pack("{s:s, s:s, s:o, s:o}", "section", setting->title, "key", setting->key,
			"value", value_json(setting), "place",
			place_json(listing->config, &setting->origin));
	if (json_array_append_new(listing->list, row) == 0)
		return;
	json_decref(listing->list);
	listing->list = NULL;
}

json_t *config_json(const struct config *config)
{
	struct listing listing = {config, json_array()};

	config_each(config, add_setting, &listing);
	return listing.list;
}

/* ---- What differs ---------------------------------------------------------------------------- */

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static const char *value_at(const json_t *rows, size_t index)
{
	return text_of(json_array_get(rows, index), "value");
}

/* The rows of each key, in an object whose members are called "[section] key"; NULL: no memory. */
static json_t *by_key(const json_t *list)
{
	json_t *keys = json_object();

	for (size_t i = 0; i < json_array_size(list) && keys; i++) {
		json_t *row = json_array_get(list, i), *rows;
		char *name = NULL;
		int r = asprintf(&name, "%s %s", text_of(row, "section"), text_of(row, "key"));

		rows = r < 0 ? NULL : json_object_get(keys, name);
		if (!rows && r >= 0 && json_object_set_new(keys, name, json_array()) == 0)
			rows = json_object_get(keys, name);
		if (!rows || json_array_append(rows, row) < 0) {
			json_decref(keys);
			keys = NULL;
		}
		if (r >= 0)
			free(name);
	}
	return keys;
}

/* How many of the first rows have that value. */
static size_t count_of(const json_t *rows, size_t first, const char *value)
{
	size_t found = 0;

	for (size_t i = 0; i < first && i < json_array_size(rows); i++)
		found += !strcmp(value_at(rows, i), value);
	return found;
}

static bool are_equal(const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (strcmp(value_at(a, i), value_at(b, i)) != 0)
			return false;
	return true;
}

enum which { ONLY_HERE, ON_BOTH_SIDES, ALL };

/* Whether the row at that place is more than the other side has got. */
static bool is_only_here(const json_t *here, size_t index, const json_t *there)
{
	const char *value = value_at(here, index);

	return count_of(here, index + 1, value) > count_of(there, SIZE_MAX, value);
}

/* Of what has no counterpart at all, as in a section that is new, defaults need not be told. */
static bool goes_without_saying(const json_t *row, const json_t *there)
{
	return json_array_size(there) == 0 && !strcmp(text_of(row, "place"), "default");
}

/* Those rows of one key.  NULL: no memory. */
static json_t *pick(const json_t *here, const json_t *there, enum which which)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(here) && list; i++) {
		const json_t *from = json_array_get(here, i);
		json_t *row;

		if (goes_without_saying(from, there) ||
		    (which != ALL && is_only_here(here, i, there) != (which == ONLY_HERE)))
			continue;
		row = json_pack("{s:s, s:s}", "value", value_at(here, i), "place",
				text_of(from, "place"));
		if (json_array_append_new(list, row) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

/* Whether what is on both sides is in another order there. */
static bool are_reordered(const json_t *running, const json_t *file)
{
	json_t *here = pick(running, file, ON_BOTH_SIDES);
	json_t *there = pick(file, running, ON_BOTH_SIDES);
	bool reordered = !are_equal(here, there);

	json_decref(here);
	json_decref(there);
	return reordered;
}

/* One key, whose rows are `running` and `file` (NULL: none), into the result where it differs. */
static int compare(json_t *result, const json_t *running, const json_t *file)
{
	const json_t *row = json_array_get(file ? file : running, 0);
	enum which which = are_reordered(running, file) ? ALL : ONLY_HERE;
	json_t *lost = pick(running, file, which), *come = pick(file, running, which);

	if (lost && come && json_array_size(lost) + json_array_size(come) == 0) {
		json_decref(lost);
		json_decref(come);
		return 0;
	}
	return json_array_append_new(
		result, json_pack("{s:s, s:s, s:o, s:o}", "section", text_of(row, "section"), "key",
				  text_of(row, "key"), "running", lost, "file", come));
}

static int compare_all(json_t *result, json_t *running, json_t *file)
{
	const char *name;
	json_t *rows;
	int r = running && file ? 0 : -1;

	json_object_foreach(file, name, rows)
	{
		r = r ? r : compare(result, json_object_get(running, name), rows);
	}
	json_object_foreach(running, name, rows)
	{
		if (!json_object_get(file, name))
			r = r ? r : compare(result, rows, NULL);
	}
	return r;
}

json_t *config_json_diff(const json_t *running, const json_t *file)
{
	json_t *result = json_array(), *here = by_key(running), *there = by_key(file);

	if (!result || compare_all(result, here, there) < 0) {
		json_decref(result);
		result = NULL;
	}
	json_decref(here);
	json_decref(there);
	return result;
}
