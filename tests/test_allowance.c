/* Each thing a machine can lack is one line: how bad, what it is, what would help. */
#include "control/allowance.h"
#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ALL_CAPABILITIES (~0ull)

/* A machine that lacks nothing, for a proxy that wants something of everything. */
static const struct machine good = {
	.kernel = "6.1.0-40-amd64",
	.architecture = "x86_64",
	.clocksource = "tsc",
	.numbers =
		{
			[MACHINE_IO_URING_DISABLED] = {0},
			[MACHINE_FILE_MAX] = {1 << 30},
			[MACHINE_SOMAXCONN] = {4096},
			[MACHINE_PORT_FIRST] = {32768, 60999, MACHINE_UNKNOWN},
			[MACHINE_PORT_UNPRIVILEGED] = {1024},
			[MACHINE_TCP_MEM] = {1 << 18, 1 << 19, 1 << 20},
			[MACHINE_CONNTRACK_MAX] = {262144},
			[MACHINE_CONNTRACK_COUNT] = {10},
		},
	.descriptors = 524288,
	.locked_memory = 8 << 20,
	.processes = UINT64_MAX,
	.memory = UINT64_MAX,
	.tasks = UINT64_MAX,
	.cpus = {.count = 4, .usable = 4, .quota_millicpus = UINT64_MAX},
};

static const struct wants proxy = {
	.connections = 10000,
	.workers = 4,
	.has_upstream = true,
	.backlog = 4096,
	.lowest_port = 8080,
	.server_count = 1,
};

static const struct finding *find(const struct findings *findings, const char *what)
{
	for (size_t i = 0; i < findings->count; i++)
		if (strcmp(findings->list[i].what, what) == 0)
			return &findings->list[i];
	ck_abort_msg("nothing is said of %s", what);
}

/* The one thing that is not good is said of what, with that level and in those words. */
static void assert_lacks(struct machine machine, struct wants wants, const char *what,
			 enum finding_level level, const char *remedy)
{
	struct findings findings = {0};
	const struct finding *finding;

	allowance_of_machine(&machine, &wants, &findings);
	finding = find(&findings, what);
	ck_assert_msg(finding->level == level, "%s is %s", what,
		      finding_level_name(finding->level));
	ck_assert_msg(strstr(finding->remedy, remedy), "%s: no \"%s\" in \"%s\"", what, remedy,
		      finding->remedy);
	ck_assert_uint_eq(findings.count - findings.found[FINDING_OK], level != FINDING_OK);
	findings_done(&findings);
}

#define ASSERT_LACKS(field, number, ...)                                                           \
	do {                                                                                       \
		struct machine machine_ = good;                                                    \
		machine_.field = (number);                                                         \
		assert_lacks(machine_, proxy, __VA_ARGS__);                                        \
	} while (0)

START_TEST(a_machine_that_lacks_nothing_is_good_in_everything)
{
	struct findings findings = {0};

	allowance_of_machine(&good, &proxy, &findings);
	ck_assert_uint_gt(findings.count, 10);
	for (size_t i = 0; i < findings.count; i++) {
		ck_assert_int_eq(findings.list[i].level, FINDING_OK);
		ck_assert_str_ne(findings.list[i].value, "");
	}
	findings_done(&findings);
}
END_TEST

START_TEST(each_lack_is_a_line_with_its_remedy)
{
	ASSERT_LACKS(numbers[MACHINE_IO_URING_DISABLED][0], 1, "kernel.io_uring_disabled",
		     FINDING_WARN, "kernel.io_uring_group");
	ASSERT_LACKS(numbers[MACHINE_IO_URING_DISABLED][0], 2, "kernel.io_uring_disabled",
		     FINDING_WARN, "set it to 0");
	ASSERT_LACKS(cpus.usable, 2, "CPUs", FINDING_WARN, "lower `workers`");
	ASSERT_LACKS(descriptors, 20000, "RLIMIT_NOFILE", FINDING_WARN, "LimitNOFILE=");
	ASSERT_LACKS(locked_memory, 1 << 20, "RLIMIT_MEMLOCK", FINDING_FAIL, "need about 1600K");
	ASSERT_LACKS(memory, 15 << 20, "memory of the control group", FINDING_WARN, "MemoryMax=");
	ASSERT_LACKS(tasks, 11, "tasks of the control group", FINDING_WARN, "8 threads");
	ASSERT_LACKS(tasks, 7, "tasks of the control group", FINDING_FAIL, "TasksMax=");
	ASSERT_LACKS(numbers[MACHINE_FILE_MAX][0], 524287, "fs.file-max", FINDING_WARN, "raise it");
	ASSERT_LACKS(numbers[MACHINE_SOMAXCONN][0], 4095, "net.core.somaxconn", FINDING_WARN,
		     "cuts backlog = 4096");
	ASSERT_LACKS(numbers[MACHINE_PORT_FIRST][0], 51001, "net.ipv4.ip_local_port_range",
		     FINDING_WARN, "add servers");
	ASSERT_LACKS(numbers[MACHINE_TCP_MEM][2], 1000, "net.ipv4.tcp_mem", FINDING_WARN,
		     "20000 sockets");
	ASSERT_LACKS(numbers[MACHINE_CONNTRACK_MAX][0], 19999, "net.netfilter.nf_conntrack_max",
		     FINDING_WARN, "notrack");
	ASSERT_LACKS(numbers[MACHINE_CONNTRACK_COUNT][0], 250000, "net.netfilter.nf_conntrack_max",
		     FINDING_WARN, "dropped");
	ASSERT_LACKS(numbers[MACHINE_PORT_UNPRIVILEGED][0], 8081, "CAP_NET_BIND_SERVICE",
		     FINDING_FAIL, "port 8080");
}
END_TEST

