/*
 * nginx.conf: the servers of its stream block are proxies, its upstreams pools.  What the block
 * itself says is for all of them, and so it is [defaults]'.  Blocks of no interest are passed
 * over with a comment for their first line.
 */
#include "import/kinds.h"

#include "base/grow.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum block { BLOCK_MAIN, BLOCK_STREAM, BLOCK_UPSTREAM, BLOCK_SERVER };

/* What a server or the stream block says of servers, for those that it goes to. */
enum about_servers { CONNECT_TIMEOUT, RETRIES, RETRY_TIMEOUT, ABOUT_SERVERS_COUNT };

struct nginx {
	struct draft *draft;
	struct words_reader *reader;
	const struct words *words;
	enum block block;
	struct draft_section *section; /* upstream, server, or what is before all */
	char pass[300];                /* proxy_pass of this server */
	unsigned pass_line;
	char values[ABOUT_SERVERS_COUNT][60];
	bool allows, denies_all; /* of this server's or the block's list, and its last line */
	bool proxied;            /* a listen line wants a PROXY header */
	enum { HEADER_UNSAID, HEADER_ON, HEADER_OFF } header; /* one is sent */
	unsigned listens, proxied_listens;
	bool udp; /* ... or is of UDP */
	bool tls; /* servers are to be spoken to by it */
	struct pending *pending;
};

/* Servers that have been read; where they go may stand further down. */
struct pending {
	struct nginx *servers;
	size_t count;
};

static void miss(const struct nginx *nginx, const char *why)
{
	draft_miss(nginx->draft, nginx->section, nginx->words->line, nginx->words->shown, why);
}

/* nginx's time, of seconds, as ours.  False: it is none. */
static bool time_of(const char *text, char ours[60])
{
	size_t used = 0;

	if (!strcmp(text, "0"))
		return false;
	for (const char *at = text; *at;) {
		size_t digits = strspn(at, "0123456789");
		const char *unit = at + digits;
		bool ms = !strncmp(unit, "ms", 2);

		if (!digits || digits > 9 || used > 30 || (*unit && !strchr("smhdw", *unit)))
			return false;
		used += (size_t)snprintf(ours + used, 60 - used, "%.*s%s", (int)digits, at,
					 !*unit || ms   ? (ms ? "ms" : "s")
					 : *unit == 'm' ? "min"
							: (char[]){*unit, 0});
		at = unit + (*unit ? 1 : 0) + ms;
	}
	return used > 0;
}

static bool has_variable(const char *text)
{
	return strchr(text, '$');
}

/* ---- Upstreams ------------------------------------------------------------------------------- */

/* The options behind an address; false and why: one makes the line none. */
static bool server_options(const struct words *words, char ours[300], const char **ret_why)
{
	static const struct {
		const char *theirs, *ours;
		bool time;
	} options[] = {{"weight=", "weight=", false},
		       {"max_fails=", "max_fails=", false},
		       {"fail_timeout=", "fail_timeout=", true},
		       {"max_conns=", "max_connections=", false},
		       {"slow_start=", "slow_start=", true},
		       {"backup", "backup", false},
		       {"down", "disabled", false},
		       {"resolve", "", false}};

	*ours = 0;
	for (int i = 2; i < words->count; i++) {
		size_t used = strlen(ours), k = 0;
		const char *value;
		char time[60];

		while (k < array_size(options) &&
		       strncmp(words->words[i], options[k].theirs, strlen(options[k].theirs)) != 0)
			k++;
		*ret_why = words->words[i];
		if (k == array_size(options) || used > 200)
			return false;
		value = words->words[i] + strlen(options[k].theirs);
		if (options[k].time ? !time_of(value, time) : strlen(value) > 20)
			return false;
		if (!strchr(options[k].theirs, '=') && *value)
			return false;
		if (!strcmp(words->words[i], "max_fails=0") ||
		    !strcmp(words->words[i], "max_conns=0"))
			value = "off";
		if (*options[k].ours)
			snprintf(ours + used, 300 - used, " %s%s", options[k].ours,
				 options[k].time ? time : value);
	}
	return true;
}

