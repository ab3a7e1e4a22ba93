/* What to tell the administrator when a ring cannot be had. */
#include "ring/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int read_number(const char *path)
{
	char text[16] = "", *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	long number;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	number = strtol(text, &end, 10);
	return end == text ? -1 : (int)number;
}

static bool refused(int r)
{
	return r == -EPERM || r == -EACCES || r == -ENOSYS;
}

/*
 * The first of the three calls that this process may not make.  With nothing to work
 * on they fail for that reason only where they are judged at all; what is refused by
 * name is refused before.
 */
static const char *refused_call(void)
{
	const struct ring_system *kernel = &ring_kernel;

	if (refused(kernel->enter(kernel->context, -1, 0, 0, 0, NULL, 0)))
		return "io_uring_enter";
	if (refused(kernel->enlist(kernel->context, -1, IORING_UNREGISTER_BUFFERS, NULL, 0)))
		return "io_uring_register";
	if (refused(kernel->setup(kernel->context, 0, NULL)))
		return "io_uring_setup";
	return NULL;
}

#define ALLOW_ALL                                                                                  \
	"in a container allow io_uring_setup, io_uring_enter and io_uring_register in its profile"

static void explain_filter(char *text, size_t size, const char *call)
{
	snprintf(text, size, "a seccomp filter or security module forbids %s: " ALLOW_ALL,
		 call ? call : "it");
}

/* The sysctl forbids to make a ring and nothing else, a filter mostly all three calls. */
static void explain_permission(char *text, size_t size)
{
	const char *call = refused_call();
	bool only_setup = call && strcmp(call, "io_uring_setup") == 0;

	switch (read_number("/proc/sys/kernel/io_uring_disabled")) {
	case 2:
		snprintf(text, size,
			 "io_uring is switched off: set sysctl kernel.io_uring_disabled=0");
		break;
	case 1:
		snprintf(text, size,
			 "io_uring is for privileged users: run with CAP_SYS_ADMIN, join the group "
			 "of sysctl kernel.io_uring_group, or set kernel.io_uring_disabled=0");
		break;
	default:
		if (only_setup && access("/proc/sys/kernel", F_OK) < 0)
			snprintf(text, size,
				 "io_uring is switched off by sysctl kernel.io_uring_disabled "
				 "(/proc is "
				 "not there to say so: set it to 0), or a seccomp filter forbids "
				 "io_uring_setup alone");
		else
			explain_filter(text, size, call);
	}
}

/* A kernel without io_uring has none of its calls. */
static void explain_absence(char *text, size_t size)
{
	const struct ring_system *kernel = &ring_kernel;
	const char *call = refused_call();

	if (call && kernel->setup(kernel->context, 0, NULL) != -ENOSYS)
		explain_filter(text, size, call);
	else
		snprintf(text, size,
			 "this kernel has no io_uring (CONFIG_IO_URING), or a seccomp filter hides "
			 "it");
}

/* Without options it was the smallest ring there is, to ask the kernel what it can do. */
static void explain_memory(char *text, size_t size, const struct ring_options *options)
{
	struct rlimit limit = {0}, space = {0};
	char need[64] = "there is no room for even the smallest ring";

	if (options)
		snprintf(need, sizeof(need), "this ring needs %zu KiB",
			 ring_memory(options) / 1024);
	getrlimit(RLIMIT_MEMLOCK, &limit);
	getrlimit(RLIMIT_AS, &space);
	if (space.rlim_cur != RLIM_INFINITY)
		snprintf(text, size,
			 "no memory: %s and its buffers more, and the address space is limited to "
			 "%llu KiB (LimitAS=, ulimit -v)",
			 need, (unsigned long long)space.rlim_cur / 1024);
	else if (limit.rlim_cur == RLIM_INFINITY)
		snprintf(text, size, "the kernel is out of memory (%s)", need);
	else
		snprintf(text, size,
			 "%s and the limit of locked memory is %llu KiB for all rings and buffers "
			 "of this user together: raise LimitMEMLOCK= (ulimit -l) or give "
			 "CAP_IPC_LOCK",
			 need, (unsigned long long)limit.rlim_cur / 1024);
}

