#include "names/dns.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"

/* Where it is being read. */
struct reading {
	const uint8_t *message, *end, *at;
	bool broken; /* it ended too early; from then on all is 0 */
};

/* A record as it stands there. */
struct row {
	char owner[DNS_NAME_MAX];
	uint16_t owner_at, type, class, size;
	uint32_t ttl_s;
	const uint8_t *data;
};

static const uint8_t *take(struct reading *reading, size_t size)
{
	static const uint8_t nothing[16];
	const uint8_t *at = reading->at;

	assert(size <= sizeof(nothing));
	reading->broken |= (size_t)(reading->end - at) < size;
	if (reading->broken)
		return nothing;
	reading->at += size;
	return at;
}

static uint16_t take_16(struct reading *reading)
{
	const uint8_t *at = take(reading, 2);

	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t take_32(struct reading *reading)
{
	uint32_t high = take_16(reading);

	return high << 16 | take_16(reading);
}

/* The name there: dn_expand(3) follows pointers within the message, and not for ever. */
static uint16_t take_name(struct reading *reading, char name[DNS_NAME_MAX])
{
	uint16_t at = (uint16_t)(reading->at - reading->message);
	int size = reading->broken ? -1
				   : dn_expand(reading->message, reading->end, reading->at, name,
					       DNS_NAME_MAX);

	reading->broken |= size < 0;
	if (reading->broken)
		*name = '\0';
	else
		reading->at += size;
	return at;
}

static void take_row(struct reading *reading, struct row *ret_row)
{
	ret_row->owner_at = take_name(reading, ret_row->owner);
	ret_row->type = take_16(reading);
	ret_row->class = take_16(reading);
	ret_row->ttl_s = take_32(reading);
	ret_row->size = take_16(reading);
	ret_row->data = reading->at;
	reading->broken |= reading->end - reading->at < ret_row->size;
	if (!reading->broken)
		reading->at += ret_row->size;
	if (ret_row->ttl_s > INT32_MAX)
		ret_row->ttl_s = 0; /* RFC 2181 */
}

/* Names differ in case and are the same. */
static uint32_t hash_name(const char *name)
{
	uint32_t hash = HASH_BEGIN;

	for (; *name; name++) {
		uint8_t folded = (uint8_t)*name;

		if (folded >= 'A' && folded <= 'Z')
			folded |= 0x20;
		hash = hash_bytes(hash, &folded, 1);
	}
	return hash;
}

static bool is_same_name(const struct dns_answer *answer, uint16_t one_at, uint16_t other_at)
{
	const uint8_t *end = answer->message + answer->size;
	char one[DNS_NAME_MAX], other[DNS_NAME_MAX];

	return dn_expand(answer->message, end, answer->message + one_at, one, sizeof(one)) >= 0 &&
	       dn_expand(answer->message, end, answer->message + other_at, other, sizeof(other)) >=
		       0 &&
	       !strcasecmp(one, other);
}

/* ---- Records --------------------------------------------------------------------------------- */

/* The data of a row, which must be all there is in it. */
static struct reading read_data(const struct reading *reading, const struct row *row)
{
	return (struct reading){reading->message, row->data + row->size, row->data, false};
}

static bool read_address(const struct row *row, struct dns_record *record)
{
	size_t size = row->type == DNS_A ? 4 : 16;

	if (row->size != size)
		return false;
	memcpy(record->ip, row->data, size);
	return true;
}

static void note_target(struct reading *data, struct dns_record *record)
{
	char target[DNS_NAME_MAX];

	record->target_at = take_name(data, target);
	record->target = hash_name(target);
}

/* Whether the data of a row of a type we know is right. */
static bool read_record(const struct reading *reading, const struct row *row,
			struct dns_record *ret_record)
{
	struct reading data = read_data(reading, row);

	*ret_record = (struct dns_record){
		.type = (enum dns_type)row->type,
		.ttl_s = row->ttl_s,
		.owner_at = row->owner_at,
		.owner = hash_name(row->owner),
	};
	if (row->type == DNS_A || row->type == DNS_AAAA)
		return read_address(row, ret_record);
	if (row->type == DNS_SRV) {
		ret_record->priority = take_16(&data);
		ret_record->weight = take_16(&data);
		ret_record->port = take_16(&data);
	}
	note_target(&data, ret_record);
	return !data.broken && data.at == data.end;
}

/* The records of a section that are of those types; true: it is right as far as it goes. */
static bool read_section(struct reading *reading, unsigned count, const enum dns_type types[3],
			 struct dns_record *records, uint32_t *ret_count)
{
	*ret_count = 0;
	for (unsigned i = 0; i < count && !reading->broken; i++) {
		struct row row;

		take_row(reading, &row);
		if (reading->broken || row.class != ns_c_in)
			continue;
		if (row.type != types[0] && row.type != types[1] && row.type != types[2])
			continue;
		if (!read_record(reading, &row, &records[*ret_count]))
			return false;
		++*ret_count;
	}
	return !reading->broken;
}

/* ---- How long nothing may be believed -------------------------------------------------------- */

/* RFC 2308: by the zone's record, its own time to live or its last number, the lesser. */
static uint32_t negative_ttl(const struct reading *reading, const struct row *row)
{
	struct reading data = read_data(reading, row);
	char name[DNS_NAME_MAX];
	uint32_t minimum;

	take_name(&data, name);
	take_name(&data, name);
	take(&data, 16);
	minimum = take_32(&data);
	return data.broken ? 0 : minimum < row->ttl_s ? minimum : row->ttl_s;
}

/* What the authority section says of nothing; true: it refers to others. */
static bool read_authority(struct reading *reading, unsigned count, uint32_t *ret_ttl_s)
{
	bool refers = false, has_zone = false;

	*ret_ttl_s = 0;
	for (unsigned i = 0; i < count && !reading->broken; i++) {
		struct row row;

		take_row(reading, &row);
		if (reading->broken || row.class != ns_c_in)
			continue;
		refers |= row.type == DNS_NS;
		if (row.type == DNS_SOA && !has_zone)
			*ret_ttl_s = negative_ttl(reading, &row);
		has_zone |= row.type == DNS_SOA;
	}
	return refers && !has_zone;
}

/* ---- The chain ------------------------------------------------------------------------------- */

static const struct dns_record *find_alias(const struct dns_answer *answer, uint32_t owner,
					   uint16_t owner_at)
{
	for (uint32_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (record->type == DNS_CNAME && record->owner == owner &&
		    is_same_name(answer, record->owner_at, owner_at))
			return record;
	}
	return NULL;
}

static void lower(uint32_t *ttl_s, uint32_t by_s)
{
	if (by_s < *ttl_s)
		*ttl_s = by_s;
}

/* Keep the records of that type that the name has. */
static void keep(struct dns_answer *answer, enum dns_type type, uint32_t owner, uint16_t owner_at)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (record->type != type || record->owner != owner ||
		    !is_same_name(answer, record->owner_at, owner_at))
			continue;
		lower(&answer->ttl_s, record->ttl_s);
		answer->records[kept++] = *record;
	}
	answer->count = kept;
}

