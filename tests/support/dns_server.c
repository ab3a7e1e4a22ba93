#include "support/dns_server.h"

#include "support/dns_write.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAME = 1025, ALIASES = 20, ASKED_MAX = 65536, UDP_MAX = 512 };

struct asked {
	char name[100];
	char type[8];
};

struct dns_server {
	pthread_mutex_t lock;
	char *lines;
	struct asked *asked; /* the first ASKED_MAX */
	unsigned asked_count, by_tcp;
	int udp, tcp, stop;
	char address[64];
	pthread_t thread;
};

/* A question, and the answer to it. */
struct exchange {
	struct dns_server *server;
	char name[NAME];
	const char *type;
	bool by_tcp, silent;
	struct dns_write answer;
};

static const struct {
	unsigned number;
	const char *name;
} types[] = {{ns_t_a, "A"}, {ns_t_aaaa, "AAAA"}, {ns_t_srv, "SRV"}, {ns_t_cname, "CNAME"}};

static const char *type_name(unsigned number)
{
	for (size_t i = 0; i < array_size(types); i++)
		if (types[i].number == number)
			return types[i].name;
	return "other";
}

/* ---- What it has been told ------------------------------------------------------------------- */

/* The next line about the name, behind the name itself, copied; NULL: no more. */
static const char *next_line(const char **at, const char *name, char line[NAME * 2])
{
	while (**at) {
		size_t length = strcspn(*at, "\n"), word = strcspn(*at, " \n");
		bool is_it = strlen(name) == word && !strncasecmp(*at, name, word);

		if (is_it)
			snprintf(line, NAME * 2, "%.*s", (int)(length - word - (word < length)),
				 *at + word + (word < length));
		*at += length + ((*at)[length] == '\n');
		if (is_it)
			return line;
	}
	return NULL;
}

static bool has_line(const struct dns_server *server, const char *name)
{
	const char *at = server->lines;
	char line[NAME * 2];

	return next_line(&at, name, line) != NULL;
}

/* Of a name that is told to be answered in another way; false: it is not. */
static bool is_odd(const struct exchange *exchange, const char *word, int *ret_number)
{
	const char *at = exchange->server->lines, *line;
	char room[NAME * 2];

	while ((line = next_line(&at, exchange->name, room))) {
		size_t type = strlen(exchange->type);

		if (!strncmp(line, exchange->type, type) && line[type] == ' ')
			line += type + 1;
		if (strncmp(line, word, strlen(word)) != 0)
			continue;
		*ret_number = atoi(line + strlen(word));
		return true;
	}
	return false;
}

/* ---- Answering ------------------------------------------------------------------------------- */

static void put(struct exchange *exchange, const char *section, const char *name, const char *rest)
{
	char line[NAME * 3];

	snprintf(line, sizeof(line), "%s %s %s", section, name, rest);
	dns_write_line(&exchange->answer, line);
}

/* The records of the name that are of that type, "TTL TYPE ...". */
static unsigned put_records(struct exchange *exchange, const char *section, const char *name,
			    const char *type, char *ret_last)
{
	const char *at = exchange->server->lines, *line;
	char room[NAME * 2];
	unsigned count = 0;

	while ((line = next_line(&at, name, room))) {
		char word[8];
		int used = 0;

		if (sscanf(line, "%*u %7s %n", word, &used) < 1 || strcmp(word, type) != 0)
			continue;
		put(exchange, section, name, line);
		if (ret_last)
			snprintf(ret_last, NAME, "%s", line + used);
		count++;
	}
	return count;
}

static void put_besides(struct exchange *exchange)
{
	const char *at = exchange->server->lines, *line;
	char room[NAME * 2], target[NAME];

	while ((line = next_line(&at, exchange->name, room)))
		if (sscanf(line, "%*u SRV %*u %*u %*u %1024s", target) == 1) {
			(void)put_records(exchange, "besides", target, "A", NULL);
			(void)put_records(exchange, "besides", target, "AAAA", NULL);
		}
}

/* Along the aliases, to what they lead to. */
static void put_answer(struct exchange *exchange)
{
	char name[NAME], next[NAME], nothing[40];
	unsigned found = 0;
	bool exists = has_line(exchange->server, exchange->name);

	snprintf(name, sizeof(name), "%s", exchange->name);
	for (int i = 0; i < ALIASES && !found; i++) {
		found = put_records(exchange, "answer", name, exchange->type, NULL);
		if (found || !put_records(exchange, "answer", name, "CNAME", next))
			break;
		exists = has_line(exchange->server, next);
		snprintf(name, sizeof(name), "%s", next);
	}
	if (has_line(exchange->server, "besides"))
		put_besides(exchange);
	if (!exists)
		dns_write_line(&exchange->answer, "rcode 3");
	snprintf(nothing, sizeof(nothing), "600 SOA %d", DNS_SERVER_NEGATIVE_S);
	if (!found)
		put(exchange, "authority", "example", nothing);
}

