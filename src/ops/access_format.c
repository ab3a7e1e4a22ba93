#include "ops/access_format.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STRINGS   8   /* in a record */
#define VALUE_MAX 400 /* bytes of one of them, escapes included */
#define REST_MAX  800 /* bytes of all else: names, numbers, the time */

static_assert(STRINGS * VALUE_MAX + REST_MAX <= ACCESS_LINE_MAX, "every line fits");
static_assert(ACCESS_LINE_MAX + STRINGS * VALUE_MAX + REST_MAX <= ACCESS_ENTRY_MAX,
	      "every journal entry fits");

/* Text that grows; sized so that it cannot run out. */
struct text {
	char *bytes;
	size_t used, size;
};

static void put(struct text *text, const char *bytes, size_t count)
{
	assert(count <= text->size - text->used);
	memcpy(text->bytes + text->used, bytes, count);
	text->used += count;
}

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text->bytes + text->used, text->size - text->used, format, args);
	va_end(args);
	assert(length >= 0 && (size_t)length < text->size - text->used);
	text->used += (size_t)length;
}

/* A string for people: printable, in one line. */
static void add_plain(struct text *text, const char *value)
{
	for (size_t i = 0; value[i] && i < VALUE_MAX; i++) {
		unsigned char byte = (unsigned char)value[i];
		put(text, byte < ' ' || byte == 0x7f ? "?" : &value[i], 1);
	}
}

/* A JSON string (RFC 8259), with its quotes. */
static void add_quoted(struct text *text, const char *value)
{
	size_t end = text->used + VALUE_MAX - 7; /* the longest piece and the quote still fit */

	put(text, "\"", 1);
	while (*value && text->used < end) {
		size_t length = utf8_length(value);
		if (length == 0)
			put(text, "\xef\xbf\xbd", 3);
		else if (*value == '"' || *value == '\\')
			add(text, "\\%c", *value);
		else if ((unsigned char)*value < ' ' || *value == 0x7f)
			add(text, "\\u%04x", (unsigned char)*value);
		else
			put(text, value, length);
		value += length ? length : 1;
	}
	put(text, "\"", 1);
}

/* "2026-11-22T18:29:27.123Z" */
static void add_time(struct text *text)
{
	struct timespec now;
	struct tm tm;
	char second[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &tm);
	add(text, "%s.%03uZ", second, (unsigned)(now.tv_nsec / 1000000));
}

static void add_named(struct text *text, const char *before, const char *value, const char *after)
{
	if (!value)
		return;
	add(text, "%s", before);
	add_plain(text, value);
	add(text, "%s", after);
}

/* NULL for a number the C library does not know. */
static const char *error_text(int error)
{
	return error ? strerrordesc_np(error) : NULL;
}

static void add_sentence(struct text *text, const struct access_record *record)
{
	add(text, "session %" PRIu64, record->id);
	add_named(text, " ", record->section, "");
	add_named(text, " client ", record->client, "");
	add_named(text, " listener ", record->listener, "");
	add_named(text, " upstream ", record->upstream, "");
	add_named(text, ": ", record->reason, "");
	add_named(text, " (", record->key, ")");
	add_named(text, ", ", record->side, " side");
	add_named(text, " while ", record->phase, "");
	add_named(text, ": ", error_text(record->error), "");
	add(text, " (%" PRIu64 " up, %" PRIu64 " down, %" PRIu64 " ms)", record->bytes_up,
	    record->bytes_down, record->duration_ms);
}

size_t access_format_text(const struct access_record *record, bool with_time,
			  char line[ACCESS_LINE_MAX])
{
	struct text text = {.bytes = line, .size = ACCESS_LINE_MAX};

	if (with_time) {
		add_time(&text);
		add(&text, " ");
	}
	add_sentence(&text, record);
	add(&text, "\n");
	return text.used;
}

