#include "ops/machine.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

static const struct {
	const char *name, *path;
} files[] = {
#define X(NAME, name, path) [MACHINE_##NAME] = {name, path},
	MACHINE_NUMBERS(X)
#undef X
};

const char *machine_name(enum machine_number number)
{
	assert(number < MACHINE_NUMBER_COUNT);
	return files[number].name;
}

static FILE *open_below(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return fopen(full, "re");
}

static bool exists_below(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return access(full, F_OK) == 0;
}

/* The first line without its end; "" where it cannot be read. */
static void read_line(const char *root, const char *path, char *line, size_t size)
{
	FILE *file = open_below(root, path);

	line[0] = 0;
	if (!file)
		return;
	if (!fgets(line, (int)size, file))
		line[0] = 0;
	line[strcspn(line, "\n")] = 0;
	fclose(file);
}

/* Beyond 64 bits, as fs.file-max is by default, is the most there is below "unknown". */
static void read_numbers(const char *root, const char *path, uint64_t numbers[3])
{
	char line[128], *at = line, *end;

	read_line(root, path, line, sizeof(line));
	for (unsigned i = 0; i < 3; i++, at = end) {
		uint64_t number = strtoull(at, &end, 10);

		numbers[i] = end == at                   ? MACHINE_UNKNOWN
			     : number >= MACHINE_UNKNOWN ? MACHINE_UNKNOWN - 1
							 : number;
	}
}

/* The value of NAME= in PID 1's environment; whoever may not read it does not know. */
static bool is_in_environment(const char *root, char *value, size_t size)
{
	static const char name[] = "container=";
	FILE *file = open_below(root, "/proc/1/environ");
	char *entry = NULL;
	size_t room = 0;
	bool found = false;

	while (file && !found && getdelim(&entry, &room, 0, file) > 0) {
		found = strncmp(entry, name, strlen(name)) == 0;
		if (found)
			snprintf(value, size, "%s", entry + strlen(name));
	}
	free(entry);
	if (file)
		fclose(file);
	return found && value[0];
}

/* What container managers leave for whoever asks; there is no other way to know. */
static void read_container(struct machine *machine, const char *root)
{
	size_t size = sizeof(machine->container);

	read_line(root, "/run/systemd/container", machine->container, size);
	if (machine->container[0] || is_in_environment(root, machine->container, size))
		return;
	if (exists_below(root, "/.dockerenv"))
		strcpy(machine->container, "docker");
	else if (exists_below(root, "/run/.containerenv"))
		strcpy(machine->container, "podman");
}

static uint64_t read_capabilities(const char *root)
{
	FILE *file = open_below(root, "/proc/self/status");
	uint64_t capabilities = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "CapEff:", 7) == 0)
			capabilities = strtoull(line + 7, NULL, 16);
	if (file)
		fclose(file);
	return capabilities;
}

static uint64_t limit_of(int resource, bool hard)
{
	struct rlimit limit;
	rlim_t value;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return UINT64_MAX;
	value = hard ? limit.rlim_max : limit.rlim_cur;
	return value == RLIM_INFINITY ? UINT64_MAX : value;
}

void machine_read(struct machine *machine, const char *root)
{
	struct utsname uts;

	*machine = (struct machine){
		.capabilities = read_capabilities(root),
		.descriptors = limit_of(RLIMIT_NOFILE, true),
		.locked_memory = limit_of(RLIMIT_MEMLOCK, false),
		.processes = limit_of(RLIMIT_NPROC, false),
		.memory = limits_memory(root),
		.tasks = limits_tasks(root),
	};
	if (uname(&uts) == 0) {
		snprintf(machine->kernel, sizeof(machine->kernel), "%s", uts.release);
		snprintf(machine->architecture, sizeof(machine->architecture), "%s", uts.machine);
	}
	read_container(machine, root);
	read_line(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		  machine->clocksource, sizeof(machine->clocksource));
	for (unsigned i = 0; i < MACHINE_NUMBER_COUNT; i++)
		read_numbers(root, files[i].path, machine->numbers[i]);
	if (limits_cpus(&machine->cpus) < 0)
		machine->cpus = (struct limits_cpus){.quota_millicpus = UINT64_MAX};
}
