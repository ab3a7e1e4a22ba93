/*
 * What the commands that ask the daemon have in common: where it is asked, one request with
 * JSON for an answer, and what it says of why not.
 */
#ifndef CONTROL_ASK_H
#define CONTROL_ASK_H

#include "control/client.h"
#include "control/commandline.h"

#include <jansson.h>

#define ASK_SOCKET_MAX 256

/*
 * Where: -s, $URINGPROXY_CONTROL, what a file named with -c says, or where the shipped
 * unit has it.  CLIENT_DONE, or CLIENT_NO_DAEMON and it has been said why.
 */
int ask_socket(const struct commandline *line, char ret_path[ASK_SOCKET_MAX]) must_check;

/*
 * Ask for a target that is encoded already (NULL: there was no memory for it); body may be NULL,
 * and remains the caller's. CLIENT_DONE, and *ret_answer is the caller's to json_decref(); or the
 * exit status, and what went wrong has been said on standard error.
 */
int ask(const struct commandline *line, const char *method, const char *target, const json_t *body,
	json_t **ret_answer) must_check;

/*
 * A target with an argument, "/v1/drain?proxy=web", encoded; without it where the value is NULL;
 * the path may have some already.  Allocated; NULL without memory, which ask() says.
 */
char *ask_target(const char *path, const char *name, const char *value) must_check;

/* Of a server of a pool, as above. */
char *ask_server_target(const char *pool, const char *name) must_check;

/* For client_follow(): say why it is not 200; the exit status. */
int ask_refused(const struct client_answer *answer);

/* As --json prints it. */
void ask_print_json(const json_t *answer);

/* What an answer says under that name; 0 and "" where it says nothing. */
long long ask_number(const json_t *answer, const char *name);
const char *ask_text(const json_t *answer, const char *name);

#endif
