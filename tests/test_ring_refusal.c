/* Rings that cannot be had: what the kernel lacks or forbids, and that nothing is left behind. */
#include "support/fake_kernel.h"
#include "support/locked.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_required_flag_the_kernel_lacks_is_an_error_and_a_wanted_one_is_dropped)
{
	struct fake_kernel fake;
	struct ring_capabilities caps;
	struct ring_error error;
	struct ring ring;
	struct ring_options options = {.entries = 8, .capabilities = &caps};

	fake_kernel_init(&fake);
	fake_kernel_capabilities(&caps);
	ck_assert_int_eq(ring_capabilities_without(&caps, "defer-taskrun"), 0);
	fake.setup_flags &= ~IORING_SETUP_DEFER_TASKRUN;
	options.system = &fake.system;

	options.required = IORING_SETUP_DEFER_TASKRUN;
	ck_assert_int_eq(ring_open(&ring, &options, &error), -EINVAL);
	ck_assert_str_eq(error.what, "io_uring_setup");
	ck_assert_str_eq(error.text, "this kernel does not know IORING_SETUP_DEFER_TASKRUN");

	/* TASKRUN_FLAG means nothing alone and goes with it. */
	options.required = 0;
	options.wanted = DEFERRED;
	ck_assert_int_eq(ring_open(&ring, &options, &error), 0);
	ck_assert_uint_eq(ring.flags, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_NO_SQARRAY);
	ck_assert_uint_eq(ring.dropped, IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG);
	ring_close(&ring);
	fake_kernel_done(&fake);
}
END_TEST

START_TEST(no_sqarray_is_tried_and_given_up_when_the_capabilities_were_wrong)
{
	struct fake_kernel fake;
	struct ring_capabilities caps;
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_capabilities(&caps);
	fake.setup_flags &= ~IORING_SETUP_NO_SQARRAY;
	ck_assert_int_eq(ring_open(&ring,
				   &(struct ring_options){.entries = 4,
							  .system = &fake.system,
							  .capabilities = &caps},
				   NULL),
			 0);
	ck_assert_uint_eq(fake.calls[FAKE_SETUP], 2);
	put_nops(&ring, 3, 1);
	ck_assert_int_eq(ring_submit(&ring), 3);
	ck_assert_uint_eq(ring_cq_ready(&ring), 3);
	ring_close(&ring);
	fake_kernel_done(&fake);
}
END_TEST

START_TEST(a_kernel_without_the_single_mapping_gets_two)
{
	struct fake_kernel fake;
	struct ring_capabilities caps;
	struct ring ring;
	struct ring_options options = {.entries = 4, .capabilities = &caps};

	fake_kernel_init(&fake);
	fake_kernel_capabilities(&caps);
	ck_assert_int_eq(ring_capabilities_without(&caps, "no-sqarray"), 0);
	fake.features &= ~IORING_FEAT_SINGLE_MMAP;
	options.system = &fake.system;
	ck_assert_int_eq(ring_open(&ring, &options, NULL), 0);
	ck_assert_int_eq(fake.mappings, 3);
	put_nops(&ring, 3, 1);
	ck_assert_int_eq(ring_submit(&ring), 3);
	ck_assert_uint_eq(one(&ring).user_data, 1);
	ring_close(&ring);
	ck_assert_int_eq(fake.mappings, 0);
	ck_assert_int_eq(fake.open_descriptors, 0);
	fake_kernel_done(&fake);
}
END_TEST

