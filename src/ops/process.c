#include "ops/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS "/proc/self/fd"

/* The second number: pages. */
static uint64_t read_resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	char line[128] = "", *end;

	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	(void)strtoull(line, &end, 10);
	return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_descriptors(void)
{
	DIR *folder = opendir(DESCRIPTORS);
	uint64_t count = 0;

	if (!folder)
		return 0;
	for (struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count ? count - 1 : 0; /* the folder's own */
}

/* Linux 6.2 and later say it as the folder's size. */
static uint64_t read_descriptors(void)
{
	struct stat status;

	if (stat(DESCRIPTORS, &status) == 0 && status.st_size > 0)
		return (uint64_t)status.st_size;
	return count_descriptors();
}

void process_read(struct process_use *ret_use)
{
	struct timespec cpu = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	*ret_use = (struct process_use){
		.cpu_ns = (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec,
		.resident_bytes = read_resident(),
		.descriptors = read_descriptors(),
	};
}
