#include "import/haproxy.h"

#include "base/grow.h"
#include "import/kinds.h"

#include <stdlib.h>
#include <string.h>

/* ---- Sections -------------------------------------------------------------------------------- */

/* The last defaults before it, or those that it names. */
static const struct haproxy_section *find_defaults(const struct haproxy *haproxy, const char *name)
{
	for (size_t i = haproxy->count; i--;)
		if (haproxy->sections[i]->kind == HAPROXY_DEFAULTS &&
		    (!*name || !strcmp(haproxy->sections[i]->name, name)))
			return haproxy->sections[i];
	return NULL;
}

static void make_draft(struct haproxy *haproxy, struct haproxy_section *section)
{
	if (section->kind != HAPROXY_DEFAULTS)
		section->draft = draft_section(haproxy->draft,
					       section->kind == HAPROXY_BACKEND ? "pool" : "proxy",
					       section->name, haproxy->words->line);
}

static void begin_section(struct haproxy *haproxy, enum haproxy_kind kind)
{
	const struct words *words = haproxy->words;
	struct haproxy_section *section = calloc(1, sizeof(*section)), **more;
	int from = words_is(words, 1, "from") && kind == HAPROXY_DEFAULTS ? 1 : 2;
	const char *base = words_is(words, from, "from") ? words_at(words, from + 1) : "";
	const struct haproxy_section *defaults = find_defaults(haproxy, base);

	more = section ? grow(haproxy->sections, haproxy->count, 1, sizeof(*more)) : NULL;
	if (!more) {
		haproxy->draft->failed = true;
		free(section);
		return;
	}
	if (defaults && (kind != HAPROXY_DEFAULTS || *base))
		*section = *defaults;
	section->kind = kind;
	section->draft = NULL;
	snprintf(section->name, sizeof(section->name), "%s", words_at(words, 1));
	haproxy->sections = more;
	haproxy->sections[haproxy->count++] = section;
	haproxy->section = section;
	make_draft(haproxy, section);
	for (int i = 2; i < words->count && kind != HAPROXY_DEFAULTS && !*base; i++)
		haproxy_miss(haproxy, "an address behind the name of a section; write it as bind");
}

