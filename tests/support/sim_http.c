/* What clients ask of a responder, and whether they are answered as they should be. */
#include "support/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_MAX 8
#define TOO_LARGE    17000 /* of a head */

#define BAD     "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define LATE    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define CHUNKED "HTTP/1.1 411 Length Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define OVERLONG                                                                                   \
	"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"                    \
	"Content-Length: 0\r\n\r\n"

static const char *const polite[] = {
	"GET / HTTP/1.1\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: here\r\nConnection: keep-alive\r\n\r\n",
	"GET / HTTP/1.1\nX-Content-Length: 5\nConnection-Close: close\n\n",
	"PUT / HTTP/1.1\r\ncontent-length:0\r\nContent-Length: 0 \r\n\r\n",
	/* The body looks like requests. */
	"POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1",
};

/* After these nothing is answered any more; words: what is said instead of a 200. */
static const struct {
	const char *text, *words;
} last[] = {
	{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", NULL},
	{"GET / HTTP/1.0\r\n\r\n", NULL},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNKED},
	{"GARBAGE\r\n\r\n", BAD},
	{"GET /\r\n\r\n", BAD},
	{"GET / HTTP/2.0\r\n\r\n", BAD},
	{"POST / HTTP/1.1\r\nContent-Length: 5x\r\n\r\n", BAD},
	{"POST / HTTP/1.1\r\nContent-Length: 1 8\r\n\r\n", BAD},
	{"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", BAD},
	{"POST / HTTP/1.1\r\nContent-Length: 0\r\ncontent-length: 18\r\n\r\n", BAD},
	{"GET / HTTP/1.1\r\nX: ", OVERLONG},
};

struct sim_asked {
	size_t heads[REQUESTS_MAX]; /* where each that gets a 200 is complete, as far as its head */
	unsigned count;
	const char *words; /* after those, or NULL */
	size_t words_from,
		words_until; /* not said before, and not later than when so much is read */
	bool closes;
	bool late; /* request_timeout is over, and these are the last words, behind so many bytes */
	const char *late_words;
	uint64_t late_from;
	size_t size;
	char text[];
};

static size_t head_of(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n"), *bare = strstr(text, "\n\n");

	return end ? (size_t)(end - text) + 4 : (size_t)(bare - text) + 2;
}

static void append(struct sim_asked *asked, const char *text)
{
	size_t size = strlen(text);

	memcpy(asked->text + asked->size, text, size);
	asked->size += size;
}

static void append_last(struct sim_asked *asked)
{
	unsigned which = (unsigned)(sim_random() % (sizeof(last) / sizeof(last[0])));

	asked->closes = true;
	asked->words = last[which].words;
	asked->words_from = asked->size;
	if (!asked->words)
		asked->heads[asked->count++] = asked->size + strlen(last[which].text);
	append(asked, last[which].text);
	if (asked->words && strcmp(asked->words, OVERLONG) == 0) {
		memset(asked->text + asked->size, 'a', TOO_LARGE);
		asked->size += TOO_LARGE;
	}
	asked->words_until = asked->size;
	append(asked, sim_chance(2) ? "" : polite[0]); /* in vain */
}

void sim_ask(struct sim_connection *client)
{
	struct sim_asked *asked = calloc(1, sizeof(*asked) + TOO_LARGE + REQUESTS_MAX * 100);
	unsigned count = sim_between(0, REQUESTS_MAX - 1);

	for (unsigned i = 0; i < count; i++) {
		const char *text = polite[sim_random() % (sizeof(polite) / sizeof(polite[0]))];

		asked->heads[asked->count++] = asked->size + head_of(text);
		append(asked, text);
	}
	if (sim_chance(2))
		append_last(asked);
	client->asked = asked;
	client->script.text = asked->text;
	client->script.send = (uint32_t)asked->size;
}

/* ---- What must come of it -------------------------------------------------------------------- */

