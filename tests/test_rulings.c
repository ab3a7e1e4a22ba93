/* What operators say of servers: who said it, until when, and that it stays with the server. */
#include "control/rulings.h"
#include "pool/server.h"
#include "support/said.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

static struct servers servers;
static struct rulings rulings;

static struct server *get(const char *text)
{
	struct address address;
	const char *why;

	ck_assert_int_eq(address_parse(&address, text, ADDRESS_FOR_CONNECT, &why), 0);
	return servers_get(&servers, "[pool web]", text, text, "f:1", &address);
}

static struct server *begin(void)
{
	said_listen();
	servers_init(&servers, NULL);
	rulings_open(&rulings);
	return get("10.0.0.1:80");
}

static void end(struct server *server)
{
	rulings_close(&rulings);
	servers_put(server);
	servers_done(&servers);
}

static void say(struct server *server, enum ruling_state state, const char *reason, uint64_t for_ms,
		const char *by)
{
	const struct rulings_change change = {
		.sets_state = true, .state = state, .reason = reason, .for_ms = for_ms};

	ck_assert_int_eq(rulings_say(&rulings, server, &change, by, 1000), 0);
}

static void weigh(struct server *server, uint32_t weight, const char *by)
{
	const struct rulings_change change = {.sets_weight = true, .weight = weight};

	ck_assert_int_eq(rulings_say(&rulings, server, &change, by, 1000), 0);
}

START_TEST(it_is_known_who_said_it_and_why)
{
	struct server *server = begin();

	say(server, RULING_DRAIN, "kernel", 0, "me");
	ck_assert_str_eq(said(), "[pool web] server 10.0.0.1:80: drain by me: kernel; it takes no "
				 "new connections, and 0 go on\n");
	ck_assert_uint_eq(server->ruling->state, RULING_DRAIN);
	ck_assert_str_eq(rulings_of(server)->why, "drained by me: kernel");
	ck_assert(rulings_of(server)->state_said.at_ms > 0 && server->ruled_ms > 0);
	say(server, RULING_READY, NULL, 0, "you");
	ck_assert_str_eq(said(), "[pool web] server 10.0.0.1:80: ready by you\n");
	ck_assert_ptr_null(server->ruling);
	say(server, RULING_READY, NULL, 0, "you");
	ck_assert_str_eq(said(), "");
	end(server);
}
END_TEST

START_TEST(of_two_operators_the_last_is_right_unless_it_repeats)
{
	struct server *server = begin();

	say(server, RULING_DRAIN, "kernel", 0, "first");
	say(server, RULING_DRAIN, NULL, 0, "second");
	ck_assert_str_eq(rulings_of(server)->state_said.by, "first");
	ck_assert_str_eq(rulings_of(server)->reason, "kernel");
	say(server, RULING_MAINT, NULL, 0, "second");
	ck_assert_str_eq(rulings_of(server)->why, "taken out by second");
	weigh(server, 3, "third");
	ck_assert_str_eq(rulings_of(server)->state_said.by, "second");
	ck_assert_str_eq(rulings_of(server)->weight_said.by, "third");
	/* Each is taken back by itself. */
	say(server, RULING_READY, NULL, 0, "first");
	ck_assert_uint_eq(server->ruling->weight, 3);
	weigh(server, RULING_AS_CONFIGURED, "first");
	ck_assert_ptr_null(server->ruling);
	end(server);
}
END_TEST

START_TEST(a_time_ends_by_itself_and_is_said_once)
{
	struct server *server = begin(), *other = get("10.0.0.2:80");

	ck_assert_uint_eq(rulings_due_ms(&rulings), UINT64_MAX);
	say(server, RULING_DRAIN, "kernel", 600000, "me");
	ck_assert_ptr_nonnull(strstr(said(), "drain by me for 10min: kernel;"));
	say(other, RULING_MAINT, NULL, 5000, "me");
	ck_assert_uint_eq(rulings_due_ms(&rulings), 6000);
	ck_assert_ptr_null(rulings_turn(&rulings, 5999));
	(void)said();
	ck_assert_ptr_eq(rulings_turn(&rulings, 6000), other);
	servers_put(other);
	ck_assert_str_eq(said(),
			 "[pool web] server 10.0.0.2:80: maint is over, after the time that "
			 "me gave it\n");
	ck_assert_ptr_null(rulings_turn(&rulings, 6000));
	ck_assert_uint_eq(rulings_due_ms(&rulings), 601000);
	/* What is said anew has a time of its own, or none. */
	say(server, RULING_DRAIN, NULL, 1000, "you");
	ck_assert_uint_eq(rulings_due_ms(&rulings), 2000);
	say(server, RULING_DRAIN, NULL, 0, "you");
	ck_assert_uint_eq(rulings_due_ms(&rulings), UINT64_MAX);
	ck_assert_uint_eq(server->ruling->state, RULING_DRAIN);
	servers_put(other);
	end(server);
}
END_TEST

START_TEST(a_weight_outlives_the_time_of_a_state)
{
	struct server *server = begin();

	weigh(server, 2, "me");
	say(server, RULING_DRAIN, NULL, 10, "me");
	ck_assert_ptr_eq(rulings_turn(&rulings, 1010), server);
	servers_put(server);
	ck_assert_uint_eq(server->ruling->weight, 2);
	ck_assert_uint_eq(server->ruling->state, RULING_READY);
	ck_assert_str_eq(rulings_of(server)->why, "");
	end(server);
}
END_TEST

START_TEST(a_server_that_no_pool_names_keeps_what_was_said_of_it)
{
	struct server *server = begin();

	say(server, RULING_DRAIN, NULL, 0, "me");
	servers_put(server);
	ck_assert_ptr_eq(get("10.0.0.1:80"), server);
	ck_assert_uint_eq(server->ruling->state, RULING_DRAIN);
	end(server);
}
END_TEST

SUITE("control: rulings", it_is_known_who_said_it_and_why,
      of_two_operators_the_last_is_right_unless_it_repeats, a_time_ends_by_itself_and_is_said_once,
      a_weight_outlives_the_time_of_a_state, a_server_that_no_pool_names_keeps_what_was_said_of_it)
