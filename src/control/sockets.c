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
#define RESOLVED_MAX  64 /* addresses of one name */

/* A socket to be opened for all workers.  A listen line makes one, or one for each address of a
 * name, or one for each that systemd passed. */
struct opening {
	struct sockets *sockets;
	const struct config_section *section;
	const struct config_endpoint *endpoint;
	struct address address;
	uint32_t section_index;
	uint64_t patient_until_ms;   /* with an address in use, for all together */
	uint32_t line;               /* of all listen lines */
	uint32_t index;              /* its place in each worker's list */
	int inherited;               /* from systemd; -1: to be bound */
	char place[600];             /* "file:line: [section] listen" */
	char text[ADDRESS_TEXT_MAX]; /* "host.example:80 (192.0.2.7:80)" */
};

struct plan {
	struct opening *openings;
	uint32_t count;
};

static struct listening *slot(struct sockets *sockets, uint32_t worker, uint32_t index)
{
	return &sockets->list[(size_t)worker * sockets->count + index];
}

static void put(struct opening *opening, uint32_t worker, int fd)
{
	struct listening *listening = slot(opening->sockets, worker, opening->index);

	*listening = (struct listening){.fd = fd, .section = opening->section_index};
	/* The record of a connection names the address it came in on, whatever that is called. */
	listener_text(fd, opening->text, listening->text);
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
		r = listener_try(&opening->address, opening->endpoint);
	while (may_come_free(opening, r));
	if (r < 0) {
		/* For its explanation. */
		fd = listener_open(&opening->address, opening->endpoint,
				   &opening->section->settings, &why);
		if (fd >= 0)
			socket_close(fd);
		if (!why && r == -EADDRINUSE)
			why = "another process listens there already; `ss -lnp` shows which";
		return complain(opening, r, why);
	}
	for (uint32_t worker = 0; worker < opening->sockets->workers; worker++) {
		do
			fd = listener_open(&opening->address, opening->endpoint,
					   &opening->section->settings, &why);
		while (may_come_free(opening, fd));
		if (fd < 0)
			return complain(opening, fd, why);
		if (opening->address.kind == ADDRESS_UNIX) {
			opening->sockets->paths[opening->line] = listener_path(&opening->address);
			return share_out(opening, fd);
		}
		put(opening, worker, fd);
	}
	return 0;
}

/* ---- What there is to open ------------------------------------------------------------------- */

static int add(struct plan *plan, const struct opening *like)
{
	struct opening *more = realloc(plan->openings, (plan->count + 1) * sizeof(*more));

	if (!more) {
		log_error("%s: out of memory", like->place);
		return -ENOMEM;
	}
	plan->openings = more;
	more[plan->count] = *like;
	more[plan->count].index = plan->count;
	plan->count++;
	return 0;
}

/* A socket unit with several ListenStream= passes all of them by one name. */
static int plan_inherited(struct plan *plan, struct opening *line, struct activation *activation)
{
	int fds[INHERITED_MAX];
	int count = activation_take(activation, line->address.host, fds, INHERITED_MAX);

	if (count == -ENOTSOCK)
		return complain(line, count,
				"the socket unit must pass listening stream sockets: Accept=no");
	if (count <= 0)
		return complain(line, -ENOENT,
				"systemd passed no socket of that name; see FileDescriptorName= of "
				"the socket unit, and start that unit");
	if (count > INHERITED_MAX) {
		log_warning("%s: %d sockets bear the name %s; the first %d are used", line->place,
			    count, line->address.host, INHERITED_MAX);
		count = INHERITED_MAX;
	}
	for (int i = 0; i < count; i++) {
		line->inherited = fds[i];
		int r = add(plan, line);
		if (r < 0)
			return r;
	}
	return 0;
}

static void name_text(struct opening *line, const char *name)
{
	char number[ADDRESS_TEXT_MAX];

	address_format(&line->address, number, sizeof(number));
	if ((size_t)snprintf(line->text, sizeof(line->text), "%s (%s)", name, number) >=
	    sizeof(line->text))
		memcpy(line->text, number, sizeof(line->text));
}

