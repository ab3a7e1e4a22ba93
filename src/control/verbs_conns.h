/*
 * What may be asked about connections, and done to them: rows of the table in verbs.c.
 *
 *   GET    /v1/connections             a page of them
 *   GET    /v1/connections/ID          one
 *   GET    /v1/connections/ID/why      what it does or waits for, in words
 *   DELETE /v1/connections/ID          end it
 *   DELETE /v1/connections?...         end those that are meant, if they are no more than confirm=N
 */
#ifndef CONTROL_VERBS_CONNS_H
#define CONTROL_VERBS_CONNS_H

#include "control/verbs.h"

verb_answer conns_list, conns_show, conns_why, conns_kill, conns_kill_all;

#endif
