#include "config/option.h"

#include "config/schema.h"
#include "config/source.h"
#include "config/suggest.h"
#include "config/tos.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX     300
#define MODE_CONTROL 0660
#define MODE_DEFAULT 0666 /* as SocketMode= of systemd.socket(5), and as with a port: anybody */

#define SECOND UINT64_C(1000)
#define HOUR   (3600 * SECOND)

__attribute__((format(printf, 2, 3))) static int wrong(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, VALUE_WHY_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* ---- Of listen lines ------------------------------------------------------------------------- */

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

static int set_v6only(struct config_endpoint *endpoint, const char *value, char *why)
{
	(void)value;
	(void)why;
	endpoint->v6only = true;
	return 0;
}

static int set_defer_accept(struct config_endpoint *endpoint, const char *value, char *why)
{
	(void)value;
	(void)why;
	endpoint->defer_accept = true;
	return 0;
}

static int set_interface(struct config_endpoint *endpoint, const char *value, char *why)
{
	if (!address_is_interface(value))
		return wrong(
			why,
			"interface=%.40s is not the name of an interface, of at most %d bytes; "
			"`ip link` shows them",
			value, IF_NAMESIZE - 1);
	memcpy(endpoint->interface, value, strlen(value) + 1);
	return 0;
}

static int set_backlog(struct config_endpoint *endpoint, const char *value, char *why)
{
	int64_t backlog = number_of(value);

	if (backlog < 1 || backlog > UINT16_MAX)
		return wrong(why, "backlog=%.40s is outside 1..65535", value);
	endpoint->backlog = (uint32_t)backlog;
	return 0;
}

static int set_tos(struct config_endpoint *endpoint, const char *value, char *why)
{
	return tos_parse(&endpoint->tos, value, why);
}

static int set_read_only(struct config_endpoint *endpoint, const char *value, char *why)
{
	(void)value;
	(void)why;
	endpoint->read_only = true;
	return 0;
}

/* ---- Of server lines ------------------------------------------------------------------------- */

static int set_name(struct config_endpoint *endpoint, const char *value, char *why)
{
	size_t length = value_name_span(value);

	if (value[length])
		return wrong(why,
			     "name=%.60s is not a name; it is one word of letters, digits, \"_\", "
			     "\".\" and \"-\"",
			     value);
	if (length > VALUE_NAME_MAX)
		return wrong(why, "name=%.60s is %zu bytes long; the most is %d", value, length,
			     VALUE_NAME_MAX);
	endpoint->name = strdup(value);
	return endpoint->name ? 0 : -ENOMEM;
}

static int set_backup(struct config_endpoint *endpoint, const char *value, char *why)
{
	(void)value;
	(void)why;
	endpoint->priority = CONFIG_PRIORITY_BACKUP;
	return 0;
}

static int set_disabled(struct config_endpoint *endpoint, const char *value, char *why)
{
	(void)value;
	(void)why;
	endpoint->disabled = true;
	return 0;
}

static int set_send_proxy(struct config_endpoint *endpoint, const char *value, char *why)
{
	static const char *const send[] = {[CONFIG_SEND_PROXY_OFF] = "off",
					   [CONFIG_SEND_PROXY_V1] = "v1",
					   [CONFIG_SEND_PROXY_V2] = "v2",
					   NULL};
	char because[VALUE_WHY_MAX];
	uint32_t how;

	if (value_parse_word(&how, value, send, because) < 0)
		return wrong(why, "send_proxy: %.400s", because);
	endpoint->send_proxy = (uint8_t)how;
	return 0;
}

static int set_check_port(struct config_endpoint *endpoint, const char *value, char *why)
{
	int64_t port = number_of(value);

	if (port < 1 || port > UINT16_MAX)
		return wrong(why, "check_port=%.40s is outside 1..65535", value);
	endpoint->check_port = (uint16_t)port;
	return 0;
}

/* Without a port, which check_port is; of IPv6 with and without brackets. */
static int set_check_address(struct config_endpoint *endpoint, const char *value, char *why)
{
	bool is_path = !strncmp(value, "unix:", 5);
	bool is_bare = *value != '[' && strchr(value, ':') && !is_path;
	char text[WORD_MAX + 8];
	const char *because;

	snprintf(text, sizeof(text), "%s%s%s%s", is_bare ? "[" : "", value, is_bare ? "]" : "",
		 is_path ? "" : ":1");
	if (address_parse(&endpoint->check_address, text, ADDRESS_FOR_CONNECT, &because) < 0 ||
	    endpoint->check_address.kind == ADDRESS_NAME)
		return wrong(why,
			     "check_address=%.80s is not an address; write for example "
			     "check_address=10.0.0.5, and check_port=",
			     value);
	address_set_port(&endpoint->check_address, 0);
	return 0;
}

static int set_source(struct config_endpoint *endpoint, const char *value, char *why)
{
	char because[VALUE_WHY_MAX];

	if (endpoint->address.kind == ADDRESS_UNIX)
		return wrong(why, "source has no use here: who connects to a unix socket has no "
				  "address");
	if (!strcasecmp(value, "auto")) {
		endpoint->source.kind = ADDRESS_ANY;
		return 0;
	}
	if (source_parse(&endpoint->source, value, because) < 0)
		return wrong(why, "source=%.80s: %.300s", value, because);
	return 0;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* What an option is for. */
enum {
	OF_FILES = 1,
	OF_ADDRESSES = 2,
	OF_CONTROL = 4,
	OF_SERVERS = 8,
	OF_INTERNET = 16, /* an address, or a port of every one */
	OF_IPV6 = 32,
	OF_LISTENERS = 64, /* whatever we open */
};

struct option {
	const char *name;
	bool has_value;
	unsigned of;
	int (*set)(struct config_endpoint *endpoint, const char *value, char *why);
	struct schema_key number; /* where there is no function: what it may be, and where it is */
	const char *unit;         /* what says the same in a socket unit; NULL: nothing */
};

/* clang-format off */
#define FIELD(member) \
	(offsetof(struct config_endpoint, member) + \
	 0 * sizeof(char[_Generic(((struct config_endpoint *)0)->member, uint32_t: 1, default: -1)]))
#define NUMBER(word, kind, member, least, greatest, none, default_) \
	{word, true, OF_SERVERS, NULL, {.name = word, .type = SCHEMA_##kind, .offset = FIELD(member), .min = least, .max = greatest, .zero = none, .initial = default_}, NULL}

static const struct option options[] = {
	{.name = "mode", .has_value = true, .of = OF_FILES, .set = set_mode},
	{.name = "owner", .has_value = true, .of = OF_FILES, .set = set_owner},
	{.name = "group", .has_value = true, .of = OF_FILES, .set = set_group},
	{.name = "read_only", .of = OF_CONTROL, .set = set_read_only},
	{.name = "freebind", .of = OF_ADDRESSES, .set = set_freebind},
	{.name = "interface", .has_value = true, .of = OF_INTERNET, .set = set_interface, .unit = "BindToDevice="},
	{.name = "v6only", .of = OF_IPV6, .set = set_v6only, .unit = "BindIPv6Only=ipv6-only"},
	{.name = "tos", .has_value = true, .of = OF_INTERNET, .set = set_tos, .unit = "IPTOS="},
	{.name = "backlog", .has_value = true, .of = OF_LISTENERS, .set = set_backlog, .unit = "Backlog="},
	{.name = "defer_accept", .of = OF_INTERNET, .set = set_defer_accept, .unit = "DeferAcceptSec="},
	{.name = "name", .has_value = true, .of = OF_SERVERS, .set = set_name},
	NUMBER("weight",          COUNT, weight,          0, CONFIG_WEIGHT_MAX, NULL, "1"),
	{.name = "backup", .of = OF_SERVERS, .set = set_backup},
	NUMBER("priority",        COUNT, priority,        0, CONFIG_PRIORITY_BACKUP - 1, NULL, "0"),
	NUMBER("max_connections", COUNT, max_connections, 1, 16777215, "off", "off"),
	{.name = "disabled", .of = OF_SERVERS, .set = set_disabled},
	NUMBER("max_fails",       COUNT, max_fails,       1, 1000, "off", "3"),
	NUMBER("fail_timeout",    MS,    fail_timeout_ms, 1, HOUR, NULL, "10s"),
	NUMBER("slow_start",      MS,    slow_start_ms,   1, 24 * HOUR, "off", "off"),
	{.name = "send_proxy", .has_value = true, .of = OF_SERVERS, .set = set_send_proxy},
	{.name = "check_port", .has_value = true, .of = OF_SERVERS, .set = set_check_port},
	{.name = "check_address", .has_value = true, .of = OF_SERVERS, .set = set_check_address},
	{.name = "source", .has_value = true, .of = OF_SERVERS, .set = set_source},
};
/* clang-format on */

static_assert(array_size(options) <= 32, "a bit for each that was given");

/* Which an address can have. */
static unsigned kinds_of(const struct address *address, enum endpoint_use use)
{
	if (use == ENDPOINT_CONNECT)
		return OF_SERVERS;
	if (use == ENDPOINT_CONTROL)
		return OF_CONTROL | (address->kind == ADDRESS_UNIX ? OF_FILES : 0);
	switch (address->kind) {
	case ADDRESS_UNIX:
		return OF_LISTENERS | (address->u.un.sun_path[0] ? OF_FILES : 0);
	case ADDRESS_ANY:
		return OF_LISTENERS | OF_INTERNET | OF_IPV6;
	case ADDRESS_INET:
		return OF_LISTENERS | OF_INTERNET | OF_ADDRESSES |
		       (address->u.any.sa_family == AF_INET6 ? OF_IPV6 : 0);
	case ADDRESS_NAME:
		return OF_LISTENERS | OF_INTERNET | OF_ADDRESSES;
	case ADDRESS_SYSTEMD:
	case ADDRESS_NONE:
	case ADDRESS_KIND_COUNT:
		break;
	}
	return 0;
}

static int has_no_use(const struct config_endpoint *endpoint, enum endpoint_use use,
		      const struct option *option, char *why)
{
	const struct address *address = &endpoint->address;
	const char *because = "it is for the path of a unix socket";

	if (option->of == OF_SERVERS)
		because = "it is for server lines";
	else if (use == ENDPOINT_CONNECT)
		because = "it is for listen lines";
	else if (option->of == OF_CONTROL)
		because = "it is for the sockets of [control]";
	else if (address->kind == ADDRESS_SYSTEMD && option->unit)
		return wrong(why, "%s has no use here: the socket unit has %s", option->name,
			     option->unit);
	else if (address->kind == ADDRESS_SYSTEMD)
		because =
			"the socket unit has SocketMode=, SocketUser=, SocketGroup= and FreeBind=";
	else if (use == ENDPOINT_CONTROL && option->of > OF_SERVERS)
		because = "it is for sections that serve clients";
	else if (option->of == OF_IPV6)
		because = "it is for IPv6, and for a port of every address";
	else if (option->of == OF_INTERNET)
		because = "it is for IPv4 and IPv6, not for a unix socket";
	else if (address->kind == ADDRESS_UNIX && !address->u.un.sun_path[0])
		because = "what is in the abstract name space has no file, and anybody may "
			  "connect to it";
	else if (option->of == OF_ADDRESSES && address->kind == ADDRESS_ANY)
		because = "it is every address that there is";
	else if (option->of == OF_ADDRESSES)
		because = "it is for an IPv4 or IPv6 address";
	return wrong(why, "%s has no use here: %s", option->name, because);
}

/* ---- Words that are none --------------------------------------------------------------------- */

/* What the same thing is called elsewhere, and what is a key of its own here. */
static const struct {
	const char *elsewhere, *here;
	bool is_key;
} synonyms[] = {
	{"maxconn", "max_connections", false},
	{"max_conns", "max_connections", false},
	{"port", "check_port", false},
	{"addr", "check_address", false},
	{"down", "disabled", false},
	{"id", "name", false},
	{"slow_start_time", "slow_start", false},
	{"inter", "check_every", true},
	{"interval", "check_every", true},
	{"fastinter", "check_fast", true},
	{"fall", "check_fall", true},
	{"rise", "check_rise", true},
	{"resolvers", "resolver", true},
	{"maxqueue", "queue", true},
	{"on_marked_down", "on_down", true},
	{"on_marked_up", "on_up", true},
};

static int is_of_all(const char *key, const char *value, char *why)
{
	return wrong(why, "%s is a key of its own, for all servers: write the line %s = %.60s", key,
		     key, value && *value ? value : "...");
}

static int unknown_server_option(const char *name, const char *word, char *why)
{
	const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
	const struct schema_key *key = schema_find(name, IN_POOL);
	struct suggest suggest;

	for (size_t i = 0; i < array_size(synonyms); i++) {
		if (!suggest_is_same(name, synonyms[i].elsewhere))
			continue;
		if (synonyms[i].is_key)
			return is_of_all(synonyms[i].here, value, why);
		return wrong(why, "\"%.60s\" is no option of a server; did you mean %s?", word,
			     synonyms[i].here);
	}
	if (key && !schema_is_list(key))
		return is_of_all(key->name, value, why);
	suggest_begin(&suggest, name);
	for (size_t i = 0; i < array_size(options); i++)
		if (options[i].of == OF_SERVERS)
			suggest_offer(&suggest, options[i].name);
	if (suggest.best)
		return wrong(why, "\"%.60s\" is no option of a server; did you mean %s?", word,
			     suggest.best);
	return wrong(why,
		     "\"%.60s\" is no option of a server; uringproxy.conf(5) has them all; for "
		     "several servers repeat the key",
		     word);
}

/* What listen options are called elsewhere, by nginx and HAProxy. */
static const char *listen_synonym(const char *name)
{
	static const struct {
		const char *elsewhere, *here;
	} words[] = {
		{"ipv6only", "v6only"},   {"deferred", "defer_accept"},
		{"dscp", "tos="},         {"defer", "defer_accept"},
		{"device", "interface="}, {"bindtodevice", "interface="},
	};

	for (size_t i = 0; i < array_size(words); i++)
		if (suggest_is_same(name, words[i].elsewhere))
			return words[i].here;
	return NULL;
}

static int unknown_option(enum endpoint_use use, const char *word, char *why)
{
	char name[WORD_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	if (use == ENDPOINT_CONNECT)
		return unknown_server_option(name, word, why);
	if (use != ENDPOINT_CONTROL && listen_synonym(name))
		return wrong(why, "\"%.60s\" is no option of an address; did you mean %s?", word,
			     listen_synonym(name));
	return wrong(why,
		     "\"%.60s\" is no option of an address; there are mode=, owner= and "
		     "group= for unix sockets, and %s; for several addresses repeat "
		     "the key",
		     word,
		     use == ENDPOINT_CONTROL
			     ? "read_only"
			     : "interface=, v6only, freebind, tos=, backlog= and defer_accept");
}

/* ---- Reading them ---------------------------------------------------------------------------- */

/* NULL: there is none of that name. */
static const struct option *find(const char *word)
{
	char name[WORD_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	for (size_t i = 0; i < array_size(options); i++)
		if (suggest_is_same(options[i].name, name))
			return &options[i];
	return NULL;
}

static int set_value(struct config_endpoint *endpoint, const struct option *option,
		     const char *value, char *why)
{
	char because[VALUE_WHY_MAX];
	int r;

	if (option->set)
		return option->set(endpoint, value, why);
	r = schema_set(&option->number, endpoint, value, because);
	return r == -EINVAL ? wrong(why, "%s: %.400s", option->name, because) : r;
}

static int set_option(struct config_endpoint *endpoint, enum endpoint_use use, const char *word,
		      unsigned *seen, char *why)
{
	const struct option *option = find(word);
	const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
	unsigned bit = option ? 1u << (option - options) : 0;

	if (!option)
		return unknown_option(use, word, why);
	if (option->has_value && (!value || !*value))
		return wrong(why, "%s needs a value, as in %s=...", option->name, option->name);
	if (!option->has_value && value)
		return wrong(why, "%s takes no value", option->name);
	if (!(option->of & kinds_of(&endpoint->address, use)))
		return has_no_use(endpoint, use, option, why);
	if (*seen & bit)
		return wrong(why, "%s is given twice", option->name);
	*seen |= bit;
	return set_value(endpoint, option, value, why);
}

static bool saw(unsigned seen, const char *name)
{
	return seen & 1u << (find(name) - options);
}

/* Pairs of which one makes the other meaningless. */
static int check_pairs(const struct config_endpoint *endpoint, unsigned seen, char *why)
{
	if (saw(seen, "backup") && saw(seen, "priority"))
		return wrong(why, "backup is behind every priority; keep one of the two");
	if (saw(seen, "fail_timeout") && !endpoint->max_fails)
		return wrong(why, "fail_timeout has no use with max_fails=off");
	if (saw(seen, "slow_start") && endpoint->slow_start_ms && !endpoint->weight)
		return wrong(why, "slow_start has no use with weight=0: it takes no connections");
	if (*endpoint->interface && address_has_zone(&endpoint->address) &&
	    strcmp(endpoint->interface, endpoint->address.host) != 0)
		return wrong(why, "interface=%s is not that of the address, %%%s; leave one away",
			     endpoint->interface, endpoint->address.host);
	return 0;
}

int option_set_all(struct config_endpoint *endpoint, enum endpoint_use use, const char *text,
		   char why[VALUE_WHY_MAX])
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
	if (r == 0)
		r = check_pairs(endpoint, seen, why);
	if (r == 0 && endpoint->v6only)
		endpoint->address.kind = ADDRESS_INET; /* it is [::] then */
	return r;
}

void option_set_defaults(struct config_endpoint *endpoint, enum endpoint_use use)
{
	char why[VALUE_WHY_MAX];

	endpoint->mode = use == ENDPOINT_CONTROL ? MODE_CONTROL : MODE_DEFAULT;
	endpoint->owner = (uid_t)-1;
	endpoint->group = (gid_t)-1;
	endpoint->send_proxy = CONFIG_SEND_PROXY_AS_POOL;
	for (size_t i = 0; i < array_size(options); i++)
		if (!options[i].set)
			(void)!set_value(endpoint, &options[i], options[i].number.initial, why);
}

const char *option_name(enum endpoint_use use, size_t n)
{
	for (size_t i = 0; i < array_size(options); i++)
		if ((options[i].of == OF_SERVERS) == (use == ENDPOINT_CONNECT) && n-- == 0)
			return options[i].name;
	return NULL;
}
