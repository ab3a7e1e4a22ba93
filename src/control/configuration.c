#include "control/configuration.h"

#include "control/judge.h"
#include "control/resolve.h"
#include "control/serve.h"
#include "control/tell.h"

#include "ops/log.h"
#include "ops/notify.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

int configuration_status(int result)
{
	if (result == -EINVAL)
		return EX_CONFIG;
	return result < 0 ? EX_OSERR : EX_OK;
}

/* A file that is wrong is judged as far as it is understood: one run tells everything. */
static int judge(const struct config *config, const struct commandline *line, struct report *report)
{
	int r = judge_config(config, report);

	r = judge_worse(r, serve_judge(config, line->test, report));
	if (line->test)
		r = judge_worse(r, judge_start(config, report));
	if (line->resolve)
		r = judge_worse(r, resolver_test(config, report));
	return r;
}

int configuration_read(struct config *config, const struct commandline *line)
{
	struct report report;
	const char *first;
	int r;

	if (!line->named && access(line->path, F_OK) < 0) {
		log_error("there is no %s; write one (see uringproxy.conf(5)), or name a file with "
			  "-c: three lines are enough for an echo on port 7007:  [echo]  and  "
			  "listen = 127.0.0.1:7007",
			  line->path);
		return EX_CONFIG;
	}
	r = config_load(config, line->path, &report);
	if (r == -ENOMEM)
		(void)log_no_memory("the configuration");
	else
		r = judge_worse(r < 0 ? -EINVAL : 0, judge(config, line, &report));
	tell_report(&report);
	first = report_first_mistake(&report);
	if (r < 0) {
		notify_errno(-r, "configuration: %s", first ? first : strerror(-r));
		config_done(config);
	}
	report_done(&report);
	return configuration_status(r);
}
