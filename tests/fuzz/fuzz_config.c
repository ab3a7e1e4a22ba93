/* Any text is either refused with a reason or means what it prints as. */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_errors errors;
	struct config config;
	char *printed = NULL;
	size_t printed_size = 0;
	FILE *out;

	if (config_parse(&config, "fuzz", (const char *)data, size, &errors) < 0) {
		assert(errors.count && !config.sections && !config.files);
		config_errors_done(&errors);
		return 0;
	}
	assert(!errors.count && config.section_count);
	out = open_memstream(&printed, &printed_size);
	config_print_effective(&config, out);
	fclose(out);
	config_errors_done(&errors); /* there may be warnings */
	config_done(&config);

	if (config_parse(&config, "printed", printed, printed_size, &errors) < 0) {
		fprintf(stderr, "%s\n%s\n", errors.messages[0], printed);
		abort();
	}
	config_errors_done(&errors);
	config_done(&config);
	free(printed);
	return 0;
}
