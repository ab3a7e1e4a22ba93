/*
 * check = mysql: MySQL and MariaDB, by their client/server protocol.  The server greets, we log
 * in as check_user without a password, and quit in the same packet of TCP, so that it counts no
 * aborted connection, of which it takes max_connect_errors before it refuses this machine.
 *
 *     3 bytes length, 1 sequence, then    0a ...   a greeting    00 ...   OK
 *                                         ff ...   an error      fe ...   another way to log in
 *
 * OK does not say that the user exists, and fe comes where the server would go on by another
 * method: either is alive.  Without check_user its greeting is enough, and it counts an aborted
 * connection for each check.
 */
#include "control/dialogue_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEADER       4
#define VERSION_10   0x0a
#define OK           0x00
#define SWITCH       0xfe
#define ERROR        0xff
#define USER_MAX     80
#define ERROR_HEADER 3 /* ff and a number */

static int say_login(struct dialogue *dialogue, const char *user)
{
	/* LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION; packets of 16 MiB; utf8; 23 zeroes */
	static const uint8_t login[32] = {0x01, 0x82, 0, 0, 0, 0, 0, 1, 33};
	static const uint8_t quit[] = {1, 0, 0, 0, 1};
	size_t length = strlen(user) + 1; /* its end */
	uint8_t header[HEADER] = {(uint8_t)(sizeof(login) + length + 1), 0, 0, 1};
	int r = dialogue_say(dialogue, header, sizeof(header));

	if (r == 0)
		r = dialogue_say(dialogue, login, sizeof(login));
	if (r == 0)
		r = dialogue_say(dialogue, user, length);
	if (r == 0)
		r = dialogue_say(dialogue, "", 1); /* no password */
	return r < 0 ? r : dialogue_say(dialogue, quit, sizeof(quit));
}

static uint32_t length_of(const uint8_t *packet)
{
	return packet[0] | (uint32_t)packet[1] << 8 | (uint32_t)packet[2] << 16;
}

/* "1040 Too many connections"; since 4.1 the text has a state in front, #08004. */
static enum dialogue_turn refused(const uint8_t *body, size_t size, struct check_result *result)
{
	size_t skip = size > ERROR_HEADER && body[ERROR_HEADER] == '#' ? 6 : 0;
	char quote[CHECK_QUOTE_MAX];

	if (size < ERROR_HEADER + skip)
		check_conclude(result, CHECK_L7STS, "answered an error without a number");
	else
		check_conclude(
			result, CHECK_L7STS, "answered error %u: %s",
			body[1] | (unsigned)body[2] << 8,
			check_quote(body + ERROR_HEADER + skip, size - ERROR_HEADER - skip, quote));
	return DIALOGUE_OVER;
}

static enum dialogue_turn strange(const struct heard *heard, struct check_result *result)
{
	char quote[CHECK_QUOTE_MAX];

	check_conclude(result, CHECK_L7RSP, "answered %s, which is not MySQL's protocol",
		       check_quote(heard->bytes, heard->count, quote));
	return DIALOGUE_OVER;
}

static enum dialogue_turn answered(const struct heard *heard, const uint8_t *packet, size_t size,
				   struct check_result *result)
{
	if (packet[HEADER] == ERROR)
		return refused(packet + HEADER, size - HEADER, result);
	if (packet[HEADER] != OK && packet[HEADER] != SWITCH)
		return strange(heard, result);
	check_conclude(result, CHECK_L7OK, "answered a login");
	return DIALOGUE_OVER;
}

static enum dialogue_turn greeted(const struct dialogue *dialogue, const struct heard *heard,
				  size_t size, struct check_result *result)
{
	if (heard->bytes[HEADER] == ERROR)
		return refused(heard->bytes + HEADER, size - HEADER, result);
	if (heard->bytes[HEADER] != VERSION_10)
		return strange(heard, result);
	if (dialogue->word_count)
		return DIALOGUE_SPEAK;
	check_conclude(result, CHECK_L7OK, "was greeted");
	return DIALOGUE_OVER;
}

/* The packet there, as far as its length is possible: its size, or 0. */
static size_t packet_size(const uint8_t *packet, size_t left)
{
	size_t size = left > HEADER ? HEADER + (size_t)length_of(packet) : 0;

	return size > HEADER && size <= DIALOGUE_HEARD_MAX / 2 ? size : 0;
}

static enum dialogue_turn hear_mysql(const struct dialogue *dialogue, const struct heard *heard,
				     struct check_result *result)
{
	size_t greeting = packet_size(heard->bytes, heard->count), answer;

	if (heard->count <= HEADER)
		return DIALOGUE_LISTEN;
	if (!greeting || heard->bytes[3] != 0)
		return strange(heard, result);
	if (heard->count < greeting)
		return DIALOGUE_LISTEN;
	if (!heard->spoke || heard->bytes[HEADER] != VERSION_10)
		return greeted(dialogue, heard, greeting, result);
	if (heard->count - greeting <= HEADER)
		return DIALOGUE_LISTEN;
	answer = packet_size(heard->bytes + greeting, heard->count - greeting);
	if (!answer || heard->bytes[greeting + 3] != 2)
		return strange(heard, result);
	if (heard->count - greeting < answer)
		return DIALOGUE_LISTEN;
	return answered(heard, heard->bytes + greeting, answer, result);
}

static int open_mysql(struct dialogue *dialogue, const struct dialogue_terms *terms,
		      const struct address *address, char *why);

static const struct dialogue_kind only_greeted = {"mysql", true, false, open_mysql, hear_mysql};
const struct dialogue_kind dialogue_mysql = {"mysql", true, true, open_mysql, hear_mysql};

static int open_mysql(struct dialogue *dialogue, const struct dialogue_terms *terms,
		      const struct address *address, char *why)
{
	int r = 0;

	(void)address;
	if (terms->user && strlen(terms->user) > USER_MAX) {
		snprintf(why, VALUE_WHY_MAX, "a user's name has at most %u bytes", USER_MAX);
		return -EINVAL;
	}
	if (terms->user && *terms->user)
		r = say_login(dialogue, terms->user);
	else
		dialogue->kind = &only_greeted;
	return r < 0 ? r : dialogue_name(dialogue, "mysql");
}
