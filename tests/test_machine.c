/* What the machine is set to, from a tree of files that a test writes. */
#include "ops/machine.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put_bytes(const char *path, const char *bytes, size_t count)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", suite_dir(), path);
	for (char *slash = full + strlen(suite_dir()) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
	fclose(file);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static void take_away(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", suite_dir(), path);
	ck_assert_int_eq(unlink(full), 0);
}

START_TEST(of_an_empty_tree_nothing_is_known_and_nothing_is_limited)
{
	struct machine machine;

	machine_read(&machine, suite_dir());
	for (unsigned i = 0; i < MACHINE_NUMBER_COUNT; i++)
		ck_assert_uint_eq(machine.numbers[i][0], MACHINE_UNKNOWN);
	ck_assert_str_eq(machine.container, "");
	ck_assert_str_eq(machine.clocksource, "");
	ck_assert_uint_eq(machine.capabilities, 0);
	ck_assert_uint_eq(machine.memory, UINT64_MAX);
	ck_assert_uint_eq(machine.tasks, UINT64_MAX);
	ck_assert_str_ne(machine.kernel, "");
	ck_assert_uint_ge(machine.cpus.count, 1);
}
END_TEST

START_TEST(each_number_is_read_from_its_file)
{
	struct machine machine;

	put("/proc/sys/net/core/somaxconn", "128\n");
	put("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
	put("/proc/sys/net/ipv4/tcp_mem", "1\t2\t3\n");
	put("/proc/sys/fs/file-max", "9223372036854775807\n");
	put("/proc/self/status", "Name:\tx\nCapPrm:\tff\nCapEff:\t0000000000000400\n");
	put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
	machine_read(&machine, suite_dir());
	ck_assert_uint_eq(machine.numbers[MACHINE_SOMAXCONN][0], 128);
	ck_assert_uint_eq(machine.numbers[MACHINE_SOMAXCONN][1], MACHINE_UNKNOWN);
	ck_assert_uint_eq(machine.numbers[MACHINE_PORT_FIRST][0], 32768);
	ck_assert_uint_eq(machine.numbers[MACHINE_PORT_FIRST][1], 60999);
	ck_assert_uint_eq(machine.numbers[MACHINE_TCP_MEM][2], 3);
	ck_assert_uint_eq(machine.numbers[MACHINE_FILE_MAX][0], INT64_MAX);
	ck_assert_uint_eq(machine.capabilities, 0x400);
	ck_assert_str_eq(machine.clocksource, "hpet");
}
END_TEST

START_TEST(a_container_is_known_by_what_its_manager_left)
{
	static const char environment[] = "PATH=/bin\0container=lxc\0TERM=x";
	struct machine machine;

	put("/run/.containerenv", "");
	machine_read(&machine, suite_dir());
	ck_assert_str_eq(machine.container, "podman");
	put("/.dockerenv", "");
	machine_read(&machine, suite_dir());
	ck_assert_str_eq(machine.container, "docker");
	put_bytes("/proc/1/environ", environment, sizeof(environment));
	machine_read(&machine, suite_dir());
	ck_assert_str_eq(machine.container, "lxc");
	put("/run/systemd/container", "systemd-nspawn\n");
	machine_read(&machine, suite_dir());
	ck_assert_str_eq(machine.container, "systemd-nspawn");
	take_away("/run/.containerenv");
	take_away("/.dockerenv");
	take_away("/proc/1/environ");
	take_away("/run/systemd/container");
}
END_TEST

START_TEST(the_tightest_limit_of_tasks_counts)
{
	struct machine machine;

	put("/proc/self/cgroup", "0::/outer/inner\n");
	put("/proc/self/mountinfo", "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put("/sys/fs/cgroup/outer/pids.max", "30\n");
	put("/sys/fs/cgroup/outer/inner/pids.max", "max\n");
	put("/sys/fs/cgroup/outer/inner/memory.max", "1048576\n");
	machine_read(&machine, suite_dir());
	ck_assert_uint_eq(machine.tasks, 30);
	ck_assert_uint_eq(machine.memory, 1 << 20);
	put("/proc/self/cgroup", "7:pids:/\n");
	put("/proc/self/mountinfo",
	    "30 22 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n");
	put("/sys/fs/cgroup/pids/pids.max", "12\n");
	machine_read(&machine, suite_dir());
	ck_assert_uint_eq(machine.tasks, 12);
}
END_TEST

SUITE("machine", of_an_empty_tree_nothing_is_known_and_nothing_is_limited,
      each_number_is_read_from_its_file, a_container_is_known_by_what_its_manager_left,
      the_tightest_limit_of_tasks_counts)
