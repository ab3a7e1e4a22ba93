/*
 * responder: a fixed HTTP/1.1 200 for every request, to point load tests at.
 *
 * Only as much HTTP as that takes: a request's head ends in CRLFCRLF, a body
 * of Content-Length bytes is skipped, "Connection: close" and HTTP/1.0 close
 * after the answer.  Pipelined requests are answered by one send: the section
 * keeps a block of as many copies of the response as fit into 64 KiB, and a
 * lane only remembers how many bytes of that endless stream it still owes.
 *
 * A head of more than 16 KiB gets 431, one that makes no sense 400 (a first line
 * that is no request of HTTP/1.x, two lengths that differ), a body in chunks 411;
 * then we close our half, and read on until the client has closed too, since
 * closing over unread bytes would reset what we just said.
 *
 * A head that takes longer than request_timeout gets 408; who has said nothing at all until
 * then, on a new connection, hears nothing either.
 */
#include "base/compiler.h"
#include "service/services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX   16384
#define BLOCK_SIZE 65536u
#define BODY_MAX   (1ull << 60)

/* ---- What is said ---------------------------------------------------------------------------- */

struct response {
	size_t length; /* of one response */
	size_t size;   /* of the block: as many whole responses as fit, at least one */
	unsigned char *block;
};

static int responder_prepare(const struct config_section *section, void **ret_shared)
{
	uint32_t body = section->responder_size;
	struct response *response = calloc(1, sizeof(*response));
	char head[160];
	int head_length = snprintf(head, sizeof(head),
				   "HTTP/1.1 200 OK\r\nServer: uringproxy\r\n"
				   "Content-Type: text/plain\r\nContent-Length: %u\r\n\r\n",
				   body);

	if (!response)
		return -ENOMEM;
	response->length = (size_t)head_length + body;
	response->size = response->length;
	while (response->size + response->length <= BLOCK_SIZE)
		response->size += response->length;
	response->block = malloc(response->size);
	if (!response->block) {
		free(response);
		return -ENOMEM;
	}
	for (size_t at = 0; at < response->size; at += response->length) {
		memcpy(response->block + at, head, (size_t)head_length);
		memset(response->block + at + head_length, 'x', body);
		if (body)
			response->block[at + response->length - 1] = '\n';
	}
	*ret_shared = response;
	return 0;
}

static void responder_release(void *shared)
{
	struct response *response = shared;

	if (response)
		free(response->block);
	free(response);
}

/* ---- What is asked --------------------------------------------------------------------------- */

enum verdict {
	VERDICT_GO_ON,
	VERDICT_ASKED,
	VERDICT_BAD,
	VERDICT_TOO_LARGE,
	VERDICT_CHUNKED,
	VERDICT_TOO_SLOW,
};

enum value { VALUE_OTHER, VALUE_LENGTH, VALUE_ENCODING, VALUE_CONNECTION };

/* The names of headers that matter, by enum value; matched a byte at a time. */
static const char *const header_names[] = {
	[VALUE_LENGTH] = "content-length:",
	[VALUE_ENCODING] = "transfer-encoding:",
	[VALUE_CONNECTION] = "connection:",
};

/* Where in "GET /path HTTP/1.1" a byte is; after the version only CR may come. */
enum part { PART_METHOD, PART_TARGET, PART_VERSION, PART_END };

/* A request being read. */
struct request {
	uint64_t body;   /* bytes still to be skipped: what Content-Length said */
	uint64_t number; /* the Content-Length being read */
	uint32_t head;   /* bytes of the head so far */
	uint8_t column;  /* in the line, no more than 255 */
	uint8_t alive;   /* bit per header name that the line may still be */
	uint8_t value;   /* enum value, once the name is complete */
	uint8_t part;    /* enum part, in the first line */
	uint8_t at;      /* byte of the version, and for others whether they have any */
	bool first_line : 1, skipping : 1, close : 1, has_length : 1;
	bool in_number : 1, after_number : 1; /* of the line */
};

