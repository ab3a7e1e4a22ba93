/* A finished connection as a line of text, a line of JSON, or an entry for the journal. */
#ifndef OPS_ACCESS_FORMAT_H
#define OPS_ACCESS_FORMAT_H

#include "ops/access.h"

/* Room for any line; PIPE_BUF, so that a pipe keeps one in one piece. */
#define ACCESS_LINE_MAX 4096
/* Room for any journal entry, which says everything twice. */
#define ACCESS_ENTRY_MAX 8192
/* Longer strings are cut. */
#define ACCESS_VALUE_MAX 300

/*
 * Each returns the bytes written.  Of servers that were tried as many are named as fit.
 * What a peer or a file put into them cannot forge a line or a field: control
 * characters become '?' in text and escapes in JSON, where bytes that are not
 * UTF-8 become U+FFFD.
 */

/* With the newline; with_time puts the time in front. */
size_t access_format_text(const struct access_record *record, bool with_time,
			  char line[ACCESS_LINE_MAX]);
size_t access_format_json(const struct access_record *record, char line[ACCESS_LINE_MAX]);
/* HAProxy's tcplog. */
size_t access_format_haproxy(const struct access_record *record, char line[ACCESS_LINE_MAX]);
/* In journald's own protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): KEY=value lines. */
size_t access_format_journal(const struct access_record *record, char entry[ACCESS_ENTRY_MAX]);

/* The same of something that is to be said of the log itself, as a warning. */
size_t access_format_text_note(const char *note, char line[ACCESS_LINE_MAX]);
size_t access_format_json_note(const char *note, char line[ACCESS_LINE_MAX]);
size_t access_format_journal_note(const char *note, char entry[ACCESS_ENTRY_MAX]);

#endif
