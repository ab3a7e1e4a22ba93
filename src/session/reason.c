#include "session/reason.h"

#include <errno.h>

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
	bool client = side == SIDE_CLIENT;

	switch (-error) {
	case ECONNRESET:
	case EPIPE:
		return client ? REASON_CLIENT_RESET : REASON_UPSTREAM_RESET;
	case ETIMEDOUT:
		return client ? REASON_CLIENT_TIMED_OUT : REASON_UPSTREAM_TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		return client ? REASON_CLIENT_UNREACHABLE : REASON_UPSTREAM_UNREACHABLE;
	case ENOMEM:
	case ENOBUFS:
		return REASON_NO_MEMORY;
	default:
		return client ? REASON_CLIENT_ERROR : REASON_UPSTREAM_ERROR;
	}
}

enum reason reason_of_connect(int error)
{
	switch (-error) {
	case ECONNREFUSED:
		return REASON_CONNECT_REFUSED;
	case ENOENT: /* a unix socket's path */
	case ENOTDIR:
	case ENOTSOCK:
		return REASON_NO_SOCKET;
	case EACCES:
	case EPERM:
		return REASON_CONNECT_FORBIDDEN;
	case ETIMEDOUT:
		return REASON_CONNECT_TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		return REASON_CONNECT_UNREACHABLE;
	case EADDRNOTAVAIL:
		return REASON_NO_PORTS;
	case EMFILE:
	case ENFILE:
		return REASON_NO_DESCRIPTORS;
	case ENOMEM:
	case ENOBUFS:
		return REASON_NO_MEMORY;
	default:
		return REASON_CONNECT_FAILED;
	}
}
