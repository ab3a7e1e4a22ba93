/* The names that the daemon which runs has got, by the words that synopses have for them. */
#ifndef CONTROL_ASK_NAMES_H
#define CONTROL_ASK_NAMES_H

#include "control/commandline.h"

typedef void ask_name_taker(void *owner, const char *name);

/*
 * "PROXY": every name of a proxy or service; likewise "POOL" and "SERVER", and "POOL/NAME"
 * for both; "ID": connections.
 * None: nothing happens.
 */
void ask_names(const struct commandline *line, const char *place, ask_name_taker *take,
	       void *owner);

#endif
