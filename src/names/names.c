#include "names/names.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)512 * 1024) /* modules of nsswitch.conf are not modest */

struct errand {
	struct errand *next;
	uint64_t id;
	bool slow;
	struct name_question question;
	struct name_answer answer;
};

/* In the order in which they came. */
struct errands {
	struct errand *first, **last;
};

struct names {
	pthread_mutex_t lock; /* of all below */
	struct errands asked, slow, answered;
	unsigned threads; /* each holds the whole until it has ended */
	unsigned busy_slow;
	bool closed; /* whoever is last frees it */
	int fd;
};

static void append(struct errands *list, struct errand *one)
{
	one->next = NULL;
	*list->last = one;
	list->last = &one->next;
}

static struct errand *take_first(struct errands *list)
{
	struct errand *one = list->first;

	if (one) {
		list->first = one->next;
		if (!list->first)
			list->last = &list->first;
	}
	return one;
}

static void take_back(struct errands *list, struct errand *one)
{
	struct errand **at = &list->first;

	while (*at != one)
		at = &(*at)->next;
	*at = one->next;
	if (!one->next)
		list->last = at;
}

static void free_errand(struct errand *one)
{
	name_answer_done(&one->answer);
	free(one);
}

static void free_all(struct errands *list)
{
	struct errand *one;

	while ((one = take_first(list)))
		free_errand(one);
}

static void free_names(struct names *names)
{
	free_all(&names->asked);
	free_all(&names->slow);
	free_all(&names->answered);
	close(names->fd);
	pthread_mutex_destroy(&names->lock);
	free(names);
}

/* ---- The threads ----------------------------------------------------------------------------- */

static struct errand *take_next(struct names *names)
{
	struct errand *one = take_first(&names->asked);

	if (!one && names->busy_slow < NAMES_SLOW_THREADS)
		one = take_first(&names->slow);
	if (one)
		names->busy_slow += one->slow;
	return one;
}

/*
 * What the C library's resolver keeps for a thread it frees itself, but where the thread is
 * none any more to who looks for leaks; so here.  One that has not asked has none, and its
 * descriptors would be 0.
 */
static void forget_resolver(void)
{
	if (_res.options & RES_INIT)
		res_nclose(&_res);
}

static void *answer_names(void *argument)
{
	struct names *names = argument;
	struct errand *one;
	uint64_t count = 1;
	bool last;

	(void)pthread_setname_np(pthread_self(), "names");
	pthread_mutex_lock(&names->lock);
	while (!names->closed && (one = take_next(names))) {
		pthread_mutex_unlock(&names->lock);
		look_up(&one->question, &one->answer);
		pthread_mutex_lock(&names->lock);
		names->busy_slow -= one->slow;
		append(&names->answered, one);
		if (write(names->fd, &count, sizeof(count)) < 0)
			continue; /* it can be read already */
	}
	forget_resolver();
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
	names->slow.last = &names->slow.first;
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

int names_ask(struct names *names, uint64_t id, const struct name_question *question, bool slow)
{
	struct errands *list = slow ? &names->slow : &names->asked;
	struct errand *one = calloc(1, sizeof(*one));
	int r = 0;

	if (!one)
		return -ENOMEM;
	one->id = id;
	one->slow = slow;
	one->question = *question;
	pthread_mutex_lock(&names->lock);
	append(list, one);
	if (names->threads < NAMES_THREADS_MAX) {
		r = start_thread(names);
		names->threads += r == 0;
	}
	/* Where there are threads already, one of them will come to it. */
	r = names->threads ? 0 : r;
	if (r < 0) {
		take_back(list, one);
		free_errand(one);
	}
	pthread_mutex_unlock(&names->lock);
	return r;
}

bool names_take(struct names *names, uint64_t *ret_id, struct name_answer *ret_answer)
{
	struct errand *one;
	uint64_t count;

	pthread_mutex_lock(&names->lock);
	one = take_first(&names->answered);
	/* Under the lock, so that no answer comes between. */
	if (!one && read(names->fd, &count, sizeof(count)) < 0)
		assert(errno == EAGAIN || errno == EINTR);
	pthread_mutex_unlock(&names->lock);
	if (!one)
		return false;
	*ret_id = one->id;
	*ret_answer = one->answer;
	free(one);
	return true;
}
