#include "greet/client_hello.h"

#include <string.h>

#define RECORD_HEAD      5
#define RECORD_MAX       16384
#define RECORD_HANDSHAKE 22
#define MESSAGE_HEAD     4
#define MESSAGE_HELLO    1

enum { EXTENSION_NAME = 0, EXTENSION_ALPN = 16 };

/* ---- Records --------------------------------------------------------------------------------- */

/* What the records hold, as far as it is there. */
struct message {
	size_t have; /* bytes of it, its head among them */
	size_t size; /* 0: not known */
	unsigned char head[MESSAGE_HEAD];
};

/* The bytes of a record's body that are there. */
static enum hello_verdict gather(struct message *message, const unsigned char *body, size_t length,
				 size_t max)
{
	for (size_t i = 0; i < length && message->have + i < MESSAGE_HEAD; i++)
		message->head[message->have + i] = body[i];
	message->have += length;
	if (message->have && message->head[0] != MESSAGE_HELLO)
		return HELLO_NOT_HELLO;
	if (message->have < MESSAGE_HEAD)
		return HELLO_MORE;
	message->size = MESSAGE_HEAD + ((size_t)message->head[1] << 16 |
					(size_t)message->head[2] << 8 | message->head[3]);
	if (message->size > max)
		return HELLO_TOO_LARGE;
	return message->have < message->size ? HELLO_MORE : HELLO_READ;
}

/* A record's head, as much of it as there is; the first byte of all says what it is at once. */
static enum hello_verdict judge_head(const unsigned char *head, size_t length, bool first)
{
	size_t size;

	if (first && head[0] & 0x80)
		return length < 3 ? HELLO_MORE : head[2] == 1 ? HELLO_SSLV2 : HELLO_NOT_TLS;
	if (head[0] != RECORD_HANDSHAKE)
		return first ? HELLO_NOT_TLS : HELLO_RECORD_TYPE;
	if (length > 1 && head[1] != 3)
		return first ? HELLO_NOT_TLS : HELLO_RECORD_TYPE;
	if (length < RECORD_HEAD)
		return HELLO_MORE;
	size = (size_t)head[3] << 8 | head[4];
	return !size || size > RECORD_MAX ? HELLO_RECORD_LENGTH : HELLO_READ;
}

/* Through the records until the message is whole. */
static enum hello_verdict walk(struct message *message, const unsigned char *bytes, size_t length,
			       size_t max)
{
	for (size_t at = 0; at < length;) {
		size_t left = length - at, size;
		enum hello_verdict verdict = judge_head(bytes + at, left, !at);

		if (verdict != HELLO_READ)
			return verdict;
		at += RECORD_HEAD;
		left -= RECORD_HEAD;
		size = (size_t)bytes[at - 2] << 8 | bytes[at - 1];
		if (size > left)
			size = left;
		verdict = gather(message, bytes + at, size, max);
		at += size;
		if (verdict != HELLO_MORE)
			return verdict;
	}
	return HELLO_MORE;
}

/* ---- The message ----------------------------------------------------------------------------- */

/*
 * Where it is being read: in the message, which is all there, and in the record that this part
 * of it is in.
 */
struct reading {
	const unsigned char *at;
	size_t in_record; /* bytes left in this one; the next one's head is behind them */
	size_t left;      /* ... in what is being read: the message, an extension, a list */
	bool broken;      /* more was wanted than is left; from then on all is 0 */
};

/* So many bytes, into to, which may be NULL. */
static void take(struct reading *reading, unsigned char *to, size_t count)
{
	if (count > reading->left) {
		reading->broken = true;
		reading->left = 0;
	}
	if (reading->broken)
		return;
	reading->left -= count;
	while (count) {
		size_t part = count < reading->in_record ? count : reading->in_record;

		if (!reading->in_record) {
			reading->in_record = (size_t)reading->at[3] << 8 | reading->at[4];
			reading->at += RECORD_HEAD;
			continue;
		}
		if (to) {
			memcpy(to, reading->at, part);
			to += part;
		}
		reading->at += part;
		reading->in_record -= part;
		count -= part;
	}
}

static size_t take_number(struct reading *reading, size_t bytes)
{
	unsigned char number[2] = {0};

	take(reading, number + sizeof(number) - bytes, bytes);
	return reading->broken ? 0 : (size_t)number[0] << 8 | number[1];
}

/* A field with its length before it, in so many bytes: that length. */
static size_t skip_field(struct reading *reading, size_t bytes)
{
	size_t size = take_number(reading, bytes);

	take(reading, NULL, size);
	return size;
}

/* Of what is to be read, only so much; the rest is what comes behind, for leave(). */
static size_t enter(struct reading *reading, size_t size)
{
	size_t behind = reading->left - size;

	if (size > reading->left) {
		reading->broken = true;
		return 0;
	}
	reading->left = size;
	return behind;
}

