/* What the machine allows, thing by thing, against what is wanted of it. */
#include "control/allowance.h"

#include "config/value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAP_NET_BIND_SERVICE 10
#define CAP_NET_ADMIN        12
#define CAP_IPC_LOCK         14

#define RING_BYTES        (400u << 10) /* of one worker, locked */
#define THREADS_OF_OURS   4            /* main thread, log writer, name look-ups */
#define MEMORY_LEAST      (16ull << 20)
#define SOCKET_BYTES      (8u << 10) /* of a socket with something in its queues */
#define DESCRIPTORS_LEAST 1024u

/* One finding, its value and remedy as printf(3) has them. */
struct said {
	char value[160], remedy[400];
};

static __attribute__((format(printf, 2, 3))) void value(struct said *said, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(said->value, sizeof(said->value), format, arguments);
	va_end(arguments);
}

static __attribute__((format(printf, 2, 3))) void remedy(struct said *said, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(said->remedy, sizeof(said->remedy), format, arguments);
	va_end(arguments);
}

static bool is_known(const struct machine *machine, enum machine_number number)
{
	return machine->numbers[number][0] != MACHINE_UNKNOWN;
}

static uint64_t number(const struct machine *machine, enum machine_number which)
{
	return machine->numbers[which][0];
}

/* A limit in words: a number or "none". */
static const char *limit_text(uint64_t limit, char text[VALUE_TEXT_MAX])
{
	if (limit == UINT64_MAX)
		snprintf(text, VALUE_TEXT_MAX, "no limit");
	else
		snprintf(text, VALUE_TEXT_MAX, "%" PRIu64, limit);
	return text;
}

static const char *bytes_text(uint64_t limit, char text[VALUE_TEXT_MAX])
{
	return limit == UINT64_MAX ? limit_text(limit, text)
				   : value_format_size(limit, text, VALUE_TEXT_MAX);
}

static bool has_capability(const struct machine *machine, unsigned bit)
{
	return machine->capabilities >> bit & 1;
}

/* ---- The configuration ----------------------------------------------------------------------- */

static void want_listen(struct wants *wants, const struct config_endpoint *line)
{
	const struct address *address = &line->address;

	if (!address->port || address->kind == ADDRESS_UNIX || address->kind == ADDRESS_SYSTEMD)
		return;
	if (!wants->lowest_port || address->port < wants->lowest_port)
		wants->lowest_port = address->port;
}

/* Those connected to from a port of ours. */
static uint32_t count_servers(const struct config_section *section)
{
	uint32_t count = 0;

	for (size_t i = 0; i < section->server_count; i++)
		count += section->servers[i].address.kind != ADDRESS_UNIX;
	return count;
}

/* Of the pools the one with the fewest. */
static void want_servers(struct wants *wants, const struct config_section *pool)
{
	uint32_t servers = count_servers(pool);

	if (servers && (!wants->server_count || servers < wants->server_count))
		wants->server_count = servers;
}

static void want_section(struct wants *wants, const struct config_section *section)
{
	if (section->settings.backlog > wants->backlog)
		wants->backlog = section->settings.backlog;
	for (size_t i = 0; i < section->listen_count; i++)
		want_listen(wants, &section->listens[i]);
	wants->drops |= section->settings.reject == CONFIG_REJECT_DROP;
	if (section->kind != CONFIG_PROXY)
		return;
	wants->has_upstream = true;
	wants->zerocopy |= section->settings.relay == CONFIG_RELAY_ZEROCOPY;
	for (size_t i = 0; i < section->reach_count; i++)
		want_servers(wants, section->reaches[i]);
}

void wants_of(struct wants *wants, const struct config *config, const struct mode *mode)
{
	*wants = (struct wants){
		.connections = config->max_connections,
		.workers = mode->workers,
		.sqpoll = mode->sqpoll,
	};
	for (size_t i = 0; i < config->section_count; i++)
		want_section(wants, &config->sections[i]);
}

/* ---- One thing each: its level, what it is and the remedy in said ------------------------------
 */

typedef enum finding_level look(const struct machine *machine, const struct wants *wants,
				struct said *said);

static enum finding_level look_at_kernel(const struct machine *machine, const struct wants *wants,
					 struct said *said)
{
	unsigned major = 0, minor = 0;
	char *end;

