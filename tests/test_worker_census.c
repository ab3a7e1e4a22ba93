/* Lists of sessions: who is met, in how many turns, and whether pages fit together. */
#include "base/address.h"
#include "pool/server.h"
#include "session/life.h"
#include "session/memo.h"
#include "session/reach.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tenancy.h"
#include "support/suite.h"
#include "worker/census.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SLOTS    2000
#define ROOM_MAX 100

static struct loop loop;
static struct engine engine = {.worker_count = 4};
static struct sessions all;
static struct config_section config_section = {.name = (char *)"web"};
static struct edition edition = {.number = 7};
static struct section section = {.edition = &edition, .config = &config_section};
static struct branch branch = {.section = &section};
static struct order_tray tray = {.fd = -1};

static void open_worker(void)
{
	loop = (struct loop){.index = 1, .now_ms = 5000};
	all = (struct sessions){.loop = &loop, .engine = &engine, .next_id = loop.index};
	ck_assert_int_eq(slab_init(&all.slab, SLOTS, sizeof(struct session)), 0);
}

static struct session *come(void)
{
	uint32_t slot;
	struct session *session = slab_take(&all.slab, &slot);

	ck_assert_ptr_nonnull(session);
	session->road.loop = &loop;
	session->road.fd[SIDE_CLIENT] = session->road.fd[SIDE_UPSTREAM] = -1;
	session->road.flight.slot = slot;
	session->all = &all;
	session->branch = &branch;
	session->phase = &phase_relaying;
	session->listener = "0.0.0.0:80";
	session->id = sessions_next_id(&all);
	return session;
}

static void go(struct session *session)
{
	slab_release(&all.slab, session->road.flight.slot);
}

/* Turn until the order is back: how many turns. */
static unsigned turns(struct census_order *census)
{
	struct censuses censuses = {0};
	unsigned count = 0;

	census->order = (struct order){.kind = ORDER_CENSUS, .back = &tray};
	census_take(&censuses, &census->order);
	while (census_any(&censuses)) {
		census_turn(&censuses, &all);
		count++;
	}
	ck_assert_ptr_eq(order_take(&tray.box), &census->order);
	ck_assert_int_eq(census->order.result, 0);
	return count;
}

static uint64_t count_of(const struct glance_filter *filter)
{
	struct census_order census = {.filter = filter, .below = UINT64_MAX};

	(void)turns(&census);
	return census.met;
}

START_TEST(a_turn_looks_at_so_many_slots_and_no_more)
{
	struct census_order one = {.filter = &(struct glance_filter){0}, .below = UINT64_MAX};
	struct session *last = NULL;

	open_worker();
	for (unsigned i = 0; i < 3 * CENSUS_SLOTS_MAX; i++)
		last = come();
	ck_assert_uint_eq(turns(&one), 3);
	ck_assert_uint_eq(one.met, 3ul * CENSUS_SLOTS_MAX);
	ck_assert_uint_eq(one.next_id, last->id + engine.worker_count);

	/* Who is met is not looked for any more. */
	one = (struct census_order){.filter = one.filter, .from = 1, .below = 2};
	ck_assert_uint_eq(turns(&one), 1);
	ck_assert_uint_eq(one.met, 1);
	one = (struct census_order){.filter = one.filter, .from = last->id, .below = last->id + 1};
	ck_assert_uint_eq(turns(&one), 3);
	ck_assert_uint_eq(one.met, 1);
	/* Who has not come yet is not looked for at all. */
	one = (struct census_order){.filter = one.filter, .from = one.next_id, .below = UINT64_MAX};
	ck_assert_uint_eq(turns(&one), 1);
	ck_assert_uint_eq(one.met, 0);
	slab_done(&all.slab);
}
END_TEST

