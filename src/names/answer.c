#include "names/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROWS_BY 16

const char *name_status_word(enum name_status status)
{
	static const char *const words[] = {"found",  "no_data", "no_name",
					    "denied", "failed",  "silent"};

	static_assert(array_size(words) == NAME_STATUS_COUNT, "every status has a word");
	return words[status];
}

void name_answer_done(struct name_answer *answer)
{
	name_set_done(&answer->set);
}

void name_set_done(struct name_set *set)
{
	free(set->records);
	*set = (struct name_set){0};
}

int name_set_add(struct name_set *set, const struct name_record *record)
{
	if (set->count == NAMES_FOUND_MAX)
		return -E2BIG;
	if (set->count % GROWS_BY == 0) {
		struct name_record *records =
			realloc(set->records, (set->count + GROWS_BY) * sizeof(*records));

		if (!records)
			return -ENOMEM;
		set->records = records;
	}
	set->records[set->count++] = *record;
	return 0;
}

int name_set_copy(struct name_set *ret_set, const struct name_set *set)
{
	struct name_set copy = {0};

	for (uint32_t i = 0; i < set->count; i++)
		if (name_set_add(&copy, &set->records[i]) < 0) {
			name_set_done(&copy);
			return -ENOMEM;
		}
	*ret_set = copy;
	return 0;
}

/* ---- Order ----------------------------------------------------------------------------------- */

int name_record_compare(const struct name_record *a, const struct name_record *b)
{
	int order = (int)a->is_v6 - (int)b->is_v6;

	if (order == 0)
		order = memcmp(a->ip, b->ip, sizeof(a->ip));
	if (order == 0)
		order = (a->scope > b->scope) - (a->scope < b->scope);
	return order ? order : (int)a->port - (int)b->port;
}

static int compare(const void *a, const void *b)
{
	const struct name_record *one = a, *other = b;
	int order = name_record_compare(one, other);

	return order ? order : (int)one->priority - (int)other->priority;
}

bool name_set_sort(struct name_set *set)
{
	uint32_t kept = 0;

	if (set->count)
		qsort(set->records, set->count, sizeof(*set->records), compare);
	for (uint32_t i = 0; i < set->count; i++)
		if (kept == 0 || name_record_compare(&set->records[kept - 1], &set->records[i]))
			set->records[kept++] = set->records[i];
	set->count = kept < NAMES_RECORDS_MAX ? kept : NAMES_RECORDS_MAX;
	return kept > NAMES_RECORDS_MAX;
}

/* ---- Weights --------------------------------------------------------------------------------- */

/* What the weights of a priority have in common. */
struct scale {
	uint32_t highest, divisor; /* by which all that are not 0 can be divided */
	bool has_zero;
};

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static struct scale scale_of(const struct name_set *set, uint16_t priority)
{
	struct scale scale = {0};

	for (uint32_t i = 0; i < set->count; i++) {
		const struct name_record *record = &set->records[i];

		if (record->priority != priority)
			continue;
		if (record->weight > scale.highest)
			scale.highest = record->weight;
		scale.divisor = common_divisor(scale.divisor, record->weight);
		scale.has_zero |= record->weight == 0;
	}
	return scale;
}

static uint16_t weigh(const struct scale *scale, uint16_t weight)
{
	uint32_t scaled;

	if (scale->highest == 0)
		return 1;
	/* The smallest numbers that are in the same ratio; beside one that is 0 they are large. */
	if (!scale->has_zero && scale->highest / scale->divisor <= NAMES_WEIGHT_MAX)
		return (uint16_t)(weight / scale->divisor);
	scaled = (weight * NAMES_WEIGHT_MAX + scale->highest / 2) / scale->highest;
	return scaled ? (uint16_t)scaled : 1;
}

static int by_priority(const void *a, const void *b)
{
	return (int)((const struct name_record *)a)->priority -
	       (int)((const struct name_record *)b)->priority;
}

void name_set_weigh(struct name_set *set)
{
	if (set->count)
		qsort(set->records, set->count, sizeof(*set->records), by_priority);
	for (uint32_t i = 0; i < set->count;) {
		uint16_t priority = set->records[i].priority;
		struct scale scale = scale_of(set, priority);

		for (; i < set->count && set->records[i].priority == priority; i++)
			set->records[i].weight = weigh(&scale, set->records[i].weight);
	}
}

/* ---- Families -------------------------------------------------------------------------------- */

static unsigned family_of(const struct name_record *record)
{
	return record->is_v6 ? NAME_HAS_V6 : NAME_HAS_V4;
}

int name_set_keep(struct name_set *set, const struct name_set *before, unsigned kept)
{
	uint32_t count = set->count;
	int r = 0;

	for (uint32_t i = 0; i < before->count && r == 0; i++) {
		const struct name_record *record = &before->records[i];
		bool is_there = false;

		if (!(family_of(record) & kept))
			continue;
		for (uint32_t j = 0; j < count && !is_there; j++)
			is_there = name_record_compare(&set->records[j], record) == 0;
		if (!is_there)
			r = name_set_add(set, record);
	}
	(void)name_set_sort(set);
	return r == -E2BIG ? 0 : r;
}

/* ---- What is another ------------------------------------------------------------------------- */

static bool is_changed(const struct name_record *before, const struct name_record *after)
{
	return !before || !after || before->priority != after->priority ||
	       before->weight != after->weight;
}

uint32_t name_set_compare(const struct name_set *before, const struct name_set *after,
			  name_differs *differs, void *owner)
{
	uint32_t i = 0, j = 0, count = 0;

	while (i < before->count || j < after->count) {
		const struct name_record *old = i < before->count ? &before->records[i] : NULL;
		const struct name_record *new = j < after->count ? &after->records[j] : NULL;
		int order = !old ? 1 : !new ? -1 : name_record_compare(old, new);

		old = order <= 0 ? old : NULL;
		new = order >= 0 ? new : NULL;
		i += old != NULL;
		j += new != NULL;
		if (!is_changed(old, new))
			continue;
		count++;
		if (differs)
			differs(owner, old, new);
	}
	return count;
}

void name_record_address(const struct name_record *record, struct address *ret_address)
{
	*ret_address = (struct address){.kind = ADDRESS_INET, .port = record->port};
	if (record->is_v6) {
		ret_address->length = sizeof(ret_address->u.in6);
		ret_address->u.in6.sin6_family = AF_INET6;
		ret_address->u.in6.sin6_port = htons(record->port);
		ret_address->u.in6.sin6_scope_id = record->scope;
		memcpy(&ret_address->u.in6.sin6_addr, record->ip, 16);
	} else {
		ret_address->length = sizeof(ret_address->u.in);
		ret_address->u.in.sin_family = AF_INET;
		ret_address->u.in.sin_port = htons(record->port);
		memcpy(&ret_address->u.in.sin_addr, record->ip, 4);
	}
}
