#include "control/status.h"

#include "control/status_parts.h"
#include "control/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* status.html as it is; the Makefile knows that this file is made of it, too. */
__asm__(".pushsection .rodata\n"
	".globl status_html\n"
	"status_html:\n"
	".incbin \"src/control/status.html\"\n"
	".byte 0\n"
	".popsection\n");
extern const char status_html[] __attribute__((visibility("hidden")));

void status_nonce(char nonce[STATUS_NONCE_MAX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[(STATUS_NONCE_MAX - 1) / 2] = {0};

	/* At most 256 bytes are given whole, without a wait once the machine is up. */
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort();
	for (size_t i = 0; i < sizeof(random); i++) {
		nonce[2 * i] = digits[random[i] >> 4];
		nonce[2 * i + 1] = digits[random[i] & 15];
	}
	nonce[STATUS_NONCE_MAX - 1] = 0;
}

const char *status_policy(char policy[STATUS_POLICY_MAX], const char *nonce)
{
	snprintf(policy, STATUS_POLICY_MAX,
		 "default-src 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; "
		 "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
		 "frame-ancestors 'none'",
		 nonce, nonce);
	return policy;
}

/* ---- What there is ------------------------------------------------------------------------------
 */

static void add_warnings(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	if (!snapshot->warning_count)
		return;
	sheet_add(sheet, "<ul class=\"warnings\">\n");
	for (size_t i = 0; i < snapshot->warning_count; i++) {
		sheet_add(sheet, "<li>");
		sheet_add_html(sheet, snapshot->warnings[i]);
		sheet_add(sheet, "</li>\n");
	}
	sheet_add(sheet, "</ul>\n");
}

static void add_summary(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	char text[WORDS_MAX], most[WORDS_MAX], up[WORDS_MAX], memory[WORDS_MAX], time[WORDS_MAX];
	uint64_t age = snapshot->now_ms > snapshot->started_ms
			       ? snapshot->now_ms - snapshot->started_ms
			       : 0;

	sheet_add(sheet, "<h1>uringproxy <span class=\"state %s\">",
		  snapshot->ready ? "up" : "going");
	sheet_add_html(sheet, snapshot->state);
	sheet_add(sheet, "</span></h1>\n<p>%s of %s connections, edition %" PRIu64,
		  words_number(text, snapshot->connections),
		  words_number(most, snapshot->connections_max), snapshot->edition);
	if (snapshot->editions > 1)
		sheet_add(sheet, " (%" PRIu64 " earlier %s connections)", snapshot->editions - 1,
			  snapshot->editions == 2 ? "one still has" : "ones still have");
	sheet_add(sheet, "%s, up for %s, %s of memory</p>\n",
		  snapshot->reload_good ? "" : ", <b class=\"down\">the last reload failed</b>",
		  words_duration(up, age, 1000), words_bytes(memory, snapshot->resident_bytes));
	sheet_add(sheet, "<p class=\"faint\">Version ");
	sheet_add_html(sheet, snapshot->version);
	sheet_add(sheet, ", as of %s</p>\n", words_time(time, snapshot->now_ms));
}

/* Listening addresses of one proxy. */
static void add_addresses(struct sheet *sheet, const struct metrics_snapshot *snapshot,
			  const struct metrics_proxy *proxy)
{
	const char *before = "";

	for (size_t i = 0; i < snapshot->listener_count; i++) {
		if (strcmp(snapshot->listeners[i].proxy, proxy->name) != 0)
			continue;
		sheet_add(sheet, "%s", before);
		sheet_add_html(sheet, snapshot->listeners[i].address);
		before = ", ";
	}
}

static void add_proxies(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	static const char *const heads[] = {"Proxy", "Listens on", "Connections",     "New/s", "Up",
					    "Down",  "First byte", "Ended otherwise", NULL};

	sheet_add(sheet, "<h2>Proxies and services</h2>\n");
	table_begin(sheet, heads);
	for (size_t i = 0; i < snapshot->proxy_count; i++) {
		const struct metrics_proxy *proxy = &snapshot->proxies[i];

		sheet_add(sheet, "<tr>");
		cell_begin(sheet, heads[0]);
		sheet_add(sheet, "<span><b>");
		sheet_add_html(sheet, proxy->name);
		sheet_add(sheet, "</b> <span class=\"faint\">");
		sheet_add_html(sheet, proxy->kind);
		sheet_add(sheet, "</span>%s</span>",
			  proxy->draining ? " <span class=\"drain\">draining</span>" : "");
		cell_end(sheet);
		cell_begin(sheet, heads[1]);
		add_addresses(sheet, snapshot, proxy);
		cell_end(sheet);
		cell_of(sheet, heads[2], proxy->connections, proxy->connections_max);
		cell_number(sheet, heads[3], proxy->rates.connections);
		cell_rate(sheet, heads[4], proxy->rates.bytes_up);
		cell_rate(sheet, heads[5], proxy->rates.bytes_down);
		cell_quantiles(sheet, heads[6], &proxy->first_byte, &HISTOGRAM_FIRST_BYTE);
		cell_begin(sheet, heads[7]);
		cell_add_reasons(sheet, &proxy->ended[0][0], SIDE_COUNT);
		cell_end(sheet);
		sheet_add(sheet, "</tr>\n");
	}
	table_end(sheet);
}

/* ---- Workers and names
 * --------------------------------------------------------------------------- */

/* What has been short, and what should never be. */
static void add_troubles(struct sheet *sheet, const struct metrics_worker *worker)
{
	static const unsigned shown[] = {
		STATS_INDEX_paused_connections, STATS_INDEX_paused_descriptors,
		STATS_INDEX_paused_memory,      STATS_INDEX_paused_ports,
		STATS_INDEX_paused_buffers,     STATS_INDEX_paused_rate,
		STATS_INDEX_paused_accepting,   STATS_INDEX_stale_completions,
		STATS_INDEX_buffers_missing,
	};
	const char *before = "";
	char text[WORDS_MAX];

	for (size_t i = 0; i < array_size(shown); i++) {
		if (!worker->counters[shown[i]])
			continue;
		sheet_add(sheet, "%s%s %s", before, stats_name(shown[i]),
			  words_number(text, worker->counters[shown[i]]));
		before = ", ";
	}
}

static void add_workers(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	static const char *const heads[] = {"Worker",  "Connections", "A turn takes",
					    "Buffers", "Short of",    NULL};
	char text[WORDS_MAX], most[WORDS_MAX];

	sheet_add(sheet, "<h2>Workers</h2>\n");
	table_begin(sheet, heads);
	for (size_t i = 0; i < snapshot->worker_count; i++) {
		const struct metrics_worker *worker = &snapshot->workers[i];

		sheet_add(sheet, "<tr>");
		cell_number(sheet, heads[0], worker->index);
		cell_number(sheet, heads[1], worker->connections);
		cell_quantiles(sheet, heads[2], &worker->lag, &HISTOGRAM_LAG);
		cell_begin(sheet, heads[3]);
		sheet_add(sheet, "%s of %s used", words_bytes(text, worker->buffer_bytes_used),
			  words_bytes(most, worker->buffer_bytes));
		cell_end(sheet);
		cell_begin(sheet, heads[4]);
		add_troubles(sheet, worker);
		cell_end(sheet);
		sheet_add(sheet, "</tr>\n");
	}
	table_end(sheet);
}

static void add_names(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	static const char *const heads[] = {"Name", "Addresses", "Last answer", "Failed", NULL};
	char text[WORDS_MAX];

	if (!snapshot->name_count)
		return;
	sheet_add(sheet, "<h2>Host names</h2>\n");
	table_begin(sheet, heads);
	for (size_t i = 0; i < snapshot->name_count; i++) {
		const struct metrics_name *name = &snapshot->names[i];
		uint64_t age = snapshot->now_ms - name->answered_ms;

		sheet_add(sheet, "<tr>");
		cell_text(sheet, heads[0], name->name);
		cell_number(sheet, heads[1], name->records);
		cell_begin(sheet, heads[2]);
		if (name->answered_ms)
			sheet_add(sheet, "%s ago", words_duration(text, age, 1000));
		cell_end(sheet);
		cell_number(sheet, heads[3], name->failed);
		sheet_add(sheet, "</tr>\n");
	}
	table_end(sheet);
}

/* ---- The page -----------------------------------------------------------------------------------
 */

static void add_body(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	sheet_add(sheet, "<main>\n");
	add_summary(sheet, snapshot);
	add_warnings(sheet, snapshot);
	status_graphs(sheet, snapshot);
	add_proxies(sheet, snapshot);
	status_servers(sheet, snapshot);
	add_workers(sheet, snapshot);
	add_names(sheet, snapshot);
	sheet_add(sheet, "</main>");
}

static void add_title(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	char text[WORDS_MAX];

	if (snapshot->warning_count)
		sheet_add(sheet, "(%zu) ", snapshot->warning_count);
	sheet_add_html(sheet, snapshot->state);
	sheet_add(sheet, ", %s connections: uringproxy", words_number(text, snapshot->connections));
}

void status_page(struct sheet *sheet, const struct metrics_snapshot *snapshot, const char *nonce)
{
	const char *at = status_html, *mark;

	for (; (mark = strchr(at, '@')); at = mark) {
		sheet_put(sheet, at, (size_t)(mark - at));
		if (strncmp(mark, "@NONCE@", 7) == 0) {
			sheet_add(sheet, "%s", nonce);
			mark += 7;
		} else if (strncmp(mark, "@TITLE@", 7) == 0) {
			add_title(sheet, snapshot);
			mark += 7;
		} else if (strncmp(mark, "@BODY@", 6) == 0) {
			add_body(sheet, snapshot);
			mark += 6;
		} else {
			sheet_put(sheet, mark++, 1); /* a rule of its style */
		}
	}
	sheet_add(sheet, "%s", at);
}
