/* The lines of haproxy.cfg that have addresses, bind and server, and what is said of lines. */
#include "import/haproxy.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is said of lines ------------------------------------------------------------------- */

void haproxy_miss(struct haproxy *haproxy, const char *why)
{
	struct haproxy_section *section = haproxy->section;

	draft_miss(haproxy->draft,
		   section && section->draft ? section->draft : draft_top(haproxy->draft),
		   haproxy->words->line, haproxy->words->shown, why);
}

void haproxy_say(struct haproxy *haproxy, enum haproxy_value value, const char *text)
{
	struct haproxy_section *section = haproxy->section;

	if (value >= HAPROXY_INTER && section->set[value] &&
	    strcmp(section->values[value], text) != 0) {
		haproxy_miss(haproxy, "its servers do not agree, and here they have to; the first "
				      "one's is taken");
		return;
	}
	section->set[value] = true;
	snprintf(section->values[value], sizeof(section->values[value]), "%s", text);
}

/* ---- Values ---------------------------------------------------------------------------------- */

bool haproxy_time(const char *text, char ours[40])
{
	static const struct {
		const char *theirs, *ours;
	} units[] = {{"", "ms"},   {"us", "us"}, {"ms", "ms"}, {"s", "s"},
		     {"m", "min"}, {"h", "h"},   {"d", "d"}};
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 12)
		return false;
	for (size_t i = 0; i < array_size(units); i++)
		if (!strcmp(text + digits, units[i].theirs)) {
			snprintf(ours, 40, "%.*s%s", (int)digits, text, units[i].ours);
			return true;
		}
	return false;
}

/* Without "ipv4@" and "ipv6@"; *ret_six: it is of IPv6. */
static const char *without_family(const char *text, bool *ret_six)
{
	*ret_six = !strncmp(text, "ipv6@", 5);
	return *ret_six || !strncmp(text, "ipv4@", 5) ? text + 5 : text;
}

static bool is_path(const char *text, char ours[300])
{
	const char *path = !strncmp(text, "unix@", 5) ? text + 5 : text;

	if (!strncmp(text, "abns@", 5))
		snprintf(ours, 300, "unix:@%.200s", text + 5);
	else if (*path == '/')
		snprintf(ours, 300, "unix:%.200s", path);
	else
		return false;
	return true;
}

static bool has_variable(const char *text)
{
	return strpbrk(text, "$\"") || !*text;
}

/* Of what an address is. */
struct sort {
	bool six;     /* it is said to be IPv6 */
	bool listens; /* clients connect to it */
	bool both;    /* IPv6 is IPv4, too */
};

/* Host and port are apart at the last colon. */
static bool join(const char *host, size_t length, const char *port, const struct sort *sort,
		 char ours[300], const char **ret_why)
{
	bool any = !length || (length == 1 && *host == '*');

	if (!isdigit((unsigned char)*port)) {
		*ret_why = "its port is one that depends on the client's, or is none";
		return false;
	}
	if (*host == '[' && length > 1) {
		host++;
		length -= 2;
	}
	if (any && !sort->listens) {
		*ret_why = "it goes to where the client went, which there is not here";
		return false;
	}
	if (any && (sort->both || sort->six))
		snprintf(ours, 300, "%s%.40s", sort->both ? "" : "[::]:", port);
	else if (any)
		snprintf(ours, 300, "0.0.0.0:%.40s", port);
	else if (sort->both && length == 2 && !strncmp(host, "::", 2))
		snprintf(ours, 300, "%.40s", port);
	else if (memchr(host, ':', length))
		snprintf(ours, 300, "[%.*s]:%.40s", (int)length, host, port);
	else
		snprintf(ours, 300, "%.*s:%.40s", (int)length, host, port);
	return true;
}

bool haproxy_address(const char *text, bool listens, bool both, char ours[300],
		     const char **ret_why)
{
	struct sort sort = {.listens = listens, .both = both};
	const char *colon;

	if (has_variable(text) || strlen(text) > 200) {
		*ret_why = "it has a variable in it; write what that stands for";
		return false;
	}
	if (is_path(text, ours))
		return true;
	text = without_family(text, &sort.six);
	if (strchr(text, '@')) {
		*ret_why = "there is no such kind of address here";
		return false;
	}
	colon = strrchr(text, ':');
	if (!colon) {
		*ret_why = listens ? "it has no port"
				   : "it goes to the port that the client went "
				     "to, which there is not here; write a port";
		return false;
	}
	return join(text, (size_t)(colon - text), colon + 1, &sort, ours, ret_why);
}

