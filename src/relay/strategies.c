/*
 * The relay strategies there are, and what was tried to make them cheaper.
 *
 * CPU per request (HTTP, 64 kept connections), per connection (one request each)
 * or per GiB, as a ratio to the daemon without the change: both builds on one CPU
 * in slices of 60 or 100 ms by turns, 40 to 80 pairs; what differs by less than
 * 0.01 does not differ.  With a star: prototypes, as ratios to an epoll loop, with
 * the change and (without).  Linux 6.18, loopback.
 *
 *   kept
 *     several completions at once (loop/coalesce.h), where
 *         servers take 5 ms: 1.04 times the latency (p50)     message     0.74-0.90
 *     bulk that gathers a while (lane/rest.h)                  GiB         0.73-0.97
 *         the machine as a whole                              GiB         0.82-0.90
 *     multishot receives with a budget, not single ones       request     0.92
 *     the handshake's ACK waits for the request (handshake.h)  connection  0.92
 *     an answer and its FIN in one packet (send.c)       connection  0.98
 *     bundles only where a buffer was filled, not always      request     0.99
 *     sends that are silent when they succeed (silent.h)       request     1.00
 *     connect(2), both receives at once, no OP_CONNECT        connection  0.88 (0.92) *
 *     bundles                                                 GiB         0.57 (1.18) *
 *     splice(2) through pooled pipes, for bulk                GiB         0.51 (0.74) *
 *
 *   not kept
 *     files registered for the sends of kept connections      request     1.00
 *     buffers that do not share the sets of the cache         request     1.00
 *     sessions fetched into the cache before their turn       request     1.01-1.02
 *     16 buffers with the kernel at first, not 128            request     1.01
 *     busy_poll of 20 us                                      request     1.07
 *     POLL_FIRST on every receive                             connection  1.00
 *     no TCP_NODELAY towards the server                       connection  1.00
 *     TCP_QUICKACK off until the server answers               connection  0.96
 *     ... for good, but then a server that answers in two
 *         small pieces waits 40 ms                            connection  0.92
 *     direct descriptors: OP_SHUTDOWN needs a kernel thread   connection  1.06 (0.92) *
 *     incremental buffers, 1,000 connections, but one
 *         stalled reader pins a whole buffer                  request     0.87 (0.95) *
 *     fixed buffers, each send linked to a receive, but a
 *         buffer for every direction that is armed            request     0.94 (0.96) *
 *     send(2) instead of an operation                         request     1.01 (0.96) *
 *     to wait for 16 completions or 50 us, always             request     1.06 (0.96) *
 *     to wait for half of all connections that said
 *         something lately: 20,000 requests a second, sent
 *         at random, are answered after 1.3 times the time    request     0.66
 *     ... that are waited for, where the worker sleeps
 *         often or a connection's messages are far apart:
 *         2.1-3.1 times the time (echo, 20 and 50 % of a
 *         closed loop's rate)                                 message     0.69-0.88
 *     ... in a closed loop, 64 and 1,000 connections          request     0.98-1.03
 *     ... in a closed loop, where each completion by itself
 *         would wake the worker                               request     0.58-0.81
 *     bulk gathers, but the whole worker waits                GiB         0.69-0.92
 *     ... each direction with a timer of its own, 8 streams   GiB         1.01
 *     ... but rests in vain become dear                       GiB         0.97-0.98
 *     OP_SPLICE: always a kernel thread                       GiB         0.62 (0.53) *
 *     SEND_ZC: over loopback always copied                    request     1.07 (0.96) *
 *
 * Where one message comes at a time, 80 % of the CPU lies below tcp_sendmsg() and
 * tcp_recvmsg(), as in any loop on epoll, and nothing done about the rest gains much.
 * But much of that is waking up the peer, and cold caches: what helps is to do many
 * messages in a row.
 */
#include "relay/strategies.h"

const struct strategy *strategy(enum config_relay relay)
{
	static const struct strategy *const strategies[] = {
#define X(NAME, name) [CONFIG_RELAY_##NAME] = &relay_##name,
		CONFIG_RELAYS(X)
#undef X
	};

	assert(relay < CONFIG_RELAY_COUNT);
	return strategies[relay];
}