static void begin_line(struct request *request)
{
	request->column = 0;
	request->alive = 1 << VALUE_LENGTH | 1 << VALUE_ENCODING | 1 << VALUE_CONNECTION;
	request->value = VALUE_OTHER;
	request->number = 0;
	request->in_number = request->after_number = false;
}

static void begin_request(struct request *request)
{
	*request = (struct request){.first_line = true};
	begin_line(request);
}

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static enum verdict next_part(struct request *request)
{
	if (!request->at)
		return VERDICT_BAD; /* nothing before the blank */
	request->part++;
	request->at = 0;
	return VERDICT_GO_ON;
}

static enum verdict read_version(struct request *request, unsigned char c)
{
	static const char version[] = "HTTP/1.";
	bool expected = request->at < sizeof(version) - 1 ? c == (unsigned char)version[request->at]
							  : c >= '0' && c <= '9';

	if (!expected)
		return VERDICT_BAD;
	request->close = c == '0'; /* the last byte: HTTP/1.0 */
	if (++request->at == sizeof(version))
		request->part = PART_END;
	return VERDICT_GO_ON;
}

/* What HTTP calls a token. */
static bool is_of_method(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static enum verdict read_first_line(struct request *request, unsigned char c)
{
	bool good = false;

	switch ((enum part)request->part) {
	case PART_METHOD:
		if (c == ' ')
			return next_part(request);
		good = is_of_method(c);
		break;
	case PART_TARGET:
		if (c == ' ')
			return next_part(request);
		good = c > ' ' && c != 0x7f;
		break;
	case PART_VERSION:
		return read_version(request, c);
	case PART_END:
		break;
	}
	request->at = 1;
	return good ? VERDICT_GO_ON : VERDICT_BAD;
}

static void match_name(struct request *request, unsigned char c)
{
	for (unsigned i = VALUE_LENGTH; i < array_size(header_names); i++) {
		if (!(request->alive & 1u << i))
			continue;
		if (header_names[i][request->column] != (char)lower(c))
			request->alive &= (uint8_t) ~(1u << i);
		else if (!header_names[i][request->column + 1])
			request->value = (uint8_t)i;
	}
}

static enum verdict read_length(struct request *request, unsigned char c)
{
	if (c == ' ' || c == '\t') {
		request->after_number = request->in_number;
		return VERDICT_GO_ON;
	}
	if (c < '0' || c > '9' || request->after_number || request->number >= BODY_MAX / 10)
		return VERDICT_BAD;
	request->in_number = true;
	request->number = request->number * 10 + (unsigned)(c - '0');
	return VERDICT_GO_ON;
}

/* Said again it must be the same: where the next request begins is no matter of taste. */
static enum verdict end_length(struct request *request)
{
	if (!request->in_number || (request->has_length && request->body != request->number))
		return VERDICT_BAD;
	request->body = request->number;
	request->has_length = true;
	return VERDICT_GO_ON;
}

static enum verdict read_value(struct request *request, unsigned char c)
{
	switch ((enum value)request->value) {
	case VALUE_LENGTH:
		return read_length(request, c);
	case VALUE_ENCODING:
		return VERDICT_CHUNKED;
	case VALUE_CONNECTION:
		/* "close" or "keep-alive": the first letter tells. */
		if (c != ' ' && c != '\t') {
			request->close = lower(c) == 'c' || (lower(c) != 'k' && request->close);
			request->value = VALUE_OTHER;
			request->alive = 0;
		}
		break;
	case VALUE_OTHER:
		break;
	}
	return VERDICT_GO_ON;
}

static enum verdict end_line(struct request *request)
{
	bool empty = request->column == 0;
	enum verdict verdict = VERDICT_GO_ON;

	if (request->value == VALUE_LENGTH)
		verdict = end_length(request);
	if (request->first_line && !empty) {
		if (request->part != PART_END)
			return VERDICT_BAD;
		request->first_line = false;
	} else if (empty && !request->first_line) {
		request->skipping = true;
		return VERDICT_ASKED;
	}
	begin_line(request);
	return verdict;
}

static enum verdict read_head(struct request *request, unsigned char c)
{
	enum verdict verdict = VERDICT_GO_ON;

	if (++request->head > HEAD_MAX)
		return VERDICT_TOO_LARGE;
	if (c == '\n')
		return end_line(request);
	if (c == '\r' && (!request->first_line || !request->column || request->part == PART_END))
		return VERDICT_GO_ON;
	if (request->first_line)
		verdict = read_first_line(request, c);
	else if (request->value != VALUE_OTHER)
		verdict = read_value(request, c);
	else if (request->alive)
		match_name(request, c);
	if (request->column < 255)
		request->column++;
	else
		request->alive = 0;
	return verdict;
}

/* The rest of a header that does not matter, so far as it is there; returns its bytes. */
static uint32_t skip_rest(struct request *request, const unsigned char *bytes, uint32_t length)
{
	const unsigned char *newline;

	if (request->first_line || request->alive || request->value != VALUE_OTHER)
		return 0;
	newline = memchr(bytes, '\n', length);
	if (newline)
		length = (uint32_t)(newline - bytes);
	request->head += length;
	return length;
}

/* Read up to length bytes, to the end of at most one head or body. */
static enum verdict read_request(struct request *request, const unsigned char *bytes,
				 uint32_t length, uint32_t *ret_used)
{
	enum verdict verdict = VERDICT_GO_ON;
	uint32_t used = 0;

	if (request->skipping && request->body > 0) {
		used = request->body < length ? (uint32_t)request->body : length;
		request->body -= used;
	}
	if (request->skipping && request->body == 0)
		begin_request(request);
	while (used < length && verdict == VERDICT_GO_ON && !request->skipping) {
		used += skip_rest(request, bytes + used, length - used);
		if (request->head > HEAD_MAX)
			verdict = VERDICT_TOO_LARGE;
		else if (used < length)
			verdict = read_head(request, bytes[used++]);
	}
	*ret_used = used;
	return verdict;
}

/* ---- The conversation ------------------------------------------------------------------------ */

/* A client being answered; lives in lane.own. */
struct conversation {
	struct request request;
	uint64_t owed;      /* bytes of the stream of responses not sent yet */
	uint32_t at;        /* where in a response, or in the last words, it stands */
	uint8_t last_words; /* enum verdict: what to say at the end, or VERDICT_GO_ON */
	bool closing;       /* nothing more is read as a request */
	bool said;          /* the last words are out, only the client's end is waited for */
	bool expecting;     /* a head, in time */
};

static struct conversation *conversation_of(struct lane *lane)
{
	return lane_own(lane, struct conversation);
}

static const struct response *response_of(const struct lane *lane)
{
	return lane_shared(lane);
}

static const char *last_words(uint8_t verdict)
{
	switch ((enum verdict)verdict) {
	case VERDICT_TOO_LARGE:
		return "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
		       "Content-Length: 0\r\n\r\n";
	case VERDICT_CHUNKED:
		return "HTTP/1.1 411 Length Required\r\nConnection: close\r\n"
		       "Content-Length: 0\r\n\r\n";
	case VERDICT_TOO_SLOW:
		return "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
		       "Content-Length: 0\r\n\r\n";
	case VERDICT_BAD:
		return "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
	case VERDICT_GO_ON:
	case VERDICT_ASKED:
		break;
	}
	return "";
}

/* An end before all is said is no end of the answer: session_end() looks at what is held. */
static void note_debt(struct lane *lane)
{
	const struct conversation *conversation = conversation_of(lane);

	lane->held = conversation->owed < UINT32_MAX ? (uint32_t)conversation->owed : UINT32_MAX;
	lane->held += !lane->held && conversation->last_words;
}

/* Some of a head is there; empty lines before it are nothing. */
static bool has_begun(const struct request *request)
{
	return !request->skipping && (!request->first_line || request->column > 0);
}

static void expect(struct lane *lane, bool expecting)
{
	struct conversation *conversation = conversation_of(lane);

	if (likely(conversation->expecting == expecting) ||
	    !lane_settings(lane)->request_timeout_ms)
		return;
	conversation->expecting = expecting;
	lane_expect(lane, expecting ? lane_settings(lane)->request_timeout_ms : 0);
}

static void read_requests(struct lane *lane)
{
	struct conversation *conversation = conversation_of(lane);
	const unsigned char *bytes;
	uint32_t length, used;

	while (!conversation->closing && (bytes = lane_peek(lane, &length))) {
		enum verdict verdict = read_request(&conversation->request, bytes, length, &used);

		lane_consume(lane, used);
		if (verdict == VERDICT_ASKED) {
			conversation->owed += response_of(lane)->length;
			conversation->closing = conversation->request.close;
			expect(lane, false); /* the next one's time begins with its first byte */
		} else if (verdict != VERDICT_GO_ON) {
			conversation->closing = true;
			conversation->last_words = (uint8_t)verdict;
			lane_farewell(lane, verdict == VERDICT_TOO_LARGE ? FAREWELL_TOO_LARGE
									 : FAREWELL_BAD_REQUEST);
		}
	}
	if (conversation->closing)
		lane_consume(lane, lane->queued);
	if (conversation->closing || has_begun(&conversation->request))
		expect(lane, !conversation->closing);
	note_debt(lane);
}

static void responder_start(struct lane *lane)
{
	begin_request(&conversation_of(lane)->request);
	expect(lane, true);
	if (unlikely(lane->queued)) /* it came with a PROXY header */
		read_requests(lane);
	lane_mark(lane);
}

static void answered(struct lane *lane, const struct io_uring_cqe *done)
{
	struct conversation *conversation = conversation_of(lane);
	uint32_t sent = lane_said(lane, done);

	if (conversation->owed) {
		conversation->owed -= sent;
		conversation->at =
			(uint32_t)((conversation->at + sent) % response_of(lane)->length);
	} else if (conversation->last_words) {
		conversation->at += sent;
		if (conversation->at == strlen(last_words(conversation->last_words)))
			conversation->last_words = VERDICT_GO_ON;
	}
	note_debt(lane);
}

static void responder_complete(struct lane *lane, enum op_kind kind,
			       const struct io_uring_cqe *done)
{
	if (kind == OP_SEND) {
		answered(lane, done);
		return;
	}
	lane_complete(lane, kind, done);
	read_requests(lane);
}

/* Answers not taken: more questions are not read. */
static bool may_ask(const struct lane *lane, const struct conversation *conversation)
{
	return conversation->owed <= BLOCK_SIZE || response_of(lane)->length > BLOCK_SIZE;
}

/* The time for a head is over -- unless it was we who did not read it. */
static void hurry(struct lane *lane)
{
	struct conversation *conversation = conversation_of(lane);

	conversation->expecting = false;
	if (!may_ask(lane, conversation) || lane->rationed || throttle_waits(&lane->throttle)) {
		expect(lane, true);
		return;
	}
	lane->overdue = false;
	conversation->closing = true;
	if (has_begun(&conversation->request))
		conversation->last_words = VERDICT_TOO_SLOW;
	note_debt(lane);
	lane_farewell(lane, FAREWELL_TOO_SLOW);
}

static void responder_flush(struct lane *lane)
{
	struct conversation *conversation = conversation_of(lane);
	const struct response *response = response_of(lane);

	if (unlikely(lane->overdue))
		hurry(lane);
	if (lane->sending)
		return;
	if (conversation->owed) {
		uint64_t room = response->size - conversation->at;
		lane_say(lane, response->block + conversation->at,
			 (uint32_t)(conversation->owed < room ? conversation->owed : room));
	} else if (conversation->last_words) {
		const char *words = last_words(conversation->last_words) + conversation->at;
		lane_say(lane, words, (uint32_t)strlen(words));
	} else if (lane->state == LANE_ENDING) {
		lane_shut(lane);
		return;
	} else if (conversation->closing && !conversation->said) {
		conversation->said = true;
		lane_farewell(lane, FAREWELL_ANSWERED);
	}
	if (may_ask(lane, conversation))
		lane_receive(lane);
}

const struct strategy service_responder = {
	.name = "responder",
	.prepare = responder_prepare,
	.release = responder_release,
	.start = responder_start,
	.complete = responder_complete,
	.flush = responder_flush,
};
