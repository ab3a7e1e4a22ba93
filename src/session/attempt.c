#include "session/attempt.h"

#include "loop/loop.h"
#include "loop/socket.h"
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

int attempt_begin(struct session *session)
{
	const struct server *server = session->reach->server;
	const struct address *address = &server->address;
	sa_family_t family = address->u.any.sa_family;
	int fd = socket_open(family), r;

	if (fd < 0)
		return fd;
	session->road.fd[SIDE_UPSTREAM] = fd;
	if (family != AF_UNIX)
		handshake_begin(session);
	else if (server_may_return(server))
		hop_name(session, fd);
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
