/*
 * What may come next on a command line that is being typed, for the completion of shells:
 * `uringproxy complete -- WORD...`, the last of which is to be completed and may be empty.
 *
 * All of it is read out of the synopses in the table of commands: "--name" and what is
 * written small are meant as they stand, what is written large is a placeholder, whose
 * values the daemon that runs is asked for (ask_names.h), for COMPLETE_PATIENCE_MS at most.
 *
 * A line for each, with a description behind a tab where there is one; ":files" where
 * it is the name of a file.  What is in the way, such as that no daemon runs, leaves lines out.
 */
#ifndef CONTROL_COMPLETE_H
#define CONTROL_COMPLETE_H

#include "control/commandline.h"

#define COMPLETE_PATIENCE_MS 1000 /* a busy machine takes some hundreds */

int command_complete(struct commandline *line);

#endif
