#include "support/strategies.h"

#include <errno.h>
#include <stdlib.h>

const struct strategy plain_strategy = {
	.name = "plain",
	.start = lane_mark,
	.complete = lane_complete,
	.flush = lane_flush,
};

/* ---- With a state of its own: it lets every other turn pass, while the lane is open. --------- */

struct patience {
	uint64_t received; /* bytes */
	bool waited;
};

static int patient_prepare(const struct config_section *section, void **ret_shared)
{
	uint32_t *budget = malloc(sizeof(*budget));

	if (!budget)
		return -ENOMEM;
	*budget = section->settings.receive_budget;
	*ret_shared = budget;
	return 0;
}

static void patient_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	struct patience *patience = lane_own(lane, struct patience);
	uint64_t before = lane->received;

	lane_complete(lane, kind, done);
	patience->received += lane->received - before;
}

static void patient_flush(struct lane *lane)
{
	struct patience *patience = lane_own(lane, struct patience);
	const uint32_t *budget = lane_shared(lane);

	assert(*budget == lane_settings(lane)->receive_budget);
	patience->waited = !patience->waited && lane->state == LANE_OPEN && !lane_is_over(lane);
	if (patience->waited)
		lane_mark(lane);
	else
		lane_flush(lane);
}

const struct strategy patient_strategy = {
	.name = "patient",
	.prepare = patient_prepare,
	.release = free,
	.start = lane_mark,
	.complete = patient_complete,
	.flush = patient_flush,
};