START_TEST(no_step_of_set_up_that_fails_leaves_anything_behind)
{
	static const struct {
		enum fake_call call;
		uint32_t skip;
		int error;
		const char *what;
	} steps[] = {
		{FAKE_SETUP, 0, -ENOSYS, "io_uring_setup"},
		{FAKE_SETUP, 0, -EPERM, "io_uring_setup"},
		{FAKE_SETUP, 0, -ENOMEM, "io_uring_setup"},
		{FAKE_SETUP, 0, -EMFILE, "io_uring_setup"},
		{FAKE_MAP, 0, -ENOMEM, "mmap"},
		{FAKE_MAP, 1, -ENOMEM, "mmap"},
		{FAKE_MAP, 2, -ENOMEM, "mmap"},
		{FAKE_ADVISE, 0, -EINVAL, "mmap"},
		{FAKE_ADVISE, 1, -EINVAL, "mmap"},
		{FAKE_ADVISE, 2, -EINVAL, "mmap"},
	};

	for (unsigned i = 0; i < array_size(steps); i++) {
		struct fake_kernel fake;
		struct ring_capabilities caps;
		struct ring_error error = {0};
		struct ring ring;

		fake_kernel_init(&fake);
		fake_kernel_capabilities(&caps);
		ck_assert_int_eq(ring_capabilities_without(&caps, "no-sqarray"), 0);
		fake.features &= ~IORING_FEAT_SINGLE_MMAP; /* three mappings to fail */
		fake_kernel_fail(&fake, steps[i].call, steps[i].skip, 1, steps[i].error);
		ck_assert_int_eq(ring_open(&ring,
					   &(struct ring_options){.entries = 4,
								  .system = &fake.system,
								  .capabilities = &caps},
					   &error),
				 steps[i].error);
		ck_assert_str_eq(error.what, steps[i].what);
		ck_assert_int_eq(error.error, steps[i].error);
		ck_assert_uint_gt(strlen(error.text), 10);
		ck_assert_int_eq(fake.mappings, 0);
		ck_assert_int_eq(fake.open_descriptors, 0);
		ring_close(&ring);
		ck_assert_int_eq(fake.open_descriptors, 0);
		fake_kernel_done(&fake);
	}
}
END_TEST

START_TEST(a_kernel_that_cannot_be_asked_is_left_as_it_was)
{
	static const struct {
		enum fake_call call;
		uint32_t skip;
		int error;
	} steps[] = {
		{FAKE_SETUP, 0, -EPERM},  {FAKE_MAP, 0, -ENOMEM},    {FAKE_MAP, 1, -ENOMEM},
		{FAKE_MAP, 2, -ENOMEM},   {FAKE_ADVISE, 1, -EINVAL}, {FAKE_ENTER, 0, -EPERM},
		{FAKE_ENLIST, 1, -EPERM}, /* the first is only told of new kernels */
	};

	for (unsigned i = 0; i < array_size(steps); i++) {
		struct fake_kernel fake;
		struct ring_capabilities caps;

		fake_kernel_init(&fake);
		fake.features &= ~IORING_FEAT_SINGLE_MMAP;
		fake_kernel_fail(&fake, steps[i].call, steps[i].skip, 1, steps[i].error);
		ck_assert_int_eq(ring_probe(&caps, &fake.system), steps[i].error);
		ck_assert_int_eq(fake.mappings, 0);
		ck_assert_int_eq(fake.open_descriptors, 0);
		fake_kernel_done(&fake);
	}
}
END_TEST

START_TEST(every_failure_is_explained_with_what_to_do)
{
	static const struct {
		int error;
		const char *part;
	} said[] = {
		{-ENOSYS, "CONFIG_IO_URING"}, {-EMFILE, "LimitNOFILE="},
		{-ENFILE, "fs.file-max"},     {-EPERM, "seccomp"},
		{-EFAULT, "page-aligned"},    {-ENODEV, "No such device"},
		{-EOPNOTSUPP, "sandbox"},     {-EAGAIN, "TasksMax="},
		{-EIO, "security module"},
	};
	struct ring_options options = {.entries = 8, .cq_entries = 4};
	struct ring_error error;

	for (unsigned i = 0; i < array_size(said); i++) {
		ring_explain(&error, "io_uring_setup", said[i].error, &options);
		/* where this machine restricts io_uring by sysctl the text says that instead */
		if (said[i].error == -EPERM && strstr(error.text, "sysctl"))
			continue;
		ck_assert_msg(strstr(error.text, said[i].part) != NULL, "%s", error.text);
	}
	ring_explain(&error, "io_uring_setup", -EINVAL, &options);
	ck_assert_str_eq(error.text, "4 completion entries are fewer than 8 submission entries");
	options.entries = 40000;
	ring_explain(&error, "io_uring_setup", -EINVAL, &options);
	ck_assert_str_eq(error.text, "40000 entries is outside 1..32768");
}
END_TEST

