/*
 * Why a connection ended: a closed list, so that a log line, a counter and the
 * manual page can name each one.  A reason is decided once, where it happens
 * (session_end), and never changed afterwards: the first cause is the true one.
 */
#ifndef SESSION_REASON_H
#define SESSION_REASON_H

#include "base/fault.h"
#include "lane/road.h"

/* name in logs and counters, the sentence for people.  In the order of uringproxy(8). */
#define REASONS(X)                                                                                 \
	X(COMPLETED, "completed", "both sides finished")                                           \
	X(CLIENT_RESET, "client-reset", "the client reset the connection")                         \
	X(UPSTREAM_RESET, "upstream-reset", "the upstream reset the connection")                   \
	X(CLIENT_TIMED_OUT, "client-timed-out", "the client stopped answering")                    \
	X(UPSTREAM_TIMED_OUT, "upstream-timed-out", "the upstream stopped answering")              \
	X(CLIENT_UNREACHABLE, "client-unreachable", "the network to the client failed")            \
	X(UPSTREAM_UNREACHABLE, "upstream-unreachable", "the network to the upstream failed")      \
	X(CLIENT_ERROR, "client-error", "the client's socket failed")                              \
	X(UPSTREAM_ERROR, "upstream-error", "the upstream's socket failed")                        \
	X(CONNECT_REFUSED, "connect-refused", "no server accepted: connection refused")            \
	X(CONNECT_TIMED_OUT, "connect-timed-out", "no server answered in time")                    \
	X(CONNECT_UNREACHABLE, "connect-unreachable", "no server could be reached")                \
	X(CONNECT_FORBIDDEN, "connect-forbidden", "connecting to the server is not permitted")     \
	X(NO_SOCKET, "no-socket", "the server's socket is not there")                              \
	X(BACKLOG_FULL, "backlog-full", "the server's backlog was full")                           \
	X(CONNECT_FAILED, "connect-failed", "no server could be connected to")                     \
	X(NO_SERVER, "no-server", "no server takes connections, or none is known yet")             \
	X(SERVERS_FULL, "servers-full", "every server has its max_connections")                    \
	X(POOL_QUEUE_FULL, "pool-queue-full", "no more could wait for a place at a server")        \
	X(QUEUE_TIMEOUT, "queue-timeout", "no place at a server was free in time")                 \
	X(NO_PORTS, "no-ports", "no local port was free to connect from")                          \
	X(NO_DESCRIPTORS, "no-descriptors", "no file descriptor was free")                         \
	X(NO_MEMORY, "no-memory", "the kernel had no memory for the connection")                   \
	X(LOOP, "loop", "it came back to a section that it had passed")                            \
	X(PROXY_CHECK, "proxy-check", "it said nothing where a PROXY header comes first: a check") \
	X(PROXY_SIGNATURE, "proxy-signature", "it did not begin with a PROXY header")              \
	X(PROXY_LINE, "proxy-line", "the line of its PROXY header was wrong")                      \
	X(PROXY_VERSION, "proxy-version", "the version of its PROXY header is not known")          \
	X(PROXY_COMMAND, "proxy-command", "the command of its PROXY header is not known")          \
	X(PROXY_FAMILY, "proxy-family", "the address family of its PROXY header is not known")     \
	X(PROXY_LENGTH, "proxy-length", "the length of its PROXY header was wrong")                \
	X(PROXY_TLV, "proxy-tlv", "the fields of its PROXY header were wrong")                     \
	X(PROXY_CHECKSUM, "proxy-checksum", "the checksum of its PROXY header was wrong")          \
	X(PROXY_CUT, "proxy-cut", "it ended within its PROXY header")                              \
	X(PROXY_LATE, "proxy-late", "its PROXY header did not come in time")                       \
	X(PROXY_DENIED, "proxy-denied", "the client in its PROXY header may not connect")          \
	X(IDLE_TIMEOUT, "idle-timeout", "idle timeout")                                            \
	X(HALF_CLOSE_TIMEOUT, "half-close-timeout", "half-close timeout")                          \
	X(LIFETIME, "max-lifetime", "maximum lifetime reached")                                    \
	X(UNDELIVERED, "undelivered", "the last bytes could not be delivered in time")             \
	X(DRAIN_TIMEOUT, "drain-timeout", "drain timeout at stop")                                 \
	X(OLD_EDITION, "old-edition", "its configuration was replaced too long ago")               \
	X(SERVER_DOWN, "server-down", "its server is down, as its check says")                     \
	X(PRIMARY_BACK, "primary-back", "it was on a backup, and a primary is back")               \
	X(KILLED, "killed", "an operator ended it")                                                \
	X(STOPPED, "stopped", "the daemon was stopped")                                            \
	X(BAD_REQUEST, "bad-request", "the request could not be understood")                       \
	X(REQUEST_TOO_LARGE, "request-too-large", "the request's head was too large")              \
	X(REQUEST_TIMEOUT, "request-timeout", "no whole head of a request came in time")           \
	X(NO_HELLO, "no-hello",                                                                    \
	  "no ClientHello in time: a client that waits for the server to speak cannot be routed "  \
	  "by name")                                                                               \
	X(HELLO_TIMEOUT, "hello-timeout", "the ClientHello was not whole in time")                 \
	X(HELLO_CUT, "hello-cut", "the client ended before its ClientHello was whole")             \
	X(NOT_TLS, "not-tls", "the client's first bytes are not TLS, which has the name")          \
	X(BAD_HELLO, "bad-hello", "the ClientHello is wrong")                                      \
	X(HELLO_TOO_LARGE, "hello-too-large", "the ClientHello is too large")                      \
	X(NO_NAME, "no-name", "the client asks for no name")                                       \
	X(NO_ROUTE, "no-route", "no route is for the name that the client asks for")               \
	X(NAME_REFUSED, "name-refused", "a route refuses what the client asks for")                \
	X(NOT_POSTGRES, "not-postgres", "the client's first bytes are not PostgreSQL's")           \
	X(TOO_EAGER, "too-eager", "the client went on before its request for TLS was answered")    \
	X(SERVER_NO_TLS, "server-no-tls", "the server did not agree to TLS")                       \
	X(ANSWERED, "answered", "the service said all it had to say")

enum reason {
	REASON_NONE, /* it has not ended */
#define X(name, text, sentence) REASON_##name,
	REASONS(X)
#undef X
		REASON_COUNT,
};

const char *reason_name(enum reason reason);     /* "idle-timeout" */
const char *reason_sentence(enum reason reason); /* "idle timeout" */

/*
 * The same as two letters, HAProxy's (its configuration manual, section 8.5): who or what
 * ended it, and `where`: 'C' connecting, 'D' relaying, 'Q' waiting.
 */
void reason_letters(enum reason reason, unsigned side, char where, char ret_letters[3]);

const char *side_name(unsigned side);

/* What a socket error on an established side means for the connection. */
enum reason reason_of_error(unsigned side, int error);
/* What it means that the last server to be tried failed with that. */
enum reason reason_of_connect(enum fault fault);

#endif
