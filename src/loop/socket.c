#include "loop/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Of what a kernel keeps for a segment: struct sk_buff's own, 1,280 bytes in 6.1, 812 in 6.18. */
#define HEADER_MAX     1536
#define SEGMENT_PIECES 17 /* MAX_SKB_FRAGS */
#define OPTIONS_MAX    40 /* bytes, of a TCP header */
/* The kernel counts in times that it repeats its SYN-ACK: after 1 s and 2 s more. */
#define DEFER_SECONDS 3

int socket_open(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

void socket_close(int fd)
{
	close(fd);
}

int socket_accept(int fd)
{
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return accepted < 0 ? -errno : accepted;
}

/* Where the interface of a link-local address is named, its number is asked for each time. */
static int connect_on_link(int fd, const struct address *address)
{
	struct address now = *address;
	int r = address_locate(&now);

	if (r < 0)
		return r;
	return connect(fd, &now.u.any, now.length) < 0 ? -errno : 0;
}

int socket_connect(int fd, const struct address *address)
{
	if (address_has_zone(address))
		return connect_on_link(fd, address);
	return connect(fd, &address->u.any, address->length) < 0 ? -errno : 0;
}

static void set_option(int fd, int level, int name, int value)
{
	/* These cannot fail on a stream socket of the internet; on others they do not apply. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

void socket_tune(int fd, int family, const struct config_settings *settings)
{
	if (family == AF_UNIX)
		return;
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (settings->keepalive_ms) {
		int seconds = (int)((settings->keepalive_ms + 999) / 1000);
		set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
		set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
		set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds < 10 ? seconds : 10);
	}
	if (settings->user_timeout_ms)
		set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)settings->user_timeout_ms);
}

void socket_untune(int fd, const struct config_settings *settings)
{
	if (!settings->keepalive_ms)
		set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
	if (!settings->user_timeout_ms)
		set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
}

void socket_tos(int fd, int family, uint8_t tos)
{
	/* A socket of IPv6 may be one of IPv4 as well. */
	if (family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
	set_option(fd, IPPROTO_IP, IP_TOS, tos);
}

void socket_defer_accept(int fd, bool defer)
{
	set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, defer ? DEFER_SECONDS : 0);
}

int socket_interface(int fd, const char *name)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) < 0
		       ? -errno
		       : 0;
}

static int bind_source(int fd, const struct address *source)
{
	struct address now = *source;

	if (address_locate(&now) < 0)
		return -ENXIO;
	set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (bind(fd, &now.u.any, now.length) == 0)
		return 0;
	/* A connect says EADDRNOTAVAIL of ports. */
	return errno == EADDRNOTAVAIL ? -ENXIO : -errno;
}

int socket_depart(int fd, uint32_t mark, const char *interface, const struct address *source)
{
	int r = 0;

	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -errno;
	if (*interface)
		r = socket_interface(fd, interface);
	return r == 0 && source ? bind_source(fd, source) : r;
}

void socket_hold_ack(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
}

void socket_release_ack(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
	set_option(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}

void socket_limit_unsent(int fd, uint32_t bytes)
{
	set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)bytes);
}

void socket_shut_write(int fd)
{
	/* Fails only if the peer is gone already; the next operation will say so. */
	(void)shutdown(fd, SHUT_WR);
}

void socket_shut_read(int fd)
{
	(void)shutdown(fd, SHUT_RD);
}

void socket_shut_both(int fd)
{
	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}

