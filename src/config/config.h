/*
 * The configuration: plain data, complete and valid once config_load() returned
 * 0, and never written again.  What a key may hold, its range, default and help
 * are rows of the table in schema.c; the reading of the file is in reader.c.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/address.h"
#include "base/compiler.h"
#include "config/value.h"
#include "greet/route.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/types.h>

enum config_auto { CONFIG_AUTO, CONFIG_ON, CONFIG_OFF };
enum config_sandbox { CONFIG_SANDBOX_ON, CONFIG_SANDBOX_OFF };

/* The services, by the word that begins their sections: service_NAME of service/NAME.c. */
#define CONFIG_SERVICES(X)                                                                         \
	X(ECHO, echo)                                                                              \
	X(DISCARD, discard)                                                                        \
	X(CHARGEN, chargen)                                                                        \
	X(RESPONDER, responder)

enum config_kind {
	CONFIG_PROXY,
#define X(NAME, name) CONFIG_##NAME,
	CONFIG_SERVICES(X)
#undef X
		CONFIG_KIND_COUNT, /* of those that serve clients */
	CONFIG_CONTROL = CONFIG_KIND_COUNT,
	CONFIG_METRICS,
	CONFIG_POOL,
};

/* The relay strategies, by the word of `relay =`: relay_NAME of relay/. */
#define CONFIG_RELAYS(X)                                                                           \
	X(AUTO, auto)                                                                              \
	X(COPY, copy)                                                                              \
	X(SPLICE, splice)                                                                          \
	X(ZEROCOPY, zerocopy)

enum config_relay {
#define X(NAME, name) CONFIG_RELAY_##NAME,
	CONFIG_RELAYS(X)
#undef X
		CONFIG_RELAY_COUNT,
};
/* What a client sees that is not let in. */
enum config_reject { CONFIG_REJECT_RST, CONFIG_REJECT_FIN, CONFIG_REJECT_DROP };
/* Which PROXY headers: before what a client says, and to servers. */
enum config_accept_proxy {
	CONFIG_ACCEPT_PROXY_OFF,
	CONFIG_ACCEPT_PROXY_V1,
	CONFIG_ACCEPT_PROXY_V2,
	CONFIG_ACCEPT_PROXY_ANY
};
enum config_others { CONFIG_OTHERS_REJECT, CONFIG_OTHERS_PLAIN };
enum config_send_proxy {
	CONFIG_SEND_PROXY_OFF,
	CONFIG_SEND_PROXY_V1,
	CONFIG_SEND_PROXY_V2,
	CONFIG_SEND_PROXY_AS_POOL /* of a server: its line does not say */
};
enum config_if_alive { CONFIG_IF_ALIVE_KEEP, CONFIG_IF_ALIVE_CLOSE };

/* How a server is chosen, by the word of `balance =`: pool/NAME.c. */
#define CONFIG_BALANCES(X)                                                                         \
	X(ROUND_ROBIN, round_robin)                                                                \
	X(LEAST_CONN, least_conn)                                                                  \
	X(RANDOM_TWO, random_two)                                                                  \
	X(SOURCE_HASH, source_hash)                                                                \
	X(LEAST_TIME, least_time)

enum config_balance {
#define X(NAME, name) CONFIG_BALANCE_##NAME,
	CONFIG_BALANCES(X)
#undef X
		CONFIG_BALANCE_COUNT,
};

/* How a server is asked whether it is well, by the word of `check =`. */
#define CONFIG_CHECKS(X)                                                                           \
	X(OFF, off)                                                                                \
	X(TCP, tcp)                                                                                \
	X(HTTP, http)                                                                              \
	X(SEND, send)                                                                              \
	X(REDIS, redis)                                                                            \
	X(MYSQL, mysql)                                                                            \
	X(POSTGRES, postgres)

enum config_check {
#define X(NAME, name) CONFIG_CHECK_##NAME,
	CONFIG_CHECKS(X)
#undef X
		CONFIG_CHECK_COUNT,
};

enum config_on_down { CONFIG_ON_DOWN_KEEP, CONFIG_ON_DOWN_DRAIN, CONFIG_ON_DOWN_RESET };
enum config_on_up { CONFIG_ON_UP_KEEP, CONFIG_ON_UP_RESET };
enum config_family {
	CONFIG_FAMILY_AUTO,
	CONFIG_FAMILY_IPV4,
	CONFIG_FAMILY_IPV6,
	CONFIG_FAMILY_IPV4_FIRST,
	CONFIG_FAMILY_IPV6_FIRST
};

