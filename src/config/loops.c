#include "config/loops.h"

#include "base/endpoint.h"
#include "base/grow.h"
#include "base/meet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct loop_place {
	struct address address;
	size_t section;
	const struct config_endpoint *line;
};

struct loop_edge {
	size_t to;
	size_t next; /* from the same section, counted from 1 */
	const struct config_endpoint *line;
};

int loops_init(struct loops *loops, const struct config *config)
{
	size_t count = config->section_count;

	*loops = (struct loops){
		.section_count = count,
		.first_edge = calloc(count + 1, sizeof(*loops->first_edge)),
		.seen = calloc(count + 1, sizeof(*loops->seen)),
		.stack = calloc(count + 1, sizeof(*loops->stack)),
	};
	if (!loops->first_edge || !loops->seen || !loops->stack) {
		loops_done(loops);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const struct config_section *section = &config->sections[i];

		for (size_t j = 0; section->kind == CONFIG_PROXY && j < section->listen_count; j++)
			if (loops_listen(loops, i, &section->listens[j].address,
					 &section->listens[j]) < 0) {
				loops_done(loops);
				return -ENOMEM;
			}
	}
	return 0;
}

void loops_done(struct loops *loops)
{
	free(loops->places);
	free(loops->edges);
	free(loops->first_edge);
	free(loops->seen);
	free(loops->stack);
	*loops = (struct loops){0};
}

int loops_listen(struct loops *loops, size_t section, const struct address *address,
		 const struct config_endpoint *line)
{
	struct loop_place *places = grow(loops->places, loops->place_count, 1, sizeof(*places));

	if (!places)
		return -ENOMEM;
	loops->places = places;
	places[loops->place_count++] =
		(struct loop_place){.address = *address, .section = section, .line = line};
	return 0;
}

/* A name's addresses come and go, and may lead there again. */
static bool has_edge(const struct loops *loops, size_t from, size_t to,
		     const struct config_endpoint *line)
{
	for (size_t i = loops->first_edge[from]; i; i = loops->edges[i - 1].next)
		if (loops->edges[i - 1].to == to && loops->edges[i - 1].line == line)
			return true;
	return false;
}

static int add_edge(struct loops *loops, size_t from, size_t to, const struct config_endpoint *line)
{
	struct loop_edge *edges;

	if (has_edge(loops, from, to, line))
		return 0;
	edges = grow(loops->edges, loops->edge_count, 1, sizeof(*edges));

	if (!edges)
		return -ENOMEM;
	loops->edges = edges;
	edges[loops->edge_count++] =
		(struct loop_edge){.to = to, .next = loops->first_edge[from], .line = line};
	loops->first_edge[from] = loops->edge_count;
	return 0;
}

void loops_forget(struct loops *loops, const struct config_endpoint *line)
{
	for (size_t i = 0; i < loops->section_count; i++)
		for (size_t *at = &loops->first_edge[i]; *at;) {
			struct loop_edge *edge = &loops->edges[*at - 1];

			if (edge->line == line)
				*at = edge->next;
			else
				at = &edge->next;
		}
}

static bool reaches(struct loops *loops, size_t from, size_t to)
{
	size_t depth = 0;

	memset(loops->seen, 0, loops->section_count * sizeof(*loops->seen));
	loops->stack[depth++] = from;
	loops->seen[from] = true;
	while (depth) {
		size_t section = loops->stack[--depth];

		if (section == to)
			return true;
		for (size_t i = loops->first_edge[section]; i; i = loops->edges[i - 1].next) {
			size_t next = loops->edges[i - 1].to;

			if (!loops->seen[next])
				loops->stack[depth++] = next;
			loops->seen[next] = true;
		}
	}
	return false;
}

/* The server line of from that is the way to the other. */
static const struct config_endpoint *way(struct loops *loops, size_t from, size_t to)
{
	for (size_t i = loops->first_edge[from]; i; i = loops->edges[i - 1].next)
		if (reaches(loops, loops->edges[i - 1].to, to))
			return loops->edges[i - 1].line;
	return NULL;
}

/* What is sent to the loopback comes in nowhere else. */
static bool arrives(const struct address *address, const struct loop_place *place)
{
	const char *interface = place->line->interface;
	struct endpoint to;

	if (!meet_by_connecting(address, &place->address))
		return false;
	if (address->kind != ADDRESS_INET || !*interface || !strcmp(interface, "lo"))
		return true;
	endpoint_of(&address->u.any, &to);
	return !endpoint_is_loopback(&to);
}

int loops_connect(struct loops *loops, size_t section, const struct address *address,
		  const struct config_endpoint *line, struct loop_found *ret_found)
{
	size_t edge_count = loops->edge_count;

	for (size_t i = 0; i < loops->place_count; i++) {
		struct loop_place *place = &loops->places[i];

		if (!arrives(address, place))
			continue;
		if (reaches(loops, place->section, section)) {
			*ret_found = (struct loop_found){
				.section = place->section,
				.line = place->line,
				.onward = place->section == section
						  ? NULL
						  : way(loops, place->section, section),
			};
			/* Those that it would have led to besides. */
			while (loops->edge_count > edge_count)
				loops->first_edge[section] = loops->edges[--loops->edge_count].next;
			return 1;
		}
		if (add_edge(loops, section, place->section, line) < 0)
			return -ENOMEM;
	}
	return 0;
}