/* False: the line begins no section. */
static bool take_header(struct haproxy *haproxy)
{
	static const char *const known[] = {[HAPROXY_DEFAULTS] = "defaults",
					    [HAPROXY_FRONTEND] = "frontend",
					    [HAPROXY_BACKEND] = "backend",
					    [HAPROXY_LISTEN] = "listen"};
	static const char *const others[] = {"peers",       "resolvers", "userlist", "program",
					     "mailers",     "cache",     "ring",     "http-errors",
					     "log-forward", "fcgi-app"};
	const struct words *words = haproxy->words;

	for (unsigned i = 0; i < array_size(known); i++)
		if (words_is(words, 0, known[i])) {
			haproxy->global = false;
			begin_section(haproxy, (enum haproxy_kind)i);
			return true;
		}
	if (words_is(words, 0, "global")) {
		haproxy->global = true;
		haproxy->section = NULL;
		return true;
	}
	for (size_t i = 0; i < array_size(others); i++)
		if (words_is(words, 0, others[i])) {
			haproxy->global = false;
			haproxy->section = NULL;
			haproxy_miss(haproxy, "there is no such section here");
			return true;
		}
	return false;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void take_timeout(struct haproxy *haproxy)
{
	static const struct {
		const char *name;
		enum haproxy_value value;
	} timeouts[] = {
		{"connect", HAPROXY_CONNECT},       {"client", HAPROXY_CLIENT},
		{"server", HAPROXY_SERVER},         {"tunnel", HAPROXY_TUNNEL},
		{"client-fin", HAPROXY_CLIENT_FIN}, {"server-fin", HAPROXY_SERVER_FIN},
		{"queue", HAPROXY_QUEUE},           {"check", HAPROXY_CHECK_TIMEOUT},
	};
	char time[40];

	for (size_t i = 0; i < array_size(timeouts); i++)
		if (words_is(haproxy->words, 1, timeouts[i].name) && haproxy->words->count == 3 &&
		    haproxy_time(haproxy->words->words[2], time)) {
			haproxy_say(haproxy, timeouts[i].value, time);
			return;
		}
	haproxy_miss(haproxy, "there is no such timeout here");
}

static void take_balance(struct haproxy *haproxy)
{
	static const struct {
		const char *theirs, *ours;
	} ways[] = {{"roundrobin", "round_robin"}, {"static-rr", "round_robin"},
		    {"leastconn", "least_conn"},   {"source", "source_hash"},
		    {"random", "random_two"},      {"random(2)", "random_two"}};

	for (size_t i = 0; i < array_size(ways); i++)
		if (words_is(haproxy->words, 1, ways[i].theirs)) {
			haproxy_say(haproxy, HAPROXY_BALANCE, ways[i].ours);
			return;
		}
	haproxy_miss(haproxy, "there is no such way to choose a server here");
}

/* "option httpchk [METHOD] PATH [VERSION]": without a method it is OPTIONS. */
static void take_httpchk(struct haproxy *haproxy)
{
	const struct words *words = haproxy->words;
	char request[200];

	if (words->count > 4) {
		haproxy_say(haproxy, HAPROXY_CHECK, "");
		haproxy_miss(haproxy, "headers of a check are not written so here: check_host");
		return;
	}
	if (words->count < 4 && words->count != 3)
		snprintf(request, sizeof(request), "OPTIONS /");
	else if (words->count == 3)
		snprintf(request, sizeof(request), "OPTIONS %.150s", words->words[2]);
	else
		snprintf(request, sizeof(request), "%.20s %.150s", words->words[2],
			 words->words[3]);
	haproxy_say(haproxy, HAPROXY_CHECK, "http");
	haproxy_say(haproxy, HAPROXY_CHECK_REQUEST, request);
}

/* Those that say how servers are asked; false: it is another one. */
static bool take_check(struct haproxy *haproxy)
{
	const struct words *words = haproxy->words;
	bool user = words_is(words, 2, "user") && words->count >= 4;

	if (words_is(words, 1, "httpchk")) {
		take_httpchk(haproxy);
	} else if (words_is(words, 1, "tcp-check")) {
		haproxy_say(haproxy, HAPROXY_CHECK, "tcp");
	} else if (words_is(words, 1, "redis-check")) {
		haproxy_say(haproxy, HAPROXY_CHECK, "redis");
	} else if (words_is(words, 1, "mysql-check") || words_is(words, 1, "pgsql-check")) {
		haproxy_say(haproxy, HAPROXY_CHECK,
			    words_is(words, 1, "mysql-check") ? "mysql" : "postgres");
		if (user)
			haproxy_say(haproxy, HAPROXY_CHECK_USER, words->words[3]);
	} else if (words_is(words, 1, "ssl-hello-chk") || words_is(words, 1, "smtpchk") ||
		   words_is(words, 1, "ldap-check") || words_is(words, 1, "external-check")) {
		haproxy_say(haproxy, HAPROXY_CHECK, "");
		haproxy_miss(haproxy, "servers cannot be asked so here, and are not asked: check");
	} else {
		return false;
	}
	return true;
}

static void take_option(struct haproxy *haproxy)
{
	static const struct {
		const char *name, *why;
	} others[] = {
		{"tcplog", "[log] access says where connections are recorded, and format = haproxy "
			   "how"},
		{"tcpka", "keepalive says after which silence"},
		{"clitcpka", "keepalive says after which silence"},
		{"srvtcpka", "keepalive says after which silence"},
		{"redispatch", "that is always so here: retries"},
		{"allbackups", "that is always so here"},
		{"splice-auto", "that is always so here: relay = auto"},
		{"dontlognull", "what is recorded cannot be chosen here"},
	};

	if (take_check(haproxy))
		return;
	for (size_t i = 0; i < array_size(others); i++)
		if (words_is(haproxy->words, 1, others[i].name)) {
			haproxy_miss(haproxy, others[i].why);
			return;
		}
	haproxy_miss(haproxy, "there is no such option here");
}

static void take_mode(struct haproxy *haproxy)
{
	haproxy->section->http = !words_is(haproxy->words, 1, "tcp");
}

static void take_maxconn(struct haproxy *haproxy)
{
	haproxy_say(haproxy, HAPROXY_MAXCONN, words_at(haproxy->words, 1));
}

static void take_backlog(struct haproxy *haproxy)
{
	haproxy_say(haproxy, HAPROXY_BACKLOG, words_at(haproxy->words, 1));
}

static void take_default_backend(struct haproxy *haproxy)
{
	snprintf(haproxy->section->backend, sizeof(haproxy->section->backend), "%s",
		 words_at(haproxy->words, 1));
	haproxy->section->backend_line = haproxy->words->line;
}

static void take_http_check(struct haproxy *haproxy)
{
	if (words_is(haproxy->words, 1, "expect") && words_is(haproxy->words, 2, "status") &&
	    haproxy->words->count == 4) {
		haproxy_say(haproxy, HAPROXY_CHECK_EXPECT, haproxy->words->words[3]);
		return;
	}
	haproxy_say(haproxy, HAPROXY_CHECK, "");
	haproxy_miss(haproxy, "servers cannot be asked so here, and are not asked: check");
}

/* Says what a server has to answer; without it, it is another check. */
static void take_tcp_check(struct haproxy *haproxy)
{
	if (words_is(haproxy->words, 1, "connect") && haproxy->words->count == 2)
		return;
	haproxy_say(haproxy, HAPROXY_CHECK, "");
	haproxy_miss(haproxy, "a dialogue is check = send with check_send and check_expect here; "
			      "servers are not asked until that is written");
}

static const struct line {
	const char *name;
	void (*take)(struct haproxy *haproxy); /* NULL: it has none here */
	const char *why;
	bool in_defaults;
} lines[] = {
	{"bind", haproxy_bind, NULL, false},
	{"server", haproxy_server, NULL, false},
	{"default-server", haproxy_default_server, NULL, true},
	{"default_backend", take_default_backend, NULL, true},
	{"mode", take_mode, NULL, true},
	{"timeout", take_timeout, NULL, true},
	{"maxconn", take_maxconn, NULL, true},
	{"backlog", take_backlog, NULL, true},
	{"balance", take_balance, NULL, true},
	{"option", take_option, NULL, true},
	{"http-check", take_http_check, NULL, true},
	{"tcp-check", take_tcp_check, NULL, true},
	{"use_backend", NULL, "whom it is for goes to the other servers of this proxy: route_sni",
	 true},
	{"use-server", NULL, "no server is chosen so here", true},
	{"acl", NULL, "what is for those that it names is not carried over", true},
	{"tcp-request", NULL, "whom it refuses comes in: allow, deny, client_rate, max_per_client",
	 true},
	{"stick-table", NULL, "clients go where balance says: source_hash keeps them at a server",
	 true},
	{"stick", NULL, "clients go where balance says: source_hash keeps them at a server", true},
	{"hash-type", NULL, "source_hash is always consistent", true},
	{"retries", NULL, "here each is of another server: retries", true},
	{"log", NULL, "[log] access says where connections are recorded", true},
	{"source", NULL, "here it is an option of the server's line: source=", true},
};

static void take_global(struct haproxy *haproxy)
{
	static const struct {
		const char *theirs, *ours;
	} values[] = {{"maxconn", "max_connections"}, {"nbthread", "workers"}};
	const struct words *words = haproxy->words;

	for (size_t i = 0; i < array_size(values); i++)
		if (words_is(words, 0, values[i].theirs) && words->count == 2) {
			draft_set(haproxy->draft, draft_one(haproxy->draft, "global", words->line),
				  words->line, values[i].ours, "%s", words->words[1]);
			return;
		}
	haproxy_miss(haproxy, "there is no such setting here, or the service's unit has it");
}

static void take_line(struct haproxy *haproxy)
{
	if (haproxy->words->cut) {
		haproxy_miss(haproxy, "the line is too long");
		return;
	}
	if (take_header(haproxy))
		return;
	if (haproxy->global) {
		take_global(haproxy);
		return;
	}
	for (size_t i = 0; i < array_size(lines) && haproxy->section; i++) {
		if (!words_is(haproxy->words, 0, lines[i].name) ||
		    (haproxy->section->kind == HAPROXY_DEFAULTS && !lines[i].in_defaults))
			continue;
		if (lines[i].take)
			lines[i].take(haproxy);
		else
			haproxy_miss(haproxy, lines[i].why);
		return;
	}
	haproxy_miss(haproxy,
		     haproxy->section ? "there is nothing like it here" : "nor is its section");
}

/* ---- All of a section ------------------------------------------------------------------------ */

static void set(struct haproxy *haproxy, const struct haproxy_section *section,
		enum haproxy_value value, const char *key)
{
	if (section->set[value] && *section->values[value])
		draft_set(haproxy->draft, section->draft, 0, key, "%s", section->values[value]);
}

/* Two that are one here: where both are the same. */
static void set_both(struct haproxy *haproxy, const struct haproxy_section *proxy,
		     enum haproxy_value one, const struct haproxy_section *pool,
		     enum haproxy_value two, const char *key)
{
	char text[500];

	if (!proxy->set[one] && !pool->set[two])
		return;
	if (proxy->set[one] && pool->set[two] && !strcmp(proxy->values[one], pool->values[two])) {
		draft_set(haproxy->draft, proxy->draft, 0, key, "%s",
			  strncmp(proxy->values[one], "0", 1) ? proxy->values[one] : "off");
		return;
	}
	snprintf(text, sizeof(text), "%s for clients %s, for servers %s", "timeouts",
		 proxy->set[one] ? proxy->values[one] : "none",
		 pool->set[two] ? pool->values[two] : "none");
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "; %s is one for both", key);
	draft_miss(haproxy->draft, proxy->draft, 0, "timeout", text);
}

