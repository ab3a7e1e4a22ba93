/*
 * The servers of the simulation, and the rules of choosing among them: who may have how many
 * connections, who waits for a place and in which order, and who is tried.
 *
 * What a server has is counted at the simulated network, not by the engine.
 */
#ifndef TESTS_SUPPORT_SIM_POOL_H
#define TESTS_SUPPORT_SIM_POOL_H

#include "pool/pool.h"
#include "support/sim.h"

struct session;

/* Another seed. */
void sim_pool_begin(void);
/* What chance says of a server that is to be in a pool. */
void sim_pool_dress(struct member *member, bool calm);
/* Some of a pool's servers go, come, or may have more or fewer connections. */
void sim_pool_change(struct pool *pool);

/* A connect reaches that server: is that right?  0, or how it goes wrong of its own accord. */
int sim_pool_reached(const struct sim_connection *connection, const struct address *address);
/* How the connect goes; returns that. */
int sim_pool_failed(const struct sim_connection *connection, int error);

/* A worker's turn has ended; all sleep, and time goes on. */
void sim_pool_turn(void);
void sim_pool_asleep(void);
/* A session ends; how it was looked at last is in its life. */
void sim_pool_ended(const struct sim_life *life, const struct session *session);

#endif
