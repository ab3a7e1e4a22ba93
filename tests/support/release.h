/* The release build, which stands beside the one being tested (`make check` makes it first): for
 * what is measured, where a sanitizer's own share would be measured with it. */
#ifndef TESTS_SUPPORT_RELEASE_H
#define TESTS_SUPPORT_RELEASE_H

#include <stdbool.h>
#include <stddef.h>

/* A file of it; false: it is not there. */
bool release_file(const char *file, char *ret_path, size_t size);
/* Daemons that this test starts are the release build's; false: there is none. */
bool release_use(void);

#endif
