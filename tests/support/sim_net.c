/*
 * Sockets and the network between them.
 *
 * What is kept of TCP is what an application can see of it: bytes in order,
 * bounded buffers, a FIN behind the last byte, a RST that may overtake what was
 * not received yet, an error that is told to whoever asks first and to nobody
 * after, bytes that were received before a RST and can still be read after it,
 * a close(2) over unread bytes that sends a RST.
 */
#include "support/sim.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

unsigned char sim_byte(uint64_t stream, uint64_t position)
{
	return (unsigned char)((position * 0x9e3779b1u + stream * 0x85ebca6bu) >> 17 ^ position);
}

uint64_t sim_soon(void)
{
	uint64_t most = sim.latency_us;

	if (sim_chance(sim.faults.late))
		most *= 100;
	return sim.now_ns + sim_random() % (most * SIM_US + 1);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

struct sim_file *sim_file_of(int fd)
{
	for (uint32_t i = 0; i < sim.file_count; i++)
		if (sim.files[i].fd == fd && fd >= 0)
			return &sim.files[i];
	return NULL;
}

/* The lowest free number, as in the kernel, on a file nobody holds any more. */
struct sim_file *sim_file_new(void)
{
	struct sim_file *file = NULL;
	int fd = SIM_FD_FIRST;

	for (uint32_t i = 0; i < SIM_FILES && !file; i++) {
		if (i == sim.file_count)
			sim.files[sim.file_count++].fd = -1;
		if (sim.files[i].fd < 0 && sim.files[i].uses == 0)
			file = &sim.files[i];
	}
	while (sim_file_of(fd))
		fd++;
	if (!file || fd >= SIM_FD_FIRST + (int)sim.descriptors_max)
		return NULL;
	*file = (struct sim_file){.fd = fd};
	return file;
}

struct sim_connection *sim_connected(int fd)
{
	struct sim_file *file = sim_file_of(fd);

	if (!file || !file->connection)
		sim_fail("a call on descriptor %d, which is no open connection", fd);
	return file->connection;
}

int sim_listen(uint32_t place, uint32_t worker)
{
	struct sim_file *file = sim.listener_count < SIM_LISTENERS ? sim_file_new() : NULL;

	if (!file)
		return -EMFILE;
	file->listener = &sim.listeners[sim.listener_count++];
	file->listener->place = place;
	sim_trace("descriptor %d listens at place %u, for worker %u", file->fd, place, worker);
	file->listener->worker = worker;
	return file->fd;
}

struct sim_listener *sim_listener_of(int fd)
{
	return sim_file_of(fd)->listener;
}

struct sim_connection *sim_connection_new(bool client)
{
	struct sim_connection *connection;

	if (sim.connection_count == SIM_CONNECTIONS)
		return NULL;
	connection = &sim.connections[sim.connection_count++];
	*connection = (struct sim_connection){
		.in.connection = connection,
		.out.connection = connection,
		.client = client,
		.stream = sim_random(),
	};
	connection->in.send_room = sim.scale * sim_between(1, 1500);
	connection->in.receive_room = sim.scale * sim_between(1, 3000);
	connection->out.send_room = sim.scale * sim_between(1, 3000);
	connection->out.receive_room = sim.scale * sim_between(1, 1500);
	return connection;
}

/* ---- Flows ----------------------------------------------------------------------------------- */

static bool is_inward(const struct sim_flow *flow)
{
	return flow == &flow->connection->in;
}

void sim_told(struct sim_connection *connection, bool proxy)
{
	if (!proxy)
		sim_peer_wake(connection);
	else
		sim_wake_connection(connection);
}

static void ack(void *object)
{
	struct sim_flow *flow = object;

	flow->acking = false;
	if (flow->cut || flow->connection->vanished)
		return;
	flow->acked = flow->arrived;
	flow->fin_acked = flow->fin_arrived;
	sim_told(flow->connection, !is_inward(flow));
}

/* Somebody sends to an end that is closed. */
static bool bounces(struct sim_flow *flow)
{
	struct sim_connection *connection = flow->connection;

	if (is_inward(flow) && connection->closed && flow->written > flow->arrived) {
		connection->out.cut = true;
		sim_at(sim_soon(), sim_peer_told_reset, connection);
		return true;
	}
	if (!is_inward(flow) && connection->closed_by_peer && flow->written > flow->arrived) {
		sim_peer_reset(connection);
		return true;
	}
	return false;
}

static void move(void *object)
{
	struct sim_flow *flow = object;
	struct sim_connection *connection = flow->connection;
	uint64_t most = flow->read + flow->receive_room;
	uint64_t before = flow->arrived;

	flow->moving = false;
	if (flow->cut || connection->vanished)
		return;
	if (bounces(flow)) {
		flow->cut = true;
		return;
	}
	if (most > flow->written)
		most = flow->written;
	if (most > flow->arrived)
		flow->arrived += sim_chance(2) ? most - flow->arrived
					       : sim_between(1, (uint32_t)(most - flow->arrived));
	if (flow->fin && flow->arrived == flow->written)
		flow->fin_arrived = true;
	if (flow->arrived == before && !flow->fin_arrived)
		return;
	sim_trace("%s %u: %llu bytes%s have arrived", is_inward(flow) ? "from" : "to",
		  (unsigned)(connection - sim.connections), (unsigned long long)flow->arrived,
		  flow->fin_arrived ? " and the end" : "");
	if (!flow->acking) {
		flow->acking = true;
		sim_at(sim_soon(), ack, flow);
	}
	sim_told(connection, is_inward(flow));
	sim_flow_kick(flow);
}

void sim_flow_kick(struct sim_flow *flow)
{
	bool bytes =
		flow->written > flow->arrived && flow->arrived < flow->read + flow->receive_room;
	bool end = flow->fin && !flow->fin_arrived && flow->written == flow->arrived;

	if (flow->moving || flow->cut || !(bytes || end))
		return;
	flow->moving = true;
	sim_at(sim_soon(), move, flow);
}

void sim_break(struct sim_connection *connection, int error)
{
	if (connection->phase == SIM_DEAD)
		return;
	sim_trace("connection %u: %s", (unsigned)(connection - sim.connections), strerror(-error));
	if (connection->phase == SIM_CONNECTING)
		connection->refused_ns = sim.now_ns;
	connection->phase = SIM_DEAD;
	connection->died_ns = sim.now_ns;
	connection->died_of = error;
	/* As tcp_reset() has it: a socket that has seen the peer's FIN is told EPIPE. */
	connection->error = error == -ECONNRESET && connection->in.fin_arrived ? -EPIPE : error;
	connection->in.cut = connection->out.cut = true;
	connection->in.written = connection->in.arrived;
	sim_told(connection, true);
}

/* ---- What operations do ---------------------------------------------------------------------- */

int sim_take_error(struct sim_connection *connection)
{
	int error = connection->error;

	connection->error = 0;
	return error;
}

bool sim_has_unread(const struct sim_connection *connection)
{
	const struct sim_flow *in = &connection->in;

	return in->arrived > in->read || (in->marked && in->mark == in->read);
}

int sim_readable(struct sim_connection *connection)
{
	struct sim_flow *in = &connection->in;
	int error;

	in->marked = in->marked && in->mark != in->read;
	if (in->arrived > in->read)
		return (int)((in->marked && in->mark < in->arrived ? in->mark : in->arrived) -
			     in->read);
	if (connection->in.fin_arrived) {
		connection->fin_read = true;
		return 0;
	}
	error = sim_take_error(connection);
	if (error)
		return error;
	if (connection->shut_read || connection->phase == SIM_DEAD)
		return 0;
	return -EAGAIN;
}

void sim_take(struct sim_connection *connection, unsigned char *bytes, uint32_t count)
{
	struct sim_flow *flow = &connection->in;

	for (uint32_t i = 0; i < count; i++)
		bytes[i] = connection->script.text
				   ? (unsigned char)connection->script.text[flow->read + i]
				   : sim_byte(connection->stream, flow->read + i);
	flow->read += count;
	connection->moved_ns = sim.now_ns;
	sim_flow_kick(flow);
	sim_peer_wake(connection);
}

/* Bytes the socket would take, or a negative errno. */
int sim_room(struct sim_connection *connection)
{
	const struct sim_flow *flow = &connection->out;
	uint64_t room = flow->send_room - (flow->written - flow->acked);
	int error;

	if (connection->shut_write)
		return -EPIPE;
	if (connection->takes_no_more)
		return -EPIPE;
	if (connection->local && connection->phase == SIM_DEAD)
		return -EPIPE; /* unix sockets keep the error for the receiver */
	error = sim_take_error(connection);
	if (error)
		return error;
	if (connection->phase == SIM_DEAD)
		return -EPIPE;
	if (connection->phase == SIM_CONNECTING || room == 0)
		return -EAGAIN;
	return (int)room;
}

void sim_put(struct sim_connection *connection, uint32_t count)
{
	connection->out.written += count;
	connection->moved_ns = sim.now_ns;
	sim_flow_kick(&connection->out);
}

int sim_write(struct sim_connection *connection, const unsigned char *bytes, uint32_t count)
{
	int room = sim_room(connection);

	if (room < 0)
		return room;
	if (count > (uint32_t)room)
		count = (uint32_t)room;
	sim_check_bytes(connection, connection->out.written, bytes, count);
	sim_put(connection, count);
	return (int)count;
}

uint32_t sim_poll_events(const struct sim_connection *connection)
{
	const struct sim_flow *in = &connection->in, *out = &connection->out;
	uint32_t events = 0;

	if (connection->phase == SIM_CONNECTING)
		return 0;
	if (in->arrived > in->read || in->fin_arrived || connection->phase == SIM_DEAD)
		events |= POLLIN;
	if (in->fin_arrived || connection->phase == SIM_DEAD)
		events |= POLLRDHUP;
	if (connection->phase == SIM_DEAD)
		events |= POLLHUP | POLLOUT;
	if (in->fin_arrived && connection->shut_write)
		events |= POLLHUP;
	if (connection->error)
		events |= POLLERR;
	if (out->send_room > out->written - out->acked)
		events |= POLLOUT;
	return events;
}

/* ---- Accepting ------------------------------------------------------------------------------- */

void sim_arrive(void *object)
{
	struct sim_connection *connection = object;
	uint32_t from = sim.listener_count > 1 ? sim_random() % sim.listener_count : 0;

	for (uint32_t i = 0; i < sim.listener_count; i++) {
		struct sim_listener *listener = &sim.listeners[(from + i) % sim.listener_count];

		if (listener->place != connection->place || listener->closed ||
		    listener->waiting > listener->room)
			continue;
		connection->phase = SIM_ESTABLISHED;
		connection->through = listener;
		listener->backlog[listener->waiting++] = connection;
		sim_peer_start(connection);
		for (uint32_t f = 0; f < sim.file_count; f++)
			if (sim.files[f].listener == listener)
				sim_wake(&sim.files[f]);
		return;
	}
	connection->gone = true; /* refused */
	connection->phase = SIM_DEAD;
}

int sim_accept(struct sim_listener *listener)
{
	struct sim_connection *connection;
	struct sim_file *file;

	if (listener->waiting == 0)
		return -EAGAIN;
	file = sim_file_new();
	if (!file)
		return -EMFILE;
	connection = listener->backlog[0];
	memmove(listener->backlog, listener->backlog + 1,
		--listener->waiting * sizeof(*listener->backlog));
	file->connection = connection;
	connection->file = file;
	sim_trace("client %u is descriptor %d", (unsigned)(connection - sim.connections), file->fd);
	return file->fd;
}

void sim_close_listener(struct sim_listener *listener)
{
	sim_check_leaving(listener);
	listener->closed = true;
	for (uint32_t i = 0; i < listener->waiting; i++) {
		listener->backlog[i]->phase = SIM_DEAD;
		sim_at(sim_soon(), sim_peer_told_reset, listener->backlog[i]);
	}
	listener->waiting = 0;
}
