#include "support/peer.h"

#include "support/child.h"
#include "support/random_bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un path;
};

/* An abstract name taken is the reservation: atomic between processes, gone with ours. */
static bool reserve(uint16_t port)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
			      "uringproxy-test-port-%u", port);

	if (bind(fd, (struct sockaddr *)&name,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0)
		return true;
	close(fd);
	return false;
}

static bool is_free(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd4 = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool free = (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0);

	close(fd); /* it may be dual-stack, and so in the way of the next */
	free = free && bind(fd4, (struct sockaddr *)&any4, sizeof(any4)) == 0;
	close(fd4);
	return free;
}

uint16_t port_reserve(void)
{
	static uint16_t next;

	if (!next)
		next = (uint16_t)((unsigned)getpid() * 37 % 20000);
	for (int i = 0; i < 20000; i++) {
		uint16_t port = (uint16_t)(10000 + next++ % 20000);

		if (reserve(port) && is_free(port))
			return port;
	}
	fprintf(stderr, "no free port\n");
	abort();
}

static int resolve(const char *text, union any_address *ret_address, socklen_t *ret_length)
{
	const char *colon = strrchr(text, ':');
	char host[64];

	*ret_address = (union any_address){0};
	if (strncmp(text, "unix:", 5) == 0) {
		size_t length = strlen(text + 5);

		ret_address->path.sun_family = AF_UNIX;
		memcpy(ret_address->path.sun_path, text + 5, length);
		if (text[5] == '@')
			ret_address->path.sun_path[0] = '\0';
		*ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
					  (text[5] != '@'));
		return 0;
	}
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (host[0] == '[') {
		char *zone = strchr(host, '%');

		host[strlen(host) - 1] = '\0';
		if (zone) {
			*zone++ = '\0';
			ret_address->v6.sin6_scope_id = if_nametoindex(zone);
		}
		ret_address->v6.sin6_family = AF_INET6;
		ret_address->v6.sin6_port = htons((uint16_t)atoi(colon + 1));
		*ret_length = sizeof(ret_address->v6);
		return inet_pton(AF_INET6, host + 1, &ret_address->v6.sin6_addr) == 1 ? 0 : -EINVAL;
	}
	ret_address->v4.sin_family = AF_INET;
	ret_address->v4.sin_port = htons((uint16_t)atoi(colon + 1));
	*ret_length = sizeof(ret_address->v4);
	return inet_pton(AF_INET, host, &ret_address->v4.sin_addr) == 1 ? 0 : -EINVAL;
}

