/* What the main thread waits for: whom it tells, when, and of what no longer. */
#include "base/clock.h"
#include "ops/events.h"
#include "ops/log.h"
#include "ops/signals.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a handler was told, and how often; it ends the run when that is `enough`. */
struct told {
	struct events *events;
	struct event *event;
	unsigned count, enough;
	uint32_t ready;
	int signal;
	uint64_t at_ms;
};

static void count_one(struct told *told)
{
	if (++told->count >= told->enough)
		events_stop(told->events);
}

static void on_call(void *owner)
{
	struct told *told = owner;

	told->at_ms = clock_now_ms();
	count_one(told);
}

static void on_ready(void *owner, uint32_t ready)
{
	struct told *told = owner;

	told->ready = ready;
	count_one(told);
}

static void on_signal(void *owner, int signal)
{
	struct told *told = owner;

	told->signal = signal;
	count_one(told);
}

static struct events *opened(void)
{
	struct events *events;

	ck_assert_int_eq(events_open(&events), 0);
	return events;
}

static struct told timer(struct events *events)
{
	struct told told = {.events = events, .enough = 1};

	return told;
}

/* What is due now is told of, and nothing is waited for. */
static void run_what_is_due(struct events *events)
{
	struct told last = timer(events);

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(events_add_timer(events, &last.event, on_call, &last), 0);
		events_set(last.event, 0);
		events_run(events);
		events_remove(last.event);
	}
}

/* ---- descriptors ---- */

START_TEST(a_descriptor_is_told_of_when_there_is_something_to_read)
{
	struct events *events = opened();
	struct told told = {.events = events, .enough = 1};
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(
		events_add_descriptor(events, &told.event, ends[0], EPOLLIN, on_ready, &told), 0);
	run_what_is_due(events);
	ck_assert_uint_eq(told.count, 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	events_run(events);
	ck_assert_uint_eq(told.ready, EPOLLIN);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[1]);
	events_run(events);
	ck_assert_uint_eq(told.ready, EPOLLHUP);
	ck_assert_uint_eq(told.count, 2);
	events_remove(told.event);
	close(ends[0]);
	events_close(events);
}
END_TEST

START_TEST(what_is_awaited_of_a_descriptor_can_be_changed)
{
	struct events *events = opened();
	struct told told = {.events = events, .enough = 1};
	int fd = eventfd(1, EFD_NONBLOCK);

	ck_assert_int_eq(
		events_add_descriptor(events, &told.event, fd, EPOLLIN | EPOLLOUT, on_ready, &told),
		0);
	events_run(events);
	ck_assert_uint_eq(told.ready, EPOLLIN | EPOLLOUT);
	ck_assert_int_eq(events_await(told.event, EPOLLOUT), 0);
	events_run(events);
	ck_assert_uint_eq(told.ready, EPOLLOUT);
	ck_assert_int_eq(events_await(told.event, 0), 0);
	told.count = 0;
	run_what_is_due(events);
	ck_assert_uint_eq(told.count, 0);
	events_remove(told.event);
	close(fd);
	events_close(events);
}
END_TEST

START_TEST(the_end_of_a_child_is_read_from_its_pidfd)
{
	struct events *events = opened();
	struct told told = {.events = events, .enough = 1};
	pid_t child = fork();
	int fd, status;

	if (child == 0)
		_exit(7);
	fd = (int)syscall(SYS_pidfd_open, child, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(events_add_descriptor(events, &told.event, fd, EPOLLIN, on_ready, &told),
			 0);
	events_run(events);
	ck_assert_int_eq(waitpid(child, &status, WNOHANG), child);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	events_remove(told.event);
	close(fd);
	events_close(events);
}
END_TEST

START_TEST(a_change_of_a_file_is_read_from_inotify)
{
	struct events *events = opened();
	struct told told = {.events = events, .enough = 1};
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), file;
	char path[200];

	snprintf(path, sizeof(path), "%s/list", suite_dir());
	ck_assert_int_ge(inotify_add_watch(fd, suite_dir(), IN_CLOSE_WRITE), 0);
	ck_assert_int_eq(events_add_descriptor(events, &told.event, fd, EPOLLIN, on_ready, &told),
			 0);
	run_what_is_due(events);
	ck_assert_uint_eq(told.count, 0);
	file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(file, 0);
	close(file);
	events_run(events);
	ck_assert_uint_eq(told.ready, EPOLLIN);
	events_remove(told.event);
	close(fd);
	events_close(events);
}
END_TEST

