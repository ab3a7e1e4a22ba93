#include "ops/notify.h"
#include "ops/log.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define STATUS_MAX_BYTES 512

static void send_state(const char *state)
{
	int r = sd_notify(false, state);

	if (r < 0)
		log_debug("cannot notify the service manager: %s", strerror(-r));
}

/* Fields are lines, so a status of several lines would be several fields. */
static void one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			*text = ' ';
}

static void send_status(const char *before, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static void send_status(const char *before, const char *format, va_list args)
{
	char status[STATUS_MAX_BYTES], state[STATUS_MAX_BYTES + 64];

	if (vsnprintf(status, sizeof(status), format, args) < 0)
		return;
	one_line(status);
	snprintf(state, sizeof(state), "%sSTATUS=%s", before, status);
	send_state(state);
}

static void send_with(const char *before, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void send_with(const char *before, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	send_status(before, format, args);
	va_end(args);
}

void notify_ready(const char *status)
{
	send_with("READY=1\n", "%s", status);
}

void notify_reloading(void)
{
	char state[64];

	/* systemd tells by the time which reload it was: sd_notify(3), from 253 on. */
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 clock_now_ns() / 1000);
	send_state(state);
}

void notify_status(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	send_status("", format, args);
	va_end(args);
}

void notify_stopping(const char *status)
{
	send_with("STOPPING=1\n", "%s", status);
}

void notify_errno(int error, const char *format, ...)
{
	char before[32];
	va_list args;

	snprintf(before, sizeof(before), "ERRNO=%d\n", error);
	va_start(args, format);
	send_status(before, format, args);
	va_end(args);
}

void notify_extend_timeout(uint64_t timeout_us)
{
	char state[64];

	snprintf(state, sizeof(state), "EXTEND_TIMEOUT_USEC=%" PRIu64, timeout_us);
	send_state(state);
}

/* A message carries no more than SCM_MAX_FD of them. */
void notify_store(const char *name, const int fds[], unsigned count)
{
	enum { AT_ONCE = 250 };
	char state[STATUS_MAX_BYTES];

	/* What hangs up is taken out of the store otherwise; these do not. */
	snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	for (unsigned at = 0; at < count; at += AT_ONCE) {
		unsigned some = count - at < AT_ONCE ? count - at : AT_ONCE;
		int r = sd_pid_notify_with_fds(0, false, state, fds + at, some);

		if (r < 0)
			log_debug("cannot have the service manager keep sockets: %s", strerror(-r));
	}
}

void notify_forget(const char *name)
{
	char state[STATUS_MAX_BYTES];

	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	send_state(state);
}

uint64_t notify_watchdog_interval_us(void)
{
	uint64_t interval_us;

	return sd_watchdog_enabled(false, &interval_us) > 0 ? interval_us : 0;
}

void notify_watchdog(void)
{
	send_state("WATCHDOG=1");
}
