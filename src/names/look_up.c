#include "names/look_up.h"

#include "base/clock.h"
#include "names/dns.h"
#include "names/hosts.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that one look-up has. */
struct look_up {
	const struct name_question *question;
	struct name_answer *answer;
	struct __res_state state;
	bool has_state;
	char *hosts; /* NULL: not to be looked at */
	unsigned families;
	uint8_t *service, *message; /* DNS_MESSAGE_MAX each, zeroed */
	bool silent;                /* nobody answered once: nobody is asked any more */
	bool nobody;                /* ... because there is nobody where name servers should be */
};

/* What became of a part of it. */
struct part {
	enum name_status status;
	uint32_t ttl_s;
};

static void complain(struct look_up *one, const char *text)
{
	snprintf(one->answer->error, NAMES_ERROR_MAX, "%s", text);
}

/* ---- Whom to ask ----------------------------------------------------------------------------- */

/* The state's list becomes that one server. */
static int ask_only(struct __res_state *state, const struct address *server)
{
	struct sockaddr_in6 *copy;

	for (unsigned i = 0; i < MAXNS; i++) {
		if (i < state->_u._ext.nscount)
			free(state->_u._ext.nsaddrs[i]);
		state->_u._ext.nsaddrs[i] = NULL;
	}
	state->nscount = 1;
	state->_u._ext.nscount = 0; /* its own copy is made anew */
	if (server->u.any.sa_family == AF_INET) {
		state->nsaddr_list[0] = server->u.in;
		return 0;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = server->u.in6;
	state->nsaddr_list[0].sin_family = 0;
	state->_u._ext.nsaddrs[0] = copy;
	state->_u._ext.nscount = 1;
	state->_u._ext.nssocks[0] = -1;
	return 0;
}

/* "10.0.0.2", "10.0.0.2, 10.0.0.3"; with the port where it is another than 53. */
static void name_servers(const struct __res_state *state, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (int i = 0; i < state->nscount && i < MAXNS && used < size; i++) {
		const struct sockaddr_in *v4 = &state->nsaddr_list[i];
		const struct sockaddr_in6 *v6 = state->_u._ext.nsaddrs[i];
		uint16_t port = ntohs(v4->sin_family ? v4->sin_port : v6 ? v6->sin6_port : 0);
		char number[INET6_ADDRSTRLEN] = "?";

		if (v4->sin_family == AF_INET)
			inet_ntop(AF_INET, &v4->sin_addr, number, sizeof(number));
		else if (v6)
			inet_ntop(AF_INET6, &v6->sin6_addr, number, sizeof(number));
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", number);
		if (port != NS_DEFAULTPORT && used < size)
			used += (size_t)snprintf(text + used, size - used, " port %u", port);
	}
}

static int open_state(struct look_up *one)
{
	const struct address *server = &one->question->server;
	int r;

	if (res_ninit(&one->state) < 0)
		return -EIO;
	one->has_state = true;
	r = server->kind == ADDRESS_INET ? ask_only(&one->state, server) : 0;
	name_servers(&one->state, one->answer->asked, sizeof(one->answer->asked));
	return r;
}

/* ---- Families -------------------------------------------------------------------------------- */

/* What the machine has an address of that leads anywhere; both where it has none. */
static unsigned families_here(void)
{
	unsigned families = 0;
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return NAME_HAS_BOTH;
	for (const struct ifaddrs *one = list; one; one = one->ifa_next) {
		if (!one->ifa_addr || one->ifa_flags & IFF_LOOPBACK)
			continue;
		if (one->ifa_addr->sa_family == AF_INET)
			families |= NAME_HAS_V4;
		if (one->ifa_addr->sa_family == AF_INET6 &&
		    !IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)one->ifa_addr)->sin6_addr))
			families |= NAME_HAS_V6;
	}
	freeifaddrs(list);
	return families ? families : NAME_HAS_BOTH;
}

/* What is wanted, `anywhere` or where it can be of use. */
static unsigned families_of(enum name_family family, bool anywhere)
{
	if (family == NAME_V4 || family == NAME_V6)
		return family == NAME_V4 ? NAME_HAS_V4 : NAME_HAS_V6;
	return anywhere ? NAME_HAS_BOTH : families_here();
}

/* ---- A question to name servers -------------------------------------------------------------- */

static struct part not_answered(struct look_up *one, int error, uint64_t lasted_ms)
{
	char *text = one->answer->error;
	const char *asked = one->answer->asked;

	one->silent = true;
	one->nobody = error == ECONNREFUSED;
	if (error == ETIMEDOUT)
		snprintf(text, NAMES_ERROR_MAX, "name server %s did not answer in %llu.%llu s",
			 asked, (unsigned long long)lasted_ms / 1000,
			 (unsigned long long)lasted_ms % 1000 / 100);
	else
		snprintf(text, NAMES_ERROR_MAX, "cannot ask name server %s: %s", asked,
			 error ? strerrordesc_np(error) : "no answer");
	return (struct part){NAME_SILENT, NAME_NO_TTL};
}

