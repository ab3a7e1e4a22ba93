/*
 * What an operator says to the daemon while it runs, beside the configuration: it holds
 * until it is taken back, or the daemon ends, whatever editions come and go.
 */
#ifndef CONTROL_STEERING_H
#define CONTROL_STEERING_H

#include "session/edition.h"

struct events;

struct steering {
	struct events *events;
	struct edition *const *edition; /* the current one is there */
};

#endif
