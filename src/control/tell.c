#include "control/tell.h"

#include "control/mode.h"
#include "worker/worker.h"

#include "ops/access.h"
#include "ops/log.h"

#include <stdio.h>

void tell_report(struct report *report)
{
	static const enum log_level levels[] = {
		[REPORT_MISTAKE] = LOG_LEVEL_ERROR,
		[REPORT_WARNING] = LOG_LEVEL_WARNING,
		[REPORT_NOTE] = LOG_LEVEL_INFO,
	};

	report_sort(report);
	for (size_t i = 0; i < report->count; i++)
		log_at(levels[report->lines[i].kind], "%s", report->lines[i].text);
}

/* The kernel lacks flags that the rings were to have: they work without. */
static void tell_dropped(uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} wanted[] = {
		{IORING_SETUP_SUBMIT_ALL, "SUBMIT_ALL"},
		{IORING_SETUP_SINGLE_ISSUER, "SINGLE_ISSUER"},
		{IORING_SETUP_DEFER_TASKRUN, "DEFER_TASKRUN"},
		{IORING_SETUP_TASKRUN_FLAG, "TASKRUN_FLAG"},
	};

	for (size_t i = 0; i < array_size(wanted); i++)
		if (flags & wanted[i].flag)
			log_info("the kernel does not know IORING_SETUP_%s: running without it",
				 wanted[i].name);
}

void tell_mode(const struct engine *engine, const struct mode *mode, const struct config *config,
	       uint32_t dropped)
{
	static const enum ring_feature liked[] = {
		RING_DEFER_TASKRUN, RING_RECV_MULTISHOT, RING_RECV_BUNDLE, RING_RECV_BUDGET,
		RING_BUFFER_RING,   RING_SEND_ZC,        RING_NO_SQARRAY,  RING_ABS_TIMER,
	};
	char lacking[300] = "";
	size_t used = 0;

	for (size_t i = 0; i < array_size(liked); i++)
		if (!ring_capable(&engine->capabilities, liked[i]) && used < sizeof(lacking))
			used += (size_t)snprintf(lacking + used, sizeof(lacking) - used, " %s",
						 ring_feature_name(liked[i]));
	log_info("%u worker%s, %s, busy_poll %u us, coalesce %u us, %u connections at most, %llu "
		 "KiB of "
		 "buffers of %u KiB for each worker",
		 engine->worker_count, engine->worker_count == 1 ? "" : "s", mode->why,
		 config->busy_poll_us, engine->sizes.coalesce_us, engine->connections_max,
		 (unsigned long long)engine->sizes.buffer_memory / 1024,
		 engine->sizes.buffer_size / 1024);
	if (used)
		log_info("done without, since this kernel or `without` lacks it:%s", lacking);
	tell_dropped(dropped);
	if (mode->warning[0])
		log_warning("%s", mode->warning);
}

void tell_counters(const struct worker *workers, uint32_t count, const char *when)
{
	uint64_t reasons[REASON_COUNT] = {0};
	struct stats total = {0};
	char line[STATS_LINE_MAX], endings[REASON_COUNT * 48] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct worker *worker = &workers[i];
		stats_add(&total, &worker->loop.stats);
		for (unsigned reason = 0; reason < REASON_COUNT; reason++)
			reasons[reason] += atomic_load_explicit(&worker->sessions.reasons[reason],
								memory_order_relaxed);
	}
	for (unsigned reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
		if (reasons[reason])
			used += (size_t)snprintf(endings + used, sizeof(endings) - used, " %s=%llu",
						 reason_name((enum reason)reason),
						 (unsigned long long)reasons[reason]);
	stats_count(&total, access_dropped, access_dropped());
	stats_count(&total, log_dropped, log_dropped());
	log_info("endings:%s", used ? endings : " none");
	log_info("%s: %s", when, stats_format_line(&total, line, sizeof(line)));
}
