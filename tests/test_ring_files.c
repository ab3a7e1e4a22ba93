/* Every other operation once, on the running kernel: files, paths, pipes, polling, time. */
#include "support/ring_tests.h"
#include "support/suite.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ring ring;
static char directory[] = "/tmp/ring-files-XXXXXX";
static int dir;

static void set_up(void)
{
	open_ring(&ring, 8, 0);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	dir = open(directory, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
}

static void tear_down(void)
{
	close(dir);
	rmdir(directory);
	ring_close(&ring);
}

#define supported(op)                                                                              \
	(ring_supports(&ring.capabilities, op) ? true                                              \
					       : (say_skipped("%s", ring_op_name(op)), false))

/* Prepare and run one operation: its result. */
#define run(prepare, ...) (ring_prep_##prepare(entry(&ring), __VA_ARGS__), result(&ring))

START_TEST(a_file_is_made_written_read_and_removed)
{
	char abc[] = "abc", defg[] = "defg";
	struct iovec parts[2] = {{abc, 3}, {defg, 4}}, whole[1];
	struct open_how how = {.flags = O_RDWR};
	struct statx st;
	char text[16] = "";
	int fd;

	set_up();
	fd = run(openat, dir, "file", O_CREAT | O_RDWR, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(run(writev, fd, parts, 2, 0, 0), 7);
	ck_assert_int_eq(run(write, fd, "XY", 2, 1), 2);
	whole[0] = (struct iovec){text, 16};
	ck_assert_int_eq(run(readv, fd, whole, 1, 0, 0), 7);
	ck_assert_str_eq(text, "aXYdefg");
	ck_assert_int_eq(run(read, fd, text, 3, 4), 3);
	ck_assert_int_eq(run(fsync, fd, IORING_FSYNC_DATASYNC), 0);
	ck_assert_int_eq(run(sync_file_range, fd, 0, 0, SYNC_FILE_RANGE_WRITE), 0);
	ck_assert_int_eq(run(fadvise, fd, 0, 100, POSIX_FADV_SEQUENTIAL), 0);
	ck_assert_int_eq(run(fallocate, fd, 0, 0, 5000), 0);
	ck_assert_int_eq(run(statx, dir, "file", 0, STATX_SIZE, &st), 0);
	ck_assert_uint_eq(st.stx_size, 5000);
	if (supported(IORING_OP_FTRUNCATE)) {
		ck_assert_int_eq(run(ftruncate, fd, 4), 0);
		ck_assert_int_eq(run(read, fd, text, 16, 0), 4);
	}
	ck_assert_int_eq(run(close, fd), 0);
	ck_assert_int_eq(run(close, fd), -EBADF);
	fd = run(openat2, dir, "file", &how, sizeof(how));
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(run(unlinkat, dir, "file", 0), 0);
	ck_assert_int_eq(run(unlinkat, dir, "file", 0), -ENOENT);
	tear_down();
}
END_TEST

START_TEST(paths_are_made_linked_renamed_and_removed)
{
	set_up();
	ck_assert_int_eq(run(mkdirat, dir, "sub", 0700), 0);
	ck_assert_int_eq(run(symlinkat, "sub", dir, "symbolic"), 0);
	ck_assert_int_eq(run(renameat, dir, "symbolic", dir, "other", 0), 0);
	ck_assert_int_eq(run(linkat, dir, "other", dir, "hard", 0), 0);
	ck_assert_int_eq(faccessat(dir, "hard", F_OK, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_int_eq(run(unlinkat, dir, "other", 0), 0);
	ck_assert_int_eq(run(unlinkat, dir, "hard", 0), 0);
	ck_assert_int_eq(run(unlinkat, dir, "sub", AT_REMOVEDIR), 0);
	tear_down();
}
END_TEST

START_TEST(extended_attributes_are_set_and_got)
{
	char path[64], value[8] = "";
	int fd, r;

	set_up();
	snprintf(path, sizeof(path), "%s/file", directory);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	r = run(fsetxattr, fd, "user.a", "one", 3, 0);
	if (r == 0) {
		ck_assert_int_eq(run(setxattr, path, "user.b", "three", 5, 0), 0);
		ck_assert_int_eq(run(fgetxattr, fd, "user.b", value, 8), 5);
		ck_assert_int_eq(memcmp(value, "three", 5), 0);
		ck_assert_int_eq(run(getxattr, path, "user.a", value, 8), 3);
		ck_assert_int_eq(memcmp(value, "one", 3), 0);
	} else {
		ck_assert_int_eq(r, -EOPNOTSUPP);
		say_skipped("this file system has none");
	}
	close(fd);
	unlink(path);
	tear_down();
}
END_TEST

START_TEST(pipes_are_made_read_again_and_again_and_copied)
{
	int fds[2], other[2];
	char text[8] = "";

	set_up();
	ck_assert_int_eq(pipe(other), 0);
	if (supported(IORING_OP_PIPE))
		ck_assert_int_eq(run(pipe, fds, O_CLOEXEC), 0);
	else
		ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "data", 4), 4);
	ck_assert_int_eq(run(tee, fds[0], other[1], 100, 0), 4);
	ck_assert_int_eq(run(read, other[0], text, 8, RING_POSITION), 4);
	ck_assert_str_eq(text, "data");
	ck_assert_int_eq(run(splice, fds[0], RING_POSITION, other[1], RING_POSITION, 4, 0), 4);
	ck_assert_int_eq(read(other[0], text, 8), 4);

	ck_assert_int_eq(run(provide_buffers, text, 4, 2, 5, 0), 0);
	if (supported(IORING_OP_READ_MULTISHOT)) {
		ring_prep_read_multishot(entry(&ring), fds[0], 0, RING_POSITION, 5);
		for (int i = 0; i < 2; i++) {
			ck_assert_int_eq(ring_submit(&ring) >= 0, 1);
			ck_assert_int_eq(write(fds[1], "abcd", 4), 4);
			ck_assert_int_eq(one(&ring).res, 4);
		}
		ck_assert_int_eq(memcmp(text, "abcdabcd", 8), 0);
	} else {
		ck_assert_int_eq(run(remove_buffers, 2, 5), 2);
	}
	ck_assert_int_eq(run(provide_buffers, text, 4, 2, 6, 0), 0);
	ck_assert_int_eq(run(remove_buffers, 1, 6), 1);
	close(fds[0]);
	close(fds[1]);
	close(other[0]);
	close(other[1]);
	tear_down();
}
END_TEST

START_TEST(polls_are_added_changed_and_removed)
{
	int fds[2], epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77}, got = {0};
	struct io_uring_sqe *sqe;
	char byte;

	set_up();
	ck_assert_int_eq(pipe(fds), 0);
	sqe = entry(&ring);
	ring_prep_poll(sqe, fds[0], POLLIN, IORING_POLL_ADD_MULTI);
	ring_sqe_tag(sqe, 1);
	ck_assert_int_eq(ring_submit(&ring), 1);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	struct io_uring_cqe cqe = one(&ring);
	ck_assert_int_eq(cqe.res & POLLIN, POLLIN);
	ck_assert(cqe.flags & IORING_CQE_F_MORE);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1); /* or the change would find it again */

	sqe = entry(&ring);
	ring_prep_poll_update(sqe, 1, 2, 0, IORING_POLL_UPDATE_USER_DATA);
	ring_sqe_tag(sqe, 9);
	cqe = one(&ring);
	ck_assert_int_eq(cqe.res, 0);
	sqe = entry(&ring);
	ring_prep_poll_remove(sqe, 2);
	ring_sqe_tag(sqe, 9);
	for (int i = 0; i < 2; i++) {
		cqe = one(&ring);
		ck_assert_int_eq(cqe.res, cqe.user_data == 2 ? -ECANCELED : 0);
	}
	ck_assert_int_eq(run(poll_remove, 2), -ENOENT);

	ck_assert_int_eq(run(epoll_ctl, epoll_fd, fds[0], EPOLL_CTL_ADD, &event), 0);
	if (supported(IORING_OP_EPOLL_WAIT)) {
		ck_assert_int_eq(write(fds[1], "x", 1), 1);
		ck_assert_int_eq(run(epoll_wait, epoll_fd, &got, 1), 1);
		ck_assert_uint_eq(got.data.u64, 77);
	}
	close(fds[0]);
	close(fds[1]);
	close(epoll_fd);
	tear_down();
}
END_TEST

