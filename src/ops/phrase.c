#include "ops/phrase.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PIECE_MAX 6 /* bytes that one byte becomes in JSON, at most */

void phrase_put(struct phrase *phrase, const char *bytes, size_t count)
{
	assert(count <= phrase_room(phrase));
	memcpy(phrase->bytes + phrase->used, bytes, count);
	phrase->used += count;
}

void phrase_say(struct phrase *phrase, const char *text)
{
	phrase_put(phrase, text, strlen(text));
}

void phrase_number(struct phrase *phrase, uint64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	phrase_put(phrase, digits + first, sizeof(digits) - first);
}

static void put_thousandths(struct phrase *phrase, unsigned number)
{
	char digits[] = {'.', (char)('0' + number / 100), (char)('0' + number / 10 % 10),
			 (char)('0' + number % 10)};

	phrase_put(phrase, digits, sizeof(digits));
}

void phrase_ms(struct phrase *phrase, uint64_t us)
{
	phrase_number(phrase, us / 1000);
	put_thousandths(phrase, (unsigned)(us % 1000));
}

void phrase_now(struct phrase *phrase)
{
	/* Most lines are of the same second as the one before. */
	static _Thread_local struct {
		time_t at;
		char text[20];
	} second;
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != second.at || !second.text[0]) {
		gmtime_r(&now.tv_sec, &tm);
		strftime(second.text, sizeof(second.text), "%Y-%m-%dT%H:%M:%S", &tm);
		second.at = now.tv_sec;
	}
	phrase_say(phrase, second.text);
	put_thousandths(phrase, (unsigned)(now.tv_nsec / 1000000));
	phrase_say(phrase, "Z");
}

void phrase_plain(struct phrase *phrase, const char *value, size_t most)
{
	for (size_t i = 0; value[i] && i < most; i++) {
		unsigned char byte = (unsigned char)value[i];

		phrase_put(phrase, byte < ' ' || byte == 0x7f ? "?" : &value[i], 1);
	}
}

static void put_escaped(struct phrase *phrase, const char *value, size_t length)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)*value;

	if (length == 0) {
		phrase_say(phrase, "\xef\xbf\xbd");
	} else if (byte == '"' || byte == '\\') {
		phrase_say(phrase, "\\");
		phrase_put(phrase, value, 1);
	} else if (byte < ' ' || byte == 0x7f) {
		char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

		phrase_put(phrase, escape, sizeof(escape));
	} else {
		phrase_put(phrase, value, length);
	}
}

void phrase_quoted(struct phrase *phrase, const char *value, size_t most)
{
	size_t end = phrase->used + most - PIECE_MAX - 1; /* a piece and the quote still fit */

	phrase_say(phrase, "\"");
	while (*value && phrase->used < end) {
		size_t length = utf8_length(value);

		put_escaped(phrase, value, length);
		value += length ? length : 1;
	}
	phrase_say(phrase, "\"");
}
