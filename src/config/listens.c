#include "config/listens.h"

#include "base/meet.h"

#include <errno.h>
#include <stdlib.h>

struct listens_entry {
	uint32_t key;
	uint32_t next; /* of the same hash, counted from 1 */
	const struct config_endpoint *line;
	const struct config_section *section;
};

/* All that have listen lines; NULL behind the last. */
static const struct config_section *nth_section(const struct config *config, size_t n)
{
	if (n < config->section_count)
		return &config->sections[n];
	n -= config->section_count;
	return n == 0 ? &config->control : n == 1 ? &config->metrics : NULL;
}

static void add(struct listens *listens, uint32_t key, const struct config_section *section,
		const struct config_endpoint *line)
{
	uint32_t bucket = key & (listens->buckets - 1), number = listens->count + 1;

	listens->entries[listens->count++] =
		(struct listens_entry){.key = key, .line = line, .section = section};
	if (listens->last[bucket])
		listens->entries[listens->last[bucket] - 1].next = number;
	else
		listens->first[bucket] = number;
	listens->last[bucket] = number;
}

static void add_section(struct listens *listens, const struct config_section *section)
{
	for (size_t i = 0; i < section->listen_count; i++) {
		uint32_t keys[MEET_KEYS_MAX];
		unsigned count = meet_keys_kept(&section->listens[i].address, keys);

		for (unsigned k = 0; k < count; k++)
			add(listens, keys[k], section, &section->listens[i]);
	}
}

int listens_init(struct listens *listens, const struct config *config)
{
	const struct config_section *section;
	size_t entries = 0;
	uint32_t buckets = 1;

	for (size_t i = 0; (section = nth_section(config, i)); i++)
		entries += section->listen_count * MEET_KEYS_MAX;
	while (buckets < entries)
		buckets *= 2;
	*listens = (struct listens){
		.entries = calloc(entries + 1, sizeof(*listens->entries)),
		.first = calloc(buckets, sizeof(*listens->first)),
		.last = calloc(buckets, sizeof(*listens->last)),
		.buckets = buckets,
	};
	if (!listens->entries || !listens->first || !listens->last) {
		listens_done(listens);
		return -ENOMEM;
	}
	for (size_t i = 0; (section = nth_section(config, i)); i++)
		add_section(listens, section);
	return 0;
}

void listens_done(struct listens *listens)
{
	free(listens->entries);
	free(listens->first);
	free(listens->last);
	*listens = (struct listens){0};
}

/* Each of two interfaces may have a socket of the same address. */
static bool meet(const struct config_endpoint *one, const struct config_endpoint *other)
{
	return meet_as_listeners(&one->address, &other->address) &&
	       meet_on_interfaces(one->interface, other->interface);
}

/* The first entry of that key that meets the line, counted from 1; 0: none does. */
static uint32_t first_of(const struct listens *listens, uint32_t key,
			 const struct config_endpoint *line)
{
	uint32_t number = listens->first[key & (listens->buckets - 1)];

	for (; number; number = listens->entries[number - 1].next) {
		const struct listens_entry *entry = &listens->entries[number - 1];

		if (entry->key == key && meet(entry->line, line))
			return number;
	}
	return 0;
}

const struct config_endpoint *listens_find(const struct listens *listens,
					   const struct config_endpoint *line,
					   const struct config_section **ret_section)
{
	uint32_t keys[MEET_KEYS_MAX], first = 0;
	unsigned count = meet_keys_sought(&line->address, keys);

	for (unsigned k = 0; k < count; k++) {
		uint32_t number = first_of(listens, keys[k], line);

		if (number && (!first || number < first))
			first = number;
	}
	if (!first)
		return NULL;
	*ret_section = listens->entries[first - 1].section;
	return listens->entries[first - 1].line;
}
