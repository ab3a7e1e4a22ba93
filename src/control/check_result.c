#include "control/check_result.h"

#include <stdarg.h>
#include <stdio.h>

#define SHOWN_MAX ((size_t)CHECK_QUOTE_MAX - 6) /* two quotes, three dots, the end */

const char *check_code_word(enum check_code code)
{
	static const char *const words[] = {
#define X(NAME, word) #word,
		CHECK_CODES(X)
#undef X
	};

	return words[code];
}

bool check_is_good(enum check_code code)
{
	return code == CHECK_L4OK || code == CHECK_L7OK;
}

bool check_counts(enum check_code code)
{
	return code != CHECK_UNKNOWN && code != CHECK_SOCKERR;
}

void check_conclude(struct check_result *result, enum check_code code, const char *format, ...)
{
	va_list arguments;

	result->code = code;
	va_start(arguments, format);
	vsnprintf(result->text, sizeof(result->text), format, arguments);
	va_end(arguments);
}

/* Up to the end of its first line that says anything. */
const char *check_quote(const void *bytes, size_t size, char text[CHECK_QUOTE_MAX])
{
	const char *from = bytes;
	char shown[SHOWN_MAX + 1];
	size_t used = 0;

	while (used < size && used < SHOWN_MAX && from[used] != '\r' && from[used] != '\n') {
		char byte = from[used];

		if (byte < ' ' || byte > '~')
			byte = '?';
		shown[used++] = byte;
	}
	shown[used] = 0;
	snprintf(text, CHECK_QUOTE_MAX, "\"%s%s\"", shown,
		 used == SHOWN_MAX && used < size ? "..." : "");
	return text;
}
