#include "base/fault.h"

#include <errno.h>

#define LINK_LOCAL                                                                                 \
	"of a link-local address the number of its interface is to be written, too, as in "        \
	"[fe80::1%eth0]:80; `ip link` shows them"
#define NO_FAMILY                                                                                  \
	"this machine has no such address family, or RestrictAddressFamilies= of the unit leaves " \
	"it out"
#define DEAF                                                                                       \
	"the socket does not listen any more: whoever passed it to us, such as a socket unit, "    \
	"has shut it down and must listen again"
#define NETWORK        "see to the network interfaces"
#define NO_SUCH_SOCKET "there is no such socket: its server is not running, or the path is another"
#define BY_A_RULE      "a firewall rule or a security module forbids it"
#define FILES          "raise LimitNOFILE= of the unit (ulimit -n)"
#define ALL_FILES      "the whole machine has no file descriptors left: fs.file-max"
#define MEMORY         "see net.ipv4.tcp_mem and the memory limit of the unit"
#define NO_DIRECTORY   "what should be a directory of the socket's path is something else"

/* clang-format off */
static const struct fault_row rows[] = {
	{FAULT_ANYWHERE, EAGAIN,          FAULT_PASSING,     NULL},
	{FAULT_ANYWHERE, EINTR,           FAULT_PASSING,     NULL},
	{FAULT_ANYWHERE, ECANCELED,       FAULT_PASSING,     NULL}, /* by ourselves */
	{FAULT_ANYWHERE, EMFILE,          FAULT_DESCRIPTORS, FILES},
	{FAULT_ANYWHERE, ENFILE,          FAULT_DESCRIPTORS, ALL_FILES},
	{FAULT_ANYWHERE, ENOBUFS,         FAULT_MEMORY,      MEMORY},
	{FAULT_ANYWHERE, ENOMEM,          FAULT_MEMORY,      MEMORY},
	{FAULT_ANYWHERE, EACCES,          FAULT_FORBIDDEN,   BY_A_RULE},
	{FAULT_ANYWHERE, EPERM,           FAULT_FORBIDDEN,   BY_A_RULE},
	{FAULT_ANYWHERE, EALREADY,        FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, EBADF,           FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, EDESTADDRREQ,    FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, EFAULT,          FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, EINVAL,          FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, EISCONN,         FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, EMSGSIZE,        FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, ENOTCONN,        FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, ENOTSOCK,        FAULT_MISUSED,     NULL},
	{FAULT_ANYWHERE, EOPNOTSUPP,      FAULT_MISUSED,     NULL},

	{FAULT_AT_SOCKET, EAFNOSUPPORT,    FAULT_ADDRESS, NO_FAMILY},
	{FAULT_AT_SOCKET, EPROTONOSUPPORT, FAULT_ADDRESS, NO_FAMILY},
	{FAULT_AT_SOCKET, EINVAL,          FAULT_ADDRESS, LINK_LOCAL}, /* inet6_bind(), tcp_v6_connect() */

	{FAULT_AT_BIND, EACCES,           FAULT_FORBIDDEN,   "ports below 1024 need CAP_NET_BIND_SERVICE, which the shipped unit grants; "
							     "a unix path needs a directory its user may write to, as "
							     "/run/uringproxy is under the shipped unit"},
	{FAULT_AT_BIND, EPERM,            FAULT_FORBIDDEN,   "SocketBindAllow= or SocketBindDeny= of the unit, or a security module, forbids it"},
	{FAULT_AT_BIND, EROFS,            FAULT_FORBIDDEN,   "the shipped unit can write below /run/uringproxy"},
	{FAULT_AT_BIND, EADDRINUSE,       FAULT_TAKEN,       "another process listens there already; `ss -lnp` shows which"},
	{FAULT_AT_BIND, EADDRNOTAVAIL,    FAULT_ADDRESS,     "no interface of this machine has that address"},
	{FAULT_AT_BIND, ENODEV,           FAULT_ADDRESS,     "this machine has no interface of that name or number; `ip link` shows them"},
	{FAULT_AT_BIND, ENOENT,           FAULT_ABSENT,      "the directory of the socket does not exist"},
	{FAULT_AT_BIND, ENOTDIR,          FAULT_ABSENT,      NO_DIRECTORY},
	{FAULT_AT_BIND, ELOOP,            FAULT_ABSENT,      "symbolic links on the socket's path lead back to each other"},
	{FAULT_AT_BIND, ENAMETOOLONG,     FAULT_ABSENT,      "a name in the socket's path is longer than its file system has"},
	{FAULT_AT_BIND, ENOSPC,           FAULT_FORBIDDEN,   "the file system of the socket's path is full"},
	{FAULT_AT_BIND, EDQUOT,           FAULT_FORBIDDEN,   "the daemon's user has used up its quota on the file system of the socket's path"},

	{FAULT_AT_PASSED, ENOENT,         FAULT_ABSENT,      "systemd passed no socket of that name; see FileDescriptorName= of the "
							     "socket unit, and start that unit"},
	{FAULT_AT_PASSED, EPROTOTYPE,     FAULT_MISUSED,     "it is a datagram or another socket that is no stream; the socket unit must "
							     "pass listening stream sockets: ListenStream="},
	{FAULT_AT_PASSED, ENOTSOCK,       FAULT_MISUSED,     "the socket unit must pass listening stream sockets: Accept=no"},

	/* Of the one connection, and gone with it: the next accept is as good as any. */
	{FAULT_AT_ACCEPT, ECONNABORTED,   FAULT_PASSING,     NULL},
	{FAULT_AT_ACCEPT, EPROTO,         FAULT_PASSING,     NULL},
	{FAULT_AT_ACCEPT, ENOPROTOOPT,    FAULT_PASSING,     NULL},
	{FAULT_AT_ACCEPT, ETIMEDOUT,      FAULT_PASSING,     NULL},
	{FAULT_AT_ACCEPT, EBADF,          FAULT_MISUSED,     DEAF},
	{FAULT_AT_ACCEPT, EINVAL,         FAULT_MISUSED,     DEAF},
	{FAULT_AT_ACCEPT, ENOTSOCK,       FAULT_MISUSED,     DEAF},
	{FAULT_AT_ACCEPT, EOPNOTSUPP,     FAULT_MISUSED,     DEAF},
	{FAULT_AT_ACCEPT, EHOSTDOWN,      FAULT_UNREACHABLE, NETWORK},
	{FAULT_AT_ACCEPT, EHOSTUNREACH,   FAULT_UNREACHABLE, NETWORK},
	{FAULT_AT_ACCEPT, ENETDOWN,       FAULT_UNREACHABLE, NETWORK},
	{FAULT_AT_ACCEPT, ENETUNREACH,    FAULT_UNREACHABLE, NETWORK},
	{FAULT_AT_ACCEPT, ENONET,         FAULT_UNREACHABLE, NETWORK},

	{FAULT_AT_CONNECT, ECONNREFUSED,  FAULT_REFUSED,     NULL},
	{FAULT_AT_CONNECT, ETIMEDOUT,     FAULT_TIMED_OUT,   NULL},
	{FAULT_AT_CONNECT, EHOSTDOWN,     FAULT_UNREACHABLE, NULL},
	{FAULT_AT_CONNECT, EHOSTUNREACH,  FAULT_UNREACHABLE, NULL},
	{FAULT_AT_CONNECT, ENETDOWN,      FAULT_UNREACHABLE, NULL},
	{FAULT_AT_CONNECT, ENETUNREACH,   FAULT_UNREACHABLE, NULL},
	{FAULT_AT_CONNECT, ENONET,        FAULT_UNREACHABLE, NULL},
	{FAULT_AT_CONNECT, EADDRNOTAVAIL, FAULT_PORTS,       NULL},
	{FAULT_AT_CONNECT, EADDRINUSE,    FAULT_TAKEN,       NULL},
	{FAULT_AT_CONNECT, ENXIO,         FAULT_ADDRESS,     "no interface of this machine has an address of `source`"},
	{FAULT_AT_CONNECT, ENODEV,        FAULT_ADDRESS,     "this machine has no interface of that name; `ip link` shows them"},
	{FAULT_AT_CONNECT, EAGAIN,        FAULT_MEMORY,      MEMORY}, /* for the route */
	{FAULT_AT_CONNECT, EINPROGRESS,   FAULT_PASSING,     NULL},
	{FAULT_AT_CONNECT, ECONNRESET,    FAULT_RESET,       NULL},
	{FAULT_AT_CONNECT, EPROTOTYPE,    FAULT_MISUSED,     NULL},

	{FAULT_AT_CONNECT_UNIX, ENOENT,       FAULT_ABSENT,    NO_SUCH_SOCKET},
	{FAULT_AT_CONNECT_UNIX, ENOTDIR,      FAULT_ABSENT,    NO_DIRECTORY},
	{FAULT_AT_CONNECT_UNIX, ELOOP,        FAULT_ABSENT,    "symbolic links on its path lead back to each other"},
	{FAULT_AT_CONNECT_UNIX, ENAMETOOLONG, FAULT_ABSENT,    "a name in its path is longer than its file system has"},
	{FAULT_AT_CONNECT_UNIX, ENOTSOCK,     FAULT_ABSENT,    "that file is no socket"},
	{FAULT_AT_CONNECT_UNIX, EPROTOTYPE,   FAULT_ABSENT,    "that socket is no stream socket: a datagram one, perhaps"},
	{FAULT_AT_CONNECT_UNIX, ECONNREFUSED, FAULT_REFUSED,   "the socket's file is there, and nobody listens on it"},
	{FAULT_AT_CONNECT_UNIX, EACCES,       FAULT_FORBIDDEN, "who connects needs write permission on the socket's file and search "
							       "permission on its directories: give the daemon's user a group that "
							       "has them, SupplementaryGroups= of the unit, or the socket another "
							       "mode"},
	{FAULT_AT_CONNECT_UNIX, EAGAIN,       FAULT_BACKLOG,   "more are waiting to be accepted there than its backlog holds"},

	{FAULT_AT_STREAM, ECONNRESET,   FAULT_RESET,       NULL},
	{FAULT_AT_STREAM, EPIPE,        FAULT_RESET,       NULL},
	{FAULT_AT_STREAM, ETIMEDOUT,    FAULT_TIMED_OUT,   NULL},
	{FAULT_AT_STREAM, EHOSTDOWN,    FAULT_UNREACHABLE, NULL},
	{FAULT_AT_STREAM, EHOSTUNREACH, FAULT_UNREACHABLE, NULL},
	{FAULT_AT_STREAM, ENETDOWN,     FAULT_UNREACHABLE, NULL},
	{FAULT_AT_STREAM, ENETUNREACH,  FAULT_UNREACHABLE, NULL},
	{FAULT_AT_STREAM, ENONET,       FAULT_UNREACHABLE, NULL},
	{FAULT_AT_STREAM, ECONNREFUSED, FAULT_REFUSED,     NULL},

	{FAULT_AT_RECEIVE, ENOBUFS,     FAULT_BUFFERS,     NULL}, /* of those provided to the ring */
};
/* clang-format on */

