/* Any text is either refused with a reason or means what it prints as. */
#include "config/report.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report report;
	struct config config;
	char *printed = NULL;
	size_t printed_size = 0;
	FILE *out;

	if (config_parse(&config, "fuzz", (const char *)data, size, &report) < 0) {
		assert(report.found[REPORT_MISTAKE]);
		config_done(&config);
		report_done(&report);
		return 0;
	}
	assert(!report.found[REPORT_MISTAKE] && config.section_count);
	out = open_memstream(&printed, &printed_size);
	config_print_effective(&config, out);
	fclose(out);
	report_done(&report); /* there may be warnings */
	config_done(&config);

	if (config_parse(&config, "printed", printed, printed_size, &report) < 0) {
		fprintf(stderr, "%s\n%s\n", report_first_mistake(&report), printed);
		abort();
	}
	report_done(&report);
	config_done(&config);
	free(printed);
	return 0;
}
