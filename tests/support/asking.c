#include "support/asking.h"

#include "support/assert.h"
#include "support/child.h"
#include "support/peer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 10
#define ANSWER_MAX    65536

int run_command(const char *const arguments[], char **ret_output)
{
	const char *argv[ARGUMENTS_MAX + 2] = {getenv("URINGPROXY")};

	for (size_t i = 0; arguments[i]; i++) {
		ck_assert_uint_lt(i, ARGUMENTS_MAX);
		argv[i + 1] = arguments[i];
	}
	return child_run(&(struct child_options){.argv = argv}, PEER_PATIENCE_MS, ret_output);
}

void assert_run(int status, const char *contains, const char *const arguments[])
{
	char *output;
	int r = run_command(arguments, &output);

	ck_assert_msg(r == status && strstr(output, contains),
		      "%s %s: %d, and not %d with \"%s\"\n%s", arguments[0],
		      arguments[1] ? arguments[1] : "", r, status, contains, output);
	free(output);
}

char *answer_to(const char *address, const char *request)
{
	char *answer = calloc(1, ANSWER_MAX);
	int fd = peer_connect(address);

	ck_assert_ptr_nonnull(answer);
	assert_connected(fd);
	(void)peer_send_text(fd, request);
	(void)peer_receive_text(fd, answer, ANSWER_MAX, NULL);
	close(fd);
	return answer;
}

void assert_answer(const char *address, const char *method, const char *target, const char *body,
		   const char *begins, const char *contains)
{
	char *request, *answer;

	ck_assert_int_gt(asprintf(&request,
				  "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
				  "Content-Length: %zu\r\n\r\n%s",
				  method, target, strlen(body), body),
			 0);
	answer = answer_to(address, request);
	ck_assert_msg(!strncmp(answer, begins, strlen(begins)) && strstr(answer, contains),
		      "%s %s %.200s\n--- %.500s", method, target, body, answer);
	free(request);
	free(answer);
}