START_TEST(an_old_kernel_and_a_slow_clock_are_named)
{
	struct machine machine = good;

	strcpy(machine.kernel, "5.15.0-91");
	assert_lacks(machine, proxy, "kernel", FINDING_WARN, "Linux 6.1 or later");
	strcpy(machine.kernel, "6.0.19");
	assert_lacks(machine, proxy, "kernel", FINDING_WARN, "Linux 6.1 or later");
	strcpy(machine.kernel, "10.0");
	assert_lacks(machine, proxy, "kernel", FINDING_OK, "");
	machine = good;
	strcpy(machine.clocksource, "acpi_pm");
	assert_lacks(machine, proxy, "clocksource", FINDING_WARN, "tsc");
}
END_TEST

START_TEST(a_capability_makes_good_what_a_limit_lacks)
{
	struct machine machine = good;

	machine.capabilities = ALL_CAPABILITIES;
	machine.locked_memory = 0;
	machine.numbers[MACHINE_PORT_UNPRIVILEGED][0] = 65536;
	assert_lacks(machine, proxy, "RLIMIT_MEMLOCK", FINDING_OK, "");
	assert_lacks(machine, proxy, "CAP_NET_BIND_SERVICE", FINDING_OK, "");
}
END_TEST

START_TEST(silence_takes_a_capability)
{
	struct machine machine = good;
	struct wants wants = proxy;

	wants.drops = true;
	assert_lacks(machine, wants, "CAP_NET_ADMIN", FINDING_WARN, "reject = drop sends a RST");
	machine.capabilities = ALL_CAPABILITIES;
	assert_lacks(machine, wants, "CAP_NET_ADMIN", FINDING_OK, "");
}
END_TEST

START_TEST(what_nobody_wants_is_not_missed)
{
	struct machine machine = good;
	struct wants echo = {.workers = 1};

	machine.numbers[MACHINE_PORT_FIRST][0] = 60999;
	machine.numbers[MACHINE_SOMAXCONN][0] = 1;
	machine.numbers[MACHINE_PORT_UNPRIVILEGED][0] = 65536;
	machine.numbers[MACHINE_TCP_MEM][2] = 1;
	machine.cpus.usable = 1;
	machine.locked_memory = 400 << 10;
	machine.tasks = 6;
	assert_lacks(machine, echo, "net.ipv4.ip_local_port_range", FINDING_OK, "");
	echo.sqpoll = true;
	assert_lacks(machine, echo, "tasks of the control group", FINDING_WARN, "6 threads");
}
END_TEST

START_TEST(what_cannot_be_read_is_called_unknown_and_is_no_lack)
{
	struct machine machine = good;
	struct findings findings = {0};

	for (unsigned i = 0; i < MACHINE_NUMBER_COUNT; i++)
		machine.numbers[i][0] = machine.numbers[i][1] = machine.numbers[i][2] =
			MACHINE_UNKNOWN;
	allowance_of_machine(&machine, &proxy, &findings);
	ck_assert_uint_eq(findings.found[FINDING_OK], findings.count);
	ck_assert_str_eq(find(&findings, "net.core.somaxconn")->value, "unknown");
	ck_assert_str_eq(find(&findings, "fs.file-max")->value, "unknown");
	findings_done(&findings);
}
END_TEST

/* ---- the ring ---- */

static struct ring_capabilities all_of_them(void)
{
	struct ring_capabilities all;

	memset(&all, 0xff, sizeof(all));
	return all;
}

