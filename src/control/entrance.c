#include "control/entrance.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/meet.h"
#include "control/keep.h"
#include "loop/socket.h"

#include "ops/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 250
#define PAUSE_MS    50
#define LEAVING_MS  5000 /* workers have closed by then what they are to leave */

void entrances_init(struct entrances *entrances, uint32_t workers)
{
	*entrances = (struct entrances){.workers = workers};
	list_init(&entrances->all);
	for (size_t i = 0; i < array_size(entrances->buckets); i++)
		list_init(&entrances->buckets[i]);
}

void entrances_be_patient(struct entrances *entrances)
{
	entrances->patient_until_ms = clock_now_ms() + PATIENCE_MS;
}

/* The sockets of a process that was killed are closed some milliseconds after its end. */
static bool may_come_free(const struct entrances *entrances, int error)
{
	if (error != -EADDRINUSE || clock_now_ms() >= entrances->patient_until_ms)
		return false;
	nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * CLOCK_NS_PER_MS}, NULL);
	return true;
}

/* ---- Finding --------------------------------------------------------------------------------- */

/* Whose path has become another's, or nobody's, is not where clients come any more. */
static bool is_still_there(const struct entrance *entrance)
{
	struct bind_path now = bind_path(&entrance->address);

	return !entrance->path.inode ||
	       (now.inode == entrance->path.inode && now.device == entrance->path.device);
}

/* The number of the interface that it is to be bound to; 0: none, or it is not there. */
static uint32_t device_of(const struct entrance_wish *wish)
{
	return *wish->line->interface ? if_nametoindex(wish->line->interface)
				      : address_scope(wish->address);
}

/* One that is made anew is another one, and nothing comes to the sockets of the old one. */
static bool is_on_device(const struct entrance *entrance, const struct entrance_wish *wish)
{
	return !strcmp(entrance->interface, wish->line->interface) &&
	       entrance->device == device_of(wish);
}

static bool is_meant(const struct entrance *entrance, const struct entrance_wish *wish)
{
	if (entrance->left || entrance->inherited != wish->inherited)
		return false;
	return wish->inherited >= 0 || (address_is_same(&entrance->address, wish->address) &&
					is_on_device(entrance, wish) && is_still_there(entrance));
}

/* Those that meet are in one: of a port, or a path. */
static struct list *bucket_of(struct entrances *entrances, const struct address *address)
{
	uint32_t hash = address->port;

	if (address->kind == ADDRESS_UNIX)
		hash = hash_bytes(HASH_BEGIN, &address->u, address->length);
	return &entrances->buckets[hash % array_size(entrances->buckets)];
}

struct entrance *entrance_find(struct entrances *entrances, const struct entrance_wish *wish,
			       const void *reading)
{
	struct list *bucket = bucket_of(entrances, wish->address);

	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct entrance *entrance = container_of(node, struct entrance, same);

		if (entrance->claimed == reading || !is_meant(entrance, wish))
			continue;
		entrance->claimed = reading;
		entrance->users++;
		return entrance;
	}
	return NULL;
}

/* One that is left may still be closed by workers, and another reading is to follow it. */
static bool is_in_the_way(const struct entrance *entrance, bool own)
{
	return !entrance->left || (!own && clock_now_ms() - entrance->left_ms < LEAVING_MS);
}

/* Whether an entrance has the address that is, or is not, this reading's. */
static bool meets(struct entrances *entrances, const struct entrance_wish *wish,
		  const void *reading, bool own)
{
	struct list *bucket = bucket_of(entrances, wish->address);

	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		const struct entrance *entrance = container_of(node, struct entrance, same);

		if (is_in_the_way(entrance, own) && (entrance->claimed == reading) == own &&
		    meet_as_listeners(&entrance->address, wish->address) &&
		    meet_on_interfaces(entrance->interface, wish->line->interface))
			return true;
	}
	return false;
}

/* Whether who connects to it would be the wish's, were it not there. */
static bool is_narrower(const struct entrance *entrance, const struct entrance_wish *wish)
{
	const char *interface = wish->line->interface;

	if (*interface && strcmp(interface, entrance->interface) != 0)
		return false;
	return meet_covers(wish->address, &entrance->address) ||
	       (!*interface && *entrance->interface &&
		address_is_same(&entrance->address, wish->address));
}

struct entrance *entrance_follow(struct entrances *entrances, const struct entrance_wish *wish,
				 const void *reading)
{
	struct list *bucket = bucket_of(entrances, wish->address);

	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct entrance *entrance = container_of(node, struct entrance, same);

		if (entrance->left || !entrance->offered || entrance->inherited >= 0 ||
		    entrance->claimed == reading || !is_narrower(entrance, wish))
			continue;
		entrance->claimed = reading;
		entrance->users++;
		return entrance;
	}
	return NULL;
}

