/*
 * Which servers a session still has to do with, though no pool has them any more: those that it is
 * or was at, stands in line for, or will name in its record.
 */
#ifndef SESSION_HOLD_H
#define SESSION_HOLD_H

struct session;

/* Of the servers that leave, those of the session are held (pool/server.h). */
void hold_servers(const struct session *session);

#endif
