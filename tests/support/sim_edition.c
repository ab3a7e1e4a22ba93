#include "support/sim_edition.h"

#include "pool/departure.h"
#include "pool/roster.h"
#include "relay/strategies.h"
#include "service/services.h"
#include "session/admission.h"
#include "session/life.h"
#include "session/measure.h"
#include "session/place.h"
#include "session/tally.h"
#include "support/sim_pool.h"
#include "support/sim_strangers.h"
#include "support/strategies.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 256

static const char *const titles[SIM_NAMES] = {"[proxy sim]", "[proxy rim]", "[proxy dim]"};
static const char *const texts[SIM_SERVERS] = {"first", "second", "third"};
/* Whose clients come to a place. */
static const uint32_t names_at[SIM_PLACES] = {0, 1, 0, 1, 2};

static struct config_origin origins[KEYS_MAX]; /* every key has its default */
static char *files[] = {(char *)"sim"};
static struct servers servers;
static struct account accounts[SIM_NAMES + 1]; /* the last is all servers' */
static _Atomic uint64_t cells[SIM_NAMES + 1][SIM_WORKERS * TALLY_COUNT];
static struct histogram histograms[SIM_NAMES][SIM_WORKERS * MEASURE_COUNT];
static struct engine *engine;
static enum config_kind kinds[SIM_NAMES];
static uint32_t most[SIM_NAMES];
static uint64_t opened[SIM_NAMES];
static uint64_t made;
static bool had_service, had_limit;

/* ---- Names ----------------------------------------------------------------------------------- */

/* Clients do not know which of them they speak to. */
static bool takes_anything(enum config_kind kind)
{
	return kind == CONFIG_PROXY || kind == CONFIG_ECHO || kind == CONFIG_DISCARD;
}

static enum config_kind some_kind(void)
{
	static const enum config_kind services[] = {CONFIG_ECHO, CONFIG_DISCARD, CONFIG_CHARGEN,
						    CONFIG_RESPONDER, CONFIG_RESPONDER};

	return sim_chance(5) ? services[sim_random() % array_size(services)] : CONFIG_PROXY;
}

void sim_editions_begin(struct engine *of)
{
	struct servers_reaches reaches = reach_of_servers(SIM_WORKERS);

	engine = of;
	made = 0;
	had_service = had_limit = false;
	sim_pool_begin();
	memset(cells, 0, sizeof(cells));
	servers_done(&servers);
	servers_init(&servers, &reaches);
	accounts[SIM_NAMES] = (struct account){.cells = cells[SIM_NAMES], .stride = TALLY_COUNT};
	for (uint32_t i = 0; i < SIM_NAMES; i++) {
		kinds[i] = some_kind();
		most[i] = SIM_NOWHERE;
		opened[i] = 0;
		accounts[i] = (struct account){.id = i + 1,
					       .cells = cells[i],
					       .stride = TALLY_COUNT,
					       .histograms = histograms[i],
					       .histogram_count = MEASURE_COUNT};
	}
}

enum config_kind sim_kind_at(uint32_t place)
{
	return kinds[names_at[place]];
}

static uint32_t name_of(const struct config_section *section)
{
	for (uint32_t name = 0; name < SIM_NAMES; name++)
		if (section->title == titles[name])
			return name;
	sim_fail("no section is called %s", section->title);
}

void sim_count_opened(const struct config_section *section)
{
	opened[name_of(section)]++;
}

struct account *sim_account(uint32_t name)
{
	return &accounts[name];
}

struct account *sim_account_of(const struct config_section *section)
{
	return &accounts[name_of(section)];
}

uint32_t sim_most_of(uint32_t name)
{
	return most[name] == SIM_NOWHERE ? 0 : most[name];
}

bool sim_had_service(void)
{
	return had_service;
}

bool sim_was_limited(const struct config_section *section)
{
	return section->settings.max_connections || (made > 1 && had_limit);
}

const char *sim_server_at(uint16_t port)
{
	return texts[(unsigned)(port - SIM_PORT_FIRST) % SIM_SERVERS];
}

/* ---- Sections -------------------------------------------------------------------------------- */

static uint32_t timeout_ms(unsigned never)
{
	return sim_chance(never) ? 0 : sim_between(1, 3000);
}

static uint32_t rate(void)
{
	return sim_chance(6) ? sim.scale * sim_between(1 << 10, 20 << 10) : 0;
}

