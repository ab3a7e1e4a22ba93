/* What the table of verbs.c has for reloads: reload.h. */
#ifndef CONTROL_VERBS_RELOAD_H
#define CONTROL_VERBS_RELOAD_H

#include "control/verbs.h"

#include <jansson.h>

verb_answer verb_reload;

/* For the answer of `status`: what came of the last one, and who holds old editions. */
json_t *verb_reload_status(const struct serve_status *status);
json_t *verb_reload_editions(const struct verbs *verbs);

#endif
