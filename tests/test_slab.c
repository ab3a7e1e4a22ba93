#include "base/slab.h"

#include "support/suite.h"

START_TEST(a_released_slot_is_not_found_under_its_old_generation)
{
	struct slab slab;
	uint32_t slot, again;

	ck_assert_int_eq(slab_init(&slab, 1, 8), 0);
	ck_assert_ptr_nonnull(slab_take(&slab, &slot));
	slab_release(&slab, slot);
	ck_assert_ptr_nonnull(slab_take(&slab, &again));

	ck_assert_uint_eq(slot, again);
	ck_assert_ptr_null(slab_find(&slab, slot, 0));
	ck_assert_ptr_nonnull(slab_find(&slab, slot, 1));
	slab_done(&slab);
}
END_TEST

START_TEST(a_free_slot_is_not_found_at_all)
{
	struct slab slab;
	uint32_t slot;

	ck_assert_int_eq(slab_init(&slab, 2, 8), 0);
	ck_assert_ptr_null(slab_find(&slab, 0, 0));
	ck_assert_ptr_nonnull(slab_take(&slab, &slot));
	slab_release(&slab, slot);
	ck_assert_ptr_null(slab_find(&slab, slot, 1));
	slab_done(&slab);
}
END_TEST

START_TEST(a_slot_beyond_the_last_is_not_found)
{
	struct slab slab;

	ck_assert_int_eq(slab_init(&slab, 2, 8), 0);
	ck_assert_ptr_null(slab_find(&slab, 2, 0));
	ck_assert_ptr_null(slab_find(&slab, UINT32_MAX, 0));
	slab_done(&slab);
}
END_TEST

START_TEST(a_full_slab_gives_nothing_until_a_slot_is_released)
{
	struct slab slab;
	uint32_t slot, last;

	ck_assert_int_eq(slab_init(&slab, 3, 8), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(slab_take(&slab, &last));
	ck_assert_uint_eq(slab.used, 3);
	ck_assert_ptr_null(slab_take(&slab, &slot));

	slab_release(&slab, last);
	ck_assert_uint_eq(slab.used, 2);
	ck_assert_ptr_nonnull(slab_take(&slab, &slot));
	ck_assert_uint_eq(slot, last);
	slab_done(&slab);
}
END_TEST

START_TEST(slots_in_use_are_distinct_and_keep_what_is_in_them)
{
	struct slab slab;
	uint32_t slots[100];

	ck_assert_int_eq(slab_init(&slab, 100, sizeof(uint32_t)), 0);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t *item = slab_take(&slab, &slots[i]);

		*item = i;
	}
	for (uint32_t i = 0; i < 100; i++) {
		const uint32_t *item = slab_find(&slab, slots[i], 0);

		ck_assert_ptr_nonnull(item);
		ck_assert_uint_eq(*item, i);
	}
	slab_done(&slab);
}
END_TEST

START_TEST(a_slot_taken_again_is_zeroed)
{
	struct slab slab;
	uint32_t slot;
	uint64_t *item;

	ck_assert_int_eq(slab_init(&slab, 1, sizeof(*item)), 0);
	item = slab_take(&slab, &slot);
	*item = UINT64_MAX;
	slab_release(&slab, slot);
	item = slab_take(&slab, &slot);
	ck_assert_uint_eq(*item, 0);
	slab_done(&slab);
}
END_TEST

/* The generation shares a 64-bit tag with the slot, so it has to come round at 24 bits. */
START_TEST(the_generation_wraps_at_its_width)
{
	struct slab slab;
	uint32_t slot;

	ck_assert_int_eq(slab_init(&slab, 1, 1), 0);
	slab.generation[0] = (1u << SLAB_GENERATION_BITS) - 1;
	ck_assert_ptr_nonnull(slab_take(&slab, &slot));
	slab_release(&slab, slot);
	ck_assert_uint_eq(slab.generation[0], 0);
	slab_done(&slab);
}
END_TEST

START_TEST(an_empty_slab_is_full)
{
	struct slab slab;
	uint32_t slot;

	ck_assert_int_eq(slab_init(&slab, 0, 8), 0);
	ck_assert_ptr_null(slab_take(&slab, &slot));
	ck_assert_ptr_null(slab_find(&slab, 0, 0));
	slab_done(&slab);
}
END_TEST

/* ASan ends the program where the C library returns NULL, unless told otherwise. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

START_TEST(memory_that_cannot_be_had_is_an_error_not_a_crash)
{
	struct slab slab;

	/* Few slots: the memory there is for the rest would be had, and filled. */
	ck_assert_int_lt(slab_init(&slab, 16, SIZE_MAX / 8), 0);
	ck_assert_ptr_null(slab.items);
	slab_done(&slab);
}
END_TEST

SUITE("slab", a_released_slot_is_not_found_under_its_old_generation,
      a_free_slot_is_not_found_at_all, a_slot_beyond_the_last_is_not_found,
      a_full_slab_gives_nothing_until_a_slot_is_released,
      slots_in_use_are_distinct_and_keep_what_is_in_them, a_slot_taken_again_is_zeroed,
      the_generation_wraps_at_its_width, an_empty_slab_is_full,
      memory_that_cannot_be_had_is_an_error_not_a_crash)
