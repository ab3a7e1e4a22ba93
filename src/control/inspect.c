#include "control/inspect.h"

#include "control/allowance.h"
#include "control/judge.h"
#include "ring/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The ring -------------------------------------------------------------------------------- */

/*
 * A polling thread is asked for as the workers will, and is gone again.  Whether
 * it may run shows only then: it counts as a task.
 */
static void inspect_sqpoll(const struct ring_capabilities *capabilities, const struct mode *mode,
			   struct findings *findings)
{
	struct ring_options options = {
		.entries = 8,
		.required = IORING_SETUP_SQPOLL,
		.capabilities = capabilities,
	};
	struct ring_error error;
	struct ring ring;

	if (ring_open(&ring, &options, &error) == 0) {
		ring_close(&ring);
		findings_add(findings, FINDING_OK, "sqpoll",
			     mode->sqpoll ? "works, used" : "works, not used", mode->why);
	} else {
		findings_add(findings, mode->sqpoll ? FINDING_FAIL : FINDING_WARN, "sqpoll",
			     mode->sqpoll ? "refused" : "refused, not used", error.text);
	}
}

/* Names that are none are a finding of the configuration. */
static void switch_off(struct ring_capabilities *capabilities, const struct config *config)
{
	char *copy = config->without ? strdup(config->without) : NULL, *save = NULL;

	if (!copy)
		return;
	for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save))
		(void)!ring_capabilities_without(capabilities, name);
	free(copy);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void add_report(struct report *report, const char *path, struct findings *findings)
{
	static const enum finding_level levels[] = {
		[REPORT_MISTAKE] = FINDING_FAIL,
		[REPORT_WARNING] = FINDING_WARN,
		[REPORT_NOTE] = FINDING_OK,
	};

	report_sort(report);
	if (!report->count)
		findings_add(findings, FINDING_OK, "configuration", path, "");
	for (size_t i = 0; i < report->count; i++)
		findings_add(findings, levels[report->lines[i].kind], "configuration", "",
			     report->lines[i].text);
}

static void inspect_here(const struct config *config, const struct mode *mode,
			 struct report *report, struct findings *findings)
{
	struct ring_capabilities offered, left;
	int error = ring_probe(&offered, NULL);
	struct machine machine;
	struct wants wants;

	wants_of(&wants, config, mode);
	if (error == 0) {
		left = offered;
		switch_off(&left, config);
	}
	machine_read(&machine, "");
	allowance_of_machine(&machine, &wants, findings);
	allowance_of_ring(error, &offered, &left, &wants, findings);
	if (error == 0 && ring_capable(&left, RING_SQPOLL))
		inspect_sqpoll(&left, mode, findings);
	/* Without a ring it would say no more than that there is none. */
	if (error == 0 && report)
		(void)!judge_start(config, report);
}

static void inspect_configured(const struct config *config, struct report *report,
			       struct findings *findings)
{
	struct limits_cpus cpus;
	struct mode mode;
	int r = limits_cpus(&cpus);

	if (r < 0) {
		findings_add(findings, FINDING_FAIL, "CPUs", "unknown", strerror(-r));
		return;
	}
	mode_decide(&mode, config, &cpus);
	inspect_here(config, &mode, report, findings);
}

/* An empty file is wrong, but what is left of it are the defaults. */
static void inspect_defaults(const char *path, struct findings *findings)
{
	struct report report;
	struct config config;

	(void)!config_parse(&config, path, "", 0, &report);
	inspect_configured(&config, NULL, findings);
	findings_add(findings, FINDING_WARN, "configuration", "there is none",
		     "write one, or name it with -c; the defaults were looked at");
	config_done(&config);
	report_done(&report);
}

void inspect(const char *path, bool named, struct findings *findings)
{
	struct report report;
	struct config config;

	if (!named && access(path, F_OK) < 0) {
		inspect_defaults(path, findings);
		return;
	}
	if (config_load(&config, path, &report) == -ENOMEM)
		findings->failed = true;
	(void)!judge_config(&config, &report);
	inspect_configured(&config, &report, findings);
	add_report(&report, path, findings);
	config_done(&config);
	report_done(&report);
}
