/* The part of loader.h that looks at how servers are chosen, asked and found: what contradicts. */
#include "config/expect.h"
#include "config/loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_set(const struct loader *loader, const struct config_section *section,
		   const char *key)
{
	return config_origin(loader->config, section, key)->line;
}

/* ---- Times ----------------------------------------------------------------------------------- */

static bool is_asked(const struct config_section *section)
{
	return section->settings.check != CONFIG_CHECK_OFF;
}

static bool is_looked_up(const struct config_section *section)
{
	for (size_t i = 0; i < section->server_count; i++)
		if (section->servers[i].address.kind == ADDRESS_NAME)
			return true;
	return false;
}

/* Of each pair the first is not longer than the second, where that matters. */
static const struct {
	const char *key, *limit;
	bool (*matters)(const struct config_section *section);
} pairs[] = {
	{"check_timeout", "check_every", is_asked},
	{"check_fast", "check_every", is_asked},
	{"resolve_min", "resolve_max", is_looked_up},
};

static uint32_t time_of(const struct config_section *section, const char *key, char *text,
			size_t size)
{
	const struct schema_key *row = schema_find(key, IN_POOL);
	const char *formatted = schema_format(row, &section->settings, text, size);

	if (formatted != text)
		snprintf(text, size, "%s", formatted);
	return *(const uint32_t *)((const char *)&section->settings + row->offset);
}

static void check_pair(struct loader *loader, const struct config_section *section, const char *key,
		       const char *limit)
{
	char value[VALUE_TEXT_MAX], most[VALUE_TEXT_MAX];

	if (time_of(section, key, value, sizeof(value)) <=
	    time_of(section, limit, most, sizeof(most)))
		return;
	if (is_set(loader, section, key))
		report_key(loader->report, REPORT_MISTAKE, loader->config, section, key,
			   "%s is longer than %s, which is %s; lower it, or raise %s", value, limit,
			   most, limit);
	else
		report_key(loader->report, REPORT_MISTAKE, loader->config, section, limit,
			   "%s is shorter than %s, which is %s by default; add for example "
			   "%s = %s",
			   most, key, value, key, most);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static void complain(struct loader *loader, const struct config_section *section, const char *key,
		     const char *what)
{
	if (!config_origin(loader->config, section, key)->refused)
		report_key(loader->report, REPORT_MISTAKE, loader->config, section, key, "%s",
			   what);
}

/* "GET /health" */
static void check_request(struct loader *loader, const struct config_section *section)
{
	const char *request = section->settings.check_request;
	size_t method = strspn(request, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const char *path = request + method + (request[method] == ' ');

	if (*request == '/')
		report_key(loader->report, REPORT_MISTAKE, loader->config, section, "check_request",
			   "\"%.100s\" is a path without a method; write GET %.100s", request,
			   request);
	else if (!method || request[method] != ' ' || *path != '/' || strpbrk(path, " \t"))
		report_key(loader->report, REPORT_MISTAKE, loader->config, section, "check_request",
			   "\"%.100s\" is not a method and a path; write for example GET /health",
			   request);
}

static void check_http(struct loader *loader, const struct config_section *section)
{
	const struct config_settings *settings = &section->settings;
	const char *expect = settings->check_expect, *request = settings->check_request;
	uint8_t *body = malloc((expect ? strlen(expect) : 0) + 1);
	struct expect_statuses statuses;
	char why[VALUE_WHY_MAX];
	size_t size = 0;

	check_request(loader, section);
	if (settings->check_host && strpbrk(settings->check_host, " \t/"))
		complain(loader, section, "check_host",
			 "is a host, perhaps with a port, as in www.example.com");
	if (!body)
		loader->failed = -ENOMEM;
	else if (expect && expect_parse_http(&statuses, body, &size, expect, why) < 0)
		complain(loader, section, "check_expect", why);
	else if (size && request && !strncmp(request, "HEAD ", strlen("HEAD ")))
		complain(loader, section, "check_expect",
			 "what is in a body is not found where check_request = HEAD; write GET");
	free(body);
}

static void check_bytes(struct loader *loader, const struct config_section *section,
			const char *key, const char *text)
{
	char why[VALUE_WHY_MAX];
	size_t size = text ? strlen(text) : 0;
	uint8_t *bytes = malloc(size + 1);
	bool anywhere, is_answer = !strcmp(key, "check_expect");
	int r = 0;

	if (!bytes)
		loader->failed = -ENOMEM;
	else if (text)
		r = is_answer ? expect_parse_answer(bytes, &size, &anywhere, text, why)
			      : expect_parse_bytes(bytes, &size, text, why);
	if (r < 0)
		complain(loader, section, key, why);
	free(bytes);
}

/* As long as their protocols have room for one. */
static void check_user(struct loader *loader, const struct config_section *section)
{
	const char *user = section->settings.check_user;
	size_t most = section->settings.check == CONFIG_CHECK_MYSQL ? 80 : 63;

	if (!user || (section->settings.check != CONFIG_CHECK_MYSQL &&
		      section->settings.check != CONFIG_CHECK_POSTGRES))
		return;
	if (strpbrk(user, " \t"))
		complain(loader, section, "check_user", "is one word, without blanks");
	else if (strlen(user) > most)
		report_key(loader->report, REPORT_MISTAKE, loader->config, section, "check_user",
			   "is %zu bytes long; the most is %zu", strlen(user), most);
}

static void check_check(struct loader *loader, const struct config_section *section)
{
	const struct config_settings *settings = &section->settings;

	if (settings->check == CONFIG_CHECK_HTTP)
		check_http(loader, section);
	if (settings->check == CONFIG_CHECK_SEND)
		check_bytes(loader, section, "check_send", settings->check_send);
	if (settings->check == CONFIG_CHECK_SEND || settings->check == CONFIG_CHECK_REDIS)
		check_bytes(loader, section, "check_expect", settings->check_expect);
	if (settings->check == CONFIG_CHECK_SEND && !settings->check_expect &&
	    !config_origin(loader->config, section, "check_expect")->refused)
		complain(loader, section, "check",
			 "send needs check_expect, what a server answers that is well; write for "
			 "example check_expect = +PONG, or check = tcp");
	if (settings->check == CONFIG_CHECK_MYSQL && !settings->check_user &&
	    !config_origin(loader->config, section, "check_user")->refused)
		complain(loader, section, "check",
			 "mysql needs check_user, an account without a password and without "
			 "rights; write for example check_user = check");
	check_user(loader, section);
}

void loader_check_terms(struct loader *loader)
{
	const struct config_section *section;

	for (size_t i = 0; (section = config_section_at(loader->config, i)); i++) {
		if ((section->kind != CONFIG_PROXY && section->kind != CONFIG_POOL) ||
		    section->pool)
			continue;
		for (size_t j = 0; j < array_size(pairs); j++)
			if (pairs[j].matters(section))
				check_pair(loader, section, pairs[j].key, pairs[j].limit);
		check_check(loader, section);
	}
}
