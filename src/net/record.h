/*
 * What a session leaves behind: one line in the access log (or, at level debug,
 * in the log) and one count, both saying why it ended.
 *
 * bytes_up came from the client, bytes_down went to it; of a proxy only what has
 * reached the other side counts, a service is the other side itself.
 */
#ifndef NET_RECORD_H
#define NET_RECORD_H

#include "base/compiler.h"

#include "net/reason.h"

struct parked;
struct session;
struct worker;

/* Whether lines are written, so that the client's address must be known. */
bool record_wanted(const struct worker *worker);

void record_write(struct session *session);
/* Of a client that was accepted and waited for room in vain; its descriptor is still open. */
void record_parked(struct worker *worker, const struct parked *parked, enum reason reason);

#endif
