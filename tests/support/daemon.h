/*
 * The real daemon, as a user would run it: its own process, a configuration file, its log.
 *
 * The binary is $URINGPROXY.  The configuration a test gives continues a [global] section that
 * already says `workers` and `sqpoll` as the mode wants, and [log] with level = debug and access =
 * stderr is added unless the text has a [log] of its own:
 *
 *   struct daemon *daemon = daemon_start(mode, "max_connections = 10\n"
 *                                              "[echo]\nlisten = %s\n", address);
 *
 * These functions fail the running test themselves, and show the log when they do.
 */
#ifndef TESTS_SUPPORT_DAEMON_H
#define TESTS_SUPPORT_DAEMON_H

#include "support/child.h"

#include <sys/resource.h>

struct refusal;

struct daemon_mode {
	const char *name;
	bool sqpoll;
	unsigned workers;
	const char *without; /* features of the kernel not to use; NULL: none */
};

enum { DAEMON_RINGS = 2, DAEMON_MODES = 4, DAEMON_WAYS = 6 };
/* Both ring modes with one worker, the same with two, and with one on what is like an old kernel.
 */
extern const struct daemon_mode daemon_modes[DAEMON_WAYS];

/* For SUITE_OF(): the test runs with _i in both ring modes, in those times one and two workers, or
 * in those and without what Debian's 6.1 lacks. */
/* clang-format off */
#define IN_BOTH_RINGS(test) {(test), 0, DAEMON_RINGS}
#define IN_EACH_MODE(test)  {(test), 0, DAEMON_MODES}
#define IN_EVERY_WAY(test)  {(test), 0, DAEMON_WAYS}
/* clang-format on */

struct daemon_options {
	const struct daemon_mode *mode; /* NULL: the configuration is the whole file */
	const char *configuration;      /* NULL: no file and no -c */
	const char *const *arguments;   /* after "-c FILE" */
	const char *const *environment;
	uid_t uid;
	rlim_t nofile, memlock;  /* soft and hard; 0: unchanged */
	rlim_t address_space;    /* RLIMIT_AS; 0: unchanged */
	int io_uring_errno;      /* not 0: a seccomp filter refuses io_uring_setup with it */
	struct refusal *refusal; /* of its system calls; NULL: none */
	const char *hosts;       /* a file to be its /etc/hosts: for root only */
	const char *resolv_conf; /* likewise */
	const char *cgroup;      /* a folder of a control group to run in; NULL: the test's */
	int log_fd;       /* not 0: its standard error, which daemon_log() does not see then */
	rlim_t file_size; /* RLIMIT_FSIZE, soft; 0: unchanged */
	const char *small_disk; /* a directory that is a file system of 1 MiB to it: root only */
	const int *inherited;   /* as systemd passes sockets, each by the name "passed"; -1 ends */
};

struct daemon;

/* Start it and wait until it is READY. */
struct daemon *daemon_start(const struct daemon_mode *mode, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Start it; READY is awaited by daemon_wait_ready(). */
struct daemon *daemon_spawn(const struct daemon_options *options);
void daemon_wait_ready(struct daemon *daemon);

pid_t daemon_pid(const struct daemon *daemon);
void daemon_signal(struct daemon *daemon, int signal);
/* Wait for its end: the exit status.  What a sanitizer found fails the test. */
int daemon_wait_exit(struct daemon *daemon);
bool daemon_has_exited(struct daemon *daemon);
/* The log so far, a string to free. */
char *daemon_log(struct daemon *daemon);
bool daemon_log_contains(struct daemon *daemon, const char *text);
unsigned daemon_log_count(struct daemon *daemon, const char *text);
void daemon_wait_log(struct daemon *daemon, const char *text);
/*
 * A state that lasts is said once: that it began, and not that it ended.  A daemon that stands
 * still for longer than the state has patience takes it to be over, says so, and finds that it is
 * not; since its patience grows each time (base/spell.h), that is DAEMON_SPELLS_MAX times at most.
 */
enum { DAEMON_SPELLS_MAX = 4 };
void daemon_assert_lasts(struct daemon *daemon, const char *began, const char *ended);
/* Wait for what it tells the service manager, such as "STOPPING=1". */
void daemon_wait_notify(struct daemon *daemon, const char *text);
unsigned daemon_notify_count(struct daemon *daemon, const char *text);

/* The path of its configuration file, as messages name it. */
const char *daemon_configuration_path(const struct daemon *daemon);

/* Pipes are not counted: those of relay = splice stay in their pool. */
unsigned daemon_open_fds(struct daemon *daemon);
/* Wait until no more descriptors are open than once were. */
void daemon_wait_fds(struct daemon *daemon, unsigned count);
/* Of all its threads, milliseconds since the start. */
int64_t daemon_cpu_ms(struct daemon *daemon);
/* Bytes. */
size_t daemon_resident(struct daemon *daemon);

/* A number of its last line, "stopped: accepted=3 ..."; the daemon has exited. */
uint64_t daemon_counter(struct daemon *daemon, const char *name);

/*
 * SIGTERM when it still runs; it must exit with 0, and its counters for the impossible must be 0.
 * Frees.
 */
void daemon_stop(struct daemon *daemon);
/* Free one that has been seen to exit, with whatever status. */
void daemon_free(struct daemon *daemon);

#endif
