/* io_uring, feature by feature. */
#include "control/allowance.h"

#include "ring/ring.h"

#include <stdio.h>
#include <string.h>

/*
 * What the engine asks the kernel for.  With level fail nothing can be served
 * without, which no Linux from 6.1 on lacks; otherwise it is done in the other way
 * that is said.
 */
struct use {
	enum ring_feature feature;
	enum finding_level level;
	const char *without;
};

/* clang-format off */
static const struct use uses[] = {
	{RING_EXT_ARG,          FINDING_FAIL, "no waiting with a time limit"},
	{RING_NODROP,           FINDING_FAIL, "completions would be lost"},
	{RING_FAST_POLL,        FINDING_FAIL, "a thread of the kernel for each receive"},
	{RING_ACCEPT_MULTISHOT, FINDING_FAIL, "no accepting"},
	{RING_RECV_MULTISHOT,   FINDING_FAIL, "no receiving"},
	{RING_POLL_MULTISHOT,   FINDING_FAIL, "ends of connections are not seen"},
	{RING_BUFFER_RING,      FINDING_FAIL, "no buffers to receive into"},
	{RING_CANCEL_FD,        FINDING_FAIL, "connections could not be let go of"},
	{RING_MSG_RING,         FINDING_FAIL, "workers could not be told anything"},
	{RING_SUBMIT_ALL,       FINDING_WARN, "a request that fails holds up those behind it for a turn"},
	{RING_SINGLE_ISSUER,    FINDING_WARN, "more CPU for each request"},
	{RING_DEFER_TASKRUN,    FINDING_WARN, "completions interrupt the worker: more CPU"},
	{RING_REGISTERED_RING,  FINDING_WARN, "more CPU for each turn"},
	{RING_NO_SQARRAY,       FINDING_WARN, "a little more CPU for each turn"},
	{RING_CQE_SKIP,         FINDING_WARN, "each send and close is reported: more CPU"},
	{RING_ABS_TIMER,        FINDING_WARN, "waiting takes one more look at the clock"},
	{RING_MIN_WAIT,         FINDING_WARN, "`coalesce` has no effect: small messages cost more CPU"},
	{RING_RECV_BUNDLE,      FINDING_WARN, "one completion for each buffer: bulk costs more CPU"},
	{RING_RECV_BUDGET,      FINDING_WARN, "receiving is armed anew for each portion: more CPU"},
	{RING_SEND_MSG_RING,    FINDING_WARN, "the main thread has a ring of its own"},
	{RING_SENDMSG_ZC,       FINDING_WARN, "relay = zerocopy copies"},
};
/* clang-format on */

static void add_use(const struct use *use, bool offered, bool left, const struct wants *wants,
		    struct findings *findings)
{
	enum finding_level level = use->level;
	char what[64], remedy[200];

	snprintf(what, sizeof(what), "io_uring %s", ring_feature_name(use->feature));
	if (level == FINDING_FAIL ? offered : left) {
		findings_add(findings, FINDING_OK, what, "yes", "");
		return;
	}
	if (use->feature == RING_SENDMSG_ZC && !wants->zerocopy)
		level = FINDING_OK;
	snprintf(remedy, sizeof(remedy), "%s; %s", use->without,
		 offered ? "`without` switches it off" : "a later kernel has it");
	findings_add(findings, level, what, "no", remedy);
}

void allowance_of_ring(int error, const struct ring_capabilities *offered,
		       const struct ring_capabilities *left, const struct wants *wants,
		       struct findings *findings)
{
	struct ring_error why = {0};

	if (error < 0) {
		ring_explain(&why, "io_uring_setup", error, NULL);
		findings_add(findings, FINDING_FAIL, "io_uring", strerror(-error), why.text);
		return;
	}
	findings_add(findings, FINDING_OK, "io_uring", "yes", "");
	for (size_t i = 0; i < array_size(uses); i++)
		add_use(&uses[i], ring_capable(offered, uses[i].feature),
			ring_capable(left, uses[i].feature), wants, findings);
}
