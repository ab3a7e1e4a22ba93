#include "control/names.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)512 * 1024) /* modules of nsswitch.conf are not modest */

struct look_up {
	struct look_up *next;
	char host[sizeof(((struct address *)0)->host)];
	uint16_t port;
	struct name_answer answer;
};

/* In the order in which they came. */
struct look_ups {
	struct look_up *first, **last;
};

struct names {
	pthread_mutex_t lock; /* of all below */
	struct look_ups asked, answered;
	unsigned threads; /* each holds the whole until it has ended */
	bool closed;      /* whoever is last frees it */
	int fd;
};

static void append(struct look_ups *list, struct look_up *one)
{
	one->next = NULL;
	*list->last = one;
	list->last = &one->next;
}

static struct look_up *take_first(struct look_ups *list)
{
	struct look_up *one = list->first;

	if (one) {
		list->first = one->next;
		if (!list->first)
			list->last = &list->first;
	}
	return one;
}

static void free_look_up(struct look_up *one)
{
	free(one->answer.addresses);
	free(one);
}

static void free_names(struct names *names)
{
	struct look_up *one;

	while ((one = take_first(&names->asked)) || (one = take_first(&names->answered)))
		free_look_up(one);
	close(names->fd);
	pthread_mutex_destroy(&names->lock);
	free(names);
}

/* ---- A look-up ------------------------------------------------------------------------------- */

/* A hosts file may give a name the same address on several lines. */
static bool is_known(const struct name_answer *answer, const struct addrinfo *found)
{
	for (uint32_t i = 0; i < answer->count; i++)
		if (answer->addresses[i].length == found->ai_addrlen &&
		    !memcmp(&answer->addresses[i].u, found->ai_addr, found->ai_addrlen))
			return true;
	return false;
}

static void keep(struct name_answer *answer, const struct addrinfo *list, uint16_t port)
{
	answer->addresses = calloc(NAMES_ADDRESSES_MAX, sizeof(*answer->addresses));
	if (!answer->addresses) {
		answer->error = "out of memory";
		return;
	}
	for (; list; list = list->ai_next) {
		struct address *address = &answer->addresses[answer->count];

		if (list->ai_addrlen > sizeof(address->u) || is_known(answer, list))
			continue;
		answer->cut = answer->count == NAMES_ADDRESSES_MAX;
		if (answer->cut)
			break;
		*address = (struct address){
			.kind = ADDRESS_INET, .length = list->ai_addrlen, .port = port};
		memcpy(&address->u, list->ai_addr, list->ai_addrlen);
		answer->count++;
	}
}

static void look_up(struct look_up *one)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG,
	};
	struct name_answer *answer = &one->answer;
	struct addrinfo *list;
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", one->port);
	r = getaddrinfo(one->host, port, &hints, &list);
	if (r == EAI_NODATA || r == EAI_NONAME || r == EAI_ADDRFAMILY) {
		/* A machine with only loopback has no "configured" address: ask again without. */
		hints.ai_flags = AI_NUMERICSERV;
		r = getaddrinfo(one->host, port, &hints, &list);
	}
	if (r == 0) {
		keep(answer, list, one->port);
		freeaddrinfo(list);
		return;
	}
	answer->for_good = r == EAI_NODATA || r == EAI_NONAME || r == EAI_ADDRFAMILY;
	answer->error = gai_strerror(r);
	if (r == EAI_SYSTEM) {
		char text[128];

		/* strerror_r() of GNU may return a text of its own. */
		snprintf(answer->text, sizeof(answer->text), "%s",
			 strerror_r(errno, text, sizeof(text)));
		answer->error = answer->text;
	}
}

static void *answer_names(void *argument)
{
	struct names *names = argument;
	struct look_up *one;
	uint64_t count = 1;
	bool last;

	(void)pthread_setname_np(pthread_self(), "names");
	pthread_mutex_lock(&names->lock);
	while (!names->closed && (one = take_first(&names->asked))) {
		pthread_mutex_unlock(&names->lock);
		look_up(one);
		pthread_mutex_lock(&names->lock);
		append(&names->answered, one);
		if (write(names->fd, &count, sizeof(count)) < 0)
			continue; /* it can be read already */
	}
	names->threads--;
	last = names->closed && names->threads == 0;
	pthread_mutex_unlock(&names->lock);
	if (last)
		free_names(names);
	return NULL;
}

static int start_thread(struct names *names)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int r = pthread_attr_init(&attributes);

	if (r != 0)
		return -r;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attributes, answer_names, names);
	pthread_attr_destroy(&attributes);
	return -r;
}

/* ---- For who asks ---------------------------------------------------------------------------- */

int names_open(struct names **ret_names)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (names->fd < 0) {
		int r = -errno;
		free(names);
		return r;
	}
	pthread_mutex_init(&names->lock, NULL);
	names->asked.last = &names->asked.first;
	names->answered.last = &names->answered.first;
	*ret_names = names;
	return 0;
}

void names_close(struct names *names)
{
	bool last;

	if (!names)
		return;
	pthread_mutex_lock(&names->lock);
	names->closed = true;
	last = names->threads == 0;
	pthread_mutex_unlock(&names->lock);
	if (last)
		free_names(names);
}

int names_descriptor(const struct names *names)
{
	return names->fd;
}

int names_ask(struct names *names, uint32_t id, const struct address *name)
{
	struct look_up *one = calloc(1, sizeof(*one));
	int r = 0;

	if (!one)
		return -ENOMEM;
	one->answer.id = id;
	one->port = name->port;
	memcpy(one->host, name->host, sizeof(one->host));
	pthread_mutex_lock(&names->lock);
	append(&names->asked, one);
	if (names->threads < NAMES_THREADS_MAX) {
		r = start_thread(names);
		names->threads += r == 0;
	}
	/* Where there are threads already, one of them will come to it. */
	r = names->threads ? 0 : r;
	if (r < 0)
		free_look_up(take_first(&names->asked));
	pthread_mutex_unlock(&names->lock);
	return r;
}

bool names_take(struct names *names, struct name_answer *ret_answer)
{
	struct look_up *one;
	uint64_t count;

	pthread_mutex_lock(&names->lock);
	one = take_first(&names->answered);
	/* Under the lock, so that no answer comes between. */
	if (!one && read(names->fd, &count, sizeof(count)) < 0)
		assert(errno == EAGAIN || errno == EINTR);
	pthread_mutex_unlock(&names->lock);
	if (!one)
		return false;
	*ret_answer = one->answer;
	if (ret_answer->error == one->answer.text)
		ret_answer->error = ret_answer->text;
	one->answer.addresses = NULL;
	free_look_up(one);
	return true;
}
