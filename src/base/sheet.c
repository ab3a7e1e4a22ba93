#include "base/sheet.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 4096

/* Room for so many bytes more, and for a zero byte. */
static bool make_room(struct sheet *sheet, size_t count)
{
	size_t room = sheet->room ? sheet->room : ROOM_FIRST;
	char *bytes;

	if (sheet->failed)
		return false;
	if (sheet->room - sheet->used > count)
		return true;
	while (room <= SIZE_MAX / 4 && room - sheet->used <= count)
		room *= 2;
	bytes = room - sheet->used > count ? realloc(sheet->bytes, room) : NULL;
	if (!bytes) {
		sheet->failed = true;
		return false;
	}
	sheet->bytes = bytes;
	sheet->room = room;
	return true;
}

void sheet_put(struct sheet *sheet, const char *bytes, size_t count)
{
	if (!make_room(sheet, count))
		return;
	memcpy(sheet->bytes + sheet->used, bytes, count);
	sheet->used += count;
	sheet->bytes[sheet->used] = 0;
}

void sheet_add(struct sheet *sheet, const char *format, ...)
{
	va_list arguments, again;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	if (length >= 0 && make_room(sheet, (size_t)length)) {
		vsnprintf(sheet->bytes + sheet->used, (size_t)length + 1, format, again);
		sheet->used += (size_t)length;
	}
	va_end(again);
	va_end(arguments);
}

/* What stands for a character of one byte; NULL where it stands for itself. */
typedef const char *escape(unsigned char byte, char room[8]);

static void add_escaped(struct sheet *sheet, const char *text, escape *escape_of)
{
	char room[8];

	while (*text) {
		size_t length = utf8_length(text);
		const char *instead = length == 1 ? escape_of((unsigned char)*text, room) : NULL;

		if (length == 0)
			instead = "\xef\xbf\xbd";
		if (instead)
			sheet_put(sheet, instead, strlen(instead));
		else
			sheet_put(sheet, text, length);
		text += length ? length : 1;
	}
}

static bool is_control(unsigned char byte)
{
	return byte < ' ' || byte == 0x7f;
}

static const char *escape_json(unsigned char byte, char room[8])
{
	if (byte == '"' || byte == '\\')
		snprintf(room, 8, "\\%c", byte);
	else if (is_control(byte))
		snprintf(room, 8, "\\u%04x", byte);
	else
		return NULL;
	return room;
}

static const char *escape_html(unsigned char byte, char room[8])
{
	(void)room;
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return is_control(byte) ? "?" : NULL;
	}
}

static const char *escape_label(unsigned char byte, char room[8])
{
	(void)room;
	switch (byte) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	default:
		return is_control(byte) ? "?" : NULL;
	}
}

void sheet_add_json(struct sheet *sheet, const char *text)
{
	sheet_put(sheet, "\"", 1);
	add_escaped(sheet, text, escape_json);
	sheet_put(sheet, "\"", 1);
}

void sheet_add_html(struct sheet *sheet, const char *text)
{
	add_escaped(sheet, text, escape_html);
}

void sheet_add_label(struct sheet *sheet, const char *text)
{
	add_escaped(sheet, text, escape_label);
}

const char *sheet_text(const struct sheet *sheet)
{
	if (sheet->failed)
		return NULL;
	return sheet->bytes ? sheet->bytes : "";
}

void sheet_done(struct sheet *sheet)
{
	free(sheet->bytes);
	*sheet = (struct sheet){0};
}
