#include "session/record.h"

#include "loop/socket.h"
#include "session/life.h"
#include "session/measure.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tally.h"
#include "session/tenancy.h"

#include "config/config.h"

#include "ops/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool record_wanted(const struct sessions *all)
{
	return all->access || log_enabled(LOG_LEVEL_DEBUG);
}

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
	case REASON_LIFETIME:
		return "max_lifetime";
	case REASON_DRAIN_TIMEOUT:
		return "drain_timeout";
	case REASON_OLD_EDITION:
		return "drain_old";
	default:
		return NULL;
	}
}

/* "idle_timeout = 1h, [proxy web] line 14". */
static const char *key_text(const struct section *section, enum reason reason,
			    char text[CONFIG_EXPLAIN_MAX])
{
	const char *key = key_of(reason);
	bool global = reason == REASON_DRAIN_TIMEOUT || reason == REASON_OLD_EDITION;

	if (!key)
		return NULL;
	return config_explain(section->edition->config, global ? NULL : section->config, key, text,
			      CONFIG_EXPLAIN_MAX);
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
		  record->id, record->section, record->client, record->reason, record->bytes_up,
		  record->bytes_down, record->duration_ms);
}

static seldom void tell(const struct session *session, uint64_t bytes_up, uint64_t bytes_down)
{
	struct sessions *all = session->all;
	const struct section *section = session->branch->section;
	const struct session_end *end = &session->end;
	char client[ADDRESS_TEXT_MAX], key[CONFIG_EXPLAIN_MAX];

	write_line(all, &(struct access_record){
				.id = session->id,
				.section = section->config->title,
				.listener = session->listener,
				.client = client_text(&session->client, client, sizeof(client)),
				.upstream = session->reach && end->reason != REASON_NO_SERVER
						    ? session->reach->server->text
						    : NULL,
				.reason = reason_sentence((enum reason)end->reason),
				.key = end->reason == REASON_KILLED
					       ? killer_text(&session->killer, key)
					       : key_text(section, (enum reason)end->reason, key),
				.side = side_name(end->side),
				.phase = section->life->phases[end->state]->name,
				.error = -end->error,
				.bytes_up = bytes_up,
				.bytes_down = bytes_down,
				.duration_ms = all->loop->now_ms - session->started_ms,
			});
}

void record_write(struct session *session)
{
	const struct session_end *end = &session->end;
	const struct lane *up = &session->road.lanes[LANE_UP];
	bool service = !road_has_upstream(&session->road);
	uint64_t bytes_up = service ? up->received : up->bytes;
	uint64_t bytes_down = service ? up->bytes : session->road.lanes[LANE_DOWN].bytes;

	count(session->all, (enum reason)end->reason);
	measure_lifetime(session);
	cell_count(session->branch->cell, tally_ended(end->reason, end->side), 1);
	count_bytes(session->branch->cell, bytes_up, bytes_down);
	if (session->served)
		count_bytes(session->reach->cell, bytes_up, bytes_down);
	if (record_wanted(session->all))
		tell(session, bytes_up, bytes_down);
}

void record_waited(struct sessions *all, const struct record_waited *client, enum reason reason)
{
	char text[ADDRESS_TEXT_MAX], key[CONFIG_EXPLAIN_MAX];
	struct sockaddr_in6 address;

	count(all, reason);
	cell_count(account_cell(client->section->account, all->loop->index),
		   tally_ended(reason, SIDE_CLIENT), 1);
	if (!record_wanted(all))
		return;
	socket_peer(client->client_fd, &address);
	write_line(all, &(struct access_record){
				.id = sessions_next_id(all),
				.section = client->section->config->title,
				.listener = client->listener,
				.client = client_text(&address, text, sizeof(text)),
				.reason = reason_sentence(reason),
				.key = key_text(client->section, reason, key),
				.phase = "waiting",
				.duration_ms = all->loop->now_ms - client->since_ms,
			});
}