/* ---- times ---- */

START_TEST(a_timer_is_told_of_once_and_not_before_its_time)
{
	struct events *events = opened();
	struct told told = timer(events);
	uint64_t at = clock_now_ms() + 30;

	ck_assert_int_eq(events_add_timer(events, &told.event, on_call, &told), 0);
	events_set(told.event, at);
	events_run(events);
	ck_assert_uint_ge(told.at_ms, at);
	run_what_is_due(events);
	ck_assert_uint_eq(told.count, 1);
	events_set(told.event, at);
	events_run(events);
	ck_assert_uint_eq(told.count, 2);
	events_remove(told.event);
	events_close(events);
}
END_TEST

START_TEST(so_many_milliseconds_are_whole_ones)
{
	struct events *events = opened();
	struct told told = timer(events);

	ck_assert_int_eq(events_add_timer(events, &told.event, on_call, &told), 0);
	for (uint64_t ms = 0; ms < 20; ms++) {
		uint64_t before = clock_now_ns();

		events_set_in(told.event, ms);
		events_run(events);
		ck_assert_uint_ge(clock_now_ns() - before, ms * CLOCK_NS_PER_MS);
	}
	ck_assert_uint_eq(told.count, 20);
	events_remove(told.event);
	events_close(events);
}
END_TEST

START_TEST(a_timer_at_rest_is_not_told_of_nor_one_set_for_never)
{
	struct events *events = opened();
	struct told told = timer(events);

	ck_assert_int_eq(events_add_timer(events, &told.event, on_call, &told), 0);
	run_what_is_due(events);
	events_set(told.event, 0);
	events_set(told.event, EVENTS_NEVER);
	run_what_is_due(events);
	events_set(told.event, 0);
	events_set_in(told.event, EVENTS_NEVER);
	run_what_is_due(events);
	events_set(told.event, 0);
	events_set_in(told.event, EVENTS_NEVER - clock_now_ms());
	run_what_is_due(events);
	ck_assert_uint_eq(told.count, 0);
	events_remove(told.event);
	events_close(events);
}
END_TEST

static long sleeps(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_nvcsw;
}

START_TEST(while_nothing_is_due_the_thread_sleeps)
{
	struct events *events = opened();
	struct told told = timer(events);
	long before = sleeps();

	ck_assert_int_eq(events_add_timer(events, &told.event, on_call, &told), 0);
	events_set_in(told.event, 300);
	events_run(events);
	ck_assert_int_le(sleeps() - before, 2);
	events_remove(told.event);
	events_close(events);
}
END_TEST

/* ---- calls ---- */

struct asking {
	struct events *events;
	struct event *call;
	bool asks_now, asked_inside;
	unsigned called, times;
	struct told told;
};

static void on_asked(void *owner)
{
	struct asking *asking = owner;

	asking->asked_inside |= asking->asks_now;
	if (++asking->called < asking->times)
		events_call(asking->call);
}

static void ask(void *owner, uint32_t ready)
{
	struct asking *asking = owner;

	asking->asks_now = true;
	events_call(asking->call);
	events_call(asking->call);
	asking->asks_now = false;
	on_ready(&asking->told, ready);
}

START_TEST(a_call_is_made_once_and_when_the_handler_that_asked_has_returned)
{
	struct events *events = opened();
	struct asking asking = {.events = events, .told = timer(events)};
	int fd = eventfd(1, EFD_NONBLOCK);

	ck_assert_int_eq(events_add_timer(events, &asking.call, on_asked, &asking), 0);
	ck_assert_int_eq(
		events_add_descriptor(events, &asking.told.event, fd, EPOLLIN, ask, &asking), 0);
	events_run(events);
	ck_assert_uint_eq(asking.called, 0);
	events_remove(asking.told.event);
	run_what_is_due(events);
	ck_assert_uint_eq(asking.called, 1);
	ck_assert(!asking.asked_inside);
	events_remove(asking.call);
	close(fd);
	events_close(events);
}
END_TEST

START_TEST(a_call_that_asks_for_itself_again_keeps_nobody_waiting)
{
	struct events *events = opened();
	struct asking asking = {.events = events, .times = 1000};
	struct told told = {.events = events, .enough = 1};
	int fd = eventfd(1, EFD_NONBLOCK);

	ck_assert_int_eq(events_add_timer(events, &asking.call, on_asked, &asking), 0);
	events_call(asking.call);
	ck_assert_int_eq(events_add_descriptor(events, &told.event, fd, EPOLLIN, on_ready, &told),
			 0);
	events_run(events);
	ck_assert_uint_lt(asking.called, 4);
	events_remove(told.event);
	events_remove(asking.call);
	close(fd);
	events_close(events);
}
END_TEST

