/* What the log says in a test's own process. */
#ifndef TESTS_SUPPORT_SAID_H
#define TESTS_SUPPORT_SAID_H

/* From now on, at LOG_LEVEL_INFO; once in a test. */
void said_listen(void);

/* The lines since the last call, all in one text that is valid until the next: "" where none. */
const char *said(void);

#endif
