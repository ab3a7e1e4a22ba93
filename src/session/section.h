/*
 * A section of the configuration brought to life: its strategy, its phases and its servers,
 * shared by all workers.
 */
#ifndef SESSION_SECTION_H
#define SESSION_SECTION_H

#include "config/config.h"
#include "guard/clients.h"
#include "ops/ledger.h"
#include "pool/pool.h"

struct acl;
struct cidr;
struct edition;
struct life;
struct routing;
struct strategy;

struct section {
	const struct edition *edition;
	const struct config_section *config;
	const struct strategy *strategy;
	const struct life *life; /* the phases that its sessions go through */
	struct pool *pool; /* one of the edition's; NULL for a service, and where all is routed */
	struct account *account; /* of its name: the same in every edition */
	uint32_t kept;           /* connections that it can have whatever others have: place.h */
	bool has_upstream;
	struct routing *routing; /* where clients go by their names; NULL: nowhere: routing.h */
	uint8_t asks;            /* of its clients, before it serves them: greeting.h */
	uint8_t guards;          /* before they come in: admission.h */
	struct acl *acl;         /* NULL: without allow and deny */
	struct cidr *proxies;    /* who sends PROXY headers: greet_proxy.h; NULL: whoever comes */
	uint32_t proxy_count;
	struct clients_limits limits; /* of each client */
	struct account **rules;       /* what its rules have refused, the last: none named them */
	bool is_reached;              /* by a server of ours, perhaps: hop.h */
	void *shared;                 /* by its lanes: the strategy's, from prepare to release */
};

#endif
