/*
 * The main thread's side of worker/order.h: what it has to say to whom, has said, and has heard.
 *
 * Orders reach each worker as they were sent, workers one after the other, and some time apart.
 */
#ifndef TESTS_SUPPORT_SIM_ORDERS_H
#define TESTS_SUPPORT_SIM_ORDERS_H

#include "support/sim.h"
#include "worker/order.h"

void sim_orders_begin(uint32_t workers);

/* Now, or, where there are others to be told as well, in the order of these calls. */
void sim_order_now(uint32_t worker, struct order *order);
void sim_order_soon(uint32_t worker, struct order *order);
/* To all workers. */
void sim_command(enum order_kind what);
/* They have been told to drain, or to stop. */
bool sim_is_ending(void);

/* A turn has ended: what has come back, from whomever, is heard, now or some time later. */
void sim_orders_turn(void);
/* All workers have ended: each order has come back, or was too late to be taken. */
void sim_orders_end(void);

#endif
