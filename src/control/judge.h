/*
 * What is wrong with a configuration on this machine, though its file is right:
 * CPUs that are not there, names of kernel features that are none.  The start and
 * `-t` ask the same.
 */
#ifndef CONTROL_JUDGE_H
#define CONTROL_JUDGE_H

#include "config/config.h"

/* 0, or -EINVAL with everything logged that is wrong. */
int judge_config(const struct config *config) must_check;

#endif
