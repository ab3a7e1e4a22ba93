/*
 * Every strategy on lesser kernels: with features switched off ([global] without) and buffers of
 * other sizes.  Bytes stay exact, ends are passed on, and who does not read costs a bounded amount.
 */
#include "support/assert.h"
#include "support/child.h"
#include "support/crowd.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define KiB UINT64_C(1024)
#define MiB (1024 * KiB)

static const char *const relays[] = {"copy", "splice", "zerocopy", "auto"};
enum { RELAYS = sizeof(relays) / sizeof(relays[0]) };

/* What [global] says of the kernel. */
static const char *const kernels[] = {
	"",
	"without = recv-bundle\n",
	"without = recv-budget\n",
	"without = recv-bundle recv-budget\n",
	"without = recv-bundle recv-budget buffer-ring-inc cqe-skip\nbuffer_size = 4K\n",
	"buffer_size = 1K\n",
};
enum { KERNELS = sizeof(kernels) / sizeof(kernels[0]) };

/* _i counts the kernels, in each ring mode with one worker. */
#define ON_EACH_KERNEL(test) EACH(test, KERNELS *DAEMON_RINGS)

/* One proxy for each strategy, before a server of its own. */
static struct daemon *start(int i, char (*ret_fronts)[32], struct server *const *servers)
{
	char sections[1024] = "";
	size_t n = 0;

	unsetenv("URINGPROXY_WITHOUT"); /* these tests say themselves what is switched off */
	for (int relay = 0; relay < RELAYS; relay++) {
		snprintf(ret_fronts[relay], sizeof(ret_fronts[0]), "127.0.0.1:%u", port_reserve());
		n += (size_t)snprintf(sections + n, sizeof(sections) - n,
				      "[proxy %s]\nlisten = %s\nserver = %s\nrelay = %s\n",
				      relays[relay], ret_fronts[relay],
				      server_address(servers[relay]), relays[relay]);
	}
	return daemon_start(&daemon_modes[i % DAEMON_RINGS], "buffer_memory = 16M\n%s%s",
			    kernels[i / DAEMON_RINGS], sections);
}

static void stop(struct daemon *daemon, struct server *const *servers)
{
	for (int relay = 0; relay < RELAYS; relay++)
		server_stop(servers[relay]);
	daemon_stop(daemon);
}

START_TEST(every_strategy_returns_every_byte_to_many_at_once)
{
	struct server *servers[RELAYS];
	const char *addresses[RELAYS];
	char fronts[RELAYS][32];
	struct daemon *daemon;

	for (int relay = 0; relay < RELAYS; relay++) {
		servers[relay] = server_start(NULL, server_echo, NULL);
		addresses[relay] = fronts[relay];
	}
	daemon = start(_i, fronts, servers);
	crowd_finish(crowd_start(8 * RELAYS, addresses, RELAYS,
				 &(struct transfer){.send = MiB + 12345}));
	stop(daemon, servers);
}
END_TEST

/* The server ends first, then the client sends on; in the crowd above the client ends first. */
START_TEST(every_strategy_goes_on_after_the_server_has_half_closed)
{
	struct conversation upstream[RELAYS], client;
	struct server *servers[RELAYS];
	char fronts[RELAYS][32];
	struct daemon *daemon;

	for (int relay = 0; relay < RELAYS; relay++) {
		upstream[relay] = (struct conversation){1,
							{{.send = 4 * MiB,
							  .send_seed = 5,
							  .half_close = true,
							  .receive = PEER_UNTIL_THE_END,
							  .receive_seed = 6}}};
		servers[relay] = server_start(NULL, server_converse, &upstream[relay]);
	}
	daemon = start(_i, fronts, servers);
	for (int relay = 0; relay < RELAYS; relay++) {
		int fd = peer_connect(fronts[relay]);

		client = (struct conversation){2,
					       {{.receive = PEER_UNTIL_THE_END, .receive_seed = 5},
						{.send = 4 * MiB, .send_seed = 6}}};
		assert_connected(fd);
		peer_converse(fd, &client);
		close(fd);
		ck_assert(server_wait_idle(servers[relay]));
		assert_transferred(&client.turn[0], 4 * MiB, PEER_FIN);
		assert_transferred(&client.turn[1], 0, PEER_OPEN);
		assert_transferred(&upstream[relay].turn[0], 4 * MiB, PEER_FIN);
	}
	stop(daemon, servers);
}
END_TEST

/* ---- who does not read ---- */

enum { STALLED = 4 };

/* A server that sends for all it is worth to the first it accepts and echoes to the others. */
struct flood {
	unsigned accepted;
	int fds[STALLED];
	uint64_t sent[STALLED];
	bool stop;
};

static void flood(int fd, void *context)
{
	static const char bytes[64 * 1024];
	struct flood *flood = context;
	unsigned mine = __atomic_load_n(&flood->accepted, __ATOMIC_RELAXED);

	if (mine >= STALLED) {
		server_echo(fd, NULL);
		return;
	}
	flood->fds[mine] = fd;
	__atomic_store_n(&flood->accepted, mine + 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&flood->stop, __ATOMIC_RELAXED)) {
		ssize_t n = -1;

		if (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 20) == 1)
			n = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			__atomic_fetch_add(&flood->sent[mine], (uint64_t)n, __ATOMIC_RELAXED);
	}
	close(fd);
}

