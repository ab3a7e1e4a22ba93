#include "names/look_up.h"

#include "names/dns.h"
#include "names/families.h"
#include "names/hosts.h"
#include "names/query.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that one look-up has. */
struct look_up {
	const struct name_question *question;
	struct name_answer *answer;
	struct query query;
	char *hosts;     /* NULL: not to be looked at */
	bool is_written; /* it is in there */
	unsigned families;
	uint8_t *service, *message; /* DNS_MESSAGE_MAX each, zeroed */
};

static void complain(struct look_up *one, const char *text)
{
	snprintf(one->query.error, NAMES_ERROR_MAX, "%s", text);
}

/* ---- Families -------------------------------------------------------------------------------- */

/* What is wanted, `anywhere` or where it can be of use. */
static unsigned families_of(enum name_family family, bool anywhere)
{
	if (family == NAME_V4 || family == NAME_V6)
		return family == NAME_V4 ? NAME_HAS_V4 : NAME_HAS_V6;
	return anywhere ? NAME_HAS_BOTH : families_here();
}

/* ---- Records --------------------------------------------------------------------------------- */

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* true: it is kept, or there were enough before. */
static bool add(struct look_up *one, const struct name_record *record)
{
	int r = name_set_add(&one->answer->set, record);

	one->answer->cut |= r == -E2BIG;
	if (r == -ENOMEM)
		complain(one, "out of memory");
	return r != -ENOMEM;
}

/* An address of the DNS as a record like the pattern. */
static bool add_address(struct look_up *one, const struct dns_record *found,
			const struct name_record *pattern)
{
	struct name_record record = *pattern;

	record.is_v6 = found->type == DNS_AAAA;
	record.ttl_s = lesser(record.ttl_s, found->ttl_s);
	memcpy(record.ip, found->ip, sizeof(record.ip));
	return add(one, &record);
}

static struct query_result ask_family(struct look_up *one, const char *host, enum dns_type type,
				      const struct name_record *pattern)
{
	struct dns_answer answer;
	struct query_result part = query_ask(&one->query, host, type, one->message, &answer);

	for (uint32_t i = 0; part.status == NAME_FOUND && i < answer.count; i++)
		if (!add_address(one, &answer.records[i], pattern))
			part.status = NAME_FAILED;
	dns_done(&answer);
	return part;
}

/* Of both families: what is found counts, then what is not known, then that there is nothing. */
static struct query_result both(struct query_result v4, struct query_result v6)
{
	bool found = v4.status == NAME_FOUND;

	if (found && v6.status == NAME_FOUND)
		return (struct query_result){NAME_FOUND, lesser(v4.ttl_s, v6.ttl_s)};
	if (found || v6.status == NAME_FOUND)
		return found ? v4 : v6;
	if (query_is_open_question(v4) || query_is_open_question(v6))
		return query_is_open_question(v4) ? v4 : v6;
	return (struct query_result){v4.status == v6.status ? v4.status : NAME_NO_DATA,
				     lesser(v4.ttl_s, v6.ttl_s)};
}

/* ---- A host ---------------------------------------------------------------------------------- */

static void find_in_hosts(struct look_up *one, const char *host, unsigned families,
			  const struct name_record *pattern)
{
	int r = hosts_find(one->hosts, host, families, pattern, &one->answer->set);

	one->answer->cut |= r == -E2BIG;
}

/* Whether it is known without asking.  ::1 is of use where there is no other of its family. */
static bool is_written_down(struct look_up *one, const char *host,
			    const struct name_record *pattern)
{
	const struct name_set *set = &one->answer->set;
	struct name_record record = *pattern;
	uint32_t before = set->count;

	if (hosts_number(host, &record))
		return add(one, &record);
	if (one->hosts)
		find_in_hosts(one, host, one->families, pattern);
	if (one->hosts && set->count == before &&
	    families_of(one->question->family, true) != one->families)
		find_in_hosts(one, host, NAME_HAS_BOTH, pattern);
	one->is_written = !one->question->is_service && set->count > before;
	return set->count > before;
}

/* The addresses of a host, of the families named, as records like the pattern. */
static struct query_result find_host(struct look_up *one, const char *host, unsigned families,
				     const struct name_record *pattern)
{
	struct query_result v4, v6;

	if (is_written_down(one, host, pattern))
		return (struct query_result){NAME_FOUND, NAME_NO_TTL};
	if (!one->query.is_open) {
		complain(one, "the resolver cannot be used: is /etc/resolv.conf right?");
		return (struct query_result){NAME_FAILED, NAME_NO_TTL};
	}
	if (families == NAME_HAS_V4)
		return ask_family(one, host, DNS_A, pattern);
	if (families == NAME_HAS_V6)
		return ask_family(one, host, DNS_AAAA, pattern);
	v4 = ask_family(one, host, DNS_A, pattern);
	v6 = ask_family(one, host, DNS_AAAA, pattern);
	one->answer->unknown |= (query_is_open_question(v4) ? NAME_HAS_V4 : 0) |
				(query_is_open_question(v6) ? NAME_HAS_V6 : 0);
	return both(v4, v6);
}

