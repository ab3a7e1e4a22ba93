/*
 * Asking for connections: the criteria as options, and all pages of a list as one.
 */
#ifndef CONTROL_ASK_CONNS_H
#define CONTROL_ASK_CONNS_H

#include "control/ask.h"
#include "control/table.h"

/* As they were given; NULL: not. */
struct ask_criteria {
	const char *proxy, *client, *server, *listener, *state, *sort;
};

/* A target with them, encoded.  Allocated; NULL without memory. */
char *ask_conns_target(const char *path, const struct ask_criteria *criteria) must_check;

/*
 * So many of them, 0: all: CLIENT_DONE, and *ret_list, an object with "connections" and
 * "matched", is to be json_decref()ed; or the exit status, and it has been said why.
 */
int ask_conns(const struct commandline *line, const struct ask_criteria *criteria, uint64_t limit,
	      json_t **ret_list) must_check;

/* Seconds of an answer as people read them; returns text. */
const char *ask_duration(const json_t *answer, const char *name, char text[]);

#endif
