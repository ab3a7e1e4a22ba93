/*
 * What operators have said of servers while the daemon runs: drain or maint, and other weights
 * and limits than the configuration has.
 *
 * It is kept with the server (pool/ruling.h), which stays for as long as anything is said of it,
 * also where no pool names it for a while.  So it holds until it is taken back, until its time is
 * over, or until the daemon ends.  Who said it, when and why is known of each.  Of two operators
 * the last one is right.
 *
 *     drain, maint           taken back by ready, or when the time is over that was said with it
 *     a weight, a limit      taken back by "default": ready says nothing of them
 */
#ifndef CONTROL_RULINGS_H
#define CONTROL_RULINGS_H

#include "base/list.h"
#include "control/mark.h"
#include "pool/ruling.h"

#define RULINGS_REASON_MAX 256

struct server;

/* Of one server. */
struct ruled {
	struct ruling ruling; /* what pools are told by its server */
	struct server *server;
	struct list link;
	struct mark state_said, weight_said, limit_said; /* each, where it is said */
	char reason[RULINGS_REASON_MAX];                 /* for its state; "": none */
	uint64_t until_ms; /* its state ends then, by clock_now_ms(); 0: it does not */
	char why[RULINGS_REASON_MAX + MARK_BY_MAX + 40]; /* the state in words; "": ready */
};

/* All there are, the oldest first. */
struct rulings {
	struct list list;
};

void rulings_open(struct rulings *rulings);
/* What was said is forgotten, and pools that are left are not told.  All zeroes is fine. */
void rulings_close(struct rulings *rulings);

/* What somebody says of a server: one of these or several. */
struct rulings_change {
	bool sets_state, sets_weight, sets_limit;
	enum ruling_state state;
	const char *reason; /* NULL: none is given */
	uint64_t for_ms;    /* the state; 0: until it is taken back */
	uint32_t weight, limit;
};

/* Say it: from the next roster on it is so.  It is logged.  0 or -ENOMEM, and nothing is said. */
int rulings_say(struct rulings *rulings, struct server *server, const struct rulings_change *change,
		const char *by, uint64_t now_ms) must_check;

/* When rulings_turn() is to be called; UINT64_MAX: never. */
uint64_t rulings_due_ms(const struct rulings *rulings);
/*
 * Take back one whose time is over, which is logged: its server, to be given to servers_put() when
 * its pools are told; or NULL: there is none.
 */
struct server *rulings_turn(struct rulings *rulings, uint64_t now_ms);

/* What is said of a server; NULL: nothing. */
const struct ruled *rulings_of(const struct server *server);

/*
 * Of those of which something is said, the one of that name or address in that pool, also where
 * no configuration has it now; NULL: there is none.
 */
struct server *rulings_find(const struct rulings *rulings, const char *pool, const char *name);

/* "ready", "drain", "maint", ending with NULL. */
extern const char *const rulings_states[];

#endif
