/*
 * What is to be seen of a session from outside, as plain data that holds on to nothing: it
 * may be looked at in another thread, when the session and its edition are long gone.
 */
#ifndef SESSION_GLANCE_H
#define SESSION_GLANCE_H

#include "lane/road.h"
#include "session/reason.h"

#include <netinet/in.h>

struct server;
struct session;

/* Texts longer than that are cut. */
#define GLANCE_PROXY_MAX    44
#define GLANCE_LISTENER_MAX 120
#define GLANCE_SERVER_MAX   160
#define GLANCE_SNI_MAX      256
#define GLANCE_ALPN_MAX     80

/* A row of a list. */
struct glance {
	uint64_t id;
	uint64_t edition;
	uint32_t worker;
	uint32_t attempts;   /* servers tried in this round */
	const char *state;   /* its phase's name; static */
	uint64_t now_ms;     /* when it was looked at, by clock_now_ms() */
	uint64_t started_ms; /* ... when it came */
	uint64_t active_ms;  /* ... when a byte last moved */
	uint64_t bytes_up;   /* as its record would have them */
	uint64_t bytes_down; /* likewise */
	uint32_t unsent_up;  /* bytes that we have of the client, and the server's socket has not */
	uint32_t unsent_down;       /* the other way */
	uint8_t reason;             /* enum reason: why it ended, or REASON_NONE */
	struct sockaddr_in6 client; /* AF_INET, AF_INET6, AF_UNIX (no name) or 0 */
	char proxy[GLANCE_PROXY_MAX];
	char listener[GLANCE_LISTENER_MAX];
	char server[GLANCE_SERVER_MAX]; /* it has, or tries; "": none so far */
	char pool[GLANCE_PROXY_MAX];    /* that has the servers; "": none so far */
	char sni[GLANCE_SNI_MAX];       /* what it asked for in TLS, as its record has it; "" */
	char alpn[GLANCE_ALPN_MAX];
};

/* One direction of it. */
struct glance_lane {
	uint8_t state;           /* enum lane_state */
	uint32_t unsent;         /* bytes that wait here for its sink */
	uint32_t unacknowledged; /* bytes that the kernel has for its sink, as far as it tells */
	int broken;              /* negative errno that ended its source, or 0 */
	bool starved;            /* it waits for a buffer */
	bool rests;              /* it lets bulk gather */
	bool paced;              /* its source has more than its rate lets through */
};

#define GLANCE_NEVER UINT64_MAX

/* What it is doing, and what it waits for: all that there is to say of why. */
struct glance_detail {
	bool service;     /* it has no server */
	uint32_t servers; /* that are known */
	struct glance_lane lanes[LANE_COUNT];
	bool attempting;     /* a connect is under way ... */
	uint64_t attempt_ms; /* ... since then */
	int connect_error;   /* negative errno of the last attempt that failed, or 0 */
	int lacks;           /* negative errno of a shortage met in this round, or 0 */
	bool in_line;        /* it stands in line for that */
	bool queued;         /* it waits for a place at a server, or to be sent to another, */
	bool to_retry;       /* ... for that */
	uint32_t before;     /* ... behind so many of its worker's */
	uint64_t queued_ms;  /* ... since then */
	char pool[GLANCE_PROXY_MAX];
	bool agreeing;           /* the server has been asked for TLS, and has not answered */
	const char *awaited;     /* of the client, in words, while it greets; static */
	const char *awaited_key; /* ... and the key that says for how long */
	bool half_closed;        /* half_close_timeout governs it, not idle_timeout */
	uint32_t in_flight;      /* operations */
	/* In so many milliseconds, or GLANCE_NEVER: when these would end it, or the attempt. */
	uint64_t greeting_left_ms, request_left_ms, connect_left_ms, retry_left_ms, queue_left_ms,
		lifetime_left_ms, quiet_left_ms;
};

/* Who is meant; all zeroes: everybody. */
struct glance_filter {
	const char *proxy, *server, *listener, *state; /* NULL: any */
	uint64_t edition;                              /* 0: any */
	const struct server *serves; /* NULL: any; it is not looked into, and may be gone */
	enum { GLANCE_ANY, GLANCE_UNIX, GLANCE_INET } client;
	unsigned char address[16]; /* GLANCE_INET: as struct endpoint has it ... */
	unsigned bits;             /* ... of which so many count */
	uint16_t port;             /* 0: any */
};

/* For the session's worker. */
bool glance_matches(struct session *session, const struct glance_filter *filter);
void glance(struct session *session, struct glance *ret_glance);
void glance_closely(const struct session *session, struct glance_detail *ret_detail);

/* Whether any session can be in a state of that name. */
bool glance_is_state(const char *name);

#endif
