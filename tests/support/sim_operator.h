/*
 * The operator of a simulated daemon: at any point of any connection's life he looks which
 * there are, and ends some of them.
 */
#ifndef TESTS_SUPPORT_SIM_OPERATOR_H
#define TESTS_SUPPORT_SIM_OPERATOR_H

/* Some time; perhaps nothing at all. */
void sim_operator_begin(void);
/* Workers are gone: is whoever was killed recorded as that? */
void sim_operator_end(void);

#endif
