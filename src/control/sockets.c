#include "control/sockets.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/meet.h"
#include "control/build.h"
#include "control/keep.h"
#include "control/resolve.h"
#include "loop/socket.h"
#include "session/hop.h"

#include "ops/log.h"
#include "ops/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INHERITED_MAX 64 /* sockets of one name */
#define AGAIN_MS      1000
#define AGAIN_MAX_MS  5000

/* What an opening has come to. */
enum opening_state {
	OPENING_SPARE, /* for an address that a name will have */
	OPENING_NEW,
	OPENING_WAITS, /* for the address to be this machine's */
	OPENING_DONE,
};

/* A socket to be opened for all workers.  A listen line makes one, or one for each address of a
 * name, or one for each that systemd passed. */
struct opening {
	enum opening_state state;
	const struct config_section *section;
	const struct config_endpoint *endpoint;
	struct address address; /* of one from systemd, what it is bound to */
	uint32_t section_index;
	int inherited;                 /* from systemd; -1: to be bound */
	uint64_t again_ms;             /* OPENING_WAITS: when to try again */
	uint32_t patience_ms;          /* ... and how long after that */
	char place[RESOLVE_PLACE_MAX]; /* "file:line: [section] listen" */
	char text[ADDRESS_TEXT_MAX];   /* "host.example:80 (192.0.2.7:80)" */
	struct entrance *entrance;     /* OPENING_DONE */
};

/*
 * 127.0.0.1:80 was listened on, and now 0.0.0.0:80 is: the narrower sockets get the
 * connections as long as they are open, and are led where the wide ones lead.
 */
struct follower {
	struct entrance *entrance;
	const struct config_endpoint *endpoint; /* that listens there now */
	uint32_t section_index;
};

static struct entrance_wish wish_of(const struct opening *opening)
{
	return (struct entrance_wish){
		.address = &opening->address,
		.line = opening->endpoint,
		.settings = &opening->section->settings,
		.inherited = opening->inherited,
		.text = opening->text,
	};
}

static int complain(const struct opening *opening, int error, const char *why)
{
	log_error("%s: cannot listen on %s: %s%s%s%s", opening->place, opening->text,
		  strerror(-error), why ? " (" : "", why ? why : "", why ? ")" : "");
	return build_of_system(error);
}

