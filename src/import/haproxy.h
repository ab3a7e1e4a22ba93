/*
 * haproxy.cfg: what its sections have said, until all of them have been read.  A frontend is a
 * proxy, a backend a pool, a listen section a proxy with servers of its own; what defaults
 * say is repeated in each section that they are for, since there may be several.
 */
#ifndef IMPORT_HAPROXY_H
#define IMPORT_HAPROXY_H

#include "import/draft.h"
#include "import/words.h"

/* What a section says once, or its defaults do. */
enum haproxy_value {
	HAPROXY_CONNECT,
	HAPROXY_CLIENT,
	HAPROXY_SERVER,
	HAPROXY_TUNNEL,
	HAPROXY_CLIENT_FIN,
	HAPROXY_SERVER_FIN,
	HAPROXY_QUEUE,
	HAPROXY_CHECK_TIMEOUT,
	HAPROXY_MAXCONN,
	HAPROXY_BACKLOG,
	HAPROXY_BALANCE,
	HAPROXY_CHECK, /* how servers are asked; "" after a way that there is not here */
	HAPROXY_CHECK_REQUEST,
	HAPROXY_CHECK_EXPECT,
	HAPROXY_CHECK_USER,
	/* Of its servers, who have to agree. */
	HAPROXY_INTER,
	HAPROXY_FASTINTER,
	HAPROXY_FALL,
	HAPROXY_RISE,
	HAPROXY_ON_DOWN,
	HAPROXY_VALUE_COUNT,
};

enum haproxy_kind { HAPROXY_DEFAULTS, HAPROXY_FRONTEND, HAPROXY_BACKEND, HAPROXY_LISTEN };

struct haproxy_section {
	enum haproxy_kind kind;
	char name[100];
	bool http; /* mode http */
	bool set[HAPROXY_VALUE_COUNT];
	char values[HAPROXY_VALUE_COUNT][200];
	char default_server[1000]; /* options, as words with blanks between them */
	char backend[100];         /* default_backend */
	unsigned backend_line;
	struct draft_section *draft; /* NULL: defaults */
	unsigned servers, checked, limited;
	unsigned binds, proxied; /* ... that want a PROXY header */
};

struct haproxy {
	struct draft *draft;
	struct haproxy_section **sections;
	size_t count;
	struct haproxy_section *section; /* that is being read; NULL: one of no interest */
	bool global;
	const struct words *words;
};

/* HAProxy's time, of milliseconds, as ours.  False: it is none. */
bool haproxy_time(const char *text, char ours[40]) must_check;
/* The address of a bind or server line as ours; false and why: there is none here. */
bool haproxy_address(const char *text, bool listens, bool both, char ours[300],
		     const char **ret_why) must_check;

/* Those lines. */
void haproxy_server(struct haproxy *haproxy);
void haproxy_default_server(struct haproxy *haproxy);
void haproxy_bind(struct haproxy *haproxy);

/* The line that is being read has no line here. */
void haproxy_miss(struct haproxy *haproxy, const char *why);
/* A value of the section; the second of a section that has to agree is missed. */
void haproxy_say(struct haproxy *haproxy, enum haproxy_value value, const char *text);

#endif
