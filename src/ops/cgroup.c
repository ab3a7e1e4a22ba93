/*
 * Where a cgroup's CPU quota and its limits of memory and tasks are written:
 *
 *   /proc/self/cgroup      0::/a/b              version 2: our cgroup is /a/b
 *                          5:cpu,cpuacct:/a/b   version 1, the cpu controller
 *   /proc/self/mountinfo   36 28 0:31 /ROOT /MOUNT options - cgroup2 source cpu,...
 *
 * /MOUNT shows the hierarchy from /ROOT on, so /a/b is found at /MOUNT/b where
 * ROOT is /a.  Where /a/b does not lie below ROOT (a container that sees its
 * own cgroup as the root), /MOUNT itself is the nearest we can see.  A limit on
 * any ancestor binds too, hence every folder from there up to /MOUNT is read.
 * A hybrid machine has both versions, each controller in one of them.
 */
#include "ops/limits.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether word is one of the list's, which are separated by commas. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == length && memcmp(list, word, length) == 0)
			return true;
	return false;
}

static FILE *open_below(const char *root, const char *path, const char *name)
{
	char full[PATH_MAX];
	int length = snprintf(full, sizeof(full), "%s%s%s", root, path, name);

	return length > 0 && (size_t)length < sizeof(full) ? fopen(full, "re") : NULL;
}

static uint64_t millicpus(int64_t quota_us, int64_t period_us)
{
	if (quota_us <= 0 || period_us <= 0 || quota_us > INT64_MAX / 1000)
		return UINT64_MAX;
	return (uint64_t)(quota_us * 1000 / period_us);
}

/* The numbers in a file's first line, at most max; returns how many. */
static unsigned read_numbers(const char *root, const char *folder, const char *name,
			     int64_t numbers[], unsigned max)
{
	FILE *file = open_below(root, folder, name);
	char line[64], *at = line, *end;
	unsigned found = 0;

	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	for (; found < max; found++, at = end) {
		numbers[found] = strtoll(at, &end, 10);
		if (end == at)
			break;
	}
	return found;
}

static uint64_t quota_v2(const char *root, const char *folder)
{
	int64_t numbers[2]; /* "150000 100000", or "max 100000" */

	if (read_numbers(root, folder, "/cpu.max", numbers, 2) != 2)
		return UINT64_MAX;
	return millicpus(numbers[0], numbers[1]);
}

static uint64_t quota_v1(const char *root, const char *folder)
{
	int64_t quota_us, period_us;

	if (read_numbers(root, folder, "/cpu.cfs_quota_us", &quota_us, 1) != 1 ||
	    read_numbers(root, folder, "/cpu.cfs_period_us", &period_us, 1) != 1)
		return UINT64_MAX;
	return millicpus(quota_us, period_us); /* a quota of -1 is none */
}

static uint64_t number_in(const char *root, const char *folder, const char *name)
{
	int64_t number; /* "max" is none */

	return read_numbers(root, folder, name, &number, 1) == 1 && number >= 0 ? (uint64_t)number
										: UINT64_MAX;
}

/* Beyond memory.high nothing is killed, but all that is done from there on is to reclaim. */
static uint64_t memory_v2(const char *root, const char *folder)
{
	uint64_t max = number_in(root, folder, "/memory.max");
	uint64_t high = number_in(root, folder, "/memory.high");

	return high < max ? high : max;
}

#define MEMORY_NONE (1ull << 62) /* version 1 writes "no limit" as a number of whole pages */

static uint64_t memory_v1(const char *root, const char *folder)
{
	uint64_t limit = number_in(root, folder, "/memory.limit_in_bytes");

	return limit < MEMORY_NONE ? limit : UINT64_MAX;
}

static uint64_t tasks_of(const char *root, const char *folder)
{
	return number_in(root, folder, "/pids.max"); /* in both versions */
}

struct controller {
	const char *name;
	/* What a folder sets, UINT64_MAX for no limit. */
	uint64_t (*read_v2)(const char *root, const char *folder);
	uint64_t (*read_v1)(const char *root, const char *folder);
};

