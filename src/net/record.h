/*
 * What a session leaves behind: one line in the access log (or, at level debug,
 * in the log) and one count, both saying why it ended.
 */
#ifndef NET_RECORD_H
#define NET_RECORD_H

#include "base/compiler.h"

struct session;
struct worker;

/* Whether lines are written, so that the client's address must be known. */
bool record_wanted(const struct worker *worker);

void record_write(struct session *session);

#endif