static const struct strategy *some_strategy(const struct config_section *section)
{
	if (section->kind != CONFIG_PROXY)
		return service_of(section->kind);
	if (sim_chance(10))
		return sim_chance(2) ? &plain_strategy : &patient_strategy;
	return strategy((enum config_relay)section->settings.relay);
}

static enum config_kind kind_now(uint32_t name)
{
	static const enum config_kind any[] = {CONFIG_PROXY, CONFIG_ECHO, CONFIG_DISCARD};

	if (made > 1 && takes_anything(kinds[name]) && sim_chance(8))
		return any[sim_random() % array_size(any)];
	return kinds[name];
}

static struct value_rate some_rate(unsigned n)
{
	if (!sim_chance(n))
		return (struct value_rate){0};
	return (struct value_rate){.count = sim_between(1, 20), .period_ms = sim_between(1, 400)};
}

static void write_section(struct config_section *source, uint32_t name)
{
	*source = (struct config_section){
		.kind = kind_now(name),
		.name = (char *)"sim",
		.title = (char *)titles[name],
		.origins = origins,
		.responder_size = sim_one_of(0, 1, sim_between(1, 300), sim_between(1, 3000)),
		.settings =
			{
				.backlog = sim_chance(3) ? sim_between(1, 2) : SIM_BACKLOG - 1,
				.connect_timeout_ms = sim_between(1, 3000),
				.retries = sim_chance(4) ? sim_between(0, 3) : CONFIG_RETRIES_ALL,
				.retry_timeout_ms = sim_chance(6) ? sim_between(1, 3000) : 0,
				.queue = sim_chance(2) ? 0 : sim_one_of(1, 2, 10, 1000),
				.queue_timeout_ms = timeout_ms(2),
				.balance = (uint32_t)(sim_random() % CONFIG_BALANCE_COUNT),
				.idle_timeout_ms = timeout_ms(2),
				.half_close_timeout_ms = timeout_ms(4),
				.max_lifetime_ms = sim_chance(20) ? sim_between(1, 100) : 0,
				.max_lifetime_jitter = sim_between(0, 50),
				.max_connections = sim_chance(4) ? sim_between(1, 4) : 0,
				.max_per_client = sim_chance(4) ? sim_between(1, 4) : 0,
				.client_prefix_v4 = 32,
				.client_prefix_v6 = sim_one_of(56, 64, 128, 128),
				.client_rate = some_rate(6),
				.accept_rate = some_rate(6),
				.receive_budget = sim.scale * sim_one_of(20, 200, 1000, 100000),
				.relay = sim.scale > 1 && sim_chance(2)
						 ? CONFIG_RELAY_ZEROCOPY
						 : (uint32_t)(sim_random() % CONFIG_RELAY_COUNT),
				.pipe_size = sim.scale * sim_one_of(1, 100, 1000, 4096),
				.download_rate = rate(),
				.upload_rate = rate(),
				.request_timeout_ms =
					sim_one_of(0, 0, sim_between(1, 30), sim_between(1, 300)),
			},
	};
	had_service |= source->kind != CONFIG_PROXY;
	had_limit |= source->settings.max_connections;
	if (source->settings.max_connections == 0)
		most[name] = 0;
	else if (most[name] == SIM_NOWHERE ||
		 (most[name] && most[name] < source->settings.max_connections))
		most[name] = source->settings.max_connections;
}

/* The last server of each name is connected to from two addresses, of which one may be missing. */
static void give_way(struct server *server)
{
	static const uint32_t hosts[] = {SIM_SOURCE_LAME, SIM_SOURCE_LAME + 1};
	static struct departure *departure;
	struct way *way;

	if (!departure) {
		departure = calloc(1, sizeof(*departure) + 2 * sizeof(struct source));
		departure->count = 2;
		for (unsigned i = 0; i < 2; i++) {
			struct address *source = &departure->sources[i].address;

			source->kind = ADDRESS_INET;
			source->length = sizeof(source->u.in);
			source->u.in.sin_family = AF_INET;
			source->u.in.sin_addr.s_addr = htonl(hosts[i]);
		}
	}
	if (way_get(&servers, server, departure, &way) < 0)
		sim_fail("no memory for a way");
	atomic_store(&servers.ports, 2);
	atomic_store(&server->way, way);
}

static struct member get_server(uint32_t name, uint32_t number, const char *title)
{
	struct address address = {
		.kind = ADDRESS_INET,
		.length = sizeof(address.u.in),
		.port = (uint16_t)(SIM_PORT_FIRST + name * SIM_SERVERS + number),
	};
	struct server *server;
	struct member member;

