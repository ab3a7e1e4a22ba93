/* What the table of verbs.c has for an operator's changes: steering.h. */
#ifndef CONTROL_VERBS_STEERING_H
#define CONTROL_VERBS_STEERING_H

#include "control/verbs.h"

verb_answer verb_reopen_logs;

#endif
