#include "control/wards_parts.h"

#include "ops/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TITLE_MAX 1200
#define TIME_MAX  VALUE_TEXT_MAX

const char *ward_name(const struct ward *ward, char text[WARD_NAME_MAX])
{
	const struct config_section *source = ward->pool->config;

	snprintf(text, WARD_NAME_MAX, "server %s of %s %s", ward->server->text,
		 source->kind == CONFIG_POOL ? "pool" : "proxy", source->name);
	return text;
}

/* "6.1s", "4min12s" */
static const char *time_text(uint64_t ms, char text[TIME_MAX])
{
	if (ms < 10000)
		snprintf(text, TIME_MAX, "%" PRIu64 ".%" PRIu64 "s", ms / 1000, ms % 1000 / 100);
	else
		value_format_duration(ms / 1000, 1000000, text, TIME_MAX);
	return text;
}

void ward_say_result(struct ward *ward, const struct check_news *news)
{
	char title[TITLE_MAX];

	check_title(news, &ward->server->address, title, sizeof(title));
	snprintf(ward->result, sizeof(ward->result), "%s %s", title, news->last->text);
}

void ward_tell_check(const struct ward *ward, const struct check_news *news)
{
	char name[WARD_NAME_MAX];

	log_info("%s: check: %s %s, %" PRIu32 ".%03" PRIu32 " ms; %s", ward_name(ward, name),
		 check_code_word(news->last->code), ward->result, news->last->duration_us / 1000,
		 news->last->duration_us % 1000, ward->health);
}

/* "2 of 3 servers left" */
static void say_left(const struct pool *pool, char *text, size_t size)
{
	if (pool->up == 0 && pool->panic)
		snprintf(text, size,
			 "none of %" PRIu32 " servers is left, and all are tried (panic)",
			 pool->able);
	else if (pool->panic)
		snprintf(text, size,
			 "%" PRIu32 " of %" PRIu32 " servers left, and all are tried (panic)",
			 pool->up, pool->able);
	else
		snprintf(text, size, "%" PRIu32 " of %" PRIu32 " servers left", pool->up,
			 pool->able);
}

/* ", 117 connections kept (on_down = keep)" */
static void say_connections(const struct ward *ward, char *text, size_t size)
{
	static const char *const what[] = {
		[CONFIG_ON_DOWN_KEEP] = "kept (on_down = keep)",
		[CONFIG_ON_DOWN_DRAIN] = "kept until drain_timeout (on_down = drain)",
		[CONFIG_ON_DOWN_RESET] = "reset (on_down = reset)",
	};
	uint32_t count = atomic_load(&ward->server->active);

	*text = 0;
	if (count)
		snprintf(text, size, ", %" PRIu32 " connection%s %s", count, count == 1 ? "" : "s",
			 what[ward->pool->config->settings.on_down]);
}

void ward_tell_down(const struct ward *ward, const struct check_news *news)
{
	char name[WARD_NAME_MAX], took[TIME_MAX], left[100], connections[100];

	say_left(ward->pool, left, sizeof(left));
	say_connections(ward, connections, sizeof(connections));
	log_warning("%s is DOWN after %" PRIu32 " failed check%s in %s: %s; %s%s",
		    ward_name(ward, name), news->alike, news->alike == 1 ? "" : "s",
		    time_text(news->last->at_ms - news->alike_ms, took), ward->result, left,
		    connections);
}

void ward_tell_up(const struct ward *ward, const struct check_news *news, uint64_t was_ms)
{
	char name[WARD_NAME_MAX], was[TIME_MAX], slow[TIME_MAX] = "";
	uint32_t slow_ms = ward->line->slow_start_ms;

	if (slow_ms)
		value_format_duration(slow_ms, 1000, slow, sizeof(slow));
	log_info("%s is UP after %" PRIu32 " good check%s (%" PRIu32 ".%" PRIu32
		 " ms), was down %s%s%s",
		 ward_name(ward, name), news->alike, news->alike == 1 ? "" : "s",
		 news->last->duration_us / 1000, news->last->duration_us % 1000 / 100,
		 time_text(was_ms, was), slow_ms ? "; slow start " : "", slow);
}

void ward_tell_out(const struct ward *ward, bool begins)
{
	const struct server *server = ward->server;
	char name[WARD_NAME_MAX], out[TIME_MAX], within[TIME_MAX];

	value_format_duration(atomic_load(&server->out_ms), 1000, out, sizeof(out));
	value_format_duration(atomic_load(&server->within_ms), 1000, within, sizeof(within));
	if (begins)
		log_warning("%s is EJECTED for %s: %" PRIu32
			    " connections to it have failed within %s, the last one: %s",
			    ward_name(ward, name), out, atomic_load(&server->fails), within,
			    strerror(-atomic_load(&server->error)));
	else
		log_warning("%s stays EJECTED for %s: the connection that tried it has failed: %s",
			    ward_name(ward, name), out, strerror(-atomic_load(&server->error)));
}

void ward_tell_back(const struct ward *ward, bool by_check)
{
	char name[WARD_NAME_MAX];

	log_info("%s is not ejected any more: %s", ward_name(ward, name),
		 by_check ? "its check finds it well" : "a connection to it has succeeded");
}
