/* What `status` shows as the commands that change it do. */
#ifndef CONTROL_COMMAND_STEERING_H
#define CONTROL_COMMAND_STEERING_H

#include <jansson.h>

/* "debug, since ... by ...; the configuration says info", with an end of line. */
void command_print_log_level(const json_t *level);
/* A line for each thing that is drained, which begins so. */
void command_print_drained(const json_t *drained, const char *before);

#endif
