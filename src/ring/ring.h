/*
 * The io_uring library core: the module's one public face.
 *
 *	struct ring ring;
 *	if (ring_open(&ring, &(struct ring_options){.entries = 256}, &error) < 0) ...
 *	ring_prep_recv(sqe = ring_sqe(&ring), fd, buffer, sizeof(buffer), 0);
 *	ring_sqe_tag(sqe, 42);
 *	ring_submit_wait(&ring, 1, RING_NEVER, 0);
 *	ring_for_each_cqe(&ring, cqe) ...
 *	ring_close(&ring);
 *
 * One ring belongs to one thread.  Functions return 0 or a count, or a negative
 * errno; nothing here logs.  A number in parentheses is the kernel that brought a
 * thing; what it is worth here, ring_has() tells.
 *
 *	core.h wait.h     set-up, taking entries, submitting, waiting
 *	prepare*.h        filling entries: one function per operation, modifiers
 *	cqe.h             reading completions
 *	buffers.h         provided buffers, bundles
 *	register.h        files, buffers, events, clocks, sizes ...
 *	request.h         who waits for which completion; the synchronous call
 *	sender.h          messages from threads that have no ring
 *	shared.h          entries from several threads
 *	message.h         what a multishot recvmsg has received
 *	capability.h      what this kernel offers, names
 *	uapi*.h system.h  the kernel's interface; every system call, replaceable
 *
 * The module follows a design written for another language.  Where that was
 * wrong it deviates:
 *
 *	design                                 here
 *	operations counted by position,        explicit numbers up to 64; its 49 to 57
 *	five missing                           were each one too low
 *	entry of 72 bytes                      64, each offset asserted
 *	SQE flag "multishot"                   ioprio of accept and receive, a function
 *	fixed file index of 16 bits            32
 *	timeout counts up to 64 bits           32, as the kernel
 *	link timeout, result used, undeclared  declared
 *	submit forgets what was not taken      counted by the kernel's head
 *	acquire on the head                    on the tail; a fence before the wake-up test
 *	waiting on an undrained eventfd        io_uring_enter() with an absolute deadline
 *	mapping and indexing ignore wide       shifts, filler, NO_SQARRAY, two mappings
 *	entries
 *	DEFER_TASKRUN alone                    brings SINGLE_ISSUER
 *	a full completion queue is an error    it waits in the kernel; loss is counted
 *	linked copy breaks at the last block   see examples/copy_link.c
 *	one completion of a linked timeout     both, see examples/read_timeout.c
 *	accept re-armed in a busy loop         when a completion lacks F_MORE
 *	cancelling frees the buffer            its last completion does
 *	a system call per operation            per batch
 *	a CPU without SQ_AFF, idle without     required or wanted flags; milliseconds
 *	unit
 *	no word on EINTR, EAGAIN, EBUSY        ring_submit_wait(), ring_error_class()
 *	one completion per request             F_MORE and notifications in the life cycle
 *	no teardown                            ring_close() cancels and waits first
 *	set-up flags up to 16                  up to 20
 *	operations of later kernels offered    known by name, reported unsupported
 */
#ifndef RING_RING_H
#define RING_RING_H

#include "ring/buffers.h"
#include "ring/capability.h"
#include "ring/core.h"
#include "ring/cqe.h"
#include "ring/message.h"
#include "ring/prepare.h"
#include "ring/prepare_file.h"
#include "ring/prepare_socket.h"
#include "ring/register.h"
#include "ring/request.h"
#include "ring/sender.h"
#include "ring/shared.h"
#include "ring/wait.h"

#endif