static int open_socket(const char *text, int flags, union any_address *ret_address,
		       socklen_t *ret_length)
{
	int r = resolve(text, ret_address, ret_length), on = 1, fd;

	if (r < 0)
		return r;
	fd = socket(ret_address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int connect_begin(const char *text, bool small)
{
	union any_address address;
	socklen_t length;
	int fd = open_socket(text, SOCK_NONBLOCK, &address, &length);

	if (fd >= 0 && small) {
		setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &(int){1400}, sizeof(int));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){8192}, sizeof(int));
	}
	if (fd >= 0 && connect(fd, &address.any, length) < 0 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

int peer_connect_begin(const char *text)
{
	return connect_begin(text, false);
}

/* Asking SO_ERROR takes the error away, and a connection reset as soon as it was there must be seen
 * to be reset.  One that was never there has negotiated nothing. */
static bool was_established(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
	       info.tcpi_state != TCP_SYN_SENT &&
	       (info.tcpi_state != TCP_CLOSE || info.tcpi_options);
}

static int connect_finish(int fd)
{
	int error = ETIMEDOUT;
	socklen_t length = sizeof(error);

	if (fd < 0)
		return fd;
	if (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, PEER_PATIENCE_MS) == 1) {
		if (was_established(fd))
			error = 0;
		else
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	}
	if (error) {
		close(fd);
		return -error;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

int peer_connect(const char *text)
{
	return connect_finish(connect_begin(text, false));
}

int peer_connect_small(const char *text)
{
	return connect_finish(connect_begin(text, true));
}

int peer_listen(const char *text, int backlog)
{
	union any_address address;
	socklen_t length;
	int fd = open_socket(text, 0, &address, &length), on = 1;

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &address.any, length) < 0 || listen(fd, backlog) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

void peer_reset(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
		   sizeof(struct linger));
	close(fd);
}

const char *peer_end_name(enum peer_end end)
{
	static const char *const names[] = {"open", "FIN", "RST", "silence", "an error"};

	return names[end];
}

static enum peer_end end_of(ssize_t n, int error)
{
	if (n == 0)
		return PEER_FIN;
	return error == ECONNRESET || error == EPIPE ? PEER_RST : PEER_FAILED;
}

#define READ_SIZE  (256 * 1024)
#define WRITE_SIZE (256 * 1024)

static void receive_some(int fd, struct transfer *t, void *buffer)
{
	uint64_t left = t->receive - t->received;
	size_t size = t->read_size ? t->read_size : READ_SIZE, right;
	ssize_t n;

	if (t->read_pause_ms)
		sleep_ms((int)t->read_pause_ms);
	n = recv(fd, buffer, left < size ? left : size, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		t->end = end_of(n, errno);
		return;
	}
	right = random_bytes_match(t->receive_seed, t->received, buffer, (size_t)n);
	if (right < (size_t)n && t->wrong_at == UINT64_MAX)
		t->wrong_at = t->received + right;
	/* crowd_wait_received() looks on. */
	__atomic_store_n(&t->received, t->received + (uint64_t)n, __ATOMIC_RELAXED);
}

/* pending: how much of the buffer's end is generated and not yet sent. */
static void send_some(int fd, struct transfer *t, char *buffer, size_t *pending)
{
	uint64_t left = t->send - t->sent;
	ssize_t n;

	if (!*pending) {
		*pending = left < WRITE_SIZE ? left : WRITE_SIZE;
		random_bytes(t->send_seed, t->sent, buffer + WRITE_SIZE - *pending, *pending);
	}
	n = send(fd, buffer + WRITE_SIZE - *pending, *pending, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0) {
		*pending -= (size_t)n;
		t->sent += (uint64_t)n;
	} else if (errno != EAGAIN) {
		t->send_error = errno;
	}
}

void peer_transfer(int fd, struct transfer *t)
{
	size_t read_size = t->read_size ? t->read_size : READ_SIZE, pending = 0;
	char *in = malloc(read_size), *out = malloc(WRITE_SIZE);
	bool to_half_close = t->half_close;

	t->wrong_at = UINT64_MAX;
	for (;;) {
		bool sending = t->sent < t->send && !t->send_error;
		bool receiving = t->received < t->receive && t->end == PEER_OPEN;
		struct pollfd poller = {
			.fd = fd,
			.events = (short)((receiving ? POLLIN : 0) | (sending ? POLLOUT : 0)),
		};

		if (!sending && to_half_close) {
			to_half_close = false;
			shutdown(fd, SHUT_WR);
		}
		if (!sending && !receiving)
			break;
		if (poll(&poller, 1, PEER_PATIENCE_MS) <= 0) {
			t->end = PEER_SILENT;
			break;
		}
		if (receiving && poller.revents & (POLLIN | POLLERR | POLLHUP))
			receive_some(fd, t, in);
		if (sending && poller.revents & (POLLOUT | POLLERR | POLLHUP))
			send_some(fd, t, out, &pending);
	}
	free(in);
	free(out);
}

void peer_converse(int fd, struct conversation *conversation)
{
	for (unsigned i = 0; i < conversation->count; i++)
		peer_transfer(fd, &conversation->turn[i]);
}

int peer_send_text(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

int peer_receive_text(int fd, char *buffer, size_t size, const char *until)
{
	size_t have = 0;

	buffer[0] = '\0';
	while (have + 1 < size && !(until && strstr(buffer, until))) {
		ssize_t n;

		if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PEER_PATIENCE_MS) <= 0)
			return -ETIMEDOUT;
		n = recv(fd, buffer + have, size - have - 1, 0);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
		buffer[have] = '\0';
	}
	return (int)have;
}

enum peer_end peer_wait_end(int fd, int patience_ms)
{
	int64_t until = clock_ms() + patience_ms;
	char buffer[65536];

	for (;;) {
		int64_t left = until - clock_ms();
		ssize_t n;

		if (left <= 0 ||
		    poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, (int)left) <= 0)
			return PEER_SILENT;
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return end_of(n, errno);
	}
}

static bool all_taken(int fd)
{
	int queued = 0;

	return ioctl(fd, SIOCOUTQ, &queued) == 0 && queued == 0;
}

bool peer_flush(int fd)
{
	return wait_until(all_taken(fd), PEER_PATIENCE_MS);
}

bool peer_echoes(int fd)
{
	char buffer[2];

	return peer_send_text(fd, "?") == 0 && peer_receive_text(fd, buffer, 2, "?") == 1;
}
