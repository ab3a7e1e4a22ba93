#include "net/record.h"

#include "net/section.h"
#include "net/session.h"
#include "net/worker.h"

#include "config/value.h"

#include "ops/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool record_wanted(const struct worker *worker)
{
	return worker->access.target != ACCESS_OFF || log_enabled(LOG_LEVEL_DEBUG);
}

static const char *phase_name(const struct session *session)
{
	switch (session->end.phase) {
	case SESSION_CONNECTING:
	case SESSION_RETRYING:
		return "connecting";
	default:
		return "relaying";
	}
}

/* The line of the configuration that a reason goes back to. */
static unsigned key_line(const struct config_settings *settings, enum reason reason,
			 const char **ret_key, uint32_t *ret_ms)
{
	*ret_key = NULL;
	switch ((unsigned)reason) {
	case REASON_IDLE_TIMEOUT:
		*ret_key = "idle_timeout";
		*ret_ms = settings->idle_timeout_ms;
		return settings->idle_timeout_line;
	case REASON_HALF_CLOSE_TIMEOUT:
	case REASON_UNDELIVERED:
		*ret_key = "half_close_timeout";
		*ret_ms = settings->half_close_timeout_ms;
		return settings->half_close_timeout_line;
	case REASON_CONNECT_TIMED_OUT:
		*ret_key = "connect_timeout";
		*ret_ms = settings->connect_timeout_ms;
		return settings->connect_timeout_line;
	case REASON_LIFETIME:
		*ret_key = "max_lifetime";
		*ret_ms = settings->max_lifetime_ms;
		return settings->max_lifetime_line;
	default:
		return 0;
	}
}

/* "idle_timeout = 1h, [proxy web] line 14", or "" where no key governs the reason. */
static const char *key_text(const struct session *session, char *text, size_t size)
{
	const struct config_section *config = session->section->config;
	const char *key;
	char time[VALUE_TEXT_MAX];
	uint32_t ms = 0;
	unsigned line = key_line(&config->settings, (enum reason)session->end.reason, &key, &ms);

	if (!key)
		return NULL;
	value_format_duration(ms, 1000, time, sizeof(time));
	if (line)
		snprintf(text, size, "%s = %s, %s line %u", key, time, config->title, line);
	else
		snprintf(text, size, "%s = %s, %s default", key, time, config->title);
	return text;
}

static const char *client_text(const struct session *session, char *text, size_t size)
{
	const struct sockaddr_in6 *client = &session->client;

	if (client->sin6_family == 0)
		return "unknown";
	return address_format_socket((const struct sockaddr *)client, sizeof(*client), text, size);
}

void record_write(struct session *session)
{
	struct worker *worker = session->worker;
	const struct section *section = session->section;
	const struct session_end *end = &session->end;
	const struct lane *up = &session->lanes[LANE_UP];
	bool service = !session_has_upstream(session);
	char client[ADDRESS_TEXT_MAX], key[400];
	struct access_record record;

	atomic_store_explicit(
		&worker->reasons[end->reason],
		atomic_load_explicit(&worker->reasons[end->reason], memory_order_relaxed) + 1,
		memory_order_relaxed);
	if (!record_wanted(worker))
		return;
	record = (struct access_record){
		.id = session->id,
		.section = section->config->title,
		.client = client_text(session, client, sizeof(client)),
		.upstream = section->server_count ? section->servers[session->server].text : NULL,
		.reason = reason_sentence((enum reason)end->reason),
		.key = key_text(session, key, sizeof(key)),
		.side = side_name(end->side),
		.phase = phase_name(session),
		.error = -end->error,
		.bytes_up = service ? up->received : up->bytes,
		.bytes_down = service ? up->bytes : session->lanes[LANE_DOWN].bytes,
		.duration_ms = worker->now_ms - session->started_ms,
	};
	access_write(&worker->access, &record);
	log_debug("session %" PRIu64 " %s client %s: %s (%" PRIu64 " up, %" PRIu64 " down, %" PRIu64
		  " ms)",
		  record.id, record.section, record.client, record.reason, record.bytes_up,
		  record.bytes_down, record.duration_ms);
}