static size_t response_of(const struct config_section *section, char *ret_head, size_t size)
{
	uint32_t body = section->responder_size;
	int head = snprintf(ret_head, size,
			    "HTTP/1.1 200 OK\r\nServer: uringproxy\r\nContent-Type: text/plain\r\n"
			    "Content-Length: %u\r\n\r\n",
			    body);

	return (size_t)head + body;
}

/* How many bytes may have been said when so many were read; what must be is less by maybe. */
static uint64_t answer_to(const struct sim_asked *asked, uint64_t read, size_t response,
			  uint64_t *ret_maybe)
{
	uint64_t most = 0;

	*ret_maybe = 0;
	if (asked->late)
		return asked->late_from + strlen(asked->late_words);
	for (unsigned i = 0; i < asked->count; i++)
		most += asked->heads[i] <= read ? response : 0;
	if (asked->words && read > asked->words_from) {
		most += strlen(asked->words);
		*ret_maybe = read < asked->words_until ? strlen(asked->words) : 0;
	}
	return most;
}

static unsigned char byte_of(const struct sim_asked *asked, const char *head, size_t response,
			     uint64_t position)
{
	uint64_t at = position % response;

	if (asked->late && position >= asked->late_from)
		return (unsigned char)asked->late_words[position - asked->late_from];
	if (position >= asked->count * response)
		return (unsigned char)asked->words[position - asked->count * response];
	if (at < strlen(head))
		return (unsigned char)head[at];
	return at == response - 1 ? '\n' : 'x';
}

/* Behind a last answer: what is owed is one byte, too, while the last words are. */
void sim_note_late(const struct config_section *section, const struct sim_connection *client,
		   uint64_t said, uint64_t owed)
{
	struct sim_asked *asked = client->asked;
	char head[256];
	size_t response = response_of(section, head, sizeof(head));
	uint64_t maybe, most;

	if (asked->late)
		return;
	most = answer_to(asked, client->in.read, response, &maybe);
	asked->late_from = said % response == 0 && owed <= 1 ? said : said + owed;
	asked->late_words = said + owed > 0 ? LATE : "";
	asked->late = true;
	if (asked->late_from > most || asked->late_from % response)
		sim_fail("the responder finds a client late after %llu bytes of answers",
			 (unsigned long long)asked->late_from);
}

void sim_check_answer(const struct config_section *section, const struct sim_connection *client,
		      uint64_t position, const unsigned char *bytes, uint32_t count)
{
	char head[256];
	size_t response = response_of(section, head, sizeof(head));
	uint64_t maybe, most = answer_to(client->asked, client->in.read, response, &maybe);

	if (position + count > most)
		sim_fail("the responder has said %llu bytes, asked for %llu",
			 (unsigned long long)position + count, (unsigned long long)most);
	for (uint32_t i = 0; i < count; i++)
		if (bytes[i] != byte_of(client->asked, head, response, position + i))
			sim_fail("byte %llu of the responder is %02x instead of %02x",
				 (unsigned long long)position + i, bytes[i],
				 byte_of(client->asked, head, response, position + i));
}

void sim_check_answered(const struct config_section *section, const struct sim_connection *client)
{
	char head[256];
	size_t response = response_of(section, head, sizeof(head));
	uint64_t maybe, most = answer_to(client->asked, client->in.read, response, &maybe);

	if (client->out.written + maybe < most)
		sim_fail("the responder has said %llu bytes of %llu",
			 (unsigned long long)client->out.written, (unsigned long long)most);
}

/* A FIN belongs behind the last answer, when the client wants no more or gets no more. */
void sim_check_goodbye(const struct config_section *section, const struct sim_connection *client)
{
	const struct sim_asked *asked = client->asked;

	if (!client->fin_read && !asked->late &&
	    !(asked->closes && client->in.read > asked->words_from))
		sim_fail("the responder ends before it was asked to");
	sim_check_answered(section, client);
}
