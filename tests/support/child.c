#include "support/child.h"

#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static void set_environment(const char *const *environment)
{
	for (; environment && *environment; environment++) {
		if (strchr(*environment, '='))
			putenv((char *)*environment);
		else
			unsetenv(*environment);
	}
}

static void fail_to_start(const char *what)
{
	dprintf(STDERR_FILENO, "cannot start: %s: %s\n", what, strerror(errno));
	_exit(127);
}

static void execute(const struct child_options *options, pid_t parent)
{
	int fd;

	if (options->output) {
		fd = open(options->output, O_WRONLY | O_CREAT | O_APPEND, 0644);
		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
			fail_to_start(options->output);
		close(fd);
	}
	set_environment(options->environment);
	if (options->prepare)
		options->prepare(options->argument);
	if (options->uid &&
	    (setgroups(0, NULL) < 0 || setresgid(options->uid, options->uid, options->uid) < 0 ||
	     setresuid(options->uid, options->uid, options->uid) < 0))
		fail_to_start("setresuid");
	/* Dropping privileges clears it, so it comes last. */
	prctl(PR_SET_PDEATHSIG, options->death_signal ? options->death_signal : SIGKILL);
	if (getppid() != parent)
		_exit(127);
	execvp(options->argv[0], (char *const *)options->argv);
	fail_to_start(options->argv[0]);
}

int child_start(struct child *child, const struct child_options *options)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		execute(options, parent);
	*child = (struct child){.pid = pid};
	return 0;
}

static bool has_ended(struct child *child)
{
	if (!child->ended && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->ended = true;
	return child->ended;
}

int child_wait(struct child *child, int patience_ms)
{
	return wait_until(has_ended(child), patience_ms) ? 0 : -ETIMEDOUT;
}

int child_exit_status(struct child *child)
{
	if (!has_ended(child))
		return -1;
	return WIFEXITED(child->status) ? WEXITSTATUS(child->status)
					: 128 + WTERMSIG(child->status);
}

void child_signal(struct child *child, int signal)
{
	if (!has_ended(child))
		kill(child->pid, signal);
}

int child_stop(struct child *child, int signal)
{
	child_signal(child, signal);
	if (child_wait(child, 10000) < 0) {
		child_signal(child, SIGKILL);
		child_wait(child, 10000);
	}
	return child_exit_status(child);
}

int child_run(const struct child_options *options, int patience_ms, char **ret_output)
{
	struct child_options copy = *options;
	char path[4096];
	struct child child;
	int status = 124;

	snprintf(path, sizeof(path), "%s/output.XXXXXX", suite_dir());
	close(mkstemp(path));
	copy.output = path;
	if (child_start(&child, &copy) < 0)
		status = 127;
	else if (child_wait(&child, patience_ms) < 0)
		child_stop(&child, SIGKILL);
	else
		status = child_exit_status(&child);
	*ret_output = file_read(path);
	unlink(path);
	return status;
}

char *file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0, room = 4096;
	char *text = malloc(room);
	ssize_t n;

	while (text && fd >= 0 && (n = read(fd, text + size, room - size - 1)) > 0) {
		size += (size_t)n;
		if (room - size < 4096)
			text = realloc(text, room *= 2);
	}
	if (fd >= 0)
		close(fd);
	if (text)
		text[size] = '\0';
	return text;
}

bool program_exists(const char *name)
{
	const char *const argv[] = {"sh", "-c", "command -v \"$0\" >/dev/null", name, NULL};
	char *output;
	int status = child_run(&(struct child_options){.argv = argv}, 10000, &output);

	free(output);
	return status == 0;
}
