#include "control/verbs_steering.h"

#include "control/answers.h"
#include "control/logs.h"
#include "control/steering.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct config *config_of(const struct steering *steering)
{
	return (*steering->edition)->config;
}

/* ---- Logs ------------------------------------------------------------------------------------ */

/* Somebody who waits for the answer. */
struct reopening {
	struct logs_wait wait;
	struct http_request *request;
	char *file; /* allocated: the edition may be gone when it is done */
};

static void answer_reopened(struct http_request *request, const char *file, int result)
{
	char why[PATH_MAX + 200];

	if (result == 0) {
		answer_json(request, 200, json_pack("{s:s?}", "reopened", file));
		return;
	}
	snprintf(why, sizeof(why), "cannot open %s anew: %s (errno %d); the old one stays in use",
		 file, strerror(-result), -result);
	http_error(request, 503, "cannot_open", why,
		   *logs_remedy(file, result) ? logs_remedy(file, result) : NULL);
}

static void free_reopening(struct reopening *reopening)
{
	if (reopening)
		free(reopening->file);
	free(reopening);
}

static void on_reopened(struct logs_wait *wait, int result)
{
	struct reopening *reopening = container_of(wait, struct reopening, wait);

	answer_reopened(reopening->request, reopening->file, result);
	free_reopening(reopening);
}

static void reopen(const struct steering *steering, struct http_request *request, const char *file)
{
	struct reopening *reopening = calloc(1, sizeof(*reopening));
	int r = -ENOMEM;

	if (reopening)
		reopening->file = strdup(file);
	if (reopening && reopening->file) {
		reopening->wait.done = on_reopened;
		reopening->request = request;
		r = logs_reopen_and_tell(config_of(steering), steering->events, &reopening->wait);
	}
	if (r == 1)
		return;
	free_reopening(reopening);
	answer_reopened(request, file, r);
}

void verb_reopen_logs(const struct verbs *verbs, struct http_request *request,
		      const char *const parts[])
{
	const struct steering *steering = verbs->tellers.steering;
	const struct body_field none[] = {{0}};
	const char *file = logs_file(config_of(steering)), *unused;
	json_t *body;

	(void)parts;
	if (!answer_takes_argument(request, NULL, &unused) ||
	    !answer_takes_body(request, none, &body))
		return;
	json_decref(body);
	if (file)
		reopen(steering, request, file);
	else
		answer_reopened(request, NULL, 0);
}
