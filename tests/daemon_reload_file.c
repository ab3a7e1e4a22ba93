/* A configuration in place of another: the file, who asks, and what stays over many of them. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/metrics_text.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOON_MS 15000

static char one[32], two[32];

static void find_places(void)
{
	snprintf(one, sizeof(one), "127.0.0.1:%u", port_reserve());
	snprintf(two, sizeof(two), "127.0.0.1:%u", port_reserve());
}

static bool is_served(const char *address)
{
	int fd = peer_connect(address);
	bool served = fd >= 0 && peer_echoes(fd);

	if (fd >= 0)
		close(fd);
	return served;
}

/* ---- What is wrong --------------------------------------------------------------------------- */

START_TEST(each_mistake_is_answered_with_its_line)
{
	/* of line 4 on; two lines are wrong */
	static const struct {
		const char *text, *first, *second;
	} files[] = {
		{"worker = 2\ndrain_timeout = soon\n", "[global] worker: no such key",
		 "drain_timeout"},
		{"[ehco]\nlisten = 127.0.0.1:1\n[echo]\nlisten = nowhere\n", "[ehco]", "nowhere"},
		{"[proxy a]\nserver = 127.0.0.1:1\n[proxy b]\nlisten = 127.0.0.1:1\n",
		 "nothing to listen on", "no server to connect to"},
		{"[defaults]\nrelay = magic\nidle_if_alive = keep\n[echo]\nlisten = :1\n", "magic",
		 "keepalive"},
		{"[echo a]\nlisten = 127.0.0.1:1\n[echo b]\nlisten = 127.0.0.1:1\n[echo c]\n"
		 "size = 1\n",
		 "is taken by", "size"},
	};
	struct daemon *daemon;

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		edition_refuse(files[i].first, "%s", files[i].text);
		ck_assert_msg(strstr(edition_answer(), files[i].second), "%s", edition_answer());
		ck_assert_uint_ge(edition_answered("\"line\": "), 2);
		ck_assert(edition_answered(daemon_configuration_path(daemon)));
		ck_assert(is_served(one));
		ck_assert_int_eq(edition_status("edition"), 1);
		ck_assert(edition_answered("\"edition\": 1"));
	}
	ck_assert_uint_eq(daemon_log_count(daemon, "the configuration is not reloaded"), 5);
	daemon_wait_notify(daemon, "; not reloaded: ");
	edition_adopt("[echo]\nlisten = %s\n", one);
	ck_assert(edition_answered("\"edition\": 2"));
	ck_assert(edition_answered("\"changes\": []"));
	ck_assert(edition_answered("\"warnings\": []"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_changes_nothing)
{
	struct daemon *daemon;
	const char *path;
	char other[4200];

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
	path = daemon_configuration_path(daemon);
	snprintf(other, sizeof(other), "%s.kept", path);
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert_int_eq(edition_ask(), 422);
	ck_assert(edition_answered(strerror(ENOENT)));
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(edition_ask(), 422);
	ck_assert(edition_answered(path));
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(symlink(path, path), 0);
	ck_assert_int_eq(edition_ask(), 422);
	ck_assert(edition_answered(strerror(ELOOP)));
	ck_assert(is_served(one));
	ck_assert_int_eq(rename(other, path), 0);
	ck_assert_int_eq(edition_ask(), 200);
	ck_assert(is_served(one));
	ck_assert_int_eq(edition_status("edition"), 2);
	daemon_stop(daemon);
}
END_TEST

/* [echo more] there, and what comes after that, in a file of its own. */
static void write_part(const struct daemon *daemon, const char *address, const char *rest,
		       char ret_path[4300])
{
	FILE *file;

	snprintf(ret_path, 4300, "%s.d", daemon_configuration_path(daemon));
	(void)mkdir(ret_path, 0755);
	snprintf(ret_path, 4300, "%s.d/50-more.conf", daemon_configuration_path(daemon));
	file = fopen(ret_path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "[echo more]\nlisten = %s\n%s", address, rest);
	fclose(file);
}

START_TEST(parts_of_the_file_come_change_and_are_named)
{
	char path[4300];
	struct daemon *daemon;

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
	write_part(daemon, two, "", path);
	ck_assert_int_eq(edition_ask(), 200);
	ck_assert(edition_answered("[echo more] is new"));
	ck_assert(is_served(two));
	write_part(daemon, two, "size = 1\n", path);
	ck_assert_int_eq(edition_ask(), 422);
	ck_assert(edition_answered("50-more.conf:3: [echo more] size"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(edition_ask(), 200);
	ck_assert(edition_answered("[echo more] is gone"));
	ck_assert(is_served(one));
	edition_await_last();
	daemon_stop(daemon);
}
END_TEST

/* ---- Who asks -------------------------------------------------------------------------------- */

START_TEST(the_service_manager_is_told_of_a_reload_and_of_its_end)
{
	struct daemon *daemon;
	char text[64];

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 1);
	for (unsigned i = 1; i <= 4; i++) {
		edition_write("[echo]\nlisten = %s\n%s", one, i % 2 ? "" : "wrong = 1\n");
		daemon_signal(daemon, SIGHUP);
		ck_assert(wait_until(daemon_notify_count(daemon, "READY=1") == i + 1, SOON_MS));
		ck_assert_uint_eq(daemon_notify_count(daemon, "RELOADING=1\nMONOTONIC_USEC="), i);
		snprintf(text, sizeof(text), "reloaded: edition %u serves", 2 + (i - 1) / 2);
		ck_assert(i % 2 == 0 || daemon_log_contains(daemon, text));
	}
	ck_assert_uint_eq(daemon_log_count(daemon, "SIGHUP: reloading "), 4);
	daemon_stop(daemon);
}
END_TEST

static void *ask_too(void *ret_status)
{
	char *answer = edition_post("/v1/reload");

	(void)sscanf(answer, "HTTP/1.1 %d", (int *)ret_status);
	free(answer);
	return NULL;
}

START_TEST(who_asks_at_once_is_answered_each)
{
	enum { ASKERS = 8 };
	pthread_t threads[ASKERS];
	struct daemon *daemon;
	int status[ASKERS];

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
	for (int round = 0; round < 3; round++) {
		edition_write("[echo]\nlisten = %s\n%s", one, round == 1 ? "wrong = 1\n" : "");
		for (int i = 0; i < ASKERS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_too, &status[i]), 0);
		daemon_signal(daemon, SIGHUP);
		for (int i = 0; i < ASKERS; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < ASKERS; i++)
			ck_assert_int_eq(status[i], round == 1 ? 422 : 200);
	}
	ck_assert(is_served(one));
	edition_await_last();
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_daemon_that_drains_reloads_no_more)
{
	struct daemon *daemon;
	int fd;

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
	fd = peer_connect(one);
	ck_assert(peer_echoes(fd));
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	edition_write("[echo]\nlisten = %s\nlisten = %s\n", one, two);
	ck_assert_int_eq(edition_ask(), 409);
	ck_assert(edition_answered("\"stopping\""));
	daemon_signal(daemon, SIGHUP);
	ck_assert(peer_echoes(fd));
	ck_assert(!is_served(two));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_stop_right_after_a_reload_is_a_stop)
{
	struct daemon *daemon;

	find_places();
	for (int i = 0; i < 10; i++) {
		daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
		edition_write("[echo]\nlisten = %s\n", two);
		daemon_signal(daemon, SIGHUP);
		sleep_ms(i % 3);
		daemon_signal(daemon, SIGTERM);
		daemon_stop(daemon);
	}
}
END_TEST

/* ---- What stays ------------------------------------------------------------------------------ */

START_TEST(what_needs_a_restart_is_named_and_stays)
{
	static const char *const keys[] = {
		"coalesce = 50us",    "buffer_memory = 64M", "buffer_size = 8K",
		"without = min-wait", "sqpoll_idle = 20ms",
	};
	struct daemon *daemon;
	int64_t most;

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
	most = edition_status("connections_max");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (daemon_modes[_i].without && !strncmp(keys[i], "without", 7))
			continue;
		edition_adopt("%s\n[echo]\nlisten = %s\n", keys[i], one);
		ck_assert_msg(edition_answered(" needs a restart; until then "), "%s: %s", keys[i],
			      edition_answer());
		ck_assert(edition_answered(":4: [global] "));
		ck_assert(edition_answered("\"changes\": []"));
		ck_assert(is_served(one));
	}
	ck_assert_int_eq(edition_status("connections_max"), most);
	edition_adopt("[echo]\nlisten = %s\n", one);
	ck_assert_msg(edition_answered("\"warnings\": []"), "%s", edition_answer());
	edition_adopt("[echo]\nlisten = %s\n[metrics]\nlisten = %s\n", one, two);
	ck_assert(edition_answered("[metrics] listen: a change needs a restart"));
	edition_adopt("[echo]\nlisten = %s\n[metrics]\nlisten = %s\n", one, two);
	ck_assert(edition_answered("[metrics] listen: a change needs a restart"));
	edition_adopt("[echo]\nlisten = %s\n", one);
	ck_assert_msg(edition_answered("\"warnings\": []"), "%s", edition_answer());
	daemon_stop(daemon);
}
END_TEST

