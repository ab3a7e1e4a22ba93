/*
 * Why a connection is as it is, in words: what it does or waits for, since when, and what ends
 * that.
 *
 *   connecting to 10.0.0.5:80 for 1.2 s, attempt 2; the one before failed: Connection refused
 *   waiting for the client to read, 64 kB unsent for 12 s
 *   idle: nothing has come from either side for 3 min 12 s
 */
#ifndef CONTROL_WHY_H
#define CONTROL_WHY_H

#include "base/sheet.h"
#include "session/glance.h"

/* The key of the configuration that ends it next and in how many milliseconds; NULL: none does. */
const char *why_limit(const struct glance_detail *detail, uint64_t *ret_left_ms);

/* One sentence, without a full stop. */
void why_tell(struct sheet *sheet, const struct glance *glance, const struct glance_detail *detail);

#endif