static void take_upstream_server(struct nginx *nginx)
{
	const struct words *words = nginx->words;
	char ours[300], why[200];
	const char *option;

	if (has_variable(words_at(words, 1))) {
		miss(nginx, "it has a variable in it; write what that stands for");
	} else if (!server_options(words, ours, &option)) {
		snprintf(why, sizeof(why), "there is no \"%.100s\" here, or not with that value",
			 option);
		miss(nginx, why);
	} else {
		draft_set(nginx->draft, nginx->section, words->line, "server", "%s%s",
			  words_at(words, 1), ours);
	}
}

static void take_balance(struct nginx *nginx)
{
	const struct words *words = nginx->words;
	const char *way = NULL;

	if (words_is(words, 0, "least_conn"))
		way = "least_conn";
	else if (words_is(words, 0, "random"))
		way = "random_two";
	else if (words_is(words, 0, "least_time"))
		way = "least_time";
	else if (words_is(words, 1, "$remote_addr") || words_is(words, 1, "$binary_remote_addr"))
		way = "source_hash";
	if (way)
		draft_set(nginx->draft, nginx->section, words->line, "balance", "%s", way);
	else
		miss(nginx, "there is no such way to choose a server here");
}

/* ---- Servers --------------------------------------------------------------------------------- */

static void say(struct nginx *nginx, enum about_servers what, const char *value)
{
	snprintf(nginx->values[what], sizeof(nginx->values[what]), "%s", value);
}

/* Words behind the address of a listen line; false and why: one makes the line none. */
static bool listen_options(struct nginx *nginx, char ours[300], const char **ret_why)
{
	static const char *const ignored[] = {"reuseport", "bind", "default_server",
					      "so_keepalive=off", "ipv6only=off"};
	const struct words *words = nginx->words;

	*ours = 0;
	for (int i = 2; i < words->count; i++) {
		const char *word = words->words[i];
		size_t used = strlen(ours), k = 0;

		*ret_why = word;
		while (k < array_size(ignored) && strcmp(word, ignored[k]) != 0)
			k++;
		if (used > 200 || strlen(word) > 40)
			return false;
		if (k < array_size(ignored))
			continue;
		if (!strcmp(word, "proxy_protocol"))
			nginx->proxied = true;
		else if (!strcmp(word, "ipv6only=on"))
			continue; /* said by v6only below */
		else if (!strcmp(word, "deferred"))
			snprintf(ours + used, 300 - used, " defer_accept");
		else if (!strncmp(word, "backlog=", 8))
			snprintf(ours + used, 300 - used, " %s", word);
		else
			return false;
	}
	return true;
}

/* A port alone is of IPv4 there, and [::] of IPv6 alone unless it says otherwise. */
static void listen_address(const struct words *words, char address[320])
{
	const char *text = words_at(words, 1);
	bool both = false;

	for (int i = 2; i < words->count; i++)
		both |= words_is(words, i, "ipv6only=off");
	if (!strncmp(text, "*:", 2))
		text += 2;
	if (!text[strspn(text, "0123456789-")])
		snprintf(address, 320, "0.0.0.0:%.200s", text);
	else if (!strncmp(text, "[::]:", 5) && both)
		snprintf(address, 320, "%.200s", text + 5);
	else if (*text == '[')
		snprintf(address, 320, "%.200s v6only", text);
	else
		snprintf(address, 320, "%.200s", text);
}

static void take_listen(struct nginx *nginx)
{
	char ours[300], address[320], why[200];
	const char *option;

	nginx->proxied = false;
	if (!listen_options(nginx, ours, &option)) {
		nginx->udp |= !strcmp(option, "udp");
		snprintf(why, sizeof(why), "there is no \"%.100s\" here", option);
		miss(nginx, why);
		return;
	}
	nginx->listens++;
	nginx->proxied_listens += nginx->proxied;
	listen_address(nginx->words, address);
	draft_set(nginx->draft, nginx->section, nginx->words->line, "listen", "%s%s", address,
		  ours);
}

static void take_pass(struct nginx *nginx)
{
	snprintf(nginx->pass, sizeof(nginx->pass), "%s", words_at(nginx->words, 1));
	nginx->pass_line = nginx->words->line;
}

static void take_idle(struct nginx *nginx)
{
	char time[60];

	if (time_of(words_at(nginx->words, 1), time))
		draft_set(nginx->draft, nginx->section, nginx->words->line, "idle_timeout", "%s",
			  time);
	else
		miss(nginx, "that is no time");
}

