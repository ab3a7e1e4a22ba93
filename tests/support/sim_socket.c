/* loop/socket.h and loop/wire.h on the sockets of sim_net.c, in place of theirs. */
#include "loop/socket.h"
#include "loop/wire.h"
#include "support/sim.h"
#include "support/sim_strangers.h"

#include <errno.h>
#include <string.h>

#define RTT_US     1000
#define NOTICED_MS 200 /* a failed connect, by a kernel that is as late as it may be */

int socket_open(int family)
{
	static const int errors[] = {-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM};
	struct sim_connection *connection;
	struct sim_file *file;

	if (sim_chance(sim.faults.open))
		return errors[sim_random() % array_size(errors)];
	file = sim_file_new();
	connection = file ? sim_connection_new(false) : NULL;
	if (!connection) {
		if (file)
			file->fd = -1;
		return -EMFILE;
	}
	connection->local = family == AF_UNIX;
	file->connection = connection;
	connection->file = file;
	return file->fd;
}

static void established(void *object)
{
	struct sim_connection *connection = object;

	if (connection->phase != SIM_CONNECTING)
		return;
	connection->phase = SIM_ESTABLISHED;
	connection->established_ns = sim.now_ns;
	if (connection->closed) {
		sim_peer_told_reset(connection);
		return;
	}
	sim_told(connection, true);
	sim_peer_start(connection);
}

static void failed(void *object)
{
	struct sim_connection *connection = object;

	if (connection->phase == SIM_CONNECTING)
		sim_break(connection, -ECONNREFUSED);
}

static void unreachable(void *object)
{
	struct sim_connection *connection = object;

	if (connection->phase == SIM_CONNECTING)
		sim_break(connection, -EHOSTUNREACH);
}

static void unanswered(void *object)
{
	struct sim_connection *connection = object;

	if (connection->phase == SIM_CONNECTING)
		sim_break(connection, -ETIMEDOUT);
}

static int try_connect(int fd, const struct address *address)
{
	struct sim_connection *connection = sim_connected(fd);
	int r = sim.answer(connection, address);

	sim_trace("descriptor %d connects as %u: %s", fd, (unsigned)(connection - sim.connections),
		  strerror(-r));
	connection->gone = r != 0;
	connection->asked_ns = sim.now_ns;
	if (connection->local && r == 0) {
		connection->phase = SIM_ESTABLISHED;
		sim_peer_start(connection);
		return 0;
	}
	if (connection->local)
		return r;
	switch (-r) {
	case 0:
		connection->itself = sim_chance(sim.faults.itself);
		connection->gone = connection->itself;
		connection->port = address->port;
		if (!connection->itself)
			sim_at(sim_soon(), established, connection);
		break;
	case ECONNREFUSED:
		sim_at(sim_soon(), failed, connection);
		break;
	case EHOSTUNREACH:
		sim_at(sim_soon() + sim_random() % (3000 * SIM_MS), unreachable, connection);
		break;
	case ETIMEDOUT: /* a black hole: all six SYNs go unanswered */
		sim_at(sim.now_ns + 127000 * SIM_MS, unanswered, connection);
		break;
	default:
		return r;
	}
	return -EINPROGRESS;
}

int socket_connect(int fd, const struct address *address)
{
	int r = try_connect(fd, address);

	sim_turns_preempt();
	return r;
}

/* Of two sources the first is sometimes not to be had. */
int socket_depart(int fd, uint32_t mark, const char *interface, const struct address *source)
{
	(void)mark;
	(void)interface;
	sim_trace("descriptor %d comes from %s", fd, source ? "an address" : "anywhere");
	return source && source->u.in.sin_addr.s_addr == htonl(SIM_SOURCE_LAME) && fd % 3 == 0
		       ? -ENXIO
		       : 0;
}

/* No section of a simulated daemon leads to another. */
bool socket_is_own(const struct address *address)
{
	(void)address;
	return false;
}

int socket_label(int fd, const char *name)
{
	sim_fail("descriptor %d is named %s", fd, name);
}

size_t socket_peer_label(int fd, char ret_name[SOCKET_LABEL_MAX])
{
	(void)ret_name;
	sim_fail("the name of descriptor %d's peer is asked for", fd);
}

/* Servers are on this machine, each at a port of its own. */
bool socket_peer_process(int fd, uid_t *ret_uid, pid_t *ret_pid)
{
	(void)fd;
	*ret_uid = 0;
	*ret_pid = 1;
	return true;
}

