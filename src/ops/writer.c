#include "ops/writer.h"

#include "base/clock.h"
#include "ops/log.h"
#include "ops/outlet.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)512 * 1024)
#define GRACE_MS   200 /* beyond the deadline given to the thread: then it is not waited for */

/* What is asked for; the last three are answered by their flag and a sem_post(3). */
enum request { ATTACH = 1, REOPEN = 2, DETACH = 4, FLUSH = 8, STOP = 16 };

/* How lines are waited for: not at all, in a nap that only many of them end, or asleep. */
enum { AWAKE, NAPPING, ASLEEP };

static struct writer {
	bool started;
	pthread_t thread;
	int wake_fd;
	_Atomic unsigned requests;
	_Atomic int log_waits, access_waits;
	sem_t answered;
	_Atomic bool detached, flushed, stopped; /* the answers */
	_Atomic uint64_t deadline_ms;            /* for them */
	uint64_t lost;                           /* of a DETACH */
	struct writer_access *offered;           /* of an ATTACH */
	_Atomic uint64_t reopens, reopened;      /* of REOPEN: asked for, done */
	_Atomic int reopen_result, reopen_bell;
	bool in_its_place; /* the last demand() was met without the thread */

	/* Of who has this lock: the thread, but while it sleeps. */
	pthread_mutex_t turn;
	unsigned pending; /* enum request, without an answer yet */
	struct sink log_sink;
	struct lines *log_queue;
	struct writer_access *access; /* NULL: none */
	struct outlet log, file; /* where the access log is not on standard error, it is `file` */
	uint64_t access_ms, nap_ms; /* when lines of the access log came last; until when to nap */
} writer;

/* ---- Producers ------------------------------------------------------------------------------- */

static void ring(int bell)
{
	const uint64_t one = 1;

	if (write(bell, &one, sizeof(one)) < 0)
		return; /* the counter is full: it will wake up all the same */
}

/* The queue's tail is written before, and the thread looks at it after it said that it waits. */
static void wake_for_log(void)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&writer.log_waits, memory_order_relaxed) != AWAKE &&
	    atomic_exchange(&writer.log_waits, AWAKE) != AWAKE)
		ring(writer.wake_fd);
}

void writer_wake_access(uint32_t used)
{
	int least = used < WRITER_WAKE_AT ? ASLEEP : NAPPING;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&writer.access_waits, memory_order_relaxed) >= least &&
	    atomic_exchange(&writer.access_waits, AWAKE) != AWAKE)
		ring(writer.wake_fd);
}

/* ---- What is asked for ----------------------------------------------------------------------- */

static void tell_of_log(const struct outlet *outlet, const char *why, const char *remedy)
{
	const struct writer_access *access = writer.access;
	char text[512];

	(void)outlet;
	if (!writer.file.sink)
		return;
	snprintf(text, sizeof(text),
		 "cannot write the log to standard error: %s%s%s; lines wait, and are "
		 "dropped when too many do",
		 why, *remedy ? "; " : "", remedy);
	access->note(access->queues[access->count - 1], text);
}

static void tell_of_file(const struct outlet *outlet, const char *why, const char *remedy)
{
	log_warning("%s: cannot write to %s: %s%s%s; lines wait, and are dropped when too many do",
		    outlet->place, outlet->name, why, *remedy ? "; " : "", remedy);
}

static void attach(void)
{
	struct writer_access *access = writer.access = writer.offered;

	if (access->sink.target != SINK_NONE) {
		writer.file = (struct outlet){.sink = &access->sink,
					      .queues = access->queues,
					      .count = access->count,
					      .place = access->place,
					      .name = access->name,
					      .tell = tell_of_file};
		return;
	}
	/* Standard error is the log's too; what is to be said of it is said there. */
	access->queues[access->count - 1] = writer.log_queue;
	writer.log.queues = access->queues;
	writer.log.count = access->count;
}