/* ---- Options --------------------------------------------------------------------------------- */

enum effect {
	COPIED, /* the value behind ours */
	FLAG,   /* ours, as it is */
	TIME,   /* the value, a time, behind ours */
	AGREED, /* the pool's, a number */
	AGREED_TIME,
	CHECKED,
	LIMIT,
	DOWN,
	BOTH,    /* of bind: both families */
	PROXIED, /* a PROXY header is wanted */
	IGNORED, /* it makes no difference here */
	REFUSED, /* without it the line means something else */
};

struct option {
	const char *name;
	int values; /* words behind it */
	enum effect effect;
	const char *ours; /* "weight=" */
	enum haproxy_value value;
};

struct line_options {
	char ours[500];
	bool check, limit, both, proxied;
};

static const struct option server_options[] = {
	{"weight", 1, COPIED, "weight=", 0},
	{"backup", 0, FLAG, "backup", 0},
	{"disabled", 0, FLAG, "disabled", 0},
	{"enabled", 0, IGNORED, NULL, 0},
	{"maxconn", 1, LIMIT, "max_connections=", 0},
	{"port", 1, COPIED, "check_port=", 0},
	{"addr", 1, COPIED, "check_address=", 0},
	{"slowstart", 1, TIME, "slow_start=", 0},
	{"send-proxy", 0, FLAG, "send_proxy=v1", 0},
	{"send-proxy-v2", 0, FLAG, "send_proxy=v2", 0},
	{"check", 0, CHECKED, NULL, 0},
	{"no-check", 0, IGNORED, NULL, 0},
	{"inter", 1, AGREED_TIME, NULL, HAPROXY_INTER},
	{"fastinter", 1, AGREED_TIME, NULL, HAPROXY_FASTINTER},
	{"fall", 1, AGREED, NULL, HAPROXY_FALL},
	{"rise", 1, AGREED, NULL, HAPROXY_RISE},
	{"on-marked-down", 1, DOWN, NULL, HAPROXY_ON_DOWN},
	/* names are resolved again here in any case */
	{"init-addr", 1, IGNORED, NULL, 0},
	{"resolvers", 1, IGNORED, NULL, 0},
	{"id", 1, IGNORED, NULL, 0},
};
static const struct option bind_options[] = {
	{"mode", 1, COPIED, "mode=", 0},
	{"user", 1, COPIED, "owner=", 0},
	{"uid", 1, COPIED, "owner=", 0},
	{"group", 1, COPIED, "group=", 0},
	{"gid", 1, COPIED, "group=", 0},
	{"interface", 1, COPIED, "interface=", 0},
	{"backlog", 1, COPIED, "backlog=", 0},
	{"v6only", 0, FLAG, "v6only", 0},
	{"defer-accept", 0, FLAG, "defer_accept", 0},
	{"v4v6", 0, BOTH, NULL, 0},
	{"accept-proxy", 0, PROXIED, NULL, 0},
	{"name", 1, IGNORED, NULL, 0},
	{"id", 1, IGNORED, NULL, 0},
	{"process", 1, IGNORED, NULL, 0},
	{"thread", 1, IGNORED, NULL, 0},
	{"shards", 1, IGNORED, NULL, 0},
	{"level", 1, IGNORED, NULL, 0},
	{"tfo", 0, IGNORED, NULL, 0},
};

static void append(struct line_options *line, const char *text, const char *value)
{
	size_t used = strlen(line->ours);

	snprintf(line->ours + used, sizeof(line->ours) - used, " %s%s", text, value);
}

