/* The command import: the configuration of another proxy as one of ours.  Nobody is asked. */
#include "control/commands.h"
#include "import/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* All of the file, which the caller frees; "-" is standard input. */
static int read_file(const char *path, char **ret_text, size_t *ret_size)
{
	int fd =
		strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
	char *text = malloc(IMPORT_SIZE_MAX);
	size_t size = 0;
	ssize_t n = 1;
	int r = fd < 0 ? -errno : text ? 0 : -ENOMEM;

	while (r == 0 && n > 0 && size < IMPORT_SIZE_MAX) {
		n = read(fd, text + size, IMPORT_SIZE_MAX - size);
		r = n < 0 && errno != EINTR ? -errno : 0;
		if (n > 0)
			size += (size_t)n;
		else if (n < 0)
			n = 1;
	}
	if (fd > STDIN_FILENO)
		close(fd);
	if (r == 0 && size == IMPORT_SIZE_MAX)
		r = -EFBIG;
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_size = size;
	return 0;
}

/* What is printed is for a file; what is said of it, for who reads. */
static void tell(const char *path, const struct import_result *result)
{
	const char *kind = result->kind == IMPORT_NGINX ? "the stream block of an nginx.conf"
							: "an haproxy.cfg";

	if (!result->serving)
		fprintf(stderr,
			"uringproxy: %s: nothing in it could be carried over; it was read as %s, "
			"and "
			"the comments say why\n",
			path, kind);
	else
		fprintf(stderr,
			"uringproxy: %s, read as %s: %d sections serve, %u lines are not carried "
			"over, and "
			"comments say why: read them before this serves, since who was refused or "
			"led elsewhere by one of them is not here\n",
			path, kind, result->serving, result->missed);
}

int command_import(struct commandline *line)
{
	const struct commandline_option options[] = {{0}};
	struct import_result result = {0};
	char *text = NULL;
	size_t size = 0;
	int r = commandline_take(line, options, 1, 1);

	if (r != EX_OK)
		return r;
	r = read_file(line->operands[0], &text, &size);
	if (r == 0)
		r = import(text, size, stdout, &result);
	if (r == 0 && fflush(stdout) != 0)
		r = -errno;
	if (r == 0)
		tell(line->operands[0], &result);
	else
		fprintf(stderr, "uringproxy: %s: %s\n", line->operands[0],
			r == -EFBIG ? "it is larger than any configuration" : strerror(-r));
	free(text);
	return r < 0 ? EX_OSERR : !result.serving;
}
