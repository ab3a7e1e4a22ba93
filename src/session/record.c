#include "session/record.h"

#include "lane/strategy.h"
#include "session/introduced.h"
#include "session/life.h"
#include "session/measure.h"
#include "session/memo.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tally.h"
#include "session/tenancy.h"

#include "config/config.h"
#include "config/schema.h"
#include "greet/client_hello.h"

#include "ops/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_MAX 100 /* of a reason */

static_assert(MEMO_TRIED_MAX <= ACCESS_TRIED_MAX, "all of them are in a record");

/* The key that governs a reason; NULL where none does. */
static const char *key_of(enum reason reason)
{
	switch ((unsigned)reason) {
	case REASON_IDLE_TIMEOUT:
		return "idle_timeout";
	case REASON_HALF_CLOSE_TIMEOUT:
	case REASON_UNDELIVERED:
		return "half_close_timeout";
	case REASON_CONNECT_TIMED_OUT:
	case REASON_NO_SERVER:
	case REASON_BACKLOG_FULL:
	case REASON_NO_PORTS:
	case REASON_NO_DESCRIPTORS: /* what is short is waited for, so long */
		return "connect_timeout";
	case REASON_SERVERS_FULL:
	case REASON_POOL_QUEUE_FULL:
		return "queue";
	case REASON_QUEUE_TIMEOUT:
		return "queue_timeout";
	case REASON_LIFETIME:
		return "max_lifetime";
	case REASON_REQUEST_TIMEOUT:
		return "request_timeout";
	case REASON_PROXY_SIGNATURE:
	case REASON_PROXY_VERSION:
		return "accept_proxy";
	case REASON_PROXY_LATE:
		return "accept_proxy_timeout";
	case REASON_DRAIN_TIMEOUT:
		return "drain_timeout";
	case REASON_SERVER_DOWN:
		return "check";
	case REASON_PRIMARY_BACK:
		return "on_up";
	case REASON_NO_HELLO:
	case REASON_HELLO_TIMEOUT:
		return "hello_timeout";
	case REASON_HELLO_TOO_LARGE:
		return "hello_max";
	case REASON_NO_NAME:
		return "no_sni";
	case REASON_NOT_POSTGRES:
		return "preface";
	default:
		return NULL;
	}
}

/* Its key stands where the servers do. */
static bool is_about_servers(enum reason reason)
{
	static const char *const keys[] = {"connect_timeout", "queue", "queue_timeout"};

	for (size_t i = 0; i < array_size(keys); i++)
		if (!strcmp(key_of(reason), keys[i]))
			return true;
	return reason == REASON_SERVER_DOWN || reason == REASON_PRIMARY_BACK;
}

/* Where its server is chosen, or NULL. */
static const struct pool *pool_of(const struct session *session)
{
	return session->desk ? session->desk->pool : NULL;
}

/* "idle_timeout = 1h, [proxy web] line 14". */
static const char *key_text(const struct section *section, const struct pool *pool,
			    enum reason reason, char text[CONFIG_EXPLAIN_MAX])
{
	const struct config *config = section->edition->config;
	const struct config_section *source = section->config;
	const char *key = key_of(reason);

	if (!key)
		return NULL;
	if (reason == REASON_DRAIN_TIMEOUT)
		source = NULL;
	else if (is_about_servers(reason) && pool)
		source = pool->config;
	return config_explain(config, source, key, text, CONFIG_EXPLAIN_MAX);
}

/* Whose doing it was, where it was an operator's. */
static const char *killer_text(const struct session_killer *killer, char text[CONFIG_EXPLAIN_MAX])
{
	if (killer->uid == (uid_t)-1)
		return NULL;
	snprintf(text, CONFIG_EXPLAIN_MAX, "user %u, process %d", (unsigned)killer->uid,
		 (int)killer->pid);
	return text;
}

static const char *client_text(const struct sockaddr_in6 *client, char *text, size_t size)
{
	if (client->sin6_family == 0)
		return "unknown";
	/* A unix peer's name, if it has one, is not kept. */
	return address_format_socket((const struct sockaddr *)client,
				     client->sin6_family == AF_UNIX ? sizeof(client->sin6_family)
								    : sizeof(*client),
				     text, size);
}

