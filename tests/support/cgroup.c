#include "support/cgroup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_number(const char *folder, const char *name, uint64_t number)
{
	char path[4200];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file)
		return false;
	good = fprintf(file, "%" PRIu64, number) > 0;
	return fclose(file) == 0 && good;
}

static uint64_t read_number(const char *folder, const char *name)
{
	char path[4200];
	uint64_t number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (file && fscanf(file, "%" SCNu64, &number) != 1)
		number = 0;
	if (file)
		fclose(file);
	return number;
}

/* The folder of our own group of that version, where the usual mount points are used. */
static bool own_folder(char *folder, size_t size, int version)
{
	FILE *file = fopen("/proc/self/cgroup", "r");
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		char *path = strstr(line, version == 1 ? ":memory:" : "0::");

		if (!path || (version == 2 && path != line))
			continue;
		path = strrchr(line, ':') + 1;
		path[strcspn(path, "\n")] = '\0';
		snprintf(folder, size, "/sys/fs/cgroup%s%s", version == 1 ? "/memory" : "",
			 strcmp(path, "/") == 0 ? "" : path);
		found = true;
	}
	if (file)
		fclose(file);
	return found;
}

const char *cgroup_make(struct cgroup *cgroup, uint64_t memory_limit)
{
	for (int version = 1; version <= 2; version++) {
		char own[2048];

		if (!own_folder(own, sizeof(own), version))
			continue;
		cgroup->version = version;
		snprintf(cgroup->folder, sizeof(cgroup->folder), "%s/uringproxy-test.%d", own,
			 getpid());
		if (mkdir(cgroup->folder, 0755) < 0)
			continue;
		if (write_number(cgroup->folder,
				 version == 1 ? "memory.limit_in_bytes" : "memory.max",
				 memory_limit)) {
			/* What is swapped out would not count. */
			(void)write_number(cgroup->folder, "memory.swap.max", 0);
			return NULL;
		}
		rmdir(cgroup->folder);
	}
	return "no control group with a memory limit can be made here";
}

uint64_t cgroup_peak(const struct cgroup *cgroup)
{
	return read_number(cgroup->folder,
			   cgroup->version == 1 ? "memory.max_usage_in_bytes" : "memory.peak");
}

void cgroup_remove(const struct cgroup *cgroup)
{
	/* The last process may still be on its way out. */
	for (int i = 0; rmdir(cgroup->folder) < 0 && i < 100; i++)
		usleep(20000);
}
