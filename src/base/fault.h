/*
 * What an errno means at the place where it is met: one table, for all but the ring, which
 * has errors of its own (ring.h).
 *
 * The same errno is not the same everywhere: EADDRNOTAVAIL is a bind(2) to an address of
 * somebody else, and a connect(2) without a local port; EAGAIN is a receive that has to
 * wait, and the full backlog of a unix socket.  So a row is of a place, and a place that
 * has none for an errno asks the wider one it is in:
 *
 *     anywhere --+-- socket --+-- bind
 *                |            +-- connect --- connect to a unix socket
 *                +-- passed
 *                +-- accept
 *                +-- stream --- receive into buffers of the ring
 *
 * Whoever has to go on decides by the fault, and whoever writes a line adds the advice.
 * The meanings are those of the manual pages: socket(2), bind(2), listen(2), unix(7),
 * accept(2), connect(2), recv(2), send(2), tcp(7), ipv6(7).
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/compiler.h"

enum fault_place {
	FAULT_ANYWHERE,
	FAULT_AT_SOCKET,
	FAULT_AT_BIND,   /* and at listen(2), and at what is done to the file of a unix socket */
	FAULT_AT_PASSED, /* a socket from systemd is looked at */
	FAULT_AT_ACCEPT,
	FAULT_AT_CONNECT,
	FAULT_AT_CONNECT_UNIX,
	FAULT_AT_STREAM, /* a connection: send(2), recv(2), SO_ERROR */
	FAULT_AT_RECEIVE,
	FAULT_PLACE_COUNT,
};

enum fault {
	FAULT_UNKNOWN,     /* no row */
	FAULT_PASSING,     /* nothing has failed: it has to wait, or was interrupted */
	FAULT_DESCRIPTORS, /* what is short: of descriptors ... */
	FAULT_MEMORY,      /* ... the kernel's memory */
	FAULT_PORTS,       /* ... local ports to connect from */
	FAULT_BACKLOG,     /* ... room in a unix server's backlog */
	FAULT_BUFFERS,     /* ... buffers to receive into */
	FAULT_REFUSED,     /* nobody listens */
	FAULT_ABSENT,      /* the path, or what it should be */
	FAULT_FORBIDDEN,   /* by rights, a firewall or a security module */
	FAULT_RESET,       /* by the peer */
	FAULT_TIMED_OUT,
	FAULT_UNREACHABLE,
	FAULT_TAKEN,   /* the address has another */
	FAULT_ADDRESS, /* this machine has not that address, or family, or interface */
	FAULT_MISUSED, /* the socket is not of the kind that this is done to */
	FAULT_COUNT,
};

/* error: a negative errno. */
enum fault fault_of(enum fault_place place, int error);

/* What helps, or what it says beyond its name; NULL where nothing does. */
const char *fault_advice(enum fault_place place, int error);

/* For the test that walks over the table. */
struct fault_row {
	enum fault_place place;
	int error; /* as errno has it */
	enum fault fault;
	const char *advice;
};
const struct fault_row *fault_rows(size_t *ret_count);
/* The one it is in; FAULT_ANYWHERE's is itself. */
enum fault_place fault_wider(enum fault_place place);

#endif
