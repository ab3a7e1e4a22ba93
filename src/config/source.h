/*
 * An address of this machine that connections to servers come from: IPv4 or IPv6, without a
 * port, which the kernel chooses.
 */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include "base/address.h"
#include "config/value.h"

/* 0, or -EINVAL with one sentence in why. */
int source_parse(struct address *ret_source, const char *text, char why[VALUE_WHY_MAX]) must_check;
/* The same, of which only that is wanted: schema_line_check. */
int source_check(const char *text, char why[VALUE_WHY_MAX]) must_check;

/* Without its port: "10.0.0.5", "fe80::1%eth0"; returns text. */
#define SOURCE_TEXT_MAX 64
const char *source_format(const struct address *source, char text[SOURCE_TEXT_MAX]);

#endif
