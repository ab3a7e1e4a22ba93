/*
 * HAProxy's tcplog line, as its "log stdout format raw" has it: what reads those reads ours.
 * The fields and their order are of its configuration manual, section 8.2.2.
 *
 *   192.0.2.7:51034 [27/Nov/2026:18:31:27.658] web web/10.0.0.5:80 0/1/26 3 -- 1/1/1/1/0 0/0
 *   client  [accepted] frontend backend/server Tw/Tc/Tt bytes termination
 *                       actconn/feconn/beconn/srv_conn/retries srv_queue/backend_queue
 */
#include "ops/access_format.h"
#include "ops/phrase.h"

#include <string.h>
#include <time.h>

/* Bytes of a name; those with a blank would be two fields. */
#define NAME_MAX_BYTES 400

static void say_name(struct phrase *phrase, const char *name)
{
	size_t from = phrase->used;

	phrase_plain(phrase, name, NAME_MAX_BYTES);
	for (size_t i = from; i < phrase->used; i++)
		if (phrase->bytes[i] == ' ')
			phrase->bytes[i] = '_';
}

/* "address:port", also of IPv6; a unix client has no port. */
static void say_client(struct phrase *phrase, const char *client)
{
	size_t from = phrase->used, to = from;

	say_name(phrase, client ? client : "unknown:");
	for (size_t i = from; i < phrase->used; i++)
		if (phrase->bytes[i] != '[' && phrase->bytes[i] != ']')
			phrase->bytes[to++] = phrase->bytes[i];
	phrase->used = to;
	if (to > from && phrase->bytes[to - 1] == ':')
		phrase_say(phrase, "0");
}

/* In local time, as HAProxy has it: "[27/Nov/2026:18:31:27.658]". */
static void say_accepted(struct phrase *phrase, uint64_t ago_ms)
{
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct timespec now;
	struct tm tm;
	uint64_t ms;
	time_t second;
	char text[40];

	clock_gettime(CLOCK_REALTIME, &now);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	ms = ms > ago_ms ? ms - ago_ms : 0;
	second = (time_t)(ms / 1000);
	localtime_r(&second, &tm);
	strftime(text, sizeof(text), "[%d/", &tm);
	phrase_say(phrase, text);
	phrase_say(phrase, months[tm.tm_mon]); /* whatever the locale is */
	strftime(text, sizeof(text), "/%Y:%H:%M:%S.", &tm);
	phrase_say(phrase, text);
	phrase_put(phrase, &(char){(char)('0' + ms % 1000 / 100)}, 1);
	phrase_put(phrase, &(char){(char)('0' + ms % 100 / 10)}, 1);
	phrase_put(phrase, &(char){(char)('0' + ms % 10)}, 1);
	phrase_say(phrase, "]");
}

static void say_server(struct phrase *phrase, const struct access_record *record)
{
	phrase_say(phrase, " ");
	say_name(phrase, record->proxy ? record->proxy : "-");
	phrase_say(phrase, "/");
	if (record->server && strchr(record->server, ' ') && record->server_address)
		say_name(phrase, record->server_address);
	else
		say_name(phrase, record->server ? record->server : "<NOSRV>");
}

static void say_numbers(struct phrase *phrase, const uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		phrase_say(phrase, i ? "/" : " ");
		if (numbers[i] == UINT64_MAX)
			phrase_say(phrase, "-1");
		else
			phrase_number(phrase, numbers[i]);
	}
}

size_t access_format_haproxy(const struct access_record *record, char line[ACCESS_LINE_MAX])
{
	struct phrase phrase = {.bytes = line, .size = ACCESS_LINE_MAX};
	const uint64_t never = UINT64_MAX;
	bool waited = record->is_queued && record->phase && strcmp(record->phase, "queued") == 0;
	const uint64_t times[] = {waited ? never : record->queue_ms,
				  record->is_connected ? record->connect_us / 1000 : never};
	const uint64_t counts[] = {record->active, record->active_of_proxy, record->active_of_proxy,
				   record->active_of_server, record->retries};
	const uint64_t queues[] = {0, record->queued_before};
	bool open = record->event == ACCESS_OPEN;

	say_client(&phrase, record->client);
	phrase_say(&phrase, " ");
	say_accepted(&phrase, record->duration_ms);
	phrase_say(&phrase, " ");
	say_name(&phrase, record->proxy ? record->proxy : "-");
	say_server(&phrase, record);
	say_numbers(&phrase, times, array_size(times));
	phrase_say(&phrase, open ? "/+" : "/"); /* with a sign it is not the last word */
	phrase_number(&phrase, record->duration_ms);
	phrase_say(&phrase, open ? " +" : " ");
	phrase_number(&phrase, record->bytes_down);
	phrase_say(&phrase, " ");
	phrase_say(&phrase, record->termination[0] ? record->termination : "--");
	say_numbers(&phrase, counts, array_size(counts));
	say_numbers(&phrase, queues, array_size(queues));
	phrase_say(&phrase, "\n");
	return phrase.used;
}
