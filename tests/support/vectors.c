#include "support/vectors.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct vector *vector, unsigned byte, unsigned times)
{
	vector->bytes = realloc(vector->bytes, vector->count + times);
	ck_assert_ptr_nonnull(vector->bytes);
	memset(vector->bytes + vector->count, (int)byte, times);
	vector->count += times;
}

static void read_bytes(struct vector *vector, const char *text)
{
	unsigned byte, times;
	int length;

	while (*text && *text != ' ' && *text != '\n') {
		length = 0;
		times = 1;
		if (*text == '<')
			sscanf(text, "<%2x*%u>%n", &byte, &times, &length);
		else
			sscanf(text, "%2x%n", &byte, &length);
		ck_assert_msg(length >= 2, "%s: no bytes: %s", vector->name, text);
		put(vector, byte, times);
		text += length;
	}
}

void vectors_read(struct vectors *ret_vectors, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;

	*ret_vectors = (struct vectors){0};
	ck_assert_msg(file != NULL, "cannot open %s", path);
	while (getline(&line, &size, file) > 0) {
		struct vector *vector = &ret_vectors->each[ret_vectors->count];
		int at = 0;

		if (*line == '#' || *line == '\n')
			continue;
		ck_assert_uint_lt(ret_vectors->count, VECTORS_MAX);
		ck_assert_int_eq(sscanf(line, "%47s %31s %n", vector->name, vector->verdict, &at),
				 2);
		read_bytes(vector, line + at);
		ret_vectors->count++;
	}
	free(line);
	fclose(file);
}

void vectors_done(struct vectors *vectors)
{
	for (uint32_t i = 0; i < vectors->count; i++)
		free(vectors->each[i].bytes);
	*vectors = (struct vectors){0};
}

const struct vector *vectors_find(const struct vectors *vectors, const char *name)
{
	for (uint32_t i = 0; i < vectors->count; i++)
		if (!strcmp(vectors->each[i].name, name))
			return &vectors->each[i];
	ck_abort_msg("no vector is named %s", name);
	return NULL;
}
