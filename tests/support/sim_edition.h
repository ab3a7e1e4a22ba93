/*
 * Editions of the simulated daemon: what chance has written into its configuration, each made
 * from the one before.
 *
 * A section is the same in all of them by its name, a number, and so is what is counted of it;
 * a server by its section, its text and its address (pool/server.h); a place where clients
 * come by its number.  What a section is, is as its name's first edition has it, but for one
 * that takes any bytes: the next may relay what the last one echoed.
 *
 * All of an edition is memory of its own, and spoilt when it is freed.
 */
#ifndef TESTS_SUPPORT_SIM_EDITION_H
#define TESTS_SUPPORT_SIM_EDITION_H

#include "session/tenancy.h"
#include "support/sim.h"
#include "worker/worker.h"

#define SIM_NAMES    3
#define SIM_SERVERS  3
#define SIM_PLACES   5
#define SIM_EDITIONS 16 /* of a seed, those that come to nothing included */
#define SIM_NOWHERE  UINT32_MAX

struct sim_edition {
	struct edition edition;
	struct config config;
	struct config_section sources[SIM_NAMES];
	struct section sections[SIM_NAMES];
	struct pool pools[SIM_NAMES];
	uint32_t names[SIM_NAMES];  /* the sections' */
	uint32_t leads[SIM_PLACES]; /* the section that serves it, by its place, or SIM_NOWHERE */
	struct member members[SIM_NAMES][SIM_SERVERS]; /* some of them known late */
	uint32_t rooms[SIM_NAMES];                     /* how many there are */
	struct tenancy *tenancies[SIM_WORKERS];
	struct retire_order retire[SIM_WORKERS];
	uint32_t entrances[SIM_PLACES]; /* sim_reload.c's */
	uint32_t retiring;
	struct list link;
};

/* What the names are in this seed. */
void sim_editions_begin(struct engine *of);
/* Nobody is connected any more: is all counted as it should be? */
void sim_editions_end(void);

/* The first one (NULL), or the one after that one. */
struct sim_edition *sim_edition_make(const struct sim_edition *before);
void sim_edition_free(struct sim_edition *edition);
/* The servers that were not known are.  Whether there are any. */
bool sim_edition_know(struct sim_edition *edition, uint32_t section);

/* Others of its servers take connections, or take more or fewer.  Whether it has any. */
bool sim_edition_change(struct sim_edition *edition);
/* It is adopted. */
void sim_edition_in_force(struct sim_edition *edition);
/* ... and not any more: what its servers are is another's to say. */
void sim_edition_replaced(struct sim_edition *edition);

/* What clients of a place say. */
enum config_kind sim_kind_at(uint32_t place);
/* A connection has begun under that one. */
void sim_count_opened(const struct config_section *section);
/* Over all editions. */
struct account *sim_account(uint32_t name);
struct account *sim_account_of(const struct config_section *section);
uint32_t sim_most_of(uint32_t name); /* its greatest max_connections, 0: none */
bool sim_had_service(void);
/* Who comes to the section may have waited, there or where the place led before. */
bool sim_was_limited(const struct config_section *section);
/* The server behind a port. */
const char *sim_server_at(uint16_t port);

#endif
