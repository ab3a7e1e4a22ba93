/*
 * /etc/hosts: names that the administrator of this machine has written down.
 *
 *	10.0.0.5   db.example  db   # the old one
 *
 * It is read anew each time, so that what is changed there is found as the name is refreshed.
 */
#ifndef NAMES_HOSTS_H
#define NAMES_HOSTS_H

#include "names/answer.h"

#define HOSTS_FILE "/etc/hosts"

/*
 * The addresses of those families that a text in the form of that file has for a host, as records
 * like `pattern`.  0, where there may be none, -ENOMEM or -E2BIG.
 */
int hosts_find(const char *text, const char *host, unsigned families,
	       const struct name_record *pattern, struct name_set *set) must_check;

/* The text of the file, to be freed; NULL: there is none, or it cannot be read. */
char *hosts_read(const char *path);

/* A number as an address; false: it is none. */
bool hosts_number(const char *text, struct name_record *record);

#endif
