#include "control/probe.h"

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/fault.h"
#include "base/grow.h"
#include "greet/proxy_write.h"
#include "loop/socket.h"
#include "pool/departure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PIECE           512 /* received at a time: most answers are shorter */
#define PASSED_OVER_MAX ((size_t)256 * 1024)

static const struct dialogue *dialogue_of(const struct probe *probe)
{
	return &probe->terms->dialogue;
}

static bool is_unix(const struct probe *probe)
{
	return probe->terms->address.kind == ADDRESS_UNIX;
}

/* ---- Ending ---------------------------------------------------------------------------------- */

static void let_go(struct probe *probe)
{
	probe->phase = PROBE_GONE;
	edges_remove(probe->terms->edges, &probe->edge);
	if (probe->fd >= 0)
		socket_close(probe->fd);
	probe->fd = -1;
	free(probe->bytes);
	probe->bytes = NULL;
}

static void go(struct probe *probe)
{
	let_go(probe);
	if (!probe->held)
		probe->gone(probe->owner);
}

/* Until the server has ended its side: whether that is so. */
static bool pass_over(struct probe *probe)
{
	char bytes[4096];
	int n;

	do {
		n = socket_receive(probe->fd, bytes, sizeof(bytes));
		probe->passed_over += n > 0 ? (size_t)n : 0;
	} while (n == -EINTR || (n > 0 && probe->passed_over < PASSED_OVER_MAX));
	return n != -EAGAIN;
}

static void part(struct probe *probe, bool connected)
{
	probe->phase = PROBE_PARTING;
	if (!connected) {
		go(probe);
		return;
	}
	if (!dialogue_of(probe)->kind->ends || probe->said < dialogue_of(probe)->word_count)
		socket_shut_write(probe->fd);
	if (probe->readable && pass_over(probe))
		go(probe);
}

/* The result is complete but for its times. */
static void conclude(struct probe *probe, struct check_result *result)
{
	bool connected = probe->phase == PROBE_TALKING;
	uint64_t now_ns = clock_now_ns();

	result->at_ms = now_ns / CLOCK_NS_PER_MS;
	result->duration_us = (uint32_t)((now_ns - probe->begun_ns) / 1000);
	probe->phase = PROBE_PARTING;
	probe->told(probe->owner, result);
	part(probe, connected);
}

/* ---- Failing --------------------------------------------------------------------------------- */

static const char *advice_of(const struct probe *probe, int error, const char **ret_open)
{
	const char *advice =
		fault_advice(is_unix(probe) ? FAULT_AT_CONNECT_UNIX : FAULT_AT_CONNECT, error);

	*ret_open = advice ? " (" : "";
	return advice ? advice : "";
}

/* Whether it is this machine that lacks something, so that nothing was learnt of the server. */
static bool is_ours(const struct probe *probe, int error)
{
	static const bool ours[FAULT_COUNT] = {
		[FAULT_DESCRIPTORS] = true, [FAULT_MEMORY] = true,  [FAULT_PORTS] = true,
		[FAULT_TAKEN] = true,       [FAULT_MISUSED] = true,
	};

	return ours[fault_of(is_unix(probe) ? FAULT_AT_CONNECT_UNIX : FAULT_AT_CONNECT, error)];
}

static void fail_here(struct probe *probe, int error)
{
	struct check_result result = {.error = error};
	const char *open, *advice = advice_of(probe, error, &open);

	check_conclude(&result, CHECK_SOCKERR, "could not be asked: %s%s%s%s", strerror(-error),
		       open, advice, *open ? ")" : "");
	conclude(probe, &result);
}

static void fail(struct probe *probe, int error)
{
	struct check_result result = {.error = error};
	const char *open, *advice = advice_of(probe, error, &open);

	if (is_ours(probe, error)) {
		fail_here(probe, error);
		return;
	}
	if (probe->phase == PROBE_TALKING)
		check_conclude(&result, CHECK_L7RSP, "was cut off: %s", strerror(-error));
	else
		check_conclude(&result, error == -ETIMEDOUT ? CHECK_L4TOUT : CHECK_L4CON,
			       "was not connected: %s%s%s%s", strerror(-error), open, advice,
			       *open ? ")" : "");
	conclude(probe, &result);
}

/* ---- Talking --------------------------------------------------------------------------------- */

static bool has_words(const struct probe *probe)
{
	return probe->heard.spoke && probe->said < dialogue_of(probe)->word_count;
}

