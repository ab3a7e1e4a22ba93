/* What is held in front of a lane's queue, and words of ours before that. */
#include "config/config.h"
#include "lane/preface.h"
#include "lane/road.h"
#include "loop/loop.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

enum { BUFFERS = 16, BUFFER = 4096 };

static struct loop loop;
static struct road road;
static struct chunk chunks[BUFFERS];
static unsigned char memory[BUFFERS][BUFFER];
static const struct config_settings settings = {.receive_budget = 1 << 20};

static struct lane *lane_up(void)
{
	return &road.lanes[LANE_UP];
}

static void nothing(struct road *of)
{
	(void)of;
}

static void begin(void)
{
	static const struct road_events events = {.heard = nothing};

	loop = (struct loop){.stock = {.memory = memory[0],
				       .chunks = chunks,
				       .buffer_size = BUFFER,
				       .count = BUFFERS,
				       .spare = STOCK_NONE}};
	for (uint16_t id = 0; id < BUFFERS; id++)
		stock_give(&loop.stock, id);
	list_init(&loop.dirty);
	list_init(&loop.resting);
	road = (struct road){.loop = &loop, .events = &events, .settings = &settings};
	lane_init(&road.lanes[LANE_DOWN], LANE_DOWN, SIDE_CLIENT, LANE_OPEN);
	lane_init(lane_up(), LANE_UP, SIDE_UPSTREAM, LANE_OPEN);
}

static uint32_t buffers_taken(void)
{
	return BUFFERS - loop.stock.spare_count;
}

/* The source says that. */
static void receive(const void *bytes, uint32_t length)
{
	struct io_uring_cqe done = {.res = (int32_t)length};

	lane_up()->fed = stock_take(&loop.stock);
	memcpy(stock_memory(&loop.stock, lane_up()->fed), bytes, length);
	lane_received(lane_up(), &done);
}

/* The sink takes so much. */
static void send_on(uint32_t count)
{
	lane_delivered(lane_up(), count);
	lane_consume(lane_up(), count);
}

static void is_first(const char *expected)
{
	uint32_t length;
	const unsigned char *bytes = lane_peek(lane_up(), &length);

	ck_assert_uint_eq(length, strlen(expected));
	if (length)
		ck_assert_mem_eq(bytes, expected, length);
}

static void end(void)
{
	lane_drop(lane_up());
	ck_assert_ptr_null(lane_up()->preface);
	ck_assert_uint_eq(lane_up()->chunks, 0);
	ck_assert_uint_eq(loop.stock.holders, 0);
	ck_assert_uint_eq(buffers_taken(), 0);
}

START_TEST(what_is_held_keeps_no_buffer_and_stands_in_one_piece)
{
	static char large[BUFFER];

	begin();
	memset(large, 'x', sizeof(large));
	receive(large, sizeof(large));
	receive("abc", 3);
	ck_assert_uint_eq(buffers_taken(), 2);
	ck_assert_uint_eq(lane_up()->chunks, 2);
	ck_assert(preface_hold(lane_up()));
	ck_assert_uint_eq(buffers_taken(), 0);
	ck_assert_uint_eq(loop.stock.holders, 0);
	ck_assert_uint_eq(lane_up()->chunks, 1);
	ck_assert_uint_eq(lane_up()->queued, BUFFER + 3);
	ck_assert_uint_eq(lane_stocked(lane_up()), 0);
	receive("de", 2);
	ck_assert(preface_hold(lane_up()));
	lane_consume(lane_up(), BUFFER);
	is_first("abcde");
	end();
}
END_TEST

START_TEST(it_takes_its_bytes_rounded_up_to_a_kibibyte)
{
	begin();
	for (unsigned i = 0; i < 3000; i++) {
		receive("x", 1);
		ck_assert(preface_hold(lane_up()));
		ck_assert_uint_le(sizeof(struct preface) + lane_up()->preface->size,
				  (sizeof(struct preface) + i + 1 + 1023) / 1024 * 1024);
	}
	end();
}
END_TEST

START_TEST(words_of_ours_are_first_and_do_not_count)
{
	begin();
	receive("hello", 5);
	ck_assert(preface_hold(lane_up()));
	ck_assert(preface_say(lane_up(), "PROXY ", 6));
	is_first("PROXY hello");
	receive(", more", 6);
	send_on(4);
	ck_assert_uint_eq(lane_up()->bytes, 0);
	is_first("Y hello");
	send_on(4);
	ck_assert_uint_eq(lane_up()->bytes, 2);
	send_on(9);
	ck_assert_uint_eq(lane_up()->bytes, 11);
	end();
}
END_TEST

