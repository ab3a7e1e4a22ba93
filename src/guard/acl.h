/*
 * Who may come in: the allow and deny lines of a section.
 *
 * They are asked in the order in which they stand, and the first that names the client
 * decides.  Whom none names may come in, unless there is a line of allow: then they are a list
 * of those who may.
 *
 *   allow = 10.1.0.0/16      |---0---|
 *   deny  = 10.0.0.0/8     |-----------1-----------|
 *   as they are asked:     |1|---0---|------1------|    ranges.h: one look, however many
 *
 * An address is in ranges; whoever connects to a unix socket is a user, and has a few lines of
 * another kind.  Made by the main thread when a configuration is brought to life, with what its
 * files list; shared by all workers, and never written again.
 */
#ifndef GUARD_ACL_H
#define GUARD_ACL_H

#include "base/cidr.h"
#include "config/report.h"

#include <sys/types.h>

struct acl;

/* Of that section's lines.  *ret_acl NULL: it has none. */
/* 0; -EINVAL, and the report says why; or -ENOMEM. */
int acl_make(struct acl **ret_acl, const struct config *config,
	     const struct config_section *section, struct report *report) must_check;
/* NULL is fine.  Once for each acl_make() and acl_share(). */
void acl_free(struct acl *acl);
/*
 * The same for another section of that configuration, if it has the same lines from the same
 * place, which are those of [defaults]: a list is kept once, however many sections have it.
 */
bool acl_share(struct acl *acl, const struct config_section *section);

struct acl_verdict {
	bool admits;
	uint32_t rule; /* by which; acl_rule_count(): by none of them */
};

struct acl_verdict acl_ask(const struct acl *acl, struct cidr_number client);
/* ... of a unix socket; uid (uid_t)-1: nobody knows. */
struct acl_verdict acl_ask_user(const struct acl *acl, uid_t uid);

uint32_t acl_rule_count(const struct acl *acl);
/* "deny = 10.0.0.0/8", and for the last "no line of allow names them". */
const char *acl_rule_text(const struct acl *acl, uint32_t rule);
bool acl_rule_admits(const struct acl *acl, uint32_t rule);
/* Where that is written; NULL for the last. */
const struct config_origin *acl_rule_origin(const struct acl *acl, uint32_t rule);

/* Bytes that look-ups need, and ranges that there are. */
size_t acl_memory(const struct acl *acl);
uint32_t acl_ranges(const struct acl *acl);

#endif
