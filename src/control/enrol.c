#include "control/enrol.h"

#include "config/endpoint.h"
#include "config/loops.h"
#include "control/named.h"

#include "ops/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE     "added by an operator" /* where others have FILE:LINE */
#define SHOWN_MAX 60

int enrol_refuse(struct enrolment *enrolment, unsigned status, const char *code, const char *hint,
		 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(enrolment->why, sizeof(enrolment->why), format, arguments);
	va_end(arguments);
	snprintf(enrolment->hint, sizeof(enrolment->hint), "%s", hint);
	enrolment->status = status;
	enrolment->code = code;
	return -EINVAL;
}

static int refuse_memory(struct enrolment *enrolment)
{
	return enrol_refuse(enrolment, 503, "memory", "ask again", "there is no memory for that");
}

/* ---- Adding ---------------------------------------------------------------------------------- */

/* What it is called stands in the request, and is its address or a name of its own. */
static int take_name(struct config_endpoint *line, struct enrolment *enrolment)
{
	const char *name = enrolment->name;
	char number[ADDRESS_TEXT_MAX];

	if (line->name)
		return enrol_refuse(enrolment, 400, "line", "leave name= out",
				    "it is to be called '%.*s', and name= says '%.*s'", SHOWN_MAX,
				    name, SHOWN_MAX, line->name);
	if (!strcmp(name, address_format(&line->address, number, sizeof(number))))
		return 0;
	if (name[value_name_span(name)] || strlen(name) > SHOWN_MAX)
		return enrol_refuse(enrolment, 400, "name", "say for example web/app4",
				    "'%.*s' is no name for a server: letters, digits, '-', '_' "
				    "and '.', %d of them at most, or its address",
				    SHOWN_MAX, name, SHOWN_MAX);
	line->name = strdup(name);
	return line->name ? 0 : refuse_memory(enrolment);
}

static int take_line(struct config_endpoint *line, struct enrolment *enrolment)
{
	char why[VALUE_WHY_MAX];
	unsigned count;
	int r = endpoint_parse(line, &count, enrolment->line, ENDPOINT_CONNECT, why);

	if (r == -EINVAL)
		return enrol_refuse(enrolment, 400, "line",
				    "say what a server line says, 10.0.3.9:5432 weight=2", "%s",
				    why);
	if (r < 0) {
		*line = (struct config_endpoint){0};
		return refuse_memory(enrolment);
	}
	if (line->address.kind == ADDRESS_NAME)
		return enrol_refuse(enrolment, 400, "line",
				    "say an address; names are for the configuration",
				    "'%.*s' is a host name", SHOWN_MAX, line->text);
	return take_name(line, enrolment);
}

/* The one that it would be, or that stands in its way. */
static struct member *find(const struct pool *pool, const char *name, const struct address *address)
{
	for (uint32_t i = 0; i < pool->count; i++) {
		struct member *member = &pool->members[i];

		if (!strcmp(member->server->name, name) &&
		    (!member->gone_ms || address_is_same(&member->server->address, address)))
			return member;
	}
	return NULL;
}

/* It was removed, and is not over yet: it is the same one again, as it is said now. */
static void restore(struct member *member, struct config_endpoint *line, struct servers *servers)
{
	member->place = servers_place(servers, PLACE);
	member_own_line(member, line);
	member->line = line;
	member->weight = line->weight;
	member->tier = line->priority;
	member->limit = line->max_connections;
	member->disabled = line->disabled;
	member->removed = false;
	member->gone_ms = member->idle_ms = 0;
}

static int join(struct pool *pool, const struct pool_means *means, struct config_endpoint *line,
		struct enrolment *enrolment)
{
	uint32_t count = pool->count;
	char text[2 * ADDRESS_TEXT_MAX + 4];
	int r;

	snprintf(text, sizeof(text), "%s (%s)", enrolment->name, line->text);
	r = enlist(pool, means,
		   &(struct enlisted){
			   .line = line,
			   .address = &line->address,
			   .name = enrolment->name,
			   .text = line->name ? text : line->text,
			   .weight = line->weight,
			   .tier = line->priority,
			   .place = PLACE,
		   });
	if (r < 0)
		return refuse_memory(enrolment);
	if (pool->count == count)
		return enrol_refuse(enrolment, 409, "loop", "the log says which way",
				    "'%.*s' leads back to a proxy of pool %s: connections would "
				    "go round without end",
				    SHOWN_MAX, line->text, pool->config->name);
	pool->members[count].added = line;
	return 0;
}

static int put_in(struct pool *pool, const struct pool_means *means, struct config_endpoint *line,
		  struct enrolment *enrolment)
{
	struct member *member = find(pool, enrolment->name, &line->address);

