#include "control/ask.h"

#include "base/sheet.h"
#include "config/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Where ----------------------------------------------------------------------------------- */

/* What the file says of it, as far as it is understood: whether it is right is another question. */
static int socket_of(const struct commandline *line, char path[ASK_SOCKET_MAX])
{
	struct report report;
	struct config config;
	int r = config_load(&config, line->path, &report);

	for (size_t i = config.control.listen_count; i-- > 0;)
		if (config.control.listens[i].address.kind == ADDRESS_UNIX)
			snprintf(path, ASK_SOCKET_MAX, "%s",
				 config.control.listens[i].address.u.un.sun_path);
	if (r < 0 && r != -EINVAL)
		fprintf(stderr, "uringproxy: cannot read %s: %s\n", line->path, strerror(-r));
	else if (config.control.listens_off)
		fprintf(stderr,
			"uringproxy: %s says [control] listen = off: the daemon cannot be asked\n",
			line->path);
	r = (r < 0 && r != -EINVAL) || config.control.listens_off ? CLIENT_NO_DAEMON : CLIENT_DONE;
	config_done(&config);
	report_done(&report);
	return r;
}

int ask_socket(const struct commandline *line, char ret_path[ASK_SOCKET_MAX])
{
	const char *named = line->socket ? line->socket : getenv("URINGPROXY_CONTROL");

	snprintf(ret_path, ASK_SOCKET_MAX, "%s", named && *named ? named : CLIENT_SOCKET);
	return (named && *named) || !line->named ? CLIENT_DONE : socket_of(line, ret_path);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

int ask_refused(const struct client_answer *answer)
{
	json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
	json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(error, "hint"));
	json_t *errors = json_object_get(root, "errors");

	/* Where there are several to be corrected. */
	for (size_t i = 0; i < json_array_size(errors); i++)
		fprintf(stderr, "%s\n", ask_text(json_array_get(errors, i), "message"));
	fprintf(stderr, "uringproxy: %s%s%s\n", message ? message : "the daemon refuses",
		hint ? "; " : "", hint ? hint : "");
	json_decref(root);
	return answer->status == 404 ? CLIENT_NOT_FOUND : CLIENT_REFUSED;
}

static int read_answer(const struct client_answer *answer, json_t **ret_answer)
{
	if (answer->status != 200)
		return ask_refused(answer);
	*ret_answer = json_loadb(answer->body, answer->size, 0, NULL);
	if (*ret_answer)
		return CLIENT_DONE;
	fputs("uringproxy: the daemon's answer is no JSON\n", stderr);
	return CLIENT_REFUSED;
}

/* Percent-encoded, but for these. */
#define PLAIN                                                                                      \
	"abcdefghijklmnopqrstuvwxyz0123456789"                                                     \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~"

static void add_encoded(struct sheet *sheet, const char *text, const char *plain)
{
	for (; *text; text++)
		sheet_add(sheet, strchr(plain, *text) ? "%c" : "%%%02X", (unsigned char)*text);
}

static char *target_of(struct sheet *sheet)
{
	const char *text = sheet_text(sheet);
	char *target = text ? strdup(text) : NULL;

	sheet_done(sheet);
	return target;
}

char *ask_target(const char *path, const char *name, const char *value)
{
	struct sheet sheet = {0};

	sheet_add(&sheet, "%s", path);
	if (value) {
		sheet_add(&sheet, "%c%s=", strchr(path, '?') ? '&' : '?', name);
		add_encoded(&sheet, value, PLAIN);
	}
	return target_of(&sheet);
}

char *ask_server_target(const char *pool, const char *name)
{
	struct sheet sheet = {0};

	sheet_add(&sheet, "/v1/servers/");
	add_encoded(&sheet, pool, PLAIN);
	sheet_add(&sheet, "/");
	add_encoded(&sheet, name, PLAIN "/:[]");
	return target_of(&sheet);
}

int ask(const struct commandline *line, const char *method, const char *target, const json_t *body,
	json_t **ret_answer)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct client_answer answer;
	char path[ASK_SOCKET_MAX];
	int r = ask_socket(line, path), asked;

	if (r == CLIENT_DONE) {
		asked = !target || (body && !text)
				? -ENOMEM
				: client_ask(path, method, target, text, &answer);
		r = asked < 0 ? client_cannot(path, asked) : read_answer(&answer, ret_answer);
		if (asked == 0)
			free(answer.body);
	}
	free(text);
	return r;
}

/* ---- What is answered ------------------------------------------------------------------------ */

void ask_print_json(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	putchar('\n');
}

long long ask_number(const json_t *answer, const char *name)
{
	return (long long)json_number_value(json_object_get(answer, name));
}

const char *ask_text(const json_t *answer, const char *name)
{
	const char *text = json_string_value(json_object_get(answer, name));

	return text ? text : "";
}
