#include "control/gather.h"

#include "base/clock.h"
#include "config/schema.h"
#include "control/named.h"
#include "control/rulings.h"
#include "control/wards.h"
#include "guard/acl.h"
#include "pool/queue.h"
#include "pool/roster.h"
#include "pool/server.h"
#include "pool/standing.h"
#include "session/measure.h"
#include "session/tally.h"
#include "worker/worker.h"

#include "ops/access.h"
#include "ops/log.h"
#include "ops/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t since_1970_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / CLOCK_NS_PER_MS;
}

static uint64_t load(const _Atomic uint32_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

/* ---- The parts ------------------------------------------------------------------------------- */

static void fill_worker(struct metrics_worker *to, const struct engine *engine,
			const struct worker *worker)
{
	uint64_t closed;

	to->index = worker->loop.index;
	closed = stats_read(&worker->loop.stats, closed);
	for (unsigned i = 0; i < STATS_COUNT; i++)
		to->counters[i] = stats_value(&worker->loop.stats, i);
	histogram_add(&to->lag, &worker->loop.lag);
	to->buffer_bytes = engine->sizes.buffer_memory;
	to->buffer_bytes_used = load(&worker->buffers_held) * engine->sizes.buffer_size;
	/* Read after the other, it is not less. */
	to->connections = stats_read(&worker->loop.stats, accepted) - closed;
}

static void fill_proxy(struct metrics_proxy *to, const struct ledger *ledger,
		       const struct section *section)
{
	const struct account *account = section->account;

	to->name = section->config->name;
	to->kind = schema_section_of((unsigned)IN_PROXY << section->config->kind)->word;
	to->connections = load(&account->connections);
	to->connections_max = section->config->settings.max_connections;
	to->draining = atomic_load_explicit(&account->drained, memory_order_relaxed);
	to->connections_total = ledger_sum(ledger, account, TALLY_CONNECTIONS);
	to->bytes_up = ledger_sum(ledger, account, TALLY_BYTES_UP);
	to->bytes_down = ledger_sum(ledger, account, TALLY_BYTES_DOWN);
	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		for (unsigned side = 0; side < SIDE_COUNT; side++)
			to->ended[reason][side] =
				ledger_sum(ledger, account, tally_ended(reason, side));
	for (unsigned cause = 0; cause < REFUSED_COUNT; cause++)
		to->refused[cause] =
			ledger_sum(ledger, account, tally_refused((enum refused_cause)cause));
	to->connections_kept = section->kept;
	ledger_total(ledger, account, MEASURE_LIFETIME, &to->lifetime);
	ledger_total(ledger, account, MEASURE_FIRST_BYTE, &to->first_byte);
	ledger_total(ledger, account, MEASURE_CLIENT_RTT, &to->rtt);
}

static uint64_t since_1970(const struct metrics_snapshot *snapshot, uint64_t at_ms)
{
	return snapshot->now_ms - (clock_now_ms() - at_ms);
}

/* Into its state: it failed, or did not any more, or an operator said so. */
static uint64_t changed_ms(const struct server *server, const struct metrics_snapshot *snapshot)
{
	uint64_t since = atomic_load_explicit(&server->since_ms, memory_order_relaxed);
	uint64_t ended = atomic_load_explicit(&server->ended_ms, memory_order_relaxed);
	uint64_t changed = since ? since : ended;

	/* It has been connected to since it failed last. */
	if (since && !server_is_out_of_reach(server))
		changed = atomic_load_explicit(&server->last_ms, memory_order_relaxed);
	if (server->vitals.changed_ms > changed)
		changed = server->vitals.changed_ms;
	changed = changed ? since_1970(snapshot, changed) : snapshot->started_ms;
	return server->ruled_ms > changed ? server->ruled_ms : changed;
}

static struct metrics_said said(const struct mark *mark)
{
	return (struct metrics_said){mark->by, mark->at_ms};
}

static void fill_said(struct metrics_server *to, const struct server *server,
		      const struct metrics_snapshot *snapshot)
{
	const struct ruled *ruled = rulings_of(server);

	if (!ruled)
		return;
	if (ruled->ruling.state != RULING_READY) {
		to->said_state = said(&ruled->state_said);
		to->ruling = rulings_states[ruled->ruling.state];
		to->reason = ruled->reason;
		to->why = ruled->why;
	}
	if (ruled->until_ms)
		to->ruling_until_ms = since_1970(snapshot, ruled->until_ms);
	if (ruled->ruling.weight != RULING_AS_CONFIGURED)
		to->said_weight = said(&ruled->weight_said);
	if (ruled->ruling.limit != RULING_AS_CONFIGURED)
		to->said_limit = said(&ruled->limit_said);
}

static void fill_check(struct metrics_server *to, const struct server *server,
		       enum standing_cause cause)
{
	struct wards_glance glance;

	to->checked = wards_glance(server, &glance);
	if (!to->checked)
		return;
	to->check_ns = glance.took_ns;
	to->check_failures = glance.failures;
	to->check_word = glance.word;
	to->check_text = glance.text;
	to->health = glance.health;
	if (cause == STANDING_DOWN)
		to->why = glance.text;
}

static void fill_server(struct metrics_server *to, const struct ledger *ledger,
			const struct pool *pool, const struct member *member,
			const struct metrics_snapshot *snapshot)
{
	const struct server *server = member->server;
	const struct account *account = server->account;
	const struct standing standing = standing_of(member);

	to->pool = pool->config->name;
	to->name = server->name;
	to->address = server->address_text;
	to->state = standing_word(standing.cause);
	to->why = standing_why(standing.cause);
	if (member->added && standing.cause == STANDING_WELL)
		to->why = "added by an operator, until the next reload";
	to->up = standing.cause == STANDING_WELL;
	to->takes = standing.takes;
	to->weight = standing.weight;
	to->weight_configured = member->weight;
	to->priority = member->tier;
	to->backup = member->tier >= CONFIG_PRIORITY_BACKUP;
	to->connections_max = standing.limit;
	to->connections_max_configured = member->limit;
	to->ejections = atomic_load_explicit(&server->ejected, memory_order_relaxed);
	to->way = server_way(server);
	fill_said(to, server, snapshot);
	fill_check(to, server, standing.cause);
	to->connections = load(&account->connections);
	to->connections_total = ledger_sum(ledger, account, TALLY_CONNECTIONS);
	to->bytes_up = ledger_sum(ledger, account, TALLY_BYTES_UP);
	to->bytes_down = ledger_sum(ledger, account, TALLY_BYTES_DOWN);
	to->changed_ms = changed_ms(server, snapshot);
	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		to->failures[reason] =
			ledger_sum(ledger, account, tally_ended(reason, SIDE_UPSTREAM));
}

static void fill_pool(struct metrics_snapshot *snapshot, const struct ledger *ledger,
		      const struct pool *from)
{
	struct metrics_pool *pool = &snapshot->pools[snapshot->pool_count++];

	pool->name = from->config->name;
	pool->servers = named_count(from);
	pool->panic = pool_roster(from)->rule.panic;
	pool->queued = queue_waiting(from->queue, QUEUE_PLACES);
	pool->retries = ledger_sum(ledger, from->account, TALLY_RETRIES);
	ledger_total(ledger, from->account, MEASURE_CONNECT, &pool->connect);
	ledger_total(ledger, from->account, MEASURE_SERVER_RTT, &pool->rtt);
	for (uint32_t i = 0; i < from->count; i++) {
		struct metrics_server *server = &snapshot->servers[snapshot->server_count++];

		fill_server(server, ledger, from, &from->members[i], snapshot);
		pool->servers_up += server->up;
		pool->queued += server->queued;
	}
}

static void fill_listeners(struct metrics_snapshot *snapshot, const struct sockets *sockets)
{
	for (uint32_t i = 0; i < sockets->count; i++) {
		const struct config_section *section;
		const struct entrance *entrance = sockets_entrance(sockets, i, &section);

		if (entrance)
			snapshot->listeners[snapshot->listener_count++] = (struct metrics_listener){
				.proxy = section->name,
				.address = entrance->text,
				.accepted = entrance_accepted(sockets->entrances, entrance),
			};
	}
}

/* Of a section with many lines, those that have refused somebody. */
#define RULES_SHOWN 256

static void fill_rules(struct metrics_snapshot *snapshot, const struct ledger *ledger,
		       const struct section *section)
{
	uint32_t count = section->acl ? acl_rule_count(section->acl) + 1 : 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t refused = ledger_sum(ledger, section->rules[i], TALLY_CONNECTIONS);
		const struct config_origin *origin = acl_rule_origin(section->acl, i);

		if (!refused && (count > RULES_SHOWN || acl_rule_admits(section->acl, i)))
			continue;
		snapshot->rules[snapshot->rule_count++] = (struct metrics_rule){
			.proxy = section->config->name,
			.rule = acl_rule_text(section->acl, i),
			.file = origin ? section->edition->config->files[origin->file] : NULL,
			.line = origin ? origin->line : 0,
			.refused = refused,
		};
	}
}