static const char *const setup_names[] = {
	"IOPOLL",        "SQPOLL",        "SQ_AFF",     "CQSIZE",
	"CLAMP",         "ATTACH_WQ",     "R_DISABLED", "SUBMIT_ALL",
	"COOP_TASKRUN",  "TASKRUN_FLAG",  "SQE128",     "CQE32",
	"SINGLE_ISSUER", "DEFER_TASKRUN", "NO_MMAP",    "REGISTERED_FD_ONLY",
	"NO_SQARRAY",    "HYBRID_IOPOLL", "CQE_MIXED",  "SQE_MIXED",
	"SQ_REWIND",
};

static void explain_invalid(char *text, size_t size, const struct ring_options *options)
{
	uint32_t unknown = 0;

	if (options && options->required & ~RING_SETUP_KNOWN) {
		unsigned bit = (unsigned)__builtin_ctz(options->required & ~RING_SETUP_KNOWN);

		snprintf(text, size, "the ring module does not know the set-up flag %s (bit %u)",
			 bit < array_size(setup_names) ? setup_names[bit] : "of that number", bit);
		return;
	}
	if (options && options->capabilities)
		unknown = options->required & ~options->capabilities->setup_flags;
	if (!options) { /* a ring that asks for nothing */
		snprintf(
			text, size,
			"what answers io_uring_setup here knows it only in part: a sandbox such as "
			"gVisor, an emulator, or a kernel older than Linux 6.1; run on Linux 6.1 "
			"or later, outside of it");
		return;
	}
	for (unsigned bit = 0; bit < array_size(setup_names); bit++) {
		if (unknown >> bit & 1) {
			snprintf(text, size, "this kernel does not know IORING_SETUP_%s",
				 setup_names[bit]);
			return;
		}
	}
	if (options->sq_cpu && !(options->required & IORING_SETUP_SQPOLL))
		snprintf(text, size, "sq_cpu = %u means nothing without IORING_SETUP_SQPOLL",
			 options->sq_cpu);
	else if (options->entries == 0 || options->entries > 32768)
		snprintf(text, size, "%u entries is outside 1..32768", options->entries);
	else if (options->cq_entries && options->cq_entries < options->entries)
		snprintf(text, size, "%u completion entries are fewer than %u submission entries",
			 options->cq_entries, options->entries);
	else
		snprintf(text, size,
			 "the options do not go together, or name a CPU or ring there is not");
}

void ring_explain(struct ring_error *ret_error, const char *what, int error,
		  const struct ring_options *options)
{
	char *text = ret_error->text;
	size_t size = sizeof(ret_error->text);

	ret_error->what = what;
	ret_error->error = error;
	switch (-error) {
	case ENOSYS:
		explain_absence(text, size);
		break;
	case EPERM:
	case EACCES:
		explain_permission(text, size);
		break;
	case ENOMEM:
		explain_memory(text, size, options);
		break;
	case EMFILE:
		snprintf(text, size, "no file descriptor is free: raise LimitNOFILE= (ulimit -n)");
		break;
	case ENFILE:
		snprintf(text, size, "the system has no file descriptor left: raise fs.file-max");
		break;
	case EINVAL:
		explain_invalid(text, size, options);
		break;
	case EOPNOTSUPP:
		snprintf(text, size,
			 "what answers io_uring_setup here does not support it: a sandbox or an "
			 "emulator in the kernel's place, or a security module; run outside of it, "
			 "or allow io_uring there");
		break;
	case EAGAIN:
		snprintf(text, size,
			 "the kernel can start no thread for the ring, as sqpoll needs: raise "
			 "TasksMax= (pids.max) or LimitNPROC= (ulimit -u), or set sqpoll = off");
		break;
	case EFAULT:
		snprintf(text, size,
			 "the memory given for the ring must be %zu KiB, mapped and page-aligned",
			 options ? ring_memory(options) / 1024 : 0);
		break;
	default:
		snprintf(text, size,
			 "%s, which the kernel does not say of a ring by itself: see to a seccomp "
			 "filter or a security module",
			 strerror(-error));
		break;
	}
}
