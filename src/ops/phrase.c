#include "ops/phrase.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PIECE_MAX 6 /* bytes that one byte becomes in JSON, at most */

void phrase_number(struct phrase *phrase, uint64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);

	if (number < 10) { /* many are 0 */
		phrase_put(phrase, &(char){(char)('0' + number)}, 1);
		return;
	}
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

static void say_time(struct phrase *phrase, const struct timespec *at)
{
	/* Most lines are of the same second as the one before. */
	static _Thread_local struct {
		time_t at;
		char text[20];
	} second;
	struct tm tm;

	if (at->tv_sec != second.at || !second.text[0]) {
		gmtime_r(&at->tv_sec, &tm);
		strftime(second.text, sizeof(second.text), "%Y-%m-%dT%H:%M:%S", &tm);
		second.at = at->tv_sec;
	}
	phrase_say(phrase, second.text);
	put_thousandths(phrase, (unsigned)(at->tv_nsec / 1000000));
	phrase_say(phrase, "Z");
}

void phrase_now(struct phrase *phrase)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	say_time(phrase, &now);
}

void phrase_ago(struct phrase *phrase, uint64_t ago_ms)
{
	struct timespec at;
	uint64_t ms;

	clock_gettime(CLOCK_REALTIME, &at);
	ms = (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
	ms = ms > ago_ms ? ms - ago_ms : 0;
	at = (struct timespec){.tv_sec = (time_t)(ms / 1000),
			       .tv_nsec = (long)(ms % 1000) * 1000000};
	say_time(phrase, &at);
}

static bool is_control(char byte)
{
	return (unsigned char)byte < ' ' || byte == 0x7f;
}

/*
 * Eight bytes at a time.  Each says whether any of them is such a one: in the highest bit of
 * its byte, and maybe of some above it, which it borrows from.
 */
#define EACH(byte) (UINT64_MAX / 0xff * (byte))
#define HIGHEST    EACH(0x80)

static uint64_t below(uint64_t bytes, uint64_t each)
{
	return (bytes - each) & ~bytes & HIGHEST;
}

static uint64_t equal(uint64_t bytes, uint64_t each)
{
	return below(bytes ^ each, EACH(1));
}

static bool any_control(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return below(word, EACH(' ')) || equal(word, EACH(0x7f));
}

static bool any_to_escape(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return (word & HIGHEST) || below(word, EACH(' ')) || equal(word, EACH(0x7f)) ||
	       equal(word, EACH('"')) || equal(word, EACH('\\'));
}

/* So many from the first on have none. */
static size_t without_control(const char *bytes, size_t count)
{
	size_t at = 0;

	while (count - at >= 8 && !any_control(bytes + at))
		at += 8;
	while (at < count && !is_control(bytes[at]))
		at++;
	return at;
}

void phrase_plain(struct phrase *phrase, const char *value, size_t most)
{
	size_t left = strnlen(value, most);

	/* Mostly it is one piece. */
	while (left) {
		size_t piece = without_control(value, left);

		phrase_put(phrase, value, piece);
		if (piece < left) {
			phrase_say(phrase, "?");
			piece++;
		}
		value += piece;
		left -= piece;
	}
}

/* Bytes that a JSON string has as they are, of so many. */
static size_t as_is(const char *value, size_t most)
{
	size_t count = 0;

	while (most - count >= 8 && !any_to_escape(value + count))
		count += 8;
	while (count < most && (signed char)value[count] >= ' ' && value[count] != 0x7f &&
	       value[count] != '"' && value[count] != '\\')
		count++;
	return count;
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
	size_t left = strlen(value);

	phrase_say(phrase, "\"");
	while (left && phrase->used < end) {
		size_t room = end - phrase->used;
		size_t length = as_is(value, left < room ? left : room);

		if (length) {
			phrase_put(phrase, value, length);
		} else {
			length = utf8_length(value);
			put_escaped(phrase, value, length);
			length += !length;
		}
		value += length;
		left -= length;
	}
	phrase_say(phrase, "\"");
}