/* Of numbers that have a word for "without a limit", or one for "not at all", besides 0. */
#define CONFIG_RETRIES_ALL       UINT32_MAX
#define CONFIG_PANIC_LAST_RESORT 0
#define CONFIG_PANIC_OFF         UINT32_MAX

#define CONFIG_WEIGHT_MAX 256
/* The priority of a backup: behind every other, which are 0..255. */
#define CONFIG_PRIORITY_BACKUP 256

enum config_level {
	CONFIG_LEVEL_ERROR,
	CONFIG_LEVEL_WARNING,
	CONFIG_LEVEL_INFO,
	CONFIG_LEVEL_DEBUG
};
enum config_access {
	CONFIG_ACCESS_OFF,
	CONFIG_ACCESS_STDERR,
	CONFIG_ACCESS_JOURNAL,
	CONFIG_ACCESS_FILE
};
enum config_format { CONFIG_FORMAT_TEXT, CONFIG_FORMAT_JSON, CONFIG_FORMAT_HAPROXY };

enum config_log_checks { CONFIG_LOG_CHECKS_CHANGES, CONFIG_LOG_CHECKS_ALL };

/* Where a value was set; line 0 for the built-in default. */
struct config_origin {
	unsigned file; /* index into config.files */
	unsigned line;
	bool defaults; /* in [defaults], not in the section itself */
	bool refused;  /* what stands there is a mistake, and has no effect */
};

/* One `listen` or `server` line. */
struct config_endpoint {
	struct address address;
	char *text;     /* as written; of a range of ports, this one */
	char *options;  /* what is written behind it; NULL: nothing */
	mode_t mode;    /* of a unix socket's file */
	uid_t owner;    /* (uid_t)-1: who the daemon runs as */
	gid_t group;    /* (gid_t)-1: likewise */
	bool read_only; /* [control]: GET and HEAD only */
	bool freebind;  /* listen although this machine has not got the address (IP_FREEBIND) */
	bool v6only;    /* of a port of every address, only those of IPv6 */
	bool defer_accept;
	uint8_t tos;                 /* of the connections' packets (IP_TOS, IPV6_TCLASS) */
	uint32_t backlog;            /* 0: as the section has it */
	char interface[IF_NAMESIZE]; /* only what comes in there (SO_BINDTODEVICE); "": anywhere */
	unsigned file;               /* index into config.files */
	unsigned line;

	/* Of a server.  A line that is a name has them for each of its addresses. */
	char *name;        /* NULL: its address; of a name's addresses, what is before "-ADDRESS" */
	uint32_t weight;   /* 0..CONFIG_WEIGHT_MAX; 0: takes no new connections */
	uint32_t priority; /* the lowest that can be had is taken from; CONFIG_PRIORITY_BACKUP */
	uint32_t max_connections; /* 0: off */
	uint32_t slow_start_ms;   /* 0: off */
	uint32_t max_fails;       /* 0: off */
	uint32_t fail_timeout_ms;
	bool disabled;
	uint8_t send_proxy;           /* enum config_send_proxy; CONFIG_SEND_PROXY_AS_POOL */
	uint16_t check_port;          /* 0: its own */
	struct address check_address; /* ADDRESS_NONE: its own; else without a port */
	struct address source;        /* ADDRESS_NONE: the pool's; ADDRESS_ANY: auto */
};

/*
 * What a section's keys govern besides its endpoints.  [defaults] fills one of
 * these and every section below starts from it.  Times are milliseconds, and 0
 * is "never" or "none" unless said otherwise.  Where a value was set is in the
 * section's origins; config_explain() puts both into words.
 */
struct config_settings {
	uint32_t connect_timeout_ms;
	uint32_t idle_timeout_ms;
	uint32_t half_close_timeout_ms;
	uint32_t max_lifetime_ms;
	uint32_t max_lifetime_jitter; /* percent of max_lifetime taken off at random, 0..90 */
	uint32_t keepalive_ms;        /* TCP keepalive: idle time before the first probe */
	uint32_t user_timeout_ms;     /* TCP_USER_TIMEOUT */
	uint32_t idle_if_alive;       /* enum config_if_alive */
	uint32_t relay;               /* enum config_relay */
	uint32_t reject;              /* enum config_reject */
	uint32_t accept_proxy;        /* enum config_accept_proxy */
	uint32_t accept_proxy_others; /* enum config_others */
	uint32_t accept_proxy_timeout_ms;
	uint32_t max_connections; /* of this section; 0: only the global limit */
	uint32_t backlog;
	uint32_t receive_budget;     /* bytes one direction may have waiting */
	uint32_t pipe_size;          /* bytes, of the pipes of relay = splice and auto */
	uint32_t download_rate;      /* bytes a second to the client; 0: as fast as it goes */
	uint32_t upload_rate;        /* ... and from it */
	uint32_t request_timeout_ms; /* CONFIG_RESPONDER */

