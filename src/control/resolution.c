#include "control/resolution.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void resolution_begin(struct resolution *one, const struct config_section *section,
		      const struct config_endpoint *endpoint, bool listens, uint64_t now_ms)
{
	*one = (struct resolution){
		.section = section,
		.endpoint = endpoint,
		.listens = listens,
		.ttl_s = NAME_NO_TTL,
		.asked_ms = now_ms,
	};
	refresh_begin(&one->refresh, 0, now_ms);
}

void resolution_done(struct resolution *one)
{
	name_set_done(&one->set);
}

/* ---- The question ---------------------------------------------------------------------------- */

static const uint8_t families[] = {
	[CONFIG_FAMILY_AUTO] = NAME_AUTO,
	[CONFIG_FAMILY_IPV4] = NAME_V4,
	[CONFIG_FAMILY_IPV6] = NAME_V6,
	[CONFIG_FAMILY_IPV4_FIRST] = NAME_V4_FIRST,
	[CONFIG_FAMILY_IPV6_FIRST] = NAME_V6_FIRST,
};

void resolution_question(const struct resolution *one, struct name_question *ret_question)
{
	const struct config_settings *settings = &one->section->settings;
	const struct address *name = &one->endpoint->address;
	const char *why;

	*ret_question = (struct name_question){
		.is_service = name->is_service,
		.port = name->port,
		.in_dns = one->in_dns,
	};
	memcpy(ret_question->host, name->host, sizeof(ret_question->host));
	if (one->listens)
		return;
	ret_question->family = (enum name_family)families[settings->family];
	/* The configuration has been found to be right. */
	if (settings->resolver &&
	    address_parse(&ret_question->server, settings->resolver, ADDRESS_FOR_CONNECT, &why) < 0)
		ret_question->server = (struct address){0};
	(void)!address_locate(&ret_question->server); /* or it does not answer */
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool resolution_is_same(const struct resolution *one, const struct resolution *other)
{
	const struct config_settings *a = &one->section->settings, *b = &other->section->settings;

	return one->listens == other->listens &&
	       address_is_same(&one->endpoint->address, &other->endpoint->address) &&
	       (one->listens || (a->family == b->family && is_same_text(a->resolver, b->resolver)));
}

int resolution_copy(struct resolution *one, const struct resolution *known)
{
	struct name_set set;

	if (name_set_copy(&set, &known->set) < 0)
		return -ENOMEM;
	name_set_done(&one->set);
	one->set = set;
	one->answered = true;
	one->in_dns = known->in_dns;
	one->ttl_s = known->ttl_s;
	one->told = known->told;
	one->asked_ms = known->asked_ms;
	one->refresh = known->refresh;
	memcpy(one->error, known->error, sizeof(one->error));
	memcpy(one->asked, known->asked, sizeof(one->asked));
	/* Nobody hears what the other is being told. */
	if (one->refresh.due_ms == UINT64_MAX)
		one->refresh.due_ms = 0;
	return 0;
}

/* ---- The answer ------------------------------------------------------------------------------ */

/* What is told of a change. */
struct telling {
	const struct resolution *one;
	char *text;
	size_t used;
	unsigned told, more;
};

static void add(struct telling *telling, const char *text)
{
	telling->used += (size_t)snprintf(telling->text + telling->used,
					  RESOLUTION_CHANGE_MAX - telling->used, "%s%s",
					  telling->used ? " " : "", text);
}

/* "10.0.3.9:80" of a service; without the port where that is the name's own. */
static void place_of(const struct resolution *one, const struct name_record *record,
		     char text[ADDRESS_TEXT_MAX])
{
	struct address address;

	name_record_address(record, &address);
	if (one->endpoint->address.is_service)
		address_format(&address, text, ADDRESS_TEXT_MAX);
	else
		inet_ntop(record->is_v6 ? AF_INET6 : AF_INET, record->ip, text, ADDRESS_TEXT_MAX);
}

static void tell_difference(void *owner, const struct name_record *before,
			    const struct name_record *after)
{
	struct telling *telling = owner;
	const struct name_record *record = after ? after : before;
	char number[ADDRESS_TEXT_MAX], text[ADDRESS_TEXT_MAX + 60];

	if (telling->told == RESOLUTION_TOLD_MAX) {
		telling->more++;
		return;
	}
	telling->told++;
	place_of(telling->one, record, number);
	if (before && after)
		snprintf(text, sizeof(text), "%.100s (priority %u, weight %u)", number,
			 record->priority, record->weight);
	else
		snprintf(text, sizeof(text), "%c%.100s", after ? '+' : '-', number);
	add(telling, text);
}

static bool tell_change(const struct resolution *one, const struct name_set *next,
			char change[RESOLUTION_CHANGE_MAX])
{
	struct telling telling = {.one = one, .text = change};
	uint32_t count = name_set_compare(&one->set, next, tell_difference, &telling);
	char more[40];

	snprintf(more, sizeof(more), "and %u more", telling.more);
	if (telling.more)
		add(&telling, more);
	return count > 0;
}

/* What it stands for becomes that one, which is empty then. */
static enum resolution_news replace(struct resolution *one, struct name_set *next,
				    char change[RESOLUTION_CHANGE_MAX])
{
	bool is_first = !one->answered, has_changed = tell_change(one, next, change);

	name_set_done(&one->set);
	one->set = *next;
	*next = (struct name_set){0};
	one->answered = true;
	if (is_first)
		return RESOLUTION_FOUND;
	one->changes += has_changed;
	return has_changed ? RESOLUTION_CHANGED : RESOLUTION_NOTHING;
}

static enum resolution_news use(struct resolution *one, struct name_answer *answer,
				char change[RESOLUTION_CHANGE_MAX])
{
	one->ttl_s = answer->ttl_s;
	one->in_dns |= !answer->by_system && answer->ttl_s != NAME_NO_TTL;
	/* Without memory it is what could be had: the next answer mends it. */
	(void)!name_set_keep(&answer->set, &one->set, answer->unknown);
	return replace(one, &answer->set, change);
}

static enum resolution_news drop(struct resolution *one, char change[RESOLUTION_CHANGE_MAX])
{
	struct name_set none = {0};

	return one->answered ? replace(one, &none, change) : RESOLUTION_NOTHING;
}

/* What is looked for to listen there is asked for again as long as it was when it was new. */
static struct refresh_rules rules_of(const struct resolution *one)
{
	const struct config_settings *settings = &one->section->settings;

	if (one->listens)
		return (struct refresh_rules){REFRESH_FAILED_MS, REFRESH_PATIENCE_MS,
					      REFRESH_FOR_EVER};
	return (struct refresh_rules){
		.min_ms = settings->resolve_min_ms,
		.max_ms = settings->resolve_max_ms,
		.hold_ms = settings->resolve_hold_ms ? settings->resolve_hold_ms : REFRESH_FOR_EVER,
	};
}

enum resolution_news resolution_hear(struct resolution *one, struct name_answer *answer,
				     uint64_t now_ms, char change[RESOLUTION_CHANGE_MAX])
{
	const struct refresh_rules rules = rules_of(one);
	bool is_good = answer->status == NAME_FOUND;
	enum refresh_verdict verdict =
		refresh_hear(&one->refresh, &rules, answer, now_ms, arc4random());

	*change = '\0';
	one->resolved += is_good;
	one->failed += !is_good;
	memcpy(one->error, answer->error, sizeof(one->error));
	memcpy(one->asked, answer->asked, sizeof(one->asked));
	if (one->listens && is_good)
		one->refresh.due_ms = UINT64_MAX;
	if (verdict == REFRESH_USE)
		return use(one, answer, change);
	return verdict == REFRESH_DROP ? drop(one, change) : RESOLUTION_NOTHING;
}

bool resolution_is_stale(const struct resolution *one)
{
	return refresh_is_stale(&one->refresh);
}
