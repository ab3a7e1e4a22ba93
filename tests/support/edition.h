/*
 * A daemon whose configuration becomes another while it runs.
 *
 * What a test gives continues [global] as in daemon.h; a control socket is added, and [log] with
 * level = debug unless the text has one of its own.  One daemon to a test.
 */
#ifndef TESTS_SUPPORT_EDITION_H
#define TESTS_SUPPORT_EDITION_H

#include "support/daemon.h"

/* Start it, by these options but for the configuration, and wait until it is READY. */
struct daemon *edition_start_with(const struct daemon_options *options, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct daemon *edition_start(const struct daemon_mode *mode, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The file is this from now on, and is not read yet. */
void edition_write(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Have it read: the status of the answer, which is kept. */
int edition_ask(void);
const char *edition_answer(void);
/* How often the answer has that text. */
unsigned edition_answered(const char *text);

/* Write it and have it read: it must be adopted, or be refused and say that text. */
void edition_adopt(const char *format, ...) __attribute__((format(printf, 1, 2)));
void edition_refuse(const char *said, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Where it is asked, "unix:/path". */
const char *edition_control(void);
/* Answers, to be freed. */
char *edition_get(const char *path);
char *edition_post(const char *path);
/* A number of the status by its key; -1: there is none. */
int64_t edition_status(const char *key);
/* Editions that are not over; wait until the current one is the only one. */
unsigned edition_count(void);
void edition_await_last(void);

/* Inodes of the daemon's listening sockets there ("127.0.0.1:80", "unix:/path"), in order. */
unsigned edition_sockets(const char *address, unsigned long *ret_inodes, unsigned max);

#endif