static void churn(struct session *guests[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (loop_random(&loop) % 2) {
			go(guests[i]);
			guests[i] = come();
		}
}

static int by_id(const void *a, const void *b)
{
	const struct glance *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* A page from there on, while others come and go between the turns: how many rows it has. */
static uint32_t page(uint64_t from, struct glance rows[], uint32_t room, struct session *guests[],
		     unsigned guest_count)
{
	static const struct glance_filter everybody;
	uint32_t heap[ROOM_MAX];
	struct census_order census = {
		.order = {.kind = ORDER_CENSUS, .back = &tray},
		.filter = &everybody,
		.from = from,
		.below = UINT64_MAX,
		.rows = rows,
		.heap = heap,
		.room = room,
	};
	struct censuses censuses = {0};

	census_take(&censuses, &census.order);
	while (census_any(&censuses)) {
		census_turn(&censuses, &all);
		churn(guests, guest_count);
	}
	ck_assert_ptr_nonnull(order_take(&tray.box));
	qsort(rows, census.count, sizeof(*rows), by_id);
	return census.count;
}

START_TEST(pages_have_each_session_once_that_is_there_all_the_time)
{
	enum { STAYING = 500, GUESTS = 700 };
	struct session *staying[STAYING], *guests[GUESTS];
	unsigned seen[STAYING] = {0};
	struct glance rows[ROOM_MAX];
	uint64_t from = 0;
	uint32_t count;

	open_worker();
	loop.random = 1 + (uint64_t)_i;
	for (unsigned i = 0; i < GUESTS; i++)
		guests[i] = come();
	for (unsigned i = 0; i < STAYING; i++) {
		staying[i] = come();
		churn(guests, GUESTS);
	}
	while ((count = page(from, rows, 1 + (uint32_t)loop_random(&loop) % ROOM_MAX, guests,
			     GUESTS)) > 0) {
		ck_assert_uint_ge(rows[0].id, from);
		for (uint32_t row = 0; row < count; row++) {
			for (unsigned i = 0; i < STAYING; i++)
				seen[i] += staying[i]->id == rows[row].id;
			ck_assert(row == 0 || rows[row].id > rows[row - 1].id);
		}
		from = rows[count - 1].id + 1;
		if (from > staying[STAYING - 1]->id)
			break;
	}
	for (unsigned i = 0; i < STAYING; i++)
		ck_assert_msg(seen[i] == 1, "session %u is met %u times", i, seen[i]);
	slab_done(&all.slab);
}
END_TEST

static void give_address(struct session *session, const char *text)
{
	struct address address;
	const char *why;

	ck_assert_int_eq(address_parse(&address, text, ADDRESS_FOR_CONNECT, &why), 0);
	memcpy(&session->client, &address.u, sizeof(session->client));
}

static struct glance_filter client(const char *address, unsigned bits, uint16_t port)
{
	struct glance_filter filter = {.client = GLANCE_INET, .bits = bits, .port = port};
	struct address parsed;
	struct endpoint endpoint;
	const char *why;

	ck_assert_int_eq(address_parse(&parsed, address, ADDRESS_FOR_CONNECT, &why), 0);
	endpoint_of(&parsed.u.any, &endpoint);
	memcpy(filter.address, endpoint.address, sizeof(filter.address));
	return filter;
}

START_TEST(filters_mean_what_they_say)
{
	struct glance_filter filter;

	open_worker();
	give_address(come(), "192.0.2.7:4000");
	give_address(come(), "192.0.2.7:4001");
	give_address(come(), "192.0.2.200:1");
	give_address(come(), "[2001:db8::1]:1");
	come()->client.sin6_family = AF_UNIX;
	come()->phase = &phase_closing;

	ck_assert_uint_eq(count_of(&(struct glance_filter){0}), 6);
	filter = client("192.0.2.7:1", 128, 0);
	ck_assert_uint_eq(count_of(&filter), 2);
	filter = client("192.0.2.7:1", 128, 4001);
	ck_assert_uint_eq(count_of(&filter), 1);
	filter = client("192.0.2.0:1", 96 + 24, 0);
	ck_assert_uint_eq(count_of(&filter), 3);
	filter = client("192.0.2.128:1", 96 + 25, 0);
	ck_assert_uint_eq(count_of(&filter), 1);
	filter = client("[2001:db8::]:1", 32, 0);
	ck_assert_uint_eq(count_of(&filter), 1);
	ck_assert_uint_eq(count_of(&(struct glance_filter){.client = GLANCE_UNIX}), 1);
	ck_assert_uint_eq(count_of(&(struct glance_filter){.proxy = "web"}), 6);
	ck_assert_uint_eq(count_of(&(struct glance_filter){.proxy = "we"}), 0);
	ck_assert_uint_eq(count_of(&(struct glance_filter){.state = "relaying"}), 5);
	ck_assert_uint_eq(count_of(&(struct glance_filter){.listener = "0.0.0.0:80"}), 6);
	ck_assert_uint_eq(count_of(&(struct glance_filter){.server = "10.0.0.1:80"}), 0);
	ck_assert(glance_is_state("connecting") && glance_is_state("closing"));
	ck_assert(!glance_is_state("free") && !glance_is_state(""));
	slab_done(&all.slab);
}
END_TEST

/* One way for each server that a session has to do with it, and the last has nobody. */
START_TEST(servers_that_leave_are_held_by_whoever_has_to_do_with_them)
{
	struct census_order census = {.below = UINT64_MAX, .holds = true};
	static struct memo memos[SLOTS];
	struct server servers[6] = {0};
	struct reach reaches[6];
	struct session *session;

	open_worker();
	list_init(&all.recovering);
	all.memos = memos;
	for (unsigned i = 0; i < array_size(servers); i++) {
		reach_init(&reaches[i], &servers[i]);
		atomic_store(&servers[i].leaves, i != 3);
	}
	for (unsigned i = 0; i < CENSUS_SLOTS_MAX; i++)
		(void)come();
	session = come();
	session->reach = &reaches[0];
	session = come();
	session->lacking = &reaches[1];
	session->line = &reaches[2].ports;
	session = come();
	session->reach = &reaches[3]; /* which stays */
	memos[session->road.flight.slot] = (struct memo){
		.of = session->id + 1, .tried_count = 1, .tried = {{.reach = &reaches[4]}}};
	list_push(&all.recovering, &reaches[5].link);

	ck_assert_uint_eq(turns(&census), 2);
	for (unsigned i = 0; i < array_size(servers); i++)
		ck_assert_msg(atomic_load(&servers[i].held) == (i != 3 && i != 5), "server %u", i);
	/* Nor is it looked at from time to time. */
	ck_assert(list_is_empty(&all.recovering));
	slab_done(&all.slab);
}
END_TEST

START_TEST(a_worker_that_ends_returns_what_it_has)
{
	struct census_order first = {.order = {.back = &tray}}, second = first;
	struct censuses censuses = {0};

	census_take(&censuses, &first.order);
	census_take(&censuses, &second.order);
	census_leave(&censuses);
	ck_assert(!census_any(&censuses));
	ck_assert_ptr_eq(order_take(&tray.box), &first.order);
	ck_assert_int_eq(first.order.result, -ESHUTDOWN);
	ck_assert_int_eq(second.order.result, -ESHUTDOWN);
}
END_TEST

SUITE_OF("worker: census", 60, ONCE(a_turn_looks_at_so_many_slots_and_no_more),
	 EACH(pages_have_each_session_once_that_is_there_all_the_time, 20),
	 ONCE(filters_mean_what_they_say),
	 ONCE(servers_that_leave_are_held_by_whoever_has_to_do_with_them),
	 ONCE(a_worker_that_ends_returns_what_it_has))