/* ---- What only the system knows -------------------------------------------------------------- */

static void take_found(struct look_up *one, const struct addrinfo *list,
		       const struct name_record *pattern)
{
	for (; list; list = list->ai_next) {
		struct name_record record = *pattern;

		if (list->ai_family == AF_INET) {
			memcpy(record.ip, &((const struct sockaddr_in *)list->ai_addr)->sin_addr,
			       4);
		} else if (list->ai_family == AF_INET6) {
			const struct sockaddr_in6 *in6 = (const void *)list->ai_addr;

			record.is_v6 = true;
			record.scope = in6->sin6_scope_id;
			memcpy(record.ip, &in6->sin6_addr, 16);
		} else {
			continue;
		}
		(void)add(one, &record);
	}
}

/* Modules of nsswitch.conf besides files and dns, and search domains. */
static bool find_by_system(struct look_up *one, const struct name_record *pattern)
{
	const struct addrinfo hints = {
		.ai_family = one->families == NAME_HAS_V4   ? AF_INET
			     : one->families == NAME_HAS_V6 ? AF_INET6
							    : AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list;

	if (getaddrinfo(one->question->host, NULL, &hints, &list) != 0)
		return false;
	take_found(one, list, pattern);
	freeaddrinfo(list);
	one->answer->by_system = one->answer->set.count > 0;
	return one->answer->by_system;
}

static bool may_be_known_otherwise(const struct look_up *one, struct query_result part)
{
	return !one->question->in_dns && one->question->server.kind == ADDRESS_NONE &&
	       (part.status == NAME_NO_NAME || part.status == NAME_NO_DATA || one->query.nobody);
}

static struct query_result look_host_up(struct look_up *one, const char *host)
{
	const struct name_record pattern = {
		.port = one->question->port, .weight = 1, .ttl_s = NAME_NO_TTL};
	struct query_result part = find_host(one, host, one->families, &pattern);

	if (may_be_known_otherwise(one, part) && find_by_system(one, &pattern))
		part = (struct query_result){NAME_FOUND, NAME_NO_TTL};
	return part;
}

/* ---- A service ------------------------------------------------------------------------------- */

/* The addresses that came with the answer, if all that are wanted did. */
static bool is_complete(const struct dns_answer *answer, const struct dns_record *record,
			unsigned families)
{
	return (!(families & NAME_HAS_V4) || dns_beside(answer, record, DNS_A, NULL)) &&
	       (!(families & NAME_HAS_V6) || dns_beside(answer, record, DNS_AAAA, NULL));
}

static struct query_result take_besides(struct look_up *one, const struct dns_answer *answer,
					const struct dns_record *record,
					const struct name_record *pattern)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA};
	struct query_result part = {NAME_FOUND, NAME_NO_TTL};

	for (size_t i = 0; i < array_size(types); i++) {
		const struct dns_record *beside = NULL;

		if (!(one->families & (1u << i)))
			continue;
		while ((beside = dns_beside(answer, record, types[i], beside))) {
			part.ttl_s = lesser(part.ttl_s, beside->ttl_s);
			if (!add_address(one, beside, pattern))
				part.status = NAME_FAILED;
		}
	}
	return part;
}

/* A record before that one that leads to the same host, whose addresses are known then. */
static const struct dns_record *find_same(const struct dns_answer *answer, uint32_t index,
					  const char *host)
{
	for (uint32_t i = 0; i < index; i++) {
		char other[DNS_NAME_MAX];

		if (answer->records[i].target != answer->records[index].target)
			continue;
		dns_target(answer, &answer->records[i], other);
		if (!strcasecmp(other, host))
			return &answer->records[i];
	}
	return NULL;
}

/* Where in the set the addresses of each record's host are. */
struct span {
	uint32_t first, count;
	struct query_result part;
};

static struct query_result repeat(struct look_up *one, const struct span *span,
				  const struct name_record *pattern)
{
	for (uint32_t i = 0; i < span->count; i++) {
		struct name_record record = one->answer->set.records[span->first + i];

		record.port = pattern->port;
		record.priority = pattern->priority;
		record.weight = pattern->weight;
		(void)add(one, &record);
	}
	return span->part;
}

static struct query_result find_target(struct look_up *one, const struct dns_answer *answer,
				       uint32_t index, const struct span *spans)
{
	const struct dns_record *record = &answer->records[index], *same;
	const struct name_record pattern = {
		.port = record->port,
		.priority = record->priority,
		.weight = record->weight,
		.ttl_s = record->ttl_s,
	};
	char host[DNS_NAME_MAX];

	dns_target(answer, record, host);
	if (!*host)
		return (struct query_result){NAME_DENIED, answer->ttl_s};
	same = find_same(answer, index, host);
	if (same)
		return repeat(one, &spans[same - answer->records], &pattern);
	if (is_complete(answer, record, one->families))
		return take_besides(one, answer, record, &pattern);
	return find_host(one, host, one->families, &pattern);
}