void socket_name(int fd, struct sockaddr_in6 *ret_name)
{
	const struct sim_connection *connection = sim_connected(fd);
	struct sockaddr_in name = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)(connection->itself ? connection->port : 40000 + fd)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	*ret_name = (struct sockaddr_in6){0};
	memcpy(ret_name, &name, sizeof(name));
}

void socket_tune(int fd, int family, const struct config_settings *settings)
{
	if (sim_connected(fd)->local != (family == AF_UNIX))
		sim_fail("descriptor %d is tuned for another family", fd);
	if (sim_connected(fd)->itself)
		sim_fail("descriptor %d has met itself, and is used", fd);
	(void)settings;
}

static void set_ack_held(int fd, bool held)
{
	struct sim_file *file = sim_file_of(fd);

	if (!file)
		sim_fail("the acknowledgements of descriptor %d, which is not open", fd);
	file->ack_held = held;
}

void socket_limit_unsent(int fd, uint32_t bytes)
{
	(void)bytes; /* what a simulated kernel queues is little anyway */
	if (!sim_file_of(fd))
		sim_fail("descriptor %d is limited", fd);
}

void socket_hold_ack(int fd)
{
	set_ack_held(fd, true);
}

void socket_release_ack(int fd)
{
	set_ack_held(fd, false);
}

int socket_accept(int fd)
{
	struct sim_file *file = sim_file_of(fd);

	if (!file || !file->listener)
		sim_fail("accept4(2) on descriptor %d, which is no listening socket", fd);
	return sim_accept(file->listener);
}

static void set_corked(struct sim_file *file, bool corked)
{
	sim.corked_count[sim.turn] += (uint32_t)corked - (uint32_t)file->corked;
	file->corked = corked;
}

int socket_send(int fd, const void *bytes, uint32_t size)
{
	struct sim_connection *connection = sim_connected(fd);
	int r = sim_send_fault(connection);

	if (r == 0)
		r = sim_write(connection, bytes, size);
	sim_trace("send %d, in words of ours: %d of %u", fd, r, size);
	return r;
}

int socket_send_last(int fd, const void *bytes, uint32_t size)
{
	struct sim_connection *connection = sim_connected(fd);
	int r = sim_send_fault(connection);

	if (r == 0)
		r = sim_write(connection, bytes, size);
	sim_trace("send %d, the last: %d of %u", fd, r, size);
	set_corked(connection->file, r == (int)size);
	sim.corked_ever |= r == (int)size;
	return r;
}

void socket_shut_write(int fd)
{
	struct sim_connection *connection = sim_connected(fd);

	set_corked(connection->file, false);
	if (connection->shut_write || connection->phase == SIM_DEAD)
		return;
	if (connection->phase == SIM_CONNECTING)
		sim_fail("descriptor %d is shut down before its connect has ended", fd);
	sim_trace("descriptor %d: FIN after %llu bytes", fd,
		  (unsigned long long)connection->out.written);
	sim_check_fin(connection);
	connection->shut_write = true;
	connection->out.fin = true;
	sim_flow_kick(&connection->out);
	sim_told(connection, true);
}

void socket_shut_both(int fd)
{
	struct sim_connection *connection;

	if (fd < 0)
		return;
	connection = sim_connected(fd);
	if (connection->refused_ns && sim.now_ns > connection->refused_ns + NOTICED_MS * SIM_MS)
		sim_fail("the connect of descriptor %d failed %llu ms ago", fd,
			 (unsigned long long)((sim.now_ns - connection->refused_ns) / SIM_MS));
	sim_life_given_up(connection);
	if (connection->phase == SIM_CONNECTING) {
		sim_break(connection, -ECONNRESET);
		return;
	}
	socket_shut_write(fd);
	connection->shut_read = true;
	sim_told(connection, true);
}

void socket_linger_none(int fd)
{
	sim_connected(fd)->linger_none = true;
}

int socket_receive(int fd, void *bytes, uint32_t size)
{
	struct sim_connection *connection = sim_connected(fd);
	int r = sim_readable(connection);

	for (uint32_t i = 0; i < sim.op_top; i++)
		if (sim.ops[i].used && sim.ops[i].file == connection->file &&
		    sim.ops[i].sqe.opcode == IORING_OP_RECV)
			sim_fail("descriptor %d is received from twice", fd);
	if (r > 0) {
		r = (uint32_t)r < size ? r : (int)size;
		sim_take(connection, bytes, (uint32_t)r);
	}
	sim_trace("recv %d: %d", fd, r);
	return r;
}

