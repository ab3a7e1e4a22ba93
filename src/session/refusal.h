/*
 * Refusing a client in words of its own protocol: they are said, then the end, and what it says
 * meanwhile is dropped until it ends, too, or for a moment.  Were its socket closed at once, a
 * byte that is on the way would make that a RST, which takes the words back.
 */
#ifndef SESSION_REFUSAL_H
#define SESSION_REFUSAL_H

#include "session/greeting.h"
#include "session/reason.h"

/* For the step that refuses; with NULL it is reset, without a word. */
enum greeted refusal_say(struct session *session, enum reason reason, const void *words,
			 uint32_t size);

/* Whether it has been refused: then its step has nothing to do but these two. */
bool refusal_is_said(const struct session *session);
enum greeted refusal_look(struct session *session, uint32_t length, bool ended, uint32_t *ret_take);
enum greeted refusal_late(struct session *session);

/* To a client before anything else is said to it.  False: its socket has failed, and it is over. */
bool refusal_answer(struct session *session, const void *words, uint32_t size);

#endif