START_TEST(timeouts_fire_count_are_changed_and_removed)
{
	struct __kernel_timespec brief = {.tv_nsec = 1000000}, ample = {.tv_sec = 100};
	struct io_uring_sqe *sqe;

	set_up();
	ck_assert_int_eq(run(timeout, &brief, 0, 0), -ETIME);
	sqe = entry(&ring);
	ring_prep_timeout(sqe, &ample, 1, 0); /* or one other completion */
	ring_sqe_tag(sqe, 5);
	put_nops(&ring, 1, 6);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(one(&ring).res, 0);

	sqe = entry(&ring);
	ring_prep_timeout(sqe, &ample, 0, 0);
	ring_sqe_tag(sqe, 5);
	ck_assert_int_eq(ring_submit(&ring), 1);
	ck_assert_int_eq(run(timeout_update, &ample, 5, 0), 0);
	sqe = entry(&ring);
	ring_prep_timeout_remove(sqe, 5);
	ring_sqe_tag(sqe, 6);
	for (int i = 0; i < 2; i++) {
		struct io_uring_cqe cqe = one(&ring);
		ck_assert_int_eq(cqe.res, cqe.user_data == 5 ? -ECANCELED : 0);
	}
	if (ring_has(&ring, RING_TIMEOUT_MULTISHOT)) {
		ring_prep_timeout(entry(&ring), &brief, 3, IORING_TIMEOUT_MULTISHOT);
		for (int i = 0; i < 3; i++) {
			struct io_uring_cqe cqe = one(&ring);
			ck_assert_int_eq(cqe.res, -ETIME);
			ck_assert_int_eq(!!(cqe.flags & IORING_CQE_F_MORE), i < 2);
		}
	}
	tear_down();
}
END_TEST

