#include "control/judge.h"

#include "config/value.h"
#include "control/bind.h"
#include "control/build.h"
#include "control/judge_departures.h"
#include "control/logs.h"
#include "guard/acl.h"
#include "loop/socket.h"

#include "ops/log.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define ONLINE "/sys/devices/system/cpu/online"

/* ---- Keys ------------------------------------------------------------------------------------ */

static int judge_without(const struct config *config, struct report *report)
{
	struct ring_capabilities any = {0};
	char name[VALUE_WHY_MAX];
	int r = 0;

	for (const char *at = config->without; at && *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		snprintf(name, sizeof(name), "%.*s", (int)length, at);
		at += length;
		if (ring_capabilities_without(&any, name) == 0)
			continue;
		report_key(report, REPORT_MISTAKE, config, NULL, "without",
			   "there is no kernel feature '%s'; uringproxy.conf(5) has them all",
			   name);
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

static int judge_cpus(const struct config *config, const char *key, const uint64_t *wanted,
		      struct report *report)
{
	char missing_text[VALUE_CPUS_TEXT_MAX], here_text[VALUE_CPUS_TEXT_MAX];
	uint64_t here[VALUE_CPU_WORDS], missing[VALUE_CPU_WORDS], any = 0;

	if (!read_cpus(here))
		return 0;
	for (unsigned i = 0; i < VALUE_CPU_WORDS; i++) {
		missing[i] = wanted[i] & ~here[i];
		any |= missing[i];
	}
	if (!any)
		return 0;
	report_key(report, REPORT_MISTAKE, config, NULL, key,
		   "%.200s: no such CPU; this machine has %.200s",
		   value_format_cpus(missing, missing_text, sizeof(missing_text)),
		   value_format_cpus(here, here_text, sizeof(here_text)));
	return -EINVAL;
}

/* ---- Addresses ------------------------------------------------------------------------------- */

/* The interface that a line is about and that is not there, as messages call it; or NULL. */
static const char *missing_interface(const struct config_endpoint *line, char *text, size_t size)
{
	uint32_t scope = address_scope(&line->address);
	char name[IF_NAMESIZE];

	if (*line->interface && !if_nametoindex(line->interface))
		return line->interface;
	if (address_has_zone(&line->address))
		return scope ? NULL : line->address.host;
	if (!scope || if_indextoname(scope, name))
		return NULL;
	snprintf(text, size, "of number %u", scope);
	return text;
}

/* A line of an address that belongs to an interface; that may come later, as a cable does. */
static void judge_interface(const struct config *config, const struct config_section *section,
			    const struct config_endpoint *line, const char *key,
			    struct report *report)
{
	char text[32];
	const char *missing = missing_interface(line, text, sizeof(text));

	if (missing)
		report_add(report, REPORT_WARNING, line->file, line->line,
			   "%s:%u: %s %s: %s: this machine has no interface %s now; `ip link` "
			   "shows them",
			   config->files[line->file], line->line, section->title, key, line->text,
			   missing);
}

static void judge_interfaces(const struct config *config, struct report *report)
{
	const struct config_section *section;

	for (size_t i = 0; (section = config_section_at(config, i)); i++) {
		for (size_t j = 0; j < section->listen_count; j++)
			judge_interface(config, section, &section->listens[j], "listen", report);
		for (size_t j = 0; j < section->server_count; j++)
			judge_interface(config, section, &section->servers[j], "server", report);
	}
}

static int judge_listen(const struct config *config, const struct config_section *section,
			const struct config_endpoint *line, struct report *report)
{
	char place[RESOLVE_PLACE_MAX];
	const char *why;
	int r = bind_check(&line->address, line, &why);

	resolve_place(config, section, line, true, place);
	if (r == -EADDRNOTAVAIL) {
		report_add(report, REPORT_WARNING, line->file, line->line,
			   "%s: %s: no interface of this machine has that address now; the daemon "
			   "starts without and tries again until one has; `freebind` does not wait",
			   place, line->text);
		return 0;
	}
	if (r < 0)
		report_add(report, REPORT_MISTAKE, line->file, line->line,
			   "%s: cannot listen on %s: %s%s%s%s", place, line->text, strerror(-r),
			   why ? " (" : "", why ? why : "", why ? ")" : "");
	return r;
}

/* ---- Clients --------------------------------------------------------------------------------- */

static void judge_reject(const struct config *config, struct report *report)
{
	bool may = socket_may_be_silent();

	for (size_t i = 0; i < config->section_count && !may; i++)
		if (config->sections[i].settings.reject == CONFIG_REJECT_DROP)
			report_key(report, REPORT_WARNING, config, &config->sections[i], "reject",
				   "drop is a RST that the first router does not pass on, since "
				   "silence takes CAP_NET_ADMIN (AmbientCapabilities= of the "
				   "unit)");
}

/* Lists that files have are read, to be forgotten. */
static int judge_clients(const struct config *config, struct report *report)
{
	struct acl *last = NULL;
	int result = 0;

	for (size_t i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];
		struct acl *acl;

		if (last && acl_share(last, section)) {
			acl_free(last);
			continue;
		}
		result = judge_worse(result, acl_make(&acl, config, section, report));
		if (acl) {
			acl_free(last);
			last = acl;
		}
	}
	acl_free(last);
	return result;
}

/* ---- All of it ------------------------------------------------------------------------------- */

int judge_config(const struct config *config, struct report *report)
{
	int r = judge_without(config, report);

	r = judge_worse(r, judge_cpus(config, "cpus", config->cpus, report));
	r = judge_worse(r, judge_cpus(config, "sqpoll_cpus", config->sqpoll_cpus, report));
	judge_interfaces(config, report);
	judge_reject(config, report);
	r = judge_worse(r, judge_departures(config, report));
	return judge_worse(r, logs_check(config, report));
}

/* It begins with the key's name. */
static void judge_polling(const struct config *config, const struct mode *mode,
			  struct report *report)
{
	const struct config_origin *origin = config_origin(config, NULL, "sqpoll");

	if (!mode->warning[0] || origin->refused)
		return;
	if (origin->line)
		report_add(report, REPORT_WARNING, origin->file, origin->line, "%s:%u: [global] %s",
			   config->files[origin->file], origin->line, mode->warning);
	else
		report_add(report, REPORT_WARNING, REPORT_NOWHERE, 0, "%s", mode->warning);
}

static int judge_limits(const struct config *config, struct report *report)
{
	struct limits_cpus cpus;
	struct mode mode;
	int r = limits_cpus(&cpus);

	if (r < 0) {
		report_add(report, REPORT_MISTAKE, REPORT_NOWHERE, 0,
			   "cannot read which CPUs may be used: %s", strerror(-r));
		return r;
	}
	mode_decide(&mode, config, &cpus);
	judge_polling(config, &mode, report);
	return build_try(config, &mode, report);
}

int judge_start(const struct config *config, struct report *report)
{
	int r = judge_limits(config, report);

	r = judge_worse(r, judge_clients(config, report));
	for (size_t i = 0; i < config->section_count; i++)
		for (size_t j = 0; j < config->sections[i].listen_count; j++)
			r = judge_worse(r, judge_listen(config, &config->sections[i],
							&config->sections[i].listens[j], report));
	return r;
}
