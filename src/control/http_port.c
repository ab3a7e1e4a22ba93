/* One listening socket of the server: what libmicrohttpd tells us of its connections. */
#include "control/http_call.h"
#include "control/http_rules.h"

#include "base/clock.h"
#include "control/bind.h"
#include "control/http_link.h"

#include "ops/log.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_S      3 /* without a byte */
#define MEMORY      (32u << 10)
#define DISCARD_MAX (4u << 20) /* of a body that is too long: read to its end, then refused */
#define TEXT_MAX    300
#define PER_ADDRESS (HTTP_CONNECTIONS_MAX / 2)

static struct http_link *link_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

/* ---- Answering ------------------------------------------------------------------------------- */

/* What there is to send of a stream, or sleep until there is something. */
static ssize_t pull(void *argument, uint64_t position, char *buffer, size_t size)
{
	struct http_call *call = argument;
	struct http_stream *stream = &call->stream;
	ssize_t pulled;

	(void)position;
	pthread_mutex_lock(&call->http->lock);
	pulled = (ssize_t)(stream->used < size ? stream->used : size);
	memcpy(buffer, stream->bytes, (size_t)pulled);
	stream->used -= (size_t)pulled;
	memmove(stream->bytes, stream->bytes + pulled, stream->used);
	if (!pulled && (stream->ended || call->http->closing))
		pulled = MHD_CONTENT_READER_END_OF_STREAM;
	pthread_mutex_unlock(&call->http->lock);
	if (!pulled) {
		call->asleep = true;
		MHD_suspend_connection(call->connection);
	}
	return pulled;
}

static struct MHD_Response *respond(struct http_call *call, struct http_answer *answer)
{
	static char nothing[1];
	struct MHD_Response *response;
	char *body = answer->body;

	if (call->stream.bytes)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_STREAM_MAX, pull,
							 call, NULL);
	if (!body)
		return MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(answer->size, body, MHD_RESPMEM_MUST_FREE);
	if (response)
		answer->body = NULL; /* it is the library's */
	return response;
}

/* The call has its answer. */
static enum MHD_Result reply(struct http_call *call)
{
	struct http_answer *answer = &call->answer;
	struct MHD_Response *response = respond(call, answer);
	enum MHD_Result r;

	if (!response)
		return MHD_NO; /* no memory: the connection ends */
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	(void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (call->closes)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (answer->type)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	for (unsigned i = 0; i < answer->header_count; i++)
		(void)MHD_add_response_header(response, answer->headers[i].name,
					      answer->headers[i].value);
	call->streaming = call->stream.bytes;
	if (call->streaming)
		list_push(&call->http->streams, &call->node);
	http_link_set(link_of(call->connection),
		      call->streaming ? HTTP_LINK_BUSY : HTTP_LINK_ANSWERS);
	r = MHD_queue_response(call->connection, answer->status, response);
	MHD_destroy_response(response);
	return r;
}

/* By the thread itself: nobody else is asked. */
static enum MHD_Result refuse(struct http_call *call, unsigned status, const char *code,
			      const char *message, const char *hint)
{
	http_call_error(&call->answer, status, code, message, hint);
	call->state = HTTP_ANSWERED;
	return reply(call);
}

static enum MHD_Result refuse_body(struct http_call *call)
{
	return refuse(call, MHD_HTTP_CONTENT_TOO_LARGE, "too_long",
		      "the body of a request may have 64 KiB", NULL);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static enum MHD_Result add_argument(void *owner, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	struct http_call *call = owner;
	struct http_argument *argument;

	(void)kind;
	if (call->request.argument_count == HTTP_ARGUMENTS_MAX)
		return MHD_NO;
	argument = &call->arguments[call->request.argument_count++];
	argument->name = strdup(name ? name : "");
	argument->value = strdup(value ? value : "");
	return argument->name && argument->value ? MHD_YES : MHD_NO;
}

static bool read_arguments(struct http_call *call)
{
	int count = MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND, NULL, NULL);

	(void)MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND, add_argument,
					call);
	call->request.arguments = call->arguments;
	return count == (int)call->request.argument_count &&
	       (!count || call->arguments[count - 1].value);
}