START_TEST(requests_are_cancelled_by_tag_by_descriptor_and_by_operation)
{
	int fds[2];
	char bytes[4];

	set_up();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (unsigned how = 0; how < 3; how++) {
		struct io_uring_sqe *sqe = entry(&ring);
		if (how == 2 && !ring_has(&ring, RING_CANCEL_OP)) {
			ring_sqe_unget(&ring, 1);
			break;
		}
		ring_prep_recv(sqe, fds[0], bytes, 4, 0);
		ring_sqe_tag(sqe, 5);
		sqe = entry(&ring);
		if (how == 0)
			ring_prep_cancel(sqe, 5, 0);
		else if (how == 1)
			ring_prep_cancel_fd(sqe, fds[0], IORING_ASYNC_CANCEL_ALL);
		else
			ring_prep_cancel_op(sqe, IORING_OP_RECV, 0);
		ring_sqe_tag(sqe, 6);
		for (int i = 0; i < 2; i++) {
			struct io_uring_cqe cqe = one(&ring);
			ck_assert_int_eq(cqe.res, cqe.user_data == 5 ? -ECANCELED : how == 1);
		}
	}
	ck_assert_int_eq(run(cancel, 5, 0), -ENOENT);
	ck_assert_int_eq(run(cancel, 5, IORING_ASYNC_CANCEL_ALL), 0);
	close(fds[0]);
	close(fds[1]);
	tear_down();
}
END_TEST

