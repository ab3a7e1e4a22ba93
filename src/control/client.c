#include "control/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 30 /* the daemon answers within 5, or sends something each second */
#define HEAD_MAX   16384
#define PIECE      65536
#define ANSWER_MAX (256u << 20)

/* ---- The socket ------------------------------------------------------------------------------ */

static int open_socket(const char *path)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int send_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		text += sent;
		size -= (size_t)sent;
	}
	return 0;
}

/* How many bytes; 0 at the end. */
static ssize_t receive(int fd, char *text, size_t size)
{
	ssize_t r;

	do
		r = recv(fd, text, size, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return r;
}

/* ---- The answer ------------------------------------------------------------------------------ */

static int send_request(int fd, const char *method, const char *target, const char *body)
{
	size_t size = body ? strlen(body) : 0;
	char *text = NULL;
	int length = asprintf(&text,
			      "%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Type: "
			      "application/json\r\nContent-Length: %zu\r\n\r\n%s",
			      method, target, size, body ? body : "");
	int r;

	if (length < 0)
		return -ENOMEM;
	r = send_all(fd, text, (size_t)length);
	free(text);
	return r == -EPIPE ? 0 : r; /* there may be an answer all the same */
}

/* The head into the buffer, and perhaps more; *ret_body is where that begins. */
static int receive_head(int fd, char head[HEAD_MAX], size_t *ret_size, char **ret_body,
			struct client_answer *answer)
{
	size_t used = 0;
	ssize_t r;

	for (;;) {
		r = receive(fd, head + used, HEAD_MAX - 1 - used);
		if (r <= 0)
			return r < 0 ? (int)r : -EBADMSG;
		used += (size_t)r;
		head[used] = 0;
		*ret_body = strstr(head, "\r\n\r\n");
		if (*ret_body)
			break;
		if (used == HEAD_MAX - 1)
			return -EBADMSG;
	}
	*ret_body += 4;
	*ret_size = used - (size_t)(*ret_body - head);
	if (strncmp(head, "HTTP/1.", 7) != 0 || head[8] != ' ')
		return -EBADMSG;
	answer->status = (unsigned)strtoul(head + 9, NULL, 10);
	return answer->status < 100 || answer->status > 599 ? -EBADMSG : 0;
}

/* What is said of the length in the head, or SIZE_MAX. */
static size_t length_of(const char *head, const char *body)
{
	const char *line = strcasestr(head, "\r\nContent-Length:");

	return line && line < body ? strtoul(line + 17, NULL, 10) : SIZE_MAX;
}

static int append(struct client_answer *answer, const char *text, size_t size)
{
	char *more;

	if (size > ANSWER_MAX - answer->size)
		return -EFBIG;
	more = realloc(answer->body, answer->size + size + 1);
	if (!more)
		return -ENOMEM;
	memcpy(more + answer->size, text, size);
	answer->body = more;
	answer->size += size;
	more[answer->size] = 0;
	return 0;
}

/* Whole lines of it are handed out; 1: enough. */
static int hand_out(struct client_answer *answer, client_line *line, void *owner)
{
	char *begin = answer->body, *end;

	while ((end = strchr(begin, '\n'))) {
		*end = 0;
		if (!line(owner, begin))
			return 1;
		begin = end + 1;
	}
	answer->size -= (size_t)(begin - answer->body);
	memmove(answer->body, begin, answer->size + 1);
	return 0;
}

/* To the end; with a handler for lines, those are handed out of a good answer. */
static int receive_answer(int fd, client_line *line, void *owner, struct client_answer *answer)
{
	char *head = malloc(HEAD_MAX), *piece = malloc(PIECE), *body = NULL;
	size_t size = 0, length = SIZE_MAX;
	ssize_t got;
	int r = head && piece ? receive_head(fd, head, &size, &body, answer) : -ENOMEM;

	if (r == 0) {
		length = length_of(head, body);
		r = append(answer, body, size);
	}
	while (r == 0) {
		if (line && answer->status == 200)
			r = hand_out(answer, line, owner);
		got = r == 0 ? receive(fd, piece, PIECE) : 0;
		if (got <= 0) {
			r = r ? r : (int)got;
			break;
		}
		r = append(answer, piece, (size_t)got);
	}
	free(head);
	free(piece);
	if (r == 0 && !line && length != SIZE_MAX && answer->size < length)
		r = -EBADMSG;
	return r < 0 ? r : 0;
}

static int ask(const char *socket, const char *method, const char *target, const char *body,
	       client_line *line, void *owner, struct client_answer *ret_answer)
{
	struct client_answer answer = {0};
	int fd = open_socket(socket), r;

	if (fd < 0)
		return fd;
	r = send_request(fd, method, target, body);
	if (r == 0)
		r = receive_answer(fd, line, owner, &answer);
	close(fd);
	if (r < 0)
		free(answer.body);
	else
		*ret_answer = answer;
	return r;
}

int client_ask(const char *socket, const char *method, const char *target, const char *body,
	       struct client_answer *ret_answer)
{
	return ask(socket, method, target, body, NULL, NULL, ret_answer);
}

int client_follow(const char *socket, const char *target, client_line *line, void *owner,
		  struct client_answer *ret_answer)
{
	return ask(socket, "GET", target, NULL, line, owner, ret_answer);
}

/* ---- What went wrong ------------------------------------------------------------------------- */

int client_cannot(const char *socket, int error)
{
	const char *remedy = "";

	switch (-error) {
	case ENOENT:
		remedy = "; is the daemon running? Another socket is named with -s SOCKET";
		break;
	case ECONNREFUSED:
		remedy =
			"; the daemon that made it is gone. Another socket is named with -s SOCKET";
		break;
	case EACCES:
		remedy = "; be root, or in the group of that socket (`ls -l` shows it)";
		break;
	case ETIMEDOUT:
		remedy = "; the daemon does not answer: see its log";
		break;
	case EBADMSG:
		remedy = "; what answers there is not the daemon, or it has just ended";
		break;
	default:
		break;
	}
	fprintf(stderr, "uringproxy: cannot ask %s: %s%s\n", socket, strerror(-error), remedy);
	return CLIENT_NO_DAEMON;
}