static void count(struct sessions *all, enum reason reason)
{
	_Atomic uint64_t *counter = &all->reasons[reason];

	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* Under the name of a section, or of a server. */
static void count_bytes(_Atomic uint64_t *cell, uint64_t bytes_up, uint64_t bytes_down)
{
	cell_count(cell, TALLY_BYTES_UP, bytes_up);
	cell_count(cell, TALLY_BYTES_DOWN, bytes_down);
}

static void write_line(struct sessions *all, const struct access_record *record)
{
	access_write(all->access, record);
	log_debug("session %" PRIu64 " %s client %s: %s (%" PRIu64 " up, %" PRIu64 " down, %" PRIu64
		  " ms)",
		  record->id, record->title, record->client, record->reason_text, record->bytes_up,
		  record->bytes_down, record->duration_ms);
}

/* ---- Records --------------------------------------------------------------------------------- */

/* What its strings are in. */
struct texts {
	char client[ADDRESS_TEXT_MAX], client_real[ADDRESS_TEXT_MAX];
	char reason[CONFIG_EXPLAIN_MAX + SENTENCE_MAX];
	struct access_tried tried[MEMO_TRIED_MAX];
};

static void say_section(struct access_record *record, const struct sessions *all,
			const struct section *section)
{
	record->worker = all->loop->index;
	record->edition = section->edition->number;
	record->title = section->config->title;
	record->proxy = section->config->name;
	record->kind = section->has_upstream ? "proxy" : section->strategy->name;
}

/* Who connected, where a PROXY header says that the client is another. */
static void say_real(struct access_record *record, const struct session *session,
		     struct texts *texts)
{
	const struct introduced *introduced = session->introduced;

	if (likely(!introduced) || !introduced->has_real)
		return;
	record->client_real =
		client_text(&introduced->real, texts->client_real, sizeof(texts->client_real));
}

/* With what governs it, or NULL. */
static void say_reason(struct access_record *record, enum reason reason, const char *key,
		       struct texts *texts)
{
	record->reason = reason_name(reason);
	record->reason_text = reason_sentence(reason);
	if (!key)
		return;
	snprintf(texts->reason, sizeof(texts->reason), "%s (%s)", record->reason_text, key);
	record->reason_text = texts->reason;
}

static void say_wire(struct access_wire *to, const struct memo *memo, unsigned side)
{
	const struct wire *wire = &memo->wires[side];

	if (!memo->has_wire[side])
		return;
	*to = (struct access_wire){
		.known = true,
		.rtt_us = wire->rtt_us,
		.rtt_min_us = wire->rtt_min_us,
		.retransmits = wire->retransmits,
		.lost = wire->lost,
		.delivery_rate = wire->delivery_rate,
	};
}

static void say_memo(struct access_record *record, const struct memo *memo, struct texts *texts)
{
	record->is_local = memo->is_local;
	record->uid = memo->uid;
	record->pid = (uint64_t)memo->pid;
	say_wire(&record->client_wire, memo, SIDE_CLIENT);
	say_wire(&record->server_wire, memo, SIDE_UPSTREAM);
	for (uint32_t i = 0; i < memo->tried_count; i++)
		texts->tried[i] = (struct access_tried){
			.server = memo->tried[i].reach->server->name,
			.error = -memo->tried[i].error,
			.ms = memo->tried[i].ms,
		};
	record->tried = texts->tried;
	record->tried_count = memo->tried_count;
}

/* It ended without a server, whichever it had been tried with. */
static bool waits_for_any(enum reason reason)
{
	return reason == REASON_NO_SERVER || reason == REASON_SERVERS_FULL ||
	       reason == REASON_POOL_QUEUE_FULL || reason == REASON_QUEUE_TIMEOUT;
}

static void say_server(struct access_record *record, const struct session *session)
{
	const struct server *server = session->reach ? session->reach->server : NULL;
	const struct pool *pool = pool_of(session);

	record->pool = pool ? pool->config->name : NULL;
	if (session->introduced) {
		record->sni = session->introduced->sni;
		record->alpn = session->introduced->alpn;
	}
	record->is_queued = session->was_queued;
	record->queue_ms = session->queue_ms;
	record->queued_before = session->queued_before;
	record->is_connected = session->served;
	record->connect_us = session->connect_us;
	record->is_answered = session->first_byte_us;
	record->first_byte_us = session->first_byte_us;
	if (!server || waits_for_any((enum reason)session->end.reason))
		return;
	record->server = server->name;
	record->server_address = server->address_text;
}

static uint64_t load(const _Atomic uint32_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

/* What only HAProxy's format has. */
static void say_counts(struct access_record *record, const struct sessions *all,
		       const struct section *section)
{
	record->active = load(&all->engine->connections);
	record->active_of_proxy = load(&section->account->connections);
}

static char where_it_was(const struct session_end *end)
{
	if (end->state == SESSION_QUEUED)
		return 'Q';
	if (end->state == SESSION_GREETING)
		return 'R'; /* what it asks for */
	return end->state == SESSION_RELAYING ? 'D' : 'C';
}

static void say_letters(struct access_record *record, const struct session *session)
{
	const struct session_end *end = &session->end;

	reason_letters((enum reason)end->reason, end->side, where_it_was(end), record->termination);
	record->retries = memo_of(session)->failed;
	if (session->served)
		record->active_of_server = load(&session->reach->server->account->connections);
}

/* "route_sni = *.example -> reject, line 9 of /etc/uringproxy.conf". */
static const char *route_text(const struct session *session, char text[CONFIG_EXPLAIN_MAX])
{
	const struct config *config = session->branch->section->edition->config;
	const struct config_line *line = session->introduced ? session->introduced->route : NULL;

	if (!line)
		return NULL;
	snprintf(text, CONFIG_EXPLAIN_MAX, "%s = %.100s, line %u of %s",
		 schema_keys[line->key].name, line->text, line->origin.line,
		 config->files[line->origin.file]);
	return text;
}

/* What governs the reason, or NULL. */
static const char *governs(const struct session *session, char text[CONFIG_EXPLAIN_MAX])
{
	enum reason reason = (enum reason)session->end.reason;

	if (reason == REASON_KILLED)
		return killer_text(&session->killer, text);
	if (reason == REASON_NAME_REFUSED)
		return route_text(session, text);
	if (reason == REASON_BAD_HELLO && session->introduced)
		return hello_verdict_text((enum hello_verdict)session->introduced->hello);
	if (reason == REASON_NO_SERVER && !session->awaits_names)
		return NULL; /* it has waited for nothing */
	return key_text(session->branch->section, pool_of(session), reason, text);
}

static seldom void write_record(struct session *session, uint64_t bytes_up, uint64_t bytes_down)
{
	const struct section *section = session->branch->section;
	const struct session_end *end = &session->end;
	char text[CONFIG_EXPLAIN_MAX];
	struct texts texts;
	const char *key;
	struct access_record record = {
		.id = session->id,
		.listener = session->listener,
		.client = client_text(&session->client, texts.client, sizeof(texts.client)),
		.side = side_name(end->side),
		.phase = section->life->phases[end->state]->name,
		.error = -end->error,
		.bytes_up = bytes_up,
		.bytes_down = bytes_down,
		.duration_ms = session->all->loop->now_ms - session->started_ms,
	};

	say_section(&record, session->all, section);
	say_real(&record, session, &texts);
	say_server(&record, session);
	say_memo(&record, memo_of(session), &texts);
	key = governs(session, text);
	say_reason(&record, (enum reason)end->reason, key, &texts);
	say_counts(&record, session->all, section);
	say_letters(&record, session);
	write_line(session->all, &record);
}

static uint64_t bytes_up_of(const struct session *session)
{
	const struct lane *up = &session->road.lanes[LANE_UP];

	return road_has_upstream(&session->road) ? up->bytes : up->received;
}

static uint64_t bytes_down_of(const struct session *session)
{
	const struct lane *lanes = session->road.lanes;

	return road_has_upstream(&session->road) ? lanes[LANE_DOWN].bytes : lanes[LANE_UP].bytes;
}

void record_write(struct session *session)
{
	const struct session_end *end = &session->end;
	uint64_t bytes_up = bytes_up_of(session), bytes_down = bytes_down_of(session);

	count(session->all, (enum reason)end->reason);
	measure_lifetime(session);
	cell_count(session->branch->cell, tally_ended(end->reason, end->side), 1);
	count_bytes(session->branch->cell, bytes_up, bytes_down);
	if (session->served)
		count_bytes(session->reach->cell, bytes_up, bytes_down);
	if (memo_wanted(session->all) && !introduced_was_check(session, bytes_up))
		write_record(session, bytes_up, bytes_down);
}

void record_open(struct session *session)
{
	const struct section *section = session->branch->section;
	struct texts texts;
	struct access_record record = {
		.event = ACCESS_OPEN,
		.id = session->id,
		.listener = session->listener,
		.client = client_text(&session->client, texts.client, sizeof(texts.client)),
		.reason = "still-open",
		.reason_text = reason_sentence(REASON_NONE),
		.phase = section->life->phases[session->state]->name,
		.bytes_up = bytes_up_of(session),
		.bytes_down = bytes_down_of(session),
		.duration_ms = session->all->loop->now_ms - session->started_ms,
		.termination = "--",
	};

	memo_look_at_wires(session);
	say_section(&record, session->all, section);
	say_real(&record, session, &texts);
	say_server(&record, session);
	say_memo(&record, memo_of(session), &texts);
	say_counts(&record, session->all, section);
	write_line(session->all, &record);
}

void record_waited(struct sessions *all, const struct record_waited *client, enum reason reason)
{
	char text[CONFIG_EXPLAIN_MAX];
	struct memo memo = {0};
	struct texts texts;
	struct sockaddr_in6 address;
	struct access_record record = {
		.listener = client->listener,
		.phase = "waiting",
		.duration_ms = all->loop->now_ms - client->since_ms,
	};

	count(all, reason);
	cell_count(account_cell(client->section->account, all->loop->index),
		   tally_ended(reason, SIDE_CLIENT), 1);
	if (!memo_wanted(all))
		return;
	record.id = sessions_next_id(all);
	memo_look(&memo, client->client_fd, &address);
	record.client = client_text(&address, texts.client, sizeof(texts.client));
	say_section(&record, all, client->section);
	say_memo(&record, &memo, &texts);
	say_reason(&record, reason, key_text(client->section, client->section->pool, reason, text),
		   &texts);
	say_counts(&record, all, client->section);
	reason_letters(reason, SIDE_CLIENT, 'Q', record.termination);
	write_line(all, &record);
}

void record_refused(struct sessions *all, const struct record_refused *clients)
{
	struct access_record record = {
		.event = ACCESS_REFUSED,
		.refused = clients->count,
		.duration_ms = all->loop->now_ms - clients->since_ms,
		.reason = clients->reason,
		.reason_text = clients->reason_text,
		.has_addresses = clients->addresses,
		.addresses = clients->addresses,
	};

	say_section(&record, all, clients->section);
	access_write(all->access, &record);
}
