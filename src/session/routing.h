/*
 * The routes of a section, brought to life: which pool a ClientHello leads to.
 */
#ifndef SESSION_ROUTING_H
#define SESSION_ROUTING_H

#include "base/compiler.h"

struct client_hello;
struct edition;
struct section;
struct session;

/* The routes that the section's configuration has; its pools are there.  0 or -ENOMEM. */
int routing_give(struct section *section, const struct edition *edition) must_check;
void routing_take(struct section *section);

enum routed {
	ROUTED,          /* the session's desk is where it goes */
	ROUTED_REJECTED, /* a line says so */
	ROUTED_DROPPED,
	ROUTED_NOWHERE,  /* no line is for it, and the section has no servers besides */
	ROUTED_NAMELESS, /* it asks for no name, and such are rejected */
};

/* Where it goes. */
enum routed routing_follow(struct session *session, const struct client_hello *hello);

#endif