	/* About clients: what one of them may do, and who is one; and all of them together. */
	uint32_t max_per_client; /* 0: off */
	uint32_t client_prefix_v4, client_prefix_v6;
	struct value_rate client_rate, accept_rate; /* of a count of 0: off */

	/*
	 * About servers, as connect_timeout_ms above is.  Those of a proxy that names a pool, and
	 * of a service, mean nothing: config_pool() has the section whose do.
	 */
	uint32_t balance; /* enum config_balance */
	uint32_t retries; /* further servers after the first; CONFIG_RETRIES_ALL */
	uint32_t retry_timeout_ms;
	uint32_t queue;            /* connections that may wait for a place at a server; 0: off */
	uint32_t queue_timeout_ms; /* 0: as connect_timeout_ms */
	uint32_t send_proxy;       /* enum config_send_proxy */
	uint32_t on_down;          /* enum config_on_down */
	uint32_t on_up;            /* enum config_on_up */
	uint32_t panic; /* CONFIG_PANIC_LAST_RESORT, CONFIG_PANIC_OFF, or percent, 1..100 */
	uint32_t check; /* enum config_check */
	uint32_t check_every_ms;
	uint32_t check_timeout_ms;
	uint32_t check_fall, check_rise;
	uint32_t check_fast_ms; /* 0: auto, a quarter of check_every_ms */
	uint32_t resolve_min_ms, resolve_max_ms;
	uint32_t resolve_hold_ms; /* 0: for ever */
	uint32_t family;          /* enum config_family */
	uint32_t mark;            /* of packets to servers; 0: off */
	char *interface;          /* that connections to them go by; NULL: auto */
	char *check_request;      /* "GET /" */
	char *check_host;         /* these as written; NULL: not given */
	char *check_expect;
	char *check_send;
	char *check_user;
	char *send_proxy_tlv; /* "authority unique_id"; NULL: none */
	char *resolver;       /* ADDRESS:PORT, as address_parse() reads it; NULL: auto */
};

/* A line of a key that may stand several times, and whose order counts: config/repeated.h. */
struct config_line {
	unsigned key; /* index into the table of schema.c */
	char *text;   /* as written */
	struct config_origin origin;
};

enum config_preface { CONFIG_PREFACE_NONE, CONFIG_PREFACE_POSTGRES };

/* Where clients go by what their ClientHello asks for: route_sni, route_alpn. */
struct config_route {
	const struct config_line *line;
	struct route route;                /* what it says lies in the line's text */
	const struct config_section *pool; /* NULL: it refuses them */
};

struct config_section {
	enum config_kind kind;
	char *name;          /* "web" of [proxy web]; the kind's word where none was given */
	char *title;         /* "[proxy web]", as messages name it */
	unsigned file, line; /* where it begins first */
	unsigned last_file, last_line; /* ... and where last: another file may open it again */
	struct config_settings settings;
	struct config_origin *origins; /* one for each row of the table in schema.c */
	struct config_endpoint *listens;
	size_t listen_count;
	bool listens_off;                /* the last line said off: [control], [metrics] */
	struct config_endpoint *servers; /* of a pool, and of a proxy that names none */
	size_t server_count;
	struct config_line *lines; /* of all keys of the kind, in the order of the files */
	size_t line_count;
	char *pool; /* CONFIG_PROXY: by name; NULL: its own servers */

	/* Of a proxy that asks its clients for a ClientHello. */
	uint32_t hello_timeout_ms;
	uint32_t hello_max; /* bytes of handshake */
	uint32_t preface;   /* enum config_preface */
	char *no_sni;       /* as written: a pool's name, reject or drop; NULL: reject */
	struct config_route *routes;
	size_t route_count;
	struct config_route nameless; /* what no_sni says; its line is NULL */
	/*
	 * Where the servers are written that its connections may go to, each once: its own first,
	 * or its pool, if it has them, then those that routes name.
	 */
	const struct config_section **reaches;
	size_t reach_count;
	uint32_t responder_size; /* CONFIG_RESPONDER: bytes in the body */
};

#define CONFIG_WORKERS_MAX 1024

struct config {
	char **files; /* every file read, in order */
	size_t file_count;