static void begin_answer(struct exchange *exchange, const char *question)
{
	char line[NAME * 2];

	snprintf(line, sizeof(line), "question %s %s", question, exchange->type);
	dns_write(&exchange->answer, line);
}

static void make_answer(struct exchange *exchange, const uint8_t *message)
{
	int number, ignored;

	begin_answer(exchange,
		     is_odd(exchange, "question", &ignored) ? "else.example" : exchange->name);
	memcpy(exchange->answer.bytes, message, 2);
	exchange->silent = is_odd(exchange, "silent", &ignored);
	if (is_odd(exchange, "id", &ignored))
		exchange->answer.bytes[0] ^= 0x55;
	if (is_odd(exchange, "rcode", &number)) {
		exchange->answer.bytes[3] |= (uint8_t)number;
		return;
	}
	put_answer(exchange);
	if (is_odd(exchange, "cut", &ignored)) {
		exchange->silent |= exchange->by_tcp;
		exchange->answer.bytes[2] |= 2;
	}
	if (!exchange->by_tcp && exchange->answer.size > UDP_MAX) {
		begin_answer(exchange, exchange->name);
		memcpy(exchange->answer.bytes, message, 2);
		exchange->answer.bytes[2] |= 2;
	}
}

static void note(struct exchange *exchange)
{
	struct dns_server *server = exchange->server;

	if (server->asked_count < ASKED_MAX) {
		struct asked *asked = &server->asked[server->asked_count];

		snprintf(asked->name, sizeof(asked->name), "%.99s", exchange->name);
		snprintf(asked->type, sizeof(asked->type), "%s", exchange->type);
	}
	server->asked_count++;
	server->by_tcp += exchange->by_tcp;
}

/* false: it is no question. */
static bool answer(struct exchange *exchange, const uint8_t *message, size_t size)
{
	int used;

	if (size < 12)
		return false;
	used = dn_expand(message, message + size, message + 12, exchange->name, NAME);
	if (used < 0 || 12 + (size_t)used + 4 > size)
		return false;
	exchange->type = type_name(ns_get16(message + 12 + used));
	pthread_mutex_lock(&exchange->server->lock);
	note(exchange);
	make_answer(exchange, message);
	pthread_mutex_unlock(&exchange->server->lock);
	return !exchange->silent && !exchange->answer.full;
}

/* ---- Sockets --------------------------------------------------------------------------------- */

static void answer_by_udp(struct exchange *exchange)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	uint8_t message[UDP_MAX * 3];
	ssize_t n = recvfrom(exchange->server->udp, message, sizeof(message), MSG_DONTWAIT,
			     (struct sockaddr *)&from, &length);

	exchange->by_tcp = false;
	if (n > 0 && answer(exchange, message, (size_t)n))
		(void)!sendto(exchange->server->udp, exchange->answer.bytes, exchange->answer.size,
			      0, (struct sockaddr *)&from, length);
}

static void answer_by_tcp(struct exchange *exchange)
{
	int fd = accept4(exchange->server->tcp, NULL, NULL, SOCK_CLOEXEC);
	uint8_t message[2 + UDP_MAX * 3], length[2];
	ssize_t n = fd < 0 ? 0 : recv(fd, message, 2, MSG_WAITALL);

	if (n == 2 && ns_get16(message) <= sizeof(message) - 2)
		n = recv(fd, message + 2, ns_get16(message), MSG_WAITALL);
	exchange->by_tcp = true;
	if (n > 2 && answer(exchange, message + 2, (size_t)n)) {
		ns_put16((unsigned)exchange->answer.size, length);
		(void)!send(fd, length, 2, MSG_NOSIGNAL | MSG_MORE);
		(void)!send(fd, exchange->answer.bytes, exchange->answer.size, MSG_NOSIGNAL);
	}
	if (fd >= 0)
		close(fd);
}

