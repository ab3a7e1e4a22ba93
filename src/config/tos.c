#include "config/tos.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ECN_MASK  3u
#define ECN_BITS  2
#define CLASS_MAX 63u

static const struct {
	const char *word;
	uint8_t dscp;
} classes[] = {
	/* RFC 2474: class selectors; RFC 2597: assured forwarding */
	{"cs0", 0},
	{"cs1", 8},
	{"cs2", 16},
	{"cs3", 24},
	{"cs4", 32},
	{"cs5", 40},
	{"cs6", 48},
	{"cs7", 56},
	{"af11", 10},
	{"af12", 12},
	{"af13", 14},
	{"af21", 18},
	{"af22", 20},
	{"af23", 22},
	{"af31", 26},
	{"af32", 28},
	{"af33", 30},
	{"af41", 34},
	{"af42", 36},
	{"af43", 38},
	/* RFC 3246, RFC 5865, RFC 8622 */
	{"ef", 46},
	{"va", 44},
	{"le", 1},
};

static const char *word_of(unsigned dscp)
{
	for (size_t i = 0; i < array_size(classes); i++)
		if (classes[i].dscp == dscp)
			return classes[i].word;
	return NULL;
}

/* A number of which the lower bits are ECN's is most likely meant as a class. */
static int not_a_byte(unsigned long number, const char *text, char *why)
{
	const char *word = number <= CLASS_MAX ? word_of((unsigned)number) : NULL;

	if (word)
		snprintf(why, VALUE_WHY_MAX,
			 "tos=%.20s has bits of ECN, which TCP sets by itself; for DSCP %lu write "
			 "tos=%s or tos=%lu",
			 text, number, word, number << ECN_BITS);
	else
		snprintf(why, VALUE_WHY_MAX,
			 "tos=%.20s has bits of ECN, the lower two, which TCP sets by itself; "
			 "write a multiple of 4",
			 text);
	return -EINVAL;
}

int tos_parse(uint8_t *ret_tos, const char *text, char why[VALUE_WHY_MAX])
{
	unsigned long number;
	char *end;

	for (size_t i = 0; i < array_size(classes); i++) {
		if (strcasecmp(text, classes[i].word) != 0)
			continue;
		*ret_tos = (uint8_t)(classes[i].dscp << ECN_BITS);
		return 0;
	}
	errno = 0;
	number = strtoul(text, &end, 0);
	if (*text < '0' || *text > '9' || *end || errno || number > UINT8_MAX) {
		snprintf(why, VALUE_WHY_MAX,
			 "tos=%.20s is neither a class (cs0..cs7, af11..af43, ef, va, le) nor a "
			 "number, 0..252",
			 text);
		return -EINVAL;
	}
	if (number & ECN_MASK)
		return not_a_byte(number, text, why);
	*ret_tos = (uint8_t)number;
	return 0;
}