/* From the name that was asked for to the one that has records. */
static void follow(struct dns_answer *answer, enum dns_type type, uint32_t owner, uint16_t owner_at)
{
	const struct dns_record *alias;
	unsigned aliases = 0;

	answer->ttl_s = UINT32_MAX;
	while ((alias = find_alias(answer, owner, owner_at))) {
		if (++aliases > DNS_ALIASES_MAX) {
			answer->result = DNS_CIRCLE;
			answer->count = 0;
			return;
		}
		lower(&answer->ttl_s, alias->ttl_s);
		owner = alias->target;
		owner_at = alias->target_at;
	}
	keep(answer, type, owner, owner_at);
	answer->result = answer->count ? DNS_FOUND : DNS_NO_DATA;
}

/* ---- The message ----------------------------------------------------------------------------- */

struct header {
	unsigned flags, questions, answers, authorities, besides;
};

static struct header take_header(struct reading *reading)
{
	struct header header;

	take(reading, 2);
	header.flags = take_16(reading);
	header.questions = take_16(reading);
	header.answers = take_16(reading);
	header.authorities = take_16(reading);
	header.besides = take_16(reading);
	return header;
}

static enum dns_result judge(const struct reading *reading, const struct header *header,
			     unsigned asked)
{
	unsigned rcode = header->flags & 0xf;

	if (reading->broken || !(header->flags & 0x8000) || header->questions != 1 || !asked)
		return DNS_BROKEN;
	if (rcode != ns_r_noerror && rcode != ns_r_nxdomain)
		return DNS_FAILED;
	if (header->flags & 0x0200)
		return DNS_CUT;
	if (header->answers + header->authorities + header->besides > DNS_RECORDS_MAX)
		return DNS_TOO_MANY;
	return DNS_FOUND;
}