static void take_connect_timeout(struct nginx *nginx)
{
	char time[60];

	if (time_of(words_at(nginx->words, 1), time))
		say(nginx, CONNECT_TIMEOUT, time);
	else
		miss(nginx, "that is no time");
}

static void take_next(struct nginx *nginx)
{
	if (words_is(nginx->words, 1, "off"))
		say(nginx, RETRIES, "0");
	else if (!words_is(nginx->words, 1, "on"))
		miss(nginx, "that is neither on nor off");
}

/* There, the first one counts. */
static void take_tries(struct nginx *nginx)
{
	const char *text = words_at(nginx->words, 1);
	char number[24];
	long tries =
		strlen(text) < 6 && isdigit((unsigned char)*text) ? strtol(text, NULL, 10) : -1;

	snprintf(number, sizeof(number), "%ld", tries - 1);
	if (tries < 0)
		miss(nginx, "that is no number");
	else
		say(nginx, RETRIES, tries == 0 ? "all" : number);
}

static void take_tries_timeout(struct nginx *nginx)
{
	char time[60];

	if (words_is(nginx->words, 1, "0"))
		return; /* none, as here */
	if (time_of(words_at(nginx->words, 1), time))
		say(nginx, RETRY_TIMEOUT, time);
	else
		miss(nginx, "that is no time");
}

static void take_rate(struct nginx *nginx)
{
	const struct words *words = nginx->words;

	if (words_is(words, 1, "0"))
		return;
	if (has_variable(words_at(words, 1)))
		miss(nginx, "it has a variable in it; write what that stands for");
	else
		draft_set(nginx->draft, nginx->section, words->line,
			  words_is(words, 0, "proxy_download_rate") ? "download_rate"
								    : "upload_rate",
			  "%s", words_at(words, 1));
}

/* A list of theirs lets in who is not in it, and one of ours with an allow line does not. */
static void take_access(struct nginx *nginx)
{
	const struct words *words = nginx->words;

	draft_need(nginx->draft, nginx->section, words->line, words->words[0], "%s",
		   words_is(words, 1, "unix:") ? "unix" : words_at(words, 1));
	nginx->allows |= words_is(words, 0, "allow");
	nginx->denies_all = words_is(words, 0, "deny") && words_is(words, 1, "all");
}

static void take_header(struct nginx *nginx)
{
	nginx->header = words_is(nginx->words, 1, "on") ? HEADER_ON : HEADER_OFF;
}

/* Servers that want TLS are sent none. */
static void take_tls(struct nginx *nginx)
{
	if (words_is(nginx->words, 1, "off"))
		return;
	miss(nginx, "servers get what the client sends, and no TLS around it");
	nginx->tls = true;
}

static void take_trusted(struct nginx *nginx)
{
	draft_need(nginx->draft, nginx->section, nginx->words->line, "accept_proxy_from", "%s",
		   words_at(nginx->words, 1));
}

/* ---- Directives ------------------------------------------------------------------------------ */

#define IN(block) (1u << BLOCK_##block)
#define EITHER    (IN(STREAM) | IN(SERVER))

static void take_workers(struct nginx *nginx)
{
	draft_set(nginx->draft, draft_one(nginx->draft, "global", nginx->words->line),
		  nginx->words->line, "workers", "%s", words_at(nginx->words, 1));
}