static int reopen_file(void)
{
	int r = sink_reopen(writer.file.sink);

	if (r < 0)
		log_warning("%s: cannot open %s anew: %s; the old one stays in use",
			    writer.access->place, writer.access->name, strerror(-r));
	else
		log_info("%s: %s is open anew", writer.access->place, writer.access->name);
	writer.file.retry_ms = 0;
	writer.file.blocked = false;
	return r;
}

/* For everybody who has asked for it until now. */
static void reopen(void)
{
	uint64_t asked = atomic_load(&writer.reopens);
	int bell = atomic_load(&writer.reopen_bell);

	atomic_store(&writer.reopen_result, writer.file.sink ? reopen_file() : 0);
	atomic_store(&writer.reopened, asked);
	if (bell >= 0)
		ring(bell);
}

/* The log alone has standard error again; how many of its lines are untold stays. */
static void leave_log(void)
{
	uint64_t untold = writer.log.dropped - writer.log.told;

	writer.log.queues = &writer.log_queue;
	writer.log.count = 1;
	writer.log.dropped = outlet_dropped(&writer.log);
	writer.log.told = writer.log.dropped - untold;
}

/* What is left when it is over, and was dropped before, and has not been told. */
static void tell_lost(const struct writer_access *access, const struct outlet *file)
{
	uint64_t before = file->sink ? outlet_dropped(file) - file->told : 0;
	char also[64] = "";

	if (before)
		snprintf(also, sizeof(also), ", and %" PRIu64 " before them were dropped", before);
	log_warning("%s: the last %" PRIu64 " lines are lost%s, since %s does not take them",
		    access->place, writer.lost, also, access->name);
}

static void detach(uint64_t now)
{
	struct writer_access *access = writer.access;
	struct outlet *file = &writer.file;

	writer.lost = file->sink ? sink_pending(file->sink) : 0;
	for (unsigned i = 0; i + 1 < access->count; i++)
		writer.lost += lines_pending(access->queues[i]);
	if (writer.lost)
		tell_lost(access, file);
	else if (file->sink && file->troubled)
		outlet_end(file, now);
	if (writer.file.sink)
		sink_close(writer.file.sink);
	else
		leave_log();
	writer.file = (struct outlet){0};
	writer.access = NULL;
}

/* Whether waiting for the outlet is over: nothing is left, or it helps nothing. */
static bool is_done(struct outlet *outlet, uint64_t now)
{
	if (!outlet->sink || outlet->retry_ms || now >= atomic_load(&writer.deadline_ms))
		return true;
	if (!outlet_is_drained(outlet))
		return false;
	if (!outlet->troubled)
		return true;
	outlet_end(outlet, now); /* which may be another line */
	return outlet_is_drained(outlet);
}

static void answer(unsigned request, _Atomic bool *flag)
{
	writer.pending &= ~request;
	atomic_store(flag, true);
	sem_post(&writer.answered);
}

static void hear_requests(void)
{
	unsigned requests = atomic_exchange(&writer.requests, 0);

	if (requests & ATTACH)
		attach();
	if (requests & REOPEN)
		reopen();
	writer.pending |= requests & (DETACH | FLUSH | STOP);
	if (requests & (DETACH | FLUSH | STOP))
		writer.log.retry_ms = writer.file.retry_ms = 0; /* once more, now */
}

static void answer_requests(uint64_t now)
{
	struct outlet *access = writer.file.sink ? &writer.file : &writer.log;

	if (writer.pending & DETACH && is_done(access, now)) {
		detach(now);
		answer(DETACH, &writer.detached);
	}
	if (writer.pending & FLUSH && is_done(&writer.log, now))
		answer(FLUSH, &writer.flushed);
	if (writer.pending & STOP && is_done(&writer.log, now))
		answer(STOP, &writer.stopped);
}

/* ---- The thread ------------------------------------------------------------------------------ */

static bool is_stuck(const struct outlet *outlet, uint64_t now)
{
	return !outlet->sink || outlet->blocked || now < outlet->retry_ms;
}

