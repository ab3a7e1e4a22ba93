/*
 * From one reading of the configuration to the next: what is different, and what of it a
 * daemon that runs cannot follow.
 */
#ifndef CONFIG_CHANGE_H
#define CONFIG_CHANGE_H

#include "config/report.h"

/*
 * What is different, as notes: "[proxy web] is new", "[proxy web] server 10.0.0.5:80 is gone",
 * "[proxy web] idle_timeout: 1h is 10min now".  Sections are the same by their titles.  Where
 * the daemon is asked, [control] and [metrics], is not compared.
 */
void config_compare(const struct config *before, const struct config *now, struct report *report);

/* What the daemon is asked at since its start, as config_asked() has it. */
struct config_in_force {
	char *control, *metrics;
};

/* The listen lines of such a section, to be compared, and freed.  NULL: no memory. */
char *config_asked(const struct config_section *section);

/*
 * Keys that need a restart keep the values that they have, and a warning names each that
 * was to have another; so it does where the daemon is not asked as in_force says.  0 or
 * -ENOMEM.
 */
int config_keep(struct config *now, const struct config *before,
		const struct config_in_force *in_force, struct report *report) must_check;

#endif