/* One row per string, for the two formats that name them. */
static const struct {
	const char *json, *journal;
	size_t offset;
} strings[] = {
	{"section", "URINGPROXY_SECTION", offsetof(struct access_record, section)},
	{"client", "URINGPROXY_CLIENT", offsetof(struct access_record, client)},
	{"listener", "URINGPROXY_LISTENER", offsetof(struct access_record, listener)},
	{"upstream", "URINGPROXY_UPSTREAM", offsetof(struct access_record, upstream)},
	{"reason", "URINGPROXY_REASON", offsetof(struct access_record, reason)},
	{"key", "URINGPROXY_KEY", offsetof(struct access_record, key)},
	{"side", "URINGPROXY_SIDE", offsetof(struct access_record, side)},
	{"phase", "URINGPROXY_PHASE", offsetof(struct access_record, phase)},
};
static_assert(array_size(strings) == STRINGS, "the size of a line counts them");

static const char *string_of(const struct access_record *record, size_t row)
{
	const char *value;

	memcpy(&value, (const unsigned char *)record + strings[row].offset, sizeof(value));
	return value;
}

size_t access_format_json(const struct access_record *record, char line[ACCESS_LINE_MAX])
{
	struct text text = {.bytes = line, .size = ACCESS_LINE_MAX};

	add(&text, "{\"time\":\"");
	add_time(&text);
	add(&text, "\",\"id\":%" PRIu64, record->id);
	for (size_t i = 0; i < array_size(strings); i++) {
		if (!string_of(record, i))
			continue;
		add(&text, ",\"%s\":", strings[i].json);
		add_quoted(&text, string_of(record, i));
	}
	if (record->error)
		add(&text, ",\"errno\":%d", record->error);
	if (error_text(record->error))
		add(&text, ",\"error\":\"%s\"", error_text(record->error));
	add(&text, ",\"bytes_up\":%" PRIu64 ",\"bytes_down\":%" PRIu64 ",\"duration_ms\":%" PRIu64,
	    record->bytes_up, record->bytes_down, record->duration_ms);
	add(&text, "}\n");
	return text.used;
}

size_t access_format_journal(const struct access_record *record, char entry[ACCESS_ENTRY_MAX])
{
	struct text text = {.bytes = entry, .size = ACCESS_ENTRY_MAX};

	add(&text, "PRIORITY=6\nSYSLOG_IDENTIFIER=uringproxy\nMESSAGE=");
	add_sentence(&text, record);
	add(&text, "\nURINGPROXY_ID=%" PRIu64, record->id);
	for (size_t i = 0; i < array_size(strings); i++) {
		if (!string_of(record, i))
			continue;
		add(&text, "\n%s=", strings[i].journal);
		add_plain(&text, string_of(record, i));
	}
	if (record->error)
		add(&text, "\nERRNO=%d", record->error);
	add(&text,
	    "\nURINGPROXY_BYTES_UP=%" PRIu64 "\nURINGPROXY_BYTES_DOWN=%" PRIu64
	    "\nURINGPROXY_DURATION_MS=%" PRIu64 "\n",
	    record->bytes_up, record->bytes_down, record->duration_ms);
	return text.used;
}

size_t access_format_text_note(const char *note, char line[ACCESS_LINE_MAX])
{
	struct text text = {.bytes = line, .size = ACCESS_LINE_MAX};

	add_time(&text);
	add_named(&text, " warning: ", note, "\n");
	return text.used;
}

size_t access_format_json_note(const char *note, char line[ACCESS_LINE_MAX])
{
	struct text text = {.bytes = line, .size = ACCESS_LINE_MAX};

	add(&text, "{\"time\":\"");
	add_time(&text);
	add(&text, "\",\"warning\":");
	add_quoted(&text, note);
	add(&text, "}\n");
	return text.used;
}

size_t access_format_journal_note(const char *note, char entry[ACCESS_ENTRY_MAX])
{
	struct text text = {.bytes = entry, .size = ACCESS_ENTRY_MAX};

	add(&text, "PRIORITY=4\nSYSLOG_IDENTIFIER=uringproxy\n");
	add_named(&text, "MESSAGE=", note, "\n");
	return text.used;
}
