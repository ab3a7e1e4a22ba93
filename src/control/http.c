/* The main thread's side. */
#include "control/http.h"

#include "base/clock.h"
#include "control/http_call.h"

#include "ops/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOST_TEXT_MAX 60

static struct http_call *call_of(const struct http_request *request)
{
	return container_of(request, struct http_call, request);
}

/* ---- What is asked --------------------------------------------------------------------------- */

/* The main thread lets go of it.  Not under the lock. */
static void let_go(struct http *http, struct http_call *call)
{
	bool unowned;

	if (list_is_linked(&call->held))
		list_remove(&call->held);
	pthread_mutex_lock(&http->lock);
	call->main_has = false;
	unowned = !call->thread_has;
	if (unowned && list_is_linked(&call->posted))
		list_remove(&call->posted);
	pthread_mutex_unlock(&http->lock);
	if (unowned)
		http_call_free(call);
}

/* A question, or the end of a stream. */
static struct http_call *next_asked(struct http *http, enum http_state *ret_state)
{
	struct list *node;

	pthread_mutex_lock(&http->lock);
	node = list_pop(&http->asked);
	if (node)
		*ret_state = container_of(node, struct http_call, posted)->state;
	pthread_mutex_unlock(&http->lock);
	return node ? container_of(node, struct http_call, posted) : NULL;
}

static void tell_gone(struct http *http, struct http_call *call)
{
	events_handler *gone = call->stream.gone;
	void *owner = call->stream.owner;

	let_go(http, call);
	gone(owner);
}

static void on_asked(void *owner, uint32_t ready)
{
	struct http *http = owner;
	struct http_call *call;
	enum http_state state;
	uint64_t count;

	(void)ready;
	(void)!read(http->asked_fd, &count, sizeof(count));
	while ((call = next_asked(http, &state))) {
		if (state == HTTP_ASKED) {
			list_push(&http->held, &call->held);
			http->handler(http->owner, &call->request);
		} else if (state == HTTP_OVER && call->stream.bytes) {
			tell_gone(http, call);
		} else {
			let_go(http, call); /* it was answered for us */
		}
	}
}

/* ---- Answering ------------------------------------------------------------------------------- */

const char *http_argument(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->argument_count; i++)
		if (!strcmp(request->arguments[i].name, name))
			return request->arguments[i].value;
	return NULL;
}

/* Under the lock: who waits for it is told. */
static void post(struct http *http, struct http_call *call)
{
	if (!list_is_linked(&call->posted))
		list_push(&http->answered, &call->posted);
	http_ring(http->bell_fd);
}

void http_header(struct http_request *request, const char *name, const char *value)
{
	struct http_call *call = call_of(request);
	struct http_answer *answer = &call->answer;
	char *name_copy = strdup(name), *value_copy = strdup(value);

	if (!call->http || !name_copy || !value_copy) {
		free(name_copy);
		free(value_copy);
		return;
	}
	pthread_mutex_lock(&call->http->lock);
	if (call->state == HTTP_ASKED && answer->header_count < HTTP_HEADERS_MAX) {
		answer->headers[answer->header_count].name = name_copy;
		answer->headers[answer->header_count++].value = value_copy;
		name_copy = value_copy = NULL;
	}
	pthread_mutex_unlock(&call->http->lock);
	free(name_copy);
	free(value_copy);
}

/* What is given is the call's, or freed. */
static void answer(struct http_call *call, struct http_answer *given)
{
	struct http *http = call->http;

	if (!http) { /* closed */
		http_answer_done(given);
		http_call_free(call);
		return;
	}
	pthread_mutex_lock(&http->lock);
	if (call->state == HTTP_ASKED) {
		call->answer.status = given->status;
		call->answer.type = given->type;
		call->answer.body = given->body;
		call->answer.size = given->size;
		*given = (struct http_answer){0};
		call->state = HTTP_ANSWERED;
		post(http, call);
	}
	pthread_mutex_unlock(&http->lock);
	http_answer_done(given);
	let_go(http, call);
}

void http_give(struct http_request *request, unsigned status, const char *content_type, char *body,
	       size_t size)
{
	struct http_answer given = {
		.status = status, .type = strdup(content_type), .body = body, .size = size};

	if (!body)
		http_call_error(&given, 503, "memory", "there is no memory for the answer", NULL);
	answer(call_of(request), &given);
}

void http_answer(struct http_request *request, unsigned status, const char *content_type,
		 const void *body, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy)
		memcpy(copy, body, size);
	http_give(request, status, content_type, copy, size);
}

void http_error(struct http_request *request, unsigned status, const char *code,
		const char *message, const char *hint)
{
	struct http_answer given = {0};

	http_call_error(&given, status, code, message, hint);
	answer(call_of(request), &given);
}

void http_extend(struct http_request *request, unsigned milliseconds)
{
	struct http_call *call = call_of(request);

	if (!call->http)
		return;
	pthread_mutex_lock(&call->http->lock);
	call->due_ms = clock_now_ms() + milliseconds;
	pthread_mutex_unlock(&call->http->lock);
}

/* ---- Streams --------------------------------------------------------------------------------- */

int http_stream(struct http_request *request, const char *content_type, events_handler *gone,
		void *owner)
{
	struct http_call *call = call_of(request);
	char *bytes = malloc(HTTP_STREAM_MAX), *type = strdup(content_type);
	struct http *http = call->http;

	if (!bytes || !type || !http) {
		free(bytes);
		free(type);
		return -ENOMEM;
	}
	pthread_mutex_lock(&http->lock);
	call->stream = (struct http_stream){.bytes = bytes, .gone = gone, .owner = owner};
	if (call->state == HTTP_ASKED) {
		call->answer.status = 200;
		call->answer.type = type;
		type = NULL;
		call->state = HTTP_STREAMS;
		post(http, call);
	} else if (call->state == HTTP_OVER) {
		list_push(&http->asked, &call->posted); /* its end has to be told still */
		http_ring(http->asked_fd);
	}
	pthread_mutex_unlock(&http->lock);
	free(type);
	return 0;
}