/* One after the other, so that the server's n-th is the client's n-th. */
static void stall(struct flood *flood, const char *front, int *ret_fds)
{
	for (unsigned i = 0; i < STALLED; i++) {
		ret_fds[i] = peer_connect(front);
		assert_connected(ret_fds[i]);
		ck_assert(wait_until(__atomic_load_n(&flood->accepted, __ATOMIC_ACQUIRE) == i + 1,
				     PEER_PATIENCE_MS));
	}
}

static uint64_t sent_in_all(const struct flood *floods)
{
	uint64_t sum = 0;

	for (int relay = 0; relay < RELAYS; relay++)
		for (int i = 0; i < STALLED; i++)
			sum += __atomic_load_n(&floods[relay].sent[i], __ATOMIC_RELAXED);
	return sum;
}

static bool stands_still(const struct flood *floods)
{
	uint64_t before = sent_in_all(floods);

	sleep_ms(100); /* what is looked at is whether anything moves in it */
	return before > 0 && sent_in_all(floods) == before;
}

static uint16_t port_of(int fd, bool of_peer)
{
	struct sockaddr_in address = {0};
	socklen_t size = sizeof(address);

	(of_peer ? getpeername : getsockname)(fd, (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

/* What the kernel holds for a connection of 127.0.0.1, at both of its ends: sent and not yet
 * acknowledged, and received and not yet read. */
static uint64_t in_kernel(const char *table, int fd)
{
	const uint16_t ports[2] = {port_of(fd, false), port_of(fd, true)};
	uint64_t sum = 0;

	for (int end = 0; end < 2; end++) {
		unsigned sending, receiving;
		const char *found;
		char key[48];

		snprintf(key, sizeof(key), " 0100007F:%04X 0100007F:%04X ", ports[end],
			 ports[!end]);
		found = strstr(table, key);
		ck_assert_ptr_nonnull(found);
		ck_assert_int_eq(sscanf(found + strlen(key), "%*x %x:%x", &sending, &receiving), 2);
		sum += sending + receiving;
	}
	return sum;
}

/* The most that the daemon holds for one of them. */
static uint64_t most_held(const struct flood *flood, const int *clients)
{
	char *table = file_read("/proc/net/tcp");
	uint64_t most = 0;

	for (int i = 0; i < STALLED; i++) {
		uint64_t outside = in_kernel(table, flood->fds[i]) + in_kernel(table, clients[i]);
		uint64_t held = flood->sent[i] > outside ? flood->sent[i] - outside : 0;

		most = held > most ? held : most;
	}
	free(table);
	return most;
}

/* The table is not read in one moment, and what moves meanwhile is in it twice or not at all: once
 * two readings agree, nothing has. */
static uint64_t most_held_at_rest(const struct flood *floods, int relay, const int *clients)
{
	uint64_t sent, held, again = most_held(&floods[relay], clients);

	do {
		held = again;
		sent = sent_in_all(floods);
		again = most_held(&floods[relay], clients);
	} while (again != held || sent_in_all(floods) != sent);
	return held;
}

START_TEST(who_does_not_read_costs_a_bounded_amount_and_delays_nobody)
{
	struct flood floods[RELAYS] = {0};
	struct server *servers[RELAYS];
	char fronts[RELAYS][32];
	int fds[RELAYS][STALLED];
	uint64_t held[RELAYS];
	struct daemon *daemon;

	for (int relay = 0; relay < RELAYS; relay++)
		servers[relay] = server_start(NULL, flood, &floods[relay]);
	daemon = start(_i, fronts, servers);
	for (int relay = 0; relay < RELAYS; relay++)
		stall(&floods[relay], fronts[relay], fds[relay]);
	ck_assert(wait_until(stands_still(floods), PEER_PATIENCE_MS));
	for (int relay = 0; relay < RELAYS; relay++) {
		held[relay] = most_held_at_rest(floods, relay, fds[relay]);
		/* Twice the receive_budget, and as much as a pipe. */
		ck_assert_msg(held[relay] <= 512 * KiB, "relay = %s holds %" PRIu64 " bytes",
			      relays[relay], held[relay]);
	}
	for (int relay = 0; relay < RELAYS; relay++) {
		struct transfer honest = {
			.send = 2 * MiB, .half_close = true, .receive = PEER_UNTIL_THE_END};
		int fd = peer_connect(fronts[relay]);

		assert_connected(fd);
		peer_transfer(fd, &honest);
		assert_transferred(&honest, 2 * MiB, PEER_FIN);
		close(fd);
	}
	for (int relay = 0; relay < RELAYS; relay++) {
		__atomic_store_n(&floods[relay].stop, true, __ATOMIC_RELAXED);
		for (int i = 0; i < STALLED; i++)
			close(fds[relay][i]);
	}
	stop(daemon, servers);
}
END_TEST

SUITE_OF("daemon: strategies", 60,
	 ON_EACH_KERNEL(every_strategy_returns_every_byte_to_many_at_once),
	 ON_EACH_KERNEL(every_strategy_goes_on_after_the_server_has_half_closed),
	 ON_EACH_KERNEL(who_does_not_read_costs_a_bounded_amount_and_delays_nobody))