/* ---- Extensions ------------------------------------------------------------------------------ */

/* Letters, digits, '-', '_' and '.', with no part between dots empty. */
static bool fold_name(struct client_hello *hello)
{
	char *name = hello->name, before = '.';

	if (hello->name_length && name[hello->name_length - 1] == '.')
		hello->name_length--;
	name[hello->name_length] = '\0';
	for (size_t i = 0; i < hello->name_length; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			name[i] = c = (char)(c | 0x20);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
		    !(c == '.' && before != '.'))
			return false;
		before = c;
	}
	return hello->name_length && before != '.';
}

/* A host's name, of which there is one; names of other types are nobody's. */
static enum hello_verdict read_host(struct reading *reading, size_t size,
				    struct client_hello *hello)
{
	if (hello->name_length)
		return HELLO_NAME_TWICE;
	if (!size || size > HELLO_NAME_MAX)
		return HELLO_NAME;
	hello->name_length = (uint16_t)size;
	take(reading, (unsigned char *)hello->name, size);
	return fold_name(hello) ? HELLO_READ : HELLO_NAME;
}

static enum hello_verdict read_names(struct reading *reading, struct client_hello *hello)
{
	if (take_number(reading, 2) != reading->left || !reading->left)
		return HELLO_NAME_LIST;
	while (reading->left) {
		size_t type = take_number(reading, 1), size = take_number(reading, 2);
		enum hello_verdict verdict = HELLO_READ;

		if (reading->broken || size > reading->left)
			return HELLO_NAME_LIST;
		if (type)
			take(reading, NULL, size);
		else
			verdict = read_host(reading, size, hello);
		if (verdict != HELLO_READ)
			return verdict;
	}
	return HELLO_READ;
}

static enum hello_verdict read_alpn(struct reading *reading, struct client_hello *hello)
{
	size_t length = take_number(reading, 2);

	if (length != reading->left || !length || length > HELLO_ALPN_MAX)
		return HELLO_ALPN;
	take(reading, hello->alpn, length);
	for (size_t at = 0; at < length; at += 1 + (size_t)hello->alpn[at])
		if (!hello->alpn[at] || hello->alpn[at] >= length - at)
			return HELLO_ALPN;
	hello->alpn_length = (uint16_t)length;
	return HELLO_READ;
}

static enum hello_verdict read_extensions(struct reading *reading, struct client_hello *hello)
{
	bool named = false, listed = false;

	while (reading->left) {
		size_t type = take_number(reading, 2), size = take_number(reading, 2);
		size_t behind = enter(reading, size);
		enum hello_verdict verdict = HELLO_READ;

		if (reading->broken)
			return HELLO_EXTENSIONS;
		if (type == EXTENSION_NAME) {
			verdict = named ? HELLO_NAME_TWICE : read_names(reading, hello);
			named = true;
		} else if (type == EXTENSION_ALPN) {
			verdict = listed ? HELLO_ALPN_TWICE : read_alpn(reading, hello);
			listed = true;
		} else {
			take(reading, NULL, size);
		}
		if (verdict != HELLO_READ)
			return verdict;
		reading->left = behind;
	}
	return HELLO_READ;
}

/* From its first byte to its last, by RFC 8446 4.1.2; versions are not looked at. */
static enum hello_verdict read_message(struct reading *reading, struct client_hello *hello)
{
	size_t session, suites, compressions;

	take(reading, NULL, MESSAGE_HEAD + 2 + 32);
	session = skip_field(reading, 1);
	suites = skip_field(reading, 2);
	compressions = skip_field(reading, 1);
	if (reading->broken || session > 32 || suites < 2 || suites % 2 || !compressions)
		return HELLO_FIELDS;
	if (!reading->left)
		return HELLO_READ; /* one of before there were extensions */
	if (take_number(reading, 2) != reading->left || reading->broken)
		return HELLO_EXTENSIONS;
	return read_extensions(reading, hello);
}

enum hello_verdict client_hello_read(const unsigned char *bytes, size_t length, size_t max,
				     struct client_hello *ret_hello)
{
	size_t room = client_hello_room(max), within = length < room ? length : room;
	struct message message = {0};
	enum hello_verdict verdict = walk(&message, bytes, within, max);
	struct reading reading = {.at = bytes, .left = message.size};

	if (verdict == HELLO_MORE && length >= room)
		return HELLO_TOO_LARGE;
	if (verdict != HELLO_READ)
		return verdict;
	ret_hello->name_length = ret_hello->alpn_length = 0;
	ret_hello->name[0] = '\0';
	return read_message(&reading, ret_hello);
}

const char *hello_verdict_text(enum hello_verdict verdict)
{
	static const char *const texts[] = {
#define X(name, words) [HELLO_##name] = words,
		HELLO_VERDICTS(X)
#undef X
	};

	return texts[verdict];
}
