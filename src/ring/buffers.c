#include "ring/buffers.h"

#include "ring/internal.h"

#include <stdlib.h>
#include <sys/mman.h>

#define RING_BUFFER_IDS 65536 /* an id is 16 bits; untouched pages of the table cost nothing */

static int ring_buffers_register(struct ring_buffers *buffers)
{
	const struct ring_system *system = buffers->ring->system;
	bool theirs = buffers->flags & IOU_PBUF_RING_MMAP;
	struct io_uring_buf_reg registration = {
		.ring_entries = buffers->entries,
		.bgid = buffers->group,
		.flags = (uint16_t)buffers->flags,
		.min_left = buffers->min_left,
	};
	void *memory = buffers->shared;
	int r;

	if (!theirs && !memory) {
		r = system->map(system->context, &memory, NULL, buffers->size,
				PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (r < 0)
			return r;
		buffers->shared = memory;
	}
	if (!theirs)
		registration.ring_addr = ring_address(memory);
	r = ring_enlist(buffers->ring, IORING_REGISTER_PBUF_RING, &registration, 1);
	if (r < 0)
		return r;
	buffers->registered = true;
	if (theirs) {
		r = system->map(
			system->context, &memory, NULL, buffers->size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, buffers->ring->fd,
			IORING_OFF_PBUF_RING | (uint64_t)buffers->group << IORING_OFF_PBUF_SHIFT);
		if (r < 0)
			return r;
		buffers->shared = memory;
	}
	return system->advise(system->context, memory, buffers->size, MADV_DONTFORK);
}

int ring_buffers_open(struct ring_buffers *buffers, struct ring *ring, uint16_t group,
		      uint32_t entries, unsigned flags)
{
	return ring_buffers_open_with(
		buffers, ring,
		&(struct ring_buffers_options){.group = group, .entries = entries, .flags = flags});
}

int ring_buffers_open_with(struct ring_buffers *buffers, struct ring *ring,
			   const struct ring_buffers_options *options)
{
	uint32_t entries = options->entries;
	int r;

	*buffers = (struct ring_buffers){
		.ring = ring,
		.group = options->group,
		.entries = entries,
		.flags = options->flags,
		.min_left = options->min_left,
		.shared = options->memory,
		.own_memory = options->memory,
		.mask = (uint16_t)(entries - 1),
		.size = (size_t)entries * sizeof(struct io_uring_buf),
	};
	if ((options->memory && options->flags & IOU_PBUF_RING_MMAP) || entries == 0 ||
	    entries > 32768 || entries & (entries - 1)) {
		buffers->ring = NULL;
		return -EINVAL;
	}
	buffers->slots = calloc(entries, sizeof(*buffers->slots));
	buffers->places = calloc(RING_BUFFER_IDS, sizeof(*buffers->places));
	r = buffers->slots && buffers->places ? ring_buffers_register(buffers) : -ENOMEM;
	if (r < 0)
		ring_buffers_close(buffers);
	return r;
}

void ring_buffers_close(struct ring_buffers *buffers)
{
	struct io_uring_buf_reg registration = {.bgid = buffers->group};

	if (!buffers->ring)
		return;
	if (buffers->registered)
		ring_enlist(buffers->ring, IORING_UNREGISTER_PBUF_RING, &registration, 1);
	if (buffers->shared && !buffers->own_memory)
		buffers->ring->system->unmap(buffers->ring->system->context, buffers->shared,
					     buffers->size);
	free(buffers->slots);
	free(buffers->places);
	*buffers = (struct ring_buffers){0};
}

int ring_buffers_status(const struct ring_buffers *buffers, uint16_t *ret_head)
{
	struct io_uring_buf_status status = {.buf_group = buffers->group};
	int r = ring_enlist(buffers->ring, IORING_REGISTER_PBUF_STATUS, &status, 1);

	if (r < 0)
		return r;
	*ret_head = (uint16_t)status.head;
	return 0;
}