/* The probe's own, which asks for nothing that could be wrong. */
START_TEST(what_is_said_of_the_smallest_ring_has_no_sizes_nor_options)
{
	struct rlimit none = {0, 0};
	struct ring_error error;

	ring_explain(&error, "io_uring_setup", -EINVAL, NULL);
	ck_assert_ptr_nonnull(strstr(error.text, "run on Linux 6.1 or later"));
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	ring_explain(&error, "io_uring_setup", -ENOMEM, NULL);
	ck_assert_str_eq(error.text,
			 "there is no room for even the smallest ring and the limit of locked "
			 "memory is 0 KiB for all rings and buffers of this user together: raise "
			 "LimitMEMLOCK= (ulimit -l) or give CAP_IPC_LOCK");
}
END_TEST

START_TEST(sizes_are_the_kernels_limits)
{
	struct ring ring;
	struct ring_options options = {.entries = 32769};

	ck_assert_int_eq(ring_open(&ring, &options, NULL), -EINVAL);
	options.required = IORING_SETUP_CLAMP;
	ck_assert_int_eq(ring_open(&ring, &options, NULL), 0);
	ck_assert_uint_eq(ring.sq_entries, 32768);
	ring_close(&ring);
	options = (struct ring_options){.entries = 4, .cq_entries = 100};
	ck_assert_int_eq(ring_open(&ring, &options, NULL), 0);
	ck_assert_uint_eq(ring.cq_entries, 128);
	ring_close(&ring);
	options.cq_entries = 2;
	ck_assert_int_eq(ring_open(&ring, &options, NULL), -EINVAL);
}
END_TEST

/* In a child that may not become privileged again; its exit status. */
static int in_child(int (*run)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(run());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int open_rings_as_nobody(void)
{
	struct rlimit limit = {0};
	struct ring_error error;
	struct ring_capabilities caps;
	struct ring rings[8];
	struct ring_options options = {.entries = 4096, .cq_entries = 8192, .capabilities = &caps};
	char wanted[64];

	if (ring_probe(&caps, NULL) < 0)
		return 1;
	/* Room for exactly three, and not a page more. */
	limit.rlim_cur = limit.rlim_max = 3 * ring_memory(&options);
	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0 || setgroups(0, NULL) < 0 || setgid(65534) < 0 ||
	    setuid(54321) < 0)
		return 77;
	for (int i = 0; i < 3; i++)
		if (ring_open(&rings[i], &options, NULL) < 0)
			return 2;
	if (ring_open(&rings[3], &options, &error) != -ENOMEM)
		return 3;
	snprintf(wanted, sizeof(wanted), "needs %zu KiB", ring_memory(&options) / 1024);
	if (!strstr(error.text, wanted) || !strstr(error.text, "LimitMEMLOCK="))
		return 4;
	for (int i = 0; i < 3; i++)
		ring_close(&rings[i]);
	return 0;
}

START_TEST(locked_memory_is_counted_to_the_page)
{
	struct ring_capabilities caps;
	int r;

	ck_assert_int_eq(ring_probe(&caps, NULL), 0);
	if (!ring_capable(&caps, RING_MEM_REGION))
		skip("rings do not count against RLIMIT_MEMLOCK before they were regions");
	if (!rings_are_locked_memory())
		skip("this kernel does not count rings against RLIMIT_MEMLOCK");
	r = in_child(open_rings_as_nobody);
	if (r == 77)
		skip("cannot change user here");
	ck_assert_int_eq(r, 0);
}
END_TEST

/* ---- forbidden by a filter, or by a sysctl that cannot be read ---- */

struct prohibition {
	unsigned first, last; /* of the three calls, by number */
	int error;
	bool hide_sysctl;
	const char *said;
};

