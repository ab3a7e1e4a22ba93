#include "support/daemon.h"

#include "support/refusal.h"
#include "support/suite.h"
#include "support/threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 30000

#define OLD "recv-bundle recv-budget buffer-ring-inc no-sqarray min-wait"
const struct daemon_mode daemon_modes[DAEMON_WAYS] = {
	{"sqpoll off, 1 worker", false, 1, NULL},
	{"sqpoll on, 1 worker", true, 1, NULL},
	{"sqpoll off, 2 workers", false, 2, NULL},
	{"sqpoll on, 2 workers", true, 2, NULL},
	{"sqpoll off, 1 worker, old kernel", false, 1, OLD},
	{"sqpoll on, 1 worker, old kernel", true, 1, OLD},
};

struct daemon {
	struct child child;
	char directory[4096];
	char configuration[4128], log[4128], notify[4128];

	/* What it notified, collected by a thread: the socket's queue is short, and a daemon must
	 * not wait for us. */
	int notify_fd;
	pthread_t thread;
	pthread_mutex_t lock;
	char notified[65536];
	size_t notified_size;
};

/* ---- what it tells the service manager ---- */

static void *collect(void *argument)
{
	struct daemon *daemon = argument;
	char message[4096];
	ssize_t n;

	while ((n = recv(daemon->notify_fd, message, sizeof(message) - 1, 0)) > 0) {
		message[n] = '\0';
		if (strcmp(message, "end of the test") == 0)
			break;
		pthread_mutex_lock(&daemon->lock);
		daemon->notified_size += (size_t)snprintf(
			daemon->notified + daemon->notified_size,
			sizeof(daemon->notified) - daemon->notified_size, "%s\n", message);
		if (daemon->notified_size >= sizeof(daemon->notified))
			abort();
		pthread_mutex_unlock(&daemon->lock);
	}
	return NULL;
}