/* Another line of ours that has the address, as *ret_why. */
static void find_own(const struct sockets *sockets, const struct opening *opening, char *text,
		     size_t size, const char **ret_why)
{
	for (uint32_t i = 0; i < sockets->count; i++) {
		const struct opening *other = &sockets->openings[i];

		if (other == opening || other->state != OPENING_DONE ||
		    !meet_as_listeners(&other->address, &opening->address) ||
		    !meet_on_interfaces(other->endpoint->interface, opening->endpoint->interface))
			continue;
		snprintf(text, size, "%s already listens there, as %s", other->place, other->text);
		*ret_why = text;
		return;
	}
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void try_again(struct opening *opening)
{
	if (opening->state != OPENING_WAITS)
		opening->patience_ms = AGAIN_MS;
	opening->state = OPENING_WAITS;
	opening->again_ms = clock_now_ms() + opening->patience_ms;
	opening->patience_ms *= 2;
	if (opening->patience_ms > AGAIN_MAX_MS)
		opening->patience_ms = AGAIN_MAX_MS;
}

/* An address may come later, with the network or from another machine, and so may an interface. */
static int wait_for_address(struct opening *opening, int error)
{
	if (opening->state != OPENING_WAITS && error == -ENODEV)
		log_warning("%s: not listening on %s: this machine has no interface %s; that is "
			    "tried again until it has (`ip link` shows them)",
			    opening->place, opening->text,
			    *opening->endpoint->interface ? opening->endpoint->interface
							  : opening->address.host);
	else if (opening->state != OPENING_WAITS)
		log_warning("%s: not listening on %s: %s (no interface of this machine has that "
			    "address); that is tried again until one has; `freebind` does not wait",
			    opening->place, opening->text, strerror(-error));
	try_again(opening);
	return 0;
}

static void tell(const struct opening *opening)
{
	const struct entrance *entrance = opening->entrance;
	bool inherited = opening->inherited >= 0;

	log_info("%s listens on %s%s%s%s", opening->section->title, opening->text,
		 inherited ? " (" : "", inherited ? entrance->text : "", inherited ? ")" : "");
}

/* A reload leaves some for a moment that it does not name. */
static int no_room(const struct opening *opening)
{
	log_error("%s: there are %d listening sockets already, the most that a worker has; reload "
		  "again in a moment, when those of before are closed",
		  opening->place, LISTENERS_MAX);
	return -E2BIG;
}

static int open_one(struct sockets *sockets, struct opening *opening)
{
	char text[RESOLVE_PLACE_MAX + ADDRESS_TEXT_MAX + 40];
	struct entrance_wish wish = wish_of(opening);
	const char *why;
	int r;

	if (sockets->entrances->count >= LISTENERS_MAX)
		return no_room(opening);
	r = entrance_bind(sockets->entrances, &wish, sockets, &opening->entrance, &why);
	if (r == -ENOMEM)
		return log_no_memory("the listening sockets");
	if (r == 0)
		opening->state = OPENING_DONE;
	if (r == -EADDRNOTAVAIL || r == -ENODEV)
		return wait_for_address(opening, r);
	if (r == -EADDRINUSE)
		find_own(sockets, opening, text, sizeof(text), &why);
	/* One that is tried again has been complained of. */
	return r == 0 || opening->state == OPENING_WAITS ? r : complain(opening, r, why);
}

/* Those that the process has already. */
static void find_all(struct sockets *sockets)
{
	for (uint32_t i = 0; i < sockets->count; i++) {
		struct opening *opening = &sockets->openings[i];
		struct entrance_wish wish = wish_of(opening);

		if (opening->state != OPENING_NEW)
			continue;
		opening->entrance = entrance_find(sockets->entrances, &wish, sockets);
		if (opening->entrance)
			opening->state = OPENING_DONE;
	}
}

/* Those that systemd has kept; what it has kept of others is not wanted any more. */
static void adopt_all(struct sockets *sockets, struct activation *activation)
{
	for (uint32_t i = 0; i < sockets->count; i++) {
		struct opening *opening = &sockets->openings[i];
		struct entrance_wish wish = wish_of(opening);

		if (opening->state != OPENING_NEW)
			continue;
		opening->entrance = entrance_adopt(sockets->entrances, &wish, sockets, activation);
		if (opening->entrance)
			opening->state = OPENING_DONE;
	}
	activation_drop(activation, keep_is_name, notify_forget);
}

static int open_all(struct sockets *sockets)
{
	int result = 0;

	for (uint32_t i = 0; i < sockets->count; i++) {
		int r = sockets->openings[i].state == OPENING_NEW
				? open_one(sockets, &sockets->openings[i])
				: 0;
		result = result < 0 ? result : r;
	}
	return result;
}

static int follow(struct sockets *sockets, const struct opening *opening)
{
	struct entrance_wish wish = wish_of(opening);
	struct entrance *entrance;

	while ((entrance = entrance_follow(sockets->entrances, &wish, sockets))) {
		size_t count = sockets->follower_count + 1;
		struct follower *more = realloc(sockets->followers, count * sizeof(*more));

		if (!more) {
			entrance->claimed = NULL;
			entrance_put(sockets->entrances, entrance);
			return log_no_memory("the listening sockets");
		}
		sockets->followers = more;
		more[sockets->follower_count++] = (struct follower){
			.entrance = entrance,
			.endpoint = opening->endpoint,
			.section_index = opening->section_index,
		};
	}
	return 0;
}

static int follow_all(struct sockets *sockets)
{
	int r = 0;

	for (uint32_t i = 0; i < sockets->count && r == 0; i++)
		if (sockets->openings[i].state == OPENING_DONE)
			r = follow(sockets, &sockets->openings[i]);
	return r;
}

/* What could not be changed of one that listens already is no reason not to go on with it. */
static int listen_on(struct sockets *sockets, struct opening *opening)
{
	struct entrance_wish wish = wish_of(opening);
	const char *why;
	int r = entrance_listen(sockets->entrances, opening->entrance, &wish, &why);

	if (r < 0 && !opening->entrance->offered)
		return complain(opening, r, why);
	if (!opening->entrance->offered)
		tell(opening);
	if (r == 0)
		return 0;
	log_warning("%s: cannot change the rights of %s: %s%s%s%s; it stays as it is",
		    opening->place, opening->text, strerror(-r), why ? " (" : "", why ? why : "",
		    why ? ")" : "");
	return 0;
}

/* ---- What there is to open ------------------------------------------------------------------- */

static int add(struct sockets *sockets, const struct opening *like)
{
	struct opening *more;

	if (sockets->count == LISTENERS_MAX) {
		log_error("%s: that is more than %d listening sockets in all, the most that a "
			  "worker has; listen on fewer addresses, or on a port of all of them",
			  like->place, LISTENERS_MAX);
		return -E2BIG;
	}
	/* Room for twice as many at each power of two, and at first for one. */
	more = sockets->openings;
	if ((sockets->count & (sockets->count - 1)) == 0)
		more = realloc(more, (sockets->count ? 2 * sockets->count : 1) * sizeof(*more));
	if (!more) {
		log_error("%s: out of memory", like->place);
		return -ENOMEM;
	}
	sockets->openings = more;
	more[sockets->count++] = *like;
	return 0;
}

/* A socket unit with several ListenStream= passes all of them by one name. */
static int plan_inherited(struct sockets *sockets, struct opening *line,
			  struct activation *activation)
{
	int fds[INHERITED_MAX];
	int count = activation_take(activation, line->address.host, fds, INHERITED_MAX);

	if (count <= 0) {
		int error = count == 0 ? -ENOENT : count;
		return complain(line, error, fault_advice(FAULT_AT_PASSED, error));
	}
	if (count > INHERITED_MAX) {
		log_warning("%s: %d sockets bear the name %s; the first %d are used", line->place,
			    count, line->address.host, INHERITED_MAX);
		count = INHERITED_MAX;
	}
	for (int i = 0; i < count; i++) {
		line->inherited = fds[i];
		bind_address(fds[i], &line->address);
		int r = add(sockets, line);
		if (r < 0)
			return r;
	}
	return 0;
}

static void name_text(struct opening *line)
{
	char number[ADDRESS_TEXT_MAX];

	address_format(&line->address, number, sizeof(number));
	if ((size_t)snprintf(line->text, sizeof(line->text), "%s (%s)", line->endpoint->text,
			     number) >= sizeof(line->text))
		memcpy(line->text, number, sizeof(line->text));
}

/* Of the next address of a name; those of a family that this machine has not are passed over. */
static bool fill_named(struct opening *line, const struct resolution *answer, uint32_t *next)
{
	while (*next < answer->set.count) {
		int r;

		name_record_address(&answer->set.records[(*next)++], &line->address);
		name_text(line);
		r = bind_try(&line->address, line->endpoint);
		if (r != -EAFNOSUPPORT || answer->set.count == 1)
			return true;
		log_warning("%s: not listening on %s: %s; on the others of the name it is",
			    line->place, line->text, strerror(-r));
	}
	return false;
}

/* All addresses of a name, or room for as many while it is not answered. */
static int plan_name(struct sockets *sockets, struct opening *line, const struct resolution *answer)
{
	uint32_t next = 0;
	int r = 0;

	if (!answer) {
		line->state = OPENING_SPARE;
		for (int i = 0; i < RESOLVE_LISTENS_MAX && r == 0; i++)
			r = add(sockets, line);
		return r;
	}
	while (r == 0 && fill_named(line, answer, &next))
		r = add(sockets, line);
	return r;
}

static int plan_line(struct sockets *sockets, struct opening *line, struct resolver *resolver,
		     struct activation *activation)
{
	snprintf(line->text, sizeof(line->text), "%s", line->endpoint->text);
	if (line->address.kind == ADDRESS_SYSTEMD)
		return plan_inherited(sockets, line, activation);
	if (line->address.kind == ADDRESS_NAME)
		return plan_name(sockets, line, resolver_answer(resolver, line->endpoint));
	return add(sockets, line);
}

static int plan_section(struct sockets *sockets, size_t index, struct resolver *resolver,
			struct activation *activation)
{
	const struct config_section *section = &sockets->config->sections[index];
	int result = 0, r;

	for (size_t i = 0; i < section->listen_count && result != -E2BIG; i++) {
		const struct config_endpoint *endpoint = &section->listens[i];
		struct opening line = {
			.state = OPENING_NEW,
			.section = section,
			.section_index = (uint32_t)index,
			.endpoint = endpoint,
			.address = endpoint->address,
			.inherited = -1,
		};

		resolve_place(sockets->config, section, endpoint, true, line.place);
		r = plan_line(sockets, &line, resolver, activation);
		result = result < 0 ? result : r;
	}
	return result;
}

/* ---- For main and the supervisor ------------------------------------------------------------- */

int sockets_open(struct sockets *sockets, const struct config *config, struct entrances *entrances,
		 struct resolver *resolver, struct activation *activation)
{
	int result = 0, r;

	*sockets = (struct sockets){.config = config, .entrances = entrances};
	for (size_t i = 0; i < config->section_count && result != -E2BIG; i++) {
		r = plan_section(sockets, i, resolver, activation);
		result = result < 0 ? result : r;
	}
	if (result == -E2BIG)
		return -EINVAL;
	/* All that are there first: a new one may get in the way of one that comes later. */
	find_all(sockets);
	adopt_all(sockets, activation);
	r = open_all(sockets);
	if (r == 0)
		r = follow_all(sockets);
	return result < 0 ? result : r;
}

/* Narrower sockets are as those that they follow, but for their rights: they have none. */
static void tune_follower(struct sockets *sockets, const struct follower *follower)
{
	const struct config_section *section = &sockets->config->sections[follower->section_index];
	const struct entrance_wish wish = {
		.address = &follower->entrance->address,
		.line = follower->endpoint,
		.settings = &section->settings,
		.inherited = -1,
		.text = follower->entrance->text,
	};
	const char *why;

	(void)!entrance_listen(sockets->entrances, follower->entrance, &wish, &why);
}

/* Those that listen already, or those that do not. */
static int listen_all(struct sockets *sockets, bool offered)
{
	int result = 0, r;

	for (uint32_t i = 0; i < sockets->count; i++) {
		struct opening *opening = &sockets->openings[i];

		if (!opening->entrance || opening->entrance->offered != offered)
			continue;
		r = listen_on(sockets, opening);
		result = result < 0 ? result : r;
	}
	return result;
}

int sockets_listen(struct sockets *sockets)
{
	/* What fails is first: then nothing is changed of those that are there. */
	int r = listen_all(sockets, false);

	if (r == 0)
		r = listen_all(sockets, true);
	for (uint32_t i = 0; i < sockets->follower_count && r == 0; i++)
		tune_follower(sockets, &sockets->followers[i]);
	return r;
}

/* What it has of the process's, one after the other; NULL behind the last. */
static struct entrance *entrance_at(const struct sockets *sockets, uint32_t *index)
{
	while (*index < sockets->count) {
		struct entrance *entrance = sockets->openings[(*index)++].entrance;

		if (entrance)
			return entrance;
	}
	return *index < sockets->count + sockets->follower_count
		       ? sockets->followers[(*index)++ - sockets->count].entrance
		       : NULL;
}

void sockets_close(struct sockets *sockets)
{
	struct entrance *entrance;
	uint32_t i = 0;

	while ((entrance = entrance_at(sockets, &i))) {
		/* Another reading may come to be where this one was. */
		if (entrance->claimed == sockets)
			entrance->claimed = NULL;
		entrance_put(sockets->entrances, entrance);
	}
	free(sockets->followers);
	free(sockets->openings);
	*sockets = (struct sockets){0};
}

void sockets_claim(struct sockets *sockets)
{
	struct entrance *entrance;
	uint32_t i = 0;

	while ((entrance = entrance_at(sockets, &i)))
		entrance->claimed = sockets;
}

void sockets_prepare_hops(const struct sockets *sockets, struct edition *edition)
{
	for (uint32_t i = 0; i < sockets->count; i++) {
		const struct opening *opening = &sockets->openings[i];

		if (opening->entrance)
			hop_prepare_listener(edition, &edition->sections[opening->section_index],
					     opening->entrance->sockets[0].fd);
	}
}

static void offer(struct accept_order *order, struct entrance *entrance, uint32_t worker,
		  const struct section *section)
{
	order->offers[order->count++] = (struct accept_offer){
		.socket = &entrance->sockets[worker],
		.section = section,
		.fresh = !entrance->offered,
	};
}

int sockets_offer(const struct sockets *sockets, const struct edition *edition, uint32_t worker,
		  bool all, struct accept_order *order)
{
	order->count = 0;
	order->offers =
		calloc(sockets->count + sockets->follower_count + 1, sizeof(*order->offers));
	if (!order->offers)
		return -ENOMEM;
	for (uint32_t i = 0; i < sockets->count; i++) {
		const struct opening *opening = &sockets->openings[i];

		if (opening->entrance && (all || !opening->entrance->offered))
			offer(order, opening->entrance, worker,
			      &edition->sections[opening->section_index]);
	}
	for (uint32_t i = 0; i < sockets->follower_count && all; i++)
		offer(order, sockets->followers[i].entrance, worker,
		      &edition->sections[sockets->followers[i].section_index]);
	return 0;
}

void sockets_offered(struct sockets *sockets)
{
	struct entrance *entrance;
	uint32_t i = 0;

	while ((entrance = entrance_at(sockets, &i)))
		entrance_offered(sockets->entrances, entrance);
}

void sockets_offer_back(struct accept_order *order)
{
	for (uint32_t i = 0; i < order->count; i++) {
		struct accept_offer *offer = &order->offers[i];

		if (!offer->fresh || offer->taken)
			continue;
		socket_close(offer->socket->fd);
		offer->socket->fd = -1;
	}
	free(order->offers);
	order->offers = NULL;
}

static uint32_t count_of(const struct sockets *sockets, enum opening_state state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sockets->count; i++)
		count += sockets->openings[i].state == state;
	return count;
}