static const struct controller cpu = {"cpu", quota_v2, quota_v1};
static const struct controller memory = {"memory", memory_v2, memory_v1};
static const struct controller pids = {"pids", tasks_of, tasks_of};

/* Our path in the hierarchy, malloc'ed, NULL when there is none. */
static char *cgroup_path(const char *root, const struct controller *controller, bool v2)
{
	char *line = NULL, *path = NULL;
	size_t size = 0;
	FILE *file = open_below(root, "/proc/self", "/cgroup");

	while (file && !path && getline(&line, &size, file) > 0) {
		char *controllers = strchr(line, ':');
		char *where = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!where)
			continue;
		*where++ = 0;
		controllers++;
		where[strcspn(where, "\n")] = 0;
		if (v2 ? !*controllers : has_word(controllers, controller->name))
			path = strdup(where);
	}
	free(line);
	if (file)
		fclose(file);
	return path;
}

/* Whether a line of mountinfo is the hierarchy we want; then its root and mount point. */
static bool parse_mount(char *line, const struct controller *controller, bool v2, char **ret_root,
			char **ret_mount)
{
	char *field[5] = {0}, *rest = strstr(line, " - "), *save = NULL, *type, *options;

	if (!rest)
		return false;
	*rest = 0;
	field[0] = strtok_r(line, " ", &save);
	for (size_t i = 1; i < array_size(field); i++)
		field[i] = strtok_r(NULL, " ", &save);
	type = strtok_r(rest + 3, " ", &save);
	strtok_r(NULL, " ", &save); /* the source */
	options = strtok_r(NULL, " \n", &save);
	if (!field[4] || !type || !options)
		return false;
	if (strcmp(type, v2 ? "cgroup2" : "cgroup") != 0 ||
	    (!v2 && !has_word(options, controller->name)))
		return false;
	*ret_root = field[3];
	*ret_mount = field[4];
	return true;
}

/* The tightest limit from the folder of path up to the mount point. */
static uint64_t tightest_of(const char *root, const struct controller *controller, bool v2,
			    const char *mount, const char *path)
{
	uint64_t least = UINT64_MAX;
	char folder[PATH_MAX];
	size_t floor = strlen(mount);
	int length = snprintf(folder, sizeof(folder), "%s%s", mount, path);

	if (length < 0 || (size_t)length >= sizeof(folder))
		return UINT64_MAX;
	for (;;) {
		uint64_t limit =
			v2 ? controller->read_v2(root, folder) : controller->read_v1(root, folder);
		if (limit < least)
			least = limit;
		char *slash = strrchr(folder, '/');
		if (!slash || strlen(folder) <= floor)
			return least;
		*slash = 0;
	}
}

static uint64_t limit_of(const char *root, const struct controller *controller, bool v2)
{
	char *path = cgroup_path(root, controller, v2), *line = NULL, *from, *mount;
	uint64_t limit = UINT64_MAX;
	size_t size = 0;
	FILE *file = path ? open_below(root, "/proc/self", "/mountinfo") : NULL;

	while (file && getline(&line, &size, file) > 0) {
		if (!parse_mount(line, controller, v2, &from, &mount))
			continue;
		size_t skip = strcmp(from, "/") == 0 ? 0 : strlen(from);
		bool below = strncmp(path, from, skip) == 0 &&
			     (skip == 0 || path[skip] == '/' || !path[skip]);
		const char *rest = below ? path + skip : "";
		limit = tightest_of(root, controller, v2, mount,
				    strcmp(rest, "/") == 0 ? "" : rest);
		break;
	}
	free(line);
	free(path);
	if (file)
		fclose(file);
	return limit;
}

static uint64_t tightest(const char *root, const struct controller *controller)
{
	uint64_t v2 = limit_of(root, controller, true), v1 = limit_of(root, controller, false);

	return v2 < v1 ? v2 : v1;
}

uint64_t limits_cpu_quota(const char *root)
{
	return tightest(root, &cpu);
}

uint64_t limits_memory(const char *root)
{
	return tightest(root, &memory);
}

uint64_t limits_tasks(const char *root)
{
	return tightest(root, &pids);
}
