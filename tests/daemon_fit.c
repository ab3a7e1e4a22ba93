/* What is configured meets what the machine allows: nothing becomes less without a word. */
#include "support/assert.h"
#include "support/cgroup.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RELEASE "build/release/uringproxy"

static char address[32];

static void reserve_address(void)
{
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
}

/* Whether the daemon has a mapping of that many bytes. */
static bool has_mapping(const struct daemon *daemon, uint64_t bytes)
{
	char path[64], line[512];
	uint64_t from, to;
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", daemon_pid(daemon));
	maps = fopen(path, "r");
	ck_assert_ptr_nonnull(maps);
	while (!found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) == 2 && to - from == bytes;
	fclose(maps);
	return found;
}

START_TEST(the_memory_that_is_mapped_for_buffers_is_what_the_log_says)
{
	static const struct {
		const char *settings, *says, *warns;
		uint64_t mapped;
	} cases[] = {
		{"buffer_memory = 3M\nbuffer_size = 48K\n", "3072 KiB of buffers of 48 KiB", NULL,
		 3 << 20},
		/* whole buffers only */
		{"buffer_memory = 3150K\nbuffer_size = 48K\n", "3120 KiB of buffers of 48 KiB",
		 NULL, 3120 << 10},
		/* more than 32,768 of 16 KiB: larger ones */
		{"buffer_memory = 8G\n", "8388608 KiB of buffers of 256 KiB", NULL, 8ull << 30},
		/* ... but not larger than what a direction may have */
		{"buffer_memory = 8G\n[defaults]\nreceive_budget = 64K\n",
		 "2097152 KiB of buffers of 64 KiB",
		 ":4: [global] buffer_memory: buffer_memory of 8388608 KiB is more than 32768 "
		 "buffers of 64 KiB",
		 2ull << 30},
		{"buffer_memory = 1G\nbuffer_size = 16K\n", "524288 KiB of buffers of 16 KiB",
		 "continuing with 524288 KiB in all; raise buffer_size or workers", 512 << 20},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct daemon *daemon;
		bool warned;

		if (cases[i].mapped > SIZE_MAX / 4)
			continue; /* no room for it in 32 bits */
		reserve_address();
		daemon = daemon_start(&daemon_modes[_i], "%s[echo]\nlisten = %s\n",
				      cases[i].settings, address);
		ck_assert_msg(daemon_log_contains(daemon, cases[i].says), "%s", cases[i].says);
		warned = daemon_log_contains(daemon, ": continuing with ");
		ck_assert_int_eq(warned, cases[i].warns != NULL);
		if (warned)
			ck_assert_msg(daemon_log_contains(daemon, cases[i].warns), "%s",
				      cases[i].warns);
		ck_assert_msg(has_mapping(daemon, cases[i].mapped), "%s: %" PRIu64 " bytes",
			      cases[i].settings, cases[i].mapped);
		daemon_stop(daemon);
	}
}
END_TEST

static uint64_t number_of(const char *path)
{
	uint64_t number = 0;
	FILE *file = fopen(path, "r");

	if (file && fscanf(file, "%" SCNu64, &number) != 1)
		number = 0;
	if (file)
		fclose(file);
	return number;
}

static void assert_warns(const char *settings, const char *warning)
{
	struct daemon *daemon;

	reserve_address();
	daemon = daemon_start(&daemon_modes[0],
			      "%s[proxy p]\nlisten = %s\nserver = 127.0.0.1:1\n"
			      "[echo]\nlisten = 127.0.0.1:%u\n[proxy q]\nlisten = 127.0.0.1:%u\n"
			      "server = 127.0.0.1:1\n",
			      settings, address, port_reserve(), port_reserve());
	ck_assert_msg(daemon_log_contains(daemon, warning), "\"%s\" is not warned of with \"%s\"",
		      settings, warning);
	ck_assert_uint_eq(daemon_log_count(daemon, "warning: "), 1);
	daemon_stop(daemon);
}

START_TEST(what_has_less_effect_than_is_configured_is_a_warning_with_its_line)
{
	assert_warns("buffer_size = 64K\n[defaults]\nreceive_budget = 16K\n",
		     ":6: [defaults] receive_budget: 16K is less than one buffer, which a "
		     "direction may have in any case: 64K; lower buffer_size");
	assert_warns("without = min-wait\ncoalesce = 100us\n",
		     ":5: [global] coalesce: has no effect: this kernel or `without` lacks "
		     "min-wait");
	assert_warns("busy_poll = 1us\ncoalesce = 100us\n",
		     ":5: [global] coalesce: has no effect: nothing is waited for with sqpoll = on "
		     "or busy_poll");
	assert_warns("max_connections = 10\n[defaults]\nmax_connections = 11\n",
		     ":6: [defaults] max_connections: 11 is more than all sections together "
		     "have, which is 10; raise max_connections of [global]");
	assert_warns("without = sendmsg-zc\n[defaults]\nrelay = zerocopy\n",
		     ":6: [defaults] relay: this kernel or `without` lacks sendmsg-zc: copying "
		     "instead");
}
END_TEST

START_TEST(more_connections_than_descriptors_are_a_warning_with_its_line)
{
	struct daemon *daemon;
	char text[200];

	reserve_address();
	snprintf(text, sizeof(text), "max_connections = 5000\n[echo]\nlisten = %s\n", address);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[0], .configuration = text, .nofile = 1000});
	daemon_wait_ready(daemon);
	ck_assert_msg(daemon_log_contains(daemon, ":4: [global] max_connections: 5000 needs "),
		      "%s", daemon_log(daemon));
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_backlog_that_the_kernel_cuts_is_a_warning)
{
	if (number_of("/proc/sys/net/core/somaxconn") >= 65535)
		SKIP_TEST("net.core.somaxconn is beyond what backlog may be");
	assert_warns("[defaults]\nbacklog = 65535\n",
		     ":5: [defaults] backlog: 65535 is reduced to ");
}
END_TEST

