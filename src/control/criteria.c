#include "control/criteria.h"

#include "base/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHOWN    40
#define HOST_MAX 64

int criteria_number(const char *text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (digit > 9 || number > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return 0;
}

static int number_within(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number)
{
	return criteria_number(text, ret_number) < 0 || *ret_number < least || *ret_number > most
		       ? -EINVAL
		       : 0;
}

/* ---- Clients --------------------------------------------------------------------------------- */

/* "192.0.2.7" of the length given: its bits, or -EINVAL. */
static int read_host(const char *text, size_t length, unsigned char address[16])
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} name = {.any.sa_family = AF_INET};
	char host[HOST_MAX];
	struct endpoint endpoint;

	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = 0;
	if (inet_pton(AF_INET, host, &name.in.sin_addr) != 1) {
		name.any.sa_family = AF_INET6;
		if (inet_pton(AF_INET6, host, &name.in6.sin6_addr) != 1)
			return -EINVAL;
	}
	endpoint_of(&name.any, &endpoint);
	memcpy(address, endpoint.address, sizeof(endpoint.address));
	return name.any.sa_family == AF_INET ? 32 : 128;
}

/* Where the host ends; brackets are passed over. */
static const char *find_host(const char **text)
{
	const char *end;

	if (**text == '[') {
		(*text)++;
		return *text + strcspn(*text, "]");
	}
	end = strchr(*text, ':');
	if (end && strchr(end + 1, ':')) /* IPv6 without a port */
		return *text + strcspn(*text, "/");
	return *text + strcspn(*text, ":/");
}

static int take_client(const char *text, struct criteria *criteria)
{
	struct glance_filter *filter = &criteria->filter;
	bool bracketed = *text == '[';
	uint64_t number = 0;
	const char *end;
	int bits;

	if (!strcmp(text, "unix") || !strcmp(text, "unix:")) {
		filter->client = GLANCE_UNIX;
		return 0;
	}
	end = find_host(&text);
	bits = read_host(text, (size_t)(end - text), filter->address);
	if (bits < 0 || (bracketed && (*end++ != ']' || bits != 128)))
		return -EINVAL;
	filter->client = GLANCE_INET;
	filter->bits = 128;
	if (*end == ':') {
		if (number_within(end + 1, 1, UINT16_MAX, &number) < 0)
			return -EINVAL;
		filter->port = (uint16_t)number;
	} else if (*end == '/') {
		if (number_within(end + 1, 0, (uint64_t)bits, &number) < 0)
			return -EINVAL;
		filter->bits = (unsigned)(128 - bits) + (unsigned)number;
	} else if (*end) {
		return -EINVAL;
	}
	return 0;
}

/* ---- The others ------------------------------------------------------------------------------ */

static int take_text(const char *text, const char **ret_text)
{
	*ret_text = text;
	return *text ? 0 : -EINVAL;
}

static int take_proxy(const char *text, struct criteria *criteria)
{
	return take_text(text, &criteria->filter.proxy);
}

static int take_server(const char *text, struct criteria *criteria)
{
	return take_text(text, &criteria->filter.server);
}

static int take_listener(const char *text, struct criteria *criteria)
{
	return take_text(text, &criteria->filter.listener);
}

static int take_state(const char *text, struct criteria *criteria)
{
	criteria->filter.state = text;
	return glance_is_state(text) ? 0 : -EINVAL;
}

static int take_sort(const char *text, struct criteria *criteria)
{
	criteria->by_age = !strcmp(text, "age");
	return criteria->by_age || !strcmp(text, "id") ? 0 : -EINVAL;
}

static int take_limit(const char *text, struct criteria *criteria)
{
	uint64_t limit;

	if (number_within(text, 1, CRITERIA_LIMIT_MAX, &limit) < 0)
		return -EINVAL;
	criteria->limit = (uint32_t)limit;
	return 0;
}

static int take_after(const char *text, struct criteria *criteria)
{
	if (number_within(text, 0, UINT64_MAX - 1, &criteria->from) < 0)
		return -EINVAL;
	criteria->from++;
	return 0;
}

static int take_confirm(const char *text, struct criteria *criteria)
{
	criteria->confirmed = true;
	return criteria_number(text, &criteria->confirm);
}

static const struct criterion {
	const char *name;
	unsigned group;
	int (*take)(const char *text, struct criteria *criteria);
	const char *right;
} table[] = {
	{"proxy", CRITERIA_FILTER, take_proxy, "the name of a section"},
	{"client", CRITERIA_FILTER, take_client, "an address, ADDRESS:PORT, ADDRESS/BITS, or unix"},
	{"server", CRITERIA_FILTER, take_server, "a server, as it is named in the configuration"},
	{"listener", CRITERIA_FILTER, take_listener, "an address that is listened on"},
	{"state", CRITERIA_FILTER, take_state, "greeting, connecting, queued, relaying or closing"},
	{"sort", CRITERIA_PAGE, take_sort, "id or age"},
	{"limit", CRITERIA_PAGE, take_limit, "a number from 1 to 1000"},
	{"after", CRITERIA_PAGE, take_after, "the id of a connection"},
	{"confirm", CRITERIA_CONFIRM, take_confirm, "how many connections are meant"},
};

/* ---- All of them ----------------------------------------------------------------------------- */

static const struct criterion *find(const char *name, unsigned groups)
{
	for (size_t i = 0; i < array_size(table); i++)
		if (table[i].group & groups && !strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

/* What is shown and logged of it is one line. */
static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static int take(const struct http_argument *argument, unsigned groups, unsigned *taken,
		struct criteria *criteria, char why[CRITERIA_WHY_MAX])
{
	const struct criterion *criterion = find(argument->name, groups);
	unsigned bit;

	if (!criterion) {
		snprintf(why, CRITERIA_WHY_MAX, "the query may not have '%.*s'", SHOWN,
			 argument->name);
		return -EINVAL;
	}
	bit = 1u << (criterion - table);
	if (*taken & bit) {
		snprintf(why, CRITERIA_WHY_MAX, "%s is given twice", criterion->name);
		return -EINVAL;
	}
	*taken |= bit;
	criteria->narrows |= criterion->group == CRITERIA_FILTER;
	if (is_printable(argument->value) && criterion->take(argument->value, criteria) == 0)
		return 0;
	snprintf(why, CRITERIA_WHY_MAX, "%s: '%.*s' is not %s", criterion->name, SHOWN,
		 argument->value, criterion->right);
	return -EINVAL;
}

int criteria_read(const struct http_argument *arguments, size_t count, unsigned groups,
		  struct criteria *ret_criteria, char why[CRITERIA_WHY_MAX])
{
	unsigned taken = 0;

	*ret_criteria = (struct criteria){.limit = CRITERIA_LIMIT};
	for (size_t i = 0; i < count; i++)
		if (take(&arguments[i], groups, &taken, ret_criteria, why) < 0)
			return -EINVAL;
	if (!ret_criteria->by_age || !ret_criteria->from)
		return 0;
	snprintf(why, CRITERIA_WHY_MAX, "after goes with sort=id: there is no going on by age");
	return -EINVAL;
}
