/*
 * wake COUNT: a thread that sleeps in its ring is woken by another that has none.
 *
 * What is sent arrives as a completion, with the tag and the result that the sender chose:
 * the sleeper needs no eventfd, no pipe and no second kind of wait.
 */
#include "ring/ring.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG = 42 };

struct sender {
	int ring_fd;
	int32_t count;
};

static void *send_words(void *argument)
{
	const struct sender *words = argument;
	struct ring_sender sender;

	if (ring_sender_open(&sender) < 0)
		return NULL;
	for (int32_t i = 1; i <= words->count; i++)
		if (ring_send(&sender, words->ring_fd, TAG, i) < 0)
			break;
	ring_sender_close(&sender);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sender sender;
	struct ring_error error;
	struct ring ring;
	pthread_t thread;
	int64_t sum = 0;
	int32_t heard = 0;

	if (argc != 2 || atoi(argv[1]) <= 0) {
		fprintf(stderr, "usage: wake COUNT\n");
		return 2;
	}
	if (ring_open(&ring, &(struct ring_options){.entries = 4}, &error) < 0) {
		fprintf(stderr, "wake: %s\n", error.text);
		return 1;
	}
	sender = (struct sender){.ring_fd = ring.fd, .count = atoi(argv[1])};
	if (pthread_create(&thread, NULL, send_words, &sender) != 0)
		return 1;
	while (heard < sender.count) {
		struct io_uring_cqe *cqe;

		ring_submit_wait(&ring, 1, RING_NEVER, 0);
		ring_for_each_cqe(&ring, cqe)
		{
			sum += cqe->user_data == TAG ? cqe->res : 0;
			heard++;
		}
	}
	pthread_join(thread, NULL);
	ring_close(&ring);
	printf("%d words, %lld in all\n", heard, (long long)sum);
	return 0;
}
