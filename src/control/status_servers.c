/* Pools and their servers, and the command that would drain each. */
#include "control/status_parts.h"

#include "control/words.h"

#include <inttypes.h>
#include <string.h>

/* How a state looks; a word from elsewhere is going to be something. */
static const char *look_of(const char *state)
{
	static const char *const looks[] = {"up", "down", "drain", "maint"};

	for (size_t i = 0; i < array_size(looks); i++)
		if (strcmp(state, looks[i]) == 0)
			return looks[i];
	return "going";
}

/* As one word of a shell, whatever is in it. */
static void add_shell_word(struct sheet *sheet, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./:@";
	struct sheet quoted = {0};

	if (*word && strspn(word, plain) == strlen(word)) {
		sheet_add(sheet, "%s", word);
		return;
	}
	sheet_add(&quoted, "'");
	for (; *word; word++)
		sheet_add(&quoted, *word == '\'' ? "'\\''" : "%c", *word);
	sheet_add(&quoted, "'");
	word = sheet_text(&quoted);
	sheet_add_html(sheet, word ? word : "");
	sheet_done(&quoted);
}

static void add_command(struct sheet *sheet, const struct metrics_server *server)
{
	struct sheet name = {0};
	const char *text;

	sheet_add(&name, "%s/%s", server->pool, server->name);
	text = sheet_text(&name);
	sheet_add(sheet, "<code>uringproxy server ");
	add_shell_word(sheet, text ? text : "");
	sheet_add(sheet, " %s</code>", server->said_state.by ? "ready" : "drain");
	sheet_done(&name);
}

static void add_state(struct sheet *sheet, const struct metrics_snapshot *snapshot,
		      const struct metrics_server *server)
{
	char age[WORDS_MAX];

	sheet_add(sheet, "<span><span class=\"state %s\">", look_of(server->state));
	sheet_add_html(sheet, server->state);
	sheet_add(sheet, "</span>");
	if (server->changed_ms && server->changed_ms < snapshot->now_ms)
		sheet_add(sheet, " for %s",
			  words_duration(age, snapshot->now_ms - server->changed_ms, 1000));
	if (*server->why) {
		sheet_add(sheet, "<br><span class=\"faint\">");
		sheet_add_html(sheet, server->why);
		if (server->ruling_until_ms > snapshot->now_ms)
			sheet_add(sheet, "; for %s more",
				  words_duration(age, server->ruling_until_ms - snapshot->now_ms,
						 1000));
		sheet_add(sheet, "</span>");
	}
	sheet_add(sheet, "</span>");
}

static const char *const server_heads[] = {"Server",
					   "State",
					   "Connections",
					   "Waiting",
					   "New/s",
					   "Up",
					   "Down",
					   "Failures",
					   "Check",
					   "Weight",
					   "To drain it, or undo that",
					   NULL};

/* Where an operator says otherwise than the configuration, what that says. */
static void add_weight(struct sheet *sheet, const char *head, const struct metrics_server *server)
{
	cell_begin(sheet, head);
	sheet_add(sheet, "<span>%" PRIu64, server->weight);
	if (server->said_weight.by)
		sheet_add(sheet, "<br><span class=\"faint\">file: %" PRIu64 "</span>",
			  server->weight_configured);
	sheet_add(sheet, "</span>");
	cell_end(sheet);
}

static void add_places(struct sheet *sheet, const char *head, const struct metrics_server *server)
{
	char text[WORDS_MAX];

	cell_begin(sheet, head);
	sheet_add(sheet, "<span>%s", words_number(text, server->connections));
	if (server->connections_max)
		sheet_add(sheet, " of %s", words_number(text, server->connections_max));
	if (server->said_limit.by)
		sheet_add(sheet, "<br><span class=\"faint\">file: %s</span>",
			  server->connections_max_configured
				  ? words_number(text, server->connections_max_configured)
				  : "off");
	sheet_add(sheet, "</span>");
	cell_end(sheet);
}

/* Those of the first tier, which most are, have none. */
static void add_tier(struct sheet *sheet, const struct metrics_server *server)
{
	if (server->backup)
		sheet_add(sheet, " backup");
	else if (server->priority)
		sheet_add(sheet, " priority %" PRIu64, server->priority);
}

static void add_server(struct sheet *sheet, const struct metrics_snapshot *snapshot,
		       const struct metrics_server *server)
{
	const char *const *heads = server_heads;
	char text[WORDS_MAX];

	sheet_add(sheet, "<tr>");
	cell_begin(sheet, heads[0]);
	sheet_add(sheet, "<span><b>");
	sheet_add_html(sheet, server->name);
	sheet_add(sheet, "</b>");
	add_tier(sheet, server);
	sheet_add(sheet, "<br><span class=\"faint\">");
	sheet_add_html(sheet, strcmp(server->name, server->address) ? server->address : "");
	sheet_add(sheet, "</span></span>");
	cell_end(sheet);
	cell_begin(sheet, heads[1]);
	add_state(sheet, snapshot, server);
	cell_end(sheet);
	add_places(sheet, heads[2], server);
	cell_number(sheet, heads[3], server->queued);
	cell_number(sheet, heads[4], server->rates.connections);
	cell_rate(sheet, heads[5], server->rates.bytes_up);
	cell_rate(sheet, heads[6], server->rates.bytes_down);
	cell_begin(sheet, heads[7]);
	cell_add_reasons(sheet, server->failures, 1);
	cell_end(sheet);
	cell_text(sheet, heads[8],
		  server->checked ? words_duration(text, server->check_ns, HISTOGRAM_NS) : "");
	add_weight(sheet, heads[9], server);
	cell_begin(sheet, heads[10]);
	add_command(sheet, server);
	cell_end(sheet);
	sheet_add(sheet, "</tr>\n");
}

static void add_pool_line(struct sheet *sheet, const struct metrics_pool *pool)
{
	char text[WORDS_MAX], quantile[WORDS_MAX];
	const char *look = pool->servers_up == 0              ? "down"
			   : pool->servers_up < pool->servers ? "going"
							      : "up";

	sheet_add(sheet, "<p><span class=\"state %s\">%" PRIu64 " of %" PRIu64 " up</span>", look,
		  pool->servers_up, pool->servers);
	if (pool->panic)
		sheet_add(sheet, ", those that are down are used for want of others");
	sheet_add(sheet, "; %s waiting", words_number(text, pool->queued));
	if (pool->retries)
		sheet_add(sheet, ", %s tried elsewhere", words_number(text, pool->retries));
	if (*words_quantile(quantile, &pool->connect, &HISTOGRAM_CONNECT, 0.99))
		sheet_add(sheet, "; p99 of connecting %s", quantile);
	if (*words_quantile(quantile, &pool->rtt, &HISTOGRAM_RTT, 0.5))
		sheet_add(sheet, ", of round trips half are %s", quantile);
	sheet_add(sheet, "</p>\n");
}

void status_servers(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->pool_count; i++) {
		const struct metrics_pool *pool = &snapshot->pools[i];

		sheet_add(sheet, "<h2>Servers of ");
		sheet_add_html(sheet, pool->name);
		sheet_add(sheet, "</h2>\n");
		add_pool_line(sheet, pool);
		table_begin(sheet, server_heads);
		for (size_t j = 0; j < snapshot->server_count; j++)
			if (strcmp(snapshot->servers[j].pool, pool->name) == 0)
				add_server(sheet, snapshot, &snapshot->servers[j]);
		table_end(sheet);
	}
}
