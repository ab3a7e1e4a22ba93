#include "greet/route.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "greet/client_hello.h"

#define BLANKS    " \t"
#define PROTO     "alpn="
#define ARROW     "->"
#define FORM_SNI  "NAME [alpn=PROTO] -> POOL, reject or drop"
#define FORM_ALPN "PROTO -> POOL, reject or drop"

/* A part of a text. */
struct part {
	const char *at;
	size_t length;
};

struct complaint {
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int complain(const struct complaint *complaint,
							  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(complaint->why, complaint->size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static struct part trim(struct part part)
{
	while (part.length && strchr(BLANKS, *part.at)) {
		part.at++;
		part.length--;
	}
	while (part.length && strchr(BLANKS, part.at[part.length - 1]))
		part.length--;
	return part;
}

/* The first word, taken off the text. */
static struct part next_word(struct part *text)
{
	struct part word;

	*text = trim(*text);
	word.at = text->at;
	for (word.length = 0; word.length < text->length && !strchr(BLANKS, word.at[word.length]);)
		word.length++;
	text->at += word.length;
	text->length -= word.length;
	return word;
}

static bool is(const struct part *part, const char *word)
{
	return part->length == strlen(word) && !memcmp(part->at, word, part->length);
}

static int read_end(struct part text, struct route *route, const struct complaint *complaint)
{
	text = trim(text);
	if (!text.length)
		return complain(complaint, "it goes nowhere: a pool, reject or drop is missing");
	route->end = is(&text, "reject") ? ROUTE_REJECT
		     : is(&text, "drop") ? ROUTE_DROP
					 : ROUTE_TO_POOL;
	route->pool = text.at;
	route->pool_length = text.length;
	return 0;
}

/* What is before the arrow; what is behind it is read. */
static int split(const char *text, const char *form, struct route *route, struct part *ret_before,
		 const struct complaint *complaint)
{
	const char *arrow = strstr(text, ARROW);

	if (!arrow)
		return complain(complaint, "'%s' has no '" ARROW "': it is %s", text, form);
	*ret_before = (struct part){text, (size_t)(arrow - text)};
	arrow += strlen(ARROW);
	return read_end((struct part){arrow, strlen(arrow)}, route, complaint);
}

static int read_protocol(struct part proto, struct route *route, const struct complaint *complaint)
{
	if (!proto.length)
		return complain(complaint, "a protocol is missing: h2, http/1.1, postgresql ...");
	if (proto.length > 255)
		return complain(complaint, "a protocol has at most 255 bytes");
	route->alpn = proto.at;
	route->alpn_length = proto.length;
	return 0;
}

/* A name without what makes it a pattern, with letters of either case. */
static int judge_name(struct part name, struct part written, const struct complaint *complaint)
{
	char before = '.';

	for (size_t i = 0; i < name.length; i++) {
		char c = name.at[i];

		if (c == '*')
			return complain(complaint,
					"'%.*s': '*' stands for whole parts at the beginning only: "
					"*.example",
					(int)written.length, written.at);
		if (c & 0x80)
			return complain(complaint,
					"'%.*s': clients send such a name in ASCII, as xn--...: "
					"write it so",
					(int)written.length, written.at);
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '.')
			return complain(complaint, "'%.*s': no name has '%c' in it",
					(int)written.length, written.at, c);
		if (c == '.' && before == '.')
			return complain(complaint, "'%.*s' has an empty part between its dots",
					(int)written.length, written.at);
		before = c;
	}
	if (!name.length)
		return complain(complaint, "'%.*s' is no name", (int)written.length, written.at);
	if (name.length > HELLO_NAME_MAX)
		return complain(complaint, "a name has at most %d bytes", HELLO_NAME_MAX);
	return 0;
}

static int read_name(struct part written, struct route *route, const struct complaint *complaint)
{
	struct part name = written;
	size_t skip;

	if (!name.length)
		return complain(complaint, "a name is missing: it is " FORM_SNI);
	if (is(&name, "*")) {
		route->kind = ROUTE_ANY_NAME;
		return 0;
	}
	route->kind = name.length > 1 && !memcmp(name.at, "*.", 2) ? ROUTE_BELOW
		      : *name.at == '.'                            ? ROUTE_WITH_BELOW
								   : ROUTE_EXACT;
	skip = route->kind == ROUTE_BELOW ? 2 : route->kind == ROUTE_WITH_BELOW ? 1 : 0;
	name.at += skip;
	name.length -= skip;
	if (name.length && name.at[name.length - 1] == '.')
		name.length--;
	route->name = name.at;
	route->name_length = name.length;
	return judge_name(name, written, complaint);
}

int route_parse_sni(const char *text, struct route *ret_route, char *why, size_t why_size)
{
	const struct complaint complaint = {why, why_size};
	struct route route = {.kind = ROUTE_EXACT};
	struct part before = {text, 0}, word;
	int r = split(text, FORM_SNI, &route, &before, &complaint);

	if (r == 0)
		r = read_name(next_word(&before), &route, &complaint);
	for (word = next_word(&before); r == 0 && word.length; word = next_word(&before)) {
		size_t skip = strlen(PROTO);

		if (word.length < skip || memcmp(word.at, PROTO, skip) != 0)
			return complain(&complaint,
					"no option '%.*s' behind a name: there is alpn=PROTO",
					(int)word.length, word.at);
		if (route.alpn)
			return complain(&complaint, "alpn= is there twice");
		word.at += skip;
		word.length -= skip;
		r = read_protocol(word, &route, &complaint);
	}
	if (r == 0)
		*ret_route = route;
	return r;
}

int route_parse_alpn(const char *text, struct route *ret_route, char *why, size_t why_size)
{
	const struct complaint complaint = {why, why_size};
	struct route route = {.kind = ROUTE_ANYBODY};
	struct part before = {text, 0}, word;
	int r = split(text, FORM_ALPN, &route, &before, &complaint);

	if (r == 0)
		r = read_protocol(next_word(&before), &route, &complaint);
	word = next_word(&before);
	if (r == 0 && word.length)
		return complain(&complaint, "'%.*s' is one too many: it is " FORM_ALPN,
				(int)word.length, word.at);
	if (r == 0)
		*ret_route = route;
	return r;
}

int route_parse_end(const char *text, struct route *ret_route, char *why, size_t why_size)
{
	const struct complaint complaint = {why, why_size};
	struct route route = {.kind = ROUTE_ANYBODY};
	int r = read_end((struct part){text, strlen(text)}, &route, &complaint);

	if (r == 0)
		*ret_route = route;
	return r;
}