/* ---- Binding --------------------------------------------------------------------------------- */

/* The same socket for all workers from there on: unix paths, and what systemd opened. */
static int share_out(struct entrance *entrance, uint32_t first, uint32_t workers)
{
	for (uint32_t i = first; i < workers; i++) {
		int fd = bind_share(entrance->sockets[0].fd);

		if (fd < 0)
			return fd;
		entrance->sockets[i].fd = fd;
	}
	return 0;
}

/* The kernel chooses one that is free. */
static bool is_any_port(const struct address *address)
{
	return address->kind != ADDRESS_UNIX && address->port == 0;
}

/*
 * Whether it is free.  A socket of our own that does not listen yet is not in the way of the
 * trial, and one that another reading has may be: this one is to follow it.
 */
static int try_address(struct entrances *entrances, const struct entrance_wish *wish,
		       const void *reading)
{
	int r;

	if (!is_any_port(wish->address) && meets(entrances, wish, reading, true))
		return -EADDRINUSE;
	do
		r = bind_try(wish->address, wish->line);
	while (may_come_free(entrances, r));
	return r == -EADDRINUSE && meets(entrances, wish, reading, false) ? 0 : r;
}

static int bind_own(struct entrances *entrances, const struct entrance_wish *wish,
		    struct entrance *entrance, const char **ret_why)
{
	int r = try_address(entrances, wish, entrance->claimed), fd;

	if (r < 0) {
		/* For its explanation. */
		fd = bind_open(wish->address, wish->line, wish->settings, ret_why);
		if (fd >= 0)
			socket_close(fd);
		if (!*ret_why && r == -EADDRINUSE)
			*ret_why = fault_advice(FAULT_AT_BIND, r);
		return r;
	}
	for (uint32_t i = 0; i < entrances->workers; i++) {
		do
			fd = bind_open(wish->address, wish->line, wish->settings, ret_why);
		while (may_come_free(entrances, fd));
		if (fd < 0)
			return fd;
		entrance->sockets[i].fd = fd;
		if (wish->address->kind == ADDRESS_UNIX) {
			entrance->path = bind_path(wish->address);
			return share_out(entrance, 1, entrances->workers);
		}
	}
	return 0;
}

static int bind_inherited(const struct entrances *entrances, const struct entrance_wish *wish,
			  struct entrance *entrance)
{
	int fd = bind_share(wish->inherited);

	if (fd < 0)
		return fd;
	entrance->sockets[0].fd = fd;
	/* systemd set what its unit says; on a unix socket these do nothing */
	socket_tune(fd, AF_INET, wish->settings);
	return share_out(entrance, 1, entrances->workers);
}

static void close_sockets(const struct entrances *entrances, struct entrance *entrance)
{
	for (uint32_t i = 0; i < entrances->workers; i++)
		if (entrance->sockets[i].fd >= 0)
			socket_close(entrance->sockets[i].fd);
}

static void remember(struct entrance *entrance, const struct entrance_wish *wish)
{
	entrance->backlog = bind_backlog(wish->line, wish->settings);
	entrance->tos = wish->line->tos;
	entrance->defer_accept = wish->line->defer_accept;
	free(entrance->options);
	entrance->options = wish->line->options ? strdup(wish->line->options) : NULL;
	entrance->keepalive_ms = wish->settings->keepalive_ms;
	entrance->user_timeout_ms = wish->settings->user_timeout_ms;
	entrance->mode = wish->line->mode;
	entrance->owner = wish->line->owner;
	entrance->group = wish->line->group;
}

/* With no sockets yet. */
static struct entrance *make(const struct entrances *entrances, const void *reading)
{
	size_t size = sizeof(struct entrance) + entrances->workers * sizeof(struct accept_socket);
	struct entrance *entrance = aligned_alloc(_Alignof(struct entrance), size);

	if (!entrance)
		return NULL;
	*entrance = (struct entrance){.claimed = reading};
	for (uint32_t i = 0; i < entrances->workers; i++)
		entrance->sockets[i] = (struct accept_socket){.fd = -1, .text = entrance->text};
	return entrance;
}

static void add(struct entrances *entrances, struct entrance *entrance,
		const struct entrance_wish *wish)
{
	/* The record of a connection names the address it came in on, whatever that is called. */
	bind_text(entrance->sockets[0].fd, wish->text, entrance->text);
	entrance->address = *wish->address;
	entrance->inherited = wish->inherited;
	entrance->device = device_of(wish);
	memcpy(entrance->interface, wish->line->interface, sizeof(entrance->interface));
	entrance->users = 1;
	remember(entrance, wish);
	list_push(&entrances->all, &entrance->link);
	list_push(bucket_of(entrances, wish->address), &entrance->same);
	entrances->count++;
}

