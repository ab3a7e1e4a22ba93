#include "control/serve.h"

#include "base/clock.h"
#include "control/bind.h"
#include "control/http.h"
#include "control/inquiry.h"
#include "control/judge.h"
#include "control/verbs.h"
#include "control/verbs_events.h"
#include "loop/socket.h"

#include "ops/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INHERITED_MAX 8 /* sockets of one name */

/* It outlives the configuration that names it. */
struct asked_socket {
	int fd;
	struct address address;
	char *text; /* as it is written */
	bool read_only;
	struct bind_path path; /* of a file that we made */
};

/* [control] or [metrics]. */
struct side {
	struct serve *serve;
	const char *title;
	enum verb_where where;
	struct asked_socket *sockets;
	size_t count;
	struct http *http;
};

struct serve {
	const struct config *config; /* while its sockets are bound */
	struct verbs verbs;
	struct inquiries inquiries;
	struct feed feed;
	struct side control, metrics;
};

/* ---- Binding --------------------------------------------------------------------------------- */

static int complain(const struct serve *serve, const struct side *side,
		    const struct config_endpoint *line, int error, const char *why)
{
	char place[CONFIG_PLACE_MAX] = "";

	if (line->line)
		snprintf(place, sizeof(place), "%s:%u: ", serve->config->files[line->file],
			 line->line);
	log_at(line->line ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
	       "%s%s listen: cannot listen on %s: %s%s%s%s", place, side->title, line->text,
	       strerror(-error), why ? " (" : "", why ? why : "", why ? ")" : "");
	return line->line ? error : 0; /* nobody asked for the default */
}

static int add(struct side *side, const struct config_endpoint *line, int fd, struct bind_path path)
{
	struct asked_socket *more = realloc(side->sockets, (side->count + 1) * sizeof(*more));
	char *text = strdup(line->text);

	side->sockets = more ? more : side->sockets;
	if (!more || !text) {
		free(text);
		socket_close(fd);
		return log_no_memory("the sockets of [control] and [metrics]");
	}
	more[side->count++] = (struct asked_socket){
		.fd = fd,
		.address = line->address,
		.text = text,
		.read_only = line->read_only,
		.path = path,
	};
	log_info("%s listens on %s", side->title, text);
	return 0;
}

/* Whether everybody on this machine may connect to a socket that somebody else made. */
static bool is_open_to_all(int fd)
{
	struct address address;
	struct stat status;

	bind_address(fd, &address);
	return address.kind != ADDRESS_UNIX || !address.u.un.sun_path[0] ||
	       (stat(address.u.un.sun_path, &status) == 0 && status.st_mode & S_IWOTH);
}

static int bind_inherited(struct side *side, const struct config_endpoint *line,
			  struct activation *activation)
{
	int fds[INHERITED_MAX], r = 0;
	int count = activation_take(activation, line->address.host, fds, INHERITED_MAX);

	if (count <= 0 || count > INHERITED_MAX)
		return complain(side->serve, side, line, count < 0 ? count : -ENOENT,
				"systemd passed no stream socket of that name, or more than 8; see "
				"FileDescriptorName= of the socket unit, and start that unit");
	for (int i = 0; i < count && r == 0; i++) {
		int fd = bind_share(fds[i]);

		if (fd >= 0 && side->where == VERB_CONTROL && is_open_to_all(fd)) {
			socket_close(fd);
			return complain(
				side->serve, side, line, -EPERM,
				"it lets everybody on this machine control the daemon; its "
				"unit has to say SocketMode=0660, and ListenStream= a path");
		}
		r = fd < 0 ? complain(side->serve, side, line, fd, NULL)
			   : add(side, line, fd, (struct bind_path){0});
	}
	return r;
}

static int bind_line(struct side *side, const struct config_section *section,
		     const struct config_endpoint *line, struct activation *activation)
{
	const char *why = NULL;
	struct bind_path path;
	int fd, r;

	if (line->address.kind == ADDRESS_SYSTEMD)
		return bind_inherited(side, line, activation);
	fd = bind_try(&line->address, line); /* before it is shared with another daemon */
	if (fd == 0)
		fd = bind_open(&line->address, line, &section->settings, &why);
	if (fd < 0)
		return complain(side->serve, side, line, fd, why);
	path = bind_path(&line->address);
	r = bind_listen(fd, line, &section->settings, &why);
	if (r == 0)
		return add(side, line, fd, path);
	bind_remove(&line->address, &path);
	socket_close(fd);
	return complain(side->serve, side, line, r, why);
}

