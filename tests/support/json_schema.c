#include "support/json_schema.h"

#include "base/compiler.h"

#include <check.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

static char mistake[500];

static bool wrong(const char *name, const char *what)
{
	snprintf(mistake, sizeof(mistake), "%s: %s", name, what);
	return false;
}

static bool is_of_type(const char *type, const json_t *value)
{
	return (!strcmp(type, "object") && json_is_object(value)) ||
	       (!strcmp(type, "array") && json_is_array(value)) ||
	       (!strcmp(type, "string") && json_is_string(value)) ||
	       (!strcmp(type, "integer") && json_is_integer(value)) ||
	       (!strcmp(type, "number") && json_is_number(value));
}

static bool is_among(const json_t *words, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(words); i++)
		if (json_equal(json_array_get(words, i), value))
			return true;
	return false;
}

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool found;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

static bool is_valid(const json_t *schema, const json_t *value, const char *name);

static bool has_its_members(const json_t *schema, const json_t *value, const char *name)
{
	const json_t *properties = json_object_get(schema, "properties"), *member;
	const json_t *required = json_object_get(schema, "required");
	const char *key;

	for (size_t i = 0; i < json_array_size(required); i++) {
		key = json_string_value(json_array_get(required, i));
		if (!json_object_get(value, key))
			return wrong(key, "is missing");
	}
	json_object_foreach((json_t *)value, key, member)
	{
		const json_t *of_member = json_object_get(properties, key);

		if (!of_member && json_is_false(json_object_get(schema, "additionalProperties")))
			return wrong(key, "is not known to the schema");
		if (of_member && !is_valid(of_member, member, key))
			return false;
	}
	(void)name;
	return true;
}

/* Or there is none to be. */
static bool is_any_of(const json_t *schemas, const json_t *value, const char *name)
{
	bool valid = !schemas;

	for (size_t i = 0; !valid && i < json_array_size(schemas); i++)
		valid = is_valid(json_array_get(schemas, i), value, name);
	return valid;
}

static bool is_valid(const json_t *schema, const json_t *value, const char *name)
{
	const json_t *words = json_object_get(schema, "enum");
	const json_t *minimum = json_object_get(schema, "minimum");
	const json_t *items = json_object_get(schema, "items");
	const char *pattern = json_string_value(json_object_get(schema, "pattern"));

	if (!is_of_type(json_string_value(json_object_get(schema, "type")), value))
		return wrong(name, "is of another type");
	if (!is_any_of(json_object_get(schema, "anyOf"), value, name))
		return false;
	if (words && !is_among(words, value))
		return wrong(name, "is none of its words");
	if (pattern && !matches(pattern, json_string_value(value)))
		return wrong(name, json_string_value(value));
	if (minimum && json_number_value(value) < json_number_value(minimum))
		return wrong(name, "is too small");
	for (size_t i = 0; items && i < json_array_size(value); i++)
		if (!is_valid(items, json_array_get(value, i), name))
			return false;
	return !json_is_object(value) || has_its_members(schema, value, name);
}

const char *json_schema_mistake(const char *path, const json_t *value)
{
	json_error_t error;
	json_t *schema = json_load_file(path, 0, &error);
	bool valid;

	ck_assert_msg(schema, "%s:%d: %s", path, error.line, error.text);
	valid = is_valid(schema, value, "the whole");
	json_decref(schema);
	return valid ? NULL : mistake;
}
