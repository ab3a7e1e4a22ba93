#include "session/attempt.h"

#include "loop/loop.h"
#include "loop/socket.h"
#include "pool/departure.h"
#include "pool/server.h"
#include "session/handshake.h"
#include "session/hop.h"
#include "session/reach.h"
#include "session/session.h"

#include "base/endpoint.h"

#include <errno.h>
#include <string.h>

#define LOOK_MS 1000 /* between looks whether an address is this machine's by now */

/*
 * What there is to see of a connect that has begun: whether it meets itself.
 *
 * A connect to a port of this machine where nobody listens may be given that very port to come
 * from: it meets itself and succeeds, the client gets its own bytes back, and the server cannot
 * have its port again.  And what goes to this machine may be a hop of a chain of sections (hop.h).
 * Other addresses are looked at now and then, because one may move here.
 */
static bool meets_itself(struct session *session, int fd)
{
	struct reach *reach = session->reach;
	const struct address *address = &reach->server->address;
	uint64_t now = session->road.loop->now_ms;
	bool may_return = server_may_return(reach->server);
	struct endpoint from, to;
	struct sockaddr_in6 name;

	endpoint_of(&address->u.any, &to);
	if (!endpoint_is_loopback(&to) && !reach->is_here && now < reach->look_ms)
		return false;
	socket_name(fd, &name);
	endpoint_of((const struct sockaddr *)&name, &from);
	if (endpoint_is_any(&to)) /* the kernel takes it for the address it comes from */
		memcpy(to.address, from.address, sizeof(to.address));
	if (now >= reach->look_ms) {
		/* The kernel comes from the address it goes to, or from another one it has. */
		reach->is_here = endpoint_is_loopback(&to) ||
				 memcmp(from.address, to.address, sizeof(to.address)) == 0 ||
				 (may_return && socket_is_own(address));
		reach->look_ms = now + LOOK_MS;
	}
	if (endpoint_is_same(&from, &to))
		return true;
	if (reach->is_here && may_return)
		hop_note(session, &from, &to);
	return false;
}

/* From there, or from anywhere. */
static int begin_from(struct session *session, const struct way *way, const struct berth *berth)
{
	const struct server *server = session->reach->server;
	const struct address *address = &server->address;
	sa_family_t family = address->u.any.sa_family;
	int fd = socket_open(family), r = 0;

	if (fd < 0)
		return fd;
	session->road.fd[SIDE_UPSTREAM] = fd;
	if (family != AF_UNIX)
		handshake_begin(session);
	else if (server_may_return(server))
		hop_name(session, fd);
	if (unlikely(way))
		r = socket_depart(fd, way->departure->mark, way->departure->interface,
				  berth ? &berth->source->address : NULL);
	if (r == 0)
		r = socket_connect(fd, address);
	if (r < 0 && r != -EINPROGRESS) {
		hop_forget(session);
		socket_close(fd);
		session->road.fd[SIDE_UPSTREAM] = -1;
		return r;
	}
	if (family != AF_UNIX && meets_itself(session, fd)) {
		socket_linger_none(fd); /* or the port would stay taken for a while */
		socket_close(fd);
		session->road.fd[SIDE_UPSTREAM] = -1;
		return -ECONNREFUSED;
	}
	socket_tune(fd, family, session->road.settings);
	return r == 0;
}

/* From one source after the other, until one has a port; they take turns. */
static seldom int begin_by_turns(struct session *session, struct way *way)
{
	uint64_t now_ms = session->road.loop->now_ms;
	uint32_t turn = atomic_fetch_add_explicit(&way->turn, 1, memory_order_relaxed);
	bool lacked_ports = false;
	int r = -EAFNOSUPPORT;

	if (!way->departure->count)
		return begin_from(session, way, NULL);
	for (uint32_t i = 0; i < way->count; i++) {
		struct berth *berth = way_berth(way, turn, i);

		r = begin_from(session, way, berth);
		if (r >= 0) {
			session->berth = berth;
			berth_take(berth, now_ms);
			return r;
		}
		if (r != -EADDRNOTAVAIL && r != -ENXIO)
			return r;
		berth_lacks(berth, r, now_ms);
		lacked_ports |= r == -EADDRNOTAVAIL;
	}
	return lacked_ports ? -EADDRNOTAVAIL : r;
}

int attempt_begin(struct session *session)
{
	struct way *way = server_way(session->reach->server);

	return unlikely(way) ? begin_by_turns(session, way) : begin_from(session, NULL, NULL);
}
