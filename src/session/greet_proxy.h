/*
 * The step of the greeting in which a proxy in front of us says who the client is: a PROXY
 * header (greet/proxy_header.h) before the client's own bytes.
 *
 *   a peer that accept_proxy_from names    a header has to come: its client is the client
 *   another, accept_proxy_others = reject  is refused as soon as it is accepted
 *   another, ...                 = plain   is a client itself, and nothing is read as a header
 *
 * So nobody says who he is but those who are believed, and whoever is believed has to say it.
 * From then on the client is whom the header names: for allow and deny, limits, balance and
 * records; only `client_real` is the proxy.  A header that names nobody (a check of the
 * proxy's own) leaves the client as it is.
 *
 * A connection that ends before it has said anything is a check, too: it is counted, and there
 * is no line for it anywhere.
 */
#ifndef SESSION_GREET_PROXY_H
#define SESSION_GREET_PROXY_H

#include "base/compiler.h"

#include "session/reason.h"

struct arrival;
struct section;
struct session;

/* For the main thread: what the section's configuration says of that.  0 or -ENOMEM. */
int greet_proxy_build(struct section *section) must_check;
void greet_proxy_done(struct section *section);

/* Whether it has to send a header. */
bool greet_proxy_is_expected(const struct section *section, const struct arrival *peer);
/* ... and others are no clients. */
bool greet_proxy_rejects_others(const struct section *section);

#endif