static void finish_pool(struct haproxy *haproxy, const struct haproxy_section *section)
{
	static const struct {
		enum haproxy_value value;
		const char *key;
	} keys[] = {
		{HAPROXY_BALANCE, "balance"},
		{HAPROXY_CONNECT, "connect_timeout"},
		{HAPROXY_ON_DOWN, "on_down"},
	};
	static const struct {
		enum haproxy_value value;
		const char *key;
	} checks[] = {
		{HAPROXY_CHECK_REQUEST, "check_request"},
		{HAPROXY_CHECK_EXPECT, "check_expect"},
		{HAPROXY_CHECK_USER, "check_user"},
		{HAPROXY_INTER, "check_every"},
		{HAPROXY_FASTINTER, "check_fast"},
		{HAPROXY_FALL, "check_fall"},
		{HAPROXY_RISE, "check_rise"},
		{HAPROXY_CHECK_TIMEOUT, "check_timeout"},
	};
	bool named = !section->set[HAPROXY_CHECK] || *section->values[HAPROXY_CHECK];

	for (size_t i = 0; i < array_size(keys); i++)
		set(haproxy, section, keys[i].value, keys[i].key);
	if (section->limited) {
		draft_set(haproxy->draft, section->draft, 0, "queue", "1000000");
		set(haproxy, section, HAPROXY_QUEUE, "queue_timeout");
	}
	if (section->checked && section->checked < section->servers)
		draft_miss(haproxy->draft, section->draft, 0, "check of some servers only",
			   "here all servers of a pool are asked, or none");
	if (!section->checked || section->checked < section->servers || !named)
		return;
	draft_set(haproxy->draft, section->draft, 0, "check", "%s",
		  section->set[HAPROXY_CHECK] ? section->values[HAPROXY_CHECK] : "tcp");
	for (size_t i = 0; i < array_size(checks); i++)
		set(haproxy, section, checks[i].value, checks[i].key);
}

