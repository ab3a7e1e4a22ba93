/*
 * How a TCP connection can end, as scripts for both of its sides, and what each side saw.
 *
 * A case is two short scripts.  The same case is played over a direct connection and through
 * whatever stands between; a faithful proxy changes nothing either side can see: the bytes, then
 * FIN or RST.  The sides are threads of one process, so a script can wait for the other side
 * (MEET) instead of sleeping.
 *
 * Unix sockets (Linux): SO_LINGER means nothing to them, so RESET is a close, and a close is a FIN:
 * what was sent before it stays readable, as it lies in the reader's own queue.  There is one
 * reset, ECONNRESET to the peer of a socket that is closed with bytes unread.  A proxy that has
 * read all it was sent has therefore no way to pass a reset on, and its FIN must do.
 */
#ifndef TESTS_SUPPORT_ENDINGS_H
#define TESTS_SUPPORT_ENDINGS_H

#include "support/peer.h"

enum ending_act {
	ENDING_DONE,       /* the script is over: close */
	ENDING_SEND,       /* so many bytes */
	ENDING_SEND_ALL,   /* until the other side's reset is noticed, at most n ms */
	ENDING_FLUSH,      /* until the kernel on the other side has all of it */
	ENDING_READ,       /* so many bytes */
	ENDING_READ_END,   /* until FIN or RST */
	ENDING_READ_SLOW,  /* the same, 64 KiB every n ms */
	ENDING_SLEEP,      /* n ms */
	ENDING_MEET,       /* until the other side is at its MEET too */
	ENDING_HALF_CLOSE, /* FIN */
	ENDING_RESET,      /* RST, whatever is still queued */
};

struct ending_step {
	enum ending_act act;
	unsigned n;
};

struct ending_case {
	const char *name;
	struct ending_step client[7], server[7];
	/* How much arrives before a reset overtakes the rest is chance: any prefix will do. */
	bool any_prefix;
	/* The server may see nothing at all, as a client that went away before it was accepted. */
	bool server_optional;
	/* A reset on unix sockets too, unless what stands between has read everything. */
	bool closes_unread;
};

extern const struct ending_case ending_cases[];
extern const unsigned ending_case_count;

/* What one side saw. */
struct ending_seen {
	bool connected;
	uint64_t received;
	bool wrong;        /* a byte that was not sent */
	enum peer_end end; /* of what it received; PEER_OPEN when it did not wait for it */
	bool send_failed;
};

struct ending_result {
	struct ending_seen client, server;
};

/*
 * Play every case, all at the same time.  The server of case i listens on servers[i], its client
 * connects to entrances[i] (the same, or where a proxy leads there).
 */
void endings_play(const char *const *servers, const char *const *entrances,
		  struct ending_result *ret_results);

/*
 * The same, and before its script each client says these bytes, which its server reads and does
 * not count.
 */
void endings_play_behind(const void *first, size_t length, const char *const *servers,
			 const char *const *entrances, struct ending_result *ret_results);

/* "4000 B, FIN", as the table has it. */
#define ENDING_TEXT 64
void ending_describe(const struct ending_case *which, const struct ending_seen *seen,
		     char text[ENDING_TEXT]);
/* Through is what direct is, as far as the case, and on unix sockets the kernel, decides it. */
bool ending_same(const struct ending_case *which, bool is_unix, const struct ending_result *direct,
		 const struct ending_result *through);

#endif
