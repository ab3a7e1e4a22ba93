/* A daemon that runs, asked by its commands and by HTTP, in a test that fails where it says
 * something else. */
#ifndef TESTS_SUPPORT_ASKING_H
#define TESTS_SUPPORT_ASKING_H

/*
 * Run the daemon's program with these arguments: it exits so, and what it prints contains
 * that.  assert_run(0, "serving", RUN("status", "-s", socket));
 */
void assert_run(int status, const char *contains, const char *const arguments[]);
#define RUN(...)                                                                                   \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
/* The same; its exit status, and what it prints to be freed. */
int run_command(const char *const arguments[], char **ret_output);

/* What comes at that address until the end, to be freed; the request says that it is the last. */
char *answer_to(const char *address, const char *request);

/* "POST", "/v1/drain", and a body or "": the answer begins so and contains that. */
void assert_answer(const char *address, const char *method, const char *target, const char *body,
		   const char *begins, const char *contains);

#endif