static struct metrics_name *name_of(const struct metrics_snapshot *snapshot, const char *text)
{
	for (size_t i = 0; i < snapshot->name_count; i++)
		if (!strcmp(snapshot->names[i].name, text))
			return &snapshot->names[i];
	return NULL;
}

/* A name that several lines have is one. */
static void fill_names(struct metrics_snapshot *snapshot, const struct resolver *resolver)
{
	uint64_t now_ms = clock_now_ms();

	for (uint32_t i = 0; i < resolver->count; i++) {
		const struct resolution *one = &resolver->list[i];
		struct metrics_name *name = name_of(snapshot, one->endpoint->address.host);

		if (!name) {
			name = &snapshot->names[snapshot->name_count++];
			name->name = one->endpoint->address.host;
		}
		name->resolved += one->resolved;
		name->failed += one->failed;
		name->changes += one->changes;
		if (one->set.count > name->records)
			name->records = one->set.count;
		if (one->refresh.found_ms)
			name->answered_ms = snapshot->now_ms - (now_ms - one->refresh.found_ms);
	}
}

static void fill_process(struct metrics_snapshot *snapshot)
{
	struct process_use use;
	struct rlimit limit;

	process_read(&use);
	snapshot->cpu_ns = use.cpu_ns;
	snapshot->resident_bytes = use.resident_bytes;
	snapshot->descriptors = use.descriptors;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		snapshot->descriptors_max = limit.rlim_cur;
	snapshot->log_dropped = log_dropped();
	snapshot->access_dropped = access_dropped();
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Room for all there is. */
static bool make_room(const struct gather_sources *sources, struct metrics_snapshot *snapshot)
{
	const struct edition *edition = &sources->reading->edition;
	size_t servers = 0, rules = 0;

	for (uint32_t i = 0; i < edition->section_count; i++)
		if (edition->sections[i].acl)
			rules += acl_rule_count(edition->sections[i].acl) + 1;
	for (uint32_t i = 0; i < edition->pool_count; i++)
		servers += edition->pools[i].count;
	snapshot->workers = calloc(sources->engine->worker_count + 1, sizeof(*snapshot->workers));
	snapshot->rules = calloc(rules + 1, sizeof(*snapshot->rules));
	snapshot->proxies = calloc(edition->section_count + 1, sizeof(*snapshot->proxies));
	snapshot->pools = calloc(edition->pool_count + 1, sizeof(*snapshot->pools));
	snapshot->servers = calloc(servers + 1, sizeof(*snapshot->servers));
	snapshot->listeners =
		calloc(sources->reading->sockets.count + 1, sizeof(*snapshot->listeners));
	snapshot->names = calloc(sources->reading->resolver.count + 1, sizeof(*snapshot->names));
	snapshot->warnings = calloc(1, sizeof(*snapshot->warnings));
	return snapshot->listeners && snapshot->names && snapshot->workers && snapshot->proxies &&
	       snapshot->rules && snapshot->pools && snapshot->servers && snapshot->warnings;
}

int gather(const struct gather_sources *sources, struct metrics_snapshot *ret_snapshot)
{
	const struct engine *engine = sources->engine;
	const struct edition *edition = &sources->reading->edition;
	uint64_t now_ms = since_1970_ms();

	*ret_snapshot = (struct metrics_snapshot){
		.version = VERSION,
		.state = sources->state,
		.ready = sources->state[0] == 's' && sources->state[1] == 'e',
		.now_ms = now_ms,
		.started_ms = now_ms - (clock_now_ms() - sources->started_ms),
		.edition = edition->number,
		.editions = sources->editions,
		.reloads = sources->reloads,
		.reloads_failed = sources->reloads_failed,
		.reload_good = sources->reload_good,
		.reload_ms = now_ms - (clock_now_ms() - sources->reloaded_ms),
		.connections = load(&engine->connections),
		.connections_max = engine->connections_max,
		.clients = load(&engine->clients.used),
		.clients_max = clients_capacity(&engine->clients),
		.clients_evicted =
			atomic_load_explicit(&engine->clients.evicted, memory_order_relaxed),
	};
	if (!make_room(sources, ret_snapshot))
		return -ENOMEM;
	for (uint32_t i = 0; i < engine->worker_count; i++)
		fill_worker(&ret_snapshot->workers[ret_snapshot->worker_count++], engine,
			    &sources->workers[i]);
	for (uint32_t i = 0; i < edition->section_count; i++) {
		const struct section *section = &edition->sections[i];

		fill_proxy(&ret_snapshot->proxies[ret_snapshot->proxy_count++], sources->ledger,
			   section);
		fill_rules(ret_snapshot, sources->ledger, section);
	}
	for (uint32_t i = 0; i < edition->pool_count; i++)
		fill_pool(ret_snapshot, sources->ledger, &edition->pools[i]);
	fill_listeners(ret_snapshot, &sources->reading->sockets);
	fill_names(ret_snapshot, &sources->reading->resolver);
	fill_process(ret_snapshot);
	if (sources->warning)
		((const char **)ret_snapshot->warnings)[ret_snapshot->warning_count++] =
			sources->warning;
	return 0;
}

void gather_done(struct metrics_snapshot *snapshot)
{
	free(snapshot->workers);
	free(snapshot->proxies);
	free(snapshot->listeners);
	free(snapshot->rules);
	free(snapshot->names);
	free(snapshot->pools);
	free(snapshot->servers);
	free((void *)snapshot->warnings);
	*snapshot = (struct metrics_snapshot){0};
}