START_TEST(memory_processes_and_futexes_are_waited_for)
{
	static uint32_t word = 5;
	siginfo_t info = {0};
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	set_up();
	ck_assert_int_eq(run(madvise, page, 4096, MADV_DONTNEED), 0);
	munmap(page, 4096);
	if (supported(IORING_OP_WAITID)) {
		child = fork();
		if (child == 0)
			_exit(7);
		ck_assert_int_eq(run(waitid, P_PID, child, &info, WEXITED, 0), 0);
		ck_assert_int_eq(info.si_status, 7);
	}
	if (supported(IORING_OP_FUTEX_WAIT)) {
		struct futex_waitv waits = {
			.val = 4, .uaddr = (uint64_t)(uintptr_t)&word, .flags = FUTEX_32};
		ck_assert_int_eq(run(futex_wait, &word, 4, FUTEX_BITSET_MATCH_ANY, FUTEX_32, 0),
				 -EAGAIN); /* it is 5 */
		ck_assert_int_eq(run(futex_wake, &word, 1, FUTEX_BITSET_MATCH_ANY, FUTEX_32, 0), 0);
		ck_assert_int_eq(run(futex_waitv, &waits, 1, 0), -EAGAIN);
	}
	tear_down();
}
END_TEST

START_TEST(rings_pass_words_flags_and_files_to_each_other)
{
	struct ring other;
	struct io_uring_cqe cqe;
	struct io_uring_sqe *sqe;
	int fds[2];

	set_up();
	open_ring(&other, 8, DEFERRED);
	if (ring_has(&ring, RING_MSG_RING)) {
		ck_assert_int_eq(run(msg_ring, other.fd, -3, 99, 0), 0);
		cqe = one(&other);
		ck_assert_uint_eq(cqe.user_data, 99);
		ck_assert_int_eq(cqe.res, -3);
	}
	if (ring_has(&ring, RING_REG_REG_RING)) { /* the same kernel as FLAGS_PASS */
		ck_assert_int_eq(run(msg_ring_flags, other.fd, 1, 2, 0, 0x40000), 0);
		ck_assert_uint_eq(one(&other).flags, 0x40000);
	}
	if (ring_has(&ring, RING_MSG_RING_FD)) {
		ck_assert_int_eq(pipe(fds), 0);
		ck_assert_int_eq(ring_files_register(&ring, &fds[1], NULL, 1), 0);
		ck_assert_int_eq(ring_files_sparse(&other, 2), 0);
		ck_assert_int_eq(run(msg_ring_fd, other.fd, 0, 1, 55, 0), 0);
		ck_assert_uint_eq(one(&other).user_data, 55);
		sqe = entry(&other);
		ring_prep_write(sqe, 1, "x", 1, RING_POSITION);
		ring_sqe_fixed_file(sqe);
		ck_assert_int_eq(result(&other), 1);
		close(fds[0]);
		close(fds[1]);
	}
	ring_close(&other);
	tear_down();
}
END_TEST

START_TEST(zero_copy_receive_is_refused_without_its_queue)
{
	set_up();
	if (supported(IORING_OP_RECV_ZC))
		ck_assert_int_eq(run(recv_zc, 0, 100, 0), -EINVAL);
	tear_down();
}
END_TEST

SUITE("ring files", a_file_is_made_written_read_and_removed,
      paths_are_made_linked_renamed_and_removed, extended_attributes_are_set_and_got,
      pipes_are_made_read_again_and_again_and_copied, polls_are_added_changed_and_removed,
      timeouts_fire_count_are_changed_and_removed,
      requests_are_cancelled_by_tag_by_descriptor_and_by_operation,
      memory_processes_and_futexes_are_waited_for, rings_pass_words_flags_and_files_to_each_other,
      zero_copy_receive_is_refused_without_its_queue)
