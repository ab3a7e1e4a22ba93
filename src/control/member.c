#include "control/member.h"

#include <inttypes.h>
#include <time.h>

void member_key(struct sheet *sheet, const char *name)
{
	bool is_first = sheet->used && sheet->bytes[sheet->used - 1] == '{';

	sheet_add(sheet, "%s\"%s\":", is_first ? "" : ",", name);
}

void member_text(struct sheet *sheet, const char *name, const char *text)
{
	member_key(sheet, name);
	sheet_add_json(sheet, text);
}

void member_number(struct sheet *sheet, const char *name, uint64_t number)
{
	member_key(sheet, name);
	sheet_add(sheet, "%" PRIu64, number);
}

void member_truth(struct sheet *sheet, const char *name, bool truth)
{
	member_key(sheet, name);
	sheet_add(sheet, "%s", truth ? "true" : "false");
}

void member_seconds(struct sheet *sheet, const char *name, uint64_t units, uint64_t per_second)
{
	member_key(sheet, name);
	sheet_add(sheet, "%.9g", (double)units / (double)per_second);
}

void member_time(struct sheet *sheet, const char *name, uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[32] = "";
	struct tm tm;

	member_key(sheet, name);
	if (ms && gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		sheet_add(sheet, "\"%s.%03uZ\"", text, (unsigned)(ms % 1000));
	else
		sheet_add(sheet, "null");
}

void member_list(struct sheet *sheet, const char *name)
{
	member_key(sheet, name);
	sheet_add(sheet, "[");
}

void member_object(struct sheet *sheet, size_t index)
{
	sheet_add(sheet, "%s\n{", index ? "," : "");
}
