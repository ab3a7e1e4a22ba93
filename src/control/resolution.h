/*
 * A `listen` or `server` line with a name, and what the name stands for now.
 *
 * Where a server is, may change: the name is asked for again and again (names/refresh.h), and what
 * it stands for is replaced by each answer that is believed.  Where to listen may not, but
 * by a reload: it is asked for until it is answered.
 */
#ifndef CONTROL_RESOLUTION_H
#define CONTROL_RESOLUTION_H

#include "config/config.h"
#include "names/look_up.h"
#include "names/refresh.h"

#define RESOLUTION_CHANGE_MAX 600
#define RESOLUTION_TOLD_MAX   8 /* servers of a change that are named; the others are counted */

struct resolution {
	const struct config_section *section;
	const struct config_endpoint *endpoint;
	bool listens;
	bool told;     /* that there is no answer, or none any more */
	bool answered; /* it was found: the set is what it stands for, which may be nothing by now
			*/
	bool in_dns;
	struct name_set set;
	struct refresh refresh;
	uint32_t ttl_s;            /* NAME_NO_TTL: not said */
	uint64_t asked_ms;         /* since when it is not answered */
	uint64_t resolved, failed; /* answers, and look-ups without one, in all readings */
	uint64_t changes;          /* that it has stood for something else than before, likewise */
	char error[NAMES_ERROR_MAX]; /* of the last look-up; "": all was well */
	char asked[NAMES_ASKED_MAX]; /* who was */
};

/* What became of an answer. */
enum resolution_news {
	RESOLUTION_NOTHING,
	RESOLUTION_FOUND,   /* for the first time: it stands for something */
	RESOLUTION_CHANGED, /* it stands for something else, and *ret_change says what */
};

/* Of that line.  It is to be asked for now. */
void resolution_begin(struct resolution *one, const struct config_section *section,
		      const struct config_endpoint *endpoint, bool listens, uint64_t now_ms);
void resolution_done(struct resolution *one);

/* The same question: what is known of one is known of the other. */
bool resolution_is_same(const struct resolution *one, const struct resolution *other);
/* It stands for what the other does, and is asked for when that is due.  -ENOMEM. */
int resolution_copy(struct resolution *one, const struct resolution *known) must_check;

void resolution_question(const struct resolution *one, struct name_question *ret_question);

/* `change` has "+10.0.3.9 -10.0.3.7" where it has changed.  What is in the answer may be taken. */
enum resolution_news resolution_hear(struct resolution *one, struct name_answer *answer,
				     uint64_t now_ms, char change[RESOLUTION_CHANGE_MAX]);

/* It goes on being used, though it has not been found any more for a while. */
bool resolution_is_stale(const struct resolution *one);

#endif
