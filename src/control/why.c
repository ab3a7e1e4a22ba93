#include "control/why.h"

#include "control/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BUSY_MS 1000 /* something moved that lately: bytes are flowing */

static const char *const sides[] = {[SIDE_CLIENT] = "client", [SIDE_UPSTREAM] = "server"};

static const char *duration(char text[WORDS_MAX], uint64_t ms)
{
	return words_duration(text, ms, 1000);
}

static uint64_t since_ms(const struct glance *glance, uint64_t at_ms)
{
	return glance->now_ms > at_ms ? glance->now_ms - at_ms : 0;
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static void tell_attempt(struct sheet *sheet, const struct glance *glance,
			 const struct glance_detail *detail)
{
	char text[WORDS_MAX];

	sheet_add(sheet, "connecting to %s for %s, attempt %u of %u", glance->server,
		  duration(text, since_ms(glance, detail->attempt_ms)), glance->attempts,
		  detail->servers);
	if (detail->connect_error)
		sheet_add(sheet, "; the one before failed: %s", strerror(-detail->connect_error));
}

static const char *lack(int error)
{
	switch (-error) {
	case EMFILE:
	case ENFILE:
		return "a file descriptor";
	case EADDRNOTAVAIL:
		return "a local port";
	case EAGAIN:
		return "room in the backlog of the server's socket";
	default:
		return "memory of the kernel";
	}
}

static void tell_wait_for_server(struct sheet *sheet, const struct glance *glance,
				 const struct glance_detail *detail)
{
	char text[WORDS_MAX];
	uint64_t waited = since_ms(glance, glance->started_ms);

	if (detail->in_line)
		sheet_add(sheet, "waiting for %s to connect to %s with, for %s",
			  lack(detail->lacks), glance->server, duration(text, waited));
	else if (!detail->servers)
		sheet_add(sheet,
			  "waiting for a server to be known, for %s: no name is resolved yet",
			  duration(text, waited));
	else
		sheet_add(sheet,
			  "giving up the connection to %s, which failed: %s; the next is "
			  "tried in a moment",
			  glance->server, strerror(-detail->connect_error));
}

static const char *nth(char text[WORDS_MAX], uint32_t number)
{
	static const char *const ends[] = {"th", "st", "nd", "rd"};
	bool teen = number / 10 % 10 == 1;
	uint32_t last = number % 10;

	snprintf(text, WORDS_MAX, "%u%s", number, ends[teen || last > 3 ? 0 : last]);
	return text;
}

static void tell_queue(struct sheet *sheet, const struct glance *glance,
		       const struct glance_detail *detail)
{
	char text[WORDS_MAX], place[WORDS_MAX];
	uint64_t waited = since_ms(glance, detail->queued_ms);

	if (detail->to_retry)
		sheet_add(sheet,
			  "waiting to be sent to another server of pool %s, %s of its worker's, "
			  "for %s: as many as may be are on their way to one; the one before "
			  "failed: %s",
			  detail->pool, nth(place, detail->before + 1), duration(text, waited),
			  strerror(-detail->connect_error));
	else
		sheet_add(sheet,
			  "waiting in the queue of pool %s, %s of its worker's, for %s: every "
			  "server has its max_connections",
			  detail->pool, nth(place, detail->before + 1), duration(text, waited));
}

/* ---- Relaying -------------------------------------------------------------------------------- */

/* The side that a lane leads to. */
static const char *sink_of(const struct glance_detail *detail, unsigned lane)
{
	return lane == LANE_DOWN || detail->service ? sides[SIDE_CLIENT] : sides[SIDE_UPSTREAM];
}

static void begin_part(struct sheet *sheet, bool *any)
{
	sheet_add(sheet, "%s", *any ? "; " : "");
	*any = true;
}

/* Bytes that do not get on. */
static void tell_rates(struct sheet *sheet, const struct glance_detail *detail)
{
	static const char *const keys[] = {
		[LANE_UP] = "upload_rate", [LANE_DOWN] = "download_rate"};

	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		if (detail->lanes[lane].paced)
			sheet_add(sheet, ", held to %s", keys[lane]);
}

static void tell_held_up(struct sheet *sheet, const struct glance *glance,
			 const struct glance_detail *detail, unsigned index, bool *any)
{
	const struct glance_lane *lane = &detail->lanes[index];
	uint64_t unsent = (uint64_t)lane->unsent + lane->unacknowledged;
	char bytes[WORDS_MAX], idle[WORDS_MAX];

	if (lane->starved) {
		begin_part(sheet, any);
		sheet_add(sheet, "waiting for a buffer: all of buffer_memory is in use");
	}
	if (!unsent)
		return;
	begin_part(sheet, any);
	sheet_add(sheet, "waiting for the %s to %s, %s unsent for %s", sink_of(detail, index),
		  lane->unsent ? "read" : "acknowledge", words_bytes(bytes, unsent),
		  duration(idle, since_ms(glance, glance->active_ms)));
}

static void tell_broken(struct sheet *sheet, const struct glance_detail *detail, unsigned side,
			bool *any)
{
	int error = detail->lanes[side].broken;

	if (!error)
		return;
	begin_part(sheet, any);
	sheet_add(sheet, "the %s is gone (%s); what it had said is still being delivered",
		  sides[side], strerror(-error));
}

/* An end that was said, and the other that is awaited. */
static void tell_half(struct sheet *sheet, const struct glance *glance,
		      const struct glance_detail *detail, unsigned index, bool *any)
{
	const struct glance_lane *lane = &detail->lanes[index], *other = &detail->lanes[!index];
	char text[WORDS_MAX];

	if (detail->service || lane->broken || lane->state == LANE_OPEN ||
	    lane->state == LANE_BROKEN || other->state != LANE_OPEN)
		return;
	begin_part(sheet, any);
	sheet_add(sheet, "the %s has said its end, and the %s has not; nothing has moved for %s",
		  sides[index], sides[!index], duration(text, since_ms(glance, glance->active_ms)));
}

static void tell_flow(struct sheet *sheet, const struct glance *glance,
		      const struct glance_detail *detail)
{
	uint64_t idle = since_ms(glance, glance->active_ms);
	bool any = false;
	char text[WORDS_MAX];

	for (unsigned side = 0; side < SIDE_COUNT; side++)
		tell_broken(sheet, detail, side, &any);
	if (!any && idle < BUSY_MS) {
		sheet_add(sheet, "bytes are flowing");
		tell_rates(sheet, detail);
		return;
	}
	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		tell_held_up(sheet, glance, detail, lane, &any);
	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		tell_half(sheet, glance, detail, lane, &any);
	if (any)
		return;
	sheet_add(sheet, "idle: %s for %s",
		  detail->service ? "the client has said nothing"
				  : "neither side has said anything",
		  duration(text, idle));
}

/* ---- The whole ------------------------------------------------------------------------------- */

const char *why_limit(const struct glance_detail *detail, uint64_t *ret_left_ms)
{
	const struct {
		const char *key;
		uint64_t left_ms;
	} limits[] = {
		{detail->agreeing      ? "connect_timeout"
		 : detail->awaited_key ? detail->awaited_key
				       : "hello_timeout",
		 detail->greeting_left_ms},
		{"connect_timeout", detail->connect_left_ms},
		{"connect_timeout", detail->retry_left_ms},
		{detail->to_retry ? "retry_timeout" : "queue_timeout", detail->queue_left_ms},
		{"request_timeout", detail->request_left_ms},
		{"max_lifetime", detail->lifetime_left_ms},
		{detail->half_closed ? "half_close_timeout" : "idle_timeout",
		 detail->quiet_left_ms},
	};
	const char *key = NULL;

	*ret_left_ms = GLANCE_NEVER;
	for (size_t i = 0; i < array_size(limits); i++)
		if (limits[i].left_ms < *ret_left_ms) {
			*ret_left_ms = limits[i].left_ms;
			key = limits[i].key;
		}
	return key;
}

/* What it says first goes to nobody yet. */
static void tell_greeting(struct sheet *sheet, const struct glance_detail *detail)
{
	char left[WORDS_MAX];

	sheet_add(sheet,
		  "waiting for the client to say %s before it is served; it has said %" PRIu64
		  " bytes so far",
		  detail->awaited ? detail->awaited : "what is asked of it",
		  (uint64_t)detail->lanes[LANE_UP].unsent);
	if (detail->greeting_left_ms != GLANCE_NEVER)
		sheet_add(sheet, ", and has %s left", duration(left, detail->greeting_left_ms));
}

void why_tell(struct sheet *sheet, const struct glance *glance, const struct glance_detail *detail)
{
	if (glance->reason != REASON_NONE)
		sheet_add(sheet, "ended: %s; %u operations of the kernel are not back yet",
			  reason_sentence((enum reason)glance->reason), detail->in_flight);
	else if (detail->attempting)
		tell_attempt(sheet, glance, detail);
	else if (detail->agreeing)
		sheet_add(sheet, "connected to %s, which has not answered yet whether it does TLS",
			  glance->server);
	else if (detail->queued)
		tell_queue(sheet, glance, detail);
	else if (!strcmp(glance->state, "greeting"))
		tell_greeting(sheet, detail);
	else if (!strcmp(glance->state, "connecting"))
		tell_wait_for_server(sheet, glance, detail);
	else
		tell_flow(sheet, glance, detail);
}
