/*
 * A line of `allow` or `deny`: whom it is about.
 *
 *   10.0.0.0/8  2001:db8::7  a-b   addresses, as cidr.h reads them
 *   file:/path                     those that a file lists, one to a line
 *   unix                           whoever connects to a unix socket
 *   uid:33                         ... as that user
 *   all                            everybody
 */
#ifndef CONFIG_CLIENT_RULE_H
#define CONFIG_CLIENT_RULE_H

#include "base/cidr.h"
#include "config/value.h"

#include <sys/types.h>

enum client_rule_kind {
	CLIENT_RULE_ADDRESSES,
	CLIENT_RULE_FILE,
	CLIENT_RULE_UNIX,
	CLIENT_RULE_UID,
	CLIENT_RULE_ALL,
};

struct client_rule {
	enum client_rule_kind kind;
	struct cidr addresses; /* also of ALL */
	const char *path;      /* within the text */
	uid_t uid;
};

/* 0, or -EINVAL with one sentence in why. */
int client_rule_parse(struct client_rule *ret_rule, const char *text,
		      char why[VALUE_WHY_MAX]) must_check;
/* Whether it is right: a schema_line_check. */
int client_rule_check(const char *text, char why[VALUE_WHY_MAX]);
/* The same where it must be addresses. */
int client_rule_check_addresses(const char *text, char why[VALUE_WHY_MAX]);

#endif
