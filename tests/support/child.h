/*
 * Programs a test starts: they never outlive it.
 *
 * Each dies with the thread that started it (PR_SET_PDEATHSIG), so start them from the test itself
 * and not from a helper thread.  Output goes to a file, where it can be read while the program
 * runs.
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child_options {
	const char *const *argv; /* argv[0] is looked up in PATH */
	const char *const
		*environment;          /* "NAME=value", "NAME" unsets; added to ours; may be NULL */
	const char *output;            /* file for stdout and stderr; NULL: ours */
	uid_t uid;                     /* 0: unchanged; the group follows */
	int death_signal;              /* 0: SIGKILL */
	void (*prepare)(const void *); /* in the child before it drops to uid and executes */
	const void *argument;
};

struct child {
	pid_t pid;
	int status; /* of waitpid, once ended */
	bool ended;
};

/* 0, or a negative errno of fork.  A program that cannot be executed exits 127 and says so. */
int child_start(struct child *child, const struct child_options *options);
/* Wait for the end: 0, or -ETIMEDOUT after that many milliseconds. */
int child_wait(struct child *child, int patience_ms);
/* The exit status, 128 + signal when one ended it, -1 while it runs. */
int child_exit_status(struct child *child);
void child_signal(struct child *child, int signal);
/* Signal it and wait; kill it when that does not end it.  The exit status. */
int child_stop(struct child *child, int signal);

/*
 * Run a program to its end, at most that many milliseconds.  The exit status (124: killed at the
 * deadline); its output as a string to free in *ret_output.
 */
int child_run(const struct child_options *options, int patience_ms, char **ret_output);

/* The content of a file as a string to free; "" when there is none. */
char *file_read(const char *path);
/* True when argv[0] of that name can be executed. */
bool program_exists(const char *name);

int64_t clock_ms(void); /* monotonic */
void sleep_ms(int ms);

/* Wait until condition holds; the value of the whole is whether it did in time. */
#define wait_until(condition, patience_ms)                                                         \
	({                                                                                         \
		int64_t until_ = clock_ms() + (patience_ms);                                       \
		bool holds_;                                                                       \
		while (!(holds_ = (condition)) && clock_ms() < until_)                             \
			sleep_ms(5);                                                               \
		holds_;                                                                            \
	})

#endif
