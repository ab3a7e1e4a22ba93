#include "support/edition.h"

#include "support/asking.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX   (256u << 10)
#define PATIENCE_MS  30000
#define UNIX_ACCEPTS 0x10000 /* in /proc/net/unix; others are what it accepted */

static const struct daemon_mode *mode_now;
static struct daemon *daemon_now;
static char control[300], *answer;

/* ---- The file -------------------------------------------------------------------------------- */

static char *complete(const char *format, va_list arguments)
{
	char *text = NULL, *whole = NULL;

	ck_assert_int_ge(vasprintf(&text, format, arguments), 0);
	ck_assert_int_ge(
		asprintf(&whole,
			 "[global]\nworkers = %u\nsqpoll = %s\n%s%s%s%s\n[control]\n"
			 "listen = %s\n%s",
			 mode_now->workers, mode_now->sqpoll ? "on" : "off",
			 mode_now->without ? "without = " : "",
			 mode_now->without ? mode_now->without : "", mode_now->without ? "\n" : "",
			 text, control,
			 strstr(text, "[log]") ? "" : "[log]\nlevel = debug\naccess = stderr\n"),
		0);
	free(text);
	return whole;
}

static struct daemon *start(const struct daemon_options *options, const char *format,
			    va_list arguments)
{
	struct daemon_options all = *options;
	char *text;

	mode_now = options->mode;
	snprintf(control, sizeof(control), "unix:%s/control-%d.sock", suite_dir(), getpid());
	text = complete(format, arguments);
	all.mode = NULL;
	all.configuration = text;
	daemon_now = daemon_spawn(&all);
	free(text);
	daemon_wait_ready(daemon_now);
	return daemon_now;
}

struct daemon *edition_start_with(const struct daemon_options *options, const char *format, ...)
{
	struct daemon *daemon;
	va_list arguments;

	va_start(arguments, format);
	daemon = start(options, format, arguments);
	va_end(arguments);
	return daemon;
}

struct daemon *edition_start(const struct daemon_mode *mode, const char *format, ...)
{
	struct daemon *daemon;
	va_list arguments;

	va_start(arguments, format);
	daemon = start(&(struct daemon_options){.mode = mode}, format, arguments);
	va_end(arguments);
	return daemon;
}

/* By another name first: a daemon that reads it sees the one or the other. */
static void write_file(const char *format, va_list arguments)
{
	const char *path = daemon_configuration_path(daemon_now);
	char *text = complete(format, arguments), other[4200];
	FILE *file;

	snprintf(other, sizeof(other), "%s.new", path);
	file = fopen(other, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(rename(other, path), 0);
	free(text);
}

void edition_write(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_file(format, arguments);
	va_end(arguments);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static char *request(const char *method, const char *path)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		 "Content-Length: 0\r\n\r\n",
		 method, path);
	return answer_to(control, text);
}

int edition_ask(void)
{
	int status = 0;

	free(answer);
	answer = edition_post("/v1/reload");
	(void)sscanf(answer, "HTTP/1.1 %d", &status);
	return status;
}

const char *edition_answer(void)
{
	return answer;
}

unsigned edition_answered(const char *text)
{
	unsigned count = 0;

	for (const char *at = answer; (at = strstr(at, text)); at++)
		count++;
	return count;
}

void edition_adopt(const char *format, ...)
{
	va_list arguments;
	int status;

	va_start(arguments, format);
	write_file(format, arguments);
	va_end(arguments);
	status = edition_ask();
	ck_assert_msg(status == 200, "%d: %s", status, answer);
}

void edition_refuse(const char *said, const char *format, ...)
{
	va_list arguments;
	int status;

	va_start(arguments, format);
	write_file(format, arguments);
	va_end(arguments);
	status = edition_ask();
	ck_assert_msg(status == 422 && strstr(answer, said), "%d, not 422 with \"%s\": %s", status,
		      said, answer);
}

const char *edition_control(void)
{
	return control;
}

char *edition_get(const char *path)
{
	return request("GET", path);
}

char *edition_post(const char *path)
{
	return request("POST", path);
}

int64_t edition_status(const char *key)
{
	char quoted[60], *text = edition_get("/v1/status"), *found;
	int64_t value = -1;

	snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	found = strstr(text, quoted);
	if (found)
		value = strtoll(found + strlen(quoted), NULL, 10);
	free(text);
	return value;
}

unsigned edition_count(void)
{
	char *text = edition_get("/metrics");
	char *found = strstr(text, "\nuringproxy_config_editions ");
	unsigned count = 0;

	ck_assert_msg(found && sscanf(found, "\nuringproxy_config_editions %u", &count) == 1, "%s",
		      text);
	free(text);
	return count;
}

void edition_await_last(void)
{
	ck_assert_msg(wait_until(edition_count() == 1, PATIENCE_MS), "%u editions are not over",
		      edition_count());
}

/* ---- Its sockets ----------------------------------------------------------------------------- */

static int in_order(const void *a, const void *b)
{
	unsigned long one = *(const unsigned long *)a, other = *(const unsigned long *)b;

	return one < other ? -1 : one > other;
}

/* The inode of a line of /proc/net/tcp, if it listens there. */
static bool tcp_inode(const char *line, uint32_t host, unsigned port, unsigned long *ret_inode)
{
	unsigned found_host, found_port, state;

	return sscanf(line, " %*d: %x:%x %*x:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu", &found_host,
		      &found_port, &state, ret_inode) == 4 &&
	       state == 0x0a && found_host == host && found_port == port;
}

static bool unix_inode(const char *line, const char *path, unsigned long *ret_inode)
{
	char found[200] = "";
	unsigned flags;

	return sscanf(line, "%*x: %*x %*x %x %*x %*x %lu %199s", &flags, ret_inode, found) == 3 &&
	       flags & UNIX_ACCEPTS && !strcmp(found, path);
}

unsigned edition_sockets(const char *address, unsigned long *ret_inodes, unsigned max)
{
	bool is_unix = !strncmp(address, "unix:", 5);
	char host[40], line[400], file[64];
	struct in_addr binary = {0};
	unsigned port = 0, count = 0;
	unsigned long inode;
	FILE *list;

	if (!is_unix)
		ck_assert(sscanf(address, "%39[^:]:%u", host, &port) == 2 &&
			  inet_pton(AF_INET, host, &binary) == 1);
	snprintf(file, sizeof(file), "/proc/%d/net/%s", daemon_pid(daemon_now),
		 is_unix ? "unix" : "tcp");
	list = fopen(file, "r");
	ck_assert_ptr_nonnull(list);
	while (count < max && fgets(line, sizeof(line), list))
		if (is_unix ? unix_inode(line, address + 5, &inode)
			    : tcp_inode(line, binary.s_addr, port, &inode))
			ret_inodes[count++] = inode;
	fclose(list);
	qsort(ret_inodes, count, sizeof(*ret_inodes), in_order);
	return count;
}
