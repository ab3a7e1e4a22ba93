/* However a connection ends, both sides see through the proxy what they would see without it. */
#include "support/daemon.h"
#include "support/endings.h"
#include "support/suite.h"

#include <pthread.h>
#include <stdio.h>

enum { CASES_MAX = 64 };

/* Where the servers listen and the clients connect, a pair for each case, so that all can be
 * played at once. */
struct stage {
	char servers[CASES_MAX][32], entrances[CASES_MAX][32];
	const char *server[CASES_MAX], *entrance[CASES_MAX];
	struct ending_result results[CASES_MAX];
	pthread_t thread;
};

static void set_stage(struct stage *stage, bool has_entrances)
{
	ck_assert_uint_le(ending_case_count, CASES_MAX);
	for (unsigned i = 0; i < ending_case_count; i++) {
		snprintf(stage->servers[i], 32, "127.0.0.1:%u", port_reserve());
		stage->server[i] = stage->entrance[i] = stage->servers[i];
		if (!has_entrances)
			continue;
		snprintf(stage->entrances[i], 32, "127.0.0.1:%u", port_reserve());
		stage->entrance[i] = stage->entrances[i];
	}
}

static struct daemon *start_between(const struct stage *stage, const struct daemon_mode *mode,
				    const char *relay)
{
	static char text[CASES_MAX * 160];
	size_t used = (size_t)snprintf(text, sizeof(text), "[defaults]\nrelay = %s\n", relay);

	for (unsigned i = 0; i < ending_case_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "[proxy c%u]\nlisten = %s\nserver = %s\n", i,
					 stage->entrance[i], stage->server[i]);
	return daemon_start(mode, "%s", text);
}

static void *play(void *argument)
{
	struct stage *stage = argument;

	endings_play(stage->server, stage->entrance, stage->results);
	return NULL;
}

/* The table goes to where the runner shows it when a cell differs. */
static unsigned compare(const char *title, const struct ending_result *direct,
			const struct ending_result *through)
{
	unsigned different = 0;

	printf("%s\n%-52s %-34s %-34s\n", title, "", "client sees", "server sees");
	for (unsigned i = 0; i < ending_case_count; i++) {
		const struct ending_case *which = &ending_cases[i];
		bool same = ending_same(which, &direct[i], &through[i]);
		char client[ENDING_TEXT], server[ENDING_TEXT];

		ending_describe(which, &through[i].client, client);
		ending_describe(which, &through[i].server, server);
		printf("%-52s %-34s %-34s\n", which->name, client, server);
		if (same)
			continue;
		different++;
		ending_describe(which, &direct[i].client, client);
		ending_describe(which, &direct[i].server, server);
		printf("%-52s %-34s %-34s\n", "  ^ DIFFERS; without the proxy:", client, server);
	}
	fflush(stdout);
	return different;
}

static void assert_faithful(const struct daemon_mode *mode, const char *relay)
{
	static struct stage direct, through;
	struct daemon *daemon;
	char title[128];
	unsigned before;

	set_stage(&direct, false);
	set_stage(&through, true);
	daemon = start_between(&through, mode, relay);
	before = daemon_open_fds(daemon);
	ck_assert_int_eq(pthread_create(&direct.thread, NULL, play, &direct), 0);
	play(&through);
	pthread_join(direct.thread, NULL);
	snprintf(title, sizeof(title), "relay = %s, %s", relay, mode->name);
	ck_assert_uint_eq(compare(title, direct.results, through.results), 0);
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
}

START_TEST(every_ending_is_the_same_through_relay_copy)
{
	assert_faithful(&daemon_modes[_i], "copy");
}
END_TEST

START_TEST(every_ending_is_the_same_through_relay_splice)
{
	assert_faithful(&daemon_modes[_i], "splice");
}
END_TEST

START_TEST(every_ending_is_the_same_through_relay_zerocopy)
{
	assert_faithful(&daemon_modes[_i], "zerocopy");
}
END_TEST

START_TEST(every_ending_is_the_same_through_relay_auto)
{
	assert_faithful(&daemon_modes[_i], "auto");
}
END_TEST

SUITE_OF("daemon: endings", 180, IN_EVERY_WAY(every_ending_is_the_same_through_relay_copy),
	 IN_BOTH_RINGS(every_ending_is_the_same_through_relay_splice),
	 IN_BOTH_RINGS(every_ending_is_the_same_through_relay_zerocopy),
	 IN_BOTH_RINGS(every_ending_is_the_same_through_relay_auto))