static int timeout_ms(uint64_t now)
{
	const struct outlet *outlets[] = {&writer.log, &writer.file};
	uint64_t until = UINT64_MAX, at;

	for (size_t i = 0; i < array_size(outlets); i++) {
		at = outlets[i]->retry_ms;
		if (!at && outlets[i]->troubled && !outlets[i]->blocked)
			at = outlets[i]->last_ms + outlets[i]->patience_ms;
		if (at && at < until)
			until = at;
	}
	if (writer.nap_ms > now && writer.nap_ms < until)
		until = writer.nap_ms;
	at = atomic_load(&writer.deadline_ms);
	if (writer.pending && at < until)
		until = at;
	if (until == UINT64_MAX)
		return -1;
	return until > now ? (int)(until - now) : 0;
}

/* Say what is waited for, then look once more: who puts a line looks the other way round. */
static bool may_sleep(uint64_t now)
{
	bool log_stuck = is_stuck(&writer.log, now);
	bool access_stuck = writer.file.sink ? is_stuck(&writer.file, now) : log_stuck;
	int waits = writer.nap_ms > now ? NAPPING : ASLEEP;
	uint32_t least = waits == NAPPING ? WRITER_WAKE_AT : 1;

	atomic_store_explicit(&writer.log_waits, log_stuck ? AWAKE : ASLEEP, memory_order_relaxed);
	atomic_store_explicit(&writer.access_waits, access_stuck ? AWAKE : waits,
			      memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (!log_stuck && lines_used(writer.log_queue))
		return false;
	for (unsigned i = 0; writer.access && !access_stuck && i < writer.access->count; i++)
		if (lines_used(writer.access->queues[i]) >= least)
			return false;
	return true;
}

static void sleep_until_asked(uint64_t now, bool more)
{
	struct pollfd fds[] = {
		{.fd = writer.wake_fd, .events = POLLIN},
		{.fd = writer.log.blocked ? writer.log_sink.fd : -1, .events = POLLOUT},
		{.fd = writer.file.blocked ? writer.file.sink->fd : -1, .events = POLLOUT},
	};
	int timeout = !more && may_sleep(now) ? timeout_ms(now) : 0;
	uint64_t count;

	pthread_mutex_unlock(&writer.turn);
	(void)poll(fds, array_size(fds), timeout);
	pthread_mutex_lock(&writer.turn);
	atomic_store_explicit(&writer.log_waits, AWAKE, memory_order_relaxed);
	atomic_store_explicit(&writer.access_waits, AWAKE, memory_order_relaxed);
	if (fds[0].revents && read(writer.wake_fd, &count, sizeof(count)) < 0)
		return; /* nothing there after all */
	writer.log.blocked = writer.log.blocked && !fds[1].revents;
	writer.file.blocked = writer.file.blocked && !fds[2].revents;
}

/* Lines that come seldom are not waited for: a nap would wake up for nothing. */
static void nap_or_not(uint64_t now)
{
	if (!writer.file.came && !writer.log.came)
		return;
	writer.file.came = writer.log.came = false;
	writer.nap_ms = now - writer.access_ms < 2ull * WRITER_NAP_MS ? now + WRITER_NAP_MS : 0;
	writer.access_ms = now;
}

/* True when there is more to be written at once. */
static bool take_turn(uint64_t now)
{
	bool more;

	hear_requests();
	more = outlet_turn(&writer.log, now);
	more = outlet_turn(&writer.file, now) || more;
	nap_or_not(now);
	answer_requests(now);
	return more;
}

static void *run(void *unused)
{
	(void)pthread_setname_np(pthread_self(), "log writer");
	pthread_mutex_lock(&writer.turn);
	while (!atomic_load(&writer.stopped)) {
		uint64_t now = clock_now_ms();
		bool more = take_turn(now);

		if (!atomic_load(&writer.stopped))
			sleep_until_asked(now, more);
	}
	pthread_mutex_unlock(&writer.turn);
	return unused;
}

/* ---- For the others -------------------------------------------------------------------------- */

static int start_thread(void)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int r;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&writer.thread, &attributes, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return r;
}