static const struct haproxy_section *find_backend(const struct haproxy *haproxy, const char *name)
{
	for (size_t i = 0; i < haproxy->count; i++)
		if ((haproxy->sections[i]->kind == HAPROXY_BACKEND ||
		     haproxy->sections[i]->kind == HAPROXY_LISTEN) &&
		    !strcmp(haproxy->sections[i]->name, name))
			return haproxy->sections[i];
	return NULL;
}

static void finish_proxy(struct haproxy *haproxy, const struct haproxy_section *section)
{
	bool own = section->kind == HAPROXY_LISTEN;
	const struct haproxy_section *pool =
		own ? section : find_backend(haproxy, section->backend);

	if (!pool || (!own && pool->kind == HAPROXY_LISTEN)) {
		draft_drop(haproxy->draft, section->draft,
			   *section->backend ? "its default_backend is no backend"
					     : "it has no default_backend");
		return;
	}
	if (pool->draft && !own)
		draft_set(haproxy->draft, section->draft, section->backend_line, "pool", "%s",
			  pool->draft->name);
	if (section->proxied && section->proxied < section->binds)
		draft_drop(haproxy->draft, section->draft,
			   "some of its addresses want a PROXY header and others do not; here all "
			   "of a section do, or none: write two");
	if (section->proxied) {
		draft_need(haproxy->draft, section->draft, 0, "accept_proxy", "any");
		draft_need(haproxy->draft, section->draft, 0, "accept_proxy_from", "all");
	}
	if (pool->set[HAPROXY_TUNNEL])
		draft_set(haproxy->draft, section->draft, 0, "idle_timeout", "%s",
			  pool->values[HAPROXY_TUNNEL]);
	else
		set_both(haproxy, section, HAPROXY_CLIENT, pool, HAPROXY_SERVER, "idle_timeout");
	set_both(haproxy, section, HAPROXY_CLIENT_FIN, pool, HAPROXY_SERVER_FIN,
		 "half_close_timeout");
	set(haproxy, section, HAPROXY_MAXCONN, "max_connections");
	set(haproxy, section, HAPROXY_BACKLOG, "backlog");
}

static void finish(struct haproxy *haproxy, const struct haproxy_section *section)
{
	if (section->http && section->kind != HAPROXY_DEFAULTS) {
		draft_drop(haproxy->draft, section->draft,
			   "it is of another mode than tcp, and connections are only passed on "
			   "here");
		return;
	}
	if (section->kind == HAPROXY_BACKEND || section->kind == HAPROXY_LISTEN)
		finish_pool(haproxy, section);
	if (section->kind == HAPROXY_FRONTEND || section->kind == HAPROXY_LISTEN)
		finish_proxy(haproxy, section);
}

void import_haproxy(struct draft *draft, struct words_reader *reader)
{
	struct words words;
	struct haproxy haproxy = {.draft = draft, .words = &words};

	while (words_line(reader, &words))
		take_line(&haproxy);
	for (size_t i = 0; i < haproxy.count; i++)
		finish(&haproxy, haproxy.sections[i]);
	for (size_t i = 0; i < haproxy.count; i++)
		free(haproxy.sections[i]);
	free(haproxy.sections);
}