static const unsigned char wider[] = {
	[FAULT_ANYWHERE] = FAULT_ANYWHERE,    [FAULT_AT_SOCKET] = FAULT_ANYWHERE,
	[FAULT_AT_BIND] = FAULT_AT_SOCKET,    [FAULT_AT_PASSED] = FAULT_ANYWHERE,
	[FAULT_AT_ACCEPT] = FAULT_ANYWHERE,   [FAULT_AT_CONNECT] = FAULT_AT_SOCKET,
	[FAULT_AT_STREAM] = FAULT_ANYWHERE,   [FAULT_AT_CONNECT_UNIX] = FAULT_AT_CONNECT,
	[FAULT_AT_RECEIVE] = FAULT_AT_STREAM,
};
static_assert(array_size(wider) == FAULT_PLACE_COUNT, "every place is in one");

static const struct fault_row *at(enum fault_place place, int error)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].place == place && rows[i].error == error)
			return &rows[i];
	return NULL;
}

static const struct fault_row *find(enum fault_place place, int error)
{
	const struct fault_row *row = at(place, error);

	while (!row && place != FAULT_ANYWHERE) {
		place = fault_wider(place);
		row = at(place, error);
	}
	return row;
}

enum fault fault_of(enum fault_place place, int error)
{
	const struct fault_row *row = find(place, -error);

	return row ? row->fault : FAULT_UNKNOWN;
}

const char *fault_advice(enum fault_place place, int error)
{
	const struct fault_row *row = find(place, -error);

	return row ? row->advice : NULL;
}

const struct fault_row *fault_rows(size_t *ret_count)
{
	*ret_count = array_size(rows);
	return rows;
}

enum fault_place fault_wider(enum fault_place place)
{
	assert(place < FAULT_PLACE_COUNT);
	return (enum fault_place)wider[place];
}
