/* The part of schema.h that reads and writes fields. */
#include "config/schema.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FEATURE_NAME_MAX 40

static int parse_percent(uint64_t *ret_percent, const char *text, char why[VALUE_WHY_MAX])
{
	char digits[VALUE_TEXT_MAX];
	size_t length = strlen(text);

	snprintf(digits, sizeof(digits), "%s", text);
	if (length && length < sizeof(digits) && digits[length - 1] == '%')
		digits[length - 1] = 0;
	return value_parse_count(ret_percent, digits, why);
}

static int parse_us(uint64_t *ret_us, const char *text, char why[VALUE_WHY_MAX])
{
	return value_parse_duration(ret_us, text, 1, why);
}

static int parse_ms(uint64_t *ret_ms, const char *text, char why[VALUE_WHY_MAX])
{
	return value_parse_duration(ret_ms, text, 1000, why);
}

static int parse_seconds(uint64_t *ret_ms, const char *text, char why[VALUE_WHY_MAX])
{
	int r = value_parse_duration(ret_ms, text, 1000000, why);

	if (r == 0)
		*ret_ms *= 1000; /* cannot overflow: the number was microseconds before */
	return r;
}

/* As `ip rule` writes and reads it. */
static int parse_mark(uint64_t *ret_mark, const char *text, char why[VALUE_WHY_MAX])
{
	size_t digits;
	char *end;

	if (strncasecmp(text, "0x", 2) != 0)
		return value_parse_count(ret_mark, text, why);
	digits = strspn(text + 2, "0123456789abcdefABCDEF");
	*ret_mark = strtoull(text, &end, 16);
	if (digits && digits <= 8 && !*end)
		return 0;
	snprintf(why, VALUE_WHY_MAX, "\"%.80s\" is not a mark; write for example 0x10", text);
	return -EINVAL;
}

static const char *format_mark(uint64_t mark, char *text, size_t size)
{
	snprintf(text, size, "0x%" PRIx64, mark);
	return text;
}

static const char *format_count(uint64_t count, char *text, size_t size)
{
	snprintf(text, size, "%" PRIu64, count);
	return text;
}

static const char *format_percent(uint64_t percent, char *text, size_t size)
{
	snprintf(text, size, "%" PRIu64 "%%", percent);
	return text;
}

static const char *format_us(uint64_t us, char *text, size_t size)
{
	return value_format_duration(us, 1, text, size);
}

static const char *format_ms(uint64_t ms, char *text, size_t size)
{
	return value_format_duration(ms, 1000, text, size);
}

/* The types that are one number, as text and back. */
static const struct {
	int (*parse)(uint64_t *ret_number, const char *text, char why[VALUE_WHY_MAX]);
	const char *(*format)(uint64_t number, char *text, size_t size);
} numbers[SCHEMA_TYPE_COUNT] = {
	[SCHEMA_COUNT] = {value_parse_count, format_count},
	[SCHEMA_PERCENT] = {parse_percent, format_percent},
	[SCHEMA_SIZE] = {value_parse_size, value_format_size},
	[SCHEMA_SIZE64] = {value_parse_size, value_format_size},
	[SCHEMA_US] = {parse_us, format_us},
	[SCHEMA_MS] = {parse_ms, format_ms},
	[SCHEMA_SECONDS] = {parse_seconds, format_ms},
	[SCHEMA_MARK] = {parse_mark, format_mark},
};

static const char *const access_words[] = {[CONFIG_ACCESS_OFF] = "off",
					   [CONFIG_ACCESS_STDERR] = "stderr",
					   [CONFIG_ACCESS_JOURNAL] = "journal",
					   NULL};

const char *schema_range(const struct schema_key *key, char *text, size_t size)
{
	char min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX];

	assert(numbers[key->type].format);
	snprintf(text, size, "%s..%s%s%s%s%s",
		 numbers[key->type].format(key->min, min, sizeof(min)),
		 numbers[key->type].format(key->max, max, sizeof(max)),
		 !key->zero  ? ""
		 : key->most ? ", "
			     : " or ",
		 key->zero ? key->zero : "", key->most ? " or " : "", key->most ? key->most : "");
	return text;
}

/* Whether text is that word for a value or another that means the same. */
static bool is_word(const char *text, const char *word)
{
	static const struct {
		const char *word, *same[5];
	} synonyms[] = {
		{"off", {"never", "infinity", "none", "no", NULL}},
		{"infinity", {"never", NULL}},
		{"none", {"off", "no", NULL}},
	};

	if (word && !strcasecmp(text, word))
		return true;
	for (size_t i = 0; word && i < array_size(synonyms); i++)
		for (size_t j = 0; !strcmp(word, synonyms[i].word) && synonyms[i].same[j]; j++)
			if (!strcasecmp(text, synonyms[i].same[j]))
				return true;
	return false;
}