	(void)wants;
	major = (unsigned)strtoul(machine->kernel, &end, 10);
	if (*end == '.')
		minor = (unsigned)strtoul(end + 1, NULL, 10);
	value(said, "%s %s", machine->kernel, machine->architecture);
	if (major > 6 || (major == 6 && minor >= 1))
		return FINDING_OK;
	remedy(said, "run on Linux 6.1 or later: what an earlier one lacks stands below, by name");
	return FINDING_WARN;
}

static enum finding_level look_at_container(const struct machine *machine,
					    const struct wants *wants, struct said *said)
{
	(void)wants;
	value(said, "%s", machine->container[0] ? machine->container : "none is known of");
	return FINDING_OK;
}

static enum finding_level look_at_cpus(const struct machine *machine, const struct wants *wants,
				       struct said *said)
{
	uint64_t quota = machine->cpus.quota_millicpus;

	value(said, "%u", machine->cpus.count);
	if (quota != UINT64_MAX)
		value(said, "%u, a quota of %" PRIu64 ".%02" PRIu64, machine->cpus.count,
		      quota / 1000, quota % 1000 / 10);
	if (wants->workers <= machine->cpus.usable || machine->cpus.count == 0)
		return FINDING_OK;
	remedy(said,
	       "%u workers take turns on them: lower `workers`, or raise CPUQuota= or "
	       "AllowedCPUs= (docker --cpus)",
	       wants->workers);
	return FINDING_WARN;
}

/* Each of these is read by a call to the device, or through the hypervisor. */
static enum finding_level look_at_clock(const struct machine *machine, const struct wants *wants,
					struct said *said)
{
	static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies",
					   "pit",  "xen"};

	(void)wants;
	value(said, "%s", machine->clocksource[0] ? machine->clocksource : "unknown");
	for (size_t i = 0; i < array_size(slow); i++) {
		if (strcmp(machine->clocksource, slow[i]) != 0)
			continue;
		remedy(said, "each look at the clock is slow: boot with clocksource=tsc where the "
			     "machine's is stable");
		return FINDING_WARN;
	}
	return FINDING_OK;
}

static enum finding_level look_at_switch(const struct machine *machine, const struct wants *wants,
					 struct said *said)
{
	uint64_t disabled = number(machine, MACHINE_IO_URING_DISABLED);

	(void)wants;
	if (disabled == MACHINE_UNKNOWN) {
		value(said, "not there");
		return FINDING_OK;
	}
	value(said, "%" PRIu64, disabled);
	if (disabled == 0)
		return FINDING_OK;
	/* whether it stops us shows in io_uring itself */
	remedy(said, disabled == 1 ? "for privileged users and the group of kernel.io_uring_group "
				     "only: set it to 0 for others"
				   : "nobody may make a ring any more: set it to 0");
	return FINDING_WARN;
}

static enum finding_level look_at_descriptors(const struct machine *machine,
					      const struct wants *wants, struct said *said)
{
	uint64_t limit = machine->descriptors, each = wants->has_upstream ? 2 : 1;
	uint64_t needed = wants->connections ? wants->connections * each + DESCRIPTORS_LEAST / 8
					     : DESCRIPTORS_LEAST;
	char text[VALUE_TEXT_MAX];

	value(said, "%s", limit_text(limit, text));
	if (limit >= needed)
		return FINDING_OK;
	if (wants->connections)
		remedy(said,
		       "less than the about %" PRIu64
		       " of max_connections = %u: raise LimitNOFILE= (ulimit -n)",
		       needed, wants->connections);
	else
		remedy(said,
		       "good for few connections, of which each takes %" PRIu64 ": raise "
		       "LimitNOFILE= (ulimit -n)",
		       each);
	return FINDING_WARN;
}

static enum finding_level look_at_locked_memory(const struct machine *machine,
						const struct wants *wants, struct said *said)
{
	uint64_t needed = (uint64_t)wants->workers * RING_BYTES;
	char text[VALUE_TEXT_MAX], need[VALUE_TEXT_MAX];

	value(said, "%s%s", bytes_text(machine->locked_memory, text),
	      has_capability(machine, CAP_IPC_LOCK) ? ", not for us: CAP_IPC_LOCK" : "");
	if (machine->locked_memory >= needed || has_capability(machine, CAP_IPC_LOCK))
		return FINDING_OK;
	remedy(said,
	       "the rings of %u worker%s need about %s: raise LimitMEMLOCK= (ulimit -l), give "
	       "CAP_IPC_LOCK, or lower `workers`",
	       wants->workers, wants->workers == 1 ? "" : "s",
	       value_format_size(needed, need, sizeof(need)));
	return FINDING_FAIL;
}