static struct query_result find_targets(struct look_up *one, const struct dns_answer *answer,
					struct span *spans)
{
	struct query_result all = {NAME_NO_DATA, answer->ttl_s};

	for (uint32_t i = 0; i < answer->count; i++) {
		struct span *span = &spans[i];

		span->first = one->answer->set.count;
		span->part = find_target(one, answer, i, spans);
		span->count = one->answer->set.count - span->first;
		all.ttl_s = lesser(all.ttl_s, span->part.ttl_s);
		if (query_is_open_question(span->part))
			one->answer->unknown |= one->families;
		if (span->part.status == NAME_DENIED && answer->count == 1)
			all.status = NAME_DENIED;
	}
	if (one->answer->set.count)
		all.status = NAME_FOUND;
	else if (one->answer->unknown)
		all = (struct query_result){NAME_FAILED, NAME_NO_TTL};
	return all;
}

static struct query_result look_service_up(struct look_up *one, const char *name)
{
	struct dns_answer answer = {0};
	struct span *spans = NULL;
	struct query_result part = {NAME_FAILED, NAME_NO_TTL};

	if (one->query.is_open)
		part = query_ask(&one->query, name, DNS_SRV, one->service, &answer);
	else
		complain(one, "the resolver cannot be used: is /etc/resolv.conf right?");
	if (part.status == NAME_FOUND) {
		spans = calloc(answer.count, sizeof(*spans));
		part = spans ? find_targets(one, &answer, spans)
			     : (struct query_result){NAME_FAILED, NAME_NO_TTL};
		name_set_weigh(&one->answer->set);
	}
	free(spans);
	dns_done(&answer);
	return part;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static const char *why_not(const struct name_question *question, enum name_status status)
{
	switch (status) {
	case NAME_NO_NAME:
		return "the name does not exist (NXDOMAIN)";
	case NAME_NO_DATA:
		return question->is_service ? "the name has no service record (SRV), or none that "
					      "leads to an address"
					    : "the name has no address";
	case NAME_DENIED:
		return "the service is decidedly not available (its SRV record names no server)";
	case NAME_FOUND:
	case NAME_FAILED:
	case NAME_SILENT:
	case NAME_STATUS_COUNT:
		break;
	}
	return NULL;
}

static int prepare(struct look_up *one)
{
	one->families = families_of(one->question->family, false);
	one->message = calloc(1, DNS_MESSAGE_MAX);
	one->service = one->question->is_service ? calloc(1, DNS_MESSAGE_MAX) : NULL;
	if (!one->message || (one->question->is_service && !one->service))
		return -ENOMEM;
	if (one->question->server.kind == ADDRESS_NONE)
		one->hosts = hosts_read(HOSTS_FILE);
	return query_open(&one->query, &one->question->server) == -ENOMEM ? -ENOMEM : 0;
}

static void clean_up(struct look_up *one)
{
	query_close(&one->query);
	free(one->hosts);
	free(one->service);
	free(one->message);
}

static void conclude(struct look_up *one, struct query_result part)
{
	struct name_answer *answer = one->answer;
	const char *why = why_not(one->question, part.status);

	answer->status = part.status;
	answer->ttl_s = part.ttl_s;
	if (part.status != NAME_FOUND)
		name_set_done(&answer->set);
	if (part.status != NAME_FOUND || (answer->unknown & one->families) == 0)
		answer->unknown = 0;
	if (why)
		complain(one, why);
	else if (part.status == NAME_FOUND && !answer->unknown)
		complain(one, "");
	memcpy(answer->error, one->query.error, sizeof(answer->error));
	snprintf(answer->asked, sizeof(answer->asked), "%s",
		 answer->by_system ? "the system"
		 : one->is_written ? HOSTS_FILE
				   : one->query.asked);
	answer->cut |= name_set_sort(&answer->set);
}

void look_up(const struct name_question *question, struct name_answer *ret_answer)
{
	struct look_up one = {.question = question, .answer = ret_answer};
	struct query_result part = {NAME_FAILED, NAME_NO_TTL};
	char host[sizeof(question->host)];
	size_t length = strlen(question->host);

	*ret_answer = (struct name_answer){0};
	/* A dot at its end says that it is whole, which it is taken for anyway. */
	memcpy(host, question->host, length + 1);
	if (length > 1 && host[length - 1] == '.')
		host[length - 1] = '\0';
	if (prepare(&one) < 0)
		complain(&one, "out of memory");
	else
		part = question->is_service ? look_service_up(&one, host)
					    : look_host_up(&one, host);
	clean_up(&one);
	conclude(&one, part);
}
