#include "loop/pipes.h"

#include "loop/socket.h"

#define SMALLEST 65536u /* bytes; of what is smaller, each splice(2) moves too little */

void pipes_init(struct pipes *pipes, uint32_t most)
{
	*pipes = (struct pipes){
		.free = PIPES_NONE,
		.most = (uint16_t)(most < PIPES_MAX ? most : PIPES_MAX),
	};
	pipes->reserve = pipes->most / 8 ? pipes->most / 8 : 1;
	for (uint16_t i = 0; i < PIPES_MAX; i++)
		pipes->pairs[i] = (struct pipe_pair){.read_fd = -1, .write_fd = -1};
}

static void unmake(struct pipes *pipes, struct pipe_pair *pair)
{
	if (pair->read_fd < 0)
		return;
	pipes->open--;
	socket_close(pair->read_fd);
	socket_close(pair->write_fd);
	pair->read_fd = pair->write_fd = -1;
}

void pipes_close(struct pipes *pipes)
{
	for (uint16_t i = 0; i < PIPES_MAX; i++)
		unmake(pipes, &pipes->pairs[i]);
	pipes->free = PIPES_NONE;
}

/* False when the system has none, or (pipe-user-pages-soft) none of a useful size. */
static bool make(struct pipes *pipes, struct pipe_pair *pair, uint32_t size)
{
	int fds[2];

	if (socket_pipe(fds, size, &pair->size) < 0)
		return false;
	pipes->open++;
	pair->read_fd = fds[0];
	pair->write_fd = fds[1];
	if (pair->size >= size || pair->size >= SMALLEST)
		return true;
	unmake(pipes, pair);
	return false;
}

uint16_t pipes_take(struct pipes *pipes, uint32_t size, enum pipes_use use)
{
	uint16_t index = pipes->free;
	struct pipe_pair *pair;

	if (use == PIPES_HOLD && pipes->taken + pipes->reserve >= pipes->most)
		return PIPES_NONE;
	if (index != PIPES_NONE)
		pipes->free = pipes->pairs[index].next;
	else if (pipes->made < pipes->most)
		index = pipes->made++;
	else
		return PIPES_NONE;
	pair = &pipes->pairs[index];
	pair->used = true;
	pipes->taken++;
	if (pair->read_fd >= 0 || make(pipes, pair, size))
		return index;
	pipes_give(pipes, index, true);
	return PIPES_NONE;
}

void pipes_give(struct pipes *pipes, uint16_t index, bool empty)
{
	struct pipe_pair *pair = &pipes->pairs[index];

	if (!empty)
		unmake(pipes, pair);
	pipes->taken--;
	pair->next = pipes->free;
	pipes->free = index;
}

void pipes_trim(struct pipes *pipes)
{
	for (uint16_t i = pipes->free; i != PIPES_NONE; i = pipes->pairs[i].next) {
		if (!pipes->pairs[i].used)
			unmake(pipes, &pipes->pairs[i]);
		pipes->pairs[i].used = false;
	}
}
