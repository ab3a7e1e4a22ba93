/*
 * A section of the configuration brought to life: its strategy and servers,
 * shared by all workers and never written after start but for the count of
 * connections, which is touched twice in a connection's life, and servers whose
 * names are answered late.  Those come behind the others, each complete before it
 * is counted, and none is changed any more: a worker keeps the index of a server
 * as long as it likes.
 */
#ifndef SESSION_SECTION_H
#define SESSION_SECTION_H

#include "base/address.h"
#include "config/config.h"

#include <stdatomic.h>

struct life;
struct strategy;

struct server {
	struct address address; /* resolved: INET or UNIX */
	char *text;             /* as messages name it */
	bool may_return;        /* it may be a listener of ours: hop.h */
};

struct section {
	const struct config_section *config;
	const struct strategy *strategy;
	const struct life *life;       /* the phases that its sessions go through */
	struct server *servers;        /* none for a service */
	_Atomic uint32_t server_count; /* known so far: there may be none yet */
	uint32_t server_room;          /* that there can be */
	uint32_t index;                /* of this section */
	bool has_upstream;
	bool is_reached; /* by a server of ours, perhaps: hop.h */
	void *shared;    /* by its lanes: the strategy's, from prepare to release */
	_Atomic uint32_t connections;
};

#endif
