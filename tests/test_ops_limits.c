/* What the machine lets us have: descriptors, memory, CPUs and their quota. */
#include "ops/limits.h"
#include "support/suite.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(the_soft_limit_of_descriptors_rises_to_the_hard_one)
{
	struct rlimit limit;
	uint64_t now;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	rlim_t hard = limit.rlim_max;
	limit.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(limits_raise_descriptors(&now), 0);
	ck_assert_uint_eq(now, hard);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, hard);
	ck_assert_int_eq(limits_raise_descriptors(&now), 0);
	ck_assert_uint_eq(now, hard);
}
END_TEST

START_TEST(only_cpus_of_the_affinity_mask_are_usable)
{
	struct limits_cpus all, one;
	unsigned last = 0;
	cpu_set_t set;

	ck_assert_int_eq(limits_cpus(&all), 0);
	ck_assert_uint_ge(all.count, 1);
	ck_assert_uint_ge(all.usable, 1);
	ck_assert_uint_le(all.usable, all.count);
	for (unsigned cpu = 0; cpu < LIMITS_CPUS_MAX; cpu++)
		if (all.mask[cpu / 64] >> cpu % 64 & 1)
			last = cpu;

	CPU_ZERO(&set);
	CPU_SET(last, &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	ck_assert_int_eq(limits_cpus(&one), 0);
	ck_assert_uint_eq(one.count, 1);
	ck_assert_uint_eq(one.usable, 1);
	for (unsigned i = 0; i < array_size(one.mask); i++)
		ck_assert_uint_eq(one.mask[i], i == last / 64 ? 1ull << last % 64 : 0);
}
END_TEST

/* A tree of files below a temporary folder, for the cgroup reader. */
static char tree[64];

static void tree_make(void)
{
	snprintf(tree, sizeof(tree), "/tmp/uringproxy-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tree));
}

static void tree_put(const char *path, const char *text)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", tree, path);
	for (char *slash = full + strlen(tree) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(full, 0755);
		*slash = '/';
	}
	FILE *file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void tree_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", tree);
	ck_assert_int_eq(system(command), 0);
}

static uint64_t quota_of_v2(const char *cgroup, const char *mountinfo_root, const char *outer,
			    const char *inner)
{
	char line[256];
	uint64_t quota;

	tree_make();
	snprintf(line, sizeof(line), "0::%s\n", cgroup);
	tree_put("/proc/self/cgroup", line);
	snprintf(line, sizeof(line),
		 "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
		 "30 22 0:26 %s /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
		 mountinfo_root);
	tree_put("/proc/self/mountinfo", line);
	tree_put("/sys/fs/cgroup/outer/cpu.max", outer);
	tree_put("/sys/fs/cgroup/outer/inner/cpu.max", inner);
	quota = limits_cpu_quota(tree);
	tree_remove();
	return quota;
}

START_TEST(the_tightest_quota_on_the_way_to_the_root_counts)
{
	ck_assert_uint_eq(quota_of_v2("/outer/inner", "/", "max 100000\n", "max 100000\n"),
			  UINT64_MAX);
	ck_assert_uint_eq(quota_of_v2("/outer/inner", "/", "max 100000\n", "150000 100000\n"),
			  1500);
	ck_assert_uint_eq(quota_of_v2("/outer/inner", "/", "50000 100000\n", "400000 100000\n"),
			  500);
	ck_assert_uint_eq(quota_of_v2("/outer", "/", "max 100000\n", "50000 100000\n"), UINT64_MAX);
	/* mounted from /pod on: /pod/outer is /sys/fs/cgroup/outer */
	ck_assert_uint_eq(quota_of_v2("/pod/outer", "/pod", "200000 100000\n", "1 1\n"), 2000);
	/* /podium does not lie below /pod, and neither does what a name space hides */
	ck_assert_uint_eq(quota_of_v2("/podium/outer", "/pod", "200000 100000\n", "1 1\n"),
			  UINT64_MAX);
	ck_assert_uint_eq(quota_of_v2("/../x", "/", "200000 100000\n", "nonsense\n"), UINT64_MAX);
}
END_TEST

START_TEST(a_version_1_quota_is_found_by_its_controller)
{
	tree_make();
	tree_put("/proc/self/cgroup", "9:name=systemd:/x\n5:cpuset:/y\n4:cpu,cpuacct:/a\n0::/z\n");
	tree_put("/proc/self/mountinfo",
		 "31 30 0:27 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"
		 "32 30 0:28 / /cg/cpu rw shared:9 master:1 - cgroup cgroup rw,cpu,cpuacct\n");
	tree_put("/cg/cpuset/a/cpu.cfs_quota_us", "1\n");
	tree_put("/cg/cpu/a/cpu.cfs_period_us", "100000\n");
	tree_put("/cg/cpu/a/cpu.cfs_quota_us", "-1\n");
	ck_assert_uint_eq(limits_cpu_quota(tree), UINT64_MAX);
	tree_put("/cg/cpu/a/cpu.cfs_quota_us", "325000\n");
	ck_assert_uint_eq(limits_cpu_quota(tree), 3250);
	tree_remove();
}
END_TEST

static uint64_t memory_of_v2(const char *outer_max, const char *inner_max, const char *inner_high)
{
	uint64_t limit;

	tree_make();
	tree_put("/proc/self/cgroup", "0::/outer/inner\n");
	tree_put("/proc/self/mountinfo",
		 "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
	tree_put("/sys/fs/cgroup/outer/memory.max", outer_max);
	tree_put("/sys/fs/cgroup/outer/inner/memory.max", inner_max);
	tree_put("/sys/fs/cgroup/outer/inner/memory.high", inner_high);
	limit = limits_memory(tree);
	tree_remove();
	return limit;
}

START_TEST(the_tightest_memory_limit_on_the_way_to_the_root_counts)
{
	ck_assert_uint_eq(memory_of_v2("max\n", "max\n", "max\n"), UINT64_MAX);
	ck_assert_uint_eq(memory_of_v2("41943040\n", "max\n", "max\n"), 41943040);
	ck_assert_uint_eq(memory_of_v2("41943040\n", "104857600\n", "max\n"), 41943040);
	ck_assert_uint_eq(memory_of_v2("max\n", "104857600\n", "max\n"), 104857600);
	ck_assert_uint_eq(memory_of_v2("max\n", "104857600\n", "8192\n"), 8192);
	ck_assert_uint_eq(memory_of_v2("", "nonsense\n", "-1\n"), UINT64_MAX);
}
END_TEST

/* A hybrid machine: version 2 is mounted, and has no controller. */
START_TEST(a_version_1_memory_limit_is_found_by_its_controller)
{
	tree_make();
	tree_put("/proc/self/cgroup", "4:memory:/a/b\n1:cpu:/c\n0::/\n");
	tree_put("/proc/self/mountinfo", "35 31 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n"
					 "36 31 0:33 / /cg/cpu rw - cgroup cgroup rw,cpu\n"
					 "41 31 0:38 / /cg/unified rw - cgroup2 cgroup2 rw\n");
	tree_put("/cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
	tree_put("/cg/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
	tree_put("/cg/cpu/c/memory.limit_in_bytes", "1\n");
	ck_assert_uint_eq(limits_memory(tree), UINT64_MAX);
	tree_put("/cg/memory/a/b/memory.limit_in_bytes", "41943040\n");
	ck_assert_uint_eq(limits_memory(tree), 41943040);
	tree_put("/cg/memory/a/memory.limit_in_bytes", "20971520\n");
	ck_assert_uint_eq(limits_memory(tree), 20971520);
	tree_remove();
}
END_TEST

START_TEST(where_nothing_can_be_read_there_is_no_quota)
{
	ck_assert_uint_eq(limits_cpu_quota("/nonexistent"), UINT64_MAX);
	ck_assert_uint_eq(limits_memory("/nonexistent"), UINT64_MAX);
	tree_make();
	tree_put("/proc/self/cgroup", "garbage\n::\n0::\n");
	tree_put("/proc/self/mountinfo", "\n- -\n1 2 3 - cgroup2\n1 2 3 4 5 6 - cgroup2 x\n");
	ck_assert_uint_eq(limits_cpu_quota(tree), UINT64_MAX);
	ck_assert_uint_eq(limits_memory(tree), UINT64_MAX);
	tree_remove();
}
END_TEST

SUITE("limits", the_soft_limit_of_descriptors_rises_to_the_hard_one,
      only_cpus_of_the_affinity_mask_are_usable, the_tightest_quota_on_the_way_to_the_root_counts,
      a_version_1_quota_is_found_by_its_controller,
      the_tightest_memory_limit_on_the_way_to_the_root_counts,
      a_version_1_memory_limit_is_found_by_its_controller,
      where_nothing_can_be_read_there_is_no_quota)