int writer_start(void)
{
	int r;

	writer = (struct writer){
		.log_sink.fd = -1, .reopen_bell = -1, .turn = PTHREAD_MUTEX_INITIALIZER};
	writer.log = (struct outlet){.queues = &writer.log_queue,
				     .count = 1,
				     .place = "",
				     .name = "the log",
				     .tell = tell_of_log};
	/* Without a standard error lines go nowhere, and that is no failure. */
	if (sink_open(&writer.log_sink, SINK_STDERR, NULL) == 0)
		writer.log.sink = &writer.log_sink;
	writer.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sem_init(&writer.answered, 0, 0);
	r = writer.wake_fd < 0 ? -errno : log_queue(wake_for_log, &writer.log_queue);
	if (r == 0) {
		r = start_thread();
		if (r < 0)
			log_directly();
	}
	writer.started = r == 0;
	if (r < 0) {
		if (writer.wake_fd >= 0)
			close(writer.wake_fd);
		sink_close(&writer.log_sink);
	}
	return r;
}

static void ask(unsigned request)
{
	atomic_fetch_or(&writer.requests, request);
	ring(writer.wake_fd);
}

/*
 * The thread is not heard of.  Where it is not in its turn, it is no write that it
 * waits for but a processor, and the turn can be taken here: it is the last one, since
 * the deadline has passed.  A disk that hangs would hold the thread.
 */
static bool take_its_turn(const _Atomic bool *flag)
{
	if (pthread_mutex_trylock(&writer.turn) != 0)
		return atomic_load(flag);
	if (!atomic_load(flag)) {
		writer.in_its_place = true;
		take_turn(clock_now_ms());
	}
	pthread_mutex_unlock(&writer.turn);
	return atomic_load(flag);
}

/* Ask, and wait for the answer; false when the thread hangs. */
static bool demand(unsigned request, const _Atomic bool *flag, unsigned patience_ms)
{
	struct timespec until;

	writer.in_its_place = false;
	atomic_store(&writer.deadline_ms, clock_now_ms() + patience_ms);
	ask(request);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)((patience_ms + GRACE_MS) % 1000 * CLOCK_NS_PER_MS);
	until.tv_sec += (patience_ms + GRACE_MS) / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!atomic_load(flag))
		if (sem_clockwait(&writer.answered, CLOCK_MONOTONIC, &until) < 0 &&
		    errno == ETIMEDOUT)
			return take_its_turn(flag);
	return true;
}

void writer_stop(unsigned patience_ms)
{
	if (!writer.started || !demand(STOP, &writer.stopped, patience_ms))
		return; /* one that hangs keeps the queue, and what is said now is lost in it */
	writer.started = false;
	log_directly();
	if (writer.in_its_place) {
		pthread_detach(writer.thread); /* it looks at `stopped` before anything else */
		return;
	}
	pthread_join(writer.thread, NULL);
	close(writer.wake_fd);
	sink_close(&writer.log_sink);
	sem_destroy(&writer.answered);
}

void writer_flush(unsigned patience_ms)
{
	if (!writer.started)
		return;
	atomic_store(&writer.flushed, false);
	(void)demand(FLUSH, &writer.flushed, patience_ms);
}

void writer_attach(struct writer_access *access)
{
	writer.offered = access;
	ask(ATTACH);
}

uint64_t writer_reopen(int bell)
{
	uint64_t number = atomic_fetch_add(&writer.reopens, 1) + 1;

	if (bell >= 0)
		atomic_store(&writer.reopen_bell, bell);
	ask(REOPEN);
	return number;
}

uint64_t writer_reopened(int *ret_result)
{
	uint64_t number = atomic_load(&writer.reopened);

	*ret_result = atomic_load(&writer.reopen_result);
	return number;
}

bool writer_detach(unsigned patience_ms, uint64_t *ret_lost)
{
	atomic_store(&writer.detached, false);
	if (!demand(DETACH, &writer.detached, patience_ms))
		return false;
	*ret_lost = writer.lost;
	return true;
}
