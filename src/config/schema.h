/*
 * Every key there is, in one table: what it is called, where it may stand, what
 * it may hold, its default and a line of help.  The parser, the defaults, the
 * printed configuration and the tests of the manual and of the sample file all
 * read it, so a new key is a field in config.h and a row in schema.c.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config/config.h"
#include "config/value.h"

/* Where a key may stand, a set of these; of a section, IN_PROXY << its kind. */
enum {
	IN_GLOBAL = 1,
	IN_LOG = 2,
	IN_DEFAULTS = 4,
	IN_PROXY = 8,
#define X(NAME, name) IN_##NAME = IN_PROXY << CONFIG_##NAME,
	CONFIG_SERVICES(X)
#undef X
		IN_EVERY_SERVICE = (IN_PROXY << CONFIG_KIND_COUNT) - IN_PROXY,
	IN_CONTROL = IN_PROXY << CONFIG_CONTROL,
	IN_METRICS = IN_PROXY << CONFIG_METRICS,
	IN_POOL = IN_PROXY << CONFIG_POOL,
};

/* What may stand in brackets, a row each. */
struct schema_section {
	const char *word, *title; /* "global", "[global]" */
	unsigned where;
	bool named;    /* several, [WORD NAME]; else one, without a name */
	size_t member; /* where struct config has it; 0: nowhere, its keys are fields there */
};

#define SCHEMA_SECTION_COUNT 11
extern const struct schema_section schema_sections[];

enum schema_type {
	SCHEMA_COUNT, /* uint32_t */
	SCHEMA_PERCENT,
	SCHEMA_SIZE,
	SCHEMA_SIZE64, /* uint64_t */
	SCHEMA_US,     /* uint32_t */
	SCHEMA_MS,
	SCHEMA_SECONDS,   /* milliseconds too, but a multiple of 1000 */
	SCHEMA_RATE,      /* struct value_rate; a count of 0 for the word of 0 */
	SCHEMA_WORD,      /* an enum, indexing words */
	SCHEMA_CPUS,      /* uint64_t [VALUE_CPU_WORDS] */
	SCHEMA_NAMES,     /* char *, names separated by one blank; NULL for none */
	SCHEMA_TEXT,      /* char *, as written; NULL for the word of 0 */
	SCHEMA_RESOLVER,  /* char *, "ADDRESS:PORT" of a name server; NULL likewise */
	SCHEMA_INTERFACE, /* char *, the name of an interface; NULL likewise */
	SCHEMA_MARK,      /* uint32_t, 0x10 too */
	SCHEMA_ACCESS,    /* enum config_access, and the path beside it */
	SCHEMA_LISTEN,    /* a list of addresses, one to a line */
	SCHEMA_SERVER,
	SCHEMA_LINE, /* lines whose order counts: config/repeated.h */
	SCHEMA_TYPE_COUNT,
};

#define SCHEMA_TEXT_MAX 1000

/* The structure that a field is in. */
enum schema_owner { OWNER_CONFIG, OWNER_SETTINGS, OWNER_SECTION };

/* 0; -EINVAL with one sentence in why; or -ENOMEM. */
typedef int schema_line_check(const char *text, char why[VALUE_WHY_MAX]);

enum schema_group {
	GROUP_NONE,
	GROUP_SOURCE,  /* where connections to servers come from */
	GROUP_CLIENTS, /* allow and deny */
	GROUP_ROUTES,  /* route_sni and route_alpn */
	GROUP_PROXIES, /* accept_proxy_from */
};

struct schema_key {
	const char *name;
	unsigned where;
	enum schema_type type;
	enum schema_owner owner;
	size_t offset;
	uint64_t min, max;        /* of numbers, sizes and times, in the unit of the field */
	const char *zero;         /* the word for 0: "auto", "infinity", or "off", which 0 is too */
	const char *const *words; /* of SCHEMA_WORD, ends with NULL */
	const char *initial;      /* the default; NULL for lists */
	const char *help;
	bool restart;     /* a reload leaves it as it is: config/change.h */
	const char *most; /* the word for UINT32_MAX, which is beyond max; NULL: none */

	/* Of SCHEMA_LINE: what it is about, with others, and whether a line is right. */
	unsigned group; /* enum schema_group */
	schema_line_check *check;
};

#define SCHEMA_KEY_COUNT 90
extern const struct schema_key schema_keys[];

/* The section that the word begins, or NULL. */
const struct schema_section *schema_section(const char *word);
/* The first of these places. */
const struct schema_section *schema_section_of(unsigned where);

/* The key of that name, written in any case and with any '-' and '_', in one of the places. */
const struct schema_key *schema_find(const char *name, unsigned where);
/* All places where a key of that name may stand. */
unsigned schema_places(const char *name);
/* What may have been meant by a name that is no key in that place, or NULL. */
const char *schema_suggest(const char *name, unsigned where);
/* The same for the first word of a section. */
const struct schema_section *schema_suggest_section(const char *word);

/* Whether the key governs anything there; those about servers do not where a pool is named. */
bool schema_applies(const struct schema_key *key, const struct config_section *section);
bool schema_is_list(const struct schema_key *key);
/* The range of a number in words: "1ms..10min or off". */
const char *schema_range(const struct schema_key *key, char *text, size_t size);

/*
 * Store what text says in the key's field of owner.  0; -EINVAL with one
 * sentence in why, the field unchanged; or -ENOMEM.  Not for lists.
 */
int schema_set(const struct schema_key *key, void *owner, const char *text,
	       char why[VALUE_WHY_MAX]) must_check;
/* The same as in another owner of its kind.  0 or -ENOMEM. */
int schema_copy(const struct schema_key *key, void *owner, const void *other) must_check;
/* What the fields of owner hold besides themselves. */
void schema_release(void *owner, enum schema_owner kind);
/* Every key of owner to its default. */
int schema_set_defaults(void *owner, enum schema_owner kind) must_check;
/* The field as text that schema_set() reads as the same value; returns text. */
const char *schema_format(const struct schema_key *key, const void *owner, char *text, size_t size);

#endif