int socket_peek(int fd)
{
	struct sim_connection *connection = sim_connected(fd);
	bool marked = connection->in.marked;
	int r = sim_readable(connection);

	connection->in.marked = marked;
	sim_trace("peek %d: %d", fd, r);
	return r < 1 ? r : 1;
}

uint32_t socket_room(int fd, uint32_t pieces)
{
	const struct sim_connection *connection = sim_connected(fd);
	const struct sim_flow *flow = &connection->out;

	if (pieces == 0)
		sim_fail("room on descriptor %d for no piece", fd);
	if (connection->phase == SIM_CONNECTING)
		return 0;
	if (connection->phase == SIM_DEAD)
		return 1;
	return flow->send_room - (uint32_t)(flow->written - flow->acked);
}

uint32_t socket_unacknowledged(int fd)
{
	const struct sim_connection *connection = sim_connected(fd);
	const struct sim_flow *flow = &connection->out;

	/* What a reset socket had queued is never acknowledged, and counts for ever. */
	return (uint32_t)(flow->written - flow->acked) + (flow->fin && !flow->fin_acked);
}

enum socket_phase socket_phase(int fd)
{
	const struct sim_connection *connection = sim_connected(fd);

	if (connection->local)
		return SOCKET_CONNECTED;
	switch (connection->phase) {
	case SIM_CONNECTING:
		return SOCKET_CONNECTING;
	case SIM_DEAD:
		return SOCKET_DEAD;
	case SIM_ESTABLISHED:
		break;
	}
	return SOCKET_CONNECTED;
}

bool socket_is_gone(int fd)
{
	return sim_connected(fd)->phase == SIM_DEAD;
}

bool socket_is_unix(int fd)
{
	return sim_connected(fd)->local;
}

void socket_shut_read(int fd)
{
	sim_fail("descriptor %d, which is no unix socket, is shut for reading", fd);
}

int64_t socket_silent_ms(int fd)
{
	return sim_connected(fd)->vanished ? 3600000 : 0;
}

bool wire_look(int fd, struct wire *ret_wire)
{
	*ret_wire = (struct wire){0};
	if (sim_connected(fd)->local)
		return false;
	ret_wire->rtt_us = ret_wire->rtt_min_us = RTT_US;
	return true;
}

void socket_peer(int fd, struct sockaddr_in6 *ret_client)
{
	sim_strangers_address(sim_connected(fd), ret_client);
}

static void close_connection(struct sim_connection *connection)
{
	bool unread = sim_has_unread(connection);
	bool checked = connection->left;

	connection->left = false;
	connection->closed = true;
	if (connection->phase == SIM_DEAD)
		return;
	if (connection->phase == SIM_CONNECTING) {
		connection->phase = SIM_DEAD;
		return;
	}
	if (connection->linger_none || unread) {
		if (!checked)
			sim_check_reset(connection);
		connection->phase = SIM_DEAD;
		connection->in.cut = connection->out.cut = true;
		sim_wake_connection(connection);
		sim_at(sim_soon(), sim_peer_told_reset, connection);
		return;
	}
	if (!connection->shut_write) {
		if (!checked)
			sim_check_fin(connection);
		connection->shut_write = connection->out.fin = true;
	}
	sim_flow_kick(&connection->out);
}

/* Operations hold it: the peer is told when they are gone, with the ring. */
static void leave(struct sim_connection *connection)
{
	connection->left = true;
	if (connection->phase != SIM_ESTABLISHED)
		return;
	if (connection->linger_none || sim_has_unread(connection))
		sim_check_reset(connection);
	else if (!connection->shut_write)
		sim_check_fin(connection);
}

static bool is_held(const struct sim_connection *connection)
{
	for (uint32_t i = 0; i < sim.op_top; i++)
		if (sim.ops[i].used && sim.ops[i].file && sim.ops[i].connection == connection)
			return true;
	return false;
}

void sim_left(void)
{
	for (uint32_t i = 0; i < sim.connection_count; i++)
		if (sim.connections[i].left && !is_held(&sim.connections[i]))
			close_connection(&sim.connections[i]);
}

void socket_close(int fd)
{
	struct sim_file *file = sim_file_of(fd);

	if (!file)
		sim_fail("descriptor %d is closed, but it is not open", fd);
	if (file->connection && file->connection->itself && !file->connection->linger_none)
		sim_fail("descriptor %d has met itself, and its port stays taken", fd);
	if (file->ack_held && file->connection->phase == SIM_ESTABLISHED &&
	    file->connection->linger_none && file->connection->out.written == 0)
		sim_fail("descriptor %d is reset before its server has heard of it", fd);
	sim_trace("descriptor %d: close%s", fd,
		  file->connection && file->connection->linger_none ? " with a RST" : "");
	sim_check_close(file);
	if (file->connection && file->uses)
		leave(file->connection);
	else if (file->connection)
		close_connection(file->connection);
	if (file->connection)
		file->connection->file = NULL;
	file->fd = -1;
	if (file->listener && file->uses == 0)
		sim_close_listener(file->listener);
}