static int bind_side(struct side *side, const struct config_section *section,
		     struct activation *activation)
{
	int result = 0;

	for (size_t i = 0; i < section->listen_count; i++) {
		int r = bind_line(side, section, &section->listens[i], activation);

		result = result < 0 ? result : r;
	}
	return result;
}

int serve_bind(struct serve **ret_serve, const struct config *config, struct activation *activation)
{
	struct serve *serve = calloc(1, sizeof(*serve));
	int r, metrics;

	if (!serve)
		return log_no_memory("[control] and [metrics]");
	*serve = (struct serve){
		.config = config,
		.verbs = {.started_ms = clock_now_ms()},
		.control = {serve, "[control]", VERB_CONTROL, NULL, 0, NULL},
		.metrics = {serve, "[metrics]", VERB_METRICS, NULL, 0, NULL},
	};
	r = bind_side(&serve->control, &config->control, activation);
	metrics = bind_side(&serve->metrics, &config->metrics, activation);
	serve->config = NULL;
	if (r == 0)
		r = metrics;
	if (r < 0)
		serve_close(serve);
	else
		*ret_serve = serve;
	return r;
}

/* ---- Judging --------------------------------------------------------------------------------- */

static int judge_side(const struct config *config, const struct config_section *section,
		      struct report *report)
{
	int result = 0;

	for (size_t i = 0; i < section->listen_count; i++) {
		const struct config_endpoint *line = &section->listens[i];
		const char *why;
		int r = line->line ? bind_check(&line->address, line, &why) : 0;

		if (r == 0)
			continue;
		report_add(report, REPORT_MISTAKE, line->file, line->line,
			   "%s:%u: %s listen: cannot listen on %s: %s%s%s%s",
			   config->files[line->file], line->line, section->title, line->text,
			   strerror(-r), why ? " (" : "", why ? why : "", why ? ")" : "");
		result = judge_worse(result, r);
	}
	return result;
}

int serve_judge(const struct config *config, bool test, struct report *report)
{
	return test ? judge_worse(judge_side(config, &config->control, report),
				  judge_side(config, &config->metrics, report))
		    : 0;
}

/* ---- Serving --------------------------------------------------------------------------------- */

static void on_request(void *owner, struct http_request *request)
{
	struct side *side = owner;

	verbs_answer(&side->serve->verbs, side->where, request);
}

static int start_side(struct side *side, const char *name, struct events *events)
{
	struct http_listener *listeners = calloc(side->count, sizeof(*listeners));
	int r;

	if (!listeners && side->count)
		return log_no_memory("[control] and [metrics]");
	for (size_t i = 0; i < side->count; i++)
		listeners[i] = (struct http_listener){
			.fd = side->sockets[i].fd,
			.text = side->sockets[i].text,
			.read_only = side->where == VERB_METRICS || side->sockets[i].read_only,
		};
	r = side->count
		    ? http_open(&side->http, name, listeners, side->count, events, on_request, side)
		    : 0;
	free(listeners);
	if (r < 0)
		log_error("cannot serve %s: %s", side->title, strerror(-r));
	return r;
}

bool serve_can_be_asked(const struct serve *serve)
{
	return serve->control.count + serve->metrics.count > 0;
}

int serve_start(struct serve *serve, struct events *events, const struct serve_tellers *tellers)
{
	int r;

	serve->verbs.tellers = *tellers;
	serve->verbs.inquiries = &serve->inquiries;
	serve->verbs.feed = &serve->feed;
	inquiries_open(&serve->inquiries, events, tellers->workers, tellers->send, tellers->owner);
	r = feed_open(&serve->feed, events, &serve->verbs.tellers);
	if (r < 0)
		return events_cannot("look at what changes", r);
	r = start_side(&serve->control, "control", events);
	return r < 0 ? r : start_side(&serve->metrics, "metrics", events);
}

void serve_stop(struct serve *serve)
{
	http_close(serve->control.http);
	http_close(serve->metrics.http);
	serve->control.http = serve->metrics.http = NULL;
	inquiries_close(&serve->inquiries);
	feed_close(&serve->feed);
}

static void close_side(struct side *side)
{
	for (size_t i = 0; i < side->count; i++) {
		bind_remove(&side->sockets[i].address, &side->sockets[i].path);
		socket_close(side->sockets[i].fd);
		free(side->sockets[i].text);
	}
	free(side->sockets);
}

void serve_close(struct serve *serve)
{
	if (!serve)
		return;
	serve_stop(serve);
	close_side(&serve->control);
	close_side(&serve->metrics);
	free(serve);
}
