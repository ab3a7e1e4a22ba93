#include "control/verbs.h"

#include "base/clock.h"
#include "control/answers.h"
#include "control/metrics.h"
#include "control/status.h"
#include "control/verbs_conns.h"
#include "control/verbs_events.h"
#include "control/verbs_names.h"
#include "control/verbs_reload.h"
#include "control/verbs_servers.h"
#include "control/verbs_steering.h"

#include "ops/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALLOW_MAX      100
#define PATH_MAX_SHOWN 80

static struct serve_status status_of(const struct verbs *verbs)
{
	struct serve_status status = {.mode = "", .state = ""};

	verbs->tellers.status(verbs->tellers.owner, &status);
	return status;
}

/* ---- The verbs ------------------------------------------------------------------------------- */

static void answer_version(const struct verbs *verbs, struct http_request *request,
			   const char *const parts[])
{
	(void)verbs;
	(void)parts;
	answer_text(request, 200, "uringproxy " VERSION "\n");
}

/* That it is answered at all says it. */
static void answer_livez(const struct verbs *verbs, struct http_request *request,
			 const char *const parts[])
{
	(void)verbs;
	(void)parts;
	answer_text(request, 200, "ok\n");
}

static void answer_readyz(const struct verbs *verbs, struct http_request *request,
			  const char *const parts[])
{
	struct serve_status status = status_of(verbs);
	char text[40];

	(void)parts;
	snprintf(text, sizeof(text), "%s\n", status.state);
	answer_text(request, status.ready ? 200 : 503, text);
}

static void answer_status(const struct verbs *verbs, struct http_request *request,
			  const char *const parts[])
{
	struct serve_status status = status_of(verbs);
	json_t *answer, *said = verb_steering_status(verbs);

	(void)parts;
	/* clang-format off */
	answer = json_pack(
		"{s:s, s:i, s:f, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
		"version", VERSION,
		"pid", (int)getpid(),
		"uptime_seconds", (double)(clock_now_ms() - verbs->started_ms) / 1000,
		"state", status.state,
		"ready", status.ready,
		"edition", (json_int_t)status.edition,
		"workers", (json_int_t)status.workers,
		"connections", (json_int_t)status.connections,
		"connections_max", (json_int_t)status.connections_max,
		"listening_sockets", (json_int_t)status.sockets,
		"names_missing", (json_int_t)status.names_missing,
		"addresses_missing", (json_int_t)status.addresses_missing,
		"mode", status.mode);
	/* clang-format on */
	json_object_set_new(answer, "reload", verb_reload_status(&status));
	json_object_set_new(answer, "old_editions", verb_reload_editions(verbs));
	if (json_object_update(answer, said) < 0) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(said);
	answer_json(request, 200, answer);
}

/* ---- What there is to be seen ---------------------------------------------------------------- */

/* NULL: there is no memory for it, and that is answered. */
static const struct metrics_snapshot *snapshot_of(const struct verbs *verbs,
						  struct http_request *request)
{
	const struct metrics_snapshot *snapshot;

	if (verbs->tellers.snapshot(verbs->tellers.owner, &snapshot) == 0)
		return snapshot;
	http_error(request, 503, "memory", "there is no memory to look", "ask again");
	return NULL;
}

static void answer_metrics(const struct verbs *verbs, struct http_request *request,
			   const char *const parts[])
{
	const char *scope = http_argument(request, "scope");
	struct metrics_filter filter = {.prefix = http_argument(request, "name")};
	const struct metrics_snapshot *snapshot;
	struct sheet sheet = {0};
	struct exposition page = {.sheet = &sheet, .format = exposition_format_of(request->accept)};

	(void)parts;
	if (scope && metrics_filter_scope(&filter, scope) < 0) {
		http_error(request, 400, "scope", "there is no such scope",
			   "process, worker, listener, rule, proxy, pool, server or name");
		return;
	}
	snapshot = snapshot_of(verbs, request);
	if (!snapshot)
		return;
	metrics_print(snapshot, &filter, &page);
	answer_sheet(request, exposition_content_type(page.format), &sheet);
}

static void answer_page(const struct verbs *verbs, struct http_request *request,
			const char *const parts[])
{
	const struct metrics_snapshot *snapshot = snapshot_of(verbs, request);
	char nonce[STATUS_NONCE_MAX], policy[STATUS_POLICY_MAX];
	struct sheet sheet = {0};

	(void)parts;
	if (!snapshot)
		return;
	status_nonce(nonce);
	http_header(request, "Content-Security-Policy", status_policy(policy, nonce));
	http_header(request, "Cache-Control", "no-store");
	status_page(&sheet, snapshot, nonce);
	answer_sheet(request, "text/html; charset=utf-8", &sheet);
}

static void answer_page_json(const struct verbs *verbs, struct http_request *request,
			     const char *const parts[])
{
	const struct metrics_snapshot *snapshot = snapshot_of(verbs, request);
	struct sheet sheet = {0};

	(void)parts;
	if (!snapshot)
		return;
	status_json(&sheet, snapshot);
	answer_sheet(request, "application/json", &sheet);
}

static void answer_proxies(const struct verbs *verbs, struct http_request *request,
			   const char *const parts[])
{
	const struct metrics_snapshot *snapshot = snapshot_of(verbs, request);
	struct sheet sheet = {0};

	(void)parts;
	if (!snapshot)
		return;
	status_json_proxies(&sheet, snapshot);
	answer_sheet(request, "application/json", &sheet);
}

