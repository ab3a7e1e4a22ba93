/*
 * What a server answers to a check comes to the same however it is split, and what is said of it
 * can be printed.  The first byte chooses the dialogue.
 */
#include "control/dialogue.h"

#include <stdlib.h>
#include <string.h>

static const struct dialogue_terms all[] = {
	{.check = CONFIG_CHECK_HTTP},
	{.check = CONFIG_CHECK_SEND, .expect = "220"},
	{.check = CONFIG_CHECK_SEND, .expect = "*well"},
	{.check = CONFIG_CHECK_REDIS},
	{.check = CONFIG_CHECK_REDIS, .expect = "role:master"},
	{.check = CONFIG_CHECK_MYSQL, .user = "check"},
	{.check = CONFIG_CHECK_MYSQL},
	{.check = CONFIG_CHECK_POSTGRES},
};

static void check_text(const char *text)
{
	assert(*text && strlen(text) < CHECK_TEXT_MAX - 1); /* nothing of it is cut off */
	for (; *text; text++)
		assert(*text >= ' ' && *text <= '~');
}

/* The same bytes at the end of a block of their size: what reads behind them is found out. */
static enum dialogue_turn hear(const struct dialogue *dialogue, const struct heard *heard,
			       struct check_result *result)
{
	struct heard copy = *heard;
	uint8_t *bytes = malloc(heard->count ? heard->count : 1);
	enum dialogue_turn turn;

	if (heard->count)
		memcpy(bytes, heard->bytes, heard->count);
	copy.bytes = bytes;
	turn = dialogue_hear(dialogue, &copy, result);
	free(bytes);
	return turn;
}

static struct check_result play(const struct dialogue *dialogue, const uint8_t *data, size_t size,
				size_t piece)
{
	struct heard heard = {.bytes = data, .spoke = !dialogue->kind->greets};
	struct check_result result = {0};
	enum dialogue_turn turn;

	do {
		if (heard.count == size)
			heard.all = true;
		heard.count = heard.count + piece < size ? heard.count + piece : size;
		turn = hear(dialogue, &heard, &result);
		if (turn == DIALOGUE_SPEAK) {
			assert(!heard.spoke);
			heard.spoke = true;
		}
		assert(!heard.all || turn != DIALOGUE_LISTEN);
	} while (turn != DIALOGUE_OVER);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct address address = {.kind = ADDRESS_UNIX};
	struct check_result whole, split;
	struct dialogue dialogue;
	char why[VALUE_WHY_MAX];

	if (size < 1 || size > 1024 ||
	    dialogue_open(&dialogue, &all[data[0] % array_size(all)], &address, why) < 0)
		return 0;
	whole = play(&dialogue, data + 1, size - 1, size);
	split = play(&dialogue, data + 1, size - 1, 1 + data[0] / array_size(all) % 7);
	assert(whole.code == split.code);
	check_text(whole.text);
	check_text(split.text);
	dialogue_close(&dialogue);
	return 0;
}
