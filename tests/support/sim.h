/*
 * The world around some workers, made of nothing but a seed.
 *
 * The engine and the ring module are the real ones.  Under them the simulation
 * puts a kernel (fake_kernel.h moves entries and completions, sim_ops.c performs
 * the operations), sockets (sim_net.c, which is also loop/socket.h), and a clock
 * that stands still until somebody waits; around them, clients and servers that
 * play scripts (sim_peer.c).  From the seed follow who comes when and does what,
 * how bytes are cut into pieces, how late each completion is, which of them fail
 * and with what, and what this kernel can do.
 *
 * A byte's value follows from its stream and its position, so the network stores
 * none: a receive makes them up, and what is sent is compared on the spot.
 *
 * Whatever breaks a rule ends the process by sim_fail(), which names the seed.
 */
#ifndef TESTS_SUPPORT_SIM_H
#define TESTS_SUPPORT_SIM_H

#include "base/address.h"
#include "support/fake_kernel.h"
#include "support/sim_view.h"

#include <sys/uio.h>

#define SIM_FD_FIRST    2000 /* no descriptor of this process */
#define SIM_PORT_FIRST  7000 /* of servers */
#define SIM_SOURCE_LAME 0x0a000001
#define SIM_FILES       128
#define SIM_CONNECTIONS 256
#define SIM_WORKERS     2
#define SIM_LISTENERS   64
#define SIM_NETWORKS    3 /* that clients come from */
#define SIM_BACKLOG     32
#define SIM_PIPES       64
#define SIM_SLOTS       16
#define SIM_OPS         256
#define SIM_PARTS       64 /* of a vector */
#define SIM_EVENTS      4096
#define SIM_LIVES       300
#define SIM_NEVER       UINT64_MAX
#define SIM_US          1000ull
#define SIM_MS          1000000ull

struct sim_asked;
struct sim_connection;

/* One direction of a connection, from one end's send buffer to the other's receive buffer. */
struct sim_flow {
	struct sim_connection *connection;
	uint64_t written; /* positions: put in by the sender */
	uint64_t arrived; /* in the receiver's kernel */
	uint64_t acked;   /* ... and the sender knows */
	uint64_t read;    /* taken by the receiver */
	uint32_t send_room, receive_room;
	bool fin, fin_arrived, fin_acked; /* an end behind the last byte */
	bool cut;                         /* nothing moves any more */
	bool moving, acking;              /* an event is on the way */
	bool marked;                      /* there is urgent data that was not passed yet, */
	uint64_t mark;                    /* ... behind so many bytes; its own is none of them */
};

enum sim_finish {
	SIM_HALF_CLOSE, /* a FIN after the last byte, then read on until theirs */
	SIM_CLOSE,      /* close(2) after the last byte */
	SIM_RESET,      /* a RST after the last byte */
	SIM_WAIT,       /* wait for their FIN, then close */
	SIM_FINISH_COUNT,
};

/* What a peer does. */
struct sim_script {
	uint32_t send;       /* bytes in all */
	uint32_t after;      /* ... but not before so many came in */
	uint32_t burst;      /* bytes at a time */
	uint32_t pause_us;   /* between two doings */
	uint32_t read_burst; /* bytes at a time */
	uint32_t stall_at;   /* stop reading here ... */
	uint32_t stall_us;   /* ... for so long; UINT32_MAX: for ever */
	uint32_t reset_us;   /* RST so long after the start, whatever happens; 0: not */
	uint32_t deaf_us;    /* SHUT_RD so long after the start; unix sockets; 0: not */
	uint32_t vanish_us;  /* fall silent, without a word; 0: not */
	unsigned urgent;     /* once in so many bursts, urgent data; 0: never */
	enum sim_finish finish;
	const char *text; /* what to send instead of the pattern, or NULL */
};

enum sim_phase { SIM_CONNECTING, SIM_ESTABLISHED, SIM_DEAD };

struct sim_connection {
	/* the proxy's end */
	enum sim_phase phase;
	int error; /* negative errno to be told once */
	bool fin_read, shut_write, shut_read, linger_none, closed, local;
	bool takes_no_more; /* a unix peer: SHUT_RD */
	bool left;          /* close(2) was called, and operations still hold it */
	bool itself;        /* it has met itself: nobody is there */
	uint16_t port;      /* of the server */

