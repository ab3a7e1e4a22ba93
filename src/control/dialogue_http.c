/*
 * check = http: check_request, HTTP/1.1, and of the answer the status, and where check_expect has
 * it what is in the body, as it comes.  GET rather than OPTIONS, which some applications refuse.
 * What is said before it -- 103, early hints -- is passed over.
 */
#include "control/dialogue_parts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST        "GET /"
#define VERSION_LENGTH (sizeof("HTTP/1.1 ") - 1)
#define STATUS_LENGTH  (VERSION_LENGTH + sizeof("200") - 1)

/* ---- Asking ---------------------------------------------------------------------------------- */

/* A method and a path, with no blank besides the one between them. */
static int check_request(const char *request, char *why)
{
	size_t method = strcspn(request, " ");
	const char *path = request + method + 1;

	for (const char *c = request; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			method = 0;
	if (method && request[method] && *path == '/' && !strchr(path, ' '))
		return 0;
	snprintf(why, VALUE_WHY_MAX,
		 "\"%.80s\" is no method and path; write for example GET / or HEAD /health",
		 request);
	return -EINVAL;
}

static int say_request(struct dialogue *dialogue, const char *request, const char *host)
{
	char *text;
	int r;

	if (asprintf(&text,
		     "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
		     "User-Agent: uringproxy-check\r\n\r\n",
		     request, host) < 0)
		return -ENOMEM;
	r = dialogue_say_text(dialogue, text);
	free(text);
	return r;
}

static int open_http(struct dialogue *dialogue, const struct dialogue_terms *terms,
		     const struct address *address, char *why)
{
	const char *request = terms->request ? terms->request : REQUEST;
	const char *expect = terms->expect ? terms->expect : EXPECT_STATUSES;
	char host[ADDRESS_TEXT_MAX];
	int r = check_request(request, why);

	if (r < 0)
		return r;
	dialogue->expected = malloc(strlen(expect) + 1);
	dialogue->expected_text = strdup(expect);
	if (!dialogue->expected || !dialogue->expected_text)
		return -ENOMEM;
	r = expect_parse_http(&dialogue->statuses, dialogue->expected, &dialogue->expected_count,
			      expect, why);
	if (r < 0)
		return r;
	if (terms->host)
		snprintf(host, sizeof(host), "%s", terms->host);
	else if (address->kind == ADDRESS_UNIX)
		snprintf(host, sizeof(host), "localhost");
	else
		address_format(address, host, sizeof(host));
	r = say_request(dialogue, request, host);
	return r < 0 ? r : dialogue_name(dialogue, "http %s", request);
}

/* ---- Listening ------------------------------------------------------------------------------- */

/* Whether so much of a status line is one, as far as it goes. */
static bool is_status_line(const uint8_t *line, size_t count)
{
	static const char form[] = "HTTP/1.d ddd";

	for (size_t i = 0; i < count && i < sizeof(form) - 1; i++)
		if (form[i] == 'd' ? !isdigit(line[i]) : line[i] != (uint8_t)form[i])
			return false;
	return count <= STATUS_LENGTH || line[STATUS_LENGTH] == ' ' ||
	       line[STATUS_LENGTH] == '\r' || line[STATUS_LENGTH] == '\n';
}

static unsigned status_of(const uint8_t *line)
{
	const uint8_t *digits = line + VERSION_LENGTH;

	return (digits[0] - '0') * 100u + (digits[1] - '0') * 10u + (digits[2] - '0');
}

/* The text of what the body is to have. */
static const char *wanted_of(const struct dialogue *dialogue)
{
	return strchr(dialogue->expected_text, '*') + 1;
}

/* The status is as it should be: whether the body is. */
static enum dialogue_turn judge_body(const struct dialogue *dialogue, const struct heard *heard,
				     const uint8_t *line, struct check_result *result)
{
	size_t left = heard->count - (size_t)(line - heard->bytes);
	const uint8_t *body = memmem(line, left, "\r\n\r\n", 4);

	if (body) {
		body += 4;
		left -= (size_t)(body - line);
	}
	if (body && memmem(body, left, dialogue->expected, dialogue->expected_count))
		check_conclude(result, CHECK_L7OK, "answered %u with %.80s", status_of(line),
			       wanted_of(dialogue));
	else if (heard->all)
		check_conclude(result, CHECK_L7RSP, "answered %u, without %.80s in what it says",
			       status_of(line), wanted_of(dialogue));
	else
		return DIALOGUE_LISTEN;
	return DIALOGUE_OVER;
}

static enum dialogue_turn judge(const struct dialogue *dialogue, const struct heard *heard,
				const uint8_t *line, struct check_result *result)
{
	unsigned status = status_of(line);

	if (expect_has_status(&dialogue->statuses, status) && dialogue->expected_count)
		return judge_body(dialogue, heard, line, result);
	if (expect_has_status(&dialogue->statuses, status))
		check_conclude(result, CHECK_L7OK, "answered %u", status);
	else
		check_conclude(result, CHECK_L7STS, "answered %u, wanted %.80s", status,
			       dialogue->expected_text);
	return DIALOGUE_OVER;
}

/* That a status is there is known by what stands behind it, or by the end. */
static enum dialogue_turn hear_http(const struct dialogue *dialogue, const struct heard *heard,
				    struct check_result *result)
{
	const uint8_t *line = heard->bytes;
	size_t left = heard->count;
	char quote[CHECK_QUOTE_MAX];

	while (is_status_line(line, left)) {
		const uint8_t *end;

		if (left < STATUS_LENGTH + !heard->all)
			return DIALOGUE_LISTEN;
		if (line[VERSION_LENGTH] != '1' || status_of(line) == 101)
			return judge(dialogue, heard, line, result);
		end = memmem(line, left, "\r\n\r\n", 4);
		if (!end)
			return DIALOGUE_LISTEN;
		left -= (size_t)(end + 4 - line);
		line = end + 4;
	}
	check_conclude(result, CHECK_L7RSP, "answered %s, which is no HTTP/1",
		       check_quote(line, left, quote));
	return DIALOGUE_OVER;
}

const struct dialogue_kind dialogue_http = {
	.name = "http", .ends = true, .open = open_http, .hear = hear_http};
