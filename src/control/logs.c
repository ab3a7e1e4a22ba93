#include "control/logs.h"

#include "ops/access.h"
#include "ops/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 1000
#define WHY_MAX     (PATH_MAX + 300)

static const enum sink_target targets[] = {
	[CONFIG_ACCESS_OFF] = SINK_NONE,
	[CONFIG_ACCESS_STDERR] = SINK_STDERR,
	[CONFIG_ACCESS_JOURNAL] = SINK_JOURNAL,
	[CONFIG_ACCESS_FILE] = SINK_FILE,
};

/* For as long as the access log is open: how its messages begin, and where it is. */
static char place[PATH_MAX + 64], path[PATH_MAX];

static const char *explain(const struct config *config, int error, char why[WHY_MAX])
{
	const char *remedy = sink_remedy(targets[config->access], -error);

	snprintf(why, WHY_MAX, "cannot open %s: %s%s%s",
		 config->access_path ? config->access_path : "the journal", strerror(-error),
		 *remedy ? "; " : "", remedy);
	return why;
}

int logs_open(const struct config *config, unsigned workers)
{
	char why[WHY_MAX];
	int r;

	if (config->access == CONFIG_ACCESS_OFF)
		return 0;
	config_place(config, NULL, "access", place, sizeof(place));
	snprintf(path, sizeof(path), "%s", config->access_path ? config->access_path : "");
	r = access_open(targets[config->access],
			config->format == CONFIG_FORMAT_JSON ? ACCESS_JSON : ACCESS_TEXT,
			config->access_path ? path : NULL, place, workers);
	if (r == -ENOMEM)
		return log_no_memory("the queues of the access log");
	if (r < 0)
		log_error("%s: %s", place, explain(config, r, why));
	return r;
}

void logs_close(void)
{
	access_close(PATIENCE_MS);
}

void logs_reopen(const struct config *config, const char *why)
{
	char key[CONFIG_EXPLAIN_MAX];

	if (config->access == CONFIG_ACCESS_FILE || config->access == CONFIG_ACCESS_JOURNAL) {
		log_info("%s: opening the access log anew", why);
		access_reopen();
		return;
	}
	log_info("%s: there is no log file to open anew (%s)", why,
		 config_explain(config, NULL, "access", key, sizeof(key)));
}

int logs_check(const struct config *config, struct report *report)
{
	char why[WHY_MAX];
	int r = access_check(targets[config->access], config->access_path);

	if (r < 0)
		report_key(report, REPORT_MISTAKE, config, NULL, "access", "%s",
			   explain(config, r, why));
	return r;
}
