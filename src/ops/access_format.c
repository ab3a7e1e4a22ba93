#include "ops/access_format.h"

#include "ops/phrase.h"

#include <ctype.h>
#include <string.h>

#define REFUSED  "refused"
#define WORD_MAX 40   /* of a closed list: a reason, a side; or the name of a section */
#define REST_MAX 1450 /* bytes of all else: names, numbers, the time */

/* One row for everything that has a name, in the order of a record. */
enum field_type { FIELD_NUMBER, FIELD_MS, FIELD_TEXT, FIELD_WORD, FIELD_EVENT, FIELD_SINCE };

/* clang-format off */
#define AT(member)              offsetof(struct access_record, member)
#define KEY(name)               ",\"" name "\":", sizeof(name) - 1
#define NUMBER(name)            {KEY(#name), FIELD_NUMBER, AT(name), 0}
#define NUMBER_IF(name, is)     {KEY(#name), FIELD_NUMBER, AT(name), AT(is)}
#define MS_IF(name, member, is) {KEY(name), FIELD_MS, AT(member), AT(is)}
#define TEXT(name)              {KEY(#name), FIELD_TEXT, AT(name), 0}
#define WORD(name)              {KEY(#name), FIELD_WORD, AT(name), 0}
#define WIRE(side, name)        {KEY(#side "_" #name), FIELD_NUMBER, AT(side##_wire.name), AT(side##_wire.known)}
#define WIRES(side)             WIRE(side, rtt_us), WIRE(side, rtt_min_us), WIRE(side, retransmits), \
				WIRE(side, lost), WIRE(side, delivery_rate)
/* clang-format on */

#define NAME_AT  2 /* in a key, which is as JSON has it */
#define NAME_END 2

struct field {
	const char *key; /* `,"uid":` */
	size_t name_size;
	enum field_type type;
	size_t offset, is; /* `is`: of the bool that says whether it is known; 0: it is */
};

static const struct field of_connection[] = {
	NUMBER(id),
	NUMBER(worker),
	NUMBER(edition),
	TEXT(proxy),
	WORD(kind),
	TEXT(listener),
	TEXT(client),
	TEXT(client_real),
	NUMBER_IF(uid, is_local),
	NUMBER_IF(pid, is_local),
	TEXT(sni),
	TEXT(alpn),
	WORD(pool),
	TEXT(server),
	TEXT(server_address),
	NUMBER_IF(queue_ms, is_queued),
	MS_IF("connect_ms", connect_us, is_connected),
	MS_IF("first_byte_ms", first_byte_us, is_answered),
	NUMBER(duration_ms),
	NUMBER(bytes_up),
	NUMBER(bytes_down),
	WORD(reason),
	TEXT(reason_text),
	WORD(side),
	WORD(phase),
	WIRES(client),
	WIRES(server),
};

static const struct field of_refused[] = {
	{KEY("event"), FIELD_EVENT, 0, 0},
	NUMBER(worker),
	NUMBER(edition),
	TEXT(proxy),
	WORD(kind),
	{KEY("count"), FIELD_NUMBER, AT(refused), 0},
	NUMBER_IF(addresses, has_addresses),
	{KEY("since"), FIELD_SINCE, AT(duration_ms), 0},
	WORD(reason),
	TEXT(reason_text),
};

static const struct {
	const struct field *first, *end;
} fields[] = {
	[ACCESS_ENDED] = {of_connection, of_connection + array_size(of_connection)},
	[ACCESS_OPEN] = {of_connection, of_connection + array_size(of_connection)},
	[ACCESS_REFUSED] = {of_refused, of_refused + array_size(of_refused)},
};

#define TEXTS 8
#define WORDS 5
static_assert(TEXTS * ACCESS_VALUE_MAX + WORDS * WORD_MAX + REST_MAX <= ACCESS_LINE_MAX,
	      "every line fits");
static_assert(ACCESS_LINE_MAX + TEXTS * ACCESS_VALUE_MAX + WORDS * WORD_MAX + REST_MAX <=
		      ACCESS_ENTRY_MAX,
	      "every journal entry fits");

/* Room for one server that was tried, and for the end of what it is in. */
#define TRIED_MAX (ACCESS_VALUE_MAX + 250)

