#include "config/value.h"

#include "config/suggest.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

__attribute__((format(printf, 2, 3))) static int wrong(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, VALUE_WHY_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* The digits at *text, which is moved behind them.  -ERANGE when they do not fit. */
static int take_digits(const char **text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); (*text)++)
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(**text - '0'), &number))
			return -ERANGE;
	*ret_number = number;
	return 0;
}

int value_parse_count(uint64_t *ret_count, const char *text, char why[VALUE_WHY_MAX])
{
	const char *end = text;
	uint64_t count;
	int r = take_digits(&end, &count);

	if (r == -ERANGE)
		return wrong(why, "\"%.80s\" is too large", text);
	if (r < 0 || *end)
		return wrong(why, "\"%.80s\" is not a whole number", text);
	*ret_count = count;
	return 0;
}

int value_parse_size(uint64_t *ret_bytes, const char *text, char why[VALUE_WHY_MAX])
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = {
		{"", 0},     {"B", 0},  {"K", 10},   {"KiB", 10}, {"M", 20},
		{"MiB", 20}, {"G", 30}, {"GiB", 30}, {"T", 40},   {"TiB", 40},
	};
	const char *end = text;
	uint64_t number;
	int r = take_digits(&end, &number);

	if (r == -ERANGE)
		return wrong(why, "\"%.80s\" is too large", text);
	if (r < 0)
		return wrong(why, "\"%.80s\" is not a size; write for example 16K, 1M or 2G", text);
	end = skip_blanks(end);
	for (size_t i = 0; i < array_size(units); i++) {
		if (strcasecmp(end, units[i].name) != 0)
			continue;
		if (number > UINT64_MAX >> units[i].shift)
			return wrong(why, "\"%.80s\" is too large", text);
		*ret_bytes = number << units[i].shift;
		return 0;
	}
	return wrong(why,
		     "\"%.80s\" ends in an unknown unit; they are K, M, G and T, powers of 1024",
		     text);
}

/* Microseconds in the unit that text begins with, and its length; 0 for none. */
static uint64_t duration_unit(const char *text, size_t *ret_length)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = {
		{"us", 1},
		{"usec", 1},
		{"\302\265s", 1}, /* the micro sign */
		{"\316\274s", 1}, /* the Greek letter */
		{"ms", 1000},
		{"msec", 1000},
		{"s", 1000000},
		{"sec", 1000000},
		{"second", 1000000},
		{"seconds", 1000000},
		{"m", 60000000},
		{"min", 60000000},
		{"minute", 60000000},
		{"minutes", 60000000},
		{"h", 3600000000},
		{"hr", 3600000000},
		{"hour", 3600000000},
		{"hours", 3600000000},
		{"d", 86400000000},
		{"day", 86400000000},
		{"days", 86400000000},
		{"w", 604800000000},
		{"week", 604800000000},
		{"weeks", 604800000000},
	};
	size_t length = strcspn(text, "0123456789 \t.,+-");

	for (size_t i = 0; i < array_size(units); i++)
		if (strlen(units[i].name) == length && !memcmp(units[i].name, text, length)) {
			*ret_length = length;
			return units[i].us;
		}
	return 0;
}

int value_parse_duration(uint64_t *ret_units, const char *text, unsigned unit_us,
			 char why[VALUE_WHY_MAX])
{
	uint64_t total = 0;

	for (const char *at = text; at == text || *at; at = skip_blanks(at)) {
		bool first = at == text;
		uint64_t number, scale;
		size_t length = 0;
		int r = take_digits(&at, &number);

		if (r == -ERANGE)
			return wrong(why, "\"%.80s\" is too large", text);
		if (r < 0)
			return wrong(
				why,
				"\"%.80s\" is not a time; write for example 500ms, 30s or 1h30min",
				text);
		at = skip_blanks(at);
		/* 0 needs no unit, and a number alone is seconds as in systemd */
		scale = first && !*at ? 1000000 : duration_unit(at, &length);
		if (!scale)
			return wrong(
				why,
				"\"%.80s\" has a number without a known unit; they are us, ms, s, "
				"min, h, d and w",
				text);
		at += length;
		if (__builtin_mul_overflow(number, scale, &number) ||
		    __builtin_add_overflow(total, number, &total))
			return wrong(why, "\"%.80s\" is too large", text);
	}
	if (total % unit_us)
		return wrong(why, "\"%.80s\" is finer than a %s", text,
			     unit_us == 1000 ? "millisecond" : "second");
	*ret_units = total / unit_us;
	return 0;
}

