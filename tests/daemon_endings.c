/* However a connection ends, both sides see through the proxy what they would see without it. */
#include "support/daemon.h"
#include "support/endings.h"
#include "support/suite.h"
#include "support/tls_hellos.h"

#include <pthread.h>
#include <stdio.h>

enum { CASES_MAX = 64, ADDRESS_SIZE = 48 };

/* What both connections are made of; the number makes an address unique. */
struct transport {
	const char *name, *address;
	bool is_unix;
};

static const struct transport transports[] = {
	{"IPv4", "127.0.0.1:%u", false},
	{"IPv6", "[::1]:%u", false},
	{"unix", "unix:@uringproxy-endings-%u", true},
};
enum { TRANSPORTS = sizeof(transports) / sizeof(transports[0]), ONLY_IPV4 = 1 };

/* Where the servers listen and the clients connect, a pair for each case, so that all can be
 * played at once. */
struct stage {
	char servers[CASES_MAX][ADDRESS_SIZE], entrances[CASES_MAX][ADDRESS_SIZE];
	const char *server[CASES_MAX], *entrance[CASES_MAX];
	struct ending_result results[CASES_MAX];
	char middles[CASES_MAX][ADDRESS_SIZE]; /* between two sections */
	const struct tls_hello *hello;         /* that clients say first, or NULL */
	pthread_t thread;
};

static void name_address(char address[ADDRESS_SIZE], const char *format)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(address, ADDRESS_SIZE, format, port_reserve());
#pragma GCC diagnostic pop
}

static void set_stage(struct stage *stage, const struct transport *transport, bool has_entrances)
{
	ck_assert_uint_le(ending_case_count, CASES_MAX);
	for (unsigned i = 0; i < ending_case_count; i++) {
		name_address(stage->servers[i], transport->address);
		stage->server[i] = stage->entrance[i] = stage->servers[i];
		if (!has_entrances)
			continue;
		name_address(stage->entrances[i], transport->address);
		stage->entrance[i] = stage->entrances[i];
	}
}

/* What a connection goes by. */
enum between {
	BETWEEN_ONE,     /* a section */
	BETWEEN_BY_NAME, /* ... and the name that the client wants leads on */
	BETWEEN_TWO,     /* sections, of which one tells the other of the client: a PROXY header */
};

static size_t put_two(char *text, size_t size, struct stage *stage, unsigned t, unsigned i)
{
	name_address(stage->middles[i], transports[t].address);
	return (size_t)snprintf(text, size,
				"[proxy t%uc%uout]\nlisten = %s\nserver = %s\nsend_proxy = v2\n"
				"send_proxy_tlv = unique_id crc32c\n"
				"[proxy t%uc%uin]\nlisten = %s\nserver = %s\naccept_proxy = v2\n",
				t, i, stage->entrance[i], stage->middles[i], t, i,
				stage->middles[i], stage->server[i]);
}

/* A proxy for each case; by name, to a pool for each. */
static struct daemon *start_between(struct stage *stages, unsigned count,
				    const struct daemon_mode *mode, const char *relay,
				    const char *keys, enum between between)
{
	static char text[TRANSPORTS * CASES_MAX * 400];
	char route[80] = "";
	size_t used =
		(size_t)snprintf(text, sizeof(text), "[defaults]\nrelay = %s\n%s", relay, keys);

	for (unsigned t = 0; t < count; t++)
		for (unsigned i = 0; i < ending_case_count; i++) {
			if (between == BETWEEN_TWO) {
				used += put_two(text + used, sizeof(text) - used, &stages[t], t, i);
				continue;
			}
			if (between == BETWEEN_BY_NAME)
				snprintf(route, sizeof(route),
					 "route_sni = *.example -> p%ux%u\n[pool p%ux%u]\n", t, i,
					 t, i);
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "[proxy t%uc%u]\nlisten = %s\n%sserver = %s\n", t,
						 i, stages[t].entrance[i], route,
						 stages[t].server[i]);
		}
	return daemon_start(mode, "%s", text);
}

static void *play(void *argument)
{
	struct stage *stage = argument;

	if (stage->hello)
		endings_play_behind(stage->hello->bytes, stage->hello->length, stage->server,
				    stage->entrance, stage->results);
	else
		endings_play(stage->server, stage->entrance, stage->results);
	return NULL;
}

