/*
 * What an operator has said of a server while the daemon runs, beside the configuration: it is
 * kept with the server, and so holds for its pool, name and address, whatever editions and
 * addresses of names come and go.
 */
#ifndef POOL_RULING_H
#define POOL_RULING_H

#include "base/compiler.h"

enum ruling_state {
	RULING_READY, /* nothing: who else has something against it is right */
	RULING_DRAIN, /* no new connections; those there are go on */
	RULING_MAINT, /* likewise, and nobody checks it */
};

#define RULING_AS_CONFIGURED UINT32_MAX

struct ruling {
	enum ruling_state state;
	uint32_t weight; /* or RULING_AS_CONFIGURED */
	uint32_t limit;  /* likewise; 0: any number of connections */
};

#endif
