/*
 * Asking the workers for their sessions (worker/census.h), all at once and with a deadline.
 *
 *   inquiry_ask() -- an order to each --> workers
 *   told()        <-- when all are back, or after INQUIRY_PATIENCE_MS without those that are not
 *
 * What a worker that is late writes into stays where it is until the worker gives it back;
 * and as long as there are INQUIRIES_MAX that are not back no more is asked, so that a worker
 * that hangs does not take memory without end.
 */
#ifndef CONTROL_INQUIRY_H
#define CONTROL_INQUIRY_H

#include "base/list.h"
#include "session/glance.h"
#include "worker/order.h"

#include "ops/events.h"

#include <sys/types.h>

#define INQUIRY_PATIENCE_MS 1000
#define INQUIRY_ROOM_MAX    1000
#define INQUIRIES_MAX       8
#define INQUIRY_LATE_MAX    80

/* Orders go by that to a worker, who may have ended. */
typedef void inquiry_send(void *owner, uint32_t worker, struct order *order);

struct inquiries {
	struct events *events;
	uint32_t workers;
	inquiry_send *send;
	void *owner;
	struct list all; /* whose memory is not free yet */
	unsigned count;
};

struct inquiry_question {
	struct glance_filter filter; /* its texts are copied */
	uint64_t from, below;        /* ids: from <= id < below */
	const uint64_t *below_each;  /* one for each worker, instead of below; or NULL */
	bool one;                    /* from is all, and only its worker is asked */
	bool by_age;                 /* the oldest ones, not those with the least ids */
	uint32_t room;               /* rows that are wanted, INQUIRY_ROOM_MAX at most */
	bool closely;                /* what the last that is met is doing is wanted, too */
	bool kills;                  /* they are ended, for: */
	uid_t uid;
	pid_t pid;
};

/* It is the teller's. */
struct inquiry_answer {
	char late[INQUIRY_LATE_MAX];      /* "worker 1", "workers 1, 3": who is late; "": nobody */
	const struct glance *const *rows; /* in the order that was wanted */
	uint32_t count;
	uint64_t met, killed;               /* in all */
	const struct glance_detail *detail; /* of `one`; NULL: it was not met */
	const uint64_t *next_ids;           /* of each worker: who came later has a greater one */
};

typedef void inquiry_told(void *owner, const struct inquiry_answer *answer);

/* Who may be asked by those; all zeroes would be nobody. */
void inquiries_open(struct inquiries *inquiries, struct events *events, uint32_t workers,
		    inquiry_send *send, void *owner);
/* Tell all that are open that every worker is late.  Orders may come back afterwards. */
void inquiries_close(struct inquiries *inquiries);

/*
 * 0, and it is told, once, and not inside of this.  -EBUSY: too many are not back; -ENOMEM.
 */
int inquiry_ask(struct inquiries *inquiries, const struct inquiry_question *question,
		inquiry_told *told, void *owner) must_check;

#endif