static void read_peer(struct http_peer *peer, int fd)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	char path[40];
	FILE *file;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return;
	*peer = (struct http_peer){.known = true, .uid = credentials.uid, .pid = credentials.pid};
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)peer->pid);
	file = peer->pid > 0 ? fopen(path, "re") : NULL;
	if (!file)
		return;
	if (!fgets(peer->comm, sizeof(peer->comm), file))
		peer->comm[0] = 0;
	peer->comm[strcspn(peer->comm, "\n")] = 0;
	/* It is what the process likes to be called, and goes to terminals and into JSON. */
	for (char *at = peer->comm; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	fclose(file);
}

static const struct http_refusal *rules(const struct http_port *port, struct http_call *call)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	char here[ADDRESS_TEXT_MAX] = "";
	struct http_claim claim = {
		.method = call->method,
		.host = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "Host"),
		.origin = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "Origin"),
		.local = port->local,
		.read_only = port->listener.read_only,
		.listen = port->listener.text,
		.here = here,
		.name = port->http->host_name,
	};

	if (!port->local &&
	    getsockname(link_of(call->connection)->fd, (struct sockaddr *)&address, &size) == 0)
		address_format_socket((struct sockaddr *)&address, size, here, sizeof(here));
	return http_refuse(&claim);
}

/* Asleep until the main thread has answered, or nobody is patient any more. */
static enum MHD_Result ask(struct http_call *call)
{
	struct http *http = call->http;

	call->request.method = call->method;
	call->request.path = call->path;
	call->request.accept = call->accept;
	call->request.body = call->body ? call->body : "";
	call->request.body_size = call->body_size;
	call->asleep = true;
	MHD_suspend_connection(call->connection);
	list_push(&http->waiting, &call->node);

	pthread_mutex_lock(&http->lock);
	call->state = HTTP_ASKED;
	call->main_has = true;
	call->due_ms = clock_now_ms() + HTTP_PATIENCE_MS;
	list_push(&http->asked, &call->posted);
	pthread_mutex_unlock(&http->lock);
	http_ring(http->asked_fd);
	return MHD_YES;
}

/* All of the request is here. */
static enum MHD_Result judge(const struct http_port *port, struct http_call *call)
{
	const struct http_refusal *refusal = rules(port, call);

	http_link_set(link_of(call->connection), HTTP_LINK_BUSY);
	if (refusal)
		return refuse(call, refusal->status, refusal->code, refusal->message,
			      refusal->hint);
	if (call->too_long)
		return refuse_body(call);
	if (!read_arguments(call))
		return refuse(call, MHD_HTTP_BAD_REQUEST, "query",
			      "the query has more than 32 arguments, or there is no memory for it",
			      NULL);
	if (http_is_closing(port->http))
		return refuse(call, MHD_HTTP_SERVICE_UNAVAILABLE, "stopping", "it stops", NULL);
	if (port->local)
		read_peer(&call->request.peer, link_of(call->connection)->fd);
	return ask(call);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void take_body(struct http_call *call, const char *data, size_t size)
{
	char *more;

	if (call->too_long || size > HTTP_BODY_MAX - call->body_size) {
		call->too_long = true;
		return;
	}
	more = realloc(call->body, call->body_size + size + 1);
	if (!more) {
		call->too_long = true;
		return;
	}
	memcpy(more + call->body_size, data, size);
	call->body = more;
	call->body_size += size;
	more[call->body_size] = 0;
}

/* Where one request ends and the next begins would be as somebody between us sees it. */
static bool has_two_lengths(struct MHD_Connection *connection)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					   MHD_HTTP_HEADER_CONTENT_LENGTH) &&
	       MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					   MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* A body that is announced and not worth reading. */
static bool announces_too_much(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);
	bool asks =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);

	return length && strtoull(length, NULL, 10) > (asks ? HTTP_BODY_MAX : DISCARD_MAX);
}

