#include "pool/departure.h"

#include "config/config.h"
#include "pool/server.h"

#include "ops/log.h"
#include "ops/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCARCE_PART 10    /* of the ports: fewer are left */
#define AMPLE_PART  5     /* ... and by then there are enough again */
#define SILENCE_MS  60000 /* between two lines about a berth */

#define load(from)      atomic_load_explicit(from, memory_order_relaxed)
#define store(to, what) atomic_store_explicit(to, what, memory_order_relaxed)

/* ---- What is configured ---------------------------------------------------------------------- */

static bool is_same(const struct departure *a, const struct departure *b)
{
	if (a->mark != b->mark || strcmp(a->interface, b->interface) != 0 || a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!address_is_same(&a->sources[i].address, &b->sources[i].address))
			return false;
	return true;
}

static void add_source(struct departure *departure, const struct address *address)
{
	struct source *source = &departure->sources[departure->count++];

	source->address = *address;
	source_format(address, source->text);
}

static void add_lines(struct departure *departure, const struct config_section *section)
{
	const struct config_line *line = NULL;
	char why[VALUE_WHY_MAX];
	struct address address;

	while ((line = config_line_of(section, "source", line)))
		if (source_parse(&address, line->text, why) ==
		    0) /* it has been found to be right */
			add_source(departure, &address);
}

static struct departure *make(const struct config_section *section,
			      const struct config_endpoint *line)
{
	size_t most = section->line_count + 1;
	struct departure *departure = calloc(1, sizeof(*departure) + most * sizeof(struct source));

	if (!departure)
		return NULL;
	departure->mark = section->settings.mark;
	if (section->settings.interface)
		memcpy(departure->interface, section->settings.interface,
		       strlen(section->settings.interface) + 1);
	if (line->source.kind == ADDRESS_NONE)
		add_lines(departure, section);
	else if (line->source.kind == ADDRESS_INET)
		add_source(departure, &line->source);
	return departure;
}

int departure_get(struct servers *servers, const struct config_section *section,
		  const struct config_endpoint *line, const struct departure **ret_departure)
{
	struct departure *departure = make(section, line), *known = servers->departures;

	if (!departure)
		return -ENOMEM;
	while (known && !is_same(known, departure))
		known = known->next;
	*ret_departure = known ? known : departure;
	if (!departure->mark && !*departure->interface && !departure->count)
		*ret_departure = NULL;
	if (*ret_departure != departure) {
		free(departure);
		return 0;
	}
	departure->next = servers->departures;
	servers->departures = departure;
	return 0;
}

void departures_done(struct servers *servers)
{
	struct departure *departure;

	while ((departure = servers->departures)) {
		servers->departures = departure->next;
		free(departure);
	}
}

/* ---- On the way to a server ------------------------------------------------------------------ */

static struct way *make_way(struct servers *servers, struct server *server,
			    const struct departure *departure)
{
	struct way *way = calloc(1, sizeof(*way) + departure->count * sizeof(struct berth));

	if (!way)
		return NULL;
	way->departure = departure;
	way->server = server;
	way->ports = &servers->ports;
	for (uint32_t i = 0; i < departure->count; i++) {
		const struct source *source = &departure->sources[i];

		if (source->address.u.any.sa_family == server->address.u.any.sa_family)
			way->berths[way->count++] = (struct berth){.way = way, .source = source};
	}
	way->next = server->ways;
	server->ways = way;
	return way;
}

int way_get(struct servers *servers, struct server *server, const struct departure *departure,
	    struct way **ret_way)
{
	struct way *way = server->ways;

	*ret_way = NULL;
	if (!departure || server->address.kind == ADDRESS_UNIX)
		return 0;
	departure_look(servers);
	while (way && way->departure != departure)
		way = way->next;
	*ret_way = way ? way : make_way(servers, server, departure);
	return *ret_way ? 0 : -ENOMEM;
}

void ways_done(struct server *server)
{
	struct way *way;

	while ((way = server->ways)) {
		server->ways = way->next;
		for (uint32_t i = 0; i < way->count; i++)
			assert(load(&way->berths[i].open) == 0);
		free(way);
	}
}

void departure_look(struct servers *servers)
{
	store(&servers->ports, ports_to_choose());
}

uint32_t berth_free(const struct berth *berth)
{
	uint32_t ports = load(berth->way->ports), open = load(&berth->open);

	return open < ports ? ports - open : 0;
}

/* ---- Connections ----------------------------------------------------------------------------- */

/* Whether it is time for another line, which is counted from now on. */
static bool may_say(_Atomic uint64_t *said, uint64_t now_ms)
{
	uint64_t said_ms = load(said);

	return (!said_ms || now_ms - said_ms >= SILENCE_MS) &&
	       atomic_compare_exchange_strong(said, &said_ms, now_ms ? now_ms : 1);
}

static void tell_scarce(struct berth *berth, uint64_t now_ms)
{
	const struct server *server = berth->way->server;

	if (!may_say(&berth->scarce_ms, now_ms))
		return;
	store(&berth->scarce, true);
	log_warning("%s server %s: from source %s only %u of %u local ports are left; write "
		    "further source lines, or widen net.ipv4.ip_local_port_range",
		    server->title, server->text, berth->source->text, berth_free(berth),
		    load(berth->way->ports));
}

void berth_take(struct berth *berth, uint64_t now_ms)
{
	uint64_t ports = load(berth->way->ports);
	uint64_t open = atomic_fetch_add_explicit(&berth->open, 1, memory_order_relaxed) + 1;

	if (unlikely(open * SCARCE_PART > ports * (SCARCE_PART - 1)) && !load(&berth->scarce))
		tell_scarce(berth, now_ms);
}

void berth_leave(struct berth *berth, uint64_t now_ms)
{
	const struct server *server = berth->way->server;
	uint64_t ports = load(berth->way->ports);
	uint64_t open = atomic_fetch_sub_explicit(&berth->open, 1, memory_order_relaxed) - 1;

	if (likely(!load(&berth->scarce)) || open * AMPLE_PART > ports * (AMPLE_PART - 1) ||
	    !atomic_exchange(&berth->scarce, false))
		return;
	store(&berth->scarce_ms, now_ms);
	log_info("%s server %s: from source %s %u of %u local ports are left again", server->title,
		 server->text, berth->source->text, berth_free(berth), load(berth->way->ports));
}

void berth_lacks(struct berth *berth, int error, uint64_t now_ms)
{
	const struct way *way = berth->way;
	const char *rest = way->count > 1 ? "; connections come from the other sources" : "";

	if (!may_say(&berth->lacks_ms, now_ms))
		return;
	if (error == -ENXIO)
		log_warning("%s server %s: source %s is no address of this machine%s",
			    way->server->title, way->server->text, berth->source->text, rest);
	else
		log_warning("%s server %s: from source %s no local port is free (%u connections of "
			    "ours, %u ports; others are other programs', or in TIME_WAIT)%s; write "
			    "further source lines, or widen net.ipv4.ip_local_port_range",
			    way->server->title, way->server->text, berth->source->text,
			    load(&berth->open), load(way->ports), rest);
}