/* What comes besides is wanted for services only, and if it is wrong, it is asked for. */
static void read_besides(struct dns_answer *answer, struct reading *reading, unsigned count)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_A};

	if (!read_section(reading, count, types, answer->besides, &answer->beside_count))
		answer->beside_count = 0;
}

/* Behind the question. */
static void read_answer(struct dns_answer *answer, struct reading *reading,
			const struct header *header, const struct dns_record *question)
{
	const enum dns_type types[] = {question->type, DNS_CNAME, question->type};
	uint32_t negative_s;
	bool refers;

	if (!read_section(reading, header->answers, types, answer->records, &answer->count)) {
		answer->result = DNS_BROKEN;
		answer->count = 0;
		return;
	}
	follow(answer, question->type, question->owner, question->owner_at);
	refers = read_authority(reading, header->authorities, &negative_s);
	if (answer->result == DNS_CIRCLE)
		return;
	if (answer->rcode == ns_r_nxdomain)
		answer->result = DNS_NO_NAME;
	else if (answer->result == DNS_NO_DATA && refers)
		answer->result = DNS_REFERRED;
	if (answer->result == DNS_FOUND) {
		read_besides(answer, reading, header->besides);
		return;
	}
	answer->count = 0;
	lower(&answer->ttl_s, negative_s);
}

int dns_read(struct dns_answer *ret_answer, const uint8_t *message, size_t size, enum dns_type type)
{
	struct reading reading = {message, message + size, message, false};
	struct dns_record question = {.type = type};
	struct header header = take_header(&reading);
	char name[DNS_NAME_MAX];
	bool asked;

	assert(size <= DNS_MESSAGE_MAX);
	question.owner_at = take_name(&reading, name);
	question.owner = hash_name(name);
	asked = take_16(&reading) == (uint16_t)type;
	asked &= take_16(&reading) == ns_c_in;
	*ret_answer = (struct dns_answer){
		.message = message,
		.size = size,
		.rcode = header.flags & 0xf,
		.result = judge(&reading, &header, asked),
	};
	if (ret_answer->result != DNS_FOUND)
		return 0;
	ret_answer->records = calloc(header.answers + 1, sizeof(*ret_answer->records));
	ret_answer->besides = calloc(header.besides + 1, sizeof(*ret_answer->besides));
	if (!ret_answer->records || !ret_answer->besides)
		return -ENOMEM;
	read_answer(ret_answer, &reading, &header, &question);
	return 0;
}

void dns_done(struct dns_answer *answer)
{
	free(answer->records);
	free(answer->besides);
	*answer = (struct dns_answer){0};
}

/* ---- For services ---------------------------------------------------------------------------- */

void dns_target(const struct dns_answer *answer, const struct dns_record *record,
		char ret_name[DNS_NAME_MAX])
{
	/* It was expanded once already. */
	if (dn_expand(answer->message, answer->message + answer->size,
		      answer->message + record->target_at, ret_name, DNS_NAME_MAX) < 0)
		*ret_name = '\0';
}

const struct dns_record *dns_beside(const struct dns_answer *answer,
				    const struct dns_record *record, enum dns_type type,
				    const struct dns_record *behind)
{
	const struct dns_record *end = answer->besides + answer->beside_count;

	for (behind = behind ? behind + 1 : answer->besides; behind < end; behind++)
		if (behind->type == type && behind->owner == record->target &&
		    is_same_name(answer, behind->owner_at, record->target_at))
			return behind;
	return NULL;
}

const char *dns_rcode_name(unsigned rcode)
{
	static const char *const names[] = {
		[ns_r_noerror] = "NOERROR",   [ns_r_formerr] = "FORMERR",
		[ns_r_servfail] = "SERVFAIL", [ns_r_nxdomain] = "NXDOMAIN",
		[ns_r_notimpl] = "NOTIMP",    [ns_r_refused] = "REFUSED",
		[ns_r_notauth] = "NOTAUTH",
	};

	return rcode < array_size(names) && names[rcode] ? names[rcode] : "an unknown error";
}