static enum finding_level look_at_memory(const struct machine *machine, const struct wants *wants,
					 struct said *said)
{
	char text[VALUE_TEXT_MAX];

	(void)wants;
	value(said, "%s", bytes_text(machine->memory, text));
	if (machine->memory >= MEMORY_LEAST)
		return FINDING_OK;
	remedy(said, "too little for a daemon with some hundred connections: raise MemoryMax= "
		     "(docker --memory)");
	return FINDING_WARN;
}

/* Polling threads and the kernel's own for what would block count as well. */
static enum finding_level look_at_tasks(const struct machine *machine, const struct wants *wants,
					struct said *said)
{
	uint64_t needed = THREADS_OF_OURS + wants->workers * (wants->sqpoll ? 2ull : 1ull);
	char text[VALUE_TEXT_MAX];

	value(said, "%s", limit_text(machine->tasks, text));
	if (machine->tasks >= needed + wants->workers)
		return FINDING_OK;
	remedy(said,
	       "%" PRIu64 " threads are needed, and some of the kernel's come to them: raise "
	       "TasksMax= (pids.max, docker --pids-limit)",
	       needed);
	return machine->tasks < needed ? FINDING_FAIL : FINDING_WARN;
}

static enum finding_level look_at_file_max(const struct machine *machine, const struct wants *wants,
					   struct said *said)
{
	uint64_t most = number(machine, MACHINE_FILE_MAX);

	(void)wants;
	value(said, "%" PRIu64, most);
	if (!is_known(machine, MACHINE_FILE_MAX)) {
		value(said, "unknown");
		return FINDING_OK;
	}
	if (most >= machine->descriptors || machine->descriptors == UINT64_MAX)
		return FINDING_OK;
	remedy(said,
	       "fewer for the whole machine than RLIMIT_NOFILE is for this process: raise it");
	return FINDING_WARN;
}

static enum finding_level look_at_backlog(const struct machine *machine, const struct wants *wants,
					  struct said *said)
{
	uint64_t most = number(machine, MACHINE_SOMAXCONN);

	value(said, "%" PRIu64, most);
	if (!is_known(machine, MACHINE_SOMAXCONN))
		value(said, "unknown");
	if (!is_known(machine, MACHINE_SOMAXCONN) || wants->backlog <= most)
		return FINDING_OK;
	remedy(said,
	       "cuts backlog = %u: clients that come at once beyond it wait seconds, or are "
	       "refused; raise it",
	       wants->backlog);
	return FINDING_WARN;
}

static enum finding_level look_at_ports(const struct machine *machine, const struct wants *wants,
					struct said *said)
{
	const uint64_t *range = machine->numbers[MACHINE_PORT_FIRST];
	uint64_t ports;

	if (range[1] == MACHINE_UNKNOWN || range[1] < range[0]) {
		value(said, "unknown");
		return FINDING_OK;
	}
	ports = range[1] - range[0] + 1;
	value(said, "%" PRIu64 "-%" PRIu64 ", %" PRIu64, range[0], range[1], ports);
	if (!wants->server_count || wants->connections <= ports * wants->server_count)
		return FINDING_OK;
	remedy(said,
	       "so many connections to an address and not the %u of max_connections over %u: "
	       "widen it, or add servers",
	       wants->connections, wants->server_count);
	return FINDING_WARN;
}

static enum finding_level look_at_tcp_mem(const struct machine *machine, const struct wants *wants,
					  struct said *said)
{
	const uint64_t *pages = machine->numbers[MACHINE_TCP_MEM];
	uint64_t sockets = (uint64_t)wants->connections * (wants->has_upstream ? 2 : 1);
	uint64_t most = pages[2] * (uint64_t)sysconf(_SC_PAGESIZE);
	char text[VALUE_TEXT_MAX];

