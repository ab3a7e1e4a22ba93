#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 /* below PIPE_BUF: a pipe keeps it in one piece */
#define QUEUE_SIZE     (256u * 1024)

static atomic_int level_max = LOG_LEVEL_INFO;
static bool to_journal; /* written by log_open(), before there are threads */

static struct lines queue;
static void (*wake_writer)(void);
static pthread_mutex_t queue_lock =
	PTHREAD_MUTEX_INITIALIZER; /* of those who put; held for a copy */
static atomic_bool queued;         /* lines go through the queue */

static _Thread_local log_hearer *hearer;
static _Thread_local void *hearer_owner;

static const char *const prefix_journal[LOG_LEVEL_COUNT] = {SD_ERR, SD_WARNING, SD_INFO, SD_DEBUG};
static const char *const prefix_plain[LOG_LEVEL_COUNT] = {"error: ", "warning: ", "", "debug: "};

/* "device:inode" of the stream that systemd connected, if it still is our standard error. */
static bool is_journal_stream(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat status;
	char *end;

	if (!text || fstat(STDERR_FILENO, &status) < 0)
		return false;
	device = strtoumax(text, &end, 10);
	if (end == text || *end != ':')
		return false;
	text = end + 1;
	inode = strtoumax(text, &end, 10);
	return end != text && !*end && device == status.st_dev && inode == status.st_ino;
}

void log_open(enum log_level level)
{
	log_set_level(level);
	to_journal = is_journal_stream();
}

int log_queue(void (*wake)(void), struct lines **ret_queue)
{
	int r = lines_init(&queue, QUEUE_SIZE);

	if (r < 0) {
		lines_done(&queue);
		return r;
	}
	wake_writer = wake;
	atomic_store(&queued, true);
	*ret_queue = &queue;
	return 0;
}

void log_directly(void)
{
	atomic_store(&queued, false);
	lines_done(&queue);
}

uint64_t log_dropped(void)
{
	return atomic_load_explicit(&queue.dropped, memory_order_relaxed);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&level_max, (int)level, memory_order_relaxed);
}

void log_hear(log_hearer *new_hearer, void *owner)
{
	hearer = new_hearer;
	hearer_owner = owner;
}

static bool is_shown(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&level_max, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return is_shown(level) || (level <= LOG_LEVEL_WARNING && hearer);
}

static void put_line(const char *line, size_t size)
{
	pthread_mutex_lock(&queue_lock);
	(void)lines_put(&queue, line, (uint32_t)size);
	pthread_mutex_unlock(&queue_lock);
	wake_writer();
}

static void write_line(const char *line, size_t size)
{
	while (size > 0) {
		ssize_t written = write(STDERR_FILENO, line, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return; /* there is nowhere left to say so */
		line += written;
		size -= (size_t)written;
	}
}

void log_write(enum log_level level, const char *format, ...)
{
	int saved_errno = errno;
	char line[LINE_MAX_BYTES];
	va_list args;

	const char *prefix = (to_journal ? prefix_journal : prefix_plain)[level];
	size_t start = (size_t)snprintf(line, sizeof(line), "%s", prefix);
	size_t room = sizeof(line) - start;
	va_start(args, format);
	int length = vsnprintf(line + start, room, format, args);
	va_end(args);
	if (length < 0)
		return;

	size_t end = start + (size_t)length;
	if ((size_t)length >= room) {
		end = sizeof(line) - 1;
		line[end - 1] = line[end - 2] = line[end - 3] = '.';
	}
	for (size_t i = start; i < end; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[end] = 0;
	if (hearer && level <= LOG_LEVEL_WARNING)
		hearer(hearer_owner, level, line + start);
	if (!is_shown(level)) {
		errno = saved_errno;
		return;
	}
	line[end] = '\n';
	(atomic_load_explicit(&queued, memory_order_acquire) ? put_line : write_line)(line,
										      end + 1);
	errno = saved_errno;
}

int log_no_memory(const char *what)
{
	log_error("out of memory for %s; raise the memory limit of the unit (MemoryMax=, LimitAS=, "
		  "ulimit -v), or lower max_connections, buffer_memory or workers",
		  what);
	return -ENOMEM;
}