START_TEST(each_feature_that_is_switched_off_says_what_goes_with_it)
{
	static const struct {
		const char *name;
		enum finding_level level;
		const char *said;
	} lacks[] = {
		{"recv-bundle", FINDING_WARN, "bulk costs more CPU"},
		{"min-wait", FINDING_WARN, "`coalesce` has no effect"},
		{"buffer-ring", FINDING_FAIL, "no buffers to receive into"},
		{"sendmsg-zc", FINDING_OK, "copies"},
	};

	for (size_t i = 0; i < array_size(lacks); i++) {
		struct ring_capabilities capabilities = all_of_them();
		struct findings findings = {0};
		const struct finding *finding;
		char what[64];

		ck_assert_int_eq(ring_capabilities_without(&capabilities, lacks[i].name), 0);
		allowance_of_ring(0, &capabilities, &capabilities, &proxy, &findings);
		snprintf(what, sizeof(what), "io_uring %s", lacks[i].name);
		finding = find(&findings, what);
		ck_assert_int_eq(finding->level, lacks[i].level);
		ck_assert_str_eq(finding->value, "no");
		ck_assert_msg(strstr(finding->remedy, lacks[i].said) &&
				      strstr(finding->remedy, "a later kernel has it"),
			      "%s", finding->remedy);
		ck_assert_uint_eq(findings.count - findings.found[FINDING_OK],
				  lacks[i].level != FINDING_OK);
		findings_done(&findings);
	}
}
END_TEST

/* The engine does not ask before it uses what every kernel has that it runs on. */
START_TEST(without_takes_away_only_what_can_be_done_without)
{
	struct ring_capabilities offered = all_of_them(), left = offered;
	struct findings findings = {0};

	ck_assert_int_eq(ring_capabilities_without(&left, "buffer-ring"), 0);
	ck_assert_int_eq(ring_capabilities_without(&left, "recv-bundle"), 0);
	allowance_of_ring(0, &offered, &left, &proxy, &findings);
	ck_assert_uint_eq(findings.found[FINDING_FAIL], 0);
	ck_assert_uint_eq(findings.found[FINDING_WARN], 1);
	ck_assert_ptr_nonnull(strstr(find(&findings, "io_uring recv-bundle")->remedy,
				     "`without` switches it off"));
	findings_done(&findings);
}
END_TEST

START_TEST(zero_copy_that_is_configured_is_missed)
{
	struct ring_capabilities capabilities = all_of_them();
	struct wants wants = {.zerocopy = true};
	struct findings findings = {0};

	ck_assert_int_eq(ring_capabilities_without(&capabilities, "sendmsg-zc"), 0);
	allowance_of_ring(0, &capabilities, &capabilities, &wants, &findings);
	ck_assert_int_eq(find(&findings, "io_uring sendmsg-zc")->level, FINDING_WARN);
	findings_done(&findings);
}
END_TEST

START_TEST(without_a_ring_there_is_one_failure_and_no_feature)
{
	struct findings findings = {0};

	allowance_of_ring(-ENOMEM, NULL, NULL, &proxy, &findings);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert_int_eq(find(&findings, "io_uring")->level, FINDING_FAIL);
	ck_assert_str_ne(findings.list[0].remedy, "");
	findings_done(&findings);
}
END_TEST

/* ---- how it is shown ---- */

static const char *printed(int (*print)(const struct findings *, FILE *))
{
	static char text[1024];
	struct findings findings = {0};
	FILE *file = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(file);
	findings_add(&findings, FINDING_OK, "kernel", "6.18", "");
	findings_add(&findings, FINDING_FAIL, "a \"b\"", "1", "raise it");
	ck_assert_int_eq(print(&findings, file), 0);
	fclose(file);
	findings_done(&findings);
	return text;
}

START_TEST(findings_stand_in_columns_or_in_json)
{
	ck_assert_str_eq(printed(findings_print), "ok    kernel  6.18\n"
						  "fail  a \"b\"   1     raise it\n");
	ck_assert_str_eq(
		printed(findings_print_json),
		"{\"can_serve\":false,\"warnings\":0,\"findings\":[\n"
		"{\"level\":\"ok\",\"what\":\"kernel\",\"value\":\"6.18\",\"remedy\":\"\"},\n"
		"{\"level\":\"fail\",\"what\":\"a \\\"b\\\"\",\"value\":\"1\",\"remedy\":"
		"\"raise it\"}\n]}\n");
}
END_TEST

START_TEST(an_answer_that_is_not_taken_is_an_error)
{
	struct findings findings = {0};
	FILE *full = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(full);
	findings_add(&findings, FINDING_OK, "kernel", "6.18", "");
	ck_assert_int_eq(findings_print(&findings, full), -ENOSPC);
	fclose(full);
	findings_done(&findings);
}
END_TEST

SUITE("allowance", a_machine_that_lacks_nothing_is_good_in_everything,
      each_lack_is_a_line_with_its_remedy, an_old_kernel_and_a_slow_clock_are_named,
      a_capability_makes_good_what_a_limit_lacks, silence_takes_a_capability,
      what_nobody_wants_is_not_missed, what_cannot_be_read_is_called_unknown_and_is_no_lack,
      each_feature_that_is_switched_off_says_what_goes_with_it,
      without_takes_away_only_what_can_be_done_without, zero_copy_that_is_configured_is_missed,
      without_a_ring_there_is_one_failure_and_no_feature, findings_stand_in_columns_or_in_json,
      an_answer_that_is_not_taken_is_an_error)
