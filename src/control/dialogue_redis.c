/*
 * check = redis: PING, which is answered +PONG; or -NOAUTH by one that wants a password, which
 * is as alive; -LOADING is not yet.  With check_expect = role:master it is asked for its part in
 * a replication, and with any other for what the answer to PING begins with.  QUIT behind it
 * lets the server end the connection.
 */
#include "control/dialogue_parts.h"

#include <string.h>

#define PONG   "+PONG\r\n"
#define NOAUTH "-NOAUTH"
#define ROLE   "role:"

static bool begins(const struct heard *heard, const char *text)
{
	return heard->count >= strlen(text) && !memcmp(heard->bytes, text, strlen(text));
}

static bool may_begin(const struct heard *heard, const char *text)
{
	return heard->count < strlen(text) && !memcmp(heard->bytes, text, heard->count);
}

static enum dialogue_turn hear_pong(const struct dialogue *dialogue, const struct heard *heard,
				    struct check_result *result)
{
	if (begins(heard, PONG))
		check_conclude(result, CHECK_L7OK, "answered +PONG");
	else if (begins(heard, NOAUTH))
		check_conclude(result, CHECK_L7OK, "answered -NOAUTH: it wants a password");
	else if (may_begin(heard, PONG) || may_begin(heard, NOAUTH))
		return DIALOGUE_LISTEN;
	else
		return dialogue_unwanted(dialogue, heard, result);
	return DIALOGUE_OVER;
}

/* "role:slave" of the line that says it, with its end; NULL: not heard so far. */
static const char *find_role(const struct heard *heard, const char **ret_end)
{
	const char *end = (const char *)heard->bytes + heard->count;
	const char *role = memmem(heard->bytes, heard->count, "\n" ROLE, strlen("\n" ROLE));

	*ret_end = role ? memchr(role + 1, '\r', (size_t)(end - role - 1)) : NULL;
	return *ret_end ? role + 1 : NULL;
}

static enum dialogue_turn hear_role(const struct dialogue *dialogue, const struct heard *heard,
				    struct check_result *result)
{
	char quote[CHECK_QUOTE_MAX];
	const char *end, *role;

	if (heard->count && heard->bytes[0] != '$')
		return dialogue_unwanted(dialogue, heard, result);
	role = find_role(heard, &end);
	if (!role)
		return DIALOGUE_LISTEN;
	if ((size_t)(end - role) == dialogue->expected_count &&
	    !memcmp(role, dialogue->expected, dialogue->expected_count))
		check_conclude(result, CHECK_L7OK, "answered %.80s", dialogue->expected_text);
	else
		check_conclude(result, CHECK_L7STS, "answered %s, wanted %.80s",
			       check_quote(role, (size_t)(end - role), quote),
			       dialogue->expected_text);
	return DIALOGUE_OVER;
}

static int open_redis(struct dialogue *dialogue, const struct dialogue_terms *terms,
		      const struct address *address, char *why);

static const struct dialogue_kind redis_role = {"redis", false, true, open_redis, hear_role};
static const struct dialogue_kind redis_other = {"redis", false, true, open_redis,
						 dialogue_compare};
const struct dialogue_kind dialogue_redis = {"redis", false, true, open_redis, hear_pong};

static int open_redis(struct dialogue *dialogue, const struct dialogue_terms *terms,
		      const struct address *address, char *why)
{
	bool role = terms->expect && !strncmp(terms->expect, ROLE, strlen(ROLE));
	int r = dialogue_expect(dialogue, terms->expect ? terms->expect : "+PONG", why);

	(void)address;
	if (terms->expect)
		dialogue->kind = role ? &redis_role : &redis_other;
	if (r == 0)
		r = dialogue_say_text(dialogue,
				      role ? "INFO replication\r\nQUIT\r\n" : "PING\r\nQUIT\r\n");
	return r < 0 ? r : dialogue_name(dialogue, "redis %s", role ? "INFO" : "PING");
}
