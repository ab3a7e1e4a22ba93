/*
 * What a kernel and a container are set to, as far as it decides what a proxy can
 * do: read once, all of it, from /proc and /sys; nothing is judged here.
 */
#ifndef OPS_MACHINE_H
#define OPS_MACHINE_H

#include "base/compiler.h"
#include "ops/limits.h"

/* Numbers of one file each; name is what a person calls it. */
/* clang-format off */
#define MACHINE_NUMBERS(X)                                                                          \
	X(IO_URING_DISABLED, "kernel.io_uring_disabled",         "/proc/sys/kernel/io_uring_disabled") \
	X(FILE_MAX,          "fs.file-max",                      "/proc/sys/fs/file-max")            \
	X(SOMAXCONN,         "net.core.somaxconn",               "/proc/sys/net/core/somaxconn")     \
	X(PORT_FIRST,        "net.ipv4.ip_local_port_range",     "/proc/sys/net/ipv4/ip_local_port_range") \
	X(PORT_UNPRIVILEGED, "net.ipv4.ip_unprivileged_port_start", "/proc/sys/net/ipv4/ip_unprivileged_port_start") \
	X(TCP_MEM,           "net.ipv4.tcp_mem",                 "/proc/sys/net/ipv4/tcp_mem")       \
	X(CONNTRACK_MAX,     "net.netfilter.nf_conntrack_max",   "/proc/sys/net/netfilter/nf_conntrack_max") \
	X(CONNTRACK_COUNT,   "net.netfilter.nf_conntrack_count", "/proc/sys/net/netfilter/nf_conntrack_count")
/* clang-format on */

enum machine_number {
#define X(NAME, name, path) MACHINE_##NAME,
	MACHINE_NUMBERS(X)
#undef X
		MACHINE_NUMBER_COUNT,
};

#define MACHINE_UNKNOWN UINT64_MAX /* of a number: its file cannot be read, or is not there */

struct machine {
	char kernel[65], architecture[65]; /* as uname(1) says */
	char container[32];                /* "docker"; "" where nothing says that it is one */
	char clocksource[32];              /* "" if unknown */
	/* three of each file, of which most have one: ip_local_port_range two, tcp_mem three */
	uint64_t numbers[MACHINE_NUMBER_COUNT][3];
	uint64_t capabilities; /* a bit each, of this process: its effective ones */
	/* The limits of this process, UINT64_MAX for none; the hard one of descriptors. */
	uint64_t descriptors, locked_memory, processes;
	/* Those of its control group, UINT64_MAX for none. */
	uint64_t memory, tasks;
	struct limits_cpus cpus;
};

/*
 * Read it all, files from the tree that begins at root ("" for the real one).  What
 * cannot be read is MACHINE_UNKNOWN, "", or no limit.
 */
void machine_read(struct machine *ret_machine, const char *root);

const char *machine_name(enum machine_number number);

#endif