void socket_linger_none(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* What has come already would make a RST of the end. */
static void discard(int fd)
{
	while (recv(fd, NULL, 1 << 20, MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

/* No packet leaves any more, or none that gets far. */
static void be_silent(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == 0)
		return;
	set_option(fd, IPPROTO_IP, IP_TTL, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1); /* an IPv6 socket has both */
	socket_linger_none(fd);
}

bool socket_may_be_silent(void)
{
	int fd = socket_open(AF_INET), on = 1;
	bool may = fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == 0;

	if (fd >= 0)
		close(fd);
	return may;
}

void socket_reject(int fd, enum config_reject how)
{
	switch (how) {
	case CONFIG_REJECT_RST:
		socket_linger_none(fd);
		break;
	case CONFIG_REJECT_FIN:
		discard(fd);
		break;
	case CONFIG_REJECT_DROP:
		be_silent(fd);
		break;
	}
	close(fd);
}

int socket_receive(int fd, void *bytes, uint32_t size)
{
	ssize_t n = recv(fd, bytes, size, MSG_DONTWAIT);

	return n < 0 ? -errno : (int)n;
}

int socket_peek(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n < 0 ? -errno : (int)n;
}

int socket_send(int fd, const void *bytes, uint32_t size)
{
	ssize_t n = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : (int)n;
}

int socket_send_last(int fd, const void *bytes, uint32_t size)
{
	ssize_t n = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);

	return n < 0 ? -errno : (int)n;
}

/* What socket_limit_unsent() leaves. */
static uint32_t unsent_room(int fd)
{
	uint32_t limit = 0;
	socklen_t size = sizeof(limit);
	int unsent = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit, &size) < 0 || limit == 0 ||
	    ioctl(fd, SIOCOUTQNSD, &unsent) < 0)
		return UINT32_MAX;
	return (uint32_t)unsent < limit ? limit - (uint32_t)unsent : 1;
}

/* The least that a full segment holds: what the peer takes, less its options. */
static uint32_t segment_least(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		return UINT16_MAX; /* a unix socket */
	return info.tcpi_snd_mss > OPTIONS_MAX ? info.tcpi_snd_mss - OPTIONS_MAX : 1;
}

/*
 * How many bytes fit into so much of the send buffer.  The kernel counts what it keeps
 * for them, too: a header for each segment, and for the pieces that do not fit into one.
 * A peer with a small window has small segments, and those cost more than they bring.
 */
static uint32_t fitting(int fd, uint32_t free, uint32_t pieces)
{
	uint32_t headers = (pieces / SEGMENT_PIECES + 1) * HEADER_MAX;
	uint32_t segment = segment_least(fd);
	uint64_t bytes = free > headers ? free - headers : 0;

	bytes = bytes * segment / (segment + HEADER_MAX);
	return bytes < free / 2 ? (uint32_t)bytes : free / 2;
}

/*
 * None where a poll would wait, whatever the reason: sndbuf, TCP_NOTSENT_LOWAT or its
 * sysctl.  Where it would not wait, a byte is taken at least.
 */
uint32_t socket_room(int fd, uint32_t pieces)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	uint32_t info[SK_MEMINFO_VARS] = {0}, used, free, room, unsent;
	socklen_t size = sizeof(info);

	if (poll(&writable, 1, 0) == 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0)
		return 1;
	used = info[SK_MEMINFO_WMEM_QUEUED] ? info[SK_MEMINFO_WMEM_QUEUED]
					    : info[SK_MEMINFO_WMEM_ALLOC];
	free = info[SK_MEMINFO_SNDBUF] > used ? info[SK_MEMINFO_SNDBUF] - used : 0;
	room = fitting(fd, free, pieces);
	unsent = unsent_room(fd);
	room = room < unsent ? room : unsent;
	return room ? room : 1;
}

uint32_t socket_unacknowledged(int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCOUTQ, &bytes) < 0 || bytes < 0 ? 0 : (uint32_t)bytes;
}

static bool tcp_info(int fd, struct tcp_info *ret_info)
{
	socklen_t size = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret_info, &size) == 0;
}

enum socket_phase socket_phase(int fd)
{
	struct tcp_info info;

	if (!tcp_info(fd, &info)) /* a unix socket: connected at once or not at all */
		return SOCKET_CONNECTED;
	switch (info.tcpi_state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return SOCKET_CONNECTING;
	case TCP_CLOSE:
		return SOCKET_DEAD;
	default:
		return SOCKET_CONNECTED;
	}
}

bool socket_is_gone(int fd)
{
	struct tcp_info info;
	struct pollfd hung_up = {.fd = fd};

	if (tcp_info(fd, &info))
		return info.tcpi_state == TCP_CLOSE;
	return poll(&hung_up, 1, 0) > 0 && hung_up.revents & (POLLHUP | POLLERR);
}

