/*
 * The phases of a life, as rows: what a session does in each, and what it is called.
 *
 *   a proxy's    greeting    connecting <-> retrying <-> queued    relaying    closing
 *   asking        the same, and the server is asked for TLS before bytes flow: asking.c
 *   a service's  greeting                                          relaying    closing
 *
 * A section points at its row, and a session goes through it; nobody else knows phases by
 * name.  One more is a file and a place here.
 */
#ifndef SESSION_LIFE_H
#define SESSION_LIFE_H

#include "lane/road.h"
#include "session/deadline.h"
#include "session/session.h"

struct config_section;
struct section;
struct strategy;

struct phase {
	const char *name;          /* in the log and in records */
	uint8_t gates[LANE_COUNT]; /* what its lanes may do */
	/* It begins; what happens meanwhile is stepped by when this is over. */
	void (*enter)(struct session *session);
	/* An operation of the session has a completion. */
	void (*complete)(struct session *session, struct op_tag tag,
			 const struct io_uring_cqe *done);
	/* The time for something has come. */
	void (*due)(struct session *session, enum deadline which);
	/* How long it may be quiet, 0: for ever; NULL: so, too. */
	uint32_t (*quiet_ms)(const struct session *session);
	/* The session has ended in it: leave what it waits for.  NULL: nothing. */
	void (*give_up)(struct session *session);
};

struct life {
	const struct phase *phases[SESSION_STATE_COUNT];
	const struct road_events *events;
};

extern const struct life life_proxy, life_asking, life_service;

/*
 * For the main thread, before any worker starts: a section of the configuration gets its
 * phases and its strategy, and what that makes for all its lanes.  0 or a negative errno.
 */
int life_give(struct section *section, const struct config_section *config,
	      const struct strategy *strategy) must_check;
/* No session of the section lives any more. */
void life_take(struct section *section);

/* Each in its file: greeting.c, connect.c, asking.c, relaying.c, closing.c. */
extern const struct phase phase_greeting, phase_connecting, phase_retrying, phase_queued,
	phase_asking_connecting, phase_asking, phase_relaying, phase_serving, phase_closing,
	phase_free;

#endif
