/*
 * The main thread's side of a reload, as control/reload.c, entrance.c and sockets.c have it: at
 * some moments there is another edition, which all workers are told to adopt, with the sockets
 * that it has in common with the one before, and new ones; what it names no more is left after a
 * grace; and the one before is freed when no worker has anything under it.
 *
 * With it go the rules of who is served under which edition.
 */
#ifndef TESTS_SUPPORT_SIM_RELOAD_H
#define TESTS_SUPPORT_SIM_RELOAD_H

#include "support/sim_edition.h"

/* Before the workers are there: the first edition, and sockets that listen. */
void sim_reload_begin(struct engine *of);
/* For a worker to begin with. */
struct tenancy *sim_reload_tenancy(uint32_t worker);
/* The worker is there: it is offered its sockets. */
void sim_reload_open(uint32_t worker);
/* All are: other editions, and servers that are known late, will come. */
void sim_reload_plan(void);

/* Where a client may go: it is, or will be, perhaps listened on. */
uint32_t sim_reload_some_place(void);

/* Nothing moves any more, or a worker's turn has ended: the rules. */
void sim_reload_rest(void);
void sim_reload_turn(void);
/* Whether there is another edition instead of an end. */
bool sim_reload_again(void);
/* No worker lives any more. */
void sim_reload_end(void);

#endif