static enum MHD_Result begin(struct http_port *port, struct MHD_Connection *connection,
			     const char *path, const char *method, void **ret_call)
{
	const char *accept =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	struct http_call *call = http_call_new(port->http, connection);

	if (!call)
		return MHD_NO;
	*ret_call = call;
	call->method = strdup(method);
	call->path = strdup(path);
	call->accept = strdup(accept ? accept : "");
	if (!call->method || !call->path || !call->accept)
		return MHD_NO;
	if (has_two_lengths(connection)) {
		call->closes = true;
		return refuse(call, MHD_HTTP_BAD_REQUEST, "length",
			      "Content-Length and Transfer-Encoding exclude each other", NULL);
	}
	return announces_too_much(connection) ? refuse_body(call) : MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the library's */
static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **of_request)
{
	struct http_call *call = *of_request;

	(void)version;
	if (!call)
		return begin(owner, connection, path, method, of_request);
	if (*size) {
		take_body(call, data, *size);
		*size = 0;
		return MHD_YES;
	}
	/* After it slept, another time. */
	return call->request.method ? reply(call) : judge(owner, call);
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **of_request,
			 enum MHD_RequestTerminationCode why)
{
	struct http *http = ((struct http_port *)owner)->http;
	struct http_call *call = *of_request;
	bool gone, unowned;

	(void)why;
	http_link_set(link_of(connection), HTTP_LINK_WAITS);
	if (!call)
		return;
	*of_request = NULL;
	if (list_is_linked(&call->node))
		list_remove(&call->node);
	pthread_mutex_lock(&http->lock);
	call->state = HTTP_OVER;
	call->thread_has = false;
	gone = call->main_has && call->stream.bytes;
	unowned = !call->main_has;
	if (list_is_linked(&call->posted) && (gone || unowned))
		list_remove(&call->posted);
	if (gone)
		list_push(&http->asked, &call->posted);
	pthread_mutex_unlock(&http->lock);
	if (gone)
		http_ring(http->asked_fd);
	if (unowned)
		http_call_free(call);
}

static void on_connection(void *owner, struct MHD_Connection *connection, void **of_socket,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_port *port = owner;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*of_socket = http_link_open(
			port, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
				      ->connect_fd);
	} else {
		http_link_close(port, *of_socket);
		*of_socket = NULL;
	}
}

/* A zero in a name would end it early: it is made another character that no name has. */
static size_t on_escaped(void *owner, struct MHD_Connection *connection, char *text)
{
	(void)owner;
	(void)connection;
	for (char *at = text; (at = strstr(at, "%00")); at += 3)
		at[2] = '1';
	return MHD_http_unescape(text);
}

/* Nearly always of what somebody sent; it must not fill the log. */
__attribute__((format(printf, 2, 0))) static void on_said(void *owner, const char *format,
							  va_list arguments)
{
	struct http *http = owner;
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = 0;
	log_debug("%s: libmicrohttpd: %s", http->name, text);
	if (strstr(text, "resource limit"))
		http->troubled = true;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static unsigned per_address(const struct http_port *port)
{
	struct address address;

	bind_address(port->listener.fd, &address);
	if (address.kind != ADDRESS_INET && address.kind != ADDRESS_ANY)
		return 0;
	if (address.u.any.sa_family == AF_INET
		    ? ntohl(address.u.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
		    : IN6_IS_ADDR_LOOPBACK(&address.u.in6.sin6_addr))
		return 0; /* all are one there */
	return PER_ADDRESS;
}

static struct MHD_Daemon *start(struct http_port *port, int fd)
{
	const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	/* clang-format off */
	return MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, port,
		MHD_OPTION_EXTERNAL_LOGGER, on_said, port->http,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address(port),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, port,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, port,
		MHD_OPTION_UNESCAPE_CALLBACK, on_escaped, port,
#if MHD_VERSION >= 0x01000000
		MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#else
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
#endif
		MHD_OPTION_END);
	/* clang-format on */
}

int http_port_open(struct http_port *port)
{
	int domain = AF_UNIX, fd = fcntl(port->listener.fd, F_DUPFD_CLOEXEC, 0);
	socklen_t size = sizeof(domain);

	if (fd < 0)
		return -errno;
	(void)getsockopt(port->listener.fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
	port->local = domain == AF_UNIX;
	port->daemon = start(port, fd);
	if (!port->daemon) {
		close(fd);
		return -EIO;
	}
	port->epoll_fd = MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return 0;
}

void http_port_close(struct http_port *port)
{
	int fd;

	if (!port->daemon)
		return;
	fd = MHD_quiesce_daemon(port->daemon);
	MHD_stop_daemon(port->daemon);
	if (fd >= 0)
		close(fd);
	port->daemon = NULL;
}