	/* [global] */
	uint32_t workers; /* 0: auto */
	enum config_auto sqpoll;
	uint32_t sqpoll_idle_ms;
	uint64_t sqpoll_cpus[16]; /* bit per CPU, 1024 of them; all zero: auto */
	uint64_t cpus[16];        /* where workers are pinned, in order; all zero: not pinned */
	uint32_t busy_poll_us;
	uint32_t coalesce_us;     /* 0: off */
	uint32_t max_connections; /* 0: auto */
	uint64_t client_memory;   /* bytes of the table of clients */
	uint64_t buffer_memory;   /* bytes, all workers together; 0: auto */
	uint32_t buffer_size; /* bytes of one receive buffer; 0: chosen by what the kernel offers */
	uint32_t drain_old_ms;      /* 0: for ever */
	uint32_t drain_timeout_ms;  /* 0: until the last connection has ended */
	uint32_t drain_announce_ms; /* 0: off */
	enum config_sandbox ring_sandbox;
	char *without; /* probed features to do without: "recv-bundle napi"; NULL: none */

	/* [log] */
	enum config_level level;
	enum config_access access;
	char *access_path; /* CONFIG_ACCESS_FILE */
	enum config_format format;
	enum config_log_checks log_checks;
	uint32_t open_every_ms; /* a record of what is still open; 0: none */

	/* [control] and [metrics]: listens, none: off; nothing else of them is used */
	struct config_section control, metrics;

	struct config_section *sections; /* what serves clients */
	size_t section_count;
	struct config_section
		*pools; /* [pool NAME]; proxies with servers of their own are not here */
	size_t pool_count;

	struct config_origin *origins; /* of [global] and [log]; as in the sections */
};

struct report; /* config/report.h */

/*
 * Read path, then path.d/NAME.conf in order of NAME: a later file may open any
 * section again, its scalars replace those before, and its listen and server
 * lines come after those before.  0, or a negative errno: -EINVAL when the files
 * are wrong, or what open or read said of one.  Every mistake is in the report then,
 * and *config is what could be understood, fit only to be judged further: what was
 * refused has its default, and is marked as refused in its origin.  config_done()
 * and report_done() in any case.
 */
int config_load(struct config *config, const char *path, struct report *report) must_check;
/* The same from memory, for tests and fuzzing; name stands for the path in messages. */
int config_parse(struct config *config, const char *name, const char *text, size_t size,
		 struct report *report) must_check;
void config_done(struct config *config);

/* Every section, pools behind those that serve clients; NULL behind the last. */
const struct config_section *config_section_at(const struct config *config, size_t n);

/*
 * Where the server lines of a proxy stand, and the keys about servers: the pool that it
 * names, or itself.
 */
const struct config_section *config_pool(const struct config *config,
					 const struct config_section *proxy);

/* Whether it has servers besides those of its routes: its own, or those of a pool. */
bool config_has_servers(const struct config_section *proxy);

/*
 * The line of that key behind previous, or with NULL the first; NULL: there is none.  The
 * key is one whose lines are kept so (config/repeated.h).
 */
const struct config_line *config_line_of(const struct config_section *section, const char *key,
					 const struct config_line *previous);

/*
 * The key that governs something, for a message about it: "idle_timeout = 1h,
 * [proxy web] line 14", and "line 2 of PATH" where that is not the first file.
 * With section NULL, a key of [global] or [log]; the name is as in the manual
 * and exists.  Returns text.
 */
const char *config_explain(const struct config *config, const struct config_section *section,
			   const char *key, char *text, size_t size);
#define CONFIG_EXPLAIN_MAX 400

/* Where that key has been set.  Arguments as above. */
const struct config_origin *config_origin(const struct config *config,
					  const struct config_section *section, const char *key);

/*
 * What a message about a key begins with: "FILE:LINE: [log] access", or [defaults];
 * without the line where it has its default.  With section NULL, a key of [global]
 * or [log]; the name is as in the manual and exists.  Returns text.
 */
const char *config_place(const struct config *config, const struct config_section *section,
			 const char *key, char *text, size_t size);
#define CONFIG_PLACE_MAX 600

/* A value of the configuration as it is in force. */
struct config_setting {
	const char *title, *key; /* "[proxy web]", "idle_timeout" */
	const char *value;       /* as a file would have it, until it has been taken */
	const char *options;     /* ... and what follows; NULL: nothing */
	struct config_origin origin;
};
typedef void config_taker(void *owner, const struct config_setting *setting);

/* Every one, section by section; of listen and server lines each. */
void config_each(const struct config *config, config_taker *take, void *owner);

/* ... and where it came from, as a file that says the same. */
void config_print_effective(const struct config *config, FILE *out);

#endif
