/* What the table of verbs.c has for an operator's changes: steering.h. */
#ifndef CONTROL_VERBS_STEERING_H
#define CONTROL_VERBS_STEERING_H

#include "control/verbs.h"

#include <jansson.h>

verb_answer verb_reopen_logs, verb_log_level, verb_set_log_level, verb_drained, verb_drain,
	verb_undrain;

/* What is steered: the configuration that is in force. */
verb_answer verb_config;

/* What `status` says of them, to be added to its answer. */
json_t *verb_steering_status(const struct verbs *verbs);

#endif
