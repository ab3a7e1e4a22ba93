/*
 * What may be asked: a row for each method and path.
 */
#ifndef CONTROL_VERBS_H
#define CONTROL_VERBS_H

#include "control/http.h"
#include "control/serve.h"

#define VERB_PARTS_MAX 3

struct feed;
struct inquiries;

/* What a verb may use, constant while the server runs. */
struct verbs {
	struct serve_tellers tellers;
	struct inquiries *inquiries; /* of the workers */
	struct feed *feed;           /* who follows what changes */
	uint64_t started_ms;
};

enum verb_where { VERB_CONTROL = 1, VERB_METRICS = 2, VERB_EVERYWHERE = 3 };

/* parts are what stands for the "*" of the path, in order, decoded. */
typedef void verb_answer(const struct verbs *verbs, struct http_request *request,
			 const char *const parts[VERB_PARTS_MAX]);

struct verb {
	const char *method, *path; /* a part that is "*" is any one; "**" all that follows */
	enum verb_where where;
	bool changes; /* who asked is logged */
	verb_answer *answer;
};

/* Answer by the row that is right, or 404, or 405. */
void verbs_answer(const struct verbs *verbs, enum verb_where where, struct http_request *request);

#endif
