/* What keys do to the row of `top` that is selected. */
#include "control/ask.h"
#include "control/command_top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_SHOWN 60

static void kill_connection(const json_t *row, int key, struct top_deed *deed)
{
	long long id = ask_number(row, "id");
	char target[64];

	(void)key;
	snprintf(deed->question, sizeof(deed->question), "End connection %lld?", id);
	snprintf(target, sizeof(target), "/v1/connections/%lld", id);
	deed->method = "DELETE";
	deed->target = strdup(target);
	deed->done = "it is ended";
}

static void drain_proxy(const json_t *row, int key, struct top_deed *deed)
{
	bool serve = key == 'r' || json_is_true(json_object_get(row, "draining"));

	snprintf(deed->question, sizeof(deed->question), "%s %.*s?",
		 serve ? "Let it serve again:" : "Drain", NAME_MAX_SHOWN, ask_text(row, "name"));
	deed->method = serve ? "DELETE" : "POST";
	deed->target = ask_target("/v1/drain", "proxy", ask_text(row, "name"));
	deed->done = serve ? "it serves again" : "it is drained";
}

static void rule_server(const json_t *row, int key, struct top_deed *deed)
{
	bool drain = key == 'd';

	snprintf(deed->question, sizeof(deed->question), "%s %.*s/%.*s?",
		 drain ? "Drain" : "Let in again:", NAME_MAX_SHOWN / 2, ask_text(row, "pool"),
		 NAME_MAX_SHOWN, ask_text(row, "name"));
	deed->method = "POST";
	deed->target = ask_server_target(ask_text(row, "pool"), ask_text(row, "name"));
	deed->body = json_pack("{s:s}", "state", drain ? "drain" : "ready");
	deed->done = drain ? "it is drained" : "nothing is said against it any more";
}

static const struct {
	int key;
	enum top_view view;
	void (*fill)(const json_t *row, int key, struct top_deed *deed);
} deeds[] = {
	{'d', TOP_PROXIES, drain_proxy},         {'r', TOP_PROXIES, drain_proxy},
	{'d', TOP_SERVERS, rule_server},         {'r', TOP_SERVERS, rule_server},
	{'k', TOP_CONNECTIONS, kill_connection},
};

bool top_deed(enum top_view view, int key, const json_t *row, struct top_deed *ret_deed)
{
	*ret_deed = (struct top_deed){0};
	for (size_t i = 0; row && i < array_size(deeds); i++)
		if (deeds[i].key == key && deeds[i].view == view) {
			deeds[i].fill(row, key, ret_deed);
			return true;
		}
	snprintf(ret_deed->question, sizeof(ret_deed->question), "%s",
		 key == 'k'   ? "k ends a connection: see 3"
		 : key == 'd' ? "d drains a proxy or a server: see 1 and 2"
			      : "r lets a proxy or a server serve again: see 1 and 2");
	return false;
}

void top_deed_done(struct top_deed *deed)
{
	free(deed->target);
	json_decref(deed->body);
	*deed = (struct top_deed){0};
}
