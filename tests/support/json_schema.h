/*
 * JSON held against a schema (json-schema.org), of which it knows type, required,
 * properties, additionalProperties false, items, enum, pattern, minimum and anyOf.
 */
#ifndef SUPPORT_JSON_SCHEMA_H
#define SUPPORT_JSON_SCHEMA_H

#include <jansson.h>

/* What is wrong with it, or NULL; static storage.  path is the schema's. */
const char *json_schema_mistake(const char *path, const json_t *value);

#endif
