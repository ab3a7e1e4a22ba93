#include "support/threads.h"

#include "support/child.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

char *thread_file(pid_t pid, pid_t thread, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, thread, file);
	return file_read(path);
}

bool thread_runs(pid_t pid, pid_t thread)
{
	char *stat = thread_file(pid, thread, "stat"), *state = strrchr(stat, ')');
	bool runs = state && (state[2] == 'R' || state[2] == 'D');

	free(stat);
	return runs;
}

unsigned threads_named(pid_t pid, const char *word, pid_t *ret_threads, unsigned most)
{
	unsigned n = 0;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	for (struct dirent *task; tasks && (task = readdir(tasks));) {
		pid_t thread = (pid_t)strtol(task->d_name, NULL, 10); /* 0: "." and ".." */
		char *name;

		if (thread == 0 || thread == pid)
			continue;
		name = thread_file(pid, thread, "comm");
		if (strncmp(name, word, strlen(word)) == 0 && n < most)
			ret_threads[n++] = thread;
		free(name);
	}
	if (tasks)
		closedir(tasks);
	return n;
}

unsigned threads_of_workers(pid_t pid, pid_t *ret_threads, unsigned most)
{
	return threads_named(pid, "worker ", ret_threads, most);
}

bool thread_hold(pid_t thread)
{
	return ptrace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACESYSGOOD) == 0 &&
	       ptrace(PTRACE_INTERRUPT, thread, 0, 0) == 0 &&
	       waitpid(thread, NULL, __WALL) == thread;
}

bool thread_hold_at(pid_t thread, int call)
{
	struct __ptrace_syscall_info info;

	do {
		if (ptrace(PTRACE_SYSCALL, thread, 0, 0) < 0 ||
		    waitpid(thread, NULL, __WALL) != thread ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) < 0)
			return false;
	} while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != (uint64_t)call);
	return true;
}

void thread_let_go(pid_t thread)
{
	(void)ptrace(PTRACE_DETACH, thread, 0, 0);
}

void thread_await_end(pid_t thread)
{
	(void)waitpid(thread, NULL, __WALL);
}
