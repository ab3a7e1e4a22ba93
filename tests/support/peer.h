/*
 * The two ends of a connection, as tests play them: plain blocking sockets.
 *
 * Addresses are text, as in the configuration: "127.0.0.1:80", "[::1]:80", "unix:/path",
 * "unix:@name".  Whatever waits gives up when nothing moved for PEER_PATIENCE_MS; that is there to
 * end a test that hangs, never to measure.
 */
#ifndef TESTS_SUPPORT_PEER_H
#define TESTS_SUPPORT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_PATIENCE_MS   20000
#define PEER_UNTIL_THE_END UINT64_MAX

/* A port of the loopback nobody uses and no other test of this machine is given; it stays
 * reserved until this process ends.  Below the range the kernel gives to outgoing connections. */
uint16_t port_reserve(void);

/* A connected descriptor, or a negative errno. */
int peer_connect(const char *address);
/* The same with small segments and a small buffer, so that little is queued for one that does not
 * read: by the loopback's 64 KiB segments the kernel allows every sender megabytes. */
int peer_connect_small(const char *address);
/* Without waiting for the outcome. */
int peer_connect_begin(const char *address);
/* A listening descriptor, or a negative errno. */
int peer_listen(const char *address, int backlog);

/* Close so that the other side sees a reset, whatever is still in flight. */
void peer_reset(int fd);

/* How the other side's stream ended. */
enum peer_end { PEER_OPEN, PEER_FIN, PEER_RST, PEER_SILENT, PEER_FAILED };
const char *peer_end_name(enum peer_end end);

/*
 * One end's part of a conversation: send so many random bytes and, at the same time, receive and
 * compare so many.  The upper half is the order, the lower half what came of it.
 */
struct transfer {
	uint64_t send, send_seed;
	bool half_close;  /* shutdown(SHUT_WR) after the last byte sent */
	uint64_t receive; /* PEER_UNTIL_THE_END: until FIN or RST */
	uint64_t receive_seed;
	size_t read_size;       /* bytes taken at a time, 0: 256 KiB */
	unsigned read_pause_ms; /* before each read */

	uint64_t sent, received;
	uint64_t wrong_at; /* offset of the first wrong byte, UINT64_MAX when all are right */
	enum peer_end end; /* PEER_OPEN when all was received without meeting the end */
	int send_error;    /* 0 or a positive errno */
};
void peer_transfer(int fd, struct transfer *transfer);

/* One transfer after the other, on the same connection. */
struct conversation {
	unsigned count;
	struct transfer turn[4];
};
void peer_converse(int fd, struct conversation *conversation);

/* Send and receive text; what else is on the way stays there.  0 or a negative errno. */
int peer_send_text(int fd, const char *text);
/* Read up to size - 1 bytes until the text contains until (NULL: until the end); NUL-terminated.
 * How many, or a negative errno (-ETIMEDOUT, -ECONNRESET). */
int peer_receive_text(int fd, char *buffer, size_t size, const char *until);
/* Wait for the end of the stream, passing over what still arrives. */
enum peer_end peer_wait_end(int fd, int patience_ms);
/* Wait until the kernel on the other side has everything sent; false when it does not take it. */
bool peer_flush(int fd);
/* A byte there and back through something that echoes. */
bool peer_echoes(int fd);

#endif
