#include "control/build.h"

#include "base/clock.h"
#include "control/resolve.h"
#include "net/socket.h"

#include "ops/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS   250
#define PAUSE_MS      50 /* each look at a unix socket is a connection to who listens */
#define INHERITED_MAX 64 /* sockets of one name */

/* One listen line, being opened for all workers. */
struct opening {
	struct sockets *sockets;
	struct activation *activation;
	const struct config_section *section;
	struct address address;
	uint32_t section_index;
	uint64_t patient_until_ms; /* with an address in use, for all lines together */
	uint32_t first;            /* its place in each worker's list */
	char place[600];           /* "file:line: [section] listen" */
	const char *text;
};

static struct listening *slot(struct sockets *sockets, uint32_t worker, uint32_t index)
{
	return &sockets->list[(size_t)worker * sockets->count + index];
}

static void put(struct opening *opening, uint32_t worker, int fd)
{
	struct listening *listening = slot(opening->sockets, worker, opening->first);

	*listening = (struct listening){.fd = fd, .section = opening->section_index};
	snprintf(listening->text, sizeof(listening->text), "%s", opening->text);
}

static int complain(const struct opening *opening, int error, const char *why)
{
	log_error("%s: cannot listen on %s: %s%s%s%s", opening->place, opening->text,
		  strerror(-error), why ? " (" : "", why ? why : "", why ? ")" : "");
	return error;
}

/* The same socket for all workers: unix paths, and what systemd opened. */
static int share_out(struct opening *opening, int fd)
{
	put(opening, 0, fd);
	for (uint32_t worker = 1; worker < opening->sockets->workers; worker++) {
		int shared = listener_share(fd);
		if (shared < 0)
			return complain(opening, shared, NULL);
		put(opening, worker, shared);
	}
	return 0;
}

/* The sockets of a process that was killed are closed some milliseconds after its end. */
static bool may_come_free(const struct opening *opening, int error)
{
	if (error != -EADDRINUSE || clock_now_ms() >= opening->patient_until_ms)
		return false;
	nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * CLOCK_NS_PER_MS}, NULL);
	return true;
}

static int open_own(struct opening *opening)
{
	const char *why = NULL;
	int fd, r;

	do
		r = listener_try(&opening->address);
	while (may_come_free(opening, r));
	if (r < 0) {
		/* For its explanation. */
		fd = listener_open(&opening->address, &opening->section->settings, &why);
		if (fd >= 0)
			socket_close(fd);
		if (!why && r == -EADDRINUSE)
			why = "another process listens there already; `ss -lnp` shows which";
		return complain(opening, r, why);
	}
	for (uint32_t worker = 0; worker < opening->sockets->workers; worker++) {
		do
			fd = listener_open(&opening->address, &opening->section->settings, &why);
		while (may_come_free(opening, fd));
		if (fd < 0)
			return complain(opening, fd, why);
		if (opening->address.kind == ADDRESS_UNIX) {
			opening->sockets->paths[opening->first] = listener_path(&opening->address);
			return share_out(opening, fd);
		}
		put(opening, worker, fd);
	}
	return 0;
}

static int take_inherited(struct opening *opening)
{
	int fds[INHERITED_MAX], fd;
	int count = activation_take(opening->activation, opening->address.host, fds, INHERITED_MAX);

	if (count == -ENOTSOCK)
		return complain(opening, count,
				"the socket unit must pass listening stream sockets: Accept=no");
	if (count <= 0)
		return complain(opening, -ENOENT,
				"systemd passed no socket of that name; see FileDescriptorName= of "
				"the socket unit, and start that unit");
	if (count > 1)
		log_warning("%s: %d sockets bear the name %s; the first is used", opening->place,
			    count, opening->address.host);
	fd = listener_share(fds[0]);
	if (fd >= 0) /* systemd set what its unit says; on a unix socket these do nothing */
		socket_tune(fd, AF_INET, &opening->section->settings);
	return fd < 0 ? complain(opening, fd, NULL) : share_out(opening, fd);
}

static int open_line(struct opening *opening)
{
	int r = resolve_listen(&opening->address, opening->place);

	if (r < 0)
		return r;
	r = opening->address.kind == ADDRESS_SYSTEMD ? take_inherited(opening) : open_own(opening);
	if (r == 0)
		log_info("%s listens on %s", opening->section->title, opening->text);
	return r;
}

static int open_all(struct sockets *sockets, const struct engine *engine,
		    struct activation *activation)
{
	const struct config *config = engine->config;
	uint64_t patient_until_ms = clock_now_ms() + PATIENCE_MS;
	uint32_t index = 0;
	int result = 0;

	for (uint32_t s = 0; s < engine->section_count; s++) {
		const struct config_section *section = &config->sections[s];

		for (size_t i = 0; i < section->listen_count; i++) {
			const struct config_endpoint *endpoint = &section->listens[i];
			struct opening opening = {
				.sockets = sockets,
				.activation = activation,
				.section = section,
				.section_index = s,
				.address = endpoint->address,
				.patient_until_ms = patient_until_ms,
				.first = index++,
				.text = endpoint->text,
			};
			snprintf(opening.place, sizeof(opening.place), "%s:%u: %s listen",
				 config->files[endpoint->file], endpoint->line, section->title);
			int r = open_line(&opening);
			result = result < 0 ? result : r;
		}
	}
	return result;
}

int build_sockets(struct sockets *sockets, const struct engine *engine,
		  struct activation *activation)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < engine->section_count; i++)
		count += (uint32_t)engine->config->sections[i].listen_count;
	*sockets = (struct sockets){.count = count, .workers = engine->worker_count};
	sockets->list = calloc((size_t)count * sockets->workers + 1, sizeof(*sockets->list));
	sockets->paths = calloc(count + 1, sizeof(*sockets->paths));
	if (!sockets->list || !sockets->paths) {
		free(sockets->list);
		free(sockets->paths);
		*sockets = (struct sockets){0};
		return log_no_memory("the listening sockets");
	}
	for (size_t i = 0; i < (size_t)count * sockets->workers; i++)
		sockets->list[i].fd = -1;
	return open_all(sockets, engine, activation);
}

void build_sockets_done(struct sockets *sockets, const struct engine *engine)
{
	uint32_t line = 0;

	size_t all = sockets->list ? (size_t)sockets->count * sockets->workers : 0;

	for (size_t i = (size_t)sockets->count * sockets->taken; i < all; i++)
		if (sockets->list[i].fd >= 0)
			socket_close(sockets->list[i].fd);
	for (uint32_t s = 0; sockets->list && s < engine->section_count; s++) {
		const struct config_section *section = &engine->config->sections[s];
		for (size_t i = 0; i < section->listen_count; i++)
			listener_remove(&section->listens[i].address, &sockets->paths[line++]);
	}
	free(sockets->list);
	free(sockets->paths);
	*sockets = (struct sockets){0};
}
