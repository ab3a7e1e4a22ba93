#include "control/dialogue_parts.h"

#include <stdlib.h>

static int open_tcp(struct dialogue *dialogue, const struct dialogue_terms *terms,
		    const struct address *address, char *why)
{
	(void)terms;
	(void)address;
	(void)why;
	return dialogue_name(dialogue, "tcp");
}

static const struct dialogue_kind dialogue_tcp = {.name = "tcp", .open = open_tcp};

static const struct dialogue_kind *const kinds[] = {
	[CONFIG_CHECK_TCP] = &dialogue_tcp,     [CONFIG_CHECK_HTTP] = &dialogue_http,
	[CONFIG_CHECK_SEND] = &dialogue_send,   [CONFIG_CHECK_REDIS] = &dialogue_redis,
	[CONFIG_CHECK_MYSQL] = &dialogue_mysql, [CONFIG_CHECK_POSTGRES] = &dialogue_postgres,
};
static_assert(array_size(kinds) == CONFIG_CHECK_COUNT, "every word has a kind");

int dialogue_open(struct dialogue *dialogue, const struct dialogue_terms *terms,
		  const struct address *address, char why[VALUE_WHY_MAX])
{
	int r;

	*dialogue = (struct dialogue){.kind = kinds[terms->check], .header = terms->header};
	r = dialogue->kind->open(dialogue, terms, address, why);
	if (r < 0)
		dialogue_close(dialogue);
	return r;
}

void dialogue_close(struct dialogue *dialogue)
{
	free(dialogue->title);
	free(dialogue->words);
	free(dialogue->expected);
	free(dialogue->expected_text);
	*dialogue = (struct dialogue){0};
}

bool dialogue_is_silent(const struct dialogue *dialogue)
{
	return !dialogue->kind->hear;
}

/* That a server closes tells something only after what it has said before. */
enum dialogue_turn dialogue_hear(const struct dialogue *dialogue, const struct heard *heard,
				 struct check_result *result)
{
	enum dialogue_turn turn = dialogue->kind->hear(dialogue, heard, result);

	return turn == DIALOGUE_LISTEN && heard->all ? dialogue_cut_short(heard, result) : turn;
}