#define RATE_PERIOD_MOST_MS 86400000u
#define RATE_MOST_MS        1000u /* a million in a second */

/* What is behind the '/': a duration, or the unit alone of one. */
static int parse_period(uint64_t *ret_ms, const char *text)
{
	char why[VALUE_WHY_MAX];
	size_t length;
	uint64_t us = duration_unit(text, &length);

	if (!us || text[length])
		return value_parse_duration(ret_ms, text, 1000, why);
	*ret_ms = us / 1000;
	return 0;
}

int value_parse_rate(struct value_rate *ret_rate, const char *text, char why[VALUE_WHY_MAX])
{
	const char *at = text;
	uint64_t count = 0, ms = 0;

	if (take_digits(&at, &count) < 0 || *(at = skip_blanks(at)) != '/' ||
	    parse_period(&ms, skip_blanks(at + 1)) < 0)
		return wrong(why,
			     "\"%.80s\" is not so many in a time; write for example 500/s or "
			     "100/10s",
			     text);
	if (!count || !ms || ms > RATE_PERIOD_MOST_MS || count > UINT32_MAX ||
	    count > ms * RATE_MOST_MS)
		return wrong(why, "\"%.80s\" is outside " VALUE_RATE_RANGE, text);
	*ret_rate = (struct value_rate){.count = (uint32_t)count, .period_ms = (uint32_t)ms};
	return 0;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcasecmp(text, *words))
			return true;
	return false;
}

/* What may have been meant by a word that is none of them, or NULL. */
static const char *meant_word(const char *text, const char *const *words)
{
	/* what the same thing is called elsewhere */
	static const char *const synonyms[][2] = {
		{"rr", "round_robin"},
		{"static-rr", "round_robin"},
		{"wrr", "round_robin"},
		{"least", "least_conn"},
		{"least_request", "least_conn"},
		{"random", "random_two"},
		{"source", "source_hash"},
		{"ip_hash", "source_hash"},
		{"hash", "source_hash"},
		{"maglev", "source_hash"},
		{"ring_hash", "source_hash"},
		{"ewma", "least_time"},
		{"peak_ewma", "least_time"},
		{"httpchk", "http"},
		{"tcp-check", "send"},
		{"redis-check", "redis"},
		{"mysql-check", "mysql"},
		{"mariadb", "mysql"},
		{"pgsql", "postgres"},
		{"pgsql-check", "postgres"},
		{"postgresql", "postgres"},
		{"connect", "tcp"},
		{"smtp", "send"},
		{"smtpchk", "send"},
		{"tls", "send"},
		{"memcached", "send"},
		{"close", "reset"},
	};
	struct suggest suggest;

	for (size_t i = 0; i < array_size(synonyms); i++)
		if (suggest_is_same(text, synonyms[i][0]) && is_one_of(synonyms[i][1], words))
			return synonyms[i][1];
	suggest_begin(&suggest, text);
	for (; *words; words++)
		suggest_offer(&suggest, *words);
	return suggest.best;
}

