/*
 * Each preparation, field by field, over a slot full of an old request's bits; and
 * the modifiers.
 */
#include "support/ring_tests.h"
#include "support/suite.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

static bool covered[IORING_OP_LAST];
static char buffer[64];
static struct iovec vector[2];
static struct msghdr message;
static struct sockaddr address;
static socklen_t length;
static struct __kernel_timespec ts;
static struct epoll_event event;
static uint32_t word;
static int numbers[2];

#define AT(p) ((uint64_t)(uintptr_t)(p))

/* prepare(&sqe, ...) must give exactly these fields, and zero everywhere else. */
#define PREPARES(prepare, ...)                                                                     \
	do {                                                                                       \
		struct io_uring_sqe sqe, expected = {__VA_ARGS__};                                 \
		memset(&sqe, 0xff, sizeof(sqe));                                                   \
		prepare;                                                                           \
		ck_assert_msg(memcmp(&sqe, &expected, sizeof(sqe)) == 0, "%s", #prepare);          \
		covered[expected.opcode] = true;                                                   \
	} while (0)

/* clang-format off */
static void check_plain(void)
{
	PREPARES(ring_prep_nop(&sqe), .opcode = IORING_OP_NOP, .fd = -1);
	PREPARES(ring_prep_nop_result(&sqe, -5), .opcode = IORING_OP_NOP, .fd = -1,
		 .len = (uint32_t)-5, .nop_flags = IORING_NOP_INJECT_RESULT);
	PREPARES(ring_prep_nop128(&sqe), .opcode = IORING_OP_NOP128, .fd = -1);
	PREPARES(ring_prep_timeout(&sqe, &ts, 3, IORING_TIMEOUT_ABS), .opcode = IORING_OP_TIMEOUT,
		 .fd = -1, .addr = AT(&ts), .len = 1, .off = 3, .timeout_flags = IORING_TIMEOUT_ABS);
	PREPARES(ring_prep_timeout_remove(&sqe, 7), .opcode = IORING_OP_TIMEOUT_REMOVE, .fd = -1,
		 .addr = 7);
	PREPARES(ring_prep_timeout_update(&sqe, &ts, 7, IORING_TIMEOUT_ABS),
		 .opcode = IORING_OP_TIMEOUT_REMOVE, .fd = -1, .addr = 7, .addr2 = AT(&ts),
		 .timeout_flags = IORING_TIMEOUT_UPDATE | IORING_TIMEOUT_ABS);
	PREPARES(ring_prep_timeout_update(&sqe, &ts, 7, IORING_LINK_TIMEOUT_UPDATE),
		 .opcode = IORING_OP_TIMEOUT_REMOVE, .fd = -1, .addr = 7, .addr2 = AT(&ts),
		 .timeout_flags = IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE);
	PREPARES(ring_prep_link_timeout(&sqe, &ts, IORING_TIMEOUT_BOOTTIME),
		 .opcode = IORING_OP_LINK_TIMEOUT, .fd = -1, .addr = AT(&ts), .len = 1,
		 .timeout_flags = IORING_TIMEOUT_BOOTTIME);
	PREPARES(ring_prep_cancel(&sqe, 9, IORING_ASYNC_CANCEL_ALL), .opcode = IORING_OP_ASYNC_CANCEL,
		 .fd = -1, .addr = 9, .cancel_flags = IORING_ASYNC_CANCEL_ALL);
	PREPARES(ring_prep_cancel_fd(&sqe, 4, IORING_ASYNC_CANCEL_ALL), .fd = 4,
		 .opcode = IORING_OP_ASYNC_CANCEL,
		 .cancel_flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD);
	PREPARES(ring_prep_cancel_op(&sqe, IORING_OP_RECV, 0), .opcode = IORING_OP_ASYNC_CANCEL,
		 .fd = -1, .len = IORING_OP_RECV, .cancel_flags = IORING_ASYNC_CANCEL_OP);
	PREPARES(ring_prep_msg_ring(&sqe, 4, -6, 9, IORING_MSG_RING_CQE_SKIP), .fd = 4, .off = 9,
		 .opcode = IORING_OP_MSG_RING, .len = (uint32_t)-6,
		 .msg_ring_flags = IORING_MSG_RING_CQE_SKIP);
	PREPARES(ring_prep_msg_ring_flags(&sqe, 4, 6, 9, 0, 2), .opcode = IORING_OP_MSG_RING,
		 .fd = 4, .off = 9, .len = 6, .file_index = 2,
		 .msg_ring_flags = IORING_MSG_RING_FLAGS_PASS);
	PREPARES(ring_prep_msg_ring_fd(&sqe, 4, 5, 6, 9, 0), .opcode = IORING_OP_MSG_RING,
		 .fd = 4, .off = 9, .addr = IORING_MSG_SEND_FD, .addr3 = 5, .file_index = 7);
	PREPARES(ring_prep_msg_ring_fd(&sqe, 4, 5, RING_SLOT_ANY, 9, 0), .opcode = IORING_OP_MSG_RING,
		 .fd = 4, .off = 9, .addr = IORING_MSG_SEND_FD, .addr3 = 5,
		 .file_index = IORING_FILE_INDEX_ALLOC);
	PREPARES(ring_prep_files_update(&sqe, numbers, 2, 3), .opcode = IORING_OP_FILES_UPDATE,
		 .fd = -1, .addr = AT(numbers), .len = 2, .off = 3);
	PREPARES(ring_prep_fixed_fd_install(&sqe, 3, IORING_FIXED_FD_NO_CLOEXEC),
		 .opcode = IORING_OP_FIXED_FD_INSTALL, .flags = IOSQE_FIXED_FILE, .fd = 3,
		 .install_fd_flags = IORING_FIXED_FD_NO_CLOEXEC);
	PREPARES(ring_prep_provide_buffers(&sqe, buffer, 16, 4, 7, 100), .fd = 4,
		 .opcode = IORING_OP_PROVIDE_BUFFERS, .addr = AT(buffer), .len = 16, .off = 100,
		 .buf_group = 7);
	PREPARES(ring_prep_remove_buffers(&sqe, 4, 7), .opcode = IORING_OP_REMOVE_BUFFERS, .fd = 4,
		 .buf_group = 7);
	PREPARES(ring_prep_waitid(&sqe, P_PID, 12, buffer, WEXITED, 0), .opcode = IORING_OP_WAITID,
		 .fd = 12, .len = P_PID, .file_index = WEXITED, .addr2 = AT(buffer));
	PREPARES(ring_prep_futex_wait(&sqe, &word, 5, 6, 2, 0), .opcode = IORING_OP_FUTEX_WAIT,
		 .fd = 2, .addr = AT(&word), .addr2 = 5, .addr3 = 6);
	PREPARES(ring_prep_futex_wake(&sqe, &word, 5, 6, 2, 0), .opcode = IORING_OP_FUTEX_WAKE,
		 .fd = 2, .addr = AT(&word), .addr2 = 5, .addr3 = 6);
	PREPARES(ring_prep_futex_waitv(&sqe, (const struct futex_waitv *)&word, 2, 0),
		 .opcode = IORING_OP_FUTEX_WAITV, .addr = AT(&word), .len = 2);
	PREPARES(ring_prep_cmd(&sqe, 3, 4), .opcode = IORING_OP_URING_CMD, .fd = 4, .cmd_op = 3);
	PREPARES(ring_prep_cmd128(&sqe, 3, 4), .opcode = IORING_OP_URING_CMD128, .fd = 4, .cmd_op = 3);
	PREPARES(ring_prep_pipe(&sqe, numbers, O_CLOEXEC), .opcode = IORING_OP_PIPE,
		 .addr = AT(numbers), .pipe_flags = O_CLOEXEC);
}

static void check_polling_and_addresses(void)
{
	PREPARES(ring_prep_poll(&sqe, 4, POLLIN, IORING_POLL_ADD_MULTI), .opcode = IORING_OP_POLL_ADD,
		 .fd = 4, .len = IORING_POLL_ADD_MULTI, .poll32_events = POLLIN);
	PREPARES(ring_prep_poll_remove(&sqe, 9), .opcode = IORING_OP_POLL_REMOVE, .fd = -1, .addr = 9);
	PREPARES(ring_prep_poll_update(&sqe, 9, 10, POLLOUT, IORING_POLL_UPDATE_EVENTS), .fd = -1,
		 .opcode = IORING_OP_POLL_REMOVE, .addr = 9, .off = 10, .poll32_events = POLLOUT,
		 .len = IORING_POLL_UPDATE_EVENTS);
	PREPARES(ring_prep_epoll_ctl(&sqe, 3, 4, EPOLL_CTL_ADD, &event), .fd = 3, .off = 4,
		 .opcode = IORING_OP_EPOLL_CTL, .len = EPOLL_CTL_ADD, .addr = AT(&event));
	PREPARES(ring_prep_epoll_wait(&sqe, 3, &event, 1), .opcode = IORING_OP_EPOLL_WAIT, .fd = 3,
		 .addr = AT(&event), .len = 1);
	PREPARES(ring_prep_socket(&sqe, AF_INET, SOCK_STREAM, IPPROTO_TCP), .fd = AF_INET,
		 .opcode = IORING_OP_SOCKET, .off = SOCK_STREAM, .len = IPPROTO_TCP);
	PREPARES(ring_prep_bind(&sqe, 4, &address, 16), .opcode = IORING_OP_BIND, .fd = 4,
		 .addr = AT(&address), .addr2 = 16);
	PREPARES(ring_prep_listen(&sqe, 4, 128), .opcode = IORING_OP_LISTEN, .fd = 4, .len = 128);
	PREPARES(ring_prep_accept(&sqe, 4, &address, &length, SOCK_NONBLOCK), .fd = 4,
		 .opcode = IORING_OP_ACCEPT, .addr = AT(&address), .addr2 = AT(&length),
		 .accept_flags = SOCK_NONBLOCK);
	PREPARES(ring_prep_accept_multishot(&sqe, 4, NULL, NULL, 0), .opcode = IORING_OP_ACCEPT,
		 .fd = 4, .ioprio = IORING_ACCEPT_MULTISHOT);
	PREPARES(ring_prep_accept_multishot_direct(&sqe, 4, NULL, NULL, 0), .fd = 4,
		 .opcode = IORING_OP_ACCEPT, .ioprio = IORING_ACCEPT_MULTISHOT,
		 .file_index = IORING_FILE_INDEX_ALLOC);
	PREPARES(ring_prep_connect(&sqe, 4, &address, 16), .opcode = IORING_OP_CONNECT, .fd = 4,
		 .addr = AT(&address), .addr2 = 16);
	PREPARES(ring_prep_shutdown(&sqe, 4, SHUT_WR), .opcode = IORING_OP_SHUTDOWN, .fd = 4,
		 .len = SHUT_WR);
	PREPARES(ring_prep_socket_option(&sqe, SOCKET_URING_OP_SETSOCKOPT, 4, SOL_SOCKET,
					 SO_REUSEADDR, &word, 4),
		 .opcode = IORING_OP_URING_CMD, .fd = 4, .cmd_op = SOCKET_URING_OP_SETSOCKOPT,
		 .level = SOL_SOCKET, .optname = SO_REUSEADDR, .optval = AT(&word), .optlen = 4);
	PREPARES(ring_prep_socket_inq(&sqe, 4), .opcode = IORING_OP_URING_CMD, .fd = 4,
		 .cmd_op = SOCKET_URING_OP_SIOCINQ);
	PREPARES(ring_prep_socket_name(&sqe, 4, (struct sockaddr *)0x1000, (socklen_t *)0x2000, true),
		 .opcode = IORING_OP_URING_CMD, .fd = 4, .cmd_op = SOCKET_URING_OP_GETSOCKNAME,
		 .addr = 0x1000, .addr3 = 0x2000, .optlen = 1);
	PREPARES(ring_prep_discard(&sqe, 4, 4096, 8192), .opcode = IORING_OP_URING_CMD, .fd = 4,
		 .cmd_op = 0x1200, .addr = 4096, .addr3 = 8192);
	PREPARES(ring_prep_socket_outq(&sqe, 4), .opcode = IORING_OP_URING_CMD, .fd = 4,
		 .cmd_op = SOCKET_URING_OP_SIOCOUTQ);
}

static void check_transfer(void)
{
	PREPARES(ring_prep_recv(&sqe, 4, buffer, 64, MSG_WAITALL), .opcode = IORING_OP_RECV,
		 .fd = 4, .addr = AT(buffer), .len = 64, .msg_flags = MSG_WAITALL);
	PREPARES(ring_prep_recv_multishot(&sqe, 4, 7, 1000, 5000), .opcode = IORING_OP_RECV,
		 .fd = 4, .flags = IOSQE_BUFFER_SELECT, .ioprio = IORING_RECV_MULTISHOT, .len = 1000,
		 .buf_group = 7, .optlen = 5000);
	PREPARES(ring_prep_recvmsg(&sqe, 4, &message, MSG_PEEK), .opcode = IORING_OP_RECVMSG,
		 .fd = 4, .addr = AT(&message), .len = 1, .msg_flags = MSG_PEEK);
	PREPARES(ring_prep_recvmsg_multishot(&sqe, 4, &message, 0, 7), .opcode = IORING_OP_RECVMSG,
		 .fd = 4, .flags = IOSQE_BUFFER_SELECT, .ioprio = IORING_RECV_MULTISHOT,
		 .addr = AT(&message), .len = 1, .buf_group = 7);
	PREPARES(ring_prep_recv_zc(&sqe, 4, 100, 2), .opcode = IORING_OP_RECV_ZC, .fd = 4,
		 .ioprio = IORING_RECV_MULTISHOT, .len = 100, .zcrx_ifq_idx = 2);
	PREPARES(ring_prep_send(&sqe, 4, buffer, 64, MSG_NOSIGNAL), .opcode = IORING_OP_SEND,
		 .fd = 4, .addr = AT(buffer), .len = 64, .msg_flags = MSG_NOSIGNAL);
	PREPARES(ring_prep_sendto(&sqe, 4, buffer, 64, 0, &address, 16), .opcode = IORING_OP_SEND,
		 .fd = 4, .addr = AT(buffer), .len = 64, .addr2 = AT(&address), .addr_len = 16);
	PREPARES(ring_prep_send_vector(&sqe, 4, vector, 2, MSG_NOSIGNAL), .opcode = IORING_OP_SEND,
		 .fd = 4, .addr = AT(vector), .len = 2, .ioprio = IORING_SEND_VECTORIZED,
		 .msg_flags = MSG_NOSIGNAL);
	PREPARES(ring_prep_send_bundle(&sqe, 4, 7, 0), .opcode = IORING_OP_SEND, .fd = 4,
		 .flags = IOSQE_BUFFER_SELECT, .ioprio = IORING_RECVSEND_BUNDLE, .buf_group = 7);
	PREPARES(ring_prep_sendmsg(&sqe, 4, &message, MSG_NOSIGNAL), .opcode = IORING_OP_SENDMSG,
		 .fd = 4, .addr = AT(&message), .len = 1, .msg_flags = MSG_NOSIGNAL);
	PREPARES(ring_prep_send_zc(&sqe, 4, buffer, 64, 0, IORING_SEND_ZC_REPORT_USAGE), .fd = 4,
		 .opcode = IORING_OP_SEND_ZC, .addr = AT(buffer), .len = 64,
		 .ioprio = IORING_SEND_ZC_REPORT_USAGE);
	PREPARES(ring_prep_sendmsg_zc(&sqe, 4, &message, 0, IORING_SEND_ZC_REPORT_USAGE), .fd = 4,
		 .opcode = IORING_OP_SENDMSG_ZC, .addr = AT(&message), .len = 1,
		 .ioprio = IORING_SEND_ZC_REPORT_USAGE);
	PREPARES(ring_prep_splice(&sqe, 3, 11, 4, 12, 100, SPLICE_F_MOVE), .fd = 4, .off = 12,
		 .opcode = IORING_OP_SPLICE, .splice_off_in = 11, .splice_fd_in = 3, .len = 100,
		 .splice_flags = SPLICE_F_MOVE);
	PREPARES(ring_prep_tee(&sqe, 3, 4, 100, 1), .opcode = IORING_OP_TEE, .fd = 4,
		 .splice_fd_in = 3, .len = 100, .splice_flags = 1);
}

static void check_reading_and_writing(void)
{
	PREPARES(ring_prep_read(&sqe, 4, buffer, 64, 100), .opcode = IORING_OP_READ, .fd = 4,
		 .addr = AT(buffer), .len = 64, .off = 100);
	PREPARES(ring_prep_write(&sqe, 4, buffer, 64, RING_POSITION), .opcode = IORING_OP_WRITE,
		 .fd = 4, .addr = AT(buffer), .len = 64, .off = UINT64_MAX);
	PREPARES(ring_prep_readv(&sqe, 4, vector, 2, 100, 8), .opcode = IORING_OP_READV, .fd = 4,
		 .addr = AT(vector), .len = 2, .off = 100, .rw_flags = 8);
	PREPARES(ring_prep_writev(&sqe, 4, vector, 2, 100, 8), .opcode = IORING_OP_WRITEV, .fd = 4,
		 .addr = AT(vector), .len = 2, .off = 100, .rw_flags = 8);
	PREPARES(ring_prep_read_fixed(&sqe, 4, buffer, 64, 100, 3), .opcode = IORING_OP_READ_FIXED,
		 .fd = 4, .addr = AT(buffer), .len = 64, .off = 100, .buf_index = 3);
	PREPARES(ring_prep_write_fixed(&sqe, 4, buffer, 64, 100, 3), .opcode = IORING_OP_WRITE_FIXED,
		 .fd = 4, .addr = AT(buffer), .len = 64, .off = 100, .buf_index = 3);
	PREPARES(ring_prep_readv_fixed(&sqe, 4, vector, 2, 100, 0, 3), .fd = 4,
		 .opcode = IORING_OP_READV_FIXED, .addr = AT(vector), .len = 2, .off = 100,
		 .buf_index = 3);
	PREPARES(ring_prep_writev_fixed(&sqe, 4, vector, 2, 100, 0, 3), .fd = 4,
		 .opcode = IORING_OP_WRITEV_FIXED, .addr = AT(vector), .len = 2, .off = 100,
		 .buf_index = 3);
	PREPARES(ring_prep_read_multishot(&sqe, 4, 50, RING_POSITION, 7), .fd = 4, .len = 50,
		 .opcode = IORING_OP_READ_MULTISHOT, .flags = IOSQE_BUFFER_SELECT, .buf_group = 7,
		 .off = UINT64_MAX);
	PREPARES(ring_prep_fsync(&sqe, 4, IORING_FSYNC_DATASYNC), .opcode = IORING_OP_FSYNC, .fd = 4,
		 .fsync_flags = IORING_FSYNC_DATASYNC);
	PREPARES(ring_prep_sync_file_range(&sqe, 4, 10, 20, 2), .opcode = IORING_OP_SYNC_FILE_RANGE,
		 .fd = 4, .off = 10, .len = 20, .sync_range_flags = 2);
	PREPARES(ring_prep_fallocate(&sqe, 4, 1, 10, 1ULL << 40), .opcode = IORING_OP_FALLOCATE,
		 .fd = 4, .len = 1, .off = 10, .addr = 1ULL << 40);
	PREPARES(ring_prep_ftruncate(&sqe, 4, 1ULL << 40), .opcode = IORING_OP_FTRUNCATE, .fd = 4,
		 .off = 1ULL << 40);
	PREPARES(ring_prep_fadvise(&sqe, 4, 10, 20, 3), .opcode = IORING_OP_FADVISE, .fd = 4,
		 .off = 10, .len = 20, .fadvise_advice = 3);
	PREPARES(ring_prep_fadvise(&sqe, 4, 10, 1ULL << 40, 3), .opcode = IORING_OP_FADVISE, .fd = 4,
		 .off = 10, .addr = 1ULL << 40, .fadvise_advice = 3);
	PREPARES(ring_prep_madvise(&sqe, buffer, 20, 3), .opcode = IORING_OP_MADVISE, .fd = -1,
		 .addr = AT(buffer), .len = 20, .fadvise_advice = 3);
	PREPARES(ring_prep_madvise(&sqe, buffer, 1ULL << 40, 3), .opcode = IORING_OP_MADVISE,
		 .fd = -1, .addr = AT(buffer), .off = 1ULL << 40, .fadvise_advice = 3);
}

static void check_paths(void)
{
	PREPARES(ring_prep_openat(&sqe, AT_FDCWD, buffer, O_CREAT, 0600), .fd = AT_FDCWD,
		 .opcode = IORING_OP_OPENAT, .addr = AT(buffer), .len = 0600, .open_flags = O_CREAT);
	PREPARES(ring_prep_openat2(&sqe, 3, buffer, (const struct open_how *)vector, 24), .fd = 3,
		 .opcode = IORING_OP_OPENAT2, .addr = AT(buffer), .len = 24, .off = AT(vector));
	PREPARES(ring_prep_close(&sqe, 4), .opcode = IORING_OP_CLOSE, .fd = 4);
	PREPARES(ring_prep_close_direct(&sqe, 6), .opcode = IORING_OP_CLOSE, .file_index = 7);
	PREPARES(ring_prep_statx(&sqe, 3, buffer, 1, 2, (struct statx *)vector), .fd = 3, .len = 2,
		 .opcode = IORING_OP_STATX, .addr = AT(buffer), .off = AT(vector), .statx_flags = 1);
	PREPARES(ring_prep_renameat(&sqe, 3, buffer, 4, buffer + 1, 1), .opcode = IORING_OP_RENAMEAT,
		 .fd = 3, .addr = AT(buffer), .len = 4, .off = AT(buffer + 1), .rename_flags = 1);
	PREPARES(ring_prep_unlinkat(&sqe, 3, buffer, 1), .opcode = IORING_OP_UNLINKAT, .fd = 3,
		 .addr = AT(buffer), .unlink_flags = 1);
	PREPARES(ring_prep_mkdirat(&sqe, 3, buffer, 0700), .opcode = IORING_OP_MKDIRAT, .fd = 3,
		 .addr = AT(buffer), .len = 0700);
	PREPARES(ring_prep_symlinkat(&sqe, buffer, 3, buffer + 1), .opcode = IORING_OP_SYMLINKAT,
		 .fd = 3, .addr = AT(buffer), .off = AT(buffer + 1));
	PREPARES(ring_prep_linkat(&sqe, 3, buffer, 4, buffer + 1, 1), .opcode = IORING_OP_LINKAT,
		 .fd = 3, .addr = AT(buffer), .len = 4, .off = AT(buffer + 1), .hardlink_flags = 1);
	PREPARES(ring_prep_fsetxattr(&sqe, 3, buffer, buffer + 1, 5, 1), .fd = 3, .len = 5,
		 .opcode = IORING_OP_FSETXATTR, .addr = AT(buffer), .off = AT(buffer + 1),
		 .xattr_flags = 1);
	PREPARES(ring_prep_setxattr(&sqe, buffer + 2, buffer, buffer + 1, 5, 1), .len = 5,
		 .opcode = IORING_OP_SETXATTR, .addr = AT(buffer), .off = AT(buffer + 1),
		 .addr3 = AT(buffer + 2), .xattr_flags = 1);
	PREPARES(ring_prep_fgetxattr(&sqe, 3, buffer, buffer + 1, 5), .fd = 3, .len = 5,
		 .opcode = IORING_OP_FGETXATTR, .addr = AT(buffer), .off = AT(buffer + 1));
	PREPARES(ring_prep_getxattr(&sqe, buffer + 2, buffer, buffer + 1, 5), .len = 5,
		 .opcode = IORING_OP_GETXATTR, .addr = AT(buffer), .off = AT(buffer + 1),
		 .addr3 = AT(buffer + 2));
}
/* clang-format on */

START_TEST(every_operation_is_prepared_field_by_field_with_nothing_left_of_the_slot_before)
{
	check_plain();
	check_polling_and_addresses();
	check_transfer();
	check_reading_and_writing();
	check_paths();
	for (unsigned op = 0; op < IORING_OP_LAST; op++)
		ck_assert_msg(covered[op], "%s is not tested", ring_op_name(op));
}
END_TEST

START_TEST(modifiers_add_and_take_nothing_away)
{
	struct io_uring_sqe sqe;

	ring_prep_recv_multishot(&sqe, 4, 7, 0, 0);
	ring_sqe_tag(&sqe, 0x123456789abcdef0);
	ring_sqe_link(&sqe);
	ring_sqe_hardlink(&sqe);
	ring_sqe_drain(&sqe);
	ring_sqe_async(&sqe);
	ring_sqe_fixed_file(&sqe);
	ring_sqe_skip_success(&sqe);
	ring_sqe_personality(&sqe, 3);
	ring_sqe_poll_first(&sqe);
	ring_sqe_bundle(&sqe);

	ck_assert_uint_eq(sqe.user_data, 0x123456789abcdef0);
	ck_assert_uint_eq(sqe.flags, IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | IOSQE_IO_LINK |
					     IOSQE_IO_HARDLINK | IOSQE_ASYNC | IOSQE_BUFFER_SELECT |
					     IOSQE_CQE_SKIP_SUCCESS);
	ck_assert_uint_eq(sqe.ioprio, IORING_RECV_MULTISHOT | IORING_RECVSEND_POLL_FIRST |
					      IORING_RECVSEND_BUNDLE);
	ck_assert_uint_eq(sqe.personality, 3);
	ck_assert_uint_eq(sqe.buf_group, 7);

	ring_prep_send_zc(&sqe, 4, buffer, 10, 0, IORING_SEND_ZC_REPORT_USAGE);
	ring_sqe_fixed_buffer(&sqe, 5);
	ck_assert_uint_eq(sqe.ioprio, IORING_SEND_ZC_REPORT_USAGE | IORING_RECVSEND_FIXED_BUF);
	ck_assert_uint_eq(sqe.buf_index, 5);

	ring_prep_openat(&sqe, AT_FDCWD, buffer, 0, 0);
	ring_sqe_direct(&sqe, 6);
	ck_assert_uint_eq(sqe.file_index, 7);
	ring_sqe_direct(&sqe, RING_SLOT_ANY);
	ck_assert_uint_eq(sqe.file_index, IORING_FILE_INDEX_ALLOC);

	ring_sqe_buffer_select(&sqe, 9);
	ck_assert_uint_eq(sqe.flags, IOSQE_BUFFER_SELECT);
	ck_assert_uint_eq(sqe.buf_group, 9);
	ck_assert_ptr_eq(ring_sqe_command(&sqe), (unsigned char *)&sqe + 48);
}
END_TEST

SUITE("ring prepare",
      every_operation_is_prepared_field_by_field_with_nothing_left_of_the_slot_before,
      modifiers_add_and_take_nothing_away)
