#include "support/threads.h"

#include "support/child.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *thread_file(pid_t pid, pid_t thread, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, thread, file);
	return file_read(path);
}

unsigned threads_of_workers(pid_t pid, pid_t *ret_threads, unsigned most)
{
	unsigned n = 0;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	for (struct dirent *task; tasks && (task = readdir(tasks));) {
		pid_t thread = atoi(task->d_name); /* 0: "." and ".." */
		char *name;

		if (thread == 0 || thread == pid)
			continue;
		name = thread_file(pid, thread, "comm");
		if (strncmp(name, "iou-", 4) != 0 && n < most)
			ret_threads[n++] = thread;
		free(name);
	}
	if (tasks)
		closedir(tasks);
	return n;
}
