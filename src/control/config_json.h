/*
 * A configuration as it is in force, as JSON: what the daemon answers, and what is compared
 * with that.
 *
 *   {"edition": 3, "file": "/etc/uringproxy.conf", "settings": [
 *     {"section": "[global]", "key": "workers", "value": "auto", "place": "default"}, ...]}
 */
#ifndef CONTROL_CONFIG_JSON_H
#define CONTROL_CONFIG_JSON_H

#include "config/config.h"

#include <jansson.h>

/* The list of settings, a row for each listen and server line.  NULL: no memory. */
json_t *config_json(const struct config *config);

/*
 * What differs between two such lists, in the order of the second one:
 *
 *   [{"section": "[global]", "key": "drain_timeout",
 *     "running": [{"value": "30s", "place": "default"}],
 *     "file": [{"value": "10s", "place": "/etc/uringproxy.conf:9"}]}, ...]
 *
 * Of several lines of a key those that differ are in it, or all where their order does; of
 * a section that is on one side alone, what is not the default.  NULL: no memory.
 */
json_t *config_json_diff(const json_t *running, const json_t *file);

#endif