static const struct prohibition *prohibition;

static int filter(const struct prohibition *p)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, p->first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, p->last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)p->error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = array_size(code), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

static int hide_sysctl(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/proc/sys", "tmpfs", 0, NULL) < 0)
		return -errno;
	return 0;
}

static int open_forbidden(void)
{
	struct ring_error explained;
	struct ring ring;
	int r;

	if ((prohibition->hide_sysctl && hide_sysctl() < 0) || filter(prohibition) < 0)
		return 77;
	r = ring_open(&ring, &(struct ring_options){.entries = 4}, &explained);
	if (r != -prohibition->error || !strstr(explained.text, prohibition->said)) {
		dprintf(STDOUT_FILENO, "%d, and no \"%s\" in: %s\n", r, prohibition->said,
			r < 0 ? explained.text : "(it opened)");
		return 1;
	}
	return 0;
}

START_TEST(the_call_that_is_forbidden_is_named_with_what_forbids_it)
{
	static const struct prohibition prohibitions[] = {
		{RING_NR_SETUP, RING_NR_SETUP, EPERM, false, "seccomp filter"},
		{RING_NR_SETUP, RING_NR_SETUP, ENOSYS, false, "seccomp filter"},
		{RING_NR_ENTER, RING_NR_ENTER, EPERM, false,
		 "seccomp filter or security module forbids io_uring_enter"},
		{RING_NR_ENTER, RING_NR_ENTER, ENOSYS, false, "forbids io_uring_enter"},
		{RING_NR_REGISTER, RING_NR_REGISTER, EPERM, false, "forbids io_uring_register"},
		{RING_NR_REGISTER, RING_NR_REGISTER, ENOSYS, false, "forbids io_uring_register"},
		{RING_NR_SETUP, RING_NR_REGISTER, EPERM, false, "seccomp filter"},
		{RING_NR_SETUP, RING_NR_REGISTER, EPERM, true, "seccomp filter or security module"},
		{RING_NR_SETUP, RING_NR_SETUP, EPERM, true, "sysctl kernel.io_uring_disabled"},
	};
	struct ring ring;
	int failed = 0;

	if (ring_open(&ring, &(struct ring_options){.entries = 4}, NULL) == -EPERM)
		skip("io_uring is forbidden here already");
	ring_close(&ring);
	for (unsigned i = 0; i < array_size(prohibitions); i++) {
		int r;

		prohibition = &prohibitions[i];
		r = in_child(open_forbidden);
		if (r == 77)
			skip("no filter, or not root");
		failed += r != 0;
	}
	ck_assert_int_eq(failed, 0);
}
END_TEST

static int open_until_out_of_files(void)
{
	struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};
	struct ring_capabilities caps;
	struct ring_error error;
	struct ring ring;

	if (ring_probe(&caps, NULL) < 0 || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 77;
	closefrom(3);
	if (ring_open(&ring, &(struct ring_options){.entries = 4, .capabilities = &caps}, &error) !=
	    -EMFILE)
		return 1;
	return strstr(error.text, "LimitNOFILE=") ? 0 : 2;
}

START_TEST(a_full_descriptor_table_is_named)
{
	ck_assert_int_eq(in_child(open_until_out_of_files), 0);
}
END_TEST

SUITE("ring refusal", a_required_flag_the_kernel_lacks_is_an_error_and_a_wanted_one_is_dropped,
      no_sqarray_is_tried_and_given_up_when_the_capabilities_were_wrong,
      a_kernel_without_the_single_mapping_gets_two,
      no_step_of_set_up_that_fails_leaves_anything_behind,
      a_kernel_that_cannot_be_asked_is_left_as_it_was, every_failure_is_explained_with_what_to_do,
      what_is_said_of_the_smallest_ring_has_no_sizes_nor_options, sizes_are_the_kernels_limits,
      locked_memory_is_counted_to_the_page,
      the_call_that_is_forbidden_is_named_with_what_forbids_it, a_full_descriptor_table_is_named)
