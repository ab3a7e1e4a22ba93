#include "support/refusal.h"

#include "support/suite.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 8

struct refusal {
	int calls[CALLS_MAX];
	_Atomic int errors[CALLS_MAX];
	unsigned count;
	int pair[2]; /* the child sends the filter's descriptor */
	int notices;
	_Atomic uint64_t refused;
	pthread_t thread;
};

struct refusal *refusal_new(const int *calls)
{
	struct refusal *refusal = calloc(1, sizeof(*refusal));

	for (; calls[refusal->count] >= 0; refusal->count++) {
		ck_assert_uint_lt(refusal->count, CALLS_MAX);
		refusal->calls[refusal->count] = calls[refusal->count];
	}
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, refusal->pair), 0);
	refusal->notices = -1;
	return refusal;
}

/* ---- in the child ---- */

struct filter {
	struct sock_filter code[4 * CALLS_MAX + 5];
	unsigned short length;
};

static void add(struct filter *filter, struct sock_filter instruction)
{
	filter->code[filter->length++] = instruction;
}

static void load(struct filter *filter, size_t offset)
{
	add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void notify_of(struct filter *filter, unsigned value)
{
	add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
}

/*
 * Where one call is for all of sockets, and the C library may make that, its first
 * argument tells which it is.  The others of its calls must pass: the filter's own
 * descriptor is sent by one of them.
 */
#ifdef SYS_socketcall
static const struct {
	int call;
	unsigned number;
} socketcalls[] = {{SYS_socket, SYS_SOCKET}, {SYS_connect, SYS_CONNECT}};

static void notify_of_socketcalls(struct filter *filter, const struct refusal *refusal)
{
	size_t low = __BYTE_ORDER == __LITTLE_ENDIAN ? 0 : 4;

	add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socketcall, 1, 0));
	add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	load(filter, offsetof(struct seccomp_data, args) + low);
	for (unsigned i = 0; i < refusal->count; i++)
		for (size_t j = 0; j < sizeof(socketcalls) / sizeof(socketcalls[0]); j++)
			if (refusal->calls[i] == socketcalls[j].call)
				notify_of(filter, socketcalls[j].number);
}
#endif

static int call_of(const struct seccomp_data *asked)
{
#ifdef SYS_socketcall
	for (size_t j = 0; j < sizeof(socketcalls) / sizeof(socketcalls[0]); j++)
		if (asked->nr == SYS_socketcall && asked->args[0] == socketcalls[j].number)
			return socketcalls[j].call;
#endif
	return asked->nr;
}

static int open_filter(const struct refusal *refusal)
{
	struct filter filter = {.length = 0};
	struct sock_fprog program = {.filter = filter.code};

	load(&filter, offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < refusal->count; i++)
		notify_of(&filter, (unsigned)refusal->calls[i]);
#ifdef SYS_socketcall
	notify_of_socketcalls(&filter, refusal);
#endif
	add(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	program.len = filter.length;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static struct msghdr message_with(struct iovec *byte, void *control, size_t size)
{
	return (struct msghdr){
		.msg_iov = byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = size};
}

void refusal_install(const struct refusal *refusal)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct iovec byte = {.iov_base = (char[]){0}, .iov_len = 1};
	struct msghdr message = message_with(&byte, &control, sizeof(control));
	int fd = open_filter(refusal);

	if (fd < 0)
		_exit(126);
	control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
					  .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(refusal->pair[1], &message, 0) < 0)
		_exit(126);
}

/* ---- in the parent ---- */

static int error_of(struct refusal *refusal, int call)
{
	for (unsigned i = 0; i < refusal->count; i++)
		if (refusal->calls[i] == call)
			return atomic_load(&refusal->errors[i]);
	return 0;
}

static void answer_one(struct refusal *refusal)
{
	struct seccomp_notif asked = {0};
	struct seccomp_notif_resp answer = {0};

	if (ioctl(refusal->notices, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return; /* a signal came, or it has just been killed */
	answer.id = asked.id;
	answer.error = -error_of(refusal, call_of(&asked.data));
	if (answer.error == 0)
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		atomic_fetch_add(&refusal->refused, 1);
	ioctl(refusal->notices, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static void *answer_all(void *argument)
{
	struct refusal *refusal = argument;
	struct pollfd notice = {.fd = refusal->notices, .events = POLLIN};

	/* A hang-up: nobody has the filter any more. */
	while (poll(&notice, 1, -1) < 0 ? errno == EINTR : !(notice.revents & (POLLHUP | POLLERR)))
		if (notice.revents & POLLIN)
			answer_one(refusal);
	return NULL;
}

void refusal_start(struct refusal *refusal)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = message_with(&part, &control, sizeof(control));

	close(refusal->pair[1]);
	ck_assert_msg(recvmsg(refusal->pair[0], &message, MSG_CMSG_CLOEXEC) == 1,
		      "no filter of system calls can be installed");
	memcpy(&refusal->notices, CMSG_DATA(&control.header), sizeof(refusal->notices));
	ck_assert_int_eq(pthread_create(&refusal->thread, NULL, answer_all, refusal), 0);
}

void refusal_set(struct refusal *refusal, int call, int error)
{
	for (unsigned i = 0; i < refusal->count; i++)
		if (refusal->calls[i] == call)
			atomic_store(&refusal->errors[i], error);
}

uint64_t refusal_count(struct refusal *refusal)
{
	return atomic_load(&refusal->refused);
}

void refusal_free(struct refusal *refusal)
{
	pthread_join(refusal->thread, NULL);
	close(refusal->notices);
	close(refusal->pair[0]);
	free(refusal);
}
