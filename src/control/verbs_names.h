/*
 * GET /v1/names: the host names of the configuration, what each stands for, when that was found
 * and when it is asked for again.  A row of the table in verbs.c.
 */
#ifndef CONTROL_VERBS_NAMES_H
#define CONTROL_VERBS_NAMES_H

#include "control/verbs.h"

verb_answer verb_names;

#endif
