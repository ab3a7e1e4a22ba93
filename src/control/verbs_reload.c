#include "control/verbs_reload.h"

#include "base/clock.h"
#include "control/answers.h"
#include "control/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 30000 /* names alone may take two seconds */

/* ---- What came of one ------------------------------------------------------------------------ */

/* Where the place of a message ends, "FILE:LINE: ...", and *ret_line; NULL: it has none. */
static const char *end_of_file(const char *text, unsigned long *ret_line)
{
	for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
		char *end;

		*ret_line = strtoul(colon + 1, &end, 10);
		if (end > colon + 1 && *end == ':' && *ret_line)
			return colon;
	}
	return NULL;
}

static json_t *message_json(const char *text)
{
	unsigned long line;
	const char *end = end_of_file(text, &line);

	return end ? json_pack("{s:s%, s:I, s:s}", "file", text, (size_t)(end - text), "line",
			       (json_int_t)line, "message", text)
		   : json_pack("{s:s}", "message", text);
}

static json_t *messages_json(const struct report *report, enum report_kind kind)
{
	json_t *messages = json_array();

	for (size_t i = 0; i < report->count; i++)
		if (report->lines[i].kind == kind)
			json_array_append_new(messages, message_json(report->lines[i].text));
	return messages;
}

static json_t *changes_json(const struct report *report)
{
	json_t *changes = json_array();

	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(changes, json_string(report->lines[i].text));
	return changes;
}

static json_t *good_json(const struct reload_result *result)
{
	return json_pack("{s:I, s:o, s:o}", "edition", (json_int_t)result->edition, "changes",
			 changes_json(result->changed), "warnings",
			 messages_json(result->said, REPORT_WARNING));
}

static json_t *wrong_json(const struct reload_result *result)
{
	size_t mistakes = result->said->found[REPORT_MISTAKE];
	char message[200];

	snprintf(message, sizeof(message),
		 "the configuration is not reloaded for %zu mistake%s: edition %llu goes on "
		 "serving, "
		 "and nothing has changed",
		 mistakes, mistakes == 1 ? "" : "s", (unsigned long long)result->edition);
	return json_pack("{s:{s:s, s:s}, s:I, s:o, s:o}", "error", "code", "configuration",
			 "message", message, "edition", (json_int_t)result->edition, "errors",
			 messages_json(result->said, REPORT_MISTAKE), "warnings",
			 messages_json(result->said, REPORT_WARNING));
}

struct asked_reload {
	struct reload_call call;
	struct http_request *request;
};

static void reloaded(struct reload_call *call, const struct reload_result *result)
{
	struct asked_reload *asked = container_of(call, struct asked_reload, call);
	struct http_request *request = asked->request;

	free(asked);
	if (result->refused)
		http_error(request, 409, "stopping", result->refused, NULL);
	else if (result->good)
		answer_json(request, 200, good_json(result));
	else
		answer_json(request, 422, wrong_json(result));
}

void verb_reload(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	struct asked_reload *asked;
	json_t *body;

	(void)parts;
	if (!answer_takes_body(request, (const struct body_field[]){{0}}, &body))
		return;
	json_decref(body);
	asked = calloc(1, sizeof(*asked));
	if (!asked) {
		http_error(request, 503, "memory", "there is no memory to reload", "ask again");
		return;
	}
	*asked = (struct asked_reload){.call.done = reloaded, .request = request};
	http_extend(request, PATIENCE_MS);
	verbs->tellers.reload(verbs->tellers.owner, &asked->call);
}

/* ---- For `status` ---------------------------------------------------------------------------- */

json_t *verb_reload_status(const struct serve_status *status)
{
	return json_pack("{s:b, s:s?}", "good", !status->mistake, "mistake", status->mistake);
}

json_t *verb_reload_editions(const struct verbs *verbs)
{
	json_t *editions = json_array();
	struct serve_edition old;

	for (size_t i = 0; verbs->tellers.old_edition(verbs->tellers.owner, i, &old); i++)
		json_array_append_new(
			editions, json_pack("{s:I, s:I, s:f}", "edition", (json_int_t)old.number,
					    "held_by", (json_int_t)old.used, "replaced_seconds_ago",
					    (double)(clock_now_ms() - old.replaced_ms) / 1000));
	return editions;
}