static void notify_open(struct daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	daemon->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_uint_lt(strlen(daemon->notify), sizeof(address.sun_path));
	strcpy(address.sun_path, daemon->notify);
	ck_assert_int_eq(bind(daemon->notify_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	chmod(daemon->notify, 0777);
	pthread_mutex_init(&daemon->lock, NULL);
	ck_assert_int_eq(pthread_create(&daemon->thread, NULL, collect, daemon), 0);
}

static void notify_close(struct daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, daemon->notify);
	sendto(fd, "end of the test", 15, 0, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	pthread_join(daemon->thread, NULL);
	pthread_mutex_destroy(&daemon->lock);
	close(daemon->notify_fd);
}

static unsigned count_in(const char *text, const char *word)
{
	unsigned n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		n++;
	return n;
}

unsigned daemon_notify_count(struct daemon *daemon, const char *text)
{
	unsigned n;

	pthread_mutex_lock(&daemon->lock);
	n = count_in(daemon->notified, text);
	pthread_mutex_unlock(&daemon->lock);
	return n;
}

/* ---- failing a test, with the log ---- */

/* What each thread of one that is silent waits for, and what time it has had: a machine that is too
 * slow is told from a daemon that hangs. */
static void tell_threads(pid_t pid)
{
	static const char *const files[] = {"stat", "wchan", "syscall", "schedstat"};
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	for (struct dirent *task; tasks && (task = readdir(tasks));) {
		for (size_t i = 0; task->d_name[0] != '.' && i < sizeof(files) / sizeof(files[0]);
		     i++) {
			char *text = thread_file(pid, atoi(task->d_name), files[i]);

			dprintf(STDOUT_FILENO, "%s: %.*s\n", files[i], (int)strcspn(text, "\n"),
				text);
			free(text);
		}
	}
	if (tasks)
		closedir(tasks);
}

static void __attribute__((noreturn, format(printf, 2, 3)))
give_up(struct daemon *daemon, const char *format, ...)
{
	char message[1024], *log = daemon_log(daemon);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	dprintf(STDOUT_FILENO, "---- log of %s (%s):\n%s----\n", daemon->configuration, message,
		strlen(log) > 16384 ? log + strlen(log) - 16384 : log);
	free(log);
	if (!daemon_has_exited(daemon))
		tell_threads(daemon->child.pid);
	ck_abort_msg("%s", message);
}

/* ---- starting ---- */

static void write_configuration(struct daemon *daemon, const struct daemon_options *options)
{
	FILE *file;

	if (!options->configuration)
		return;
	file = fopen(daemon->configuration, "w");
	ck_assert_ptr_nonnull(file);
	if (options->mode) {
		fprintf(file, "[global]\nworkers = %u\nsqpoll = %s\n", options->mode->workers,
			options->mode->sqpoll ? "on" : "off");
		if (options->mode->without)
			fprintf(file, "without = %s\n", options->mode->without);
	}
	fputs(options->configuration, file);
	if (options->mode && !strstr(options->configuration, "[log]"))
		fputs("\n[log]\nlevel = debug\naccess = stderr\n", file);
	fclose(file);
}

static void refuse_io_uring(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 425 /* io_uring_setup */, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		_exit(126);
}

static void limit(int resource, rlim_t value)
{
	if (value && setrlimit(resource, &(struct rlimit){value, value}) < 0)
		_exit(126);
}

static void replace(const char *path, const char *by)
{
	if (by &&
	    (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	     mount(by, path, NULL, MS_BIND, NULL) < 0))
		_exit(126);
}

static void join_cgroup(const char *folder)
{
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(126);
	close(fd);
}

static void mount_small_disk(const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("small", path, "tmpfs", 0, "size=1m,mode=0755") < 0)
		_exit(126);
}

static void limit_file_size(rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
		_exit(126);
	limit.rlim_cur = value;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		_exit(126);
}

/* They come as descriptors 3 and on. */
static void pass_sockets(const int *fds)
{
	char text[16], names[256] = "";
	int count = 0, kept[16];

	for (; fds[count] >= 0; count++) {
		kept[count] = fcntl(fds[count], F_DUPFD, 64);
		strcat(names, count ? ":passed" : "passed");
	}
	for (int i = 0; i < count; i++)
		dup2(kept[i], 3 + i);
	snprintf(text, sizeof(text), "%d", count);
	setenv("LISTEN_FDS", text, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	snprintf(text, sizeof(text), "%d", getpid());
	setenv("LISTEN_PID", text, 1);
	for (int i = 0; i < count; i++)
		close(kept[i]);
}

static void prepare(const void *argument)
{
	const struct daemon_options *options = argument;

	limit(RLIMIT_NOFILE, options->nofile);
	limit(RLIMIT_MEMLOCK, options->memlock);
	limit(RLIMIT_AS, options->address_space);
	if (options->cgroup)
		join_cgroup(options->cgroup);
	if (options->refusal)
		refusal_install(options->refusal);
	replace("/etc/hosts", options->hosts);
	replace("/etc/resolv.conf", options->resolv_conf);
	if (options->small_disk)
		mount_small_disk(options->small_disk);
	if (options->file_size)
		limit_file_size(options->file_size);
	if (options->log_fd && dup2(options->log_fd, STDERR_FILENO) < 0)
		_exit(126);
	if (options->inherited)
		pass_sockets(options->inherited);
	if (options->io_uring_errno)
		refuse_io_uring(options->io_uring_errno);
}

static void add(const char **list, size_t *n, const char *const *more)
{
	for (; more && *more; more++) {
		ck_assert_uint_lt(*n, 15);
		list[(*n)++] = *more;
	}
}

struct daemon *daemon_spawn(const struct daemon_options *options)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	const char *argv[16] = {getenv("URINGPROXY")}, *environment[16] = {NULL};
	size_t argc = 1, env = 0;
	char notify[4160];
	const struct child_options child = {
		.argv = argv,
		.environment = environment,
		.output = daemon->log,
		.uid = options->uid,
		.prepare = prepare,
		.argument = options,
	};

	ck_assert_msg(argv[0], "URINGPROXY does not name the daemon");
	snprintf(daemon->directory, sizeof(daemon->directory), "%s/XXXXXX", suite_dir());
	ck_assert_ptr_nonnull(mkdtemp(daemon->directory));
	chmod(daemon->directory, 0755);
	snprintf(daemon->configuration, sizeof(daemon->configuration), "%s/uringproxy.conf",
		 daemon->directory);
	snprintf(daemon->log, sizeof(daemon->log), "%s/log", daemon->directory);
	snprintf(daemon->notify, sizeof(daemon->notify), "%s/notify", daemon->directory);
	write_configuration(daemon, options);
	notify_open(daemon);

	if (options->configuration)
		add(argv, &argc, (const char *const[]){"-c", daemon->configuration, NULL});
	add(argv, &argc, options->arguments);
	snprintf(notify, sizeof(notify), "NOTIFY_SOCKET=%s", daemon->notify);
	add(environment, &env,
	    (const char *const[]){notify, "JOURNAL_STREAM", "WATCHDOG_USEC",
				  "ASAN_OPTIONS=exitcode=99:detect_leaks=1",
				  "UBSAN_OPTIONS=print_stacktrace=1", NULL});
	add(environment, &env, options->environment);
	ck_assert_int_eq(child_start(&daemon->child, &child), 0);
	if (options->refusal)
		refusal_start(options->refusal);
	return daemon;
}

/* The socket it told us through is still to be closed, which its main thread does before it waits:
 * a count taken now must not have it. */
static bool fds_are_settled(struct daemon *daemon)
{
	unsigned count = daemon_open_fds(daemon);

	for (int i = 0; i < 4; i++) {
		sleep_ms(2);
		if (thread_runs(daemon->child.pid, daemon->child.pid) ||
		    daemon_open_fds(daemon) != count)
			return false;
	}
	return true;
}

void daemon_wait_ready(struct daemon *daemon)
{
	daemon_wait_notify(daemon, "READY=1");
	(void)wait_until(fds_are_settled(daemon), PATIENCE_MS);
}

struct daemon *daemon_start(const struct daemon_mode *mode, const char *format, ...)
{
	struct daemon *daemon;
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	ck_assert_int_ge(vasprintf(&text, format, arguments), 0);
	va_end(arguments);
	daemon = daemon_spawn(&(struct daemon_options){.mode = mode, .configuration = text});
	free(text);
	daemon_wait_ready(daemon);
	return daemon;
}

/* ---- looking at it ---- */

pid_t daemon_pid(const struct daemon *daemon)
{
	return daemon->child.pid;
}

const char *daemon_configuration_path(const struct daemon *daemon)
{
	return daemon->configuration;
}

void daemon_signal(struct daemon *daemon, int signal)
{
	child_signal(&daemon->child, signal);
}

bool daemon_has_exited(struct daemon *daemon)
{
	return child_exit_status(&daemon->child) >= 0;
}

/* What has been said is written a moment later, by a thread that sleeps when all of it is; it may
 * not even have begun. */
static bool log_is_settled(struct daemon *daemon)
{
	pid_t thread;

	return daemon_has_exited(daemon) ||
	       (threads_named(daemon->child.pid, "log writer", &thread, 1) == 1 &&
		!thread_runs(daemon->child.pid, thread));
}

char *daemon_log(struct daemon *daemon)
{
	bool exited = daemon_has_exited(daemon);
	char *log, *end;

	if (!exited)
		sleep_ms(15); /* the most that lines of the access log are held back, and some */
	(void)wait_until(log_is_settled(daemon), PATIENCE_MS);
	log = file_read(daemon->log);
	end = strrchr(log, '\n');
	if (!exited)
		log[end ? end + 1 - log : 0] = '\0'; /* a line that is being written is none yet */
	return log;
}

unsigned daemon_log_count(struct daemon *daemon, const char *text)
{
	char *log = daemon_log(daemon);
	unsigned n = count_in(log, text);

	free(log);
	return n;
}

bool daemon_log_contains(struct daemon *daemon, const char *text)
{
	return daemon_log_count(daemon, text) > 0;
}

static bool lasts(struct daemon *daemon, const char *began, const char *ended, unsigned *ret_times)
{
	char *log = daemon_log(daemon);
	bool now = count_in(log, began) == count_in(log, ended) + 1;

	*ret_times = count_in(log, began);
	free(log);
	return now;
}

void daemon_assert_lasts(struct daemon *daemon, const char *began, const char *ended)
{
	unsigned times;

	if (!wait_until(lasts(daemon, began, ended, &times), PATIENCE_MS) ||
	    times > DAEMON_SPELLS_MAX)
		give_up(daemon, "\"%s\" is said %u times", began, times);
}

/* Once it has exited nothing can come any more, but what it said last may still be on its way. */
void daemon_wait_log(struct daemon *daemon, const char *text)
{
	bool exited = false;

	if (!wait_until(daemon_log_contains(daemon, text) || (exited = daemon_has_exited(daemon)),
			PATIENCE_MS) ||
	    (exited && !daemon_log_contains(daemon, text)))
		give_up(daemon, "the daemon does not log \"%s\"", text);
}

void daemon_wait_notify(struct daemon *daemon, const char *text)
{
	bool exited = false;

	if (!wait_until(daemon_notify_count(daemon, text) || (exited = daemon_has_exited(daemon)),
			PATIENCE_MS) ||
	    (exited && !wait_until(daemon_notify_count(daemon, text), PATIENCE_MS)))
		give_up(daemon, "the daemon does not notify \"%s\" (exit status %d)", text,
			child_exit_status(&daemon->child));
}

unsigned daemon_open_fds(struct daemon *daemon)
{
	char path[320], target[64];
	unsigned n = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", daemon->child.pid);
	directory = opendir(path);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", daemon->child.pid, entry->d_name);
		length = readlink(path, target, sizeof(target));
		n += length > 0 && strncmp(target, "pipe:", 5) != 0;
	}
	if (directory)
		closedir(directory);
	return n;
}

