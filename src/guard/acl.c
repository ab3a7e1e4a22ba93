#include "guard/acl.h"

#include "config/client_rule.h"
#include "config/schema.h"
#include "guard/list.h"
#include "guard/ranges.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST_TEXT "no line of allow names them"

struct rule {
	const struct config_line *line;
	char *text; /* "deny = 10.0.0.0/8" */
	struct client_rule says;
	bool allows;
	bool counts; /* it decides of somebody */
};

struct acl {
	struct rule *rules;
	uint32_t rule_count;
	uint32_t owners;
	bool rest; /* whether whom none names may come in */
	struct ranges ranges;
};

/* While it is made. */
struct making {
	struct acl *acl;
	const struct config *config;
	const struct config_section *section;
	struct report *report;
	struct spans v4, v6;
	struct rule *rule; /* the one whose addresses come */
	size_t taken;      /* of its list */
};

/* ---- Rules ----------------------------------------------------------------------------------- */

static const char *key_of(const struct config_line *line)
{
	return schema_keys[line->key].name;
}

static bool is_ours(const struct config_line *line)
{
	return schema_keys[line->key].group == GROUP_CLIENTS;
}

static int read_rule(struct making *making, const struct config_line *line)
{
	struct acl *acl = making->acl;
	struct rule *rule = &acl->rules[acl->rule_count];
	char why[VALUE_WHY_MAX];

	*rule = (struct rule){.line = line, .allows = !strcmp(key_of(line), "allow")};
	/* it was right when the configuration was read */
	if (client_rule_parse(&rule->says, line->text, why) < 0)
		return -EINVAL;
	if (asprintf(&rule->text, "%s = %s", key_of(line), line->text) < 0) {
		rule->text = NULL;
		return -ENOMEM;
	}
	acl->rule_count++;
	acl->rest &= !rule->allows;
	return 0;
}

