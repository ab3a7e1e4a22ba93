#include "net/op.h"

const char *op_kind_name(enum op_kind kind)
{
	static const char *const names[] = {
		[OP_NONE] = "none",         [OP_ACCEPT] = "accept", [OP_CONNECT] = "connect",
		[OP_RECV] = "recv",         [OP_SEND] = "send",     [OP_POLL_IN] = "poll-in",
		[OP_POLL_OUT] = "poll-out", [OP_WATCH] = "watch",   [OP_CANCEL] = "cancel",
		[OP_CONTROL] = "control",
	};

	static_assert(array_size(names) == OP_KIND_COUNT, "every kind has a name");
	return kind < OP_KIND_COUNT ? names[kind] : "unknown";
}