/* Of that option; false and why: the line is none. */
static bool take_option(struct haproxy *haproxy, struct line_options *line,
			const struct option *option, const char *value, const char **ret_why)
{
	char time[40];

	*ret_why = option->name;
	switch (option->effect) {
	case COPIED:
	case LIMIT:
		append(line, option->ours, value);
		line->limit |= option->effect == LIMIT;
		return !strpbrk(value, " \t");
	case FLAG:
		append(line, option->ours, "");
		return true;
	case TIME:
	case AGREED_TIME:
		if (!haproxy_time(value, time))
			return false;
		if (option->effect == TIME)
			append(line, option->ours, time);
		else
			haproxy_say(haproxy, option->value, time);
		return true;
	case AGREED:
		haproxy_say(haproxy, option->value, value);
		return true;
	case CHECKED:
		line->check = true;
		return true;
	case DOWN:
		if (strcmp(value, "shutdown-sessions") != 0)
			return false;
		haproxy_say(haproxy, option->value, "reset");
		return true;
	case BOTH:
		line->both = true;
		return true;
	case PROXIED:
		line->proxied = true;
		return true;
	case IGNORED:
		return true;
	case REFUSED:
		break;
	}
	return false;
}

/* Those from that word on; false and why: one of them makes the line none. */
static bool take_options(struct haproxy *haproxy, struct line_options *line,
			 const struct option *options, size_t count, const struct words *words,
			 int from, const char **ret_why)
{
	for (int i = from; i < words->count; i++) {
		const struct option *option = NULL;

		for (size_t k = 0; k < count && !option; k++)
			if (words_is(words, i, options[k].name))
				option = &options[k];
		*ret_why = words->words[i];
		if (!option || i + option->values >= words->count + (option->values == 0))
			return false;
		if (!take_option(haproxy, line, option, words_at(words, i + option->values),
				 ret_why))
			return false;
		i += option->values;
	}
	return true;
}

static void miss_option(struct haproxy *haproxy, const char *option)
{
	char why[200];

	snprintf(why, sizeof(why), "there is no \"%.100s\" here, or not with that value", option);
	haproxy_miss(haproxy, why);
}

/* ---- server ---------------------------------------------------------------------------------- */

void haproxy_default_server(struct haproxy *haproxy)
{
	struct haproxy_section *section = haproxy->section;
	const struct words *words = haproxy->words;

	for (int i = 1; i < words->count; i++) {
		size_t used = strlen(section->default_server);

		snprintf(section->default_server + used, sizeof(section->default_server) - used,
			 " %s", words->words[i]);
	}
}

/* What default-server says comes first, and the line's own behind it; false: it has been said. */
static bool take_both(struct haproxy *haproxy, struct line_options *line)
{
	const char *defaults = haproxy->section->default_server, *why;
	struct words_reader reader = {.at = defaults, .end = defaults + strlen(defaults)};
	const size_t count = array_size(server_options);
	struct words words;

	if ((!words_line(&reader, &words) ||
	     take_options(haproxy, line, server_options, count, &words, 0, &why)) &&
	    take_options(haproxy, line, server_options, count, haproxy->words, 3, &why))
		return true;
	miss_option(haproxy, why);
	return false;
}

void haproxy_server(struct haproxy *haproxy)
{
	struct haproxy_section *section = haproxy->section;
	const struct words *words = haproxy->words;
	struct line_options line = {0};
	char address[300], name[64];
	const char *why;

	if (!haproxy_address(words_at(words, 2), false, false, address, &why)) {
		haproxy_miss(haproxy, why);
		return;
	}
	if (!take_both(haproxy, &line))
		return;
	snprintf(name, sizeof(name), "%s", words_at(words, 1));
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			*c = '_';
	section->servers++;
	section->checked += line.check;
	section->limited += line.limit;
	draft_set(haproxy->draft, section->draft, words->line, "server", "%s name=%s%s", address,
		  name, line.ours);
}

/* ---- bind ------------------------------------------------------------------------------------ */

void haproxy_bind(struct haproxy *haproxy)
{
	struct haproxy_section *section = haproxy->section;
	const struct words *words = haproxy->words;
	struct line_options line = {0};
	char list[300], address[300], *save = NULL;
	const char *why;

	if (!take_options(haproxy, &line, bind_options, array_size(bind_options), words, 2, &why)) {
		miss_option(haproxy, why);
		return;
	}
	snprintf(list, sizeof(list), "%s", words_at(words, 1));
	for (char *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		if (!haproxy_address(one, true, line.both, address, &why)) {
			haproxy_miss(haproxy, why);
			continue;
		}
		section->binds++;
		section->proxied += line.proxied;
		draft_set(haproxy->draft, section->draft, words->line, "listen", "%s%s", address,
			  line.ours);
	}
}
