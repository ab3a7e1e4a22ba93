/* What [log] asks for: the access log opened, or looked at before, with its mistakes in words. */
#ifndef CONTROL_LOGS_H
#define CONTROL_LOGS_H

#include "config/report.h"

/* Open the access log for so many workers.  0, or a negative errno that has been logged. */
int logs_open(const struct config *config, unsigned workers) must_check;
/* Write what is left, within a second or two, and close. */
void logs_close(void);

/* Open the files anew, or say that there is none; `why` is the name of the signal. */
void logs_reopen(const struct config *config, const char *why);

/* Whether logs_open() would fail, without opening anything: 0, or why not, which is reported. */
int logs_check(const struct config *config, struct report *report) must_check;

#endif
