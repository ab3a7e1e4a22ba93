/*
 * Servers, over HTTP: how they are, and what an operator says of one (rulings.h).
 *
 *     GET   /v1/servers?pool=web         pools and their servers
 *     GET   /v1/servers/web/app1         one of them
 *     POST  /v1/servers/web/app1         {"state": "drain", "reason": "kernel", "for": "10min"}
 *     PATCH /v1/servers/web/app1         {"weight": 5, "max_connections": null}
 *     PUT    /v1/servers/web/app4        {"server": "10.0.3.9:5432 weight=2"}      (enrol.h)
 *     DELETE /v1/servers/web/app4
 *
 * POST and PATCH are the same.  A server is called by its name, or by its address, or where a line
 * with name= is a host name by what its servers' names begin with, if it is one server only.
 */
#ifndef CONTROL_VERBS_SERVERS_H
#define CONTROL_VERBS_SERVERS_H

#include "control/verbs.h"

verb_answer verb_servers;
verb_answer verb_server;
verb_answer verb_rule_server;
verb_answer verb_add_server;
verb_answer verb_remove_server;

#endif
