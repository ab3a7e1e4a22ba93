/* Servers that outlive configurations, and what workers say of them together. */
#include "pool/pool.h"
#include "pool/roster.h"
#include "pool/server.h"

#include "base/spell.h"
#include "ops/ledger.h"
#include "support/said.h"
#include "support/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct servers servers;

static struct server *get(const char *title, const char *text)
{
	struct address address;
	const char *why;

	ck_assert_int_eq(address_parse(&address, text, ADDRESS_FOR_CONNECT, &why), 0);
	return servers_get(&servers, title, text, text, "f:1", &address);
}

START_TEST(a_server_is_the_same_as_long_as_any_roster_names_it)
{
	struct server *first, *again;

	servers_init(&servers, NULL);
	first = get("[proxy a]", "127.0.0.1:80");
	server_failed(first, -ECONNREFUSED, 1000);
	again = get("[proxy a]", "127.0.0.1:80");
	servers_put(first);
	ck_assert_ptr_eq(again, first);
	ck_assert(server_is_failing(again));
	servers_put(again);
	again = get("[proxy a]", "127.0.0.1:80");
	ck_assert(!server_is_failing(again));
	servers_put(again);
}
END_TEST

START_TEST(what_differs_in_section_text_or_address_is_another_server)
{
	struct server *all[4];

	servers_init(&servers, NULL);
	all[0] = get("[proxy a]", "127.0.0.1:80");
	all[1] = get("[proxy b]", "127.0.0.1:80");
	all[2] = get("[proxy a]", "127.0.0.1:81");
	all[3] = servers_get(&servers, "[proxy a]", "127.0.0.1:80", "127.0.0.1:80", "f:1",
			     &all[2]->address);
	for (unsigned i = 0; i < array_size(all); i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_ptr_ne(all[i], all[j]);
	for (unsigned i = 0; i < array_size(all); i++)
		servers_put(all[i]);
}
END_TEST

START_TEST(it_recovers_when_it_has_answered_and_not_failed_for_its_patience)
{
	struct server *server;
	uint64_t again;

	servers_init(&servers, NULL);
	server = get("[proxy a]", "127.0.0.1:80");
	server_failed(server, -ECONNREFUSED, 1000);
	ck_assert(!server_recovers(server, 9000, &again));
	ck_assert_uint_eq(again, UINT64_MAX); /* nobody knows */
	ck_assert_uint_eq(server_answered(server), 1000 + SPELL_PATIENCE_FIRST_MS);
	ck_assert(!server_recovers(server, 1500, &again));
	ck_assert_uint_eq(again, 1000 + SPELL_PATIENCE_FIRST_MS);
	server_failed(server, -ECONNREFUSED, 1600);
	ck_assert(!server_recovers(server, 9000, &again));
	server_answered(server);
	ck_assert(server_recovers(server, 1600 + SPELL_PATIENCE_FIRST_MS, &again));
	ck_assert(!server_is_failing(server));
	/* Soon after, it is trusted less quickly. */
	server_failed(server, -ECONNREFUSED, 5000);
	ck_assert_uint_eq(server_answered(server), 5000 + 2 * SPELL_PATIENCE_FIRST_MS);
	servers_put(server);
	servers_done(&servers);
}
END_TEST

START_TEST(who_is_found_well_where_connections_go_is_within_reach_and_recovers)
{
	struct server *server;

	servers_init(&servers, NULL);
	server = get("[proxy a]", "127.0.0.1:80");
	server_found_well(server, 900);
	ck_assert(!server_is_out_of_reach(server));
	server_failed(server, -ECONNREFUSED, 1000);
	ck_assert(server_is_out_of_reach(server));
	server_found_well(server, 1200);
	ck_assert(!server_is_out_of_reach(server));
	ck_assert(server_is_failing(server)); /* it may fail again soon, and that is no news */
	server_failed(server, -ECONNREFUSED, 1300);
	ck_assert(server_is_out_of_reach(server));
	server_found_well(server, 1300 + SPELL_PATIENCE_FIRST_MS);
	ck_assert(!server_is_failing(server));
	servers_put(server);
	servers_done(&servers);
}
END_TEST

START_TEST(why_a_server_fails_is_said_with_what_its_kind_of_address_makes_of_it)
{
	static const struct {
		const char *address;
		int error;
		enum fault fault;
		const char *words;
	} known[] = {
		{"127.0.0.1:80", ECONNREFUSED, FAULT_REFUSED, "Connection refused; f:1"},
		{"unix:/s", ECONNREFUSED, FAULT_REFUSED, "refused (the socket's file is there"},
		{"127.0.0.1:80", EACCES, FAULT_FORBIDDEN, "(a firewall rule or a security module"},
		{"unix:/s", EACCES, FAULT_FORBIDDEN, "(who connects needs write permission"},
		{"unix:/s", EPERM, FAULT_FORBIDDEN, "(a firewall rule or a security module"},
		{"127.0.0.1:80", EAGAIN, FAULT_MEMORY, "(see net.ipv4.tcp_mem"},
		{"unix:/s", EAGAIN, FAULT_BACKLOG, "than its backlog holds); f:1"},
		{"unix:/s", ENOENT, FAULT_ABSENT, "(there is no such socket"},
		{"unix:/s", EPROTOTYPE, FAULT_ABSENT, "(that socket is no stream socket"},
		{"[2001:db8::1]:80", EINVAL, FAULT_ADDRESS,
		 "(of a link-local address the number of its"},
	};

	said_listen();
	servers_init(&servers, NULL);
	for (size_t i = 0; i < array_size(known); i++) {
		struct server *server = get("[proxy a]", known[i].address);
		const char *text;

		ck_assert_uint_eq(server_fault(server, -known[i].error), known[i].fault);
		server_failed(server, -known[i].error, 1000);
		text = said();
		ck_assert_msg(strstr(text, known[i].words), "%s", text);
		servers_put(server);
	}
}
END_TEST

START_TEST(workers_see_what_a_pool_has_when_that_is_published)
{
	struct member member = {.weight = 1};
	const struct roster *first, *old;
	struct pool pool;

	servers_init(&servers, NULL);
	ck_assert_int_eq(pool_open(&pool, NULL), 0);
	first = pool_roster(&pool);
	ck_assert_uint_eq(first->count, 0);
	member.server = get("[proxy a]", "127.0.0.1:80");
	ck_assert_int_eq(pool_add(&pool, &member), 0);
	ck_assert_uint_eq(pool_roster(&pool)->count, 0);
	ck_assert_int_eq(pool_publish(&pool, &old), 0);
	ck_assert_ptr_eq(old, first);
	ck_assert_uint_eq(pool_roster(&pool)->count, 1);
	roster_free((struct roster *)old);
	pool_close(&pool);
	servers_done(&servers);
}
END_TEST

START_TEST(an_account_is_found_by_its_name_and_adds_what_workers_count)
{
	struct account *a, *b;
	struct ledger ledger;

	ledger_open(&ledger, 3, 2);
	a = ledger_account(&ledger, "[proxy a]");
	b = ledger_account(&ledger, "[proxy b]");
	ck_assert_ptr_eq(ledger_account(&ledger, "[proxy a]"), a);
	ck_assert_uint_ne(a->id, b->id);
	cell_count(account_cell(a, 0), 1, 5);
	cell_count(account_cell(a, 2), 1, 7);
	cell_count(account_cell(a, 2), 0, 1);
	ck_assert_uint_eq(ledger_sum(&ledger, a, 1), 12);
	ck_assert_uint_eq(ledger_sum(&ledger, a, 0), 1);
	ck_assert_uint_eq(ledger_sum(&ledger, b, 1), 0);
	ledger_close(&ledger);
}
END_TEST

START_TEST(an_account_adds_what_workers_have_recorded)
{
	enum { LIFETIME, OTHER, COUNT };
	struct histogram_total total;
	struct account *account;
	struct ledger ledger;

	ledger_open(&ledger, 3, 1);
	account = ledger_account(&ledger, "[proxy a]");
	ledger_total(&ledger, account, LIFETIME, &total);
	ck_assert_uint_eq(histogram_count(&total), 0);
	ck_assert_int_eq(ledger_measure(&ledger, account, COUNT), 0);
	account_record(account, 0, LIFETIME, &HISTOGRAM_LIFETIME, 10);
	account_record(account, 2, LIFETIME, &HISTOGRAM_LIFETIME, 40);
	account_record(account, 2, OTHER, &HISTOGRAM_LIFETIME, 40);
	ck_assert_int_eq(ledger_measure(&ledger, account, COUNT), 0);
	ledger_total(&ledger, account, LIFETIME, &total);
	ck_assert_uint_eq(total.counts[0], 1);
	ck_assert_uint_eq(total.counts[1], 1);
	ck_assert_uint_eq(total.sum, 50);
	ledger_total(&ledger, account, OTHER, &total);
	ck_assert_uint_eq(histogram_count(&total), 1);
	ledger_close(&ledger);
}
END_TEST

SUITE_OF("pool", 0, ONCE(a_server_is_the_same_as_long_as_any_roster_names_it),
	 ONCE(what_differs_in_section_text_or_address_is_another_server),
	 ONCE(it_recovers_when_it_has_answered_and_not_failed_for_its_patience),
	 ONCE(who_is_found_well_where_connections_go_is_within_reach_and_recovers),
	 ONCE(why_a_server_fails_is_said_with_what_its_kind_of_address_makes_of_it),
	 ONCE(workers_see_what_a_pool_has_when_that_is_published),
	 ONCE(an_account_is_found_by_its_name_and_adds_what_workers_count),
	 ONCE(an_account_adds_what_workers_have_recorded))
