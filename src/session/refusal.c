#include "session/refusal.h"

#include "loop/loop.h"
#include "loop/socket.h"
#include "session/session.h"

#include <errno.h>

#define GOODBYE_MS 1000

static enum greeted end(struct session *session)
{
	session_end(session, (enum reason)session->end.reason, SIDE_CLIENT, 0);
	return GREETED_OVER;
}

enum greeted refusal_say(struct session *session, enum reason reason, const void *words,
			 uint32_t size)
{
	int fd = session->road.fd[SIDE_CLIENT];

	if (!words || socket_send_last(fd, words, size) != (int)size) {
		session->resetting[SIDE_CLIENT] = true;
		session_end(session, reason, SIDE_CLIENT, 0);
		return GREETED_OVER;
	}
	socket_shut_write(fd);
	session->end.reason = (uint8_t)reason;
	deadline_set(session, DEADLINE_GREETING, session->road.loop->now_ms + GOODBYE_MS);
	return GREETED_MORE;
}

bool refusal_is_said(const struct session *session)
{
	return session->end.reason != REASON_NONE;
}

enum greeted refusal_look(struct session *session, uint32_t length, bool ended, uint32_t *ret_take)
{
	*ret_take = length;
	return ended ? end(session) : GREETED_MORE;
}

enum greeted refusal_late(struct session *session)
{
	return end(session);
}

bool refusal_answer(struct session *session, const void *words, uint32_t size)
{
	int sent = socket_send(session->road.fd[SIDE_CLIENT], words, size);

	if (sent == (int)size)
		return true;
	session->resetting[SIDE_CLIENT] = true;
	session_end(session, reason_of_error(SIDE_CLIENT, sent < 0 ? sent : -EPIPE), SIDE_CLIENT,
		    sent < 0 ? sent : -EPIPE);
	return false;
}
