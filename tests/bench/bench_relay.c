/*
 * The floor: a relay written by hand on epoll, with nothing a proxy needs
 * besides moving bytes.
 *
 *   bench_relay PORT UPSTREAM copy|splice BYTES
 *
 * One thread, edge-triggered, both sockets watched once for everything.  The
 * bytes under way wait in a store: BYTES of memory, or a pipe of that size.  A
 * direction holds a store only while it has bytes, so an idle connection owns
 * none, and the store used last, which is warm, is used next.  A read that did
 * not fill the store emptied the socket: the next bytes bring an event, and
 * there is no second read to hear EAGAIN.  Not so with a pipe, which is also
 * full when it has no slot left for another fragment.
 */
#include "bench/common.h"

#define ROUNDS_PER_EVENT 16 /* then another socket's turn */

struct store {
	struct store *next;
	size_t begin, end; /* the bytes held; of a pipe, begin is 0 */
	int in, out;       /* the pipe */
	char memory[];
};

struct half {
	struct connection *connection;
	int fd;              /* this direction reads here, and writes to the other half's */
	struct store *store; /* bytes that could not be written yet, or NULL */
	bool ended, passed_on;
	bool hangup; /* the end is in the socket: read on until it shows */
};

struct connection {
	struct half half[2];
	struct connection *next_dead;
	bool dead;
};

static bool splicing;
static size_t store_size;
static struct store *spare_stores;
static struct connection *dead_connections;
static int epoll;

static struct store *store_take(void)
{
	struct store *store = spare_stores;
	int ends[2];

	if (store) {
		spare_stores = store->next;
		return store;
	}
	store = calloc(1, sizeof(*store) + (splicing ? 0 : store_size));
	if (!store)
		err(1, "store");
	if (splicing) {
		if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
			err(1, "pipe");
		if (fcntl(ends[1], F_SETPIPE_SZ, (int)store_size) < 0)
			err(1, "a pipe of %zu bytes", store_size);
		store->out = ends[0];
		store->in = ends[1];
	}
	return store;
}

/* A pipe that still holds bytes of a connection that died is not used again. */
static void store_give(struct store *store)
{
	if (splicing && store->end) {
		close(store->in);
		close(store->out);
		free(store);
		return;
	}
	store->begin = store->end = 0;
	store->next = spare_stores;
	spare_stores = store;
}

static ssize_t store_fill(struct store *store, int fd)
{
	ssize_t n = splicing ? splice(fd, NULL, store->in, NULL, store_size,
				      SPLICE_F_NONBLOCK | SPLICE_F_MOVE)
			     : read(fd, store->memory, store_size);

	if (n > 0)
		store->end = (size_t)n;
	return n;
}

/* 1 when all bytes are gone, 0 when the socket takes no more, -1 when it failed. */
static int store_drain(struct store *store, int fd)
{
	while (store->begin < store->end) {
		size_t left = store->end - store->begin;
		ssize_t n = splicing ? splice(store->out, NULL, fd, NULL, left,
					      SPLICE_F_NONBLOCK | SPLICE_F_MOVE)
				     : write(fd, store->memory + store->begin, left);
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : -1;
		if (splicing)
			store->end -= (size_t)n;
		else
			store->begin += (size_t)n;
	}
	return 1;
}

static struct half *other(struct half *half)
{
	return &half->connection->half[half == &half->connection->half[0]];
}

/* More may be there than one event should move: have the event again. */
static void requeue(struct half *half)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = half,
	};

	if (epoll_ctl(epoll, EPOLL_CTL_MOD, half->fd, &event) < 0)
		err(1, "epoll_ctl");
}

static bool flush(struct half *half, int *ret_result)
{
	*ret_result = store_drain(half->store, other(half)->fd);
	if (*ret_result <= 0)
		return false;
	store_give(half->store);
	half->store = NULL;
	return true;
}

/* Move what can be moved; -1 when the connection failed. */
static int pump(struct half *half)
{
	int result = 0;

	if (half->store && !flush(half, &result))
		return result;
	for (int round = 0; !half->ended; round++) {
		struct store *store = store_take();
		ssize_t n;

		if (round == ROUNDS_PER_EVENT) {
			store_give(store);
			requeue(half);
			return 0;
		}
		n = store_fill(store, half->fd);
		if (n <= 0) {
			store_give(store);
			if (n < 0)
				return errno == EAGAIN ? 0 : -1;
			half->ended = true;
			break;
		}
		half->store = store;
		if (!flush(half, &result))
			return result;
		if (!splicing && (size_t)n < store_size && !half->hangup)
			return 0;
	}
	if (half->ended && !half->passed_on) {
		half->passed_on = true;
		shutdown(other(half)->fd, SHUT_WR);
	}
	return 0;
}

/* Events of this batch may still name it: its memory lives until the batch is done. */
static void bury(struct connection *connection)
{
	if (connection->dead)
		return;
	connection->dead = true;
	for (int i = 0; i < 2; i++) {
		close(connection->half[i].fd);
		if (connection->half[i].store)
			store_give(connection->half[i].store);
	}
	connection->next_dead = dead_connections;
	dead_connections = connection;
}

static void free_dead(void)
{
	while (dead_connections) {
		struct connection *connection = dead_connections;

		dead_connections = connection->next_dead;
		free(connection);
	}
}

static void handle(struct half *half, uint32_t events)
{
	struct connection *connection = half->connection;
	struct half *back = other(half);

	if (connection->dead)
		return;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		half->hangup = true;
	if ((events & EPOLLOUT && back->store && pump(back) < 0) || pump(half) < 0 ||
	    (half->passed_on && back->passed_on))
		bury(connection);
}

static void start_connection(int client, const struct sockaddr_in *upstream)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (!connection || fd < 0)
		err(1, "connection");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)upstream, sizeof(*upstream)) < 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		close(client);
		free(connection);
		return;
	}
	connection->half[0] = (struct half){.connection = connection, .fd = client};
	connection->half[1] = (struct half){.connection = connection, .fd = fd};
	for (int i = 0; i < 2; i++)
		epoll_watch(epoll, connection->half[i].fd,
			    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &connection->half[i]);
}

static void accept_all(int listener, const struct sockaddr_in *upstream)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		start_connection(fd, upstream);
}

int main(int argc, char *argv[])
{
	struct epoll_event events[EVENTS_AT_ONCE];
	struct sockaddr_in upstream;
	int listener;

	if (argc != 5 || (strcmp(argv[3], "copy") != 0 && strcmp(argv[3], "splice") != 0))
		errx(2, "usage: bench_relay PORT UPSTREAM copy|splice BYTES");
	prepare_process();
	upstream = loopback(number_between(argv[2], 1, 65535));
	splicing = !strcmp(argv[3], "splice");
	store_size = number_between(argv[4], 512, 1 << 24);
	epoll = epoll_new();
	listener = tcp_listen(number_between(argv[1], 1, 65535));
	epoll_watch(epoll, listener, EPOLLIN, NULL);
	for (;;) {
		int n = epoll_next(epoll, events, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.ptr)
				handle(events[i].data.ptr, events[i].events);
			else
				accept_all(listener, &upstream);
		free_dead();
	}
}
