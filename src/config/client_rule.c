#include "config/client_rule.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong(char *why, const char *sentence)
{
	snprintf(why, VALUE_WHY_MAX, "%s", sentence);
	return -EINVAL;
}

static int parse_uid(struct client_rule *rule, const char *text, char *why)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long long uid;

	if (!digits || text[digits]) {
		snprintf(why, VALUE_WHY_MAX,
			 "after uid: comes the number of a user; `id -u %.40s` tells it",
			 *text ? text : "NAME");
		return -EINVAL;
	}
	errno = 0;
	uid = strtoull(text, NULL, 10);
	/* the greatest is (uid_t)-1, which is nobody's: chown(2) */
	if (errno || uid >= UINT32_MAX)
		return wrong(why, "the number of a user is 0..4294967294");
	rule->kind = CLIENT_RULE_UID;
	rule->uid = (uid_t)uid;
	return 0;
}

static int parse_file(struct client_rule *rule, const char *path, char *why)
{
	if (*path != '/')
		return wrong(why, "after file: comes a path that begins with /, of a file with an "
				  "address or a network on each line");
	if (strlen(path) >= PATH_MAX)
		return wrong(why, "the path after file: is longer than paths can be");
	rule->kind = CLIENT_RULE_FILE;
	rule->path = path;
	return 0;
}

static int parse_addresses(struct client_rule *rule, const char *text, char *why)
{
	char because[CIDR_WHY_MAX];

	if (*text == '/')
		return wrong(why, "is a path; write file: in front of it");
	if (!strncmp(text, "unix:", 5))
		return wrong(why, "whoever connects to a unix socket is `unix` alone, or uid:N for "
				  "one user");
	if (cidr_parse(&rule->addresses, text, strlen(text), because) < 0)
		return wrong(why, because);
	rule->kind = rule->addresses.family == CIDR_ALL ? CLIENT_RULE_ALL : CLIENT_RULE_ADDRESSES;
	return 0;
}

int client_rule_parse(struct client_rule *ret_rule, const char *text, char why[VALUE_WHY_MAX])
{
	struct client_rule rule = {0};
	int r = 0;

	if (!strcmp(text, "unix"))
		rule.kind = CLIENT_RULE_UNIX;
	else if (!strncmp(text, "uid:", 4))
		r = parse_uid(&rule, text + 4, why);
	else if (!strncmp(text, "file:", 5))
		r = parse_file(&rule, text + 5, why);
	else
		r = parse_addresses(&rule, text, why);
	if (r == 0)
		*ret_rule = rule;
	return r;
}

int client_rule_check(const char *text, char why[VALUE_WHY_MAX])
{
	struct client_rule rule;

	return client_rule_parse(&rule, text, why);
}

int client_rule_check_addresses(const char *text, char why[VALUE_WHY_MAX])
{
	char because[CIDR_WHY_MAX];
	struct cidr addresses;

	if (cidr_parse(&addresses, text, strlen(text), because) == 0)
		return 0;
	return wrong(why, because);
}
