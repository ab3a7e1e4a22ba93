/*
 * The daemon under mixed traffic and faults for SOAK_SECONDS (20 in `make check`, 600 in `make
 * soak`), half of them in each ring mode: short connections, bulk, slow readers, storms of resets,
 * clients and servers that are killed and stopped in the middle.
 *
 * All peers are processes of a keeper's, which is forked before this process has any threads; what
 * they find wrong they count in shared memory.
 */
#include "support/child.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUFFER_MEMORY (16u << 20)
/* For each byte that the program itself reads, ASan keeps an eighth and TSan four. */
#ifdef __SANITIZE_THREAD__
#define BUFFERS_RESIDENT (BUFFER_MEMORY * 5)
#else
#define BUFFERS_RESIDENT (BUFFER_MEMORY / 8 * 9)
#endif
#define SLACK       (16u << 20) /* bytes the daemon may grow by besides its buffers */
#define PATIENCE_MS 60000

/* Where the proxy listens, and the servers. */
static char steady[32], spliced[32], shaky[32], frozen[32], own[32], chargen[32];
static char echo_server[32], mortal_server[32], frozen_server[32];

static struct tally {
	_Atomic bool go, stop;
	_Atomic uint64_t whole;  /* conversations that went as they must */
	_Atomic uint64_t wrong;  /* ... that did not, though nobody disturbed them */
	_Atomic uint64_t broken; /* bytes that were not what had been sent, whoever was disturbed */
	_Atomic uint64_t bytes, resets, killed, stopped;
} * tally;

/* ---- What peers do --------------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t some(uint64_t most)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % most;
}

/* Send and get it back; undisturbed, all of it and then the end. */
static void exchange(const char *address, uint64_t size, size_t read_size, unsigned pause_ms,
		     bool undisturbed)
{
	struct transfer transfer = {
		.send = size,
		.send_seed = random_state,
		.half_close = true,
		.receive = PEER_UNTIL_THE_END,
		.receive_seed = random_state,
		.read_size = read_size,
		.read_pause_ms = pause_ms,
	};
	int fd = peer_connect(address);

	if (fd < 0) {
		tally->wrong += undisturbed;
		dprintf(STDOUT_FILENO, "%s: %s\n", address, strerror(-fd));
		return;
	}
	peer_transfer(fd, &transfer);
	close(fd);
	tally->bytes += transfer.sent + transfer.received;
	tally->broken += transfer.wrong_at != UINT64_MAX || transfer.received > transfer.sent;
	if (transfer.received == size && transfer.end == PEER_FIN) {
		tally->whole++;
	} else if (undisturbed) {
		tally->wrong++;
		dprintf(STDOUT_FILENO,
			"%s: %" PRIu64 " of %" PRIu64 " bytes sent, %" PRIu64 " received, %s\n",
			address, transfer.sent, size, transfer.received,
			peer_end_name(transfer.end));
	}
}

static const char *any_steady(void)
{
	const char *const addresses[] = {steady, spliced, own};

	return addresses[some(3)];
}

static void be_short(void)
{
	exchange(any_steady(), some(2000), 0, 0, true);
}

static void be_bulky(void)
{
	exchange(any_steady(), some(16u << 20), 0, 0, true);
}

static void be_slow(void)
{
	exchange(any_steady(), some(1u << 20), 16384, 3, true);
}

static void be_shaky(void)
{
	exchange(shaky, some(200000), 0, 0, false);
}

static void be_frozen(void)
{
	exchange(some(2) ? frozen : spliced, some(1u << 20), 0, 0, false);
}

