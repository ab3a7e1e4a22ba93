#include "control/body.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_SHOWN 40

static const struct body_field *find(const struct body_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, name))
			return fields;
	return NULL;
}

/* What may be asked for, "level, reason". */
static void list(const struct body_field *fields, char *names, size_t size)
{
	size_t used = 0;

	snprintf(names, size, "none");
	for (; fields->name && used < size; fields++)
		used += (size_t)snprintf(names + used, size - used, "%s%s", used ? ", " : "",
					 fields->name);
}

/* What others see in the log and on their terminals. */
static bool is_printable(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static int take_number(const struct body_field *field, const json_t *value, char why[BODY_WHY_MAX])
{
	json_int_t number = json_integer_value(value);

	if (!json_is_null(value) &&
	    (!json_is_integer(value) || number < 0 || number > (json_int_t)field->most)) {
		snprintf(why, BODY_WHY_MAX,
			 "\"%s\" in the body has to be a whole number, 0..%u, or null", field->name,
			 field->most);
		return -EINVAL;
	}
	*field->number = (struct body_number){
		.given = true, .null = json_is_null(value), .value = (uint32_t)number};
	return 0;
}

static int take_member(const struct body_field *fields, const char *name, const json_t *value,
		       char why[BODY_WHY_MAX])
{
	const struct body_field *field = find(fields, name);
	const char *text = json_string_value(value);
	char names[80];

	if (!field) {
		list(fields, names, sizeof(names));
		snprintf(why, BODY_WHY_MAX,
			 "the body may not have \"%.*s\": what it may have is %s", NAME_MAX_SHOWN,
			 name, names);
	} else if (field->number) {
		return take_number(field, value, why);
	} else if (!text) {
		snprintf(why, BODY_WHY_MAX, "\"%s\" in the body has to be a text", name);
	} else if (json_string_length(value) >= BODY_TEXT_MAX) {
		snprintf(why, BODY_WHY_MAX, "\"%s\" in the body is longer than %u bytes", name,
			 BODY_TEXT_MAX - 1);
	} else if (!is_printable(text, json_string_length(value))) {
		snprintf(why, BODY_WHY_MAX, "\"%s\" in the body has characters of control in it",
			 name);
	} else {
		*field->text = text;
		return 0;
	}
	return -EINVAL;
}

static int take_members(json_t *body, const struct body_field *fields, char why[BODY_WHY_MAX])
{
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach(body, name, value)
	{
		r = take_member(fields, name, value, why);
		if (r < 0)
			return r;
	}
	for (; fields->name; fields++)
		if (fields->needed && !json_object_get(body, fields->name)) {
			snprintf(why, BODY_WHY_MAX, "the body has to have \"%s\"", fields->name);
			return -EINVAL;
		}
	return 0;
}

static int parse(const char *text, size_t size, json_t **ret_body, char why[BODY_WHY_MAX])
{
	json_error_t error;
	json_t *body = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

	if (!body && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!body) {
		snprintf(why, BODY_WHY_MAX, "the body is no JSON at its line %d, column %d",
			 error.line, error.column);
		return -EINVAL;
	}
	if (!json_is_object(body)) {
		json_decref(body);
		snprintf(why, BODY_WHY_MAX, "the body is JSON, but no object");
		return -EINVAL;
	}
	*ret_body = body;
	return 0;
}

int body_read(const char *text, size_t size, const struct body_field *fields, json_t **ret_body,
	      char why[BODY_WHY_MAX])
{
	json_t *body = NULL;
	int r = size ? parse(text, size, &body, why) : 0;

	if (r < 0)
		return r;
	r = take_members(body, fields, why);
	if (r < 0)
		json_decref(body);
	else
		*ret_body = body;
	return r;
}
