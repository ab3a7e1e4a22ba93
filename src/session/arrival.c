#include "session/arrival.h"

#include "base/address.h"
#include "loop/socket.h"

void arrival_said(struct arrival *ret_arrival, const struct sockaddr_in6 *peer)
{
	*ret_arrival = (struct arrival){.peer = *peer, .uid = (uid_t)-1};
	ret_arrival->is_inet = cidr_number_of((const struct sockaddr *)peer, &ret_arrival->address);
}

void arrival_look(struct arrival *ret_arrival, int fd)
{
	struct sockaddr_in6 peer;
	pid_t pid;

	socket_peer(fd, &peer);
	arrival_said(ret_arrival, &peer);
	if (peer.sin6_family == AF_UNIX)
		(void)socket_peer_process(fd, &ret_arrival->uid, &pid);
}

const char *arrival_text(const struct arrival *arrival, char *text, size_t size)
{
	socklen_t length =
		arrival->is_inet ? sizeof(arrival->peer) : sizeof(arrival->peer.sin6_family);

	return address_format_socket((const struct sockaddr *)&arrival->peer, length, text, size);
}
