#include "control/verbs_names.h"

#include "base/clock.h"
#include "control/answers.h"
#include "control/member.h"
#include "control/resolve.h"

#include <stdio.h>

#define MS_PER_S 1000

static void add_records(struct sheet *sheet, const struct resolution *one)
{
	member_list(sheet, "records");
	for (uint32_t i = 0; i < one->set.count; i++) {
		const struct name_record *record = &one->set.records[i];
		char text[ADDRESS_TEXT_MAX];
		struct address address;

		name_record_address(record, &address);
		member_object(sheet, i);
		member_text(sheet, "address", address_format(&address, text, sizeof(text)));
		if (one->endpoint->address.is_service) {
			member_number(sheet, "priority", record->priority);
			member_number(sheet, "weight", record->weight);
		}
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static const char *state_of(const struct resolution *one)
{
	if (!one->answered)
		return "missing";
	if (one->set.count == 0)
		return "empty";
	return resolution_is_stale(one) ? "stale" : "found";
}

/* When it was found and is asked for again; what is being asked for, or never will be, has no next.
 */
static void add_times(struct sheet *sheet, const struct resolution *one, uint64_t now_ms)
{
	const struct refresh *refresh = &one->refresh;

	if (refresh->found_ms && refresh->found_ms <= now_ms)
		member_seconds(sheet, "age_seconds", now_ms - refresh->found_ms, MS_PER_S);
	if (one->ttl_s != NAME_NO_TTL)
		member_number(sheet, "ttl_seconds", one->ttl_s);
	if (refresh->due_ms != UINT64_MAX)
		member_seconds(sheet, "next_seconds",
			       refresh->due_ms > now_ms ? refresh->due_ms - now_ms : 0, MS_PER_S);
}

static void add_name(struct sheet *sheet, const struct resolution *one, const struct config *config,
		     uint64_t now_ms)
{
	const struct config_endpoint *line = one->endpoint;
	char place[RESOLVE_PLACE_MAX];

	snprintf(place, sizeof(place), "%s:%u", config->files[line->file], line->line);
	member_text(sheet, "name", line->address.host);
	member_text(sheet, "type", line->address.is_service ? "SRV" : "A/AAAA");
	member_text(sheet, one->section->kind == CONFIG_POOL ? "pool" : "proxy",
		    one->section->name ? one->section->name : "");
	member_text(sheet, "use", one->listens ? "listen" : "server");
	member_text(sheet, "place", place);
	member_text(sheet, "state", state_of(one));
	member_text(sheet, "asked", one->asked);
	add_times(sheet, one, now_ms);
	member_number(sheet, "resolved", one->resolved);
	member_number(sheet, "failed", one->failed);
	member_number(sheet, "changes", one->changes);
	member_text(sheet, "error", one->error);
	add_records(sheet, one);
}

void verb_names(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	const struct resolver *resolver = verbs->tellers.names(verbs->tellers.owner);
	uint64_t now_ms = clock_now_ms();
	struct sheet sheet = {0};

	(void)parts;
	sheet_add(&sheet, "{");
	member_list(&sheet, "names");
	for (uint32_t i = 0; i < resolver->count; i++) {
		member_object(&sheet, i);
		add_name(&sheet, &resolver->list[i], resolver->config, now_ms);
		sheet_add(&sheet, "}");
	}
	sheet_add(&sheet, "]}");
	answer_sheet(request, "application/json", &sheet);
}