static void *serve(void *owner)
{
	struct dns_server *server = owner;
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	struct pollfd polled[] = {{.fd = server->udp, .events = POLLIN},
				  {.fd = server->tcp, .events = POLLIN},
				  {.fd = server->stop, .events = POLLIN}};

	assert(exchange);
	exchange->server = server;
	while (poll(polled, array_size(polled), -1) > 0 && !polled[2].revents) {
		exchange->silent = false;
		if (polled[0].revents)
			answer_by_udp(exchange);
		exchange->silent = false;
		if (polled[1].revents)
			answer_by_tcp(exchange);
	}
	free(exchange);
	return NULL;
}

/* ---- For tests ------------------------------------------------------------------------------- */

static int open_socket(int type, struct sockaddr_storage *address, socklen_t length)
{
	int fd = socket(address->ss_family, type | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)address, length) == 0 &&
	    (type == SOCK_DGRAM || listen(fd, 16) == 0))
		return fd;
	close(fd);
	return -1;
}

static socklen_t parse(const char *address, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_address;
	const char *colon = strrchr(address, ':');
	bool is_v6 = *address == '[';
	char host[64];

	ck_assert_ptr_nonnull(colon);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address) - 2 * is_v6, address + is_v6);
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->ss_family = is_v6 ? AF_INET6 : AF_INET;
	in->sin_port = htons((uint16_t)atoi(colon + 1));
	ck_assert_int_eq(inet_pton(ret_address->ss_family, host,
				   is_v6 ? (void *)&in6->sin6_addr : (void *)&in->sin_addr),
			 1);
	return is_v6 ? sizeof(*in6) : sizeof(*in);
}

/* Both on one port; any port may be taken for one of them. */
static void open_sockets(struct dns_server *server, const char *address)
{
	struct sockaddr_storage wanted;
	socklen_t length = parse(address, &wanted);
	const char *colon = strrchr(address, ':');

	for (int tries = 0; tries < 100 && server->tcp < 0; tries++) {
		struct sockaddr_storage got = wanted;

		server->udp = open_socket(SOCK_DGRAM, &got, length);
		ck_assert_int_ge(server->udp, 0);
		getsockname(server->udp, (struct sockaddr *)&got, &length);
		server->tcp = open_socket(SOCK_STREAM, &got, length);
		if (server->tcp < 0)
			close(server->udp);
		snprintf(server->address, sizeof(server->address), "%.*s:%u",
			 (int)(colon - address), address,
			 ntohs(((struct sockaddr_in *)&got)->sin_port));
	}
	ck_assert_int_ge(server->tcp, 0);
}

struct dns_server *dns_server_start(const char *address)
{
	struct dns_server *server = calloc(1, sizeof(*server));

	ck_assert_ptr_nonnull(server);
	server->asked = calloc(ASKED_MAX, sizeof(*server->asked));
	server->lines = strdup("");
	server->tcp = -1;
	pthread_mutex_init(&server->lock, NULL);
	open_sockets(server, address);
	server->stop = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
	return server;
}

void dns_server_stop(struct dns_server *server)
{
	uint64_t one = 1;

	ck_assert_int_eq(write(server->stop, &one, sizeof(one)), sizeof(one));
	pthread_join(server->thread, NULL);
	close(server->udp);
	close(server->tcp);
	close(server->stop);
	pthread_mutex_destroy(&server->lock);
	free(server->lines);
	free(server->asked);
	free(server);
}

const char *dns_server_address(const struct dns_server *server)
{
	return server->address;
}

void dns_server_say(struct dns_server *server, const char *lines)
{
	char *copy = strdup(lines);

	ck_assert_ptr_nonnull(copy);
	pthread_mutex_lock(&server->lock);
	free(server->lines);
	server->lines = copy;
	pthread_mutex_unlock(&server->lock);
}

unsigned dns_server_asked(struct dns_server *server)
{
	unsigned count;

	pthread_mutex_lock(&server->lock);
	count = server->asked_count;
	pthread_mutex_unlock(&server->lock);
	return count;
}

unsigned dns_server_asked_by_tcp(struct dns_server *server)
{
	unsigned count;

	pthread_mutex_lock(&server->lock);
	count = server->by_tcp;
	pthread_mutex_unlock(&server->lock);
	return count;
}

unsigned dns_server_asked_of(struct dns_server *server, const char *name, const char *type)
{
	unsigned count = 0;

	pthread_mutex_lock(&server->lock);
	for (unsigned i = 0; i < server->asked_count && i < ASKED_MAX; i++)
		count += !strcasecmp(server->asked[i].name, name) &&
			 !strcmp(server->asked[i].type, type);
	pthread_mutex_unlock(&server->lock);
	return count;
}