static const void *at(const struct access_record *record, size_t offset)
{
	return (const unsigned char *)record + offset;
}

static uint64_t number_of(const struct access_record *record, const struct field *field)
{
	uint64_t number;

	memcpy(&number, at(record, field->offset), sizeof(number));
	return number;
}

static const char *text_of(const struct access_record *record, const struct field *field)
{
	const char *text;

	memcpy(&text, at(record, field->offset), sizeof(text));
	return text;
}

static bool has(const struct access_record *record, const struct field *field)
{
	if (field->type == FIELD_TEXT || field->type == FIELD_WORD)
		return text_of(record, field);
	return !field->is || *(const bool *)at(record, field->is);
}

static size_t most_of(const struct field *field)
{
	return field->type == FIELD_TEXT ? ACCESS_VALUE_MAX : WORD_MAX;
}

/* NULL for a number the C library does not know. */
static const char *error_text(int error)
{
	return error ? strerrordesc_np(error) : NULL;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static inlined void say_named(struct phrase *phrase, const char *before, const char *value,
			      const char *after)
{
	if (!value)
		return;
	phrase_say(phrase, before);
	phrase_plain(phrase, value, ACCESS_VALUE_MAX);
	phrase_say(phrase, after);
}

static inlined void say_counted(struct phrase *phrase, const char *before, uint64_t number,
				const char *after)
{
	phrase_say(phrase, before);
	phrase_number(phrase, number);
	phrase_say(phrase, after);
}

static inlined void say_ms(struct phrase *phrase, const char *before, uint64_t us)
{
	phrase_say(phrase, before);
	phrase_ms(phrase, us);
	phrase_say(phrase, " ms");
}

static void say_wire(struct phrase *phrase, const char *side, const struct access_wire *wire)
{
	if (!wire->known)
		return;
	phrase_say(phrase, side);
	say_ms(phrase, " rtt ", wire->rtt_us);
	say_ms(phrase, " (least ", wire->rtt_min_us);
	say_counted(phrase, ", ", wire->retransmits, " sent again");
	say_counted(phrase, ", ", wire->lost, " lost");
	say_counted(phrase, ", ", wire->delivery_rate, " bytes/s)");
}

static void say_tried(struct phrase *phrase, const struct access_record *record)
{
	for (uint64_t i = 0; i < record->tried_count && phrase_room(phrase) > TRIED_MAX; i++) {
		const struct access_tried *tried = &record->tried[i];

		say_named(phrase, ", tried ", tried->server, "");
		say_counted(phrase, " (", tried->ms, " ms");
		say_named(phrase, ", ", error_text(tried->error), "");
		phrase_say(phrase, ")");
	}
}

static void say_refused(struct phrase *phrase, const struct access_record *record)
{
	say_named(phrase, "", record->title, " ");
	say_counted(phrase, "refused ", record->refused,
		    record->refused == 1 ? " client" : " clients");
	if (record->has_addresses)
		say_counted(phrase, " from about ", record->addresses,
			    record->addresses == 1 ? " address" : " addresses");
	phrase_say(phrase, " since ");
	phrase_ago(phrase, record->duration_ms);
	say_named(phrase, ": ", record->reason_text, "");
	say_counted(phrase, ", worker ", record->worker, ", edition ");
	phrase_number(phrase, record->edition);
}

static void say_sentence(struct phrase *phrase, const struct access_record *record)
{
	if (record->event == ACCESS_REFUSED) {
		say_refused(phrase, record);
		return;
	}
	say_counted(phrase, "session ", record->id, "");
	say_named(phrase, " ", record->title, "");
	say_named(phrase, " client ", record->client, "");
	say_named(phrase, " by ", record->client_real, "");
	if (record->is_local) {
		say_counted(phrase, " (uid ", record->uid, "");
		say_counted(phrase, " pid ", record->pid, ")");
	}
	say_named(phrase, " listener ", record->listener, "");
	if (record->sni)
		say_named(phrase, " name ", record->sni, "");
	if (record->pool && record->proxy && strcmp(record->pool, record->proxy) != 0)
		say_named(phrase, " pool ", record->pool, "");
	say_named(phrase, " upstream ", record->server, "");
	say_named(phrase, ": ", record->reason_text, "");
	say_named(phrase, ", ", record->side, " side");
	say_named(phrase, " while ", record->phase, "");
	say_named(phrase, ": ", error_text(record->error), "");
	if (record->edition) {
		say_counted(phrase, ", worker ", record->worker, ", edition ");
		phrase_number(phrase, record->edition);
	}
	if (record->is_queued)
		say_counted(phrase, ", queued for ", record->queue_ms, " ms");
	if (record->is_connected)
		say_ms(phrase, ", connected in ", record->connect_us);
	if (record->is_answered)
		say_ms(phrase, ", first byte after ", record->first_byte_us);
	say_wire(phrase, ", client", &record->client_wire);
	say_wire(phrase, ", server", &record->server_wire);
	say_tried(phrase, record);
	say_counted(phrase, " (", record->bytes_up, " up, ");
	say_counted(phrase, "", record->bytes_down, " down, ");
	say_counted(phrase, "", record->duration_ms, " ms)");
}

size_t access_format_text(const struct access_record *record, bool with_time,
			  char line[ACCESS_LINE_MAX])
{
	struct phrase phrase = {.bytes = line, .size = ACCESS_LINE_MAX};

	if (with_time) {
		phrase_now(&phrase);
		phrase_say(&phrase, " ");
	}
	say_sentence(&phrase, record);
	phrase_say(&phrase, "\n");
	return phrase.used;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static inlined void say_key(struct phrase *phrase, const char *before, const char *name)
{
	phrase_say(phrase, before);
	phrase_say(phrase, name);
	phrase_say(phrase, "\":");
}

static void say_json(struct phrase *phrase, const struct access_record *record,
		     const struct field *field)
{
	phrase_put(phrase, field->key, NAME_AT + field->name_size + NAME_END);
	switch (field->type) {
	case FIELD_EVENT:
		phrase_say(phrase, "\"" REFUSED "\"");
		break;
	case FIELD_SINCE:
		phrase_say(phrase, "\"");
		phrase_ago(phrase, number_of(record, field));
		phrase_say(phrase, "\"");
		break;
	case FIELD_NUMBER:
		phrase_number(phrase, number_of(record, field));
		break;
	case FIELD_MS:
		phrase_ms(phrase, number_of(record, field));
		break;
	case FIELD_TEXT:
	case FIELD_WORD:
		phrase_quoted(phrase, text_of(record, field), most_of(field));
		break;
	}
}

static void say_json_error(struct phrase *phrase, const char *before, int error)
{
	if (!error_text(error))
		return;
	say_key(phrase, before, "error");
	phrase_quoted(phrase, error_text(error), ACCESS_VALUE_MAX);
}

static void say_json_tried(struct phrase *phrase, const struct access_record *record)
{
	if (!record->tried_count)
		return;
	say_key(phrase, ",\"", "tried");
	phrase_say(phrase, "[");
	for (uint64_t i = 0; i < record->tried_count && phrase_room(phrase) > TRIED_MAX; i++) {
		const struct access_tried *tried = &record->tried[i];

		phrase_say(phrase, i ? "," : "");
		say_key(phrase, "{\"", "server");
		phrase_quoted(phrase, tried->server, ACCESS_VALUE_MAX);
		say_json_error(phrase, ",\"", tried->error);
		say_key(phrase, ",\"", "ms");
		phrase_number(phrase, tried->ms);
		phrase_say(phrase, "}");
	}
	phrase_say(phrase, "]");
}

size_t access_format_json(const struct access_record *record, char line[ACCESS_LINE_MAX])
{
	struct phrase phrase = {.bytes = line, .size = ACCESS_LINE_MAX};
	const struct field *field;

	phrase_say(&phrase, "{\"time\":\"");
	phrase_now(&phrase);
	phrase_say(&phrase, "\"");
	for (field = fields[record->event].first; field < fields[record->event].end; field++)
		if (has(record, field))
			say_json(&phrase, record, field);
	if (record->error)
		say_counted(&phrase, ",\"errno\":", (uint64_t)record->error, "");
	say_json_error(&phrase, ",\"", record->error);
	say_json_tried(&phrase, record);
	phrase_say(&phrase, "}\n");
	return phrase.used;
}

/* ---- The journal ----------------------------------------------------------------------------- */

/* One for each kind of entry, never to change: systemd/uringproxy.catalog explains them. */
#define MESSAGE_ENDED      "MESSAGE_ID=b68c401a4b3742ffae7d3599b748f757"
#define MESSAGE_OPEN       "MESSAGE_ID=174c5347d79044c9a0a8022893830379"
#define MESSAGE_REFUSED    "MESSAGE_ID=3ba2d3a8bd5049749fe84c1981e46ca5"
#define MESSAGE_NOTE       "MESSAGE_ID=dcef5d32a404487e92ff506697c26d4f"
#define HEAD(priority, id) "PRIORITY=" priority "\nSYSLOG_IDENTIFIER=uringproxy\n" id "\n"

static const char *const heads[] = {
	[ACCESS_ENDED] = HEAD("6", MESSAGE_ENDED),
	[ACCESS_OPEN] = HEAD("6", MESSAGE_OPEN),
	[ACCESS_REFUSED] = HEAD("6", MESSAGE_REFUSED),
};

static void say_field(struct phrase *phrase, const char *name, size_t size)
{
	phrase_say(phrase, "\nURINGPROXY_");
	for (size_t i = 0; i < size; i++)
		phrase_put(phrase, &(char){(char)toupper((unsigned char)name[i])}, 1);
	phrase_say(phrase, "=");
}

static void say_journal(struct phrase *phrase, const struct access_record *record,
			const struct field *field)
{
	say_field(phrase, field->key + NAME_AT, field->name_size);
	switch (field->type) {
	case FIELD_EVENT:
		phrase_say(phrase, REFUSED);
		break;
	case FIELD_SINCE:
		phrase_ago(phrase, number_of(record, field));
		break;
	case FIELD_NUMBER:
		phrase_number(phrase, number_of(record, field));
		break;
	case FIELD_MS:
		phrase_ms(phrase, number_of(record, field));
		break;
	case FIELD_TEXT:
	case FIELD_WORD:
		phrase_plain(phrase, text_of(record, field), most_of(field));
		break;
	}
}

size_t access_format_journal(const struct access_record *record, char entry[ACCESS_ENTRY_MAX])
{
	struct phrase message = {.bytes = entry, .size = ACCESS_LINE_MAX};
	const struct field *field;
	struct phrase phrase;

	phrase_say(&message, heads[record->event]);
	phrase_say(&message, "MESSAGE=");
	say_sentence(&message, record);
	phrase = (struct phrase){.bytes = entry, .used = message.used, .size = ACCESS_ENTRY_MAX};
	for (field = fields[record->event].first; field < fields[record->event].end; field++)
		if (has(record, field))
			say_journal(&phrase, record, field);
	if (record->error)
		say_counted(&phrase, "\nERRNO=", (uint64_t)record->error, "");
	/* A field may have several values. */
	for (uint64_t i = 0; i < record->tried_count && phrase_room(&phrase) > TRIED_MAX; i++) {
		phrase_say(&phrase, "\nURINGPROXY_TRIED=");
		phrase_plain(&phrase, record->tried[i].server, ACCESS_VALUE_MAX);
	}
	phrase_say(&phrase, "\n");
	return phrase.used;
}

/* ---- Notes ----------------------------------------------------------------------------------- */

size_t access_format_text_note(const char *note, char line[ACCESS_LINE_MAX])
{
	struct phrase phrase = {.bytes = line, .size = ACCESS_LINE_MAX};

	phrase_now(&phrase);
	say_named(&phrase, " warning: ", note, "\n");
	return phrase.used;
}

size_t access_format_json_note(const char *note, char line[ACCESS_LINE_MAX])
{
	struct phrase phrase = {.bytes = line, .size = ACCESS_LINE_MAX};

	phrase_say(&phrase, "{\"time\":\"");
	phrase_now(&phrase);
	say_key(&phrase, "\",\"", "warning");
	phrase_quoted(&phrase, note, ACCESS_VALUE_MAX);
	phrase_say(&phrase, "}\n");
	return phrase.used;
}

size_t access_format_journal_note(const char *note, char entry[ACCESS_ENTRY_MAX])
{
	struct phrase phrase = {.bytes = entry, .size = ACCESS_ENTRY_MAX};

	phrase_say(&phrase, HEAD("4", MESSAGE_NOTE));
	say_named(&phrase, "MESSAGE=", note, "\n");
	return phrase.used;
}
