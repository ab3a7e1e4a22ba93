/*
 * How the daemon is, in one line for `systemctl status`:
 *
 *   serving: 1,204 connections, 3 of 4 servers up, edition 7; 2 listening sockets, 2 workers
 */
#ifndef CONTROL_STATUS_LINE_H
#define CONTROL_STATUS_LINE_H

#include "control/reading.h"

#define STATUS_LINE_MAX 700

struct status_line {
	const char *state; /* "serving", ... */
	uint32_t connections, workers;
	const struct reading *reading; /* the current one */
	const char *mistake;           /* of the last reload, which was not done for it; "": none */
};

void status_line(const struct status_line *line, char ret_text[STATUS_LINE_MAX]);

#endif