	struct sim_flow in, out;
	struct sim_file *file;
	struct sim_connection *partner; /* the other side of the session, once known */
	uint32_t place;                 /* that a client connects to */
	struct sim_listener *through;   /* ... whose queue it was in */
	bool served;                    /* it is, or was, a session's */
	/* the peer's end */
	struct sim_script script;
	uint64_t stream; /* which pattern it sends */
	uint64_t began_ns, stalled_ns;
	uint64_t refused_ns; /* when its connect failed; 0: it did not */
	uint64_t established_ns;
	uint64_t asked_ns; /* when its connect began */
	uint64_t moved_ns; /* when a byte last went to or from the proxy's process */
	uint64_t died_ns;
	int died_of;          /* negative errno, whoever was told */
	const char *server;   /* that was connected to, as messages name it */
	uint32_t server_kind; /* ... and which it is, and one; 0: none */
	bool client, ticking, finished, closed_by_peer, gone, vanished;
	bool saw_fin, saw_reset, sent_reset;
	struct sim_asked *asked; /* of a responder, or NULL */
};

struct sim_listener {
	uint32_t worker, place;
	bool closed;
	uint32_t room;  /* one more may wait */
	bool may_close; /* its worker has been told to leave it */
	/* Where it leads: as far as its worker is known to have been told, and from then on. */
	const struct config_section *leads, *will_lead;
	struct sim_connection *backlog[SIM_BACKLOG];
	uint32_t waiting;
};

/* Which bytes of whose stream lie in it; a page or less in each slot. */
struct sim_pipe {
	struct sim_connection *from;
	uint64_t first;
	uint32_t held, size;
	uint32_t slots[SIM_SLOTS], slot_count;
};

/* What a descriptor stands for; operations keep it beyond close(2). */
struct sim_file {
	int fd;        /* -1: closed */
	bool ack_held; /* of the handshake */
	bool corked;   /* bytes wait for the end that was promised */
	uint32_t uses;
	struct sim_connection *connection;
	struct sim_listener *listener;
	struct sim_pipe *pipe;
};

struct sim_op {
	struct io_uring_sqe sqe;
	struct iovec parts[SIM_PARTS];
	uint32_t part_count;
	struct fake_ring *ring;
	struct sim_file *file; /* NULL: only the notification is left */
	struct sim_connection *connection;
	uint64_t due_ns; /* when its task work runs; SIM_NEVER: not woken */
	uint32_t moved, left, total;
	uint64_t first; /* position of its first byte */
	bool used, fresh, notifying, woken;
	bool missed; /* by a cancel */
};

/* What is known of a session from outside, by its slot. */
struct sim_life {
	uint64_t session_id; /* and one; 0: none */
	uint64_t opened_after_ms, opened_by_ms;
	uint64_t until_ms;              /* its lifetime, as of the last turn before its end */
	uint64_t untold_ms[SIDE_COUNT]; /* since when a reset of it waits to be passed on */
	const struct config_section *section;
	struct sim_connection *client, *upstream; /* the last one */
	enum view_state state;                    /* as of the last turn */
	uint32_t receives[VIEW_LANES];            /* armed so far */
	uint32_t tried;                           /* servers, in this round: a bit for each kind */
	uint32_t lacked_kind; /* for that, and one, a source had no port left, */
	uint64_t lacked_ns;   /* ... in the attempt that began then */
	uint32_t reached;     /* ... that it was sent to and that failed, by their own fault */
	uint64_t attempt_ns;  /* the last that was looked at */
	uint64_t room_ms;     /* it waits, and there is room for it since then; 0: there is none */
	bool stood_in_line;   /* for what the machine is short of: another order */
	bool begins_anew;     /* ... and a round, with the next connect */
};

/* Once in n; 0: never. */
struct sim_faults {
	unsigned accept, open, connect, itself, send, receive, submit, interrupt, late, inline_miss,
		miss;
	unsigned early; /* splice(2) says that there is nothing, or no more, where there is */
};