static bool is_zero(const struct schema_key *key, const char *text)
{
	return is_word(text, key->zero);
}

static int set_number(const struct schema_key *key, void *field, const char *text,
		      char why[VALUE_WHY_MAX])
{
	char range[2 * VALUE_TEXT_MAX + 16];
	uint64_t number = 0;
	size_t used;

	if (is_word(text, key->most)) {
		number = UINT32_MAX;
	} else if (!is_zero(key, text)) {
		int r = numbers[key->type].parse(&number, text, why);
		bool zero = number == 0 && key->zero && !strcmp(key->zero, "off");

		schema_range(key, range, sizeof(range));
		if (r < 0) {
			used = strlen(why);
			snprintf(why + used, VALUE_WHY_MAX - used, " (%s)", range);
			return r;
		}
		if ((number < key->min && !zero) || number > key->max) {
			bool bare = key->type == SCHEMA_MS || key->type == SCHEMA_US ||
				    key->type == SCHEMA_SECONDS;

			bare = bare && text[strspn(text, "0123456789")] == 0;
			snprintf(why, VALUE_WHY_MAX, "\"%.80s\"%s is outside %s", text,
				 bare ? " (a number alone is seconds)" : "", range);
			return -EINVAL;
		}
	}
	if (key->type == SCHEMA_SIZE64)
		*(uint64_t *)field = number;
	else
		*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static int set_rate(const struct schema_key *key, struct value_rate *field, const char *text,
		    char why[VALUE_WHY_MAX])
{
	size_t used;

	if (is_zero(key, text) || !strcmp(text, "0")) {
		*field = (struct value_rate){0};
		return 0;
	}
	if (value_parse_rate(field, text, why) == 0)
		return 0;
	used = strlen(why);
	snprintf(why + used, VALUE_WHY_MAX - used, "%s%s",
		 strstr(why, VALUE_RATE_RANGE) ? " or " : ", or ", key->zero);
	return -EINVAL;
}

static int set_cpus(const struct schema_key *key, uint64_t *field, const char *text,
		    char why[VALUE_WHY_MAX])
{
	if (!is_zero(key, text))
		return value_parse_cpus(field, text, why);
	memset(field, 0, VALUE_CPU_WORDS * sizeof(*field));
	return 0;
}

/*
 * Names separated by blanks or commas; kept with one blank between them, in
 * lower case, and with '-' for '_' as the names of features are spelled.
 */
static int set_names(const struct schema_key *key, char **field, const char *text,
		     char why[VALUE_WHY_MAX])
{
	char *names = calloc(1, strlen(text) + 1);
	size_t used = 0;

	if (!names)
		return -ENOMEM;
	for (const char *at = is_zero(key, text) ? "" : text; *at;) {
		size_t blanks = strspn(at, ", \t"), length;

		at += blanks;
		length = strspn(at,
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
		if (length > FEATURE_NAME_MAX || (at[length] && !strchr(", \t", at[length]))) {
			snprintf(why, VALUE_WHY_MAX,
				 "\"%.40s\" is not the name of a feature; write for example "
				 "recv-bundle "
				 "recv-budget",
				 at);
			free(names);
			return -EINVAL;
		}
		if (used && length)
			names[used++] = ' ';
		for (; length; length--, at++)
			names[used++] = (char)(*at == '_' ? '-' : tolower((unsigned char)*at));
	}
	if (!used) {
		free(names);
		names = NULL;
	}
	free(*field);
	*field = names;
	return 0;
}

static int set_text(char **field, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* Where it has no port, that of name servers. */
static int set_resolver(char **field, const char *text, char why[VALUE_WHY_MAX])
{
	char with_port[ADDRESS_TEXT_MAX], formatted[ADDRESS_TEXT_MAX];
	const char *bracket = strchr(text, ']'), *because;
	bool has_port = strchr(bracket ? bracket : text, ':') != NULL;
	struct address address;

	snprintf(with_port, sizeof(with_port), "%.250s%s", text, has_port ? "" : ":53");
	if (address_parse(&address, with_port, ADDRESS_FOR_CONNECT, &because) < 0) {
		snprintf(why, VALUE_WHY_MAX, "\"%.80s\": %s", text, because);
		return -EINVAL;
	}
	if (address.kind != ADDRESS_INET) {
		snprintf(why, VALUE_WHY_MAX,
			 "\"%.80s\" is not the address of a name server; write for example "
			 "127.0.0.1:8600, or auto for those of /etc/resolv.conf",
			 text);
		return -EINVAL;
	}
	return set_text(field, address_format(&address, formatted, sizeof(formatted)));
}

static int set_interface(char **field, const char *text, char why[VALUE_WHY_MAX])
{
	if (address_is_interface(text))
		return set_text(field, text);
	snprintf(why, VALUE_WHY_MAX,
		 "\"%.40s\" is not the name of an interface, of at most %d bytes; `ip link` shows "
		 "them",
		 text, IF_NAMESIZE - 1);
	return -EINVAL;
}

static bool holds_text(const struct schema_key *key)
{
	return key->type == SCHEMA_TEXT || key->type == SCHEMA_RESOLVER ||
	       key->type == SCHEMA_INTERFACE || key->type == SCHEMA_NAMES;
}

static int set_access(struct config *config, const char *text, char why[VALUE_WHY_MAX])
{
	uint32_t access = CONFIG_ACCESS_FILE;
	char *path = NULL;

	if (*text == '/') {
		path = strdup(text);
		if (!path)
			return -ENOMEM;
	} else if (value_parse_word(&access, text, access_words, why) < 0) {
		snprintf(why, VALUE_WHY_MAX,
			 "\"%.80s\" is not one of: off, stderr, journal, or a path that begins "
			 "with /",
			 text);
		return -EINVAL;
	}
	free(config->access_path);
	config->access_path = path;
	config->access = (enum config_access)access;
	return 0;
}

int schema_set(const struct schema_key *key, void *owner, const char *text, char why[VALUE_WHY_MAX])
{
	void *field = (char *)owner + key->offset;

	if (numbers[key->type].parse)
		return set_number(key, field, text, why);
	if (key->type == SCHEMA_WORD)
		return value_parse_word(field, text, key->words, why);
	if (key->type == SCHEMA_CPUS)
		return set_cpus(key, field, text, why);
	if (key->type == SCHEMA_RATE)
		return set_rate(key, field, text, why);
	if (key->type == SCHEMA_NAMES)
		return set_names(key, field, text, why);
	if (key->type == SCHEMA_RESOLVER && !is_zero(key, text))
		return set_resolver(field, text, why);
	if (key->type == SCHEMA_INTERFACE && !is_zero(key, text))
		return set_interface(field, text, why);
	if (holds_text(key) && strlen(text) > SCHEMA_TEXT_MAX) {
		snprintf(why, VALUE_WHY_MAX, "is %zu bytes long; the most is %d", strlen(text),
			 SCHEMA_TEXT_MAX);
		return -EINVAL;
	}
	if (holds_text(key))
		return set_text(field, is_zero(key, text) ? NULL : text);
	assert(key->type == SCHEMA_ACCESS);
	return set_access(owner, text, why);
}

int schema_copy(const struct schema_key *key, void *owner, const void *other)
{
	void *field = (char *)owner + key->offset;
	const void *from = (const char *)other + key->offset;

	if (holds_text(key))
		return set_text(field, *(char *const *)from);
	if (key->type == SCHEMA_RATE) {
		*(struct value_rate *)field = *(const struct value_rate *)from;
		return 0;
	}
	assert(key->type != SCHEMA_SIZE64 && key->type != SCHEMA_CPUS);
	*(uint32_t *)field = *(const uint32_t *)from;
	return 0;
}

void schema_release(void *owner, enum schema_owner kind)
{
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++)
		if (schema_keys[i].owner == kind && holds_text(&schema_keys[i]))
			(void)set_text((char **)((char *)owner + schema_keys[i].offset), NULL);
}

int schema_set_defaults(void *owner, enum schema_owner kind)
{
	char why[VALUE_WHY_MAX];

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		if (schema_keys[i].owner != kind || !schema_keys[i].initial ||
		    schema_is_list(&schema_keys[i]))
			continue;
		int r = schema_set(&schema_keys[i], owner, schema_keys[i].initial, why);
		if (r < 0)
			return r;
	}
	return 0;
}

const char *schema_format(const struct schema_key *key, const void *owner, char *text, size_t size)
{
	static const uint64_t no_cpus[VALUE_CPU_WORDS];
	const void *field = (const char *)owner + key->offset;
	const struct config *config = owner;

	if (numbers[key->type].format) {
		uint64_t number = key->type == SCHEMA_SIZE64 ? *(const uint64_t *)field
							     : *(const uint32_t *)field;

		if (number == UINT32_MAX && key->most)
			return key->most;
		return number || !key->zero ? numbers[key->type].format(number, text, size)
					    : key->zero;
	}
	if (key->type == SCHEMA_WORD)
		return key->words[*(const uint32_t *)field];
	if (key->type == SCHEMA_CPUS)
		return memcmp(field, no_cpus, sizeof(no_cpus)) != 0
			       ? value_format_cpus(field, text, size)
			       : key->zero;
	if (key->type == SCHEMA_RATE)
		return ((const struct value_rate *)field)->count
			       ? value_format_rate(field, text, size)
			       : key->zero;
	if (holds_text(key))
		return *(char *const *)field ? *(char *const *)field : key->zero;
	assert(key->type == SCHEMA_ACCESS);
	return config->access == CONFIG_ACCESS_FILE ? config->access_path
						    : access_words[config->access];
}
