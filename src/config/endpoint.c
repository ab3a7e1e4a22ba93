#include "config/endpoint.h"

#include "config/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static int wrong(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, VALUE_WHY_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* "8000-8010" behind the last colon, or alone: its "-", which is made the end of text; or NULL. */
static char *cut_range(char *text)
{
	char *port = strrchr(text, ':'), *dash;

	if (!strncmp(text, "unix:", 5) || !strncmp(text, "systemd:", 8))
		return NULL;
	port = port ? port + 1 : text;
	dash = port + strspn(port, "0123456789");
	if (dash == port || *dash != '-' || !isdigit((unsigned char)dash[1]))
		return NULL;
	*dash = 0;
	return dash;
}

/* The number that value is, or -1. */
static int64_t number_of(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	return digits && !value[digits] && digits < 10 ? (int64_t)strtoul(value, NULL, 10) : -1;
}

static int parse_range(const struct address *address, const char *last, unsigned *ret_count,
		       char *why)
{
	int64_t port = number_of(last);

	if (port < 0 || port > UINT16_MAX)
		return wrong(why, "the range of ports has to end within 1..65535");
	if (port < address->port)
		return wrong(why, "the range of ports runs backwards");
	if (port - address->port >= ENDPOINT_PORTS_MAX)
		return wrong(why, "the range has %d ports; at most %d can be had from one line",
			     (int)port - address->port + 1, ENDPOINT_PORTS_MAX);
	*ret_count = (unsigned)(port - address->port + 1);
	return 0;
}

static int parse_address(struct address *address, unsigned *ret_count, char *word, bool listens,
			 char *why)
{
	const char *because;
	char *last = cut_range(word);
	int r = address_parse(address, word, listens ? ADDRESS_FOR_LISTEN : ADDRESS_FOR_CONNECT,
			      &because);

	*ret_count = 1;
	if (r < 0)
		return wrong(why, "%s", because);
	if (last && !listens)
		return wrong(why, "a range of ports is for listen only; repeat server for each "
				  "that is to be connected to");
	return last ? parse_range(address, last + 1, ret_count, why) : 0;
}

/* Whoever may connect to a control socket may do all that it offers. */
static int check_control(const struct config_endpoint *endpoint, char *why)
{
	const struct address *address = &endpoint->address;

	if (address->kind != ADDRESS_UNIX && address->kind != ADDRESS_SYSTEMD)
		return wrong(why,
			     "the daemon is controlled by a unix socket only, as in "
			     "unix:/run/uringproxy/control.sock; from another machine reach it "
			     "by `ssh -L 9000:/run/uringproxy/control.sock HOST`");
	if (address->kind == ADDRESS_UNIX && !address->u.un.sun_path[0])
		return wrong(why, "anybody may connect to what is in the abstract name space; "
				  "write a path");
	if (address->kind == ADDRESS_UNIX && endpoint->mode & 02)
		return wrong(why,
			     "mode=%04o lets everybody on this machine control the daemon; "
			     "write mode=0660, and group= for those who may",
			     endpoint->mode);
	return 0;
}

/* Where it is asked whether it is well. */
static int check_server(const struct config_endpoint *endpoint, char *why)
{
	bool is_unix = endpoint->address.kind == ADDRESS_UNIX;

	if (is_unix && endpoint->check_port && endpoint->check_address.kind == ADDRESS_NONE)
		return wrong(why, "check_port needs check_address here: a unix socket has none");
	if (is_unix && !endpoint->check_port && endpoint->check_address.kind == ADDRESS_INET)
		return wrong(why, "check_address needs check_port here: a unix socket has none");
	if (endpoint->check_port && endpoint->check_address.kind == ADDRESS_UNIX)
		return wrong(why, "check_port has no use: check_address is a unix socket");
	return 0;
}

static int check_use(const struct config_endpoint *endpoint, enum endpoint_use use, unsigned count,
		     char *why)
{
	if (use == ENDPOINT_CONTROL)
		return check_control(endpoint, why);
	if (use == ENDPOINT_CONNECT)
		return check_server(endpoint, why);
	if (use == ENDPOINT_METRICS && endpoint->address.kind == ADDRESS_NAME)
		return wrong(why, "takes an address, not a name");
	if (use == ENDPOINT_METRICS && count > 1)
		return wrong(why, "takes one port, not a range");
	return 0;
}

/* "web1 10.0.0.1:80", as HAProxy has it. */
static int check_order(const char *word, const char *rest, char *why)
{
	size_t length = strcspn(rest, " \t");
	char *second = strndup(rest, length);
	struct address address;
	const char *because;
	int r = -EINVAL;

	if (!second)
		return -ENOMEM;
	if (*rest && !word[value_name_span(word)] &&
	    address_parse(&address, second, ADDRESS_FOR_CONNECT, &because) == 0)
		(void)!wrong(why, "the address comes first; write %.80s name=%.40s", second, word);
	free(second);
	return r;
}

/* Its text and that of its options. */
static int keep_text(struct config_endpoint *endpoint, const char *word, const char *options,
		     bool ranges)
{
	char number[ADDRESS_TEXT_MAX];

	endpoint->text =
		strdup(ranges ? address_format(&endpoint->address, number, sizeof(number)) : word);
	endpoint->options = *options ? strdup(options) : NULL;
	return endpoint->text && (!*options || endpoint->options) ? 0 : -ENOMEM;
}

int endpoint_parse(struct config_endpoint *ret_endpoint, unsigned *ret_count, const char *text,
		   enum endpoint_use use, char why[VALUE_WHY_MAX])
{
	struct config_endpoint endpoint = {0};
	size_t length = strcspn(text, " \t,");
	const char *rest = text + length + strspn(text + length, " \t");
	char *word = strndup(text, length);
	int r;

	if (!word)
		return -ENOMEM;
	option_set_defaults(&endpoint, use);
	if (*rest == ',')
		r = wrong(why,
			  "takes an address only, without \"%.60s\"; for several addresses "
			  "repeat the key",
			  rest);
	else
		r = parse_address(&endpoint.address, ret_count, word, use != ENDPOINT_CONNECT, why);
	if (r == -EINVAL && use == ENDPOINT_CONNECT)
		r = check_order(word, rest, why);
	if (r == 0)
		r = option_set_all(&endpoint, use, rest, why);
	if (r == 0)
		r = check_use(&endpoint, use, *ret_count, why);
	if (r == 0)
		r = keep_text(&endpoint, word, rest, *ret_count > 1);
	free(word);
	if (r == 0)
		*ret_endpoint = endpoint;
	else
		endpoint_done(&endpoint);
	return r;
}

int endpoint_next(struct config_endpoint *ret_endpoint, const struct config_endpoint *endpoint)
{
	struct config_endpoint next = *endpoint;
	struct address *address = &next.address;
	char text[ADDRESS_TEXT_MAX];

	address_set_port(address, (uint16_t)(address->port + 1));
	next.name = NULL; /* ranges are of listen lines */
	next.text = strdup(address_format(address, text, sizeof(text)));
	next.options = endpoint->options ? strdup(endpoint->options) : NULL;
	if (!next.text || (endpoint->options && !next.options)) {
		endpoint_done(&next);
		return -ENOMEM;
	}
	*ret_endpoint = next;
	return 0;
}

void endpoint_done(struct config_endpoint *endpoint)
{
	free(endpoint->text);
	free(endpoint->options);
	free(endpoint->name);
	endpoint->text = NULL;
	endpoint->options = NULL;
	endpoint->name = NULL;
}