struct sim {
	uint64_t seed, random, now_ns;
	bool trace, quiescent;
	bool corked_ever; /* by any seed */
	struct sim_faults faults;
	uint32_t latency_us; /* of the network, at most */
	uint32_t scale;      /* of amounts of bytes */
	uint32_t descriptors_max;
	struct sim_event {
		uint64_t when_ns, order;
		void (*what)(void *);
		void *object;
	} events[SIM_EVENTS];
	uint32_t event_count;
	uint64_t order;
	struct sim_file files[SIM_FILES];
	struct sim_connection connections[SIM_CONNECTIONS];
	uint32_t connection_count, file_count;
	uint32_t corked_count[SIM_WORKERS];
	uint64_t refused_told[SIM_WORKERS]; /* clients that records say were */
	struct sim_listener listeners[SIM_LISTENERS];
	uint32_t listener_count;
	struct sim_pipe pipes[SIM_PIPES];
	uint32_t pipe_count;
	struct sim_op ops[SIM_OPS];
	uint32_t op_top;
	struct sim_life lives[SIM_WORKERS][SIM_LIVES];
	uint64_t turned_ms[SIM_WORKERS]; /* when the last turn ended */
	struct fake_kernel kernel;
	struct ring_system system;
	struct worker *workers[SIM_WORKERS];
	uint32_t worker_count, turn; /* whose turn it is, an index; and the same worker: */
	struct worker *worker;
	/* decides what a server does with a connection that reaches it: 0 or a negative errno */
	int (*answer)(struct sim_connection *connection, const struct address *address);
};

extern struct sim sim;

/* ---- sim.c: chance, time, events, failure -------------------------------------------------- */