int value_parse_word(uint32_t *ret_index, const char *text, const char *const *words,
		     char why[VALUE_WHY_MAX])
{
	static const char *const yes[] = {"yes", "true", "1", NULL};
	static const char *const no[] = {"no", "false", "0", NULL};
	const char *meant = is_one_of(text, yes) ? "on" : is_one_of(text, no) ? "off" : text;
	char list[VALUE_WHY_MAX - 200] = "";
	const char *near;
	size_t used = 0;

	for (uint32_t i = 0; words[i]; i++) {
		if (!strcasecmp(meant, words[i])) {
			*ret_index = i;
			return 0;
		}
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 words[i]);
		assert(used < sizeof(list));
	}
	near = meant_word(text, words);
	return wrong(why, "\"%.80s\" is not one of: %s%s%s%s", text, list,
		     near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

/* One CPU or a range, at *text, which is moved behind it. */
static int take_cpu_range(const char **text, uint64_t *ret_first, uint64_t *ret_last)
{
	int r = take_digits(text, ret_first);

	if (r < 0)
		return r;
	*ret_last = *ret_first;
	if (**text == '-') {
		(*text)++;
		r = take_digits(text, ret_last);
	}
	return r;
}

int value_parse_cpus(uint64_t ret_cpus[VALUE_CPU_WORDS], const char *text, char why[VALUE_WHY_MAX])
{
	uint64_t cpus[VALUE_CPU_WORDS] = {0};
	const char *at = text;

	for (;;) {
		uint64_t first, last;
		int r = take_cpu_range(&at, &first, &last);

		if (r == -EINVAL || (*at && !strchr(", \t", *at)))
			return wrong(why,
				     "\"%.80s\" is not a list of CPUs; write for example 0-3,6",
				     text);
		if (r < 0 || last >= VALUE_CPU_MAX || first >= VALUE_CPU_MAX)
			return wrong(why, "\"%.80s\" names a CPU outside 0..%d", text,
				     VALUE_CPU_MAX - 1);
		if (first > last)
			return wrong(why, "\"%.80s\" has a range that runs backwards", text);
		for (uint64_t cpu = first; cpu <= last; cpu++)
			cpus[cpu / 64] |= UINT64_C(1) << cpu % 64;
		at = skip_blanks(at);
		if (!*at)
			break;
		if (*at == ',')
			at = skip_blanks(at + 1);
	}

	memcpy(ret_cpus, cpus, sizeof(cpus));
	return 0;
}

size_t value_name_span(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
}

const char *value_format_size(uint64_t bytes, char *text, size_t size)
{
	static const char units[] = "\0KMGT";
	unsigned unit = 0;

	while (bytes && bytes % 1024 == 0 && unit + 2 < sizeof(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, size, "%" PRIu64 "%.1s", bytes, unit ? &units[unit] : "");
	return text;
}

const char *value_format_duration(uint64_t units, unsigned unit_us, char *text, size_t size)
{
	static const struct {
		const char *name;
		uint64_t us;
	} names[] = {
		{"d", 86400000000}, {"h", 3600000000}, {"min", 60000000},
		{"s", 1000000},     {"ms", 1000},      {"us", 1},
	};
	uint64_t us = units * unit_us;
	size_t used = 0;

	snprintf(text, size, "0");
	for (size_t i = 0; i < array_size(names) && used < size; i++) {
		if (us < names[i].us)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%" PRIu64 "%s",
					 us / names[i].us, names[i].name);
		us %= names[i].us;
	}
	return text;
}

const char *value_format_rate(const struct value_rate *rate, char *text, size_t size)
{
	char period[VALUE_TEXT_MAX];
	const char *from = period;

	value_format_duration(rate->period_ms, 1000, period, sizeof(period));
	if (period[0] == '1' && !strpbrk(period + 1, "0123456789"))
		from++;
	snprintf(text, size, "%" PRIu32 "/%s", rate->count, from);
	return text;
}

static bool has_cpu(const uint64_t cpus[VALUE_CPU_WORDS], unsigned cpu)
{
	return cpu < VALUE_CPU_MAX && (cpus[cpu / 64] >> cpu % 64 & 1);
}

const char *value_format_cpus(const uint64_t cpus[VALUE_CPU_WORDS], char *text, size_t size)
{
	size_t used = 0;

	*text = 0;
	for (unsigned cpu = 0; cpu < VALUE_CPU_MAX && used < size; cpu++) {
		unsigned last = cpu;

		if (!has_cpu(cpus, cpu))
			continue;
		while (has_cpu(cpus, last + 1))
			last++;
		used += (size_t)snprintf(text + used, size - used, "%s%u", used ? "," : "", cpu);
		if (last > cpu && used < size)
			used += (size_t)snprintf(text + used, size - used, "-%u", last);
		cpu = last;
	}
	return text;
}
