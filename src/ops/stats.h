/*
 * The counters of one worker.
 *
 * Each has one writer, the worker's own thread, and any number of readers, who
 * see every value some time and none torn.  Counting is a load and a store
 * without a locked instruction; the struct fills its own cache lines, so that
 * workers do not disturb each other.
 *
 * The last two count what cannot happen: exported, worth an alarm.
 */
#ifndef OPS_STATS_H
#define OPS_STATS_H

#include "base/compiler.h"

#include <stdatomic.h>

/* clang-format off */
#define STATS_COUNTERS(X)                                                                          \
	X(accepted,           "connections accepted")                                              \
	X(closed,             "connections ended, whatever the reason")                            \
	X(bytes_up,           "bytes from clients, of proxies those that reached the server")       \
	X(bytes_down,         "bytes sent to clients")                                             \
	X(connect_failed,     "attempts to reach a server that failed")                            \
	X(connect_retried,    "attempts at another server after one had failed")                   \
	X(queued,             "connections that waited for a place at a server")                   \
	X(paused_connections, "times accepting stopped because max_connections was reached")       \
	X(paused_descriptors, "times accepting stopped for want of file descriptors")              \
	X(paused_memory,      "times the kernel had no memory for sockets or requests")             \
	X(paused_ports,       "times no local port was free to connect from")                      \
	X(paused_buffers,     "times reading stopped for want of receive buffers")                 \
	X(paused_rate,        "times accepting was slowed down because accept_rate was reached")   \
	X(paused_accepting,   "times accepting was slowed down because it failed otherwise")       \
	X(accept_errors,      "accepts that failed")                                               \
	X(refused,            "connections reset unserved: too many waited, drained, or it stopped")    \
	X(denied,             "connections refused for what their clients are: allow, deny")           \
	X(client_most,        "connections refused whose client had max_per_client already")        \
	X(client_fast,        "connections refused whose client was faster than client_rate")       \
	X(client_table_full,  "connections let in uncounted, as the table of clients was full")     \
	X(access_dropped,     "access log lines dropped because they could not be written")        \
	X(log_dropped,        "lines of the log dropped because they could not be written")         \
	X(turns,              "turns of the worker loop")                                          \
	X(completions,        "completions taken from the ring")                                   \
	X(buffers_exhausted,  "receives ended by the kernel because no buffer was there")          \
	X(rate_waits,         "times a direction of a connection waited for its rate")               \
	X(queue_full,         "times the submission queue had no entry free")                      \
	X(overflows,          "turns that found the completion queue too short for what came")     \
	X(stale_completions,  "completions for a connection that had ended; expected 0")           \
	X(buffers_missing,    "receive buffers not back when they should be; expected 0")
/* clang-format on */

struct stats {
#define X(name, help) _Atomic uint64_t name;
	STATS_COUNTERS(X)
#undef X
} __attribute__((aligned(64)));

/* Count from the owning thread. */
#define stats_count(stats, counter, amount)                                                        \
	atomic_store_explicit(&(stats)->counter,                                                   \
			      atomic_load_explicit(&(stats)->counter, memory_order_relaxed) +      \
				      (amount),                                                    \
			      memory_order_relaxed)

/* The present value, from any thread. */
#define stats_read(stats, counter) atomic_load_explicit(&(stats)->counter, memory_order_relaxed)

/* Add what source (another thread's) shows now to target (ours). */
void stats_add(struct stats *target, const struct stats *source);

/* For walking over all of them: the table's order, STATS_COUNT of them. */
enum {
#define X(name, help) STATS_INDEX_##name,
	STATS_COUNTERS(X)
#undef X
		STATS_COUNT,
};
const char *stats_name(unsigned index);
const char *stats_help(unsigned index);
uint64_t stats_value(const struct stats *stats, unsigned index);
/* stats_count() for one of them. */
void stats_count_index(struct stats *stats, unsigned index, uint64_t amount);

/* Room for any line stats_format_line() writes. */
#define STATS_LINE_MAX (STATS_COUNT * 48)

/* "accepted=3 closed=3 ..." with every counter; returns line. */
const char *stats_format_line(const struct stats *stats, char *line, size_t size);

#endif
