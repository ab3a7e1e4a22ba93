/* The part of loader.h that says what is wrong. */
#include "config/loader.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX 1000

void loader_complain(struct loader *loader, unsigned file, unsigned line, const char *title,
		     const char *key, const char *format, ...)
{
	char text[MESSAGE_MAX], place[32] = "";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (line)
		snprintf(place, sizeof(place), "%u:", line);
	report_add(loader->report, REPORT_MISTAKE, file, line, "%s:%s %s%s%s%s%s",
		   loader->config->files[file], place, title ? title : "", title ? " " : "",
		   key ? key : "", key ? ": " : "", text);
}