START_TEST(at_the_next_server_others_are_said_in_their_place)
{
	begin();
	ck_assert(preface_say(lane_up(), "first", 5));
	receive("abc", 3);
	ck_assert(preface_say(lane_up(), "at the second", 13));
	is_first("at the second");
	ck_assert_uint_eq(lane_up()->queued, 16);
	ck_assert(preface_say(lane_up(), NULL, 0));
	is_first("abc");
	ck_assert_ptr_null(lane_up()->preface);
	ck_assert(preface_hold(lane_up()));
	ck_assert(preface_say(lane_up(), "x", 1));
	ck_assert(preface_say(lane_up(), NULL, 0));
	is_first("abc");
	ck_assert_uint_eq(lane_up()->queued, 3);
	end();
}
END_TEST

START_TEST(words_wait_a_turn_for_a_client_that_has_said_nothing)
{
	begin();
	ck_assert(preface_say(lane_up(), "words", 5));
	ck_assert(preface_waits(lane_up()));
	ck_assert(!preface_waits(lane_up()));
	end();

	begin();
	ck_assert(preface_say(lane_up(), "words", 5));
	receive("abc", 3);
	ck_assert(!preface_waits(lane_up()));
	end();
}
END_TEST

/* ---- Against a plain string ------------------------------------------------------------------ */

struct model {
	char bytes[4 * BUFFER];
	uint32_t length, ours;
	uint64_t delivered;
	bool sent; /* some of it: no words any more */
};

static void say(struct model *model)
{
	static const char words[] = "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n";
	uint32_t count = (uint32_t)(rand() % (int)sizeof(words));

	ck_assert(preface_say(lane_up(), words, count));
	memmove(model->bytes + count, model->bytes + model->ours, model->length - model->ours);
	memcpy(model->bytes, words, count);
	model->length += count - model->ours;
	model->ours = count;
}

static void hear(struct model *model)
{
	char bytes[BUFFER];
	uint32_t count = 1 + (uint32_t)(rand() % (rand() % 8 ? 40 : 3000));

	if (model->length + count > 3 * BUFFER)
		return;
	for (uint32_t i = 0; i < count; i++)
		bytes[i] = (char)rand();
	receive(bytes, count);
	memcpy(model->bytes + model->length, bytes, count);
	model->length += count;
}

static void pass_on(struct model *model)
{
	uint32_t count = model->length ? (uint32_t)(rand() % (int)(model->length + 1)) : 0;
	uint32_t ours = count < model->ours ? count : model->ours;

	send_on(count);
	memmove(model->bytes, model->bytes + count, model->length - count);
	model->length -= count;
	model->ours -= ours;
	model->delivered += count - ours;
	model->sent |= count > 0;
}

static void compare(const struct model *model)
{
	uint32_t length;
	const unsigned char *bytes = lane_peek(lane_up(), &length);

	ck_assert_uint_eq(lane_up()->queued, model->length);
	ck_assert_uint_eq(lane_up()->bytes, model->delivered);
	ck_assert_uint_le(length, model->length);
	ck_assert(length || !model->length);
	if (length)
		ck_assert_mem_eq(bytes, model->bytes, length);
	ck_assert_uint_eq(loop.stock.holders, lane_stocked(lane_up()) > 0);
}

START_TEST(whatever_is_done_it_is_one_string_of_bytes)
{
	for (int seed = 0; seed < 300; seed++) {
		struct model model = {0};

		srand((unsigned)seed);
		begin();
		for (int i = 0; i < 100; i++) {
			int what = rand() % 5;

			if (what == 0 && !model.sent)
				say(&model);
			else if (what == 1)
				ck_assert(preface_hold(lane_up()));
			else if (what == 2 && rand() % 3 == 0)
				pass_on(&model);
			else
				hear(&model);
			compare(&model);
		}
		end();
	}
}
END_TEST

SUITE("lane: preface", what_is_held_keeps_no_buffer_and_stands_in_one_piece,
      it_takes_its_bytes_rounded_up_to_a_kibibyte, words_of_ours_are_first_and_do_not_count,
      at_the_next_server_others_are_said_in_their_place,
      words_wait_a_turn_for_a_client_that_has_said_nothing,
      whatever_is_done_it_is_one_string_of_bytes)