static const struct {
	enum name_status status;
	const char *why;
} outcomes[] = {
	[DNS_FOUND] = {NAME_FOUND, ""},
	[DNS_NO_DATA] = {NAME_NO_DATA, ""},
	[DNS_NO_NAME] = {NAME_NO_NAME, ""},
	[DNS_FAILED] = {NAME_FAILED, "could not say"},
	[DNS_REFERRED] = {NAME_FAILED, "only refers to other name servers"},
	[DNS_BROKEN] = {NAME_FAILED, "gave an answer that is no right one"},
	[DNS_CUT] = {NAME_FAILED, "gave an answer that was cut off"},
	[DNS_CIRCLE] = {NAME_FAILED, "has aliases that lead round in a circle, or too far"},
	[DNS_TOO_MANY] = {NAME_FAILED, "gave more than 4096 records"},
};
static_assert(array_size(outcomes) == DNS_RESULT_COUNT, "every result has an outcome");
static_assert(DNS_RECORDS_MAX == 4096, "it is said");

static struct part answered(struct look_up *one, const struct dns_answer *answer)
{
	enum name_status status = outcomes[answer->result].status;
	bool says = answer->result == DNS_FAILED;

	if (status != NAME_FAILED)
		return (struct part){status, answer->ttl_s};
	snprintf(one->answer->error, NAMES_ERROR_MAX, "name server %s %s%s%s%s", one->answer->asked,
		 outcomes[answer->result].why, says ? " (" : "",
		 says ? dns_rcode_name(answer->rcode) : "", says ? ")" : "");
	return (struct part){NAME_FAILED, NAME_NO_TTL};
}

static struct part read_message(struct look_up *one, const uint8_t *message, size_t size,
				enum dns_type type, struct dns_answer *ret_answer)
{
	if (dns_read(ret_answer, message, size, type) == 0)
		return answered(one, ret_answer);
	complain(one, "out of memory");
	return (struct part){NAME_FAILED, NAME_NO_TTL};
}

/*
 * glibc says -1 of all that has no records, and not how long the message is.  Its h_errno says
 * whether that is one that it has found to be an answer to the question.  Where there is none, what
 * is in the buffer may be anybody's, and is good for a word in the log at most.
 */
static struct part nothing_found(struct look_up *one, const uint8_t *message, enum dns_type type,
				 int error, uint64_t lasted_ms)
{
	int why = one->state.res_h_errno;
	unsigned rcode = message[3] & 0xf;
	struct dns_answer answer;
	struct part part;

	if (why != HOST_NOT_FOUND && why != NO_DATA &&
	    (!(message[2] & 0x80) || rcode == ns_r_noerror || rcode == ns_r_nxdomain))
		return not_answered(one, error, lasted_ms);
	part = read_message(one, message, DNS_MESSAGE_MAX, type, &answer);
	dns_done(&answer);
	return part;
}

/* Ask for records of that type. */
static struct part ask(struct look_up *one, const char *host, enum dns_type type, uint8_t *message,
		       struct dns_answer *ret_answer)
{
	uint64_t began_ms = clock_now_ms();
	int size;

	*ret_answer = (struct dns_answer){0};
	memset(message, 0, DNS_MESSAGE_MAX);
	errno = 0;
	size = res_nquery(&one->state, host, ns_c_in, type, message, DNS_MESSAGE_MAX);
	if (size < 0)
		return nothing_found(one, message, type, errno, clock_now_ms() - began_ms);
	return read_message(one, message, size > DNS_MESSAGE_MAX ? DNS_MESSAGE_MAX : (size_t)size,
			    type, ret_answer);
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

static struct part ask_family(struct look_up *one, const char *host, enum dns_type type,
			      const struct name_record *pattern)
{
	struct dns_answer answer;
	struct part part;

	if (one->silent)
		return (struct part){NAME_SILENT, NAME_NO_TTL};
	part = ask(one, host, type, one->message, &answer);
	for (uint32_t i = 0; part.status == NAME_FOUND && i < answer.count; i++)
		if (!add_address(one, &answer.records[i], pattern))
			part.status = NAME_FAILED;
	dns_done(&answer);
	return part;
}

static bool is_unknown(struct part part)
{
	return part.status == NAME_FAILED || part.status == NAME_SILENT;
}

/* Of both families: what is found counts, then what is not known, then that there is nothing. */
static struct part both(struct part v4, struct part v6)
{
	bool found = v4.status == NAME_FOUND;