	if (!member)
		return join(pool, means, line, enrolment);
	if (!member->gone_ms)
		return enrol_refuse(
			enrolment, 409, "exists", "call it otherwise, or remove that one first",
			"there is a server called '%.*s' in pool %s, %s", SHOWN_MAX,
			enrolment->name, pool->config->name, member->server->address_text);
	if (!member->removed)
		return enrol_refuse(enrolment, 409, "exists", "call it otherwise",
				    "'%.*s' comes from a host name, and is gone", SHOWN_MAX,
				    enrolment->name);
	restore(member, line, means->servers);
	return 0;
}

int enrol_add(struct pool *pool, const struct pool_means *means, struct enrolment *enrolment)
{
	struct config_endpoint *line = calloc(1, sizeof(*line));
	uint32_t count;
	int r;

	if (!line)
		return refuse_memory(enrolment);
	r = take_line(line, enrolment);
	if (r == 0)
		r = put_in(pool, means, line, enrolment);
	if (r < 0) {
		loops_forget(&means->resolver->loops, line);
		endpoint_done(line);
		free(line);
		return r;
	}
	count = named_count(pool);
	log_info("%s server %s (%s%s%s): added by %s, until the next reload: %u server%s",
		 pool->config->title, enrolment->name, line->text, line->options ? " " : "",
		 line->options ? line->options : "", enrolment->by, count, count == 1 ? "" : "s");
	return 0;
}

/* ---- Removing -------------------------------------------------------------------------------- */

static struct server *refuse_removal(struct enrolment *enrolment, const struct found_server *found)
{
	const struct member *member = found->member;

	if (member->removed)
		(void)enrol_refuse(enrolment, 409, "removed", "kill --server= ends what goes on",
				   "'%.*s' is removed already, and %u of its connections go on",
				   SHOWN_MAX, enrolment->name,
				   atomic_load(&member->server->active));
	else if (!member->line || member->line->address.kind == ADDRESS_NAME)
		(void)enrol_refuse(enrolment, 409, "named", "drain it instead",
				   "'%.*s' is there because a host name stands for it%s%.*s",
				   SHOWN_MAX, enrolment->name, member->line ? ", " : "", SHOWN_MAX,
				   member->line ? member->line->address.host : "");
	else
		(void)enrol_refuse(enrolment, 409, "last", "add another one first, or drain it",
				   "'%.*s' is the last server of pool %s", SHOWN_MAX,
				   enrolment->name, found->pool->config->name);
	return NULL;
}

struct server *enrol_find(const struct edition *edition, struct enrolment *enrolment)
{
	struct found_server found;
	const struct member *member;

	if (!find_server(edition, enrolment->pool, enrolment->name, &found)) {
		(void)enrol_refuse(enrolment, strcmp(found.code, "ambiguous") ? 404 : 409,
				   found.code, found.hint, "%s", found.why);
		return NULL;
	}
	member = found.member;
	if (member->gone_ms || member->line->address.kind == ADDRESS_NAME ||
	    named_count(found.pool) == 1)
		return refuse_removal(enrolment, &found);
	log_info("%s server %s: removed by %s, until the next reload; it takes no new connections, "
		 "and %u go on",
		 found.pool->config->title, member->server->text, enrolment->by,
		 atomic_load(&member->server->active));
	return member->server;
}

bool enrol_remove(struct pool *pool, const struct pool_means *means, const struct server *server,
		  uint64_t now_ms)
{
	for (uint32_t i = 0; i < pool->count; i++) {
		struct member *member = &pool->members[i];

		if (member->server != server || member->gone_ms)
			continue;
		loops_forget(&means->resolver->loops, member->line);
		member->removed = true;
		member->gone_ms = now_ms ? now_ms : 1;
		member->idle_ms = 0;
		return true;
	}
	return false;
}

/* ---- Another edition ------------------------------------------------------------------------- */

static bool has_server(const struct pool *pool, const struct server *server)
{
	for (uint32_t i = 0; pool && i < pool->count; i++)
		if (pool->members[i].server == server && !pool->members[i].gone_ms)
			return true;
	return false;
}

static void tell_over(const struct pool *pool, const struct member *member)
{
	const struct server *server = member->server;
	bool is_there = has_server(pool, server);

	if (member->removed && is_there)
		log_info("%s server %s was removed by an operator, and the configuration has it: "
			 "it takes connections again",
			 server->title, server->text);
	else if (member->added && !member->gone_ms && !is_there)
		log_info("%s server %s was added by an operator, and the configuration has not got "
			 "it: it takes no new connections, and %u go on",
			 server->title, server->text, atomic_load(&server->active));
}

void enrol_tell_over(const struct edition *edition, const struct edition *before)
{
	for (uint32_t i = 0; i < before->pool_count; i++) {
		const struct pool *old = &before->pools[i];

		for (uint32_t j = 0; j < old->count; j++)
			if (old->members[j].removed || old->members[j].added)
				tell_over(edition_pool_of(edition, old->account), &old->members[j]);
	}
}
