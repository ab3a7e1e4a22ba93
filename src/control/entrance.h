/*
 * Entrances: the places where the process listens, whichever editions lead on from them.
 *
 *      opening (sockets.h)  ---names--->  entrance  ---a socket for each worker--->  listener
 *      of one reading                     of the process                             (accept.h)
 *
 * A reload must not close a socket whose address stays: the kernel has connections in it that
 * nobody has accepted yet, and would reset them.  So a reading of the configuration that names
 * an address finds the entrance that is there and takes it over, sockets and all, and only what
 * no reading of the day names is left by the workers and closed.
 *
 *   bound ---> listening ---> offered ---> left
 *               |  it takes connections,    the workers close
 *               |  which wait for a worker  what they had
 *               +------- closed again, where the reload fails
 */
#ifndef CONTROL_ENTRANCE_H
#define CONTROL_ENTRANCE_H

#include "base/list.h"
#include "control/bind.h"
#include "ops/activation.h"
#include "worker/accept.h"

/* Whose address it is, and how the sockets are to be. */
struct entrance_wish {
	const struct address *address;
	const struct config_endpoint *line;
	const struct config_settings *settings;
	int inherited;    /* from systemd, which stays the caller's; -1: to be bound */
	const char *text; /* as messages name it */
};

struct entrance {
	struct address address;
	int inherited;
	struct bind_path path;       /* of a unix socket that we bound */
	char interface[IF_NAMESIZE]; /* the only one that it takes connections from; "": all */
	uint32_t device;             /* its number, or that of its address's, when it was bound */
	char *kept;                  /* by systemd, under that name; NULL: not (keep.h) */
	char text[ADDRESS_TEXT_MAX]; /* as records name it */
	uint32_t users;              /* openings that name it */
	const void *claimed;         /* by which reading's sockets, last */
	bool offered;                /* to all workers, whose the sockets are then */
	bool left;                   /* ... and they have been told to close them ... */
	uint64_t left_ms;            /* ... then */
	char *options;               /* of the line that asked for it last; NULL: none */
	/* What was last asked of its sockets, and its file. */
	uint32_t backlog, keepalive_ms, user_timeout_ms;
	uint8_t tos;
	bool defer_accept;
	mode_t mode;
	uid_t owner;
	gid_t group;
	struct list link, same;         /* in .all, and in its bucket */
	struct accept_socket sockets[]; /* one for each worker */
};

struct entrances {
	struct list all, buckets[1024]; /* by address */
	uint32_t count;                 /* but those that are left */
	uint32_t workers;
	bool serving; /* what is put back is not wanted any more, by the next process either */
	uint64_t patient_until_ms; /* with addresses in use, for all together */
};

void entrances_init(struct entrances *entrances, uint32_t workers);
/* Nobody names one any more. */
void entrances_close(struct entrances *entrances);

/* So long from now on, addresses in use may come free (a process that was killed had them). */
void entrances_be_patient(struct entrances *entrances);

/*
 * That one, if it is there and no opening of the same reading has it; claimed for it now.
 * NULL: it is to be bound.
 */
struct entrance *entrance_find(struct entrances *entrances, const struct entrance_wish *wish,
			       const void *reading);

/*
 * What systemd has kept for it from the process before, claimed; NULL: nothing.  It listens
 * already, and so it takes connections.
 */
struct entrance *entrance_adopt(struct entrances *entrances, const struct entrance_wish *wish,
				const void *reading, struct activation *activation);
/* All workers have it: from now on systemd keeps it, too. */
void entrance_offered(struct entrances *entrances, struct entrance *entrance);

/*
 * One that takes a part of the connections meant for the address, which this reading listens
 * on, and that is not named itself any more: claimed for it, since to close it would reset
 * who is just connecting.  NULL: there is none, or no more.
 */
struct entrance *entrance_follow(struct entrances *entrances, const struct entrance_wish *wish,
				 const void *reading);

/*
 * Bind its sockets, which do not listen yet; it is claimed.  0, or a negative errno with
 * *ret_why, a static text that says what to do, or NULL.
 */
int entrance_bind(struct entrances *entrances, const struct entrance_wish *wish,
		  const void *reading, struct entrance **ret_entrance,
		  const char **ret_why) must_check;

/*
 * Listen, or, where it does, do what has changed in the wish.  Results as above; an old one is
 * as it was, but for what could be changed.
 */
int entrance_listen(const struct entrances *entrances, struct entrance *entrance,
		    const struct entrance_wish *wish, const char **ret_why) must_check;

/* An opening less names it.  When none does, what no worker has is closed. */
void entrance_put(struct entrances *entrances, struct entrance *entrance);

/* Connections that were accepted there. */
uint64_t entrance_accepted(const struct entrances *entrances, const struct entrance *entrance);

/*
 * Those that workers have and that this reading does not name: how many, and, where
 * ret_sockets is not NULL, that worker's sockets.
 */
uint32_t entrances_unclaimed(const struct entrances *entrances, const void *reading,
			     uint32_t worker, struct accept_socket **ret_sockets);
/* They are told to be closed: their files are removed, and none of them is found any more. */
void entrances_leave_unclaimed(struct entrances *entrances, const void *reading);

#endif
