#include "control/http_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct http_call *http_call_new(struct http *http, struct MHD_Connection *connection)
{
	struct http_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->http = http;
	call->connection = connection;
	call->thread_has = true;
	return call;
}

void http_answer_done(struct http_answer *answer)
{
	for (unsigned i = 0; i < answer->header_count; i++) {
		free(answer->headers[i].name);
		free(answer->headers[i].value);
	}
	free(answer->type);
	free(answer->body);
	*answer = (struct http_answer){0};
}

void http_call_free(struct http_call *call)
{
	for (size_t i = 0; i < call->request.argument_count; i++) {
		free((char *)call->arguments[i].name);
		free((char *)call->arguments[i].value);
	}
	http_answer_done(&call->answer);
	free(call->stream.bytes);
	free(call->method);
	free(call->path);
	free(call->accept);
	free(call->body);
	free(call);
}

/* As a JSON string, quotes included; others than printable ASCII as "?". */
static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
	}
	fputc('"', out);
}

void http_call_error(struct http_answer *answer, unsigned status, const char *code,
		     const char *message, const char *hint)
{
	FILE *out;

	free(answer->body);
	free(answer->type);
	answer->status = status;
	answer->body = NULL;
	answer->size = 0;
	answer->type = strdup("application/json");
	out = open_memstream(&answer->body, &answer->size);
	if (!out)
		return;
	fputs("{\"error\": {\"code\": ", out);
	put_string(out, code);
	fputs(", \"message\": ", out);
	put_string(out, message);
	if (hint) {
		fputs(", \"hint\": ", out);
		put_string(out, hint);
	}
	fputs("}}\n", out);
	if (fclose(out) != 0) {
		free(answer->body);
		answer->body = NULL;
		answer->size = 0;
	}
}

bool http_is_closing(struct http *http)
{
	bool closing;

	pthread_mutex_lock(&http->lock);
	closing = http->closing;
	pthread_mutex_unlock(&http->lock);
	return closing;
}

void http_ring(int fd)
{
	(void)!write(fd, &(uint64_t){1}, sizeof(uint64_t)); /* full: it rings already */
}