/* Whoever an earlier line names is not asked about by a later one. */
static void note_users(struct acl *acl)
{
	bool all = false;

	for (uint32_t i = 0; i < acl->rule_count; i++) {
		struct rule *rule = &acl->rules[i];
		bool is_about = rule->says.kind == CLIENT_RULE_UNIX ||
				rule->says.kind == CLIENT_RULE_UID ||
				rule->says.kind == CLIENT_RULE_ALL;
		bool before = all;

		for (uint32_t j = 0; j < i && rule->says.kind == CLIENT_RULE_UID; j++)
			before |= acl->rules[j].says.kind == CLIENT_RULE_UID &&
				  acl->rules[j].says.uid == rule->says.uid;
		rule->counts |= is_about && !before;
		all |= rule->says.kind == CLIENT_RULE_UNIX || rule->says.kind == CLIENT_RULE_ALL;
	}
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static int add(struct making *making, const struct cidr *cidr)
{
	uint32_t rule = (uint32_t)(making->rule - making->acl->rules);
	struct span span = {cidr->first, cidr->last, rule};
	struct span all4 = {{0, UINT64_C(0xffff) << 32}, {0, (UINT64_C(1) << 48) - 1}, rule};
	int r = 0;

	if (cidr->family == CIDR_ALL)
		r = spans_add(&making->v4, &all4);
	if (r == 0)
		r = spans_add(cidr->family == CIDR_V4 ? &making->v4 : &making->v6, &span);
	return r;
}

static int take(void *owner, const struct cidr *cidr)
{
	struct making *making = owner;

	making->taken++;
	return add(making, cidr);
}

static const char *file_of(const struct making *making, const struct config_line *line)
{
	return making->config->files[line->origin.file];
}

/* In the place of the line that names the file, which comes first in the sentence. */
static void complain(void *owner, unsigned line, const char *sentence)
{
	const struct making *making = owner;
	const struct rule *rule = making->rule;
	const struct config_origin *origin = &rule->line->origin;
	char number[16] = "";

	if (line)
		snprintf(number, sizeof(number), ":%u", line);
	report_add(making->report, REPORT_MISTAKE, origin->file, origin->line,
		   "%s%s: %s (%s in %s, %s:%u)", rule->says.path, number, sentence,
		   key_of(rule->line), making->section->title, file_of(making, rule->line),
		   origin->line);
}

__attribute__((format(printf, 3, 4))) static void
warn(const struct making *making, const struct rule *rule, const char *format, ...)
{
	const struct config_origin *origin = &rule->line->origin;
	char sentence[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	report_add(making->report, REPORT_WARNING, origin->file, origin->line,
		   "%s:%u: %s %s: %s: %s", file_of(making, rule->line), origin->line,
		   making->section->title, key_of(rule->line), rule->line->text, sentence);
}

static int read_list(struct making *making)
{
	const struct list_reader reader = {.take = take, .complain = complain, .owner = making};
	struct rule *rule = making->rule;
	int r;

	making->taken = 0;
	r = list_read(rule->says.path, &reader);
	if (r < 0 || making->taken)
		return r;
	rule->counts = true; /* that is said here */
	warn(making, rule, "the file lists no address%s",
	     rule->allows ? ", so that it lets nobody in" : "");
	return 0;
}

static int read_addresses(struct making *making)
{
	struct acl *acl = making->acl;
	int result = 0;

	for (uint32_t i = 0; i < acl->rule_count; i++) {
		const struct client_rule *says = &acl->rules[i].says;
		int r = 0;

		making->rule = &acl->rules[i];
		if (says->kind == CLIENT_RULE_FILE)
			r = read_list(making);
		else if (says->kind == CLIENT_RULE_ADDRESSES || says->kind == CLIENT_RULE_ALL)
			r = add(making, &says->addresses);
		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result; /* all files' mistakes are told in one run */
	}
	return result;
}

static void note_ranges(struct acl *acl)
{
	for (uint32_t i = 0; i < acl->ranges.count4; i++)
		acl->rules[acl->ranges.rule4[i]].counts = true;
	for (uint32_t i = 0; i < acl->ranges.count6; i++)
		acl->rules[acl->ranges.rule6[i]].counts = true;
}

static void warn_of_idle(const struct making *making)
{
	const struct acl *acl = making->acl;

	for (uint32_t i = 0; i < acl->rule_count; i++)
		if (!acl->rules[i].counts)
			warn(making, &acl->rules[i],
			     "decides of nobody: the lines before it name all of them");
}

/* ---- All of it ------------------------------------------------------------------------------- */

static uint32_t count_lines(const struct config_section *section)
{
	uint32_t count = 0;

	for (size_t i = 0; i < section->line_count; i++)
		count += is_ours(&section->lines[i]);
	return count;
}

static int make(struct making *making)
{
	struct acl *acl = making->acl;
	int r = 0;

	for (size_t i = 0; i < making->section->line_count && r == 0; i++)
		if (is_ours(&making->section->lines[i]))
			r = read_rule(making, &making->section->lines[i]);
	if (r == 0)
		r = read_addresses(making);
	if (r == 0)
		r = ranges_make(&acl->ranges, &making->v4, &making->v6);
	spans_done(&making->v4);
	spans_done(&making->v6);
	if (r < 0)
		return r;
	note_users(acl);
	note_ranges(acl);
	warn_of_idle(making);
	return 0;
}

int acl_make(struct acl **ret_acl, const struct config *config,
	     const struct config_section *section, struct report *report)
{
	struct making making = {.config = config, .section = section, .report = report};
	uint32_t count = count_lines(section);
	int r;

	*ret_acl = NULL;
	if (!count)
		return 0;
	if (count > RANGES_RULES_MAX) {
		report_add(
			report, REPORT_MISTAKE, section->file, section->line,
			"%s:%u: %s: has %u lines of allow and deny, and at most %u can be had; a "
			"file takes any number: deny = file:/path",
			config->files[section->file], section->line, section->title, count,
			RANGES_RULES_MAX);
		return -EINVAL;
	}
	making.acl = calloc(1, sizeof(*making.acl));
	if (making.acl)
		making.acl->rules = calloc(count, sizeof(*making.acl->rules));
	if (!making.acl || !making.acl->rules) {
		free(making.acl);
		return -ENOMEM;
	}
	making.acl->owners = 1;
	making.acl->rest = true;
	r = make(&making);
	if (r < 0)
		acl_free(making.acl);
	else
		*ret_acl = making.acl;
	return r;
}

void acl_free(struct acl *acl)
{
	if (!acl || --acl->owners > 0)
		return;
	for (uint32_t i = 0; i < acl->rule_count; i++)
		free(acl->rules[i].text);
	free(acl->rules);
	ranges_done(&acl->ranges);
	free(acl);
}

bool acl_share(struct acl *acl, const struct config_section *section)
{
	uint32_t count = 0;

	for (size_t i = 0; i < section->line_count; i++) {
		const struct config_line *line = &section->lines[i], *other;

		if (!is_ours(line))
			continue;
		if (count == acl->rule_count)
			return false;
		other = acl->rules[count++].line;
		if (line->key != other->key || line->origin.file != other->origin.file ||
		    line->origin.line != other->origin.line || strcmp(line->text, other->text) != 0)
			return false;
	}
	if (count != acl->rule_count)
		return false;
	acl->owners++;
	return true;
}

static struct acl_verdict by(const struct acl *acl, uint32_t rule)
{
	if (rule >= acl->rule_count)
		return (struct acl_verdict){acl->rest, acl->rule_count};
	return (struct acl_verdict){acl->rules[rule].allows, rule};
}

struct acl_verdict acl_ask(const struct acl *acl, struct cidr_number client)
{
	return by(acl, ranges_find(&acl->ranges, client));
}

struct acl_verdict acl_ask_user(const struct acl *acl, uid_t uid)
{
	uint32_t i = 0;

	for (; i < acl->rule_count; i++) {
		const struct client_rule *says = &acl->rules[i].says;

		if (says->kind == CLIENT_RULE_UNIX || says->kind == CLIENT_RULE_ALL ||
		    (says->kind == CLIENT_RULE_UID && says->uid == uid && uid != (uid_t)-1))
			break;
	}
	return by(acl, i);
}

uint32_t acl_rule_count(const struct acl *acl)
{
	return acl->rule_count;
}

bool acl_rule_admits(const struct acl *acl, uint32_t rule)
{
	return by(acl, rule).admits;
}

const char *acl_rule_text(const struct acl *acl, uint32_t rule)
{
	return rule < acl->rule_count ? acl->rules[rule].text : REST_TEXT;
}

const struct config_origin *acl_rule_origin(const struct acl *acl, uint32_t rule)
{
	return rule < acl->rule_count ? &acl->rules[rule].line->origin : NULL;
}

size_t acl_memory(const struct acl *acl)
{
	return ranges_memory(&acl->ranges);
}

uint32_t acl_ranges(const struct acl *acl)
{
	return acl->ranges.count4 + acl->ranges.count6;
}
