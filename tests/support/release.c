#include "support/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool release_file(const char *file, char *ret_path, size_t size)
{
	const char *daemon = getenv("URINGPROXY");
	int directory = daemon && strrchr(daemon, '/') ? (int)(strrchr(daemon, '/') - daemon) : 0;

	snprintf(ret_path, size, "%.*s/../release/%s", directory, daemon ? daemon : "", file);
	return access(ret_path, R_OK) == 0;
}

bool release_use(void)
{
	char path[4096];

	return release_file("uringproxy", path, sizeof(path)) && setenv("URINGPROXY", path, 1) == 0;
}
