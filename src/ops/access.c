#include "ops/access.h"

#include "ops/access_format.h"
#include "ops/path.h"
#include "ops/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_SIZE (256u * 1024) /* for each worker; some 1,000 lines */
#define NOTES_SIZE (16u * 1024)  /* for what the writer itself has to say */

static struct access {
	bool open;
	enum sink_target target;
	enum access_format format;
	struct access_queue *queues; /* of the workers, and one for notes */
	unsigned workers;
	uint64_t dropped_before; /* by those that were closed */
	struct writer_access writer;
} access_log;

/* ---- For the writer -------------------------------------------------------------------------- */

static void note(struct lines *queue, const char *text)
{
	char line[ACCESS_ENTRY_MAX];
	size_t size;

	if (access_log.target == SINK_JOURNAL)
		size = access_format_journal_note(text, line);
	else if (access_log.format == ACCESS_JSON)
		size = access_format_json_note(text, line);
	else
		size = access_format_text_note(text, line);
	(void)lines_put(queue, line, (uint32_t)size);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static void release(struct access *log)
{
	for (unsigned i = 0; log->queues && i <= log->workers; i++)
		lines_done(&log->queues[i].lines);
	free(log->queues);
	free(log->writer.queues);
	log->queues = NULL;
	log->writer.queues = NULL;
}

static int make_queues(struct access *log, unsigned workers)
{
	int r = 0;

	log->workers = workers;
	log->writer.count = workers + 1;
	log->queues =
		aligned_alloc(_Alignof(struct access_queue), (workers + 1) * sizeof(*log->queues));
	log->writer.queues = calloc(workers + 1, sizeof(struct lines *));
	if (log->queues) /* release() looks at them, also where the other allocation failed */
		memset(log->queues, 0, (workers + 1) * sizeof(*log->queues));
	if (!log->queues || !log->writer.queues)
		return -ENOMEM;
	for (unsigned i = 0; r == 0 && i <= workers; i++) {
		log->writer.queues[i] = &log->queues[i].lines;
		r = lines_init(&log->queues[i].lines, i < workers ? QUEUE_SIZE : NOTES_SIZE);
	}
	return r;
}

int access_open(enum sink_target target, enum access_format format, const char *path,
		const char *place, unsigned workers)
{
	struct access *log = &access_log;
	int r;

	*log = (struct access){
		.target = target,
		.format = format,
		.dropped_before = log->dropped_before,
		.writer = {.place = place, .sink.fd = -1, .note = note},
	};
	log->writer.name = path ? path : target == SINK_JOURNAL ? "the journal" : "standard error";
	r = make_queues(log, workers);
	if (r == 0 && target != SINK_STDERR)
		r = sink_open(&log->writer.sink, target, path);
	if (r < 0) {
		release(log);
		return r;
	}
	log->open = true;
	writer_attach(&log->writer);
	return 0;
}

int access_check(enum sink_target target, const char *path)
{
	struct sink sink;
	int r = 0;

	if (target == SINK_FILE)
		return path_check(path);
	if (target == SINK_JOURNAL) {
		r = sink_open(&sink, target, path);
		sink_close(&sink);
	}
	return r;
}

struct access_queue *access_queue(unsigned worker)
{
	return access_log.open ? &access_log.queues[worker] : NULL;
}

uint64_t access_reopen(int bell)
{
	return access_log.open ? writer_reopen(bell) : 0;
}

static uint64_t dropped(const struct access *log)
{
	uint64_t lines = 0;

	for (unsigned i = 0; log->queues && i < log->workers; i++)
		lines += atomic_load_explicit(&log->queues[i].lines.dropped, memory_order_relaxed);
	return lines;
}

uint64_t access_dropped(void)
{
	return access_log.dropped_before + dropped(&access_log);
}

void access_close(unsigned patience_ms)
{
	struct access *log = &access_log;
	uint64_t lost = 0;
	bool closed;

	if (!log->open)
		return;
	closed = writer_detach(patience_ms, &lost);
	if (!closed) /* it hangs, and keeps its queues: what they hold is not written */
		for (unsigned i = 0; i < log->workers; i++)
			lost += lines_pending(&log->queues[i].lines);
	log->dropped_before += dropped(log) + lost;
	log->open = false;
	if (closed)
		release(log);
	else
		log->workers = 0; /* what it may still look at stays where it is */
}

/* ---- Lines ----------------------------------------------------------------------------------- */

void access_write(struct access_queue *queue, const struct access_record *record)
{
	char line[ACCESS_ENTRY_MAX];
	size_t size;

	if (!queue)
		return;
	/* Its reader takes each line for a connection. */
	if (record->event == ACCESS_REFUSED && access_log.target != SINK_JOURNAL &&
	    access_log.format == ACCESS_HAPROXY)
		return;
	if (access_log.target == SINK_JOURNAL)
		size = access_format_journal(record, line);
	else if (access_log.format == ACCESS_JSON)
		size = access_format_json(record, line);
	else if (access_log.format == ACCESS_HAPROXY)
		size = access_format_haproxy(record, line);
	else
		size = access_format_text(record, access_log.target == SINK_FILE, line);
	(void)lines_put(&queue->lines, line, (uint32_t)size);
	queue->fresh = true;
}

bool access_is_behind(const struct access_queue *queue)
{
	return queue && lines_used(&queue->lines) > QUEUE_SIZE / 2;
}

void access_flush_lines(struct access_queue *queue)
{
	queue->fresh = false;
	writer_wake_access(lines_used(&queue->lines));
}
