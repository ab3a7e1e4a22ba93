/* Addresses that a reload no longer names are left after a grace, and no others. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/skip.h"
#include "support/suite.h"
#include "support/threads.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAST_GRACE_MS 1500

/* The worker does not answer before the grace of the reload before is over. */
START_TEST(a_grace_that_ends_while_workers_adopt_the_next_edition_closes_nothing)
{
	struct daemon *daemon;
	char front[32];
	pid_t worker;
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", front);
	ck_assert_uint_eq(threads_of_workers(daemon_pid(daemon), &worker, 1), 1);
	daemon_signal(daemon, SIGHUP);
	daemon_wait_log(daemon, "reloaded: edition 2 serves");
	if (!thread_hold(worker))
		SKIP_TEST("cannot hold a thread: %s", strerror(errno));
	daemon_signal(daemon, SIGHUP);
	sleep_ms(PAST_GRACE_MS);
	thread_let_go(worker);
	daemon_wait_log(daemon, "reloaded: edition 3 serves");
	for (int i = 0; i < 3; i++) {
		fd = peer_connect(front);
		assert_connected(fd);
		ck_assert(peer_echoes(fd));
		close(fd);
	}
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: grace", 60,
	 IN_BOTH_RINGS(a_grace_that_ends_while_workers_adopt_the_next_edition_closes_nothing))
