/*
 * The socket calls that do not go through the ring: those that never wait and
 * are cheaper as plain calls, or have no operation.  All return a negative
 * errno.  Simulations link their own.
 */
#ifndef LOOP_SOCKET_H
#define LOOP_SOCKET_H

#include "base/address.h"
#include "config/config.h"

/* A non-blocking stream socket of the family. */
int socket_open(int family) must_check;
void socket_close(int fd);

/* A connection that waits in the backlog, non-blocking, or -EAGAIN. */
int socket_accept(int fd) must_check;

/* Begin a connect: 0 when it is done, -EINPROGRESS while it goes on. */
int socket_connect(int fd, const struct address *address) must_check;

/* TCP_NODELAY, and the keepalive and user timeout of settings; nothing on unix sockets. */
void socket_tune(int fd, int family, const struct config_settings *settings);
/* Take back what it was tuned to before, and the settings have not: what is off, that is. */
void socket_untune(int fd, const struct config_settings *settings);

/*
 * Of a listening socket, for those that it accepts: the type of service of their packets, and
 * whether it accepts only who has sent something, or was silent for some seconds.
 */
void socket_tos(int fd, int family, uint8_t tos);
void socket_defer_accept(int fd, bool defer);
/*
 * Before a connect: where it sets out from.  A mark, or 0; an interface, or ""; an address of
 * this machine, or NULL.  0, or -EPERM of the mark, -ENODEV of the interface, and -ENXIO: the
 * address is none of this machine's.  The port is chosen by the connect, which may say
 * -EADDRNOTAVAIL: all are in use (IP_BIND_ADDRESS_NO_PORT, Linux 4.2).
 */
int socket_depart(int fd, uint32_t mark, const char *interface,
		  const struct address *source) must_check;
/* Only what goes through that interface (SO_BINDTODEVICE).  0; -ENODEV: there is none. */
int socket_interface(int fd, const char *name) must_check;

/*
 * Before a connect: let the ACK that ends its handshake wait, up to 200 ms, for
 * the first bytes sent (TCP_DEFER_ACCEPT, which does that to a socket that
 * connects: Linux since 2.4, by its source).  And: send it now if it waits, or as
 * soon as there is something to acknowledge if the connect goes on.
 */
void socket_hold_ack(int fd);
void socket_release_ack(int fd);

/*
 * Let the kernel queue about that many bytes at most that it cannot send yet, or as
 * many as it likes: 0 (TCP_NOTSENT_LOWAT, Linux 3.12).  Nothing on unix sockets.
 */
void socket_limit_unsent(int fd, uint32_t bytes);

/* Send without waiting: how many of the bytes were taken, or a negative errno. */
int socket_send(int fd, const void *bytes, uint32_t size) must_check;
/*
 * Send without waiting: how many of the bytes were taken, or a negative errno, -EAGAIN if none
 * fit.  When all were, the kernel holds the last segment back (MSG_MORE, send(2)), for 200 ms or
 * more, so that socket_shut_write(), which has to follow, sends it and the end in one packet.
 */
int socket_send_last(int fd, const void *bytes, uint32_t size);
/* Queue the end behind what was sent.  Not before the connect has ended. */
void socket_shut_write(int fd);
/* Whoever sends to us is told EPIPE from now on: for unix sockets. */
void socket_shut_read(int fd);
/* Give a connect up, or end both directions at once; what is in flight completes. */
void socket_shut_both(int fd);

/* Make the coming close send a RST and drop what is queued. */
void socket_linger_none(int fd);

/*
 * Close what has just been accepted, so that its peer sees a RST, the end, or nothing.  Nothing
 * (TCP_REPAIR, tcp(7)) takes CAP_NET_ADMIN; without it a RST is sent that dies at the first
 * router, and a peer on the same network sees it.  To a unix socket only the end can be said.
 */
void socket_reject(int fd, enum config_reject how);
/* Whether CONFIG_REJECT_DROP sends nothing here. */
bool socket_may_be_silent(void);

/* What is there, up to size bytes, without waiting: how many, 0 at the end. */
int socket_receive(int fd, void *bytes, uint32_t size);

/*
 * What a receive would say: 1 when there are bytes, 0 at the end, -EAGAIN, or the error, which
 * is told by this, and told once.  It sees bytes behind urgent data, where splice(2) stops.
 */
int socket_peek(int fd);

/*
 * So many bytes a send would take now, for certain, unless the kernel has no memory
 * for sockets at all; 0 when it might take none, and then a poll tells when there is
 * room.  They lie in so many pieces at most: one where they are sent from memory, as
 * many as a pipe has pages where they are spliced.
 */
uint32_t socket_room(int fd, uint32_t pieces);

/* Bytes (and the end) sent but not acknowledged; 0 when unknown. */
uint32_t socket_unacknowledged(int fd);

/*
 * Whether nothing can be sent any more: the connection was reset or timed out, or the peer's
 * unix socket is closed.  One that only takes no more (SHUT_RD, unix(7)) is not gone.
 */
bool socket_is_gone(int fd);

/* The pending error, taken off the socket: negative, or 0. */
int socket_error(int fd);

/*
 * Move up to count bytes between a socket and a pipe without waiting
 * (splice(2)).  How many, 0 at the end of the source, -EAGAIN when the source
 * is empty or the sink is full.  From a TCP socket it goes as far as urgent data only:
 * there it says -EAGAIN, the error or the end, though bytes lie behind that a receive
 * gets (tcp_read_sock(), tcp_splice_read()).
 */
int socket_splice(int from, int to, uint32_t count);

/* Both ends of a pipe of at least size bytes, or of what the system grants; 0 and its size. */
int socket_pipe(int ret_fds[2], uint32_t size, uint32_t *ret_size) must_check;

enum socket_phase { SOCKET_CONNECTING, SOCKET_CONNECTED, SOCKET_DEAD };
enum socket_phase socket_phase(int fd);

bool socket_is_unix(int fd);

/* Milliseconds since the peer last acknowledged anything (TCP_INFO); -1 on a unix socket. */
int64_t socket_silent_ms(int fd);

/* Whether the address is one of this machine's, as far as binding it tells. */
bool socket_is_own(const struct address *address);

/*
 * Give a unix socket that will connect a name in the abstract name space (0 or a
 * negative errno); and the name of an accepted one's peer, without a NUL: how long
 * it is, 0 for none.
 */
#define SOCKET_LABEL_MAX 108
int socket_label(int fd, const char *name) must_check;
size_t socket_peer_label(int fd, char ret_name[SOCKET_LABEL_MAX]);

/* Who connected to a unix socket: false where that is not known. */
bool socket_peer_process(int fd, uid_t *ret_uid, pid_t *ret_pid);

/* The socket's own address, once it connects; ret_name->sin6_family 0 when it has none. */
void socket_name(int fd, struct sockaddr_in6 *ret_name);

/* The peer's address, also when it has reset the connection; sin6_family 0 when it has none. */
void socket_peer(int fd, struct sockaddr_in6 *ret_client);

#endif
