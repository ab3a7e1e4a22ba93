#include "names/query.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int query_open(struct query *query, const struct address *server)
{
	int r;

	*query = (struct query){0};
	if (res_ninit(&query->state) < 0)
		return -EIO;
	query->is_open = true;
	r = server->kind == ADDRESS_INET ? ask_only(&query->state, server) : 0;
	name_servers(&query->state, query->asked, sizeof(query->asked));
	return r;
}

void query_close(struct query *query)
{
	if (query->is_open)
		res_nclose(&query->state);
	query->is_open = false;
}

/* ---- A question to name servers -------------------------------------------------------------- */

static struct query_result not_answered(struct query *query, int error, uint64_t lasted_ms)
{
	char *text = query->error;
	const char *asked = query->asked;

	query->silent = true;
	query->nobody = error == ECONNREFUSED;
	if (error == ETIMEDOUT)
		snprintf(text, NAMES_ERROR_MAX, "name server %s did not answer in %llu.%llu s",
			 asked, (unsigned long long)lasted_ms / 1000,
			 (unsigned long long)lasted_ms % 1000 / 100);
	else
		snprintf(text, NAMES_ERROR_MAX, "cannot ask name server %s: %s", asked,
			 error ? strerrordesc_np(error) : "no answer");
	return (struct query_result){NAME_SILENT, NAME_NO_TTL};
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

static struct query_result answered(struct query *query, const struct dns_answer *answer)
{
	enum name_status status = outcomes[answer->result].status;
	bool says = answer->result == DNS_FAILED;

	if (status != NAME_FAILED)
		return (struct query_result){status, answer->ttl_s};
	snprintf(query->error, NAMES_ERROR_MAX, "name server %s %s%s%s%s", query->asked,
		 outcomes[answer->result].why, says ? " (" : "",
		 says ? dns_rcode_name(answer->rcode) : "", says ? ")" : "");
	return (struct query_result){NAME_FAILED, NAME_NO_TTL};
}

static struct query_result read_message(struct query *query, const uint8_t *message, size_t size,
					enum dns_type type, struct dns_answer *ret_answer)
{
	if (dns_read(ret_answer, message, size, type) == 0)
		return answered(query, ret_answer);
	snprintf(query->error, NAMES_ERROR_MAX, "out of memory");
	return (struct query_result){NAME_FAILED, NAME_NO_TTL};
}

/*
 * glibc says -1 of all that has no records, and not how long the message is.  Its h_errno says
 * whether that is one that it has found to be an answer to the question.  Where there is none, what
 * is in the buffer may be anybody's, and is good for a word in the log at most.
 */
static struct query_result nothing_found(struct query *query, const uint8_t *message,
					 enum dns_type type, int error, uint64_t lasted_ms)
{
	int why = query->state.res_h_errno;
	unsigned rcode = message[3] & 0xf;
	struct dns_answer answer;
	struct query_result result;

	if (why != HOST_NOT_FOUND && why != NO_DATA &&
	    (!(message[2] & 0x80) || rcode == ns_r_noerror || rcode == ns_r_nxdomain))
		return not_answered(query, error, lasted_ms);
	result = read_message(query, message, DNS_MESSAGE_MAX, type, &answer);
	dns_done(&answer);
	return result;
}

struct query_result query_ask(struct query *query, const char *host, enum dns_type type,
			      uint8_t *message, struct dns_answer *ret_answer)
{
	uint64_t began_ms = clock_now_ms();
	int size;

	*ret_answer = (struct dns_answer){0};
	if (query->silent)
		return (struct query_result){NAME_SILENT, NAME_NO_TTL};
	memset(message, 0, DNS_MESSAGE_MAX);
	errno = 0;
	size = res_nquery(&query->state, host, ns_c_in, type, message, DNS_MESSAGE_MAX);
	if (size < 0)
		return nothing_found(query, message, type, errno, clock_now_ms() - began_ms);
	return read_message(query, message, size > DNS_MESSAGE_MAX ? DNS_MESSAGE_MAX : (size_t)size,
			    type, ret_answer);
}

bool query_is_open_question(struct query_result result)
{
	return result.status == NAME_FAILED || result.status == NAME_SILENT;
}
