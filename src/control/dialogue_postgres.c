/*
 * check = postgres: a StartupMessage 3.0 as check_user, by the PostgreSQL manual's "Message
 * Formats".  A question for a password, R, or an error, E, is an answer of a server that serves,
 * since the user need not exist; but for the errors by which it says that it takes nobody: it
 * starts or stops, 57P03, or has too many, 53300.
 *
 *     E  4 bytes length  then fields: a letter, text, 00; C is the SQLSTATE, M the message
 */
#include "control/dialogue_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define USER     "uringproxy"
#define USER_MAX 63
#define HEADER   5 /* a letter and a length that counts itself */

static int open_postgres(struct dialogue *dialogue, const struct dialogue_terms *terms,
			 const struct address *address, char *why)
{
	const char *user = terms->user && *terms->user ? terms->user : USER;
	static const uint8_t version[] = {0, 3, 0, 0};
	uint32_t length =
		htonl((uint32_t)(4 + sizeof(version) + sizeof("user") + strlen(user) + 2));
	int r;

	(void)address;
	if (strlen(user) > USER_MAX) {
		snprintf(why, VALUE_WHY_MAX, "a user's name has at most %u bytes", USER_MAX);
		return -EINVAL;
	}
	r = dialogue_say(dialogue, &length, sizeof(length));
	if (r == 0)
		r = dialogue_say(dialogue, version, sizeof(version));
	if (r == 0)
		r = dialogue_say(dialogue, "user", sizeof("user"));
	if (r == 0)
		r = dialogue_say(dialogue, user, strlen(user) + 1);
	if (r == 0)
		r = dialogue_say(dialogue, "", 1);
	return r < 0 ? r : dialogue_name(dialogue, "postgres");
}

static size_t length_of(const uint8_t *message)
{
	return (size_t)message[1] << 24 | (size_t)message[2] << 16 | (size_t)message[3] << 8 |
	       message[4];
}

/* A field's text, or "" where there is none; it ends before the message does. */
static const char *field(const uint8_t *message, size_t size, char letter)
{
	const char *at = (const char *)message + HEADER, *end = (const char *)message + size;

	while (at < end && *at) {
		const char *over = memchr(at, 0, (size_t)(end - at));

		if (!over)
			return "";
		if (*at == letter)
			return at + 1;
		at = over + 1;
	}
	return "";
}

static enum dialogue_turn refused(const uint8_t *message, size_t size, struct check_result *result)
{
	static const char *const unwell[] = {"57P03", "53300"};
	const char *state = field(message, size, 'C'), *text = field(message, size, 'M');
	char quote[CHECK_QUOTE_MAX], quoted_state[CHECK_QUOTE_MAX];

	for (size_t i = 0; i < array_size(unwell); i++)
		if (!strcmp(state, unwell[i])) {
			check_conclude(result, CHECK_L7STS, "answered error %s: %s", state,
				       check_quote(text, strlen(text), quote));
			return DIALOGUE_OVER;
		}
	check_conclude(result, CHECK_L7OK, "answered error %s",
		       check_quote(state, strlen(state), quoted_state));
	return DIALOGUE_OVER;
}

static enum dialogue_turn hear_postgres(const struct dialogue *dialogue, const struct heard *heard,
					struct check_result *result)
{
	const uint8_t *message = heard->bytes;
	char quote[CHECK_QUOTE_MAX];
	size_t size;

	(void)dialogue;
	if (heard->count < HEADER && (!heard->count || *message == 'R' || *message == 'E'))
		return DIALOGUE_LISTEN;
	size = heard->count < HEADER ? 0 : 1 + length_of(message);
	if ((*message != 'R' && *message != 'E') || size < HEADER || size > DIALOGUE_HEARD_MAX) {
		check_conclude(result, CHECK_L7RSP,
			       "answered %s, which is not PostgreSQL's protocol",
			       check_quote(message, heard->count, quote));
		return DIALOGUE_OVER;
	}
	if (heard->count < size)
		return DIALOGUE_LISTEN;
	if (*message == 'E')
		return refused(message, size, result);
	check_conclude(result, CHECK_L7OK, "answered a login");
	return DIALOGUE_OVER;
}

const struct dialogue_kind dialogue_postgres = {
	.name = "postgres", .open = open_postgres, .hear = hear_postgres};
