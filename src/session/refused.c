#include "session/refused.h"

#include "guard/acl.h"
#include "guard/crowd.h"
#include "session/arrival.h"
#include "session/record.h"
#include "session/sessions.h"
#include "session/tally.h"
#include "session/tenancy.h"

#include "ops/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RULE_TEXT_MAX 450

static const struct {
	const char *name, *sentence;
} causes[] = {
#define X(name, text, sentence) [REFUSED_##name] = {text, sentence},
	REFUSALS(X)
#undef X
};
static_assert(array_size(causes) == REFUSED_COUNT, "every cause has a name");

const char *refused_name(enum refused_cause cause)
{
	return causes[cause].name;
}

const char *refused_sentence(enum refused_cause cause)
{
	return causes[cause].sentence;
}

struct refused_crowds {
	struct crowd crowds[REFUSED_CROWDS];
	uint64_t taken; /* a bit for each */
};
static_assert(REFUSED_CROWDS == 64, "a bit for each");

struct refused_crowds *refused_crowds_make(void)
{
	return calloc(1, sizeof(struct refused_crowds));
}

/* ---- Counting -------------------------------------------------------------------------------- */

static void begin(struct sessions *all, struct branch *branch, struct refused *refused)
{
	refused->since_ms = all->loop->now_ms;
	if (!list_is_linked(&branch->refused_link))
		list_push(&all->refused, &branch->refused_link);
	condition_settle_by(all->loop, refused->since_ms + REFUSED_EVERY_MS);
}

static void count(struct sessions *all, struct branch *branch, struct refused *refused)
{
	if (unlikely(refused->count++ == 0))
		begin(all, branch, refused);
}

static struct crowd *take_crowd(struct refused_crowds *crowds)
{
	struct crowd *crowd;
	unsigned i;

	if (crowds->taken == UINT64_MAX)
		return NULL;
	i = (unsigned)__builtin_ctzll(~crowds->taken);
	crowds->taken |= UINT64_C(1) << i;
	crowd = &crowds->crowds[i];
	*crowd = (struct crowd){0};
	return crowd;
}

static void give_crowd_back(struct refused_crowds *crowds, struct refused *refused)
{
	if (refused->crowd)
		crowds->taken &= ~(UINT64_C(1) << (refused->crowd - crowds->crowds));
	refused->crowd = NULL;
}

static void count_client(struct sessions *all, struct branch *branch, struct refused *refused,
			 const struct arrival *client)
{
	if (refused->count == 0 && client->is_inet)
		refused->crowd = take_crowd(all->crowds);
	refused->of_clients = true;
	count(all, branch, refused);
	if (refused->crowd && client->is_inet)
		crowd_add(refused->crowd, client->address);
}

static void tally(struct branch *branch, enum refused_cause cause)
{
	cell_count(branch->cell, tally_refused(cause), 1);
}

void refused_one(struct sessions *all, struct branch *branch, enum refused_cause cause)
{
	tally(branch, cause);
	count(all, branch, &branch->refused[cause]);
}

void refused_client(struct sessions *all, struct branch *branch, enum refused_cause cause,
		    const struct arrival *client)
{
	tally(branch, cause);
	count_client(all, branch, &branch->refused[cause], client);
}

void refused_by_rule(struct sessions *all, struct branch *branch, uint32_t rule,
		     const struct arrival *client)
{
	struct account *account = branch->section->rules[rule];

	tally(branch, REFUSED_DENIED);
	cell_count(account_cell(account, all->loop->index), TALLY_CONNECTIONS, 1);
	count_client(all, branch, &branch->ruled_out[rule], client);
}

/* ---- Telling --------------------------------------------------------------------------------- */

/* "deny = 10.0.0.0/8 (/etc/uringproxy.conf:12)" */
static const char *rule_text(const struct section *section, uint32_t rule, char *text, size_t size)
{
	const struct config_origin *origin = acl_rule_origin(section->acl, rule);
	const struct config *config = section->edition->config;

	if (!origin)
		snprintf(text, size, "%s", acl_rule_text(section->acl, rule));
	else
		snprintf(text, size, "%.200s (%.200s:%u)", acl_rule_text(section->acl, rule),
			 config->files[origin->file], origin->line);
	return text;
}