bool socket_is_unix(int fd)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

int64_t socket_silent_ms(int fd)
{
	struct tcp_info info;

	if (!tcp_info(fd, &info))
		return -1;
	return info.tcpi_last_ack_recv;
}

bool socket_is_own(const struct address *address)
{
	struct address any_port = *address;
	int fd = socket_open(address->u.any.sa_family);
	bool own;

	if (fd < 0)
		return false;
	address_set_port(&any_port, 0);
	own = address_locate(&any_port) == 0 && bind(fd, &any_port.u.any, any_port.length) == 0;
	socket_close(fd);
	return own;
}

int socket_label(int fd, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strnlen(name, sizeof(address.sun_path) - 1);

	memcpy(address.sun_path + 1, name, length);
	length += offsetof(struct sockaddr_un, sun_path) + 1;
	return bind(fd, (const struct sockaddr *)&address, (socklen_t)length) < 0 ? -errno : 0;
}

size_t socket_peer_label(int fd, char ret_name[SOCKET_LABEL_MAX])
{
	struct sockaddr_un peer = {0};
	socklen_t size = sizeof(peer);
	size_t before = offsetof(struct sockaddr_un, sun_path) + 1;

	if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0 || size <= before ||
	    size > sizeof(peer) || peer.sun_path[0])
		return 0;
	memcpy(ret_name, peer.sun_path + 1, size - before);
	return size - before;
}

bool socket_peer_process(int fd, uid_t *ret_uid, pid_t *ret_pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid == 0)
		return false;
	*ret_uid = peer.uid;
	*ret_pid = peer.pid;
	return true;
}

/* A unix socket's name is longer, and of no use here. */
static void take_address(const struct sockaddr_storage *address, struct sockaddr_in6 *ret_address)
{
	if (address->ss_family == AF_INET || address->ss_family == AF_INET6)
		memcpy(ret_address, address, sizeof(*ret_address));
	else
		ret_address->sin6_family = address->ss_family;
}

void socket_name(int fd, struct sockaddr_in6 *ret_name)
{
	struct sockaddr_storage name = {0};
	socklen_t size = sizeof(name);

	*ret_name = (struct sockaddr_in6){0};
	if (getsockname(fd, (struct sockaddr *)&name, &size) == 0)
		take_address(&name, ret_name);
}

/*
 * The peer of a connection that it has reset already, which getpeername(2) does not
 * tell any more.  SO_PEERNAME does, as accept(2) would have; it wants no more room
 * than the address takes.
 */
static bool late_peer(int fd, struct sockaddr_storage *ret_peer)
{
	socklen_t size = sizeof(struct sockaddr_in6);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERNAME, ret_peer, &size) == 0)
		return true;
	size = sizeof(struct sockaddr_in);
	return errno == EINVAL && getsockopt(fd, SOL_SOCKET, SO_PEERNAME, ret_peer, &size) == 0;
}

void socket_peer(int fd, struct sockaddr_in6 *ret_client)
{
	struct sockaddr_storage peer = {0};
	socklen_t size = sizeof(peer);

	*ret_client = (struct sockaddr_in6){0};
	if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 || late_peer(fd, &peer))
		take_address(&peer, ret_client);
}

int socket_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

int socket_splice(int from, int to, uint32_t count)
{
	ssize_t n = splice(from, NULL, to, NULL, count, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	return n < 0 ? -errno : (int)n;
}

int socket_pipe(int ret_fds[2], uint32_t size, uint32_t *ret_size)
{
	int granted;

	if (pipe2(ret_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	/* An unprivileged user may be refused (pipe-user-pages-soft): a smaller pipe works too. */
	granted = fcntl(ret_fds[1], F_SETPIPE_SZ, (int)size);
	if (granted < 0)
		granted = fcntl(ret_fds[1], F_GETPIPE_SZ);
	*ret_size = granted > 0 ? (uint32_t)granted : 4096;
	return 0;
}
