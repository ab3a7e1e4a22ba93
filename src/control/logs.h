/* What [log] asks for: the access log opened, or looked at before, with its mistakes in words. */
#ifndef CONTROL_LOGS_H
#define CONTROL_LOGS_H

#include "base/list.h"
#include "config/report.h"

/* Open the access log for so many workers.  0, or a negative errno that has been logged. */
int logs_open(const struct config *config, unsigned workers) must_check;
/* Write what is left, within a second or two, and close. */
void logs_close(void);

/* Open the files anew, or say that there is none; `why` is the name of the signal. */
void logs_reopen(const struct config *config, const char *why);

/* Somebody who waits until they are open anew. */
struct logs_wait {
	/* Once, on the main thread: 0, or the negative errno of what could not be opened. */
	void (*done)(struct logs_wait *wait, int result);
	struct list link;
	uint64_t number;
};

struct events;

/*
 * Open the files anew, and tell; logs_close() tells those that are left.  1, or 0: there is no
 * file, and nobody is told; or a negative errno, likewise.
 */
int logs_reopen_and_tell(const struct config *config, struct events *events,
			 struct logs_wait *wait) must_check;
/* The file's name, or "the journal"; NULL where there is nothing to open anew. */
const char *logs_file(const struct config *config);
/* What would help against a negative errno of that one; "" where we do not know. */
const char *logs_remedy(const char *file, int error);

/* Whether logs_open() would fail, without opening anything: 0, or why not, which is reported. */
int logs_check(const struct config *config, struct report *report) must_check;

#endif