/* As nobody: root may have larger ones. */
START_TEST(a_pipe_size_that_the_kernel_does_not_grant_is_a_warning)
{
	struct daemon *daemon;
	char text[256];

	if (geteuid() != 0)
		SKIP_TEST("needs root, to start the daemon as somebody without capabilities");
	if (number_of("/proc/sys/fs/pipe-max-size") >= 16 << 20)
		SKIP_TEST("fs.pipe-max-size is beyond what pipe_size may be");
	reserve_address();
	snprintf(text, sizeof(text),
		 "[proxy p]\nlisten = %s\nserver = 127.0.0.1:1\npipe_size = 16M\n", address);
	chmod(suite_dir(), 0755);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[0], .configuration = text, .uid = 65534});
	daemon_wait_ready(daemon);
	ck_assert(daemon_log_contains(daemon, ":7: [proxy p] pipe_size: the kernel grants "));
	ck_assert(daemon_log_contains(daemon, " instead of 16M; raise fs.pipe-max-size"));
	daemon_stop(daemon);
}
END_TEST

/* ---- a container ---- */

enum { STALLED = 200, LIMIT = 40 << 20 };

/* Its memory under a sanitizer is not what the daemon takes. */
static bool use_release(void)
{
#ifdef __SANITIZE_ADDRESS__
	return access(RELEASE, X_OK) == 0 && setenv("URINGPROXY", RELEASE, 1) == 0;
#else
	return true;
#endif
}

static struct daemon *start_in(const struct cgroup *cgroup, const char *settings,
			       struct server *upstream)
{
	struct daemon *daemon;
	char text[512];

	reserve_address();
	snprintf(text, sizeof(text), "%s[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n",
		 settings, address, server_address(upstream));
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[0], .configuration = text, .cgroup = cgroup->folder});
	daemon_wait_ready(daemon);
	return daemon;
}

START_TEST(two_hundred_clients_that_never_read_do_not_get_a_container_of_40_mib_killed)
{
	struct server *flood;
	struct cgroup cgroup;
	struct daemon *daemon;
	const char *why;
	int fds[STALLED];
	char byte[2];

	if (!use_release())
		SKIP_TEST("no " RELEASE ", and a sanitizer's memory is not the daemon's");
	why = cgroup_make(&cgroup, LIMIT);
	if (why)
		SKIP_TEST("%s", why);
	flood = server_start(NULL, server_flood, NULL);
	daemon = start_in(&cgroup, "drain_timeout = 1s\n", flood);
	ck_assert(daemon_log_contains(daemon,
				      "buffer_memory is 10M (auto: a quarter of the control "
				      "group's memory limit of 40M)"));
	ck_assert(daemon_log_contains(daemon, "10240 KiB of buffers"));
	for (int i = 0; i < STALLED; i++) {
		fds[i] = peer_connect(address);
		assert_connected(fds[i]);
	}
	for (int i = 0; i < STALLED; i++)
		ck_assert_int_eq(peer_receive_text(fds[i], byte, 2, NULL), 1);
	sleep_ms(2000); /* to let them have what they can get */
	ck_assert(!daemon_has_exited(daemon));
	dprintf(STDOUT_FILENO, "%d clients that never read: %" PRIu64 " KiB of 40960 at most\n",
		STALLED, cgroup_peak(&cgroup) / 1024);
	for (int i = 0; i < STALLED; i++)
		close(fds[i]);
	daemon_stop(daemon);
	cgroup_remove(&cgroup);
	server_stop(flood);
}
END_TEST

START_TEST(more_buffer_memory_than_the_container_has_is_a_warning)
{
	struct server *echo;
	struct cgroup cgroup;
	struct daemon *daemon;
	const char *why;

	if (!use_release())
		SKIP_TEST("no " RELEASE ", and a sanitizer's memory is not the daemon's");
	why = cgroup_make(&cgroup, LIMIT);
	if (why)
		SKIP_TEST("%s", why);
	echo = server_start(NULL, server_echo, NULL);
	daemon = start_in(&cgroup, "buffer_memory = 64M\n", echo);
	ck_assert(daemon_log_contains(daemon, ":4: [global] buffer_memory: 64M is more than the "
					      "control group's memory limit of 40M"));
	ck_assert(daemon_log_contains(daemon, "auto would be 10M"));
	daemon_stop(daemon);
	daemon = start_in(&cgroup, "buffer_memory = 20M\n", echo);
	ck_assert_uint_eq(daemon_log_count(daemon, "warning"), 0);
	daemon_stop(daemon);
	cgroup_remove(&cgroup);
	server_stop(echo);
}
END_TEST

SUITE_OF("daemon: fit", 60,
	 IN_BOTH_RINGS(the_memory_that_is_mapped_for_buffers_is_what_the_log_says),
	 {what_has_less_effect_than_is_configured_is_a_warning_with_its_line, 0, 1},
	 {more_connections_than_descriptors_are_a_warning_with_its_line, 0, 1},
	 {a_backlog_that_the_kernel_cuts_is_a_warning, 0, 1},
	 {a_pipe_size_that_the_kernel_does_not_grant_is_a_warning, 0, 1},
	 {two_hundred_clients_that_never_read_do_not_get_a_container_of_40_mib_killed, 0, 1},
	 {more_buffer_memory_than_the_container_has_is_a_warning, 0, 1})
