#include "config/endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX     300
#define MODE_CONTROL 0660
#define MODE_DEFAULT 0666 /* as SocketMode= of systemd.socket(5), and as with a port: anybody */

__attribute__((format(printf, 2, 3))) static int wrong(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, VALUE_WHY_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* ---- options --------------------------------------------------------------------------------- */

static int set_mode(struct config_endpoint *endpoint, const char *value, char *why)
{
	size_t digits = strspn(value, "01234567");
	unsigned long mode = digits < 6 ? strtoul(value, NULL, 8) : 01000;

	if (!digits || value[digits] || mode > 0777)
		return wrong(why, "mode=%.40s is not a file's mode; write for example mode=0660",
			     value);
	endpoint->mode = (mode_t)mode;
	return 0;
}

/* The number that value is, or -1. */
static int64_t number_of(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	return digits && !value[digits] && digits < 10 ? (int64_t)strtoul(value, NULL, 10) : -1;
}

static int set_owner(struct config_endpoint *endpoint, const char *value, char *why)
{
	const struct passwd *user = number_of(value) < 0 ? getpwnam(value) : NULL;

	if (number_of(value) < 0 && !user)
		return wrong(why, "owner=%.80s: this machine has no user of that name", value);
	endpoint->owner = user ? user->pw_uid : (uid_t)number_of(value);
	return 0;
}

static int set_group(struct config_endpoint *endpoint, const char *value, char *why)
{
	const struct group *group = number_of(value) < 0 ? getgrnam(value) : NULL;

	if (number_of(value) < 0 && !group)
		return wrong(why, "group=%.80s: this machine has no group of that name", value);
	endpoint->group = group ? group->gr_gid : (gid_t)number_of(value);
	return 0;
}

static int set_freebind(struct config_endpoint *endpoint, const char *value, char *why)
{
	(void)value;
	(void)why;
	endpoint->freebind = true;
	return 0;
}

static int set_read_only(struct config_endpoint *endpoint, const char *value, char *why)
{
	(void)value;
	(void)why;
	endpoint->read_only = true;
	return 0;
}

enum { OF_FILES = 1, OF_ADDRESSES = 2, OF_CONTROL = 4 };

static const struct {
	const char *name;
	bool has_value;
	unsigned of;
	int (*set)(struct config_endpoint *endpoint, const char *value, char *why);
} options[] = {
	{"mode", true, OF_FILES, set_mode},
	{"owner", true, OF_FILES, set_owner},
	{"group", true, OF_FILES, set_group},
	{"read_only", false, OF_CONTROL, set_read_only},
	{"freebind", false, OF_ADDRESSES, set_freebind},
};

/* Which options an address can have. */
static unsigned kind_of(const struct address *address, enum endpoint_use use)
{
	if (use == ENDPOINT_CONTROL)
		return OF_CONTROL | (address->kind == ADDRESS_UNIX ? OF_FILES : 0);
	if (address->kind == ADDRESS_UNIX)
		return address->u.un.sun_path[0] ? OF_FILES : 0;
	return address->kind == ADDRESS_INET || address->kind == ADDRESS_NAME ? OF_ADDRESSES : 0;
}

static int has_no_use(const struct address *address, unsigned of, const char *name, char *why)
{
	const char *because = "it is for the path of a unix socket";

	if (of == OF_CONTROL)
		because = "it is for the sockets of [control]";
	else if (address->kind == ADDRESS_SYSTEMD)
		because =
			"the socket unit has SocketMode=, SocketUser=, SocketGroup= and FreeBind=";
	else if (address->kind == ADDRESS_UNIX && !address->u.un.sun_path[0])
		because = "what is in the abstract name space has no file, and anybody may "
			  "connect to it";
	else if (of == OF_ADDRESSES && address->kind == ADDRESS_ANY)
		because = "it is every address that there is";
	else if (of == OF_ADDRESSES)
		because = "it is for an IPv4 or IPv6 address";
	return wrong(why, "%s has no use here: %s", name, because);
}

static int set_option(struct config_endpoint *endpoint, enum endpoint_use use, const char *word,
		      unsigned *seen, char *why)
{
	size_t length = strcspn(word, "=");

	for (unsigned i = 0; i < array_size(options); i++) {
		const char *value = word[length] ? word + length + 1 : NULL;

		if (strlen(options[i].name) != length ||
		    strncmp(options[i].name, word, length) != 0)
			continue;
		if (options[i].has_value && (!value || !*value))
			return wrong(why, "%s needs a value, as in %s=...", options[i].name,
				     options[i].name);
		if (!options[i].has_value && value)
			return wrong(why, "%s takes no value", options[i].name);
		if (!(options[i].of & kind_of(&endpoint->address, use)))
			return has_no_use(&endpoint->address, options[i].of, options[i].name, why);
		if (*seen & 1u << i)
			return wrong(why, "%s is given twice", options[i].name);
		*seen |= 1u << i;
		return options[i].set(endpoint, value, why);
	}
	return wrong(why,
		     "\"%.60s\" is no option of an address; there are mode=, owner= and "
		     "group= for unix sockets, and %s; for several addresses repeat "
		     "the key",
		     word, use == ENDPOINT_CONTROL ? "read_only" : "freebind");
}

/* What is behind the address. */
static int set_options(struct config_endpoint *endpoint, enum endpoint_use use, const char *text,
		       char *why)
{
	char word[WORD_MAX];
	unsigned seen = 0;
	int r = 0;

	while (r == 0 && *(text += strspn(text, " \t"))) {
		size_t length = strcspn(text, " \t");

		snprintf(word, sizeof(word), "%.*s", (int)length, text);
		r = set_option(endpoint, use, word, &seen, why);
		text += length;
	}
	return r;
}

/* ---- addresses ------------------------------------------------------------------------------- */

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

static int check_use(const struct config_endpoint *endpoint, enum endpoint_use use, unsigned count,
		     char *why)
{
	if (use == ENDPOINT_CONTROL)
		return check_control(endpoint, why);
	if (use == ENDPOINT_METRICS && endpoint->address.kind == ADDRESS_NAME)
		return wrong(why, "takes an address, not a name");
	if (use == ENDPOINT_METRICS && count > 1)
		return wrong(why, "takes one port, not a range");
	return 0;
}

int endpoint_parse(struct config_endpoint *ret_endpoint, unsigned *ret_count, const char *text,
		   enum endpoint_use use, char why[VALUE_WHY_MAX])
{
	bool listens = use != ENDPOINT_CONNECT;
	struct config_endpoint endpoint = {.mode = use == ENDPOINT_CONTROL ? MODE_CONTROL
									   : MODE_DEFAULT,
					   .owner = (uid_t)-1,
					   .group = (gid_t)-1,
					   .weight = 1,
					   .max_fails = 3,
					   .fail_timeout_ms = 10000};
	size_t length = strcspn(text, " \t,");
	const char *rest = text + length + strspn(text + length, " \t");
	char *word = strndup(text, length), number[ADDRESS_TEXT_MAX];
	int r;

	if (!word)
		return -ENOMEM;
	if (*rest == ',' || (*rest && !listens))
		r = wrong(why,
			  "takes an address only, without \"%.60s\"; for several addresses "
			  "repeat the key",
			  rest);
	else
		r = parse_address(&endpoint.address, ret_count, word, listens, why);
	if (r == 0)
		r = set_options(&endpoint, use, rest, why);
	if (r == 0)
		r = check_use(&endpoint, use, *ret_count, why);
	if (r == 0) {
		bool ranges = *ret_count > 1;

		endpoint.text = strdup(
			ranges ? address_format(&endpoint.address, number, sizeof(number)) : word);
		endpoint.options = *rest ? strdup(rest) : NULL;
		if (!endpoint.text || (*rest && !endpoint.options)) {
			endpoint_done(&endpoint);
			r = -ENOMEM;
		}
	}
	free(word);
	if (r == 0)
		*ret_endpoint = endpoint;
	return r;
}

int endpoint_next(struct config_endpoint *ret_endpoint, const struct config_endpoint *endpoint)
{
	struct config_endpoint next = *endpoint;
	struct address *address = &next.address;
	char text[ADDRESS_TEXT_MAX];

	address->port++;
	if (address->length && address->u.any.sa_family == AF_INET)
		address->u.in.sin_port = htons(address->port);
	else if (address->length)
		address->u.in6.sin6_port = htons(address->port);
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
	endpoint->text = NULL;
	endpoint->options = NULL;
}