void daemon_wait_fds(struct daemon *daemon, unsigned count)
{
	if (!wait_until(daemon_open_fds(daemon) <= count, PATIENCE_MS))
		give_up(daemon, "%u descriptors are open, only %u once were",
			daemon_open_fds(daemon), count);
}

int64_t daemon_cpu_ms(struct daemon *daemon)
{
	char path[320], *text;
	int64_t ns = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", daemon->child.pid);
	tasks = opendir(path);
	for (struct dirent *task; tasks && (task = readdir(tasks));) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", daemon->child.pid,
			 task->d_name);
		text = file_read(path);
		ns += strtoll(text, NULL, 10);
		free(text);
	}
	if (tasks)
		closedir(tasks);
	return ns / 1000000;
}

size_t daemon_resident(struct daemon *daemon)
{
	char path[64], *text;
	size_t pages = 0;

	snprintf(path, sizeof(path), "/proc/%d/statm", daemon->child.pid);
	text = file_read(path);
	if (sscanf(text, "%*u %zu", &pages) != 1)
		pages = 0;
	free(text);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- its end ---- */

int daemon_wait_exit(struct daemon *daemon)
{
	static const char *const faults[] = {"AddressSanitizer", "LeakSanitizer",
					     "runtime error:", "ThreadSanitizer"};

	if (child_wait(&daemon->child, PATIENCE_MS) < 0)
		give_up(daemon, "the daemon does not end");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (daemon_log_contains(daemon, faults[i]))
			give_up(daemon, "%s found something", faults[i]);
	return child_exit_status(&daemon->child);
}

uint64_t daemon_counter(struct daemon *daemon, const char *name)
{
	char *log = daemon_log(daemon), *line = strstr(log, "stopped: "), *found, key[64];
	uint64_t value = 0;

	if (!line)
		give_up(daemon, "the last line of the log has no counters");
	line[strcspn(line, "\n")] = '\0';
	snprintf(key, sizeof(key), " %s=", name);
	found = strstr(line, key);
	if (!found)
		give_up(daemon, "no counter %s", name);
	value = strtoull(found + strlen(key), NULL, 10);
	free(log);
	return value;
}

void daemon_free(struct daemon *daemon)
{
	ck_assert(daemon_has_exited(daemon));
	notify_close(daemon);
	free(daemon);
}

void daemon_stop(struct daemon *daemon)
{
	static const char *const impossible[] = {"stale_completions", "buffers_missing"};
	int status;

	daemon_signal(daemon, SIGTERM);
	status = daemon_wait_exit(daemon);
	if (status != 0)
		give_up(daemon, "the daemon exits with %d", status);
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
		if (daemon_counter(daemon, impossible[i]) != 0)
			give_up(daemon, "%s is not 0", impossible[i]);
	daemon_free(daemon);
}
