#include "control/http_rules.h"

#include <string.h>
#include <strings.h>

static const struct http_refusal no_browsers = {
	403, "origin", "requests that a browser sends for a page are refused here",
	"use uringproxy, or curl --unix-socket"};
static const struct http_refusal foreign_origin = {
	403, "origin", "requests that a page from elsewhere sends are refused",
	"open the address of [metrics] itself"};
static const struct http_refusal foreign_host = {
	403, "host", "the Host header names another machine than this one",
	"ask by the address that [metrics] listens on, by localhost, or by this machine's name"};
static const struct http_refusal only_reading = {403, "read_only",
						 "this socket is for reading: GET and HEAD",
						 "changes are made by the control socket"};

/* The length of HOST in "HOST:PORT", "HOST" or "[::1]:PORT". */
static size_t host_length(const char *text)
{
	if (*text == '[') {
		size_t length = strcspn(text, "]");

		return text[length] ? length + 1 : length;
	}
	return strcspn(text, ":");
}

static bool names_host(const char *text, const char *host)
{
	size_t length = host_length(text), wanted = host ? host_length(host) : 0;

	return wanted && length == wanted && !strncasecmp(text, host, length);
}

static bool is_here(const struct http_claim *claim)
{
	const char *const hosts[] = {"localhost",   "127.0.0.1", "[::1]",
				     claim->listen, claim->here, claim->name};

	for (size_t i = 0; i < array_size(hosts); i++)
		if (names_host(claim->host, hosts[i]))
			return true;
	return false;
}

static bool is_own_origin(const char *origin, const char *host)
{
	return !strncasecmp(origin, "http://", 7) && !strcasecmp(origin + 7, host);
}

const struct http_refusal *http_refuse(const struct http_claim *claim)
{
	if (claim->local && claim->origin)
		return &no_browsers;
	if (!claim->local && (!claim->host || !is_here(claim)))
		return &foreign_host;
	if (!claim->local && claim->origin && !is_own_origin(claim->origin, claim->host))
		return &foreign_origin;
	if (claim->read_only && strcmp(claim->method, "GET") != 0 &&
	    strcmp(claim->method, "HEAD") != 0)
		return &only_reading;
	return NULL;
}
