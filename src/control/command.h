/*
 * The subcommands that ask the daemon which runs.
 */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include "base/compiler.h"

struct command_options {
	const char *socket; /* the path of the control socket */
	bool json, quiet;
};

/* `uringproxy status`.  The exit status. */
int command_status(const struct command_options *options);

#endif