/* ---- signals ---- */

START_TEST(signals_are_told_of_instead_of_interrupting)
{
	static const int sent[] = {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM};
	struct told told[array_size(sent)];
	struct events *events;

	ck_assert_int_eq(signals_block(), 0);
	events = opened();
	for (size_t i = 0; i < array_size(sent); i++) {
		told[i] = (struct told){.events = events, .enough = 2};
		ck_assert_int_eq(
			events_add_signal(events, &told[i].event, sent[i], on_signal, &told[i]), 0);
	}
	for (size_t i = 0; i < array_size(sent); i++)
		ck_assert_int_eq(kill(getpid(), sent[i]), 0);
	for (size_t i = 0; i < array_size(sent); i++)
		run_what_is_due(events);
	for (size_t i = 0; i < array_size(sent); i++) {
		ck_assert_int_eq(told[i].signal, sent[i]);
		ck_assert_uint_eq(told[i].count, 1);
		events_remove(told[i].event);
	}
	events_close(events);
}
END_TEST

START_TEST(a_signal_that_nobody_waits_for_yet_is_not_lost)
{
	struct events *events;
	struct told told;

	ck_assert_int_eq(signals_block(), 0);
	events = opened();
	told = (struct told){.events = events, .enough = 1};
	ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
	ck_assert_int_eq(events_add_signal(events, &told.event, SIGHUP, on_signal, &told), 0);
	events_run(events);
	ck_assert_int_eq(told.signal, SIGHUP);
	events_remove(told.event);
	ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
	run_what_is_due(events);
	ck_assert_uint_eq(told.count, 1);
	ck_assert_int_eq(events_add_signal(events, &told.event, SIGHUP, on_signal, &told), 0);
	events_run(events);
	ck_assert_uint_eq(told.count, 2);
	events_remove(told.event);
	events_close(events);
}
END_TEST

START_TEST(a_signal_that_would_interrupt_is_refused)
{
	struct events *events = opened();
	struct event *event;

	ck_assert_int_eq(events_add_signal(events, &event, SIGUSR1, on_signal, NULL), -EBUSY);
	events_close(events);
}
END_TEST

/* ---- removing ---- */

static void remove_itself(void *owner, uint32_t ready)
{
	struct told *told = owner;

	told->event = events_remove(told->event);
	on_ready(told, ready);
}

START_TEST(a_handler_may_remove_its_own_event)
{
	struct events *events = opened();
	struct told told = {.events = events, .enough = 1};
	int fd = eventfd(1, EFD_NONBLOCK);

	ck_assert_int_eq(
		events_add_descriptor(events, &told.event, fd, EPOLLIN, remove_itself, &told), 0);
	events_run(events);
	ck_assert_ptr_null(told.event);
	run_what_is_due(events);
	ck_assert_uint_eq(told.count, 1);
	close(fd);
	events_close(events);
}
END_TEST

/* Two are due at once; whoever is told of first removes the other. */
struct rival {
	struct event *event;
	struct rival *other;
	unsigned *told;
};

static void remove_the_other(void *owner, uint32_t ready)
{
	struct rival *rival = owner;

	(void)ready;
	++*rival->told;
	rival->other->event = events_remove(rival->other->event);
}

START_TEST(who_is_removed_is_not_told_of_even_if_it_was_due)
{
	struct events *events = opened();
	int fds[] = {eventfd(1, EFD_NONBLOCK), eventfd(1, EFD_NONBLOCK)};
	unsigned told = 0;
	struct rival rivals[2] = {{.other = &rivals[1], .told = &told},
				  {.other = &rivals[0], .told = &told}};

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(events_add_descriptor(events, &rivals[i].event, fds[i], EPOLLIN,
						       remove_the_other, &rivals[i]),
				 0);
	run_what_is_due(events);
	ck_assert_uint_ge(told, 1);
	ck_assert(!rivals[0].event || !rivals[1].event);
	ck_assert(rivals[0].event || rivals[1].event);
	for (int i = 0; i < 2; i++) {
		events_remove(rivals[i].event);
		close(fds[i]);
	}
	events_close(events);
}
END_TEST

START_TEST(there_may_be_nothing_to_remove_or_close)
{
	ck_assert_ptr_null(events_remove(NULL));
	events_close(NULL);
}
END_TEST

