/* Any bytes are a message or none, and what is found in it lies within. */
#include "names/dns.h"

#include <stdlib.h>
#include <string.h>

static void check_names(const struct dns_answer *answer)
{
	for (uint32_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i], *beside = NULL;
		char name[DNS_NAME_MAX];

		assert(answer->ttl_s <= record->ttl_s);
		if (record->type != DNS_SRV)
			continue;
		dns_target(answer, record, name);
		assert(strlen(name) < sizeof(name));
		while (i < 64 && (beside = dns_beside(answer, record, DNS_A, beside)))
			assert(beside->type == DNS_A);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_SRV};

	if (size > DNS_MESSAGE_MAX)
		return 0;
	for (size_t i = 0; i < array_size(types); i++) {
		struct dns_answer answer;

		if (dns_read(&answer, data, size, types[i]) == 0) {
			assert((answer.result == DNS_FOUND) == (answer.count > 0));
			assert(answer.count + answer.beside_count <= DNS_RECORDS_MAX);
			check_names(&answer);
		}
		dns_done(&answer);
	}
	return 0;
}
