/* A test that cannot run here says why and ends; the runner counts it as skipped, not as passed. */
#ifndef TESTS_SUPPORT_SKIP_H
#define TESTS_SUPPORT_SKIP_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* dprintf, because stdio's buffer would be written twice by Check's fork.  Check's function is
 * the test's name and "_fn". */
#define SKIP_TEST(reason, ...)                                                                     \
	do {                                                                                       \
		dprintf(STDOUT_FILENO, "SKIP: %.*s: " reason "\n", (int)strlen(__func__) - 3,      \
			__func__, ##__VA_ARGS__);                                                  \
		return;                                                                            \
	} while (0)

#endif
