#include "session/reason.h"

static const struct {
	const char *name, *sentence;
} reasons[] = {[REASON_NONE] = {"none", "still open"},
#define X(name, text, sentence) [REASON_##name] = {text, sentence},
	       REASONS(X)
#undef X
};
static_assert(array_size(reasons) == REASON_COUNT, "every reason has a name");

const char *reason_name(enum reason reason)
{
	assert(reason < REASON_COUNT);
	return reasons[reason].name;
}

const char *reason_sentence(enum reason reason)
{
	assert(reason < REASON_COUNT);
	return reasons[reason].sentence;
}

const char *side_name(unsigned side)
{
	assert(side < SIDE_COUNT);
	return side == SIDE_CLIENT ? "client" : "upstream";
}

enum reason reason_of_error(unsigned side, int error)
{
	/* clang-format off */
	static const uint8_t of[FAULT_COUNT][SIDE_COUNT] = {
		[FAULT_RESET]       = {REASON_CLIENT_RESET, REASON_UPSTREAM_RESET},
		[FAULT_TIMED_OUT]   = {REASON_CLIENT_TIMED_OUT, REASON_UPSTREAM_TIMED_OUT},
		[FAULT_UNREACHABLE] = {REASON_CLIENT_UNREACHABLE, REASON_UPSTREAM_UNREACHABLE},
		[FAULT_MEMORY]      = {REASON_NO_MEMORY, REASON_NO_MEMORY},
	};
	/* clang-format on */
	enum reason reason = (enum reason)of[fault_of(FAULT_AT_STREAM, error)][side];

	static_assert(SIDE_CLIENT == 0, "the client's reasons are first");
	if (reason != REASON_NONE)
		return reason;
	return side == SIDE_CLIENT ? REASON_CLIENT_ERROR : REASON_UPSTREAM_ERROR;
}

enum reason reason_of_connect(enum fault fault)
{
	static const uint8_t of[FAULT_COUNT] = {
		[FAULT_REFUSED] = REASON_CONNECT_REFUSED,
		[FAULT_ABSENT] = REASON_NO_SOCKET,
		[FAULT_FORBIDDEN] = REASON_CONNECT_FORBIDDEN,
		[FAULT_TIMED_OUT] = REASON_CONNECT_TIMED_OUT,
		[FAULT_UNREACHABLE] = REASON_CONNECT_UNREACHABLE,
		[FAULT_BACKLOG] = REASON_BACKLOG_FULL,
		[FAULT_PORTS] = REASON_NO_PORTS,
		[FAULT_DESCRIPTORS] = REASON_NO_DESCRIPTORS,
		[FAULT_MEMORY] = REASON_NO_MEMORY,
	};

	return of[fault] != REASON_NONE ? (enum reason)of[fault] : REASON_CONNECT_FAILED;
}