/* The table goes to where the runner shows it when a cell differs. */
static unsigned compare(const char *title, bool is_unix, const struct ending_result *direct,
			const struct ending_result *through)
{
	unsigned different = 0;

	printf("%s\n%-52s %-34s %-34s\n", title, "", "client sees", "server sees");
	for (unsigned i = 0; i < ending_case_count; i++) {
		const struct ending_case *which = &ending_cases[i];
		bool same = ending_same(which, is_unix, &direct[i], &through[i]);
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

/* The first count transports, all at once. */
static void assert_faithful_behind(const struct daemon_mode *mode, const char *relay,
				   unsigned count, const char *keys, enum between between,
				   const struct tls_hello *hello)
{
	static struct stage direct[TRANSPORTS], through[TRANSPORTS];
	struct daemon *daemon;
	char title[128];
	unsigned before, different = 0;

	for (unsigned t = 0; t < count; t++) {
		set_stage(&direct[t], &transports[t], false);
		set_stage(&through[t], &transports[t], true);
		direct[t].hello = through[t].hello = hello;
	}
	daemon = start_between(through, count, mode, relay, keys, between);
	before = daemon_open_fds(daemon);
	for (unsigned t = 0; t < count; t++) {
		ck_assert_int_eq(pthread_create(&direct[t].thread, NULL, play, &direct[t]), 0);
		ck_assert_int_eq(pthread_create(&through[t].thread, NULL, play, &through[t]), 0);
	}
	for (unsigned t = 0; t < count; t++) {
		pthread_join(direct[t].thread, NULL);
		pthread_join(through[t].thread, NULL);
		snprintf(title, sizeof(title), "%s, relay = %s, %s", transports[t].name, relay,
			 mode->name);
		different += compare(title, transports[t].is_unix, direct[t].results,
				     through[t].results);
	}
	ck_assert_uint_eq(different, 0);
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
}

static void assert_faithful_with(const struct daemon_mode *mode, const char *relay, unsigned count,
				 const char *keys)
{
	assert_faithful_behind(mode, relay, count, keys, BETWEEN_ONE, NULL);
}

static void assert_faithful(const struct daemon_mode *mode, const char *relay, unsigned count)
{
	assert_faithful_with(mode, relay, count, "");
}

START_TEST(every_ending_is_the_same_through_relay_copy)
{
	assert_faithful(&daemon_modes[_i], "copy", TRANSPORTS);
}
END_TEST

START_TEST(every_ending_is_the_same_through_relay_splice)
{
	assert_faithful(&daemon_modes[_i], "splice", TRANSPORTS);
}
END_TEST

START_TEST(every_ending_is_the_same_through_relay_zerocopy)
{
	assert_faithful(&daemon_modes[_i], "zerocopy", ONLY_IPV4);
}
END_TEST

START_TEST(every_ending_is_the_same_through_relay_auto)
{
	assert_faithful(&daemon_modes[_i], "auto", TRANSPORTS);
}
END_TEST

/* 64 MiB take two seconds. */
#define RATES "download_rate = 32M\nupload_rate = 32M\n"

START_TEST(every_ending_is_the_same_with_rates_and_relay_copy)
{
	assert_faithful_with(&daemon_modes[_i], "copy", ONLY_IPV4, RATES);
}
END_TEST

START_TEST(every_ending_is_the_same_with_rates_and_relay_splice)
{
	assert_faithful_with(&daemon_modes[_i], "splice", ONLY_IPV4, RATES);
}
END_TEST

START_TEST(every_ending_is_the_same_for_clients_that_are_routed_by_name)
{
	static const char *const relays[] = {"auto", "copy", "splice", "zerocopy"};

	assert_faithful_behind(&daemon_modes[_i % DAEMON_RINGS], relays[_i / DAEMON_RINGS],
			       _i / DAEMON_RINGS == 3 ? ONLY_IPV4 : TRANSPORTS, "", BETWEEN_BY_NAME,
			       tls_hello("openssl35-pq"));
}
END_TEST

START_TEST(every_ending_is_the_same_with_proxy_headers_and_relay_copy)
{
	assert_faithful_behind(&daemon_modes[_i], "copy", TRANSPORTS, "", BETWEEN_TWO, NULL);
}
END_TEST

START_TEST(every_ending_is_the_same_with_proxy_headers_and_relay_splice)
{
	assert_faithful_behind(&daemon_modes[_i], "splice", TRANSPORTS, "", BETWEEN_TWO, NULL);
}
END_TEST

SUITE_OF("daemon: endings", 180, IN_EVERY_WAY(every_ending_is_the_same_through_relay_copy),
	 IN_BOTH_RINGS(every_ending_is_the_same_through_relay_splice),
	 IN_BOTH_RINGS(every_ending_is_the_same_through_relay_zerocopy),
	 IN_BOTH_RINGS(every_ending_is_the_same_through_relay_auto),
	 IN_BOTH_RINGS(every_ending_is_the_same_with_rates_and_relay_copy),
	 IN_BOTH_RINGS(every_ending_is_the_same_with_rates_and_relay_splice),
	 EACH(every_ending_is_the_same_for_clients_that_are_routed_by_name, DAEMON_RINGS * 4),
	 IN_BOTH_RINGS(every_ending_is_the_same_with_proxy_headers_and_relay_copy),
	 IN_BOTH_RINGS(every_ending_is_the_same_with_proxy_headers_and_relay_splice))
