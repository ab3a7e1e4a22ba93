#include "control/answers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENT_MAX_SHOWN 40

const char *answer_asker(const struct http_request *request, char asker[ANSWER_ASKER_MAX])
{
	const struct http_peer *peer = &request->peer;

	if (peer->known)
		snprintf(asker, ANSWER_ASKER_MAX, "user %u (process %d%s%s)", peer->uid,
			 (int)peer->pid, *peer->comm ? ", " : "", peer->comm);
	else
		snprintf(asker, ANSWER_ASKER_MAX, "somebody");
	return asker;
}

void answer_text(struct http_request *request, unsigned status, const char *text)
{
	http_answer(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

void answer_json(struct http_request *request, unsigned status, json_t *value)
{
	const size_t flags = JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15);
	char *text = value ? json_dumps(value, flags) : NULL, *line = NULL;
	int size = text ? asprintf(&line, "%s\n", text) : -1;

	json_decref(value);
	free(text);
	http_give(request, status, "application/json", size < 0 ? NULL : line,
		  size < 0 ? 0 : (size_t)size);
}

void answer_sheet(struct http_request *request, const char *type, struct sheet *sheet)
{
	const char *text = sheet_text(sheet);

	if (text)
		http_answer(request, 200, type, text, strlen(text));
	else
		http_error(request, 503, "memory", "there is no memory for the answer",
			   "ask again");
	sheet_done(sheet);
}

bool answer_takes_body(struct http_request *request, const struct body_field *fields,
		       json_t **ret_body)
{
	char why[BODY_WHY_MAX];
	int r = body_read(request->body, request->body_size, fields, ret_body, why);

	if (r == -EINVAL)
		http_error(request, 400, "body", why, "uringproxy(8) says what is taken");
	else if (r < 0)
		http_error(request, 503, "memory", "there is no memory for the request",
			   "ask again");
	return r == 0;
}

bool answer_takes_argument(struct http_request *request, const char *name, const char **ret_value)
{
	char why[ARGUMENT_MAX_SHOWN + 60];

	*ret_value = NULL;
	for (size_t i = 0; i < request->argument_count; i++) {
		const struct http_argument *argument = &request->arguments[i];

		if (name && !strcmp(argument->name, name) && !*ret_value) {
			*ret_value = argument->value;
			continue;
		}
		snprintf(why, sizeof(why), "the query may not have '%.*s'%s", ARGUMENT_MAX_SHOWN,
			 argument->name, *ret_value ? " as well" : "");
		http_error(request, 400, "argument", why, "uringproxy(8) says what is taken");
		return false;
	}
	return true;
}
