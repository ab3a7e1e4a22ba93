#include "control/complete.h"

#include "config/schema.h"
#include "control/ask_names.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#define FILES ":files\n"

struct completing {
	struct commandline *line;
	const char *current; /* the word that is completed */
	const char *before;  /* what it begins with that is no part of names: "--proxy=" */
	const struct command *command;
	int operand; /* which one it would be, from 0 */
};

/* ---- What is offered ------------------------------------------------------------------------- */

/* Where it goes on from what is there. */
static void offer(const struct completing *completing, const char *word, const char *description)
{
	const char *rest = completing->current + strlen(completing->before);

	if (strncmp(word, rest, strlen(rest)) != 0)
		return;
	printf("%s%s%s%s\n", completing->before, word, *description ? "\t" : "", description);
}

static void offer_name(void *completing, const char *name)
{
	if (!strpbrk(name, "\n\t"))
		offer(completing, name, "");
}

/* What is asked for takes its time, and whoever types does not wait for it. */
static void give_up(int signal)
{
	(void)signal;
	_exit(EX_OK);
}

static void offer_live(struct completing *completing, const char *place)
{
	const struct itimerval patience = {.it_value.tv_usec = COMPLETE_PATIENCE_MS * 1000L};

	signal(SIGALRM, give_up);
	setitimer(ITIMER_REAL, &patience, NULL);
	ask_names(completing->line, place, offer_name, completing);
}

/* It stands for itself; of "weight=N" what is before the value. */
static void offer_word(const struct completing *completing, const char *word)
{
	const char *equals = strchr(word, '=');
	char begun[64];

	snprintf(begun, sizeof(begun), "%.*s", equals ? (int)(equals + 1 - word) : 60, word);
	offer(completing, begun, "");
}

/* What a word of a synopsis stands for. */
static void offer_place(struct completing *completing, const char *place)
{
	const char *const *levels = schema_find("level", IN_LOG)->words;

	if (!strcmp(place, "FILE") || !strcmp(place, "SOCKET"))
		fputs(FILES, stdout);
	else if (!strcmp(place, "LEVEL"))
		for (; *levels; levels++)
			offer(completing, *levels, "");
	else if (isupper((unsigned char)*place))
		offer_live(completing, place);
	else
		offer_word(completing, place);
}

/* ---- Synopses -------------------------------------------------------------------------------- */

/* The next word of a synopsis: "drain", "PROXY", "--undo", "--proxy=PROXY", and what ends it. */
static const char *next_word(const char *at, char word[64], char *ret_end)
{
	size_t length;

	at += strspn(at, " []|");
	length = strcspn(at, " []|");
	if (length == 0 || length >= 64)
		return NULL;
	memcpy(word, at, length);
	word[length] = 0;
	*ret_end = at[length];
	return at + length;
}

static void offer_options(const struct completing *completing)
{
	const char *at = completing->command ? completing->command->synopsis : "--test --resolve";
	char word[64], end;

	while ((at = next_word(at, word, &end))) {
		char *equals = strchr(word, '=');

		if (equals)
			equals[1] = 0;
		if (!strncmp(word, "--", 2))
			offer(completing, word, "");
	}
	for (const struct option *option = commandline_common; option->name; option++) {
		snprintf(word, sizeof(word), "--%s", option->name);
		offer(completing, word, "");
	}
}

/* Of "--proxy=we" what "--proxy=PROXY" stands for. */
static void offer_values(struct completing *completing)
{
	size_t length = (size_t)(strchr(completing->current, '=') - completing->current) + 1;
	const char *at = completing->command ? completing->command->synopsis : "";
	char before[64], word[64], end;

	if (length >= sizeof(before))
		return;
	snprintf(before, sizeof(before), "%.*s", (int)length, completing->current);
	completing->before = before;
	if (!strcmp(before, "--config=") || !strcmp(before, "--socket="))
		fputs(FILES, stdout);
	while ((at = next_word(at, word, &end)))
		if (!strncmp(word, before, length))
			offer_place(completing, word + length);
	completing->before = "";
}

/* Of "drain [PROXY]" or "server NAME ready|drain" the operand that is next. */
static void offer_operands(struct completing *completing)
{
	const char *at = completing->command->synopsis;
	int operand = -1; /* the first word is the name */
	char word[64], end = 0;

	while ((at = next_word(at, word, &end))) {
		if (operand == completing->operand && strncmp(word, "--", 2) != 0)
			offer_place(completing, word);
		if (strncmp(word, "--", 2) != 0 && end != '|')
			operand++;
	}
}

static void offer_commands(const struct completing *completing)
{
	const struct command *command = completing->line->commands;

	for (; command->name; command++)
		if (command->synopsis)
			offer(completing, command->name, command->help);
}

/* ---- The line -------------------------------------------------------------------------------- */

/* An option that names where the daemon is asked: 1 where the next word is its value. */
static bool take_place(struct commandline *line, const char *word, const char *next)
{
	bool config = !strcmp(word, "-c") || !strcmp(word, "--config");

	if (!config && strcmp(word, "-s") != 0 && strcmp(word, "--socket") != 0)
		return false;
	if (config && next) {
		line->path = next;
		line->named = true;
	} else if (next) {
		line->socket = next;
	}
	return true;
}

static const struct command *find(const struct command *command, const char *name)
{
	for (; command->name; command++)
		if (command->synopsis && !strcmp(command->name, name))
			return command;
	return NULL;
}

/* False: there is nothing to be offered. */
static bool take_words(struct completing *completing, int count, char *words[])
{
	for (int i = 0; i < count; i++) {
		if (take_place(completing->line, words[i], i + 1 < count ? words[i + 1] : NULL)) {
			if (++i == count)
				fputs(FILES, stdout);
			if (i == count)
				return false;
		} else if (*words[i] == '-') {
			continue;
		} else if (completing->command) {
			completing->operand++;
		} else {
			completing->command = find(completing->line->commands, words[i]);
			if (!completing->command)
				return false;
		}
	}
	return true;
}

int command_complete(struct commandline *line)
{
	struct completing completing = {.line = line, .current = "", .before = ""};
	char **words = line->argv + 1;
	int count = line->argc - 1;

	if (count && !strcmp(*words, "--")) {
		words++;
		count--;
	}
	if (count)
		completing.current = words[--count];
	if (!take_words(&completing, count, words))
		return EX_OK;
	if (*completing.current == '-' && strchr(completing.current, '='))
		offer_values(&completing);
	else if (*completing.current == '-')
		offer_options(&completing);
	else if (completing.command)
		offer_operands(&completing);
	else
		offer_commands(&completing);
	return EX_OK;
}