void sim_begin(uint64_t seed);
void sim_end(void);
uint64_t sim_random(void);
bool sim_chance(unsigned n); /* once in n; 0: never */
uint32_t sim_between(uint32_t low, uint32_t high);
uint32_t sim_one_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d);
void sim_at(uint64_t when_ns, void (*what)(void *), void *object);
uint64_t sim_next_event(void);
/* Everything that is due by now. */
void sim_run_events(void);
void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void sim_trace_write(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define sim_trace(...)                                                                             \
	do {                                                                                       \
		if (unlikely(sim.trace))                                                           \
			sim_trace_write(__VA_ARGS__);                                              \
	} while (0)

/* ---- sim_net.c: sockets ---------------------------------------------------------------------- */

/* Some time later, as the network has it. */
uint64_t sim_soon(void);
/* Another descriptor, the lowest free one; NULL: -EMFILE. */
struct sim_file *sim_file_new(void);
/* The connection of an open descriptor. */
struct sim_connection *sim_connected(int fd);
/* Wake the operations on the proxy's end, or the peer. */
void sim_told(struct sim_connection *connection, bool proxy);
int sim_take_error(struct sim_connection *connection);
/* Bytes the socket would take, or a negative errno; and they are there. */
int sim_room(struct sim_connection *connection);
void sim_put(struct sim_connection *connection, uint32_t count);
unsigned char sim_byte(uint64_t stream, uint64_t position);
struct sim_file *sim_file_of(int fd); /* NULL: closed */
int sim_listen(uint32_t place, uint32_t worker);
struct sim_listener *sim_listener_of(int fd);
struct sim_connection *sim_connection_new(bool client);
/* A client's connection waits to be accepted. */
void sim_arrive(void *connection);
void sim_flow_kick(struct sim_flow *flow);
/*
 * Bytes that a receive would give, 0 at the end, -EAGAIN, or the error, which is told once.
 * It stops before urgent data, and when it begins there it passes it.
 */
int sim_readable(struct sim_connection *connection);
/* Over which a close(2) is a RST: a byte that is urgent is one of them. */
bool sim_has_unread(const struct sim_connection *connection);
void sim_take(struct sim_connection *connection, unsigned char *bytes, uint32_t count);
/* Bytes taken of those offered, or a negative errno. */
int sim_write(struct sim_connection *connection, const unsigned char *bytes, uint32_t count);
uint32_t sim_poll_events(const struct sim_connection *connection);
/* An accepted descriptor, or a negative errno. */
int sim_accept(struct sim_listener *listener);
/* Its last holder is gone: who waits in the backlog gets a RST. */
void sim_close_listener(struct sim_listener *listener);
/* The proxy's end dies: RST from the peer, or what the network says. */
void sim_break(struct sim_connection *connection, int error);

/* ---- sim_peer.c ------------------------------------------------------------------------------ */

void sim_peer_start(struct sim_connection *connection);
void sim_peer_wake(struct sim_connection *connection);
void sim_peer_reset(struct sim_connection *connection);
/* A RST from the proxy. */
void sim_peer_told_reset(void *connection);

/* ---- sim_http.c ------------------------------------------------------------------------------ */

/* Requests instead of the pattern, for a client of a responder. */
void sim_ask(struct sim_connection *client);
/* Before bytes of the answer go out: are they right, and is it time? */
/* request_timeout is over, after so many bytes of answers and owing so many. */
void sim_note_late(const struct config_section *section, const struct sim_connection *client,
		   uint64_t said, uint64_t owed);
void sim_check_answer(const struct config_section *section, const struct sim_connection *client,
		      uint64_t position, const unsigned char *bytes, uint32_t count);
/* What has been read is answered. */
void sim_check_answered(const struct config_section *section, const struct sim_connection *client);
/* The responder sends its FIN, for a reason in the conversation. */
void sim_check_goodbye(const struct config_section *section, const struct sim_connection *client);

/* ---- sim_ops.c ------------------------------------------------------------------------------- */

/* Now and then: the error that a send on an established connection fails with; or 0. */
int sim_send_fault(struct sim_connection *connection);
/* An entry is taken. */
void sim_submit(struct fake_kernel *kernel, struct fake_ring *ring, const struct io_uring_sqe *sqe);
/* It lets go of its file. */
void sim_release(struct sim_op *op);
/* Do what can be done of an operation. */
void sim_try(struct sim_op *op);

/* ---- sim_kernel.c ---------------------------------------------------------------------------- */

void sim_kernel_open(void);
/* Of the worker whose turn it is, or of another. */
struct fake_ring *sim_ring(void);
struct fake_ring *sim_ring_of(uint32_t worker);
/* Something happens, or time passes, as far as that; false: neither will ever. */
bool sim_pass(uint64_t until_ns);
/* Time passes within a turn, and what is due happens. */
void sim_pass_a_little(void);
/* Some time later, as task work has it. */
uint64_t sim_later(void);
void sim_wake(const struct sim_file *file);
void sim_wake_connection(const struct sim_connection *connection);
/* Operations in flight on a file, and entries not yet taken that name its descriptor. */
unsigned sim_ops_on(const struct sim_file *file);
unsigned sim_ops_in_flight(uint32_t worker);
/* ... and completions that the worker has not taken. */
bool sim_has_completions(uint32_t worker);
/* A zero-copy send to it waits for its notification, and keeps its buffers. */
bool sim_is_noticing(const struct sim_connection *connection);

/* ---- sim_turns.c: whose turn it is ------------------------------------------------------------
 */

/* All workers, each on its own stack, until each of them has come to the end of this. */
void sim_turns_run(void (*serve)(uint32_t worker));
/*
 * The worker sleeps, until then at most.  True: there is something new for it, or it is time;
 * false: nothing will ever happen again.
 */
bool sim_turns_sleep(uint64_t until_ns);
/* In a system call: another one may go on first. */
void sim_turns_preempt(void);

/* ---- sim_check.c: the rules ------------------------------------------------------------------ */

struct session *sim_session_of(const struct sim_connection *connection);
/* Before a byte goes out: is it the right one? */
void sim_check_bytes(struct sim_connection *connection, uint64_t position,
		     const unsigned char *bytes, uint32_t count);
/* The same for bytes of a stream that were spliced. */
void sim_check_splice(struct sim_connection *connection, const struct sim_pipe *pipe);
/* The proxy ends its half of a connection with a FIN, or all of it with a RST. */
void sim_check_fin(struct sim_connection *connection);
void sim_check_reset(struct sim_connection *connection);
void sim_check_close(struct sim_file *file);
/* A worker closes a listening socket. */
void sim_check_leaving(const struct sim_listener *listener);
/* The ring is gone: nothing holds a socket any more that close(2) was called on. */
void sim_left(void);
/* The worker waits: does nobody wait for it? */
void sim_check_asleep(void);
/* Nothing will ever happen again: is everything that could happen done? */
void sim_check_quiescent(void);
/* A worker has finished: is everything given back?  And all of them, and have closed? */
void sim_check_finished(uint32_t worker);
void sim_check_end(void);

/* ---- sim_life.c: the rules of a session's life ----------------------------------------------- */

struct sim_life *sim_life_of(const struct session *session);
/* A receive is submitted. */
void sim_life_receive(const struct fake_ring *ring, const struct io_uring_sqe *sqe);
/* request_timeout has told its client that it is late. */
void sim_life_late(const struct session *session);
/* A connect is given up. */
void sim_life_given_up(const struct sim_connection *attempt);
/* A descriptor of a session's is about to be closed. */
void sim_life_close(const struct session *session);
/* It has had its time. */
bool sim_life_is_over(const struct session *session);
/* A turn has ended. */
void sim_life_turn(void);
/* Nothing moves any more. */
void sim_life_rest(void);

#endif