/* All addresses of a name; those that this machine has not are passed over if others are left. */
static int plan_name(struct plan *plan, struct opening *line, const char *name)
{
	struct address found[RESOLVED_MAX];
	int count = resolve_listen(&line->address, line->place, found, RESOLVED_MAX), left = count;

	for (int i = 0; i < count; i++) {
		int r = listener_try(&found[i], line->endpoint);

		line->address = found[i];
		name_text(line, name);
		if (left > 1 && (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT)) {
			log_warning("%s: not listening on %s: %s; on the others of the name it is",
				    line->place, line->text, strerror(-r));
			left--;
			continue;
		}
		r = add(plan, line);
		if (r < 0)
			return r;
	}
	return count < 0 ? count : 0;
}

static int plan_line(struct plan *plan, struct opening *line, const char *text,
		     struct activation *activation)
{
	snprintf(line->text, sizeof(line->text), "%s", text);
	if (line->address.kind == ADDRESS_SYSTEMD)
		return plan_inherited(plan, line, activation);
	if (line->address.kind == ADDRESS_NAME)
		return plan_name(plan, line, text);
	return add(plan, line);
}

static int plan_all(struct plan *plan, struct sockets *sockets, const struct engine *engine,
		    struct activation *activation)
{
	const struct config *config = engine->config;
	uint64_t patient_until_ms = clock_now_ms() + PATIENCE_MS;
	uint32_t number = 0;
	int result = 0;

	for (uint32_t s = 0; s < engine->section_count; s++) {
		const struct config_section *section = &config->sections[s];

		for (size_t i = 0; i < section->listen_count; i++) {
			const struct config_endpoint *endpoint = &section->listens[i];
			struct opening line = {
				.sockets = sockets,
				.section = section,
				.section_index = s,
				.endpoint = endpoint,
				.address = endpoint->address,
				.patient_until_ms = patient_until_ms,
				.line = number++,
				.inherited = -1,
			};
			snprintf(line.place, sizeof(line.place), "%s:%u: %s listen",
				 config->files[endpoint->file], endpoint->line, section->title);
			int r = plan_line(plan, &line, endpoint->text, activation);
			result = result < 0 ? result : r;
		}
	}
	return result;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int open_inherited(struct opening *opening)
{
	int fd = listener_share(opening->inherited);

	if (fd < 0)
		return complain(opening, fd, NULL);
	/* systemd set what its unit says; on a unix socket these do nothing */
	socket_tune(fd, AF_INET, &opening->section->settings);
	return share_out(opening, fd);
}

static int open_one(struct opening *opening)
{
	int r = opening->inherited >= 0 ? open_inherited(opening) : open_own(opening);
	const char *bound = slot(opening->sockets, 0, opening->index)->text;

	if (r == 0)
		log_info("%s listens on %s%s%s%s", opening->section->title, opening->text,
			 opening->inherited >= 0 ? " (" : "", opening->inherited >= 0 ? bound : "",
			 opening->inherited >= 0 ? ")" : "");
	return r;
}

static int open_all(const struct plan *plan)
{
	int result = 0;

	for (uint32_t i = 0; i < plan->count; i++) {
		int r = open_one(&plan->openings[i]);
		result = result < 0 ? result : r;
	}
	return result;
}

static uint32_t count_lines(const struct engine *engine)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < engine->section_count; i++)
		count += (uint32_t)engine->config->sections[i].listen_count;
	return count;
}

int build_sockets(struct sockets *sockets, const struct engine *engine,
		  struct activation *activation)
{
	struct plan plan = {0};
	int r;

	*sockets = (struct sockets){.workers = engine->worker_count};
	r = plan_all(&plan, sockets, engine, activation);
	sockets->count = plan.count;
	sockets->list = calloc((size_t)plan.count * sockets->workers + 1, sizeof(*sockets->list));
	sockets->paths = calloc(count_lines(engine) + 1, sizeof(*sockets->paths));
	if (!sockets->list || !sockets->paths) {
		free(sockets->list);
		free(sockets->paths);
		*sockets = (struct sockets){0};
		r = log_no_memory("the listening sockets");
	} else {
		int opened;

		for (size_t i = 0; i < (size_t)sockets->count * sockets->workers; i++)
			sockets->list[i].fd = -1;
		opened = open_all(&plan);
		r = r < 0 ? r : opened;
	}
	free(plan.openings);
	return r;
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
