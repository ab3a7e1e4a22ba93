/* What this process takes of the machine. */
#include "ops/process.h"
#include "support/suite.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 64 << 20 };

START_TEST(descriptors_and_memory_that_are_taken_show)
{
	struct process_use before, after;
	char *memory;

	process_read(&before);
	memory = malloc(BYTES);
	ck_assert_ptr_nonnull(memory);
	memset(memory, 1, BYTES);
	for (unsigned i = 0; i < 7; i++)
		ck_assert_int_ge(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	process_read(&after);
	ck_assert_uint_eq(after.descriptors, before.descriptors + 7);
	ck_assert_uint_ge(after.resident_bytes, before.resident_bytes + BYTES / 2);
	ck_assert_uint_ge(before.resident_bytes, 1 << 20);
	free(memory);
}
END_TEST

START_TEST(time_on_the_cpu_grows_with_work)
{
	struct process_use before, after;

	process_read(&before);
	do
		process_read(&after);
	while (after.cpu_ns < before.cpu_ns + 1000000);
	ck_assert_uint_gt(before.cpu_ns, 0);
}
END_TEST

SUITE("process", descriptors_and_memory_that_are_taken_show, time_on_the_cpu_grows_with_work)
