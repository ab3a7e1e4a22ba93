#include "control/tell.h"

#include "ops/log.h"

void tell_report(struct report *report)
{
	static const enum log_level levels[] = {
		[REPORT_MISTAKE] = LOG_LEVEL_ERROR,
		[REPORT_WARNING] = LOG_LEVEL_WARNING,
		[REPORT_NOTE] = LOG_LEVEL_INFO,
	};

	report_sort(report);
	for (size_t i = 0; i < report->count; i++)
		log_at(levels[report->lines[i].kind], "%s", report->lines[i].text);
}
