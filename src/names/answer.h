/*
 * What became of a look-up, and sets of servers that names stand for.
 *
 * A set is in the order of its addresses, and none is in it twice, so that daemons that are told
 * the same, in whatever order, have the same, and what is another than before is found by
 * walking along both.
 */
#ifndef NAMES_ANSWER_H
#define NAMES_ANSWER_H

#include "base/address.h"

#define NAMES_RECORDS_MAX 1024 /* of a set in order: the first of them */
#define NAMES_FOUND_MAX   4096 /* of one that is being gathered */
#define NAMES_WEIGHT_MAX  256
#define NAMES_ERROR_MAX   300
#define NAMES_ASKED_MAX   160

enum name_family { NAME_AUTO, NAME_V4, NAME_V6, NAME_V4_FIRST, NAME_V6_FIRST };
enum { NAME_HAS_V4 = 1, NAME_HAS_V6 = 2, NAME_HAS_BOTH = 3 };

enum name_status {
	NAME_FOUND,
	NAME_NO_DATA, /* it exists, and leads nowhere */
	NAME_NO_NAME, /* it does not exist */
	NAME_DENIED,  /* its owner says that the service is decidedly not to be had */
	NAME_FAILED,  /* who was asked could not say */
	NAME_SILENT,  /* nobody answered */
	NAME_STATUS_COUNT,
};

/* An address where there is a server. */
struct name_record {
	uint8_t ip[16]; /* IPv4: the first four */
	uint32_t scope; /* of a link-local address; 0: none */
	bool is_v6;
	uint16_t port;
	uint16_t priority; /* the lower is used before the higher */
	uint16_t weight;   /* 1..NAMES_WEIGHT_MAX */
	uint32_t ttl_s;
};

struct name_set {
	struct name_record *records;
	uint32_t count;
};

#define NAME_NO_TTL UINT32_MAX

struct name_answer {
	enum name_status status;
	unsigned unknown; /* FOUND: families of which nobody could say whether there are any */
	struct name_set set;
	bool cut;       /* there were more than NAMES_RECORDS_MAX */
	uint32_t ttl_s; /* for how long it may be believed, nothing too; NAME_NO_TTL: not said */
	bool by_system; /* it was not in the DNS, and the system's resolver knew it by other means
			 */
	char error[NAMES_ERROR_MAX]; /* why there is none, or not all; "" */
	char asked[NAMES_ASKED_MAX]; /* who was asked */
};

void name_answer_done(struct name_answer *answer);

/* One word for each, as metrics and logs have them. */
const char *name_status_word(enum name_status status);

/* ---- Sets ------------------------------------------------------------------------------------ */

/* -ENOMEM, -E2BIG: it has NAMES_FOUND_MAX. */
int name_set_add(struct name_set *set, const struct name_record *record) must_check;
/* *ret_set is another one.  -ENOMEM. */
int name_set_copy(struct name_set *ret_set, const struct name_set *set) must_check;
void name_set_done(struct name_set *set);

/*
 * Into order; of an address that is there twice, the one with the lower priority stays.  true:
 * it was cut, to NAMES_RECORDS_MAX.
 */
bool name_set_sort(struct name_set *set);

/*
 * The weights of SRV records, 0..65535, as ours: in the same ratio to each other within a
 * priority as far as 1..256 has room, and 0, which is "seldom" and not "never", as the least.
 */
void name_set_weigh(struct name_set *set);

/* Those of the families of `kept` that were in the set before, beside those that are new. */
int name_set_keep(struct name_set *set, const struct name_set *before, unsigned kept) must_check;

/* The same place, wherever it stands otherwise: <0, 0, >0. */
int name_record_compare(const struct name_record *a, const struct name_record *b);

/* Told of each difference: no `before` is new, no `after` is gone. */
typedef void name_differs(void *owner, const struct name_record *before,
			  const struct name_record *after);
/* How many there are; differs may be NULL.  What may be believed for how long is none. */
uint32_t name_set_compare(const struct name_set *before, const struct name_set *after,
			  name_differs *differs, void *owner);

/* As an address of kind INET. */
void name_record_address(const struct name_record *record, struct address *ret_address);

#endif
