/* Strategies as somebody would write them who has nothing but lane/strategy.h (sim_engine). */
#ifndef TESTS_SUPPORT_STRATEGIES_H
#define TESTS_SUPPORT_STRATEGIES_H

#include "lane/strategy.h"

/* From the pieces as they are; and with a state of its own, and something shared. */
extern const struct strategy plain_strategy, patient_strategy;

#endif