/* So many of them go out; false: there is no room now, which is awaited. */
static bool say(struct probe *probe, const void *bytes, size_t count, size_t *said)
{
	while (*said < count) {
		ssize_t n = send(probe->fd, (const char *)bytes + *said, count - *said,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return false;
		/* That it is closed is heard, and what it has said before. */
		if (n < 0 && errno != EINTR)
			*said = count;
		else if (n > 0)
			*said += (size_t)n;
	}
	return true;
}

/* Whether there may be something to hear now. */
static bool speak(struct probe *probe)
{
	const struct dialogue *dialogue = dialogue_of(probe);

	if (!say(probe, probe->header, probe->header_count, &probe->header_said))
		return false;
	if (has_words(probe) && !say(probe, dialogue->words, dialogue->word_count, &probe->said))
		return false;
	if (!dialogue_is_silent(dialogue))
		return true;
	conclude(probe,
		 &(struct check_result){.code = dialogue->word_count ? CHECK_L7OK : CHECK_L4OK,
					.text = "was connected"});
	return false;
}

/* What is there, up to the end of what is looked at: 1, 0 at the end, or a negative errno. */
static int receive(struct probe *probe)
{
	size_t room = DIALOGUE_HEARD_MAX - probe->heard.count;
	uint8_t *bytes = grow(probe->bytes, probe->heard.count, PIECE, 1);
	int n;

	if (!bytes)
		return -ENOMEM;
	probe->bytes = bytes;
	probe->heard.bytes = bytes;
	n = socket_receive(probe->fd, bytes + probe->heard.count,
			   (uint32_t)(room < PIECE ? room : PIECE));
	if (n > 0)
		probe->heard.count += (size_t)n;
	probe->heard.all = n == 0 || probe->heard.count == DIALOGUE_HEARD_MAX;
	return n < 0 ? n : n > 0;
}

/* Whether it is decided by what has been heard. */
static bool judge(struct probe *probe)
{
	struct check_result result = {0};
	enum dialogue_turn turn = dialogue_hear(dialogue_of(probe), &probe->heard, &result);

	if (turn == DIALOGUE_OVER)
		conclude(probe, &result);
	else if (turn == DIALOGUE_SPEAK)
		probe->heard.spoke = true;
	return turn == DIALOGUE_OVER;
}

static void hear(struct probe *probe)
{
	int r;

	while (probe->phase == PROBE_TALKING && speak(probe)) {
		r = receive(probe);
		if (r == -EINTR)
			continue;
		if (r == -EAGAIN)
			break;
		if (r < 0) {
			fail(probe, r);
			break;
		}
		if (judge(probe))
			break;
	}
}

/*
 * A check has no client: version 2 says LOCAL and nothing else, since receivers differ in what
 * they make of more, and version 1, which cannot say so, tells of this very connection.
 */
static void prepare_header(struct probe *probe)
{
	enum config_send_proxy how = dialogue_of(probe)->header;
	struct proxy_said said = {.version = how == CONFIG_SEND_PROXY_V1 ? PROXY_V1 : PROXY_V2,
				  .nothing = true};
	unsigned char bytes[PROXY_WRITE_MAX];
	struct sockaddr_in6 own;

	if (how == CONFIG_SEND_PROXY_OFF)
		return;
	if (how == CONFIG_SEND_PROXY_V1 && !is_unix(probe)) {
		socket_name(probe->fd, &own);
		endpoint_of((const struct sockaddr *)&own, &said.source);
		endpoint_of(&probe->terms->address.u.any, &said.destination);
		said.nothing = false;
	}
	probe->header_count = proxy_write(&said, bytes);
	assert(probe->header_count <= sizeof(probe->header));
	memcpy(probe->header, bytes, probe->header_count);
}

static void begin_talk(struct probe *probe)
{
	probe->phase = PROBE_TALKING;
	prepare_header(probe);
	probe->heard.spoke = !dialogue_of(probe)->kind->greets;
	if (speak(probe) && probe->readable)
		hear(probe);
}

/* ---- Connecting ------------------------------------------------------------------------------ */

/*
 * A connect to a port of this machine on which nobody listens meets itself when the kernel
 * chooses that port to connect from, and is connected (RFC 9293, 3.5: simultaneous).
 */
static bool has_met_itself(const struct probe *probe)
{
	struct endpoint from, to;
	struct sockaddr_in6 own;

	if (is_unix(probe))
		return false;
	socket_name(probe->fd, &own);
	endpoint_of((const struct sockaddr *)&own, &from);
	endpoint_of(&probe->terms->address.u.any, &to);
	return endpoint_is_same(&from, &to);
}

static void connected(struct probe *probe, int error)
{
	if (error == 0 && has_met_itself(probe))
		error = -ECONNREFUSED;
	if (error < 0)
		fail(probe, error);
	else
		begin_talk(probe);
}

static void on_ready(void *owner, uint32_t ready)
{
	struct probe *probe = owner;

	probe->readable |= (ready & ~(uint32_t)EPOLLOUT) != 0;
	switch (probe->phase) {
	case PROBE_CONNECTING:
		connected(probe, ready & (EPOLLERR | EPOLLHUP) ? socket_error(probe->fd) : 0);
		break;
	case PROBE_TALKING:
		hear(probe);
		break;
	case PROBE_PARTING:
		if (pass_over(probe))
			go(probe);
		break;
	case PROBE_GONE:
		assert(false); /* its event is removed */
	}
}

/* Connects from there, or from anywhere; what fails of that is this machine's fault. */
static int connect_from(struct probe *probe, const struct source *source, bool *ret_ours)
{
	const struct departure *departure = probe->terms->departure;
	const struct address *address = &probe->terms->address;
	int r;

	*ret_ours = false;
	probe->fd = socket_open(address->u.any.sa_family);
	if (probe->fd < 0)
		return probe->fd;
	if (departure && !is_unix(probe)) {
		r = socket_depart(probe->fd, departure->mark, departure->interface,
				  source ? &source->address : NULL);
		*ret_ours = r < 0;
		if (r < 0)
			return r;
	}
	return socket_connect(probe->fd, address);
}

/* From the first source of its family that has a port, as connections do. */
static int connect_somehow(struct probe *probe, bool *ret_ours)
{
	const struct departure *departure = probe->terms->departure;
	sa_family_t family = probe->terms->address.u.any.sa_family;
	int r = -EAFNOSUPPORT;

	*ret_ours = true;
	if (!departure || !departure->count || is_unix(probe))
		return connect_from(probe, NULL, ret_ours);
	for (uint32_t i = 0; i < departure->count; i++) {
		const struct source *source = &departure->sources[i];

		if (source->address.u.any.sa_family != family)
			continue;
		if (probe->fd >= 0)
			socket_close(probe->fd);
		r = connect_from(probe, source, ret_ours);
		if (r != -EADDRNOTAVAIL && r != -ENXIO)
			break;
	}
	return r;
}

void probe_begin(struct probe *probe, const struct probe_terms *terms, probe_told *told,
		 probe_gone *gone, void *owner)
{
	bool ours;
	int r;

	*probe = (struct probe){
		.terms = terms, .told = told, .gone = gone, .owner = owner, .fd = -1};
	probe->begun_ns = clock_now_ns();
	r = connect_somehow(probe, &ours);
	if (r < 0 && r != -EINPROGRESS) {
		if (ours)
			fail_here(probe, r);
		else
			fail(probe, r);
		return;
	}
	probe->edge = (struct edge){on_ready, probe};
	r = edges_add(terms->edges, &probe->edge, probe->fd);
	if (r < 0)
		fail_here(probe, r);
}

static void tell_late(struct probe *probe)
{
	char limit[VALUE_TEXT_MAX];
	struct check_result result = {0};

	value_format_duration(probe->terms->timeout_ms, 1000, limit, sizeof(limit));
	if (probe->phase == PROBE_CONNECTING)
		check_conclude(&result, CHECK_L4TOUT, "was not connected within %s", limit);
	else
		check_conclude(&result, CHECK_L7TOUT, "was not answered within %s", limit);
	conclude(probe, &result);
}

/* What was heard in part may be bad enough. */
static bool is_bad_so_far(struct probe *probe)
{
	struct check_result result = {0};

	probe->heard.all = true;
	if (probe->heard.count == 0 ||
	    dialogue_hear(dialogue_of(probe), &probe->heard, &result) != DIALOGUE_OVER ||
	    result.code != CHECK_L7STS)
		return false;
	conclude(probe, &result);
	return true;
}

bool probe_look(struct probe *probe)
{
	probe->held = true;
	if (probe->phase == PROBE_CONNECTING && socket_phase(probe->fd) != SOCKET_CONNECTING)
		connected(probe, socket_error(probe->fd));
	if (probe->phase == PROBE_TALKING)
		hear(probe);
	probe->held = false;
	return probe->phase == PROBE_PARTING || probe->phase == PROBE_GONE;
}

void probe_expire(struct probe *probe)
{
	bool decided = probe_look(probe);

	probe->held = true;
	if (!decided && (probe->phase == PROBE_CONNECTING || !is_bad_so_far(probe)))
		tell_late(probe);
	if (probe->phase != PROBE_GONE)
		let_go(probe);
	probe->gone(probe->owner);
}

void probe_abandon(struct probe *probe)
{
	if (probe->phase != PROBE_GONE)
		let_go(probe);
}
