/*
 * The operator of a simulated daemon: at any point of any connection's life he looks which
 * there are, and ends some of them.
 */
#ifndef TESTS_SUPPORT_SIM_OPERATOR_H
#define TESTS_SUPPORT_SIM_OPERATOR_H

#include "worker/order.h"

/* Some time, to be sent by that; perhaps nothing at all. */
void sim_operator_begin(void (*send)(uint32_t worker, struct order *order));
/* An order for sessions is back, in the worker's turn: is it right? */
void sim_operator_heard(struct order *order);
/* Workers are gone: is every order back, and whoever was killed recorded as that? */
void sim_operator_end(void);

#endif
