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
 */
#ifndef RING_RING_H
#define RING_RING_H

#include "ring/buffers.h"
#include "ring/capability.h"
#include "ring/core.h"
#include "ring/cqe.h"
#include "ring/prepare.h"
#include "ring/prepare_file.h"
#include "ring/prepare_socket.h"
#include "ring/register.h"
#include "ring/request.h"
#include "ring/sender.h"

#endif
