#include "control/logs.h"

#include "ops/access.h"
#include "ops/events.h"
#include "ops/log.h"
#include "ops/writer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PATIENCE_MS 1000
#define WHY_MAX     (PATH_MAX + 300)

static const enum sink_target targets[] = {
	[CONFIG_ACCESS_OFF] = SINK_NONE,
	[CONFIG_ACCESS_STDERR] = SINK_STDERR,
	[CONFIG_ACCESS_JOURNAL] = SINK_JOURNAL,
	[CONFIG_ACCESS_FILE] = SINK_FILE,
};

static const enum access_format formats[] = {
	[CONFIG_FORMAT_TEXT] = ACCESS_TEXT,
	[CONFIG_FORMAT_JSON] = ACCESS_JSON,
	[CONFIG_FORMAT_HAPROXY] = ACCESS_HAPROXY,
};

/* For as long as the access log is open: how its messages begin, and where it is. */
static char place[PATH_MAX + 64], path[PATH_MAX];

/* Who waits for files to be open anew, and how the writer's thread says that they are. */
static struct {
	struct list waits; /* made with the bell */
	struct event *rung;
	int bell; /* 0: there is none yet */
} reopening;

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
	r = access_open(targets[config->access], formats[config->format],
			config->access_path ? path : NULL, place, workers);
	if (r == -ENOMEM)
		return log_no_memory("the queues of the access log");
	if (r < 0)
		log_error("%s: %s", place, explain(config, r, why));
	return r;
}

/* ---- Opening anew ---------------------------------------------------------------------------- */

const char *logs_file(const struct config *config)
{
	if (config->access == CONFIG_ACCESS_FILE)
		return config->access_path;
	return config->access == CONFIG_ACCESS_JOURNAL ? "the journal" : NULL;
}

const char *logs_remedy(const char *file, int error)
{
	return sink_remedy(*file == '/' ? SINK_FILE : SINK_JOURNAL, -error);
}

static void tell(uint64_t done, int result)
{
	while (!list_is_empty(&reopening.waits)) {
		struct logs_wait *wait = container_of(reopening.waits.next, struct logs_wait, link);

		if (wait->number > done)
			return;
		list_remove(&wait->link);
		wait->done(wait, result);
	}
}

static void on_reopened(void *owner, uint32_t ready)
{
	uint64_t count, done;
	int result;

	(void)owner;
	(void)ready;
	(void)!read(reopening.bell, &count, sizeof(count));
	done = writer_reopened(&result);
	tell(done, result);
}

static int hang_bell(struct events *events)
{
	int r = 0;

	if (!reopening.bell) {
		r = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (r < 0)
			return -errno;
		reopening.bell = r;
		list_init(&reopening.waits);
	}
	return reopening.rung ? 0
			      : events_add_descriptor(events, &reopening.rung, reopening.bell,
						      EPOLLIN, on_reopened, NULL);
}

int logs_reopen_and_tell(const struct config *config, struct events *events, struct logs_wait *wait)
{
	int r;

	if (!logs_file(config))
		return 0;
	r = hang_bell(events);
	if (r < 0)
		return r;
	wait->number = access_reopen(reopening.bell);
	if (!wait->number)
		return -ESHUTDOWN;
	list_push(&reopening.waits, &wait->link);
	return 1;
}

/* The bell stays: a thread that hangs may still ring it. */
void logs_close(void)
{
	access_close(PATIENCE_MS);
	if (!reopening.bell)
		return;
	reopening.rung = events_remove(reopening.rung);
	tell(UINT64_MAX, -ESHUTDOWN);
}

void logs_reopen(const struct config *config, const char *why)
{
	char key[CONFIG_EXPLAIN_MAX];

	if (logs_file(config)) {
		log_info("%s: opening the access log anew", why);
		(void)access_reopen(-1);
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
