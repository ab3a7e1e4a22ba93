/*
 * The commands, a row each in the table, and the functions that do them: what goes before
 * is the command line (commandline.h), and they return the exit status.
 *
 * Those of the second half ask the daemon that runs (ask.h), and are in files of
 * their own, command_*.c; a build that cannot ask has plain.c in their place.
 */
#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

#include "control/commandline.h"

/* The last one has no name. */
extern const struct command commands[];

int command_config(struct commandline *line);
int command_check(struct commandline *line);
int command_import(struct commandline *line);

int command_config_diff(struct commandline *line); /* after command_config() */
int command_status(struct commandline *line);
int command_reload(struct commandline *line);
int command_drain(struct commandline *line);
int command_log_level(struct commandline *line);
int command_reopen_logs(struct commandline *line);
int command_servers(struct commandline *line);
int command_server(struct commandline *line);
int command_conns(struct commandline *line);
int command_kill(struct commandline *line);
int command_why(struct commandline *line);
int command_events(struct commandline *line);
int command_top(struct commandline *line);
int command_names(struct commandline *line);

#endif
