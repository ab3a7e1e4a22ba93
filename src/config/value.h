/*
 * One value of the configuration: its text to a number and back.
 *
 *   count      128                        plain decimal
 *   duration   500us 30s 5min 1h30min     units as in systemd.time(7), bare number: seconds
 *   size       512 16K 1M 2G              powers of 1024
 *   rate       500/s 100/10s              a count, and the duration in which
 *   word       auto on off                one of a list
 *   CPUs       0-3,6                      as taskset(1) and cpuset(7) write it
 *
 * What value_format_...() writes, value_parse_...() reads as the same value.
 * A parser returns 0, or -EINVAL with one sentence without full stop in why.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/compiler.h"

#define VALUE_WHY_MAX   500
#define VALUE_TEXT_MAX  128
#define VALUE_CPU_MAX   1024 /* CPUs that a set holds */
#define VALUE_CPU_WORDS (VALUE_CPU_MAX / 64)
/* Room for any set of CPUs: at worst every other one. */
#define VALUE_CPUS_TEXT_MAX (VALUE_CPU_MAX * 4)

int value_parse_count(uint64_t *ret_count, const char *text, char why[VALUE_WHY_MAX]) must_check;
int value_parse_size(uint64_t *ret_bytes, const char *text, char why[VALUE_WHY_MAX]) must_check;
/* In units of unit_us microseconds; a remainder is refused, never rounded away. */
int value_parse_duration(uint64_t *ret_units, const char *text, unsigned unit_us,
			 char why[VALUE_WHY_MAX]) must_check;
/* So many in that time; the unit alone is one of it.  Both are in range, and neither is 0. */
struct value_rate {
	uint32_t count, period_ms;
};
int value_parse_rate(struct value_rate *ret_rate, const char *text,
		     char why[VALUE_WHY_MAX]) must_check;
#define VALUE_RATE_RANGE "1/day..1000000/s"
/* The index in words, which ends with NULL.  Where "on" and "off" are words, so are yes, no, 1...
 */
int value_parse_word(uint32_t *ret_index, const char *text, const char *const *words,
		     char why[VALUE_WHY_MAX]) must_check;
int value_parse_cpus(uint64_t ret_cpus[VALUE_CPU_WORDS], const char *text,
		     char why[VALUE_WHY_MAX]) must_check;

/* How many bytes text begins with that names of sections and servers are made of. */
size_t value_name_span(const char *text);
#define VALUE_NAME_MAX 40

/* All return text. */
const char *value_format_size(uint64_t bytes, char *text, size_t size);
const char *value_format_duration(uint64_t units, unsigned unit_us, char *text, size_t size);
const char *value_format_rate(const struct value_rate *rate, char *text, size_t size);
const char *value_format_cpus(const uint64_t cpus[VALUE_CPU_WORDS], char *text, size_t size);

#endif
