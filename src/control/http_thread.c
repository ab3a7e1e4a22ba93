/* The thread: it waits, carries what the two sides have for each other, and ends what takes long.
 */
#include "control/http_call.h"

#include "base/clock.h"
#include "control/http_link.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_MS         250
#define HEARTBEAT_MS     1000
#define TROUBLE_MS       50
#define FAREWELL_TURN_MS 5
#define HEARTBEAT        ":\n\n"
#define HEARTBEAT_LEN    (sizeof(HEARTBEAT) - 1)

static void wake(struct http_call *call)
{
	if (!call->asleep)
		return;
	call->asleep = false;
	MHD_resume_connection(call->connection);
}

static struct http_call *of_node(struct list *node)
{
	return container_of(node, struct http_call, node);
}

/* ---- What the main thread has answered ------------------------------------------------------- */

static void take_answers(struct http *http)
{
	struct list answered, *node;
	uint64_t count;

	(void)!read(http->bell_fd, &count, sizeof(count));
	list_init(&answered);
	pthread_mutex_lock(&http->lock);
	while ((node = list_pop(&http->answered))) {
		struct http_call *call = container_of(node, struct http_call, posted);

		if (!call->streaming && list_is_linked(&call->node))
			list_remove(&call->node);
		wake(call);
	}
	pthread_mutex_unlock(&http->lock);
}

/* ---- What takes long ------------------------------------------------------------------------- */

/* Who waits longer than that is due is answered here. */
static void end_waiting(struct http *http, uint64_t now_ms, const char *code, const char *message)
{
	struct list *node, *next;

	pthread_mutex_lock(&http->lock);
	for (node = http->waiting.next; node != &http->waiting; node = next) {
		struct http_call *call = of_node(node);

		next = node->next;
		if (call->state != HTTP_ASKED || now_ms < call->due_ms)
			continue;
		call->state = HTTP_ANSWERED;
		http_call_error(&call->answer, MHD_HTTP_SERVICE_UNAVAILABLE, code, message, NULL);
		list_remove(node);
		wake(call);
	}
	pthread_mutex_unlock(&http->lock);
}

/* A stream with nothing to say says that; whose reader is gone ends by it. */
static void beat(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	for (struct list *node = http->streams.next; node != &http->streams; node = node->next) {
		struct http_call *call = of_node(node);

		if (!call->stream.used && !call->stream.ended && !http->closing) {
			memcpy(call->stream.bytes, HEARTBEAT, HEARTBEAT_LEN);
			call->stream.used = HEARTBEAT_LEN;
		}
		wake(call);
	}
	pthread_mutex_unlock(&http->lock);
}

static void sweep(struct http *http)
{
	uint64_t now = clock_now_ms();

	if (now - http->swept_ms < SWEEP_MS)
		return;
	if (now / HEARTBEAT_MS != http->swept_ms / HEARTBEAT_MS)
		beat(http);
	http->swept_ms = now;
	end_waiting(http, now, "timeout", "no answer within 5 s");
	for (size_t i = 0; i < http->port_count; i++)
		http_links_sweep(&http->ports[i], now);
}

/* ---- The turn -------------------------------------------------------------------------------- */

/* -1: until something comes. */
static int timeout_ms(const struct http *http)
{
	MHD_UNSIGNED_LONG_LONG due, least = INT32_MAX;

	for (size_t i = 0; i < http->port_count; i++) {
		if (MHD_get_timeout(http->ports[i].daemon, &due) == MHD_YES && due < least)
			least = due;
		if (http->ports[i].link_count && least > SWEEP_MS)
			least = SWEEP_MS;
	}
	return least == INT32_MAX ? -1 : (int)least;
}

/* Waiting so long at most; -1: until something comes. */
static void turn(struct http *http, int wait_ms)
{
	struct pollfd *fds = http->fds;

	if (http->troubled) {
		http->troubled = false;
		nanosleep(&(struct timespec){.tv_nsec = TROUBLE_MS * CLOCK_NS_PER_MS}, NULL);
	}
	fds[0] = (struct pollfd){.fd = http->bell_fd, .events = POLLIN};
	for (size_t i = 0; i < http->port_count; i++)
		fds[i + 1] = (struct pollfd){.fd = http->ports[i].epoll_fd, .events = POLLIN};
	(void)poll(fds, http->port_count + 1, wait_ms);
	take_answers(http);
	sweep(http);
	for (size_t i = 0; i < http->port_count; i++)
		(void)MHD_run(http->ports[i].daemon);
}

static bool is_busy(const struct http *http)
{
	for (size_t i = 0; i < http->port_count; i++)
		if (http_links_busy(&http->ports[i]))
			return true;
	return false;
}

/* All that are asleep wake for good: the library insists on that before it stops. */
static void say_farewell(struct http *http)
{
	uint64_t until = clock_now_ms() + HTTP_FAREWELL_MS;

	end_waiting(http, UINT64_MAX, "stopping", "it stops");
	beat(http);
	do
		turn(http, FAREWELL_TURN_MS);
	while (is_busy(http) && clock_now_ms() < until);
}

void *http_thread(void *argument)
{
	struct http *http = argument;

	(void)pthread_setname_np(pthread_self(), http->name);
	while (!http_is_closing(http))
		turn(http, timeout_ms(http));
	say_farewell(http);
	for (size_t i = 0; i < http->port_count; i++)
		http_port_close(&http->ports[i]);
	return NULL;
}
