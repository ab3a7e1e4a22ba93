/*
 * Answering, for the functions in the table of verbs.c: text, JSON, a sheet; and what they
 * were asked, where it is no more and no less than they take.
 */
#ifndef CONTROL_ANSWERS_H
#define CONTROL_ANSWERS_H

#include "base/sheet.h"
#include "control/body.h"
#include "control/http.h"

/*
 * Who asks, as it is logged and shown: "user 0 (process 4242, uringproxy)", without the
 * name where that cannot be seen (ProtectProc= of the unit).
 */
#define ANSWER_ASKER_MAX 80
const char *answer_asker(const struct http_request *request, char asker[ANSWER_ASKER_MAX]);

void answer_text(struct http_request *request, unsigned status, const char *text);
/* Takes the value over; NULL: there was no memory for it. */
void answer_json(struct http_request *request, unsigned status, json_t *value);
/* A sheet is answered, or that there was no memory for it; it is done with. */
void answer_sheet(struct http_request *request, const char *type, struct sheet *sheet);

/*
 * True, and the fields are set, and *ret_body is to be json_decref()ed when they are not
 * needed any more; or the request has been answered.
 */
bool answer_takes_body(struct http_request *request, const struct body_field *fields,
		       json_t **ret_body) must_check;
/* ... and the query may have one argument of that name (NULL: none): *ret_value, or NULL. */
bool answer_takes_argument(struct http_request *request, const char *name,
			   const char **ret_value) must_check;

#endif