/* ... and for a cause that a key governs, that key: "... (client_rate = 5/s, [proxy a] line 7)" */
static const char *cause_text(const struct section *section, enum refused_cause cause, char *text,
			      size_t size)
{
	static const char *const keys[REFUSED_COUNT] = {
		[REFUSED_CLIENT_MOST] = "max_per_client",
		[REFUSED_CLIENT_FAST] = "client_rate",
	};
	char key[CONFIG_EXPLAIN_MAX];

	if (!keys[cause])
		return causes[cause].sentence;
	snprintf(text, size, "%s (%.*s)", causes[cause].sentence, RULE_TEXT_MAX - 100,
		 config_explain(section->edition->config, section->config, keys[cause], key,
				sizeof(key)));
	return text;
}

/* For the log: refusals for what clients are.  Others have lines of their own. */
static void log_clients(const struct record_refused *clients, uint64_t now_ms)
{
	uint64_t seconds = (now_ms - clients->since_ms + 500) / 1000;

	char crowd[64] = "";

	if (clients->addresses)
		snprintf(crowd, sizeof(crowd), " from %s%" PRIu64 " address%s",
			 clients->addresses >= CROWD_MAX ? "more than " : "about ",
			 clients->addresses, clients->addresses == 1 ? "" : "es");
	log_info("%s refused %" PRIu64 " connection%s%s in %" PRIu64 " s: %s",
		 clients->section->config->title, clients->count, clients->count == 1 ? "" : "s",
		 crowd, seconds ? seconds : 1, clients->reason_text);
}

static void tell_clients(struct sessions *all, struct branch *branch, struct refused *refused,
			 const char *reason, const char *sentence)
{
	struct record_refused clients = {
		.section = branch->section,
		.count = refused->count,
		.since_ms = refused->since_ms,
		.reason = reason,
		.reason_text = sentence,
		.addresses = refused->crowd ? crowd_count(refused->crowd) : 0,
	};

	/* Of those that have records of their own there is only a line in the log. */
	if (reason != causes[REFUSED_NO_HEADER].name)
		record_refused(all, &clients);
	if (refused->of_clients)
		log_clients(&clients, all->loop->now_ms);
	give_crowd_back(all->crowds, refused);
	refused->count = 0;
}

/* Whether it is time, or later. */
static bool is_due(struct sessions *all, const struct refused *refused, uint64_t before_ms,
		   bool *ret_left)
{
	if (refused->count == 0)
		return false;
	if (refused->since_ms <= before_ms)
		return true;
	condition_settle_by(all->loop, refused->since_ms + REFUSED_EVERY_MS);
	*ret_left = true;
	return false;
}

/* Tell of those who came before that.  Whether there are others. */
static bool tell(struct sessions *all, struct branch *branch, uint64_t before_ms)
{
	uint32_t rules = branch->ruled_out ? acl_rule_count(branch->section->acl) + 1 : 0;
	char text[RULE_TEXT_MAX];
	bool left = false;

	for (unsigned cause = 0; cause < REFUSED_COUNT; cause++)
		if (is_due(all, &branch->refused[cause], before_ms, &left))
			tell_clients(all, branch, &branch->refused[cause], causes[cause].name,
				     cause_text(branch->section, (enum refused_cause)cause, text,
						sizeof(text)));
	for (uint32_t rule = 0; rule < rules; rule++)
		if (is_due(all, &branch->ruled_out[rule], before_ms, &left))
			tell_clients(all, branch, &branch->ruled_out[rule],
				     causes[REFUSED_DENIED].name,
				     rule_text(branch->section, rule, text, sizeof(text)));
	return left;
}

static void tell_all(struct sessions *all, uint64_t before_ms)
{
	struct list *node = all->refused.next, *next;

	for (; node != &all->refused; node = next) {
		next = node->next;
		if (!tell(all, container_of(node, struct branch, refused_link), before_ms))
			list_remove(node);
	}
}

void refused_settle(struct sessions *all)
{
	if (all->loop->now_ms >= REFUSED_EVERY_MS)
		tell_all(all, all->loop->now_ms - REFUSED_EVERY_MS);
}

void refused_end(struct sessions *all)
{
	tell_all(all, all->loop->now_ms);
}

void refused_forget(struct sessions *all, struct branch *branch)
{
	if (!list_is_linked(&branch->refused_link))
		return;
	(void)tell(all, branch, all->loop->now_ms);
	list_remove(&branch->refused_link);
}