static void storm(void)
{
	static const char *const addresses[] = {steady, spliced, own, shaky, frozen, chargen};
	char bytes[4096] = {0};
	int fds[16];

	for (unsigned i = 0; i < 16; i++) {
		fds[i] = peer_connect(addresses[some(6)]);
		if (fds[i] >= 0 && some(3))
			(void)!send(fds[i], bytes, 1 + some(sizeof(bytes)),
				    MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	if (some(2))
		sleep_ms((int)some(30));
	for (unsigned i = 0; i < 16; i++) {
		if (fds[i] < 0)
			continue;
		if (some(4) == 0)
			(void)!recv(fds[i], bytes, sizeof(bytes), MSG_DONTWAIT);
		peer_reset(fds[i]);
		tally->resets++;
	}
}

static void serve(const char *address)
{
	if (server_start(address, server_echo, NULL))
		for (;;)
			pause();
	_exit(1);
}

static void serve_well(void)
{
	serve(echo_server);
}

static void serve_until_killed(void)
{
	serve(mortal_server);
}

static void serve_until_stopped(void)
{
	serve(frozen_server);
}

/* ---- The keeper ------------------------------------------------------------------------------ */

struct role {
	void (*play)(void);
	unsigned kill_ms, stop_ms; /* how long it lives, or runs, at most; 0: not disturbed */
	bool server;
};
static const struct role roles[] = {
	{serve_well, 0, 0, true},   {serve_until_killed, 900, 0, true},
	{be_short, 0, 0, false},    {be_bulky, 0, 0, false},
	{be_slow, 0, 0, false},     {be_shaky, 0, 0, false},
	{be_frozen, 0, 0, false},   {storm, 0, 0, false},
	{be_frozen, 700, 0, false}, {be_frozen, 0, 400, false},
	{storm, 500, 0, false},     {serve_until_stopped, 0, 1500, true},
};
#define ROLES (sizeof(roles) / sizeof(roles[0]))

struct actor {
	pid_t pid;
	int64_t next_ms; /* when it is disturbed */
	bool resting;
};

static void enter(struct actor *actor, const struct role *role)
{
	unsigned time = role->kill_ms ? role->kill_ms : role->stop_ms;
	pid_t keeper = getpid();

	*actor = (struct actor){.next_ms = time ? clock_ms() + (int64_t)some(time) : INT64_MAX};
	random_state += 0x9e3779b97f4a7c15u;
	actor->pid = fork();
	if (actor->pid != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(0);
	random_state ^= (uint64_t)getpid() << 32;
	while (!tally->go && !role->server)
		sleep_ms(5);
	for (;;)
		role->play();
}

static void disturb(struct actor *actor, const struct role *role)
{
	if (role->kill_ms) {
		kill(actor->pid, SIGKILL);
		waitpid(actor->pid, NULL, 0);
		tally->killed++;
		enter(actor, role);
		return;
	}
	actor->resting = !actor->resting;
	kill(actor->pid, actor->resting ? SIGSTOP : SIGCONT);
	tally->stopped += actor->resting;
	actor->next_ms = clock_ms() + (int64_t)some(role->stop_ms);
}

static void keep(void)
{
	struct actor actors[ROLES];

	for (unsigned i = 0; i < ROLES; i++)
		enter(&actors[i], &roles[i]);
	while (!tally->stop) {
		for (unsigned i = 0; tally->go && i < ROLES; i++)
			if (clock_ms() >= actors[i].next_ms)
				disturb(&actors[i], &roles[i]);
		sleep_ms(10);
	}
	/* Clients first: a server's end would look wrong to them. */
	for (unsigned i = 0; i < 2 * ROLES; i++) {
		if (roles[i % ROLES].server != (i >= ROLES))
			continue;
		kill(actors[i % ROLES].pid, SIGKILL);
		waitpid(actors[i % ROLES].pid, NULL, 0);
	}
	_exit(0);
}

/* ---- The test -------------------------------------------------------------------------------- */

/* Pipes are kept for the next use, so sockets are what must be as before. */
static unsigned sockets_of(pid_t pid)
{
	char path[64], target[64];
	struct dirent *entry;
	unsigned count = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	directory = opendir(path);
	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory))) {
		ssize_t length =
			readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
		count += length > 7 && !strncmp(target, "socket:", 7);
	}
	closedir(directory);
	return count;
}

