/* Which bucket a value is in, and what readers see of it. */
#include "ops/histogram.h"
#include "support/suite.h"

#include <pthread.h>

static const struct histogram_scale *const scales[] = {
#define X(name, units, base, step, buckets) &HISTOGRAM_##name,
	HISTOGRAM_SCALES(X)
#undef X
};

START_TEST(a_bucket_has_its_end_and_what_is_above_the_one_before)
{
	const struct histogram_scale *scale = scales[_i];

	ck_assert_uint_eq(histogram_bucket(scale, 0), 0);
	ck_assert_uint_eq(histogram_bucket(scale, 1), 0);
	for (unsigned bucket = 0; bucket < scale->buckets; bucket++) {
		uint64_t end = histogram_end(scale, bucket);

		ck_assert_uint_eq(histogram_bucket(scale, end), bucket);
		ck_assert_uint_eq(histogram_bucket(scale, end - 1), bucket);
		ck_assert_uint_eq(histogram_bucket(scale, end + 1), bucket + 1);
	}
}
END_TEST

START_TEST(what_is_beyond_all_buckets_is_counted_too)
{
	const struct histogram_scale *scale = scales[_i];

	ck_assert_uint_eq(histogram_bucket(scale, INT64_MAX), scale->buckets);
	ck_assert_uint_eq(histogram_bucket(scale, histogram_end(scale, scale->buckets)),
			  scale->buckets);
}
END_TEST

START_TEST(ends_are_as_documented)
{
	ck_assert_uint_eq(histogram_end(&HISTOGRAM_CONNECT, 0), 250000);
	ck_assert_uint_eq(histogram_end(&HISTOGRAM_CONNECT, 14), UINT64_C(4096000000));
	ck_assert_uint_eq(histogram_end(&HISTOGRAM_FIRST_BYTE, 15), UINT64_C(16384000000));
	ck_assert_uint_eq(histogram_end(&HISTOGRAM_LIFETIME, 1), 40);
	ck_assert_uint_eq(histogram_end(&HISTOGRAM_LIFETIME, 12), 167772160);
	ck_assert_uint_eq(histogram_end(&HISTOGRAM_RTT, 13), 819200000);
	ck_assert_uint_eq(histogram_end(&HISTOGRAM_LAG, 15), 327680000);
}
END_TEST

START_TEST(workers_are_added_up)
{
	static struct histogram first, second;
	struct histogram_total total = {0};

	histogram_record(&first, &HISTOGRAM_CONNECT, 250000);
	histogram_record(&first, &HISTOGRAM_CONNECT, 250001);
	histogram_record(&second, &HISTOGRAM_CONNECT, 250001);
	histogram_record(&second, &HISTOGRAM_CONNECT, UINT64_C(100000000000));
	histogram_add(&total, &first);
	histogram_add(&total, &second);
	ck_assert_uint_eq(total.counts[0], 1);
	ck_assert_uint_eq(total.counts[1], 2);
	ck_assert_uint_eq(total.counts[HISTOGRAM_CONNECT.buckets], 1);
	ck_assert_uint_eq(total.sum, UINT64_C(100000750002));
	ck_assert_uint_eq(histogram_count(&total), 4);
}
END_TEST

START_TEST(a_quantile_is_the_end_of_its_bucket)
{
	struct histogram_total total = {.counts = {98, 1, 0, 1}};

	ck_assert_uint_eq(histogram_quantile(&total, &HISTOGRAM_LAG, 0.5), 10000);
	ck_assert_uint_eq(histogram_quantile(&total, &HISTOGRAM_LAG, 0.98), 10000);
	ck_assert_uint_eq(histogram_quantile(&total, &HISTOGRAM_LAG, 0.99), 20000);
	ck_assert_uint_eq(histogram_quantile(&total, &HISTOGRAM_LAG, 1), 80000);
	total.counts[HISTOGRAM_LAG.buckets] = 100;
	ck_assert_uint_eq(histogram_quantile(&total, &HISTOGRAM_LAG, 0.99), UINT64_MAX);
	total = (struct histogram_total){.counts = {0, 1}};
	ck_assert_uint_eq(histogram_quantile(&total, &HISTOGRAM_LAG, 0), 20000);
	total = (struct histogram_total){.counts = {0}};
	ck_assert_uint_eq(histogram_quantile(&total, &HISTOGRAM_LAG, 0.99), 0);
}
END_TEST

enum { RECORDS = 200000 };

static void *record_many(void *histogram)
{
	for (uint64_t i = 0; i < RECORDS; i++)
		histogram_record(histogram, &HISTOGRAM_RTT, i * 1000);
	return NULL;
}

START_TEST(a_reader_sees_counts_that_only_grow)
{
	static struct histogram histogram;
	struct histogram_total before = {0};
	pthread_t writer;
	bool done = false;

	ck_assert_int_eq(pthread_create(&writer, NULL, record_many, &histogram), 0);
	while (!done) {
		struct histogram_total now = {0};

		histogram_add(&now, &histogram);
		for (unsigned i = 0; i < array_size(now.counts); i++)
			ck_assert_uint_ge(now.counts[i], before.counts[i]);
		ck_assert_uint_ge(now.sum, before.sum);
		done = histogram_count(&now) == RECORDS;
		before = now;
	}
	pthread_join(writer, NULL);
	ck_assert_uint_eq(histogram.sum, UINT64_C(1000) * RECORDS * (RECORDS - 1) / 2);
}
END_TEST

SUITE_OF("histogram", 60,
	 EACH(a_bucket_has_its_end_and_what_is_above_the_one_before,
	      sizeof(scales) / sizeof(scales[0])),
	 EACH(what_is_beyond_all_buckets_is_counted_too, sizeof(scales) / sizeof(scales[0])),
	 ONCE(ends_are_as_documented), ONCE(workers_are_added_up),
	 ONCE(a_quantile_is_the_end_of_its_bucket), ONCE(a_reader_sees_counts_that_only_grow))