/* ---- running ---- */

START_TEST(a_run_that_was_stopped_can_be_gone_on_with)
{
	struct events *events = opened();
	struct told first = timer(events), second = timer(events);

	ck_assert_int_eq(events_add_timer(events, &first.event, on_call, &first), 0);
	ck_assert_int_eq(events_add_timer(events, &second.event, on_call, &second), 0);
	events_set(first.event, 1);
	events_set(second.event, 2);
	events_run(events);
	ck_assert_uint_eq(first.count + second.count, 1);
	events_run(events);
	ck_assert_uint_eq(first.count, 1);
	ck_assert_uint_eq(second.count, 1);
	events_remove(first.event);
	events_remove(second.event);
	events_close(events);
}
END_TEST

/* ---- what is missing ---- */

START_TEST(without_descriptors_it_says_so_and_keeps_what_it_has)
{
	struct told told;
	struct events *events = NULL, *other;
	struct rlimit limit;
	int lowest, r = -EMFILE;

	ck_assert_int_eq(signals_block(), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	lowest = dup(0);
	close(lowest);
	limit.rlim_cur = (rlim_t)lowest;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(events_open(&events), -EMFILE);
	limit.rlim_cur = (rlim_t)lowest + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	events = opened();
	told = timer(events);
	ck_assert_int_eq(events_open(&other), -EMFILE);
	ck_assert_int_eq(events_add_timer(events, &told.event, on_call, &told), -EMFILE);
	ck_assert_int_eq(events_add_signal(events, &told.event, SIGHUP, on_signal, &told), -EMFILE);
	ck_assert_int_eq(events_add_descriptor(events, &told.event, -1, EPOLLIN, on_ready, &told),
			 -EBADF);
	limit.rlim_cur++;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (r == -EMFILE && limit.rlim_cur++ < 64) {
		r = events_add_timer(events, &told.event, on_call, &told);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	}
	ck_assert_int_eq(r, 0);
	events_set(told.event, 0);
	events_run(events);
	events_remove(told.event);
	events_close(events);
}
END_TEST

START_TEST(what_cannot_be_waited_for_is_said_with_the_remedy)
{
	static const struct {
		int error;
		const char *line;
	} known[] = {
		{-EMFILE, "error: cannot wait: Too many open files; see LimitNOFILE= of the unit "
			  "(ulimit -n)\n"},
		{-ENFILE, "error: cannot wait: Too many open files in system; see fs.file-max "
			  "(sysctl)\n"},
		{-ENOSPC, "error: cannot wait: No space left on device; see "
			  "fs.epoll.max_user_watches (sysctl)\n"},
		{-EBUSY, "error: cannot wait: Device or resource busy\n"},
	};
	char text[300];
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	for (size_t i = 0; i < array_size(known); i++) {
		ssize_t size;

		ck_assert_int_eq(events_cannot("wait", known[i].error), known[i].error);
		size = read(ends[0], text, sizeof(text) - 1);
		ck_assert_int_gt(size, 0);
		text[size] = 0;
		ck_assert_str_eq(text, known[i].line);
	}
	ck_assert_int_eq(events_cannot("wait", -ENOMEM), -ENOMEM);
	ck_assert_int_gt(read(ends[0], text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "out of memory"));
}
END_TEST

SUITE("ops: events", a_descriptor_is_told_of_when_there_is_something_to_read,
      what_is_awaited_of_a_descriptor_can_be_changed, the_end_of_a_child_is_read_from_its_pidfd,
      a_change_of_a_file_is_read_from_inotify, a_timer_is_told_of_once_and_not_before_its_time,
      so_many_milliseconds_are_whole_ones, a_timer_at_rest_is_not_told_of_nor_one_set_for_never,
      while_nothing_is_due_the_thread_sleeps,
      a_call_is_made_once_and_when_the_handler_that_asked_has_returned,
      a_call_that_asks_for_itself_again_keeps_nobody_waiting,
      signals_are_told_of_instead_of_interrupting, a_signal_that_nobody_waits_for_yet_is_not_lost,
      a_signal_that_would_interrupt_is_refused, a_handler_may_remove_its_own_event,
      who_is_removed_is_not_told_of_even_if_it_was_due, there_may_be_nothing_to_remove_or_close,
      a_run_that_was_stopped_can_be_gone_on_with,
      without_descriptors_it_says_so_and_keeps_what_it_has,
      what_cannot_be_waited_for_is_said_with_the_remedy)
