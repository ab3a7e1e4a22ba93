/*
 * The part of judge.h that tries where connections to servers are to set out from, on a socket
 * that connects to nobody: whether this process may, and whether addresses and interfaces are
 * there.
 */
#ifndef CONTROL_JUDGE_DEPARTURES_H
#define CONTROL_JUDGE_DEPARTURES_H

#include "config/report.h"

/* 0, or -EINVAL; it is all in the report. */
int judge_departures(const struct config *config, struct report *report) must_check;

#endif