int entrance_bind(struct entrances *entrances, const struct entrance_wish *wish,
		  const void *reading, struct entrance **ret_entrance, const char **ret_why)
{
	struct entrance *entrance = make(entrances, reading);
	int r;

	*ret_why = NULL;
	if (!entrance)
		return -ENOMEM;
	r = wish->inherited >= 0 ? bind_inherited(entrances, wish, entrance)
				 : bind_own(entrances, wish, entrance, ret_why);
	if (r < 0) {
		bind_remove(wish->address, &entrance->path);
		close_sockets(entrances, entrance);
		free(entrance);
		return r;
	}
	add(entrances, entrance, wish);
	*ret_entrance = entrance;
	return 0;
}

/* ---- From one process to the next ------------------------------------------------------------ */

/* Sockets of the group for workers that there were not before; of a path there is one. */
static int fill_up(const struct entrances *entrances, const struct entrance_wish *wish,
		   struct entrance *entrance, uint32_t count)
{
	const char *why;

	if (wish->address->kind == ADDRESS_UNIX)
		return share_out(entrance, 1, entrances->workers);
	for (uint32_t i = count; i < entrances->workers; i++) {
		int fd = bind_open(wish->address, wish->line, wish->settings, &why);

		if (fd < 0)
			return fd;
		entrance->sockets[i].fd = fd;
	}
	return 0;
}

struct entrance *entrance_adopt(struct entrances *entrances, const struct entrance_wish *wish,
				const void *reading, struct activation *activation)
{
	struct bind_path path = bind_path(wish->address);
	struct entrance *entrance = NULL;
	char name[KEEP_NAME_MAX];
	uint32_t count = 0;
	const char *why;
	int *fds = NULL;

	if (!keep_is_on() || wish->inherited >= 0 || !activation->count ||
	    !keep_name(wish->address, wish->line, &path, device_of(wish), name))
		return NULL;
	fds = calloc(entrances->workers, sizeof(*fds));
	if (fds)
		count = activation_adopt(activation, name, fds, entrances->workers);
	if (count)
		entrance = make(entrances, reading);
	for (uint32_t i = 0; i < count && entrance; i++)
		entrance->sockets[i].fd = fds[i];
	for (uint32_t i = 0; i < count && !entrance; i++)
		socket_close(fds[i]);
	free(fds);
	if (!entrance)
		return NULL;
	entrance->kept = strdup(name);
	if (!entrance->kept || fill_up(entrances, wish, entrance, count) < 0) {
		close_sockets(entrances, entrance);
		free(entrance->kept);
		free(entrance);
		notify_forget(name);
		return NULL;
	}
	for (uint32_t i = 0; i < entrances->workers; i++)
		bind_tune(entrance->sockets[i].fd, wish->address->u.any.sa_family, wish->line,
			  wish->settings);
	entrance->path = path;
	if (path.inode)
		(void)!bind_rights(wish->address, &path, wish->line, &why);
	add(entrances, entrance, wish);
	return entrance;
}

/* Which workers share is one for the store, too, that has each open file once. */
static void keep(const struct entrances *entrances, struct entrance *entrance)
{
	struct config_endpoint line = {.options = entrance->options};
	char name[KEEP_NAME_MAX];
	int *fds;

	if (!keep_is_on() || entrance->inherited >= 0 ||
	    !keep_name(&entrance->address, &line, &entrance->path, entrance->device, name))
		return;
	fds = calloc(entrances->workers, sizeof(*fds));
	entrance->kept = fds ? strdup(name) : NULL;
	for (uint32_t i = 0; i < entrances->workers && entrance->kept; i++)
		fds[i] = entrance->sockets[i].fd;
	if (entrance->kept)
		notify_store(name, fds,
			     entrance->address.kind == ADDRESS_UNIX ? 1 : entrances->workers);
	free(fds);
}

void entrance_offered(struct entrances *entrances, struct entrance *entrance)
{
	entrances->serving = true;
	if (!entrance->offered)
		keep(entrances, entrance);
	entrance->offered = true;
}

/* The next process finds it, unless this one does without it. */
static bool stays(const struct entrances *entrances, const struct entrance *entrance)
{
	return entrance->kept && !entrance->left && !entrances->serving;
}

static void forget(struct entrance *entrance)
{
	if (entrance->kept)
		notify_forget(entrance->kept);
	free(entrance->kept);
	entrance->kept = NULL;
}

/* Its line may have other options by now, and so another name. */
static void keep_again(const struct entrances *entrances, struct entrance *entrance)
{
	struct config_endpoint line = {.options = entrance->options};
	char name[KEEP_NAME_MAX];

	if (!entrance->kept ||
	    (keep_name(&entrance->address, &line, &entrance->path, entrance->device, name) &&
	     !strcmp(name, entrance->kept)))
		return;
	forget(entrance);
	keep(entrances, entrance);
}

