/*
 * The type of service of packets, by the words that networks have for it.
 *
 * The upper six bits of that byte are the class (DSCP, RFC 2474), the lower two are how
 * congestion is told (ECN, RFC 3168), which TCP sets by itself.
 */
#ifndef CONFIG_TOS_H
#define CONFIG_TOS_H

#include "config/value.h"

/*
 * cs0..cs7, af11..af43, ef, va, le, or the whole byte as a number, 0x28 too.  0, or -EINVAL
 * with one sentence in why.
 */
int tos_parse(uint8_t *ret_tos, const char *text, char why[VALUE_WHY_MAX]) must_check;

#endif