static const struct directive {
	const char *name;
	unsigned where;
	void (*take)(struct nginx *nginx); /* NULL: it has none here */
	const char *why;
} directives[] = {
	{"worker_processes", IN(MAIN), take_workers, NULL},
	{"server", IN(UPSTREAM), take_upstream_server, NULL},
	{"least_conn", IN(UPSTREAM), take_balance, NULL},
	{"least_time", IN(UPSTREAM), take_balance, NULL},
	{"random", IN(UPSTREAM), take_balance, NULL},
	{"hash", IN(UPSTREAM), take_balance, NULL},
	{"zone", IN(UPSTREAM), NULL, "all workers share what they know of servers in any case"},
	{"listen", IN(SERVER), take_listen, NULL},
	{"proxy_pass", IN(SERVER), take_pass, NULL},
	{"proxy_timeout", EITHER, take_idle, NULL},
	{"proxy_connect_timeout", EITHER, take_connect_timeout, NULL},
	{"proxy_next_upstream", EITHER, take_next, NULL},
	{"proxy_next_upstream_tries", EITHER, take_tries, NULL},
	{"proxy_next_upstream_timeout", EITHER, take_tries_timeout, NULL},
	{"proxy_download_rate", EITHER, take_rate, NULL},
	{"proxy_upload_rate", EITHER, take_rate, NULL},
	{"proxy_protocol", EITHER, take_header, NULL},
	{"set_real_ip_from", IN(SERVER), take_trusted, NULL},
	{"allow", EITHER, take_access, NULL},
	{"deny", EITHER, take_access, NULL},
	{"proxy_ssl", EITHER, take_tls, NULL},
	{"ssl_preread", EITHER, NULL, "route_sni says where names go"},
	{"access_log", EITHER | IN(MAIN), NULL, "[log] access says where connections are recorded"},
	{"error_log", EITHER | IN(MAIN), NULL, "messages go to standard error, or to the journal"},
	{"include", ~0u, NULL, "what it includes is not read; import that file, too"},
	{"tcp_nodelay", EITHER, NULL, "that is always so here"},
	{"proxy_half_close", EITHER, NULL, "that is always so here"},
	{"limit_conn", EITHER, NULL, "whom it refuses comes in: max_per_client"},
};