	if (pages[2] == MACHINE_UNKNOWN) {
		value(said, "unknown");
		return FINDING_OK;
	}
	value(said, "%s at most", value_format_size(most, text, sizeof(text)));
	if (most / SOCKET_BYTES >= sockets)
		return FINDING_OK;
	remedy(said,
	       "little for the %" PRIu64 " sockets of max_connections: when it is used up, "
	       "connections stall; raise its third number",
	       sockets);
	return FINDING_WARN;
}

static enum finding_level look_at_conntrack(const struct machine *machine,
					    const struct wants *wants, struct said *said)
{
	uint64_t most = number(machine, MACHINE_CONNTRACK_MAX);
	uint64_t used = is_known(machine, MACHINE_CONNTRACK_COUNT)
				? number(machine, MACHINE_CONNTRACK_COUNT)
				: 0;
	uint64_t needed = (uint64_t)wants->connections * (wants->has_upstream ? 2 : 1);

	if (!is_known(machine, MACHINE_CONNTRACK_MAX)) {
		value(said, "connections are not tracked");
		return FINDING_OK;
	}
	value(said, "%" PRIu64 " of %" PRIu64 " used", used, most);
	if (most >= needed && used < most - most / 10)
		return FINDING_OK;
	remedy(said, "connections beyond it are dropped without a word: raise it, or do not track "
		     "ours (nft notrack)");
	return FINDING_WARN;
}

static enum finding_level look_at_low_ports(const struct machine *machine,
					    const struct wants *wants, struct said *said)
{
	uint64_t first = is_known(machine, MACHINE_PORT_UNPRIVILEGED)
				 ? number(machine, MACHINE_PORT_UNPRIVILEGED)
				 : 1024;
	bool may = has_capability(machine, CAP_NET_BIND_SERVICE);

	value(said, "%s, ports below %" PRIu64 " %s", may ? "yes" : "no", first,
	      may ? "too" : "are not for us");
	if (may || !wants->lowest_port || wants->lowest_port >= first)
		return FINDING_OK;
	remedy(said,
	       "port %u is to be listened on: give it (AmbientCapabilities= of the unit), pass the "
	       "socket by systemd, or lower net.ipv4.ip_unprivileged_port_start",
	       wants->lowest_port);
	return FINDING_FAIL;
}

static enum finding_level look_at_net_admin(const struct machine *machine,
					    const struct wants *wants, struct said *said)
{
	bool may = has_capability(machine, CAP_NET_ADMIN);

	value(said, may ? "yes" : wants->drops ? "no" : "no, and not needed");
	if (may || !wants->drops)
		return FINDING_OK;
	remedy(said, "reject = drop sends a RST that the first router does not pass on; give it "
		     "(AmbientCapabilities= and CapabilityBoundingSet= of the unit) for silence");
	return FINDING_WARN;
}

void allowance_of_machine(const struct machine *machine, const struct wants *wants,
			  struct findings *findings)
{
	const struct {
		const char *what;
		look *look;
	} things[] = {
		{"kernel", look_at_kernel},
		{"container", look_at_container},
		{"CPUs", look_at_cpus},
		{"clocksource", look_at_clock},
		{machine_name(MACHINE_IO_URING_DISABLED), look_at_switch},
		{"RLIMIT_NOFILE", look_at_descriptors},
		{"RLIMIT_MEMLOCK", look_at_locked_memory},
		{"memory of the control group", look_at_memory},
		{"tasks of the control group", look_at_tasks},
		{"CAP_NET_BIND_SERVICE", look_at_low_ports},
		{"CAP_NET_ADMIN", look_at_net_admin},
		{machine_name(MACHINE_FILE_MAX), look_at_file_max},
		{machine_name(MACHINE_SOMAXCONN), look_at_backlog},
		{machine_name(MACHINE_PORT_FIRST), look_at_ports},
		{machine_name(MACHINE_TCP_MEM), look_at_tcp_mem},
		{machine_name(MACHINE_CONNTRACK_MAX), look_at_conntrack},
	};

	for (size_t i = 0; i < array_size(things); i++) {
		struct said said = {.remedy = ""};
		enum finding_level level = things[i].look(machine, wants, &said);

		findings_add(findings, level, things[i].what, said.value, said.remedy);
	}
}
