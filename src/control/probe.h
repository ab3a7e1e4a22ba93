/*
 * One check of one server: a connection of its own, a dialogue (dialogue.h), an outcome.
 *
 *   connecting ---> talking ---> concluded: told once ---> parting ---> gone: told once
 *       |              |             ^
 *       +--------------+-------------+  refused, closed, too late
 *
 * It never ends a connection by a reset: when the outcome is known, it sends its FIN -- or waits
 * for the server's, where it has asked for that -- and reads what still comes, until the server
 * has ended its side too or the deadline is there.  Servers log resets, and count them against
 * this machine.
 *
 * What fails here and not there is no outcome of the server: CHECK_SOCKERR.
 */
#ifndef CONTROL_PROBE_H
#define CONTROL_PROBE_H

#include "control/dialogue.h"
#include "greet/proxy_header.h"
#include "ops/edges.h"

struct departure;

/* What a probe is made of; all of it outlives the probe. */
struct probe_terms {
	struct edges *edges;
	struct address address;            /* INET or UNIX */
	const struct departure *departure; /* where it comes from; NULL: anywhere */
	uint32_t timeout_ms; /* for sentences; whoever begins it calls probe_expire() then */
	struct dialogue dialogue;
};

typedef void probe_told(void *owner, const struct check_result *result);
typedef void probe_gone(void *owner);

struct probe {
	const struct probe_terms *terms;
	probe_told *told;
	probe_gone *gone; /* no call is made and nothing is held any more: it may be freed */
	void *owner;
	enum probe_phase {
		PROBE_CONNECTING,
		PROBE_TALKING,
		PROBE_PARTING,
		PROBE_GONE,
	} phase;
	int fd;
	struct edge edge;
	bool readable; /* there may be something to receive, or the end */
	uint64_t begun_ns;
	/* What is said of this connection before the dialogue: a PROXY header. */
	unsigned char header[PROXY_V1_MAX];
	size_t header_count, header_said;
	size_t said;    /* of the dialogue's words */
	uint8_t *bytes; /* heard */
	struct heard heard;
	size_t passed_over; /* bytes, since it was concluded */
	bool held;          /* whoever calls says when it is gone */
};

/* Its owner may be told, and told that it is gone, before this returns. */
void probe_begin(struct probe *probe, const struct probe_terms *terms, probe_told *told,
		 probe_gone *gone, void *owner);

/*
 * The deadline is there, and whoever comes may come late: what the server has done meanwhile is
 * looked at.  Whether that decides it; it is told of then, and not yet that it is gone.
 */
bool probe_look(struct probe *probe) must_check;
/* The same, and then it is over, and gone before this returns. */
void probe_expire(struct probe *probe);

/* Be gone without telling anybody. */
void probe_abandon(struct probe *probe);

#endif