	address.u.in = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(address.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (sim_chance(8))
		address.u.any.sa_family = AF_UNIX;
	server = servers_get(&servers, title, texts[number], texts[number], "sim:1", &address);
	server->account = &accounts[SIM_NAMES];
	if (number == SIM_SERVERS - 1 && address.u.any.sa_family == AF_INET)
		give_way(server);
	member = (struct member){.server = server, .weight = 1};
	sim_pool_dress(&member, made == 1);
	return member;
}

/* Workers are between two turns. */
static void publish(struct pool *pool)
{
	const struct roster *old;

	if (pool_publish(pool, &old) < 0)
		sim_fail("no memory for a roster");
	roster_free((struct roster *)old);
}

/* Some of those that the name ever had, in any order, and perhaps not all of them at once. */
static void fill_pool(struct sim_edition *edition, uint32_t index)
{
	struct section *section = &edition->sections[index];
	bool proxy = edition->sources[index].kind == CONFIG_PROXY;
	struct pool *pool = &edition->pools[edition->edition.pool_count];
	uint32_t room = proxy ? sim_between(1, SIM_SERVERS) : 0;
	uint32_t known = proxy && sim_chance(8) ? sim_between(0, room) : room;
	uint32_t first = made > 1 ? sim_random() % SIM_SERVERS : 0;
	uint32_t step = made > 1 ? sim_between(1, SIM_SERVERS - 1) : 1;

	edition->rooms[index] = room;
	if (!proxy)
		return;
	if (pool_open(pool, &edition->sources[index]) < 0)
		sim_fail("no memory for a pool");
	edition->edition.pool_count++;
	section->pool = pool;
	pool->account = section->account;
	pool->queue = servers_queue(&servers, edition->sources[index].title);
	atomic_store(&pool->hidden, room - known);
	for (uint32_t i = 0; i < room; i++) {
		struct member *member = &edition->members[index][i];

		*member = get_server(edition->names[index], (first + i * step) % SIM_SERVERS,
				     edition->sources[index].title);
		if (i < known && pool_add(pool, member) < 0)
			sim_fail("no memory for a server");
	}
	publish(pool);
}

bool sim_edition_know(struct sim_edition *edition, uint32_t index)
{
	struct pool *pool = edition->sections[index].pool;
	bool any = pool && pool->count < edition->rooms[index];

	while (pool && pool->count < edition->rooms[index])
		if (pool_add(pool, &edition->members[index][pool->count]) < 0)
			sim_fail("no memory for a server");
	if (any) {
		publish(pool);
		atomic_store(&pool->hidden, 0);
	}
	return any;
}

bool sim_edition_change(struct sim_edition *edition)
{
	struct pool *pool;

	if (!edition->edition.pool_count)
		return false;
	pool = &edition->pools[sim_random() % edition->edition.pool_count];
	sim_pool_change(pool);
	publish(pool);
	return true;
}

void sim_edition_in_force(struct sim_edition *edition)
{
	for (uint32_t i = 0; i < edition->edition.pool_count; i++)
		pool_in_force(&edition->pools[i]);
}

void sim_edition_replaced(struct sim_edition *edition)
{
	for (uint32_t i = 0; i < edition->edition.pool_count; i++)
		pool_replaced(&edition->pools[i]);
}

static void make_section(struct sim_edition *edition, uint32_t name)
{
	uint32_t index = edition->edition.section_count++;
	struct config_section *source = &edition->sources[index];
	struct section *section = &edition->sections[index];

	write_section(source, name);
	edition->names[index] = name;
	*section = (struct section){.edition = &edition->edition, .account = &accounts[name]};
	sim_strangers_guard(section, source, name);
	if (life_give(section, source, some_strategy(source)) < 0)
		sim_fail("%s cannot be prepared", section->strategy->name);
	admission_limit(section);
	fill_pool(edition, index);
}

/* ---- Places ---------------------------------------------------------------------------------- */

static uint32_t index_of(const struct sim_edition *edition, uint32_t name)
{
	for (uint32_t i = 0; i < edition->edition.section_count; i++)
		if (edition->names[i] == name)
			return i;
	return SIM_NOWHERE;
}

/* Another section than clients of the place had in mind, if it does for them. */
static uint32_t some_section(const struct sim_edition *edition, uint32_t place)
{
	uint32_t name = names_at[place], other = (uint32_t)(sim_random() % SIM_NAMES);

	if (takes_anything(kinds[name]) && takes_anything(kinds[other]) && sim_chance(4))
		name = other;
	return index_of(edition, name);
}

static void lead_on(struct sim_edition *edition, const struct sim_edition *before)
{
	for (uint32_t place = 0; place < SIM_PLACES; place++) {
		bool there = before && before->leads[place] != SIM_NOWHERE;
		bool named = there ? !sim_chance(5) : place < 2 || sim_chance(4);

		edition->leads[place] = SIM_NOWHERE;
		if (named && there && !sim_chance(6))
			edition->leads[place] =
				index_of(edition, before->names[before->leads[place]]);
		else if (named)
			edition->leads[place] = before ? some_section(edition, place)
						       : index_of(edition, names_at[place]);
	}
}

/* ---- Editions -------------------------------------------------------------------------------- */

static bool is_named(const struct sim_edition *before, uint32_t name, uint32_t first)
{
	if (!before)
		return name < first;
	return index_of(before, name) != SIM_NOWHERE ? !sim_chance(6) : sim_chance(3);
}

struct sim_edition *sim_edition_make(const struct sim_edition *before)
{
	struct sim_edition *edition = calloc(1, sizeof(*edition));
	uint32_t first = before ? sim_random() % SIM_NAMES : sim_between(1, 2);