	if (found && v6.status == NAME_FOUND)
		return (struct part){NAME_FOUND, lesser(v4.ttl_s, v6.ttl_s)};
	if (found || v6.status == NAME_FOUND)
		return found ? v4 : v6;
	if (is_unknown(v4) || is_unknown(v6))
		return is_unknown(v4) ? v4 : v6;
	return (struct part){v4.status == v6.status ? v4.status : NAME_NO_DATA,
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
	return set->count > before;
}

/* The addresses of a host, of the families named, as records like the pattern. */
static struct part find_host(struct look_up *one, const char *host, unsigned families,
			     const struct name_record *pattern)
{
	struct part v4, v6;

	if (is_written_down(one, host, pattern))
		return (struct part){NAME_FOUND, NAME_NO_TTL};
	if (!one->has_state) {
		complain(one, "the resolver cannot be used: is /etc/resolv.conf right?");
		return (struct part){NAME_FAILED, NAME_NO_TTL};
	}
	if (families == NAME_HAS_V4)
		return ask_family(one, host, DNS_A, pattern);
	if (families == NAME_HAS_V6)
		return ask_family(one, host, DNS_AAAA, pattern);
	v4 = ask_family(one, host, DNS_A, pattern);
	v6 = ask_family(one, host, DNS_AAAA, pattern);
	one->answer->unknown |=
		(is_unknown(v4) ? NAME_HAS_V4 : 0) | (is_unknown(v6) ? NAME_HAS_V6 : 0);
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

static bool may_be_known_otherwise(const struct look_up *one, struct part part)
{
	return !one->question->in_dns && one->question->server.kind == ADDRESS_NONE &&
	       (part.status == NAME_NO_NAME || part.status == NAME_NO_DATA || one->nobody);
}

static struct part look_host_up(struct look_up *one, const char *host)
{
	const struct name_record pattern = {
		.port = one->question->port, .weight = 1, .ttl_s = NAME_NO_TTL};
	struct part part = find_host(one, host, one->families, &pattern);

	if (may_be_known_otherwise(one, part) && find_by_system(one, &pattern))
		part = (struct part){NAME_FOUND, NAME_NO_TTL};
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

static struct part take_besides(struct look_up *one, const struct dns_answer *answer,
				const struct dns_record *record, const struct name_record *pattern)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA};
	struct part part = {NAME_FOUND, NAME_NO_TTL};

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
	struct part part;
};

static struct part repeat(struct look_up *one, const struct span *span,
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

static struct part find_target(struct look_up *one, const struct dns_answer *answer, uint32_t index,
			       const struct span *spans)
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
		return (struct part){NAME_DENIED, answer->ttl_s};
	same = find_same(answer, index, host);
	if (same)
		return repeat(one, &spans[same - answer->records], &pattern);
	if (is_complete(answer, record, one->families))
		return take_besides(one, answer, record, &pattern);
	return find_host(one, host, one->families, &pattern);
}

static struct part find_targets(struct look_up *one, const struct dns_answer *answer,
				struct span *spans)
{
	struct part all = {NAME_NO_DATA, answer->ttl_s};

	for (uint32_t i = 0; i < answer->count; i++) {
		struct span *span = &spans[i];

		span->first = one->answer->set.count;
		span->part = find_target(one, answer, i, spans);
		span->count = one->answer->set.count - span->first;
		all.ttl_s = lesser(all.ttl_s, span->part.ttl_s);
		if (is_unknown(span->part))
			one->answer->unknown |= one->families;
		if (span->part.status == NAME_DENIED && answer->count == 1)
			all.status = NAME_DENIED;
	}
	if (one->answer->set.count)
		all.status = NAME_FOUND;
	else if (one->answer->unknown)
		all = (struct part){NAME_FAILED, NAME_NO_TTL};
	return all;
}

static struct part look_service_up(struct look_up *one, const char *name)
{
	struct dns_answer answer = {0};
	struct span *spans = NULL;
	struct part part = {NAME_FAILED, NAME_NO_TTL};

	if (one->has_state)
		part = ask(one, name, DNS_SRV, one->service, &answer);
	else
		complain(one, "the resolver cannot be used: is /etc/resolv.conf right?");
	if (part.status == NAME_FOUND) {
		spans = calloc(answer.count, sizeof(*spans));
		part = spans ? find_targets(one, &answer, spans)
			     : (struct part){NAME_FAILED, NAME_NO_TTL};
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
	return open_state(one) == -ENOMEM ? -ENOMEM : 0;
}

static void clean_up(struct look_up *one)
{
	if (one->has_state)
		res_nclose(&one->state);
	free(one->hosts);
	free(one->service);
	free(one->message);
}

static void conclude(struct look_up *one, struct part part)
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
	answer->cut |= name_set_sort(&answer->set);
}

void look_up(const struct name_question *question, struct name_answer *ret_answer)
{
	struct look_up one = {.question = question, .answer = ret_answer};
	struct part part = {NAME_FAILED, NAME_NO_TTL};
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
