/* A configuration from text, and all that is said about it in one string. */
#ifndef TESTS_SUPPORT_CONFIG_TEXT_H
#define TESTS_SUPPORT_CONFIG_TEXT_H

#include "config/report.h"
#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The messages about the file "t", each on a line; they last until the next call. */
static inline const char *config_mistakes_of(const char *text, size_t size)
{
	static char said[64 * 1024];
	struct report report;
	struct config config;
	size_t used = 0;
	int r = config_parse(&config, "t", text, size, &report);

	ck_assert_int_eq(r, report.found[REPORT_MISTAKE] ? -EINVAL : 0);
	said[0] = 0;
	for (size_t i = 0; i < report.count; i++) {
		if (report.lines[i].kind != REPORT_MISTAKE)
			continue;
		used += (size_t)snprintf(said + used, sizeof(said) - used, "%s\n",
					 report.lines[i].text);
		ck_assert_uint_lt(used, sizeof(said));
	}
	config_done(&config);
	report_done(&report);
	return said;
}

/* Everything that is said of a text, warnings too. */
static inline const char *config_said_of(const char *text)
{
	static char said[16 * 1024];
	struct report report;
	struct config config;
	size_t used = 0;

	(void)!config_parse(&config, "t", text, strlen(text), &report);
	said[0] = 0;
	for (size_t i = 0; i < report.count; i++)
		used += (size_t)snprintf(said + used, sizeof(said) - used, "%s\n",
					 report.lines[i].text);
	config_done(&config);
	report_done(&report);
	return said;
}

/* Passes when text has exactly these mistakes. */
#define ck_assert_config_mistakes(text, mistakes)                                                  \
	ck_assert_str_eq(config_mistakes_of(text, strlen(text)), mistakes)

/* The configuration that text, which has no mistakes, means. */
static inline struct config config_of(const char *text)
{
	struct report report;
	struct config config;
	int r = config_parse(&config, "t", text, strlen(text), &report);

	ck_assert_msg(r == 0, "%s", r < 0 ? report_first_mistake(&report) : "");
	report_done(&report);
	return config;
}

#endif