/* Nobody is there any more who could see that nothing comes. */
void socket_reject(int fd, enum config_reject how)
{
	if (how != CONFIG_REJECT_FIN)
		socket_linger_none(fd);
	socket_close(fd);
}

int socket_error(int fd)
{
	return sim_take_error(sim_connected(fd));
}

/* ---- Pipes ----------------------------------------------------------------------------------- */

int socket_pipe(int ret_fds[2], uint32_t size, uint32_t *ret_size)
{
	struct sim_file *read_end, *write_end;

	if (sim.pipe_count == SIM_PIPES || sim_chance(sim.faults.open))
		return -EMFILE;
	read_end = sim_file_new();
	write_end = read_end ? sim_file_new() : NULL;
	if (!write_end) {
		if (read_end)
			read_end->fd = -1;
		return -EMFILE;
	}
	read_end->pipe = write_end->pipe = &sim.pipes[sim.pipe_count++];
	*read_end->pipe = (struct sim_pipe){.size = size};
	ret_fds[0] = read_end->fd;
	ret_fds[1] = write_end->fd;
	*ret_size = size;
	return 0;
}

/* As tcp_splice_read() has it, which goes no further than urgent data, whatever lies behind. */
static int splice_stopped(struct sim_connection *from)
{
	int error = sim_take_error(from);

	if (error)
		return error;
	if (from->in.fin_arrived || from->shut_read || from->phase == SIM_DEAD)
		return 0;
	return -EAGAIN;
}

static int splice_in(struct sim_connection *from, struct sim_pipe *pipe, uint32_t count)
{
	int r;

	if (from->in.marked && from->in.mark == from->in.read)
		return splice_stopped(from);
	if (sim_chance(sim.faults.early))
		return sim_chance(2) ? 0 : -EAGAIN;
	r = sim_readable(from);
	if (r <= 0)
		return r;
	if (pipe->held == pipe->size || pipe->slot_count == SIM_SLOTS)
		return -EAGAIN;
	if (count > (uint32_t)r)
		count = (uint32_t)r;
	if (count > pipe->size - pipe->held)
		count = pipe->size - pipe->held;
	if (sim_chance(4))
		count = sim_between(1, count);
	if (pipe->held && (pipe->from != from || pipe->first + pipe->held != from->in.read))
		sim_fail("bytes are added to a pipe that holds others");
	if (!pipe->held)
		pipe->first = from->in.read;
	pipe->from = from;
	pipe->held += count;
	pipe->slots[pipe->slot_count++] = count;
	from->in.read += count;
	from->moved_ns = sim.now_ns;
	sim_flow_kick(&from->in);
	sim_peer_wake(from);
	return (int)count;
}

static int splice_out(struct sim_pipe *pipe, struct sim_connection *to, uint32_t count)
{
	int room = pipe->held ? sim_room(to) : -EAGAIN;
	uint32_t left;

	if (room < 0)
		return room;
	if (count > (uint32_t)room)
		count = (uint32_t)room;
	if (count > pipe->held)
		count = pipe->held;
	sim_check_splice(to, pipe);
	pipe->first += count;
	pipe->held -= count;
	for (left = count; left > 0;) {
		uint32_t part = left < pipe->slots[0] ? left : pipe->slots[0];

		left -= part;
		pipe->slots[0] -= part;
		if (pipe->slots[0] == 0)
			memmove(pipe->slots, pipe->slots + 1,
				--pipe->slot_count * sizeof(pipe->slots[0]));
	}
	sim_put(to, count);
	return (int)count;
}

int socket_splice(int from, int to, uint32_t count)
{
	struct sim_file *source = sim_file_of(from), *sink = sim_file_of(to);
	int r = -EBADF;

	if (!source || !sink || count == 0)
		sim_fail("splice(2) of %u bytes from %d to %d", count, from, to);
	if (source->connection && sink->pipe)
		r = splice_in(source->connection, sink->pipe, count);
	else if (source->pipe && sink->connection)
		r = splice_out(source->pipe, sink->connection, count);
	sim_trace("splice %d to %d: %d", from, to, r);
	return r;
}
