/* The pipes of a worker: made when needed, kept, given back to the system when idle. */
#include "loop/pipes.h"
#include "support/skip.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SIZE = 65536 };

static struct pipes pipes;

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(there_are_as_many_pipes_as_allowed_and_none_before_one_is_needed)
{
	pipes_init(&pipes, 2);
	ck_assert(!pipes_any(&pipes));
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	ck_assert(pipes_any(&pipes));
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 1);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), PIPES_NONE);
	pipes_give(&pipes, 0, true);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	pipes_close(&pipes);

	pipes_init(&pipes, 0);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), PIPES_NONE);
	pipes_close(&pipes);
}
END_TEST

START_TEST(no_more_than_128_however_many_are_allowed)
{
	pipes_init(&pipes, 100000);
	for (unsigned i = 0; i < PIPES_MAX; i++)
		ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_BORROW), i);
	ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_BORROW), PIPES_NONE);
	pipes_close(&pipes);
}
END_TEST

START_TEST(the_last_eighth_is_lent_and_not_given_away)
{
	pipes_init(&pipes, 16);
	for (unsigned i = 0; i < 14; i++)
		ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_HOLD), i);
	ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_HOLD), PIPES_NONE);
	ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_BORROW), 14);
	pipes_give(&pipes, 14, true);
	ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_HOLD), PIPES_NONE);
	pipes_give(&pipes, 0, true);
	ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_HOLD), 0);
	pipes_close(&pipes);

	pipes_init(&pipes, 1); /* one at least */
	ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_HOLD), PIPES_NONE);
	ck_assert_uint_eq(pipes_take(&pipes, 4096, PIPES_BORROW), 0);
	pipes_close(&pipes);
}
END_TEST

/* Who has many gets pipes of two pages only (pipe-user-pages-soft). */
START_TEST(a_pipe_of_two_pages_is_none)
{
	enum { MANY = 512, LARGE = 1 << 20 };
	int fds[MANY][2], count = 0;

	if (geteuid() == 0)
		ck_assert_int_eq(setuid(65534), 0);
	while (count < MANY && pipe2(fds[count], O_CLOEXEC) == 0 &&
	       fcntl(fds[count++][0], F_SETPIPE_SZ, LARGE) > 0)
		;
	if (count == 0 || fcntl(fds[count - 1][0], F_GETPIPE_SZ) >= SIZE)
		SKIP_TEST("%d large pipes do not make the next ones small here", count);
	pipes_init(&pipes, 1);
	ck_assert_uint_eq(pipes_take(&pipes, 8 * SIZE, PIPES_BORROW), PIPES_NONE);
	ck_assert(!pipes_any(&pipes));
	while (count-- > 0) {
		close(fds[count][0]);
		close(fds[count][1]);
	}
	ck_assert_uint_eq(pipes_take(&pipes, 8 * SIZE, PIPES_BORROW), 0);
	pipes_close(&pipes);
}
END_TEST

START_TEST(a_pipe_is_as_large_as_asked_and_neither_end_waits)
{
	char byte;

	pipes_init(&pipes, 1);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	ck_assert_uint_eq(pipes.pairs[0].size, SIZE);
	ck_assert_int_eq(fcntl(pipes.pairs[0].write_fd, F_GETPIPE_SZ), SIZE);
	ck_assert_int_eq(read(pipes.pairs[0].read_fd, &byte, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_ne(fcntl(pipes.pairs[0].write_fd, F_GETFD) & FD_CLOEXEC, 0);
	pipes_close(&pipes);
}
END_TEST

START_TEST(an_empty_pipe_is_taken_again_the_last_given_first)
{
	int first, second;

	pipes_init(&pipes, 4);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 1);
	first = pipes.pairs[0].read_fd;
	second = pipes.pairs[1].read_fd;
	pipes_give(&pipes, 0, true);
	pipes_give(&pipes, 1, true);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 1);
	ck_assert_int_eq(pipes.pairs[1].read_fd, second);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	ck_assert_int_eq(pipes.pairs[0].read_fd, first);
	pipes_close(&pipes);
}
END_TEST

/* Whoever gets the place next must not find another connection's bytes. */
START_TEST(a_pipe_given_back_with_bytes_in_it_is_closed)
{
	int read_fd, write_fd;
	char byte = 'x';

	pipes_init(&pipes, 1);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	read_fd = pipes.pairs[0].read_fd;
	write_fd = pipes.pairs[0].write_fd;
	ck_assert_int_eq(write(write_fd, &byte, 1), 1);
	pipes_give(&pipes, 0, false);
	ck_assert(!is_open(read_fd) && !is_open(write_fd));
	ck_assert(!pipes_any(&pipes));
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	ck_assert_int_eq(read(pipes.pairs[0].read_fd, &byte, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	pipes_close(&pipes);
}
END_TEST

START_TEST(trimming_closes_what_nobody_took_since_the_last_time_and_leaves_what_is_in_use)
{
	int idle, busy;

	pipes_init(&pipes, 4);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 1);
	idle = pipes.pairs[0].read_fd;
	busy = pipes.pairs[1].read_fd;
	pipes_give(&pipes, 0, true);
	pipes_trim(&pipes);
	ck_assert(is_open(idle)); /* it was taken since the beginning */
	pipes_trim(&pipes);
	ck_assert(!is_open(idle));
	ck_assert(is_open(busy));
	pipes_trim(&pipes);
	ck_assert(is_open(busy));
	ck_assert(pipes_any(&pipes));

	pipes_give(&pipes, 1, true);
	pipes_trim(&pipes);
	pipes_trim(&pipes);
	ck_assert(!is_open(busy));
	ck_assert(!pipes_any(&pipes));
	ck_assert_uint_ne(pipes_take(&pipes, SIZE, PIPES_BORROW),
			  PIPES_NONE); /* the places are still there */
	ck_assert_uint_ne(pipes_take(&pipes, SIZE, PIPES_BORROW), PIPES_NONE);
	pipes_close(&pipes);
}
END_TEST

START_TEST(without_descriptors_there_is_no_pipe_and_later_there_is)
{
	struct rlimit limit, none;
	int next = dup(0);

	close(next);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = (rlim_t)next;
	pipes_init(&pipes, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), PIPES_NONE);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), PIPES_NONE);
	ck_assert(!pipes_any(&pipes));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), 0);
	pipes_close(&pipes);
}
END_TEST

START_TEST(closing_closes_all_of_them_those_in_use_too)
{
	int fds[4];

	pipes_init(&pipes, 2);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(pipes_take(&pipes, SIZE, PIPES_BORROW), i);
		fds[2 * i] = pipes.pairs[i].read_fd;
		fds[2 * i + 1] = pipes.pairs[i].write_fd;
	}
	pipes_give(&pipes, 0, true);
	pipes_close(&pipes);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!is_open(fds[i]));
	ck_assert(!pipes_any(&pipes));
}
END_TEST

SUITE("loop: pipes", there_are_as_many_pipes_as_allowed_and_none_before_one_is_needed,
      no_more_than_128_however_many_are_allowed, the_last_eighth_is_lent_and_not_given_away,
      a_pipe_of_two_pages_is_none, a_pipe_is_as_large_as_asked_and_neither_end_waits,
      an_empty_pipe_is_taken_again_the_last_given_first,
      a_pipe_given_back_with_bytes_in_it_is_closed,
      trimming_closes_what_nobody_took_since_the_last_time_and_leaves_what_is_in_use,
      without_descriptors_there_is_no_pipe_and_later_there_is,
      closing_closes_all_of_them_those_in_use_too)
