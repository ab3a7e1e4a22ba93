#include "support/server.h"

#include "support/child.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
	char address[128];
	int fd;
	server_handler *handler;
	void *context;
	pthread_t thread;
	pthread_mutex_t lock;
	unsigned accepted, active;
};

struct visit {
	struct server *server;
	int fd;
};

static void *handle(void *argument)
{
	struct visit visit = *(struct visit *)argument;

	free(argument);
	visit.server->handler(visit.fd, visit.server->context);
	pthread_mutex_lock(&visit.server->lock);
	visit.server->active--;
	pthread_mutex_unlock(&visit.server->lock);
	return NULL;
}

static void *accept_all(void *argument)
{
	struct server *server = argument;
	pthread_attr_t small;
	int fd;

	pthread_attr_init(&small);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&small, 256 * 1024);
	while ((fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct visit *visit = malloc(sizeof(*visit));
		pthread_t thread;

		*visit = (struct visit){.server = server, .fd = fd};
		pthread_mutex_lock(&server->lock);
		server->accepted++;
		server->active++;
		pthread_mutex_unlock(&server->lock);
		if (pthread_create(&thread, &small, handle, visit) != 0)
			abort();
	}
	pthread_attr_destroy(&small);
	return NULL;
}

struct server *server_start(const char *address, server_handler *handler, void *context)
{
	struct server *server = calloc(1, sizeof(*server));

	if (address)
		snprintf(server->address, sizeof(server->address), "%s", address);
	else
		snprintf(server->address, sizeof(server->address), "127.0.0.1:%u", port_reserve());
	server->handler = handler;
	server->context = context;
	pthread_mutex_init(&server->lock, NULL);
	server->fd = peer_listen(server->address, 4096);
	if (server->fd < 0 || pthread_create(&server->thread, NULL, accept_all, server) != 0) {
		fprintf(stderr, "%s: %s\n", server->address, strerror(-server->fd));
		free(server);
		return NULL;
	}
	return server;
}

const char *server_address(const struct server *server)
{
	return server->address;
}

unsigned server_accepted(struct server *server)
{
	unsigned n;

	pthread_mutex_lock(&server->lock);
	n = server->accepted;
	pthread_mutex_unlock(&server->lock);
	return n;
}

static bool is_idle(struct server *server)
{
	bool idle;

	pthread_mutex_lock(&server->lock);
	idle = server->active == 0;
	pthread_mutex_unlock(&server->lock);
	return idle;
}

bool server_wait_idle(struct server *server)
{
	return wait_until(is_idle(server), PEER_PATIENCE_MS);
}

void server_stop(struct server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
	if (!server_wait_idle(server)) {
		fprintf(stderr, "%s: a connection does not end\n", server->address);
		abort();
	}
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static bool send_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

void server_echo(int fd, void *context)
{
	char *buffer = malloc(65536);
	ssize_t n;

	(void)context;
	while ((n = recv(fd, buffer, 65536, 0)) > 0 && send_all(fd, buffer, (size_t)n))
		;
	free(buffer);
	close(fd);
}

/* Until the other side is gone. */
void server_flood(int fd, void *context)
{
	static const char bytes[65536];

	(void)context;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){65536}, sizeof(int));
	while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
	close(fd);
}

void server_converse(int fd, void *context)
{
	peer_converse(fd, context);
	close(fd);
}

void server_close(int fd, void *context)
{
	(void)context;
	close(fd);
}

void server_reset(int fd, void *context)
{
	(void)context;
	peer_reset(fd);
}

/* POLLRDHUP alone: what arrives stays in the kernel.  An end behind bytes that are not read cannot
 * arrive, hence the way out. */
void server_hold(int fd, void *context)
{
	const bool *released = context;

	while (poll(&(struct pollfd){.fd = fd, .events = POLLRDHUP}, 1, 20) == 0 &&
	       !__atomic_load_n(released, __ATOMIC_RELAXED))
		;
	close(fd);
}

const char *black_hole_address(void)
{
	static char address[64];

	if (address[0])
		return address;
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	if (peer_listen(address, 0) < 0)
		abort();
	/* A queue of length 0 takes one; SYNs beyond it are dropped. */
	for (int i = 0; i < 3; i++)
		if (peer_connect_begin(address) < 0)
			abort();
	return address;
}
