/*
 * Servers named "s0", "s1" ... for tests of choosing, with what the main thread says of them,
 * a roster made of it, and one worker's picker.
 */
#ifndef TESTS_SUPPORT_FLEET_H
#define TESTS_SUPPORT_FLEET_H

#include "pool/choose.h"
#include "pool/passive.h"
#include "pool/roster.h"
#include "pool/server.h"

#define FLEET_MAX 2048

struct fleet {
	struct servers all;
	struct roster_entry entries[FLEET_MAX]; /* weight 1, tier 0, takes */
	uint32_t count;
	struct roster_rule rule;
	struct roster *roster;
	uint32_t places[FLEET_MAX]; /* of entries, by their servers' numbers */
	struct picker picker;
	struct passive_pool passive;
	uint64_t random, now_ms, key;
};

/* So many, of the weights of a list that 0 ends: behind it they are 1. */
struct fleet *fleet_open(enum balance balance, uint32_t count, const uint32_t *weights);
void fleet_close(struct fleet *fleet);

/* A roster of its entries as they are now, in place of the one before. */
void fleet_roster(struct fleet *fleet);

/* Choose one; its index, or -1: CHOICE_FULL, -2: CHOICE_NONE.  It has a place there. */
int fleet_choose(struct fleet *fleet, const struct tried *tried);
/* ... and give the place back. */
int fleet_pick(struct fleet *fleet, const struct tried *tried);
/* So many picks: how often each. */
void fleet_count(struct fleet *fleet, uint32_t picks, uint32_t *ret_counts);

#endif
