/*
 * Members of JSON's objects, on a sheet.  The comma that is due before one comes by itself.
 *
 *	sheet_add(sheet, "{");
 *	member_text(sheet, "name", name);
 *	member_list(sheet, "servers");
 *	for (...) { member_object(sheet, i); ...; sheet_add(sheet, "}"); }
 *	sheet_add(sheet, "]}");
 */
#ifndef CONTROL_MEMBER_H
#define CONTROL_MEMBER_H

#include "base/sheet.h"

/* Its value is what is written next. */
void member_key(struct sheet *sheet, const char *name);
void member_text(struct sheet *sheet, const char *name, const char *text);
void member_number(struct sheet *sheet, const char *name, uint64_t number);
void member_truth(struct sheet *sheet, const char *name, bool truth);
void member_seconds(struct sheet *sheet, const char *name, uint64_t units, uint64_t per_second);
/* Of milliseconds since 1970; null for a time that has not been. */
void member_time(struct sheet *sheet, const char *name, uint64_t ms);

/* The beginning of a list, and of the object of that index in one. */
void member_list(struct sheet *sheet, const char *name);
void member_object(struct sheet *sheet, size_t index);

#endif
