#include "loop/op.h"

#include "loop/loop.h"

void op_submit(struct flight *flight, unsigned lane, enum op_kind kind, struct io_uring_sqe *sqe)
{
	ring_sqe_tag(sqe, op_pack(op_tag_of(flight, lane, kind)));
	flight->in_flight++;
	if (kind == OP_CANCEL)
		flight->cancels++;
	else
		flight->flying[lane] |= (uint16_t)(1u << kind);
}

void op_landed(struct flight *flight, struct op_tag tag, uint32_t flags)
{
	bool more = flags & IORING_CQE_F_MORE;

	flight->in_flight -= !more;
	flight->cancels -= tag.kind == OP_CANCEL;
	/* Zero-copy sends are done with their descriptor before their last completion. */
	if (tag.kind == OP_SEND || !more)
		flight->flying[tag.lane] &= (uint16_t) ~(1u << tag.kind);
	if (tag.kind == OP_SEND && flags & IORING_CQE_F_NOTIF)
		flight->notices--;
	else if (tag.kind == OP_SEND && more)
		flight->notices++;
}

void op_cancel(struct loop *loop, struct flight *flight, unsigned lane, enum op_kind kind)
{
	struct io_uring_sqe *sqe = loop_entry(loop);

	ring_prep_cancel(sqe, op_pack(op_tag_of(flight, lane, kind)), 0);
	op_submit(flight, lane, OP_CANCEL, sqe);
}