	if (!edition)
		sim_fail("no memory for an edition");
	edition->config =
		(struct config){.drain_timeout_ms = timeout_ms(4),
				.open_every_ms = sim_chance(4) ? sim_between(200, 2000) : 0,
				.origins = origins,
				.files = files};
	edition->edition = (struct edition){
		.number = ++made,
		.config = &edition->config,
		.sections = edition->sections,
		.pools = edition->pools,
	};
	for (uint32_t i = 0; i < SIM_NAMES; i++) {
		uint32_t name = before ? (first + i) % SIM_NAMES : i;

		if (is_named(before, name, first))
			make_section(edition, name);
	}
	place_keep(&edition->edition, engine->connections_max);
	lead_on(edition, before);
	for (uint32_t i = 0; i < engine->worker_count; i++) {
		edition->tenancies[i] = tenancy_make(&edition->edition, i);
		if (!edition->tenancies[i])
			sim_fail("no memory for a tenancy");
		edition->retire[i] = (struct retire_order){
			.order = {.kind = ORDER_RETIRE, .owner = edition},
			.tenancy = edition->tenancies[i],
		};
	}
	return edition;
}

void sim_edition_free(struct sim_edition *edition)
{
	sim_trace("edition %llu is freed", (unsigned long long)edition->edition.number);
	for (uint32_t i = 0; i < engine->worker_count; i++)
		tenancy_free(edition->tenancies[i]);
	for (uint32_t i = 0; i < edition->edition.section_count; i++) {
		(void)sim_edition_know(edition,
				       i); /* those that nobody ever knew are put back, too */
		life_take(&edition->sections[i]);
	}
	for (uint32_t i = 0; i < edition->edition.pool_count; i++)
		pool_close(&edition->pools[i]);
	memset(edition, 0xa5, sizeof(*edition));
	free(edition);
}

static uint64_t tallied(uint32_t name)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < SIM_WORKERS; i++)
		sum += account_cell(&accounts[name], i)[TALLY_CONNECTIONS];
	return sum;
}

void sim_editions_end(void)
{
	for (uint32_t i = 0; i < SIM_NAMES; i++) {
		if (accounts[i].connections)
			sim_fail("%u connections of section %u are counted at the end",
				 accounts[i].connections, i);
		if (accounts[i].kept)
			sim_fail("%u places that are kept for section %u are taken at the end",
				 accounts[i].kept, i);
		if (tallied(i) != opened[i])
			sim_fail("%llu connections of section %u have been counted, of %llu",
				 (unsigned long long)tallied(i), i, (unsigned long long)opened[i]);
	}
	if (clients_sum(&engine->clients))
		sim_fail("%llu connections are counted among those of clients at the end",
			 (unsigned long long)clients_sum(&engine->clients));
	if (engine->connections || engine->shared || engine->over)
		sim_fail("of all places %u are taken at the end, %u shared, %u over",
			 engine->connections, engine->shared, engine->over);
	if (accounts[SIM_NAMES].connections)
		sim_fail("%u connections are counted of servers at the end",
			 accounts[SIM_NAMES].connections);
}
