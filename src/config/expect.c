#include "config/expect.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX          "hex:"
#define STATUS_FIRST 100
#define STATUS_LAST  599
#define BETWEEN      ", \t"

__attribute__((format(printf, 2, 3))) static int wrong(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, VALUE_WHY_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static unsigned digit(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0')
					 : (unsigned)(tolower((unsigned char)c) - 'a') + 10;
}

/* The byte of two hexadecimal digits, or -EINVAL. */
static int take_byte(const char *text, uint8_t *ret_byte)
{
	if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
		return -EINVAL;
	*ret_byte = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	return 0;
}

static int parse_hex(uint8_t *bytes, size_t *ret_size, const char *text, char *why)
{
	size_t size = 0;

	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		if (take_byte(text, &bytes[size]) < 0)
			return wrong(why,
				     "after hex: come bytes of two digits each, 0-9 and a-f, and "
				     "not \"%.20s\"",
				     text);
		size++;
		text += 2;
	}
	*ret_size = size;
	return 0;
}

/* What stands behind a backslash; how many characters that is, or -EINVAL. */
static int take_escape(const char *text, uint8_t *ret_byte)
{
	static const struct {
		char letter;
		uint8_t byte;
	} escapes[] = {{'r', '\r'}, {'n', '\n'}, {'t', '\t'}, {'\\', '\\'}};

	for (size_t i = 0; i < array_size(escapes); i++)
		if (*text == escapes[i].letter) {
			*ret_byte = escapes[i].byte;
			return 1;
		}
	return *text == 'x' && take_byte(text + 1, ret_byte) == 0 ? 3 : -EINVAL;
}

static int parse_text(uint8_t *bytes, size_t *ret_size, const char *text, char *why)
{
	size_t size = 0;

	for (; *text; size++) {
		int taken;

		if (*text != '\\') {
			bytes[size] = (uint8_t)*text++;
			continue;
		}
		taken = take_escape(text + 1, &bytes[size]);
		if (taken < 0)
			return wrong(why,
				     "\"%.4s\" is none of \\r, \\n, \\t, \\\\ and \\xHH (two "
				     "hexadecimal digits)",
				     text);
		text += 1 + taken;
	}
	*ret_size = size;
	return 0;
}

int expect_parse_bytes(uint8_t *ret_bytes, size_t *ret_size, const char *text,
		       char why[VALUE_WHY_MAX])
{
	if (!strncmp(text, HEX, strlen(HEX)))
		return parse_hex(ret_bytes, ret_size, text + strlen(HEX), why);
	return parse_text(ret_bytes, ret_size, text, why);
}

int expect_parse_answer(uint8_t *ret_bytes, size_t *ret_size, bool *ret_anywhere, const char *text,
			char why[VALUE_WHY_MAX])
{
	bool anywhere = *text == '*';
	size_t size = 0;
	int r = expect_parse_bytes(ret_bytes, &size, text + anywhere, why);

	if (r < 0)
		return r;
	if (size == 0)
		return wrong(why,
			     "\"%.20s\" expects nothing; what the answer begins with is "
			     "written, as in +PONG, or * and what is in it",
			     text);
	*ret_size = size;
	*ret_anywhere = anywhere;
	return 0;
}

/* ---- Statuses -------------------------------------------------------------------------------- */

/* 204, or 2xx, which is from 200 to 299: what is behind it, or NULL. */
static const char *take_status(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return NULL;
	if (tolower((unsigned char)text[1]) == 'x' && tolower((unsigned char)text[2]) == 'x') {
		*ret_first = (uint16_t)(100 * (text[0] - '0'));
		*ret_last = *ret_first + 99;
		return text + 3;
	}
	number = strtoul(text, &end, 10);
	if (number > STATUS_LAST)
		return NULL;
	*ret_first = *ret_last = (uint16_t)number;
	return end;
}

static int parse_range(struct expect_statuses *statuses, const char *text, char *why)
{
	uint16_t first, last, ignored;
	const char *end = take_status(text, &first, &last);

	if (end && *end == '-')
		end = take_status(end + 1, &ignored, &last);
	if (!end || *end || first < STATUS_FIRST || last > STATUS_LAST)
		return wrong(why,
			     "\"%.20s\" is no HTTP status, which is 100 to 599; write for example "
			     "200-399, 2xx or 200,204",
			     text);
	if (first > last)
		return wrong(why, "\"%.20s\" ends before it begins", text);
	if (statuses->count == EXPECT_STATUSES_MAX)
		return wrong(why, "there are more than %u", EXPECT_STATUSES_MAX);
	statuses->range[statuses->count].first = first;
	statuses->range[statuses->count++].last = last;
	return 0;
}

int expect_parse_statuses(struct expect_statuses *ret_statuses, const char *text,
			  char why[VALUE_WHY_MAX])
{
	struct expect_statuses statuses = {.count = 0};
	int r = 0;

	for (text += strspn(text, BETWEEN); *text && r == 0; text += strspn(text, BETWEEN)) {
		size_t length = strcspn(text, BETWEEN);
		char one[32];

		snprintf(one, sizeof(one), "%.*s", (int)(length < sizeof(one) ? length : 31), text);
		r = parse_range(&statuses, one, why);
		text += length;
	}
	if (r == 0 && statuses.count == 0)
		r = parse_range(&statuses, "", why);
	if (r == 0)
		*ret_statuses = statuses;
	return r;
}

int expect_parse_http(struct expect_statuses *ret_statuses, uint8_t *ret_bytes, size_t *ret_size,
		      const char *text, char why[VALUE_WHY_MAX])
{
	const char *star = strchr(text, '*');
	size_t length = star ? (size_t)(star - text) : strlen(text);
	char *statuses = strndup(text, length);
	bool anywhere, any;
	int r;

	if (!statuses)
		return -ENOMEM;
	any = statuses[strspn(statuses, BETWEEN)] || !star;
	r = expect_parse_statuses(ret_statuses, any ? statuses : EXPECT_STATUSES, why);
	free(statuses);
	*ret_size = 0;
	return r < 0 || !star ? r : expect_parse_answer(ret_bytes, ret_size, &anywhere, star, why);
}

bool expect_has_status(const struct expect_statuses *statuses, unsigned status)
{
	for (unsigned i = 0; i < statuses->count; i++)
		if (status >= statuses->range[i].first && status <= statuses->range[i].last)
			return true;
	return false;
}
