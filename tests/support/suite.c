#include "support/suite.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char directory[PATH_MAX];

const char *suite_dir(void)
{
	return directory;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status, (void)kind, (void)where;
	return remove(path);
}

int suite_run(const char *name, double seconds, const struct suite_case *cases, size_t count)
{
	const char *parent = getenv("TMPDIR"), *wanted = getenv("TEST");
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	snprintf(directory, sizeof(directory), "%s/uringproxy-test.XXXXXX",
		 parent ? parent : "/tmp");
	if (!mkdtemp(directory) || chmod(directory, 0755) < 0) {
		perror(directory);
		return EXIT_FAILURE;
	}
	tcase_set_timeout(tcase, seconds);
	for (size_t i = 0; i < count; i++)
		if (!wanted || strstr(cases[i].test->name, wanted))
			tcase_add_loop_test(tcase, cases[i].test, cases[i].from, cases[i].to);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
