/*
 * `uringproxy check`: whether this machine can serve a configuration, and how well.
 * The machine is asked here; its answers are judged in allowance.h, the configuration
 * as `-t` judges it.
 */
#ifndef CONTROL_INSPECT_H
#define CONTROL_INSPECT_H

#include "control/findings.h"

/*
 * All of it for the configuration at path, whose own mistakes and warnings are findings
 * too; without a file there, which is an error if it was named, for the defaults.
 */
void inspect(const char *path, bool named, struct findings *findings);

#endif