/* ---- Listening ------------------------------------------------------------------------------- */

static bool is_tuned(const struct entrance *entrance, const struct entrance_wish *wish)
{
	const struct config_settings *settings = wish->settings;

	return entrance->backlog == bind_backlog(wish->line, settings) &&
	       entrance->tos == wish->line->tos &&
	       entrance->defer_accept == wish->line->defer_accept &&
	       entrance->keepalive_ms == settings->keepalive_ms &&
	       entrance->user_timeout_ms == settings->user_timeout_ms;
}

static bool has_rights(const struct entrance *entrance, const struct config_endpoint *line)
{
	return entrance->mode == line->mode && entrance->owner == line->owner &&
	       entrance->group == line->group;
}

/*
 * Accepted sockets inherit from the listening one; a backlog is changed by listening again.
 * What was not asked for before is not taken back: a socket unit may have it on.
 */
static void tune(const struct entrances *entrances, struct entrance *entrance,
		 const struct entrance_wish *wish)
{
	sa_family_t family = entrance->address.u.any.sa_family;
	struct config_settings kept = *wish->settings;

	if (!entrance->keepalive_ms)
		kept.keepalive_ms = 1;
	if (!entrance->user_timeout_ms)
		kept.user_timeout_ms = 1;
	for (uint32_t i = 0; i < entrances->workers && !is_tuned(entrance, wish); i++) {
		int fd = entrance->sockets[i].fd;

		socket_untune(fd, &kept);
		if (entrance->inherited >= 0) {
			socket_tune(fd, family, wish->settings);
			continue;
		}
		bind_tune(fd, family, wish->line, wish->settings);
		(void)listen(fd, (int)bind_backlog(wish->line, wish->settings));
	}
}

static int change(const struct entrances *entrances, struct entrance *entrance,
		  const struct entrance_wish *wish, const char **ret_why)
{
	int r = 0;

	if (entrance->path.inode && !has_rights(entrance, wish->line))
		r = bind_rights(&entrance->address, &entrance->path, wish->line, ret_why);
	if (r < 0)
		return r;
	tune(entrances, entrance, wish);
	remember(entrance, wish);
	keep_again(entrances, entrance);
	return 0;
}

int entrance_listen(const struct entrances *entrances, struct entrance *entrance,
		    const struct entrance_wish *wish, const char **ret_why)
{
	*ret_why = NULL;
	if (entrance->offered)
		return change(entrances, entrance, wish, ret_why);
	for (uint32_t i = 0; i < entrances->workers && entrance->inherited < 0; i++) {
		int r = bind_listen(entrance->sockets[i].fd, wish->line, wish->settings, ret_why);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

/* Remove its file, unless that has become another's. */
static void remove_file(struct entrance *entrance)
{
	bind_remove(&entrance->address, &entrance->path);
	entrance->path = (struct bind_path){0};
}

void entrance_put(struct entrances *entrances, struct entrance *entrance)
{
	if (--entrance->users)
		return;
	if (!stays(entrances, entrance)) {
		forget(entrance);
		remove_file(entrance);
	}
	if (!entrance->offered)
		close_sockets(entrances, entrance);
	list_remove(&entrance->link);
	list_remove(&entrance->same);
	entrances->count -= !entrance->left;
	free(entrance->kept);
	free(entrance->options);
	free(entrance);
}

void entrances_close(struct entrances *entrances)
{
	assert(list_is_empty(&entrances->all)); /* whoever named one has put it back */
	*entrances = (struct entrances){0};
}

uint64_t entrance_accepted(const struct entrances *entrances, const struct entrance *entrance)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < entrances->workers; i++)
		sum += atomic_load_explicit(&entrance->sockets[i].accepted, memory_order_relaxed);
	return sum;
}

uint32_t entrances_unclaimed(const struct entrances *entrances, const void *reading,
			     uint32_t worker, struct accept_socket **ret_sockets)
{
	uint32_t count = 0;

	for (struct list *node = entrances->all.next; node != &entrances->all; node = node->next) {
		struct entrance *entrance = container_of(node, struct entrance, link);

		if (entrance->claimed == reading || !entrance->offered || entrance->left)
			continue;
		if (ret_sockets)
			ret_sockets[count] = &entrance->sockets[worker];
		count++;
	}
	return count;
}

void entrances_leave_unclaimed(struct entrances *entrances, const void *reading)
{
	for (struct list *node = entrances->all.next; node != &entrances->all; node = node->next) {
		struct entrance *entrance = container_of(node, struct entrance, link);

		if (entrance->claimed == reading || !entrance->offered || entrance->left)
			continue;
		forget(entrance);
		remove_file(entrance);
		entrance->left = true;
		entrance->left_ms = clock_now_ms();
		entrances->count--;
	}
}
