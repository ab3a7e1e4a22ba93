/* Whatever another proxy's configuration says, what is printed of it is good, and of ours. */
#include "config/report.h"
#include "import/import.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import_result result;
	struct report report;
	struct config config;
	char *printed = NULL;
	size_t printed_size = 0;
	FILE *out = open_memstream(&printed, &printed_size);
	int r = import((const char *)data, size, out, &result);

	fclose(out);
	assert(r == 0);
	r = config_parse(&config, "printed", printed, printed_size, &report);
	if (result.serving && r < 0) {
		fprintf(stderr, "%s\n%s\n", report_first_mistake(&report), printed);
		abort();
	}
	assert(!config.control.listen_count && !config.metrics.listen_count);
	assert(!config.access_path);
	report_done(&report);
	config_done(&config);
	free(printed);
	return 0;
}