static bool answers(const char *address)
{
	int fd = peer_connect(address);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void reserve(char address[32])
{
	snprintf(address, 32, "127.0.0.1:%u", port_reserve());
}

static struct daemon *start(int mode)
{
	return daemon_start(&daemon_modes[mode + DAEMON_RINGS],
			    "buffer_memory = %u\n[log]\nlevel = info\n"
			    "[defaults]\nconnect_timeout = 2s\nhalf_close_timeout = 10s\n"
			    "idle_timeout = 20s\n"
			    "[proxy steady]\nlisten = %s\nserver = %s\n"
			    "[proxy spliced]\nlisten = %s\nserver = %s\nrelay = splice\n"
			    "[proxy shaky]\nlisten = %s\nserver = %s\nserver = %s\n"
			    "[proxy frozen]\nlisten = %s\nserver = %s\n"
			    "[echo]\nlisten = %s\n[chargen]\nlisten = %s\n",
			    BUFFER_MEMORY, steady, echo_server, spliced, echo_server, shaky,
			    mortal_server, echo_server, frozen, frozen_server, own, chargen);
}

struct footprint {
	size_t resident;
	unsigned sockets;
};

static void tell(struct daemon *daemon, int mode, int seconds, const struct footprint *before,
		 const struct footprint *after)
{
	printf("soak %s, %d s: %" PRIu64 " conversations whole, %" PRIu64
	       " wrong, %.2f GiB, %" PRIu64 " resets, %" PRIu64 " peers killed, %" PRIu64
	       " stopped;\n"
	       "  %" PRIu64 " connections accepted, %" PRIu64 " closed; %.1f MiB resident at the "
	       "start, %.1f at the end;\n"
	       "  %u sockets open at the start, %u at the end; %" PRIu64
	       " completions for nobody, %" PRIu64 " buffers missing\n",
	       daemon_modes[mode + DAEMON_RINGS].name, seconds, tally->whole, tally->wrong,
	       (double)tally->bytes / (1u << 30), tally->resets, tally->killed, tally->stopped,
	       daemon_counter(daemon, "accepted"), daemon_counter(daemon, "closed"),
	       (double)before->resident / (1u << 20), (double)after->resident / (1u << 20),
	       before->sockets, after->sockets, daemon_counter(daemon, "stale_completions"),
	       daemon_counter(daemon, "buffers_missing"));
	fflush(stdout);
}

START_TEST(mixed_traffic_with_faults_leaves_nothing_behind)
{
	const char *wanted = getenv("SOAK_SECONDS");
	int seconds = (wanted ? atoi(wanted) : 20) / DAEMON_RINGS;
	char *const addresses[] = {steady,  spliced,     shaky,         frozen,       own,
				   chargen, echo_server, mortal_server, frozen_server};
	struct daemon *daemon;
	struct footprint before, after;
	pid_t keeper;

	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ck_assert_ptr_ne(tally, MAP_FAILED);
	random_state = (uint64_t)clock_ms() | 1;
	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		reserve(addresses[i]);
	keeper = fork();
	if (keeper == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		keep();
	}
	daemon = start(_i);
	ck_assert(wait_until(answers(echo_server), PATIENCE_MS));
	before.sockets = sockets_of(daemon_pid(daemon));
	before.resident = daemon_resident(daemon);
	tally->go = true;
	sleep_ms(seconds * 1000);
	tally->stop = true;
	waitpid(keeper, NULL, 0);

	ck_assert_msg(wait_until(sockets_of(daemon_pid(daemon)) == before.sockets, PATIENCE_MS),
		      "%u sockets are open, %u were at the start", sockets_of(daemon_pid(daemon)),
		      before.sockets);
	after.sockets = sockets_of(daemon_pid(daemon));
	after.resident = daemon_resident(daemon);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	tell(daemon, _i, seconds, &before, &after);
	ck_assert_uint_eq(tally->broken, 0);
	ck_assert_uint_eq(tally->wrong, 0);
	ck_assert_uint_gt(tally->whole, 0);
	ck_assert_uint_eq(daemon_counter(daemon, "accepted"), daemon_counter(daemon, "closed"));
	ck_assert_uint_eq(daemon_counter(daemon, "stale_completions"), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "buffers_missing"), 0);
	ck_assert_uint_lt(after.resident, before.resident + BUFFERS_RESIDENT + SLACK);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon soak", 0, IN_BOTH_RINGS(mixed_traffic_with_faults_leaves_nothing_behind))
