#include "control/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *words_number(char text[WORDS_MAX], uint64_t number)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number), used = 0;

	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = digits[i];
	}
	text[used] = 0;
	return text;
}

const char *words_bytes(char text[WORDS_MAX], uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double rest = (double)bytes;
	unsigned unit = 0;

	while (rest >= 999.5 && unit + 1 < array_size(units)) {
		rest /= 1000;
		unit++;
	}
	snprintf(text, WORDS_MAX, unit && rest < 9.95 ? "%.1f %s" : "%.0f %s", rest, units[unit]);
	return text;
}

static const char *below_a_second(char text[WORDS_MAX], double seconds)
{
	bool micro = seconds < 0.0001;
	double value = seconds * (micro ? 1e6 : 1e3);

	snprintf(text, WORDS_MAX, "%.*f %s",
		 micro || value >= 100 ? 0
		 : value >= 10         ? 1
				       : 2,
		 value, micro ? "us" : "ms");
	return text;
}

const char *words_duration(char text[WORDS_MAX], uint64_t units, uint64_t units_per_second)
{
	static const struct {
		uint64_t seconds;
		const char *one, *many;
	} steps[] = {{86400, "day", "days"}, {3600, "h", "h"}, {60, "min", "min"}, {1, "s", "s"}};
	uint64_t seconds = units / units_per_second;
	unsigned i = 0;
	size_t used;
	uint64_t first, second;

	if (seconds == 0)
		return below_a_second(text, (double)units / (double)units_per_second);
	while (seconds < steps[i].seconds)
		i++;
	first = seconds / steps[i].seconds;
	used = (size_t)snprintf(text, WORDS_MAX, "%" PRIu64 " %s", first,
				first == 1 ? steps[i].one : steps[i].many);
	if (i + 1 == array_size(steps))
		return text;
	second = seconds % steps[i].seconds / steps[i + 1].seconds;
	if (second)
		snprintf(text + used, WORDS_MAX - used, " %" PRIu64 " %s", second,
			 steps[i + 1].many);
	return text;
}

const char *words_time(char text[WORDS_MAX], uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, WORDS_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm))
		text[0] = 0;
	return text;
}

const char *words_quantile(char text[WORDS_MAX], const struct histogram_total *total,
			   const struct histogram_scale *scale, double quantile)
{
	uint64_t end = histogram_quantile(total, scale, quantile);
	char duration[WORDS_MAX];

	text[0] = 0;
	if (end == UINT64_MAX)
		snprintf(text, WORDS_MAX, "more than %.30s",
			 words_duration(duration, histogram_end(scale, scale->buckets - 1),
					scale->units_per_second));
	else if (end)
		snprintf(text, WORDS_MAX, "up to %.30s",
			 words_duration(duration, end, scale->units_per_second));
	return text;
}