static void take_directive(struct nginx *nginx)
{
	for (size_t i = 0; i < array_size(directives); i++) {
		const struct directive *directive = &directives[i];

		if (!words_is(nginx->words, 0, directive->name) ||
		    !(directive->where & 1u << nginx->block))
			continue;
		if (nginx->words->cut)
			break;
		if (directive->take)
			directive->take(nginx);
		else
			miss(nginx, directive->why);
		return;
	}
	miss(nginx, nginx->words->cut ? "it is too long" : "there is nothing like it here");
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* All that belongs to a block that has begun. */
static void skip_block(struct nginx *nginx)
{
	unsigned depth = 1;
	struct words words;

	while (depth && words_directive(nginx->reader, &words))
		depth += words.end == '{' ? 1 : words.end == '}' ? -1u : 0;
}

static void set_about(struct nginx *nginx, struct draft_section *servers)
{
	static const char *const keys[] = {[CONNECT_TIMEOUT] = "connect_timeout",
					   [RETRIES] = "retries",
					   [RETRY_TIMEOUT] = "retry_timeout"};
	char line[200];

	for (unsigned i = 0; i < ABOUT_SERVERS_COUNT; i++) {
		const char *there = draft_value(servers, keys[i]);

		if (!*nginx->values[i])
			continue;
		snprintf(line, sizeof(line), "%s = %.60s", keys[i], nginx->values[i]);
		if (!there)
			draft_set(nginx->draft, servers, 0, keys[i], "%s", nginx->values[i]);
		else if (strcmp(there, nginx->values[i]) != 0)
			draft_miss(nginx->draft, nginx->section, 0, line,
				   "its pool has another one for all proxies that go there");
	}
}

/* Where it goes: to an upstream, which may come later, or to an address. */
static void finish_pass(struct nginx *nginx)
{
	struct draft_section *pool = draft_find(nginx->draft, "pool", nginx->pass);

	if (!*nginx->pass || has_variable(nginx->pass)) {
		draft_drop(nginx->draft, nginx->section,
			   *nginx->pass ? "where it goes depends on a variable: route_sni"
					: "it has no proxy_pass");
		return;
	}
	if (pool)
		draft_set(nginx->draft, nginx->section, nginx->pass_line, "pool", "%s", pool->name);
	else
		draft_set(nginx->draft, nginx->section, nginx->pass_line, "server", "%s",
			  nginx->pass);
	set_about(nginx, pool ? pool : nginx->section);
	if (nginx->header == HEADER_ON)
		draft_need(nginx->draft, pool ? pool : nginx->section, 0, "send_proxy", "v1");
}

static void finish_server(struct nginx *nginx)
{
	finish_pass(nginx);
	if (nginx->udp)
		draft_drop(nginx->draft, nginx->section, "it is of UDP");
	if (nginx->tls)
		draft_drop(nginx->draft, nginx->section, "its servers want TLS, by proxy_ssl");
	if (nginx->proxied_listens && nginx->proxied_listens < nginx->listens)
		draft_drop(nginx->draft, nginx->section,
			   "some of its addresses want a PROXY header and others do not; here all "
			   "of a section do, or none: write two");
	if (nginx->proxied_listens) {
		draft_need(nginx->draft, nginx->section, 0, "accept_proxy", "any");
		if (!draft_value(nginx->section, "accept_proxy_from"))
			draft_need(nginx->draft, nginx->section, 0, "accept_proxy_from", "all");
	}
	if (nginx->allows && !nginx->denies_all)
		draft_need(nginx->draft, nginx->section, 0, "allow", "all");
}

static void take_server_block(struct nginx *nginx, struct draft_section *section);

/* Up to the end of the block; blocks in it are passed over, but for servers and upstreams. */
static void take_block(struct nginx *nginx)
{
	const struct words *outer = nginx->words;
	struct words words;

	nginx->words = &words;
	while (words_directive(nginx->reader, &words) && words.end != '}') {
		if (words.end != '{') {
			if (words.count)
				take_directive(nginx);
			continue;
		}
		if (nginx->block == BLOCK_STREAM && words_is(&words, 0, "server") &&
		    words.count == 1) {
			take_server_block(
				nginx, draft_section(nginx->draft, "proxy", "server", words.line));
		} else if (nginx->block == BLOCK_STREAM && words_is(&words, 0, "upstream") &&
			   words.count == 2) {
			struct nginx inner = *nginx;

			inner.block = BLOCK_UPSTREAM;
			inner.section = draft_section(nginx->draft, "pool", words_at(&words, 1),
						      words.line);
			take_block(&inner);
		} else {
			miss(nginx, "there is no such block here");
			skip_block(nginx);
		}
	}
	nginx->words = outer;
}

static void take_server_block(struct nginx *nginx, struct draft_section *section)
{
	struct pending *pending = nginx->pending;
	struct nginx inner = *nginx,
		     *more = grow(pending->servers, pending->count, 1, sizeof(*more));

	if (!more || !section) {
		nginx->draft->failed = true;
		pending->servers = more ? more : pending->servers;
		skip_block(nginx);
		return;
	}
	pending->servers = more;
	inner.block = BLOCK_SERVER;
	inner.section = section;
	/* It has its own list, or that of the block. */
	inner.allows = inner.denies_all = false;
	memset(inner.values, 0, sizeof(inner.values));
	inner.header = HEADER_UNSAID;
	inner.tls = false;
	take_block(&inner);
	pending->servers[pending->count++] = inner;
}

/* What it does not say itself is the block's. */
static void inherit(struct nginx *server, const struct nginx *stream)
{
	for (unsigned i = 0; i < ABOUT_SERVERS_COUNT; i++)
		if (!*server->values[i])
			memcpy(server->values[i], stream->values[i], sizeof(server->values[i]));
	if (server->header == HEADER_UNSAID)
		server->header = stream->header;
	server->tls |= stream->tls;
}

static void take_stream(struct nginx *nginx, unsigned line)
{
	struct pending pending = {0};
	struct nginx stream = *nginx;

	stream.block = BLOCK_STREAM;
	stream.section = draft_one(nginx->draft, "defaults", line);
	stream.pending = &pending;
	take_block(&stream);
	if (stream.allows && !stream.denies_all)
		draft_need(nginx->draft, stream.section, 0, "allow", "all");
	for (size_t i = 0; i < pending.count; i++) {
		inherit(&pending.servers[i], &stream);
		finish_server(&pending.servers[i]);
	}
	free(pending.servers);
}

void import_nginx(struct draft *draft, struct words_reader *reader)
{
	struct words words;
	struct nginx nginx = {
		.draft = draft, .reader = reader, .words = &words, .section = draft_top(draft)};

	while (words_directive(reader, &words)) {
		if (words.end == '{' && words_is(&words, 0, "stream") && words.count == 1) {
			take_stream(&nginx, words.line);
		} else if (words.end == '{') {
			miss(&nginx, "there is no such block here");
			skip_block(&nginx);
		} else if (words.count) {
			take_directive(&nginx);
		}
	}
}
