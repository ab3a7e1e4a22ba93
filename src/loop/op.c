#include "loop/op.h"

#include "loop/loop.h"

void op_cancel(struct loop *loop, struct flight *flight, unsigned lane, enum op_kind kind)
{
	struct io_uring_sqe *sqe = loop_entry(loop);

	ring_prep_cancel(sqe, op_pack(op_tag_of(flight, lane, kind)), 0);
	op_submit(flight, lane, OP_CANCEL, sqe);
}
