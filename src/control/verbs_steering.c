#include "control/verbs_steering.h"

#include "config/value.h"
#include "control/answers.h"
#include "control/logs.h"
#include "control/steering.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct config *config_of(const struct steering *steering)
{
	return (*steering->edition)->config;
}

/* Who asks, as it is shown: "user 0 (process 4242, uringproxy)". */
static const char *asker(const struct http_request *request, char by[STEERING_BY_MAX])
{
	const struct http_peer *peer = &request->peer;

	if (peer->known)
		snprintf(by, STEERING_BY_MAX, "user %u (process %d, %s)", peer->uid, (int)peer->pid,
			 peer->comm);
	else
		snprintf(by, STEERING_BY_MAX, "somebody");
	return by;
}

/* Who said it, and when; null where nobody did. */
static json_t *mark_json(const struct steering_mark *mark)
{
	time_t seconds = (time_t)(mark->at_ms / 1000);
	char when[40] = "";
	struct tm tm;

	if (!*mark->by)
		return json_null();
	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s, s:s}", "by", mark->by, "at", when);
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

static json_t *level_json(const struct steering *steering)
{
	return json_pack("{s:s, s:s, s:o}", "level", steering_levels()[steering->level],
			 "configured", steering_levels()[config_of(steering)->level], "said",
			 mark_json(&steering->level_said));
}

void verb_log_level(const struct verbs *verbs, struct http_request *request,
		    const char *const parts[])
{
	const char *unused;

	(void)parts;
	if (answer_takes_argument(request, NULL, &unused))
		answer_json(request, 200, level_json(verbs->tellers.steering));
}

void verb_set_log_level(const struct verbs *verbs, struct http_request *request,
			const char *const parts[])
{
	char why[VALUE_WHY_MAX], by[STEERING_BY_MAX];
	const char *level, *unused;
	const struct body_field fields[] = {{"level", &level, true}, {0}};
	uint32_t wanted = 0;
	json_t *body;
	int r;

	(void)parts;
	if (!answer_takes_argument(request, NULL, &unused) ||
	    !answer_takes_body(request, fields, &body))
		return;
	r = value_parse_word(&wanted, level, steering_levels(), why);
	json_decref(body);
	if (r < 0) {
		http_error(request, 400, "level", why, NULL);
		return;
	}
	steering_log_level(verbs->tellers.steering, (enum log_level)wanted, asker(request, by));
	answer_json(request, 200, level_json(verbs->tellers.steering));
}

/* ---- Status ---------------------------------------------------------------------------------- */

json_t *verb_steering_status(const struct verbs *verbs)
{
	return json_pack("{s:o}", "log_level", level_json(verbs->tellers.steering));
}
