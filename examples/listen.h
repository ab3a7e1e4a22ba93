/* What the servers among the examples have in common: a socket to accept from. */
#ifndef EXAMPLES_LISTEN_H
#define EXAMPLES_LISTEN_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static inline struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(port)),
	};
}

/* Listen on 127.0.0.1:PORT (0: any) and say so; ends the program where that fails. */
static inline int listen_on(const char *port)
{
	struct sockaddr_in address = loopback(port);
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 128) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
		perror("cannot listen");
		exit(1);
	}
	printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return listener;
}

#endif
