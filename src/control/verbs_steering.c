#include "control/verbs_steering.h"

#include "base/clock.h"
#include "config/value.h"
#include "control/answers.h"
#include "control/config_json.h"
#include "control/logs.h"
#include "control/steering.h"
#include "control/utf8_json.h"
#include "pool/pool.h"
#include "pool/server.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHOWN_MAX 60

static_assert(MARK_BY_MAX >= ANSWER_ASKER_MAX, "who asks is remembered whole");

static const struct config *config_of(const struct steering *steering)
{
	return steering->place.edition->config;
}

/* Who said it, and when; null where nobody did. */
static json_t *mark_json(const struct mark *mark)
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
		answer_json(request, 200,
			    json_pack("{s:o}", "reopened", file ? utf8_json(file) : json_null()));
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
		r = logs_reopen_and_tell(config_of(steering), steering->place.events,
					 &reopening->wait);
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
			 "configured", steering_levels()[steering->configured], "said",
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
	char why[VALUE_WHY_MAX], by[ANSWER_ASKER_MAX];
	const char *level, *unused;
	const struct body_field fields[] = {{.name = "level", .text = &level, .needed = true}, {0}};
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
	steering_log_level(verbs->tellers.steering, (enum log_level)wanted,
			   answer_asker(request, by));
	answer_json(request, 200, level_json(verbs->tellers.steering));
}

/* ---- Draining -------------------------------------------------------------------------------- */

static bool is_served(const struct edition *edition, const struct account *account)
{
	for (uint32_t i = 0; i < edition->section_count; i++)
		if (edition->sections[i].account == account)
			return true;
	return false;
}

static json_t *drain_json(const struct edition *edition, const struct steering_drain *drain)
{
	return json_pack("{s:s, s:s, s:I, s:b, s:o}", "proxy", drain->name, "section",
			 drain->account->name, "connections",
			 (json_int_t)atomic_load(&drain->account->connections), "configured",
			 is_served(edition, drain->account), "said", mark_json(&drain->said));
}

/* Who has drained the daemon, and for how long new connections are taken all the same. */
static json_t *all_json(const struct steering *steering)
{
	json_t *all = mark_json(&steering->drained);
	uint64_t now = clock_now_ms(), left;

	if (!json_is_object(all))
		return all;
	left = steering->refuses_ms > now ? steering->refuses_ms - now : 0;
	if (json_object_set_new(all, "refuses_in_seconds",
				json_real(steering_refuses(steering) ? 0 : (double)left / 1000)) ==
	    0)
		return all;
	json_decref(all);
	return NULL;
}

static json_t *drained_json(const struct steering *steering)
{
	const struct edition *edition = steering->place.edition;
	json_t *proxies = json_array();

	for (const struct steering_drain *drain = steering->drains; drain && proxies;
	     drain = drain->next)
		if (json_array_insert_new(proxies, 0, drain_json(edition, drain)) < 0) {
			json_decref(proxies);
			return NULL;
		}
	return json_pack("{s:o, s:o}", "daemon", all_json(steering), "proxies", proxies);
}

void verb_drained(const struct verbs *verbs, struct http_request *request,
		  const char *const parts[])
{
	const char *unused;

	(void)parts;
	if (answer_takes_argument(request, NULL, &unused))
		answer_json(request, 200, drained_json(verbs->tellers.steering));
}

static void answer_no_proxy(struct http_request *request, const struct edition *edition,
			    const char *name)
{
	char why[SHOWN_MAX + 60], names[300] = "there are ";
	size_t used = strlen(names), begin = used;

	for (uint32_t i = 0; i < edition->section_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 used > begin ? ", " : "",
					 edition->sections[i].config->name);
	snprintf(why, sizeof(why), "there is no proxy or service called '%.*s'", SHOWN_MAX, name);
	http_error(request, 404, "no_such_proxy", why, names);
}

static void drain_or_not(const struct verbs *verbs, struct http_request *request,
			 int act(struct steering *steering, const char *name, const char *by))
{
	struct steering *steering = verbs->tellers.steering;
	const struct body_field none[] = {{0}};
	char by[ANSWER_ASKER_MAX];
	const char *name;
	json_t *body;
	int r;

	if (!answer_takes_argument(request, "proxy", &name) ||
	    !answer_takes_body(request, none, &body))
		return;
	json_decref(body);
	r = act(steering, name, answer_asker(request, by));
	if (r == -ENOENT)
		answer_no_proxy(request, steering->place.edition, name);
	else
		answer_json(request, 200, r < 0 ? NULL : drained_json(steering));
}

void verb_drain(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	(void)parts;
	drain_or_not(verbs, request, steering_drain);
}

void verb_undrain(const struct verbs *verbs, struct http_request *request,
		  const char *const parts[])
{
	(void)parts;
	drain_or_not(verbs, request, steering_undrain);
}

/* ---- The configuration ----------------------------------------------------------------------- */

void verb_config(const struct verbs *verbs, struct http_request *request, const char *const parts[])
{
	const struct edition *edition = verbs->tellers.steering->place.edition;
	const char *unused;

	(void)parts;
	if (answer_takes_argument(request, NULL, &unused))
		answer_json(request, 200,
			    json_pack("{s:I, s:o, s:o}", "edition", (json_int_t)edition->number,
				      "file", utf8_json(edition->config->files[0]), "settings",
				      config_json(edition->config)));
}

/* ---- Status ---------------------------------------------------------------------------------- */

static bool has_server(const struct edition *edition, const struct server *server)
{
	for (uint32_t i = 0; i < edition->pool_count; i++)
		for (uint32_t m = 0; m < edition->pools[i].count; m++)
			if (edition->pools[i].members[m].server == server)
				return true;
	return false;
}

/* Of a server, whether a configuration has it or not. */
static json_t *ruled_json(const struct edition *edition, const struct ruled *ruled)
{
	const struct ruling *ruling = &ruled->ruling;
	json_t *one =
		json_pack("{s:s, s:o, s:s, s:s, s:b}", "section", ruled->server->title, "server",
			  utf8_json(ruled->server->name), "state", rulings_states[ruling->state],
			  "why", ruled->why, "configured", has_server(edition, ruled->server));

	if (ruling->weight != RULING_AS_CONFIGURED)
		(void)json_object_set_new(one, "weight", json_integer(ruling->weight));
	if (ruling->limit != RULING_AS_CONFIGURED)
		(void)json_object_set_new(one, "max_connections", json_integer(ruling->limit));
	return one;
}

static json_t *all_ruled_json(const struct steering *steering)
{
	const struct list *list = &steering->rulings.list;
	json_t *all = json_array();

	for (struct list *node = list->next; all && node != list; node = node->next)
		if (json_array_append_new(all, ruled_json(steering->place.edition,
							  container_of(node, struct ruled, link))) <
		    0) {
			json_decref(all);
			return NULL;
		}
	return all;
}

json_t *verb_steering_status(const struct verbs *verbs)
{
	const struct steering *steering = verbs->tellers.steering;

	return json_pack("{s:o, s:o, s:o}", "log_level", level_json(steering), "drained",
			 drained_json(steering), "servers_steered", all_ruled_json(steering));
}