static double metric(const char *sample)
{
	char *page = edition_get("/metrics");
	double value = metrics_text_value(page, sample);

	free(page);
	return value;
}

START_TEST(counts_go_on_under_their_names)
{
	struct server *server = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	char sample[200];

	find_places();
	snprintf(sample, sizeof(sample),
		 "uringproxy_server_connections_total{pool=\"web\",server=\"%s\"}",
		 server_address(server));
	daemon = edition_start(&daemon_modes[_i], "[proxy web]\nlisten = %s\nserver = %s\n", one,
			       server_address(server));
	for (int i = 1; i <= 5; i++) {
		ck_assert(is_served(i % 2 ? one : two));
		edition_adopt("[echo between]\nlisten = unix:@%d-%d\n"
			      "[proxy web]\nlisten = %s\nserver = %s\nidle_timeout = %dmin\n",
			      getpid(), i, i % 2 ? two : one, server_address(server), i);
		ck_assert_double_eq(metric(sample), i);
		ck_assert_double_eq(metric("uringproxy_proxy_connections_total{proxy=\"web\","
					   "kind=\"proxy\"}"),
				    i);
		ck_assert_double_eq(metric("uringproxy_config_reloads_total{result=\"good\"}"), i);
	}
	edition_refuse("wrong", "[proxy web]\nwrong = 1\n");
	ck_assert_double_eq(metric("uringproxy_config_reloads_total{result=\"failed\"}"), 1);
	ck_assert_double_eq(metric(sample), 5);
	/* A name that comes back is the same one. */
	edition_adopt("[echo]\nlisten = %s\n", one);
	edition_await_last();
	edition_adopt("[proxy web]\nlisten = %s\nserver = %s\n", one, server_address(server));
	ck_assert(is_served(one));
	ck_assert(wait_until(metric(sample) == 6, SOON_MS));
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

#define SECTIONS 10

static void adopt_many(const struct server *server, unsigned which)
{
	static char text[SECTIONS * 200];
	size_t used = 0;

	for (unsigned i = 0; i < SECTIONS; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "[proxy p%u]\nlisten = unix:@%d-%u\nserver = %s\n"
					 "server = unix:@nobody\n",
					 i, getpid(), i, server_address(server));
	edition_adopt("[echo]\nlisten = %s\nlisten = unix:@%d-%s\nidle_timeout = %umin\n%s", one,
		      getpid(), which % 2 ? "odd" : "even", 1 + which % 7, text);
}

START_TEST(descriptors_and_memory_stay_as_they_are)
{
	/* Of a release, pages that malloc() keeps; the others keep what was freed for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	const size_t most = 64u << 20;
#else
	const size_t most = 2u << 20;
#endif
	struct server *server = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	unsigned open;
	size_t resident;

	find_places();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", one);
	for (unsigned i = 0; i < 20; i++)
		adopt_many(server, i);
	edition_await_last();
	open = daemon_open_fds(daemon);
	resident = daemon_resident(daemon);
	for (unsigned i = 0; i < 200; i++)
		adopt_many(server, i);
	ck_assert(is_served(one));
	edition_await_last();
	daemon_wait_fds(daemon, open);
	ck_assert_uint_lt(daemon_resident(daemon), resident + most);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

SUITE_OF("daemon: reload file", 120, IN_BOTH_RINGS(each_mistake_is_answered_with_its_line),
	 IN_BOTH_RINGS(a_file_that_cannot_be_read_changes_nothing),
	 IN_BOTH_RINGS(parts_of_the_file_come_change_and_are_named),
	 IN_EACH_MODE(the_service_manager_is_told_of_a_reload_and_of_its_end),
	 IN_EACH_MODE(who_asks_at_once_is_answered_each),
	 IN_EACH_MODE(a_daemon_that_drains_reloads_no_more),
	 IN_BOTH_RINGS(a_stop_right_after_a_reload_is_a_stop),
	 IN_BOTH_RINGS(what_needs_a_restart_is_named_and_stays),
	 IN_BOTH_RINGS(counts_go_on_under_their_names),
	 IN_BOTH_RINGS(descriptors_and_memory_stay_as_they_are))