/* Under the lock. */
static bool append(struct http_stream *stream, const char *text, size_t size)
{
	if (size > HTTP_STREAM_MAX - stream->used)
		return false;
	memcpy(stream->bytes + stream->used, text, size);
	stream->used += size;
	return true;
}

/* What was lost so far is said where it is missing. */
static bool push(struct http_stream *stream, const char *text, size_t size)
{
	char lost[LOST_TEXT_MAX];
	int length = snprintf(lost, sizeof(lost), "event: lost\ndata: %llu\n\n",
			      (unsigned long long)(stream->lost - stream->told));

	if (stream->lost > stream->told) {
		if (size + (size_t)length > HTTP_STREAM_MAX - stream->used)
			return false;
		stream->told = stream->lost;
		(void)append(stream, lost, (size_t)length);
	}
	return append(stream, text, size);
}

int http_push(struct http_request *request, const char *text, size_t size)
{
	struct http_call *call = call_of(request);
	struct http *http = call->http;
	int r = 0;

	if (!http)
		return 0;
	pthread_mutex_lock(&http->lock);
	if (call->state == HTTP_STREAMS && !push(&call->stream, text, size)) {
		call->stream.lost++;
		r = -ENOBUFS;
	} else if (call->state == HTTP_STREAMS) {
		post(http, call);
	}
	pthread_mutex_unlock(&http->lock);
	return r;
}

uint64_t http_lost(const struct http_request *request)
{
	return call_of(request)->stream.lost; /* written by the main thread alone */
}

void http_stream_end(struct http_request *request)
{
	struct http_call *call = call_of(request);
	struct http *http = call->http;

	if (!http) {
		http_call_free(call);
		return;
	}
	pthread_mutex_lock(&http->lock);
	call->stream.ended = true;
	if (call->state == HTTP_STREAMS)
		post(http, call);
	pthread_mutex_unlock(&http->lock);
	let_go(http, call);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static void http_free(struct http *http)
{
	for (size_t i = 0; i < http->port_count; i++)
		http_port_close(&http->ports[i]);
	events_remove(http->asked_event);
	if (http->asked_fd >= 0)
		close(http->asked_fd);
	if (http->bell_fd >= 0)
		close(http->bell_fd);
	pthread_mutex_destroy(&http->lock);
	free(http->ports);
	free(http->fds);
	free(http);
}

static int open_bells(struct http *http)
{
	http->asked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	http->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (http->asked_fd < 0 || http->bell_fd < 0)
		return -errno;
	return events_add_descriptor(http->events, &http->asked_event, http->asked_fd, EPOLLIN,
				     on_asked, http);
}

static int open_ports(struct http *http, const struct http_listener *listeners, size_t count)
{
	int r = 0;

	http->ports = calloc(count, sizeof(*http->ports));
	http->fds = calloc(count + 1, sizeof(*http->fds));
	if (!http->ports || !http->fds)
		return -ENOMEM;
	for (; r == 0 && http->port_count < count; http->port_count++) {
		struct http_port *port = &http->ports[http->port_count];

		*port = (struct http_port){.http = http, .listener = listeners[http->port_count]};
		list_init(&port->links);
		r = http_port_open(port);
	}
	return r;
}

static struct http *http_new(const char *name, struct events *events, http_handler *handler,
			     void *owner)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	*http = (struct http){.events = events,
			      .handler = handler,
			      .owner = owner,
			      .asked_fd = -1,
			      .bell_fd = -1};
	snprintf(http->name, sizeof(http->name), "%s", name);
	if (gethostname(http->host_name, sizeof(http->host_name) - 1) < 0)
		http->host_name[0] = 0;
	pthread_mutex_init(&http->lock, NULL);
	list_init(&http->held);
	list_init(&http->asked);
	list_init(&http->answered);
	list_init(&http->waiting);
	list_init(&http->streams);
	return http;
}

int http_open(struct http **ret_http, const char *name, const struct http_listener *listeners,
	      size_t listener_count, struct events *events, http_handler *handler, void *owner)
{
	struct http *http = http_new(name, events, handler, owner);
	int r;

	if (!http)
		return -ENOMEM;
	r = open_bells(http);
	if (r == 0)
		r = open_ports(http, listeners, listener_count);
	if (r == 0)
		r = -pthread_create(&http->thread, NULL, http_thread, http);
	if (r < 0) {
		http_free(http);
		return r;
	}
	*ret_http = http;
	return 0;
}

/* The thread is gone: nobody else holds them. */
static void drop_all(struct http *http)
{
	enum http_state state;
	struct http_call *call;
	struct list *node;

	while ((call = next_asked(http, &state)))
		if (!call->stream.bytes)
			let_go(http, call);
	while ((node = list_pop(&http->held))) {
		call = container_of(node, struct http_call, held);
		if (call->stream.bytes)
			tell_gone(http, call);
		else
			call->http = NULL; /* it is freed when it is answered */
	}
}

void http_close(struct http *http)
{
	if (!http)
		return;
	pthread_mutex_lock(&http->lock);
	http->closing = true;
	pthread_mutex_unlock(&http->lock);
	http_ring(http->bell_fd);
	pthread_join(http->thread, NULL);
	drop_all(http);
	http_free(http);
}