static const struct verb table[] = {
	{"GET", "/version", VERB_EVERYWHERE, false, answer_version},
	{"GET", "/livez", VERB_EVERYWHERE, false, answer_livez},
	{"GET", "/readyz", VERB_EVERYWHERE, false, answer_readyz},
	{"GET", "/v1/status", VERB_CONTROL, false, answer_status},
	{"POST", "/v1/reload", VERB_CONTROL, true, verb_reload},
	{"GET", "/v1/config", VERB_CONTROL, false, verb_config},
	{"GET", "/v1/proxies", VERB_CONTROL, false, answer_proxies},
	{"GET", "/v1/names", VERB_CONTROL, false, verb_names},
	{"GET", "/v1/drain", VERB_CONTROL, false, verb_drained},
	{"POST", "/v1/drain", VERB_CONTROL, true, verb_drain},
	{"DELETE", "/v1/drain", VERB_CONTROL, true, verb_undrain},
	{"GET", "/v1/log-level", VERB_CONTROL, false, verb_log_level},
	{"POST", "/v1/log-level", VERB_CONTROL, true, verb_set_log_level},
	{"POST", "/v1/reopen-logs", VERB_CONTROL, true, verb_reopen_logs},
	{"GET", "/v1/servers", VERB_CONTROL, false, verb_servers},
	{"GET", "/v1/servers/*/**", VERB_CONTROL, false, verb_server},
	{"POST", "/v1/servers/*/**", VERB_CONTROL, true, verb_rule_server},
	{"PATCH", "/v1/servers/*/**", VERB_CONTROL, true, verb_rule_server},
	{"PUT", "/v1/servers/*/**", VERB_CONTROL, true, verb_add_server},
	{"DELETE", "/v1/servers/*/**", VERB_CONTROL, true, verb_remove_server},
	{"GET", "/v1/connections", VERB_CONTROL, false, conns_list},
	{"DELETE", "/v1/connections", VERB_CONTROL, true, conns_kill_all},
	{"GET", "/v1/connections/*", VERB_CONTROL, false, conns_show},
	{"DELETE", "/v1/connections/*", VERB_CONTROL, true, conns_kill},
	{"GET", "/v1/connections/*/why", VERB_CONTROL, false, conns_why},
	{"GET", "/v1/events", VERB_CONTROL, false, events_follow},
	{"GET", "/metrics", VERB_EVERYWHERE, false, answer_metrics},
	{"GET", "/", VERB_METRICS, false, answer_page},
	{"GET", "/status", VERB_EVERYWHERE, false, answer_page},
	{"GET", "/status.json", VERB_EVERYWHERE, false, answer_page_json},
};

/* ---- Finding the right one ------------------------------------------------------------------- */

/* Parts are cut out of path, which is changed even where it does not match. */
static bool matches(const char *pattern, char *path, const char *parts[VERB_PARTS_MAX])
{
	unsigned count = 0;

	while (*pattern && *path) {
		if (*pattern != '*') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		if (*path == '/' || count == VERB_PARTS_MAX)
			return false;
		parts[count++] = path;
		if (pattern[1] == '*')
			return true;
		path += strcspn(path, "/");
		pattern++;
		if (*path && *pattern == '/') {
			*path++ = 0;
			pattern++;
		}
	}
	return !*pattern && !*path;
}

static bool is_method(const struct verb *verb, const char *method)
{
	return !strcmp(verb->method, method) ||
	       (!strcmp(method, "HEAD") && !strcmp(verb->method, "GET"));
}

static void tell_who(const struct verbs *verbs, const struct http_request *request)
{
	char asker[ANSWER_ASKER_MAX];

	log_info("control: %s %s, asked by %s", request->method, request->path,
		 answer_asker(request, asker));
	feed_asked(verbs->feed, request);
}

static void answer_none(struct http_request *request, const char *allow)
{
	char text[PATH_MAX_SHOWN + ALLOW_MAX + 20];

	if (*allow) {
		http_header(request, "Allow", allow);
		snprintf(text, sizeof(text), "%.*s takes %s", PATH_MAX_SHOWN, request->path, allow);
		http_error(request, 405, "method", text, NULL);
		return;
	}
	snprintf(text, sizeof(text), "there is no %.*s here", PATH_MAX_SHOWN, request->path);
	http_error(request, 404, "no_such_path", text, "uringproxy(8) has them all");
}

void verbs_answer(const struct verbs *verbs, enum verb_where where, struct http_request *request)
{
	char allow[ALLOW_MAX] = "";

	for (size_t i = 0; i < array_size(table); i++) {
		const char *parts[VERB_PARTS_MAX] = {NULL};
		char *path = strdup(request->path);
		bool right = path && table[i].where & where && matches(table[i].path, path, parts);

		if (right && is_method(&table[i], request->method)) {
			if (table[i].changes)
				tell_who(verbs, request);
			table[i].answer(verbs, request, parts);
			free(path);
			return;
		}
		if (right)
			snprintf(allow + strlen(allow), sizeof(allow) - strlen(allow), "%s%s",
				 *allow ? ", " : "", table[i].method);
		free(path);
	}
	answer_none(request, allow);
}
