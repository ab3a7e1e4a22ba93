/* A value is refused with a reason, or written as text that is the same value. */
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

static void check_duration(const char *text, unsigned unit_us)
{
	char why[VALUE_WHY_MAX] = "", written[VALUE_TEXT_MAX];
	uint64_t value, again;

	if (value_parse_duration(&value, text, unit_us, why) < 0) {
		assert(*why);
		return;
	}
	value_format_duration(value, unit_us, written, sizeof(written));
	assert(value_parse_duration(&again, written, unit_us, why) == 0 && again == value);
}

static void check_size(const char *text)
{
	char why[VALUE_WHY_MAX] = "", written[VALUE_TEXT_MAX];
	uint64_t value, again;

	if (value_parse_size(&value, text, why) < 0) {
		assert(*why);
		return;
	}
	value_format_size(value, written, sizeof(written));
	assert(value_parse_size(&again, written, why) == 0 && again == value);
}

static void check_cpus(const char *text)
{
	uint64_t value[VALUE_CPU_WORDS] = {0}, again[VALUE_CPU_WORDS];
	char why[VALUE_WHY_MAX] = "", written[VALUE_CPUS_TEXT_MAX];

	if (value_parse_cpus(value, text, why) < 0) {
		assert(*why);
		return;
	}
	value_format_cpus(value, written, sizeof(written));
	assert(value_parse_cpus(again, written, why) == 0 && !memcmp(value, again, sizeof(value)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = {"auto", "on", "off", NULL};
	char *text = calloc(1, size + 1), why[VALUE_WHY_MAX] = "";
	uint32_t index;
	uint64_t count;

	assert(text);
	memcpy(text, data, size);
	check_duration(text, 1);
	check_duration(text, 1000);
	check_duration(text, 1000000);
	check_size(text);
	check_cpus(text);
	assert(value_parse_count(&count, text, why) == 0 || *why);
	assert(value_parse_word(&index, text, words, why) < 0 || index < 3);
	free(text);
	return 0;
}
