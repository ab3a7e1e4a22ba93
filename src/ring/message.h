/*
 * What a multishot recvmsg leaves in a provided buffer (6.0).
 *
 *   | io_uring_recvmsg_out | name: room as asked | control: as asked | payload ... |
 *
 * The rooms are as large as the msghdr said at the prepare, filled or not; what did not fit
 * is cut off, and the header has what it would have been.
 */
#ifndef RING_MESSAGE_H
#define RING_MESSAGE_H

#include "ring/uapi.h"

#include "base/compiler.h"

#include <sys/socket.h>

struct ring_message {
	const void *name, *control, *payload;
	uint32_t name_length, control_length, payload_length; /* what is there */
	uint32_t flags;                                       /* MSG_TRUNC, MSG_CTRUNC ... */
	bool name_cut;    /* there was more of it than asked for */
	bool payload_cut; /* the buffer was too short for it */
};

/*
 * Read length bytes of a buffer, of a receive prepared with that msghdr (its lengths).  The
 * pointers lead into the buffer.  False: it is too short to be one.
 */
static inline bool ring_message_read(const void *buffer, size_t length, const struct msghdr *asked,
				     struct ring_message *ret_message)
{
	const struct io_uring_recvmsg_out *out = buffer;
	const unsigned char *name = (const unsigned char *)buffer + sizeof(*out);
	size_t names = asked->msg_namelen, controls = asked->msg_controllen, left;

	if (length < sizeof(*out) || length - sizeof(*out) < names ||
	    length - sizeof(*out) - names < controls)
		return false;
	left = length - sizeof(*out) - names - controls;
	*ret_message = (struct ring_message){
		.name = name,
		.control = name + names,
		.payload = name + names + controls,
		.name_length = out->namelen < names ? out->namelen : (uint32_t)names,
		.control_length = out->controllen < controls ? out->controllen : (uint32_t)controls,
		.payload_length = out->payloadlen < left ? out->payloadlen : (uint32_t)left,
		.flags = out->flags,
		.name_cut = out->namelen > names,
		.payload_cut = out->payloadlen > left,
	};
	return true;
}

/*
 * The control messages of one, by CMSG_FIRSTHDR() and so on: a msghdr that is made for those
 * macros and nothing else.
 */
static inline struct msghdr ring_message_controls(const struct ring_message *message)
{
	return (struct msghdr){.msg_control = (void *)message->control,
			       .msg_controllen = message->control_length};
}

#endif