const struct entrance *sockets_entrance(const struct sockets *sockets, uint32_t index,
					const struct config_section **ret_section)
{
	*ret_section = sockets->openings[index].section;
	return sockets->openings[index].entrance;
}

uint32_t sockets_listening(const struct sockets *sockets)
{
	return count_of(sockets, OPENING_DONE);
}

uint32_t sockets_waiting(const struct sockets *sockets)
{
	return count_of(sockets, OPENING_WAITS);
}

void sockets_extend(struct sockets *sockets, const struct resolution *answer)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < sockets->count; i++) {
		struct opening *opening = &sockets->openings[i];

		if (opening->endpoint != answer->endpoint || opening->state != OPENING_SPARE)
			continue;
		if (!fill_named(opening, answer, &next))
			return;
		opening->state = OPENING_NEW;
	}
}

uint64_t sockets_due_ms(const struct sockets *sockets)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < sockets->count; i++) {
		const struct opening *opening = &sockets->openings[i];

		if (opening->state == OPENING_WAITS && opening->again_ms < due)
			due = opening->again_ms;
	}
	return due;
}

/* One that comes late, and not for a start or a reload to fail. */
static bool open_late(struct sockets *sockets, struct opening *opening)
{
	if (open_one(sockets, opening) == 0 && opening->entrance &&
	    listen_on(sockets, opening) < 0) {
		entrance_put(sockets->entrances, opening->entrance);
		opening->entrance = NULL;
	}
	if (!opening->entrance && opening->state != OPENING_WAITS)
		opening->state = OPENING_SPARE; /* it has been said */
	return opening->entrance;
}

bool sockets_turn(struct sockets *sockets, uint64_t now_ms)
{
	bool any = false;

	for (uint32_t i = 0; i < sockets->count; i++) {
		struct opening *opening = &sockets->openings[i];

		if (opening->state == OPENING_NEW ||
		    (opening->state == OPENING_WAITS && now_ms >= opening->again_ms))
			any |= open_late(sockets, opening);
	}
	return any;
}
