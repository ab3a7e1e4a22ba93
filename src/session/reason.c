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

/* C, S: a side ended it; c, s: its time was over; R: something was short; P, K: we would. */
static char cause_of(enum reason reason, unsigned side)
{
	switch ((unsigned)reason) {
	case REASON_NONE:
	case REASON_COMPLETED:
	case REASON_ANSWERED:
	case REASON_PROXY_CHECK:
		return '-';
	case REASON_PROXY_LATE:
		return 'c';
	case REASON_CONNECT_TIMED_OUT:
	case REASON_QUEUE_TIMEOUT:
		return 's';
	case REASON_NO_HELLO:
	case REASON_HELLO_TIMEOUT:
		return 'c';
	case REASON_IDLE_TIMEOUT:
	case REASON_HALF_CLOSE_TIMEOUT:
	case REASON_UNDELIVERED:
	case REASON_REQUEST_TIMEOUT:
		return side == SIDE_CLIENT ? 'c' : 's';
	case REASON_NO_PORTS:
	case REASON_NO_DESCRIPTORS:
	case REASON_NO_MEMORY:
		return 'R';
	case REASON_SERVERS_FULL:
	case REASON_POOL_QUEUE_FULL:
	case REASON_LOOP:
	case REASON_LIFETIME:
	case REASON_BAD_REQUEST:
	case REASON_REQUEST_TOO_LARGE:
	case REASON_NOT_TLS:
	case REASON_BAD_HELLO:
	case REASON_HELLO_TOO_LARGE:
	case REASON_NO_NAME:
	case REASON_NO_ROUTE:
	case REASON_NAME_REFUSED:
	case REASON_NOT_POSTGRES:
	case REASON_TOO_EAGER:
	case REASON_SERVER_NO_TLS:
	case REASON_PROXY_SIGNATURE:
	case REASON_PROXY_LINE:
	case REASON_PROXY_VERSION:
	case REASON_PROXY_COMMAND:
	case REASON_PROXY_FAMILY:
	case REASON_PROXY_LENGTH:
	case REASON_PROXY_TLV:
	case REASON_PROXY_CHECKSUM:
	case REASON_PROXY_DENIED:
		return 'P';
	case REASON_DRAIN_TIMEOUT:
	case REASON_OLD_EDITION:
	case REASON_SERVER_DOWN:
	case REASON_PRIMARY_BACK:
	case REASON_KILLED:
	case REASON_STOPPED:
		return 'K';
	default:
		return side == SIDE_CLIENT ? 'C' : 'S';
	}
}

void reason_letters(enum reason reason, unsigned side, char where, char ret_letters[3])
{
	ret_letters[0] = cause_of(reason, side);
	if (ret_letters[0] == '-')
		where = '-';
	else if (reason == REASON_UNDELIVERED)
		where = 'L'; /* the last bytes */
	else if (reason == REASON_BAD_REQUEST || reason == REASON_REQUEST_TOO_LARGE ||
		 reason == REASON_REQUEST_TIMEOUT)
		where = 'R'; /* the request */
	ret_letters[1] = where;
	ret_letters[2] = 0;
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
