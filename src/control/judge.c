#include "control/judge.h"

#include "config/value.h"
#include "ring/ring.h"

#include "ops/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ONLINE "/sys/devices/system/cpu/online"

static int judge_without(const struct config *config)
{
	struct ring_capabilities any = {0};
	char name[VALUE_WHY_MAX], place[CONFIG_PLACE_MAX];
	int r = 0;

	for (const char *at = config->without; at && *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		snprintf(name, sizeof(name), "%.*s", (int)length, at);
		at += length;
		if (ring_capabilities_without(&any, name) == 0)
			continue;
		log_error("%s: there is no kernel feature '%s'; uringproxy.conf(5) has them all",
			  config_place(config, NULL, "without", place, sizeof(place)), name);
		r = -EINVAL;
	}
	return r;
}

/* Which CPUs run here; false where the machine does not say. */
static bool read_cpus(uint64_t ret_cpus[VALUE_CPU_WORDS])
{
	char text[VALUE_CPUS_TEXT_MAX] = "", why[VALUE_WHY_MAX];
	FILE *file = fopen(ONLINE, "re");

	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	text[strcspn(text, "\n")] = 0;
	return value_parse_cpus(ret_cpus, text, why) == 0;
}

static int judge_cpus(const struct config *config, const char *key, const uint64_t *wanted)
{
	char missing_text[VALUE_CPUS_TEXT_MAX], here_text[VALUE_CPUS_TEXT_MAX];
	uint64_t here[VALUE_CPU_WORDS], missing[VALUE_CPU_WORDS], any = 0;
	char place[CONFIG_PLACE_MAX];

	if (!read_cpus(here))
		return 0;
	for (unsigned i = 0; i < VALUE_CPU_WORDS; i++) {
		missing[i] = wanted[i] & ~here[i];
		any |= missing[i];
	}
	if (!any)
		return 0;
	log_error("%s: %.200s: no such CPU; this machine has %.200s",
		  config_place(config, NULL, key, place, sizeof(place)),
		  value_format_cpus(missing, missing_text, sizeof(missing_text)),
		  value_format_cpus(here, here_text, sizeof(here_text)));
	return -EINVAL;
}

int judge_config(const struct config *config)
{
	int without = judge_without(config);
	int cpus = judge_cpus(config, "cpus", config->cpus);
	int sqpoll_cpus = judge_cpus(config, "sqpoll_cpus", config->sqpoll_cpus);

	return without | cpus | sqpoll_cpus ? -EINVAL : 0;
}
