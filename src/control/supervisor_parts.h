/*
 * The supervisor is one thing in five files: its life (supervisor.c), what becomes of the
 * configuration meanwhile (supervisor_editions.c), what becomes of servers
 * (supervisor_servers.c), how they are (supervisor_health.c), and how it is itself
 * (supervisor_tell.c).  This is for them alone.
 */
#ifndef CONTROL_SUPERVISOR_PARTS_H
#define CONTROL_SUPERVISOR_PARTS_H

#include "control/crew.h"
#include "control/enrol.h"
#include "control/leaving.h"
#include "control/pools.h"
#include "control/reload.h"
#include "control/status_line.h"
#include "control/steering.h"
#include "control/supervisor.h"
#include "control/wards.h"
#include "control/watch.h"

#define SUPERVISOR_SIGNALS_MAX 5

struct supervisor {
	const struct service_plan *plan;
	struct engine *engine;
	struct crew crew;
	struct reading *reading; /* the current one */
	struct reload *reload;
	struct events *events;
	struct event *wake;     /* a worker has changed its state */
	struct event *patience; /* that the service manager is asked for */
	struct event *watchdog;
	struct event *announced;  /* that it stops */
	struct event *answers;    /* to names that are asked for */
	struct event *late;       /* a name or an address is to be tried again */
	struct replaced replaced; /* rosters that workers may be reading */
	struct leaving leaving;   /* servers that names do not stand for any more ... */
	uint64_t leaving_ms;      /* ... and when they are looked at; UINT64_MAX: there are none */
	struct watch watch;       /* for who asks */
	struct steering steering;
	struct wards wards; /* the servers that are looked after */
	uint64_t started_ms;
	struct event *signal[SUPERVISOR_SIGNALS_MAX];
	bool starting;
	bool old_is_behind;         /* an old edition may not know what names stand for now */
	int signals;                /* to stop, received */
	uint64_t watchdog_ms;       /* 0: no watchdog */
	char mistake[200];          /* of the last reload; "": it was right */
	char told[STATUS_LINE_MAX]; /* to the service manager, last */
};

/* ---- supervisor_editions.c ------------------------------------------------------------------- */

/* All workers listen on what is open and was not offered to them yet.  0 or -ENOMEM. */
int supervisor_offer_sockets(struct supervisor *supervisor) must_check;
/* Names are answered, and addresses come: what was not served is from now on. */
void supervisor_catch_up(void *owner);
/* When that is to be looked at again. */
uint64_t supervisor_catch_up_ms(const struct supervisor *supervisor);
/* Be told of answers to the names of the current reading.  0 or a negative errno. */
int supervisor_hear_answers(struct supervisor *supervisor) must_check;
int supervisor_open_reload(struct supervisor *supervisor) must_check;

/* ---- supervisor_servers.c -------------------------------------------------------------------- */

/* Workers see in all editions what holds for that server now.  0 or -ENOMEM, which is logged. */
int supervisor_restate(void *owner, const struct server *server) must_check;
/* An operator adds a server, or removes one (enrol.h).  False: it says why not. */
bool supervisor_enrol(void *owner, struct enrolment *enrolment);

/* ---- supervisor_health.c --------------------------------------------------------------------- */

int supervisor_open_wards(struct supervisor *supervisor) must_check;
/*
 * Look after the servers from now on, and wait until it is known whether they are well: that long
 * at most, together with their names, and then they count as up.  Workers run, and take nobody.
 */
int supervisor_await_checks(struct supervisor *supervisor) must_check;

/* ---- supervisor_tell.c ----------------------------------------------------------------------- */

/* Tell the service manager how it is, by that function; later, and only where it has changed. */
void supervisor_tell_status(struct supervisor *supervisor, void (*tell)(const char *status));
void supervisor_tell_later(const char *status);
void supervisor_refresh_status(void *owner);
/* Let those ask that may.  0, or a negative errno that has been logged. */
int supervisor_let_ask(struct supervisor *supervisor, steering_restate *ruled,
		       serve_enroller *enrol) must_check;

#endif
