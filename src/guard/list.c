#include "guard/list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (256u << 10)

struct reading_list {
	const struct list_reader *reader;
	unsigned line;
	unsigned wrong; /* lines */
};

__attribute__((format(printf, 2, 3))) static int complain(struct reading_list *list,
							  const char *format, ...)
{
	char sentence[LIST_WHY_MAX];
	va_list arguments;

	if (list->wrong++ >= LIST_TOLD_MAX)
		return -EINVAL;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	list->reader->complain(list->reader->owner, list->line, sentence);
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int complain_of_text(struct reading_list *list, const char *text, size_t length,
			    const char *why)
{
	char shown[64];
	size_t room = length < sizeof(shown) - 1 ? length : sizeof(shown) - 1;

	for (size_t i = 0; i < room; i++)
		shown[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	shown[room] = 0;
	return complain(list, "\"%s\": %s", shown, why);
}

static int take_text(struct reading_list *list, const char *text, size_t length)
{
	char why[CIDR_WHY_MAX];
	struct cidr cidr;

	if (cidr_parse(&cidr, text, length, why) == 0)
		return list->reader->take(list->reader->owner, &cidr);
	if ((length == 4 && !memcmp(text, "unix", 4)) || (length > 4 && !memcmp(text, "uid:", 4)) ||
	    (length > 5 && !memcmp(text, "file:", 5)))
		return complain_of_text(list, text, length,
					"a list is of addresses; this is for a line of the "
					"configuration");
	return complain_of_text(list, text, length, why);
}

/* A line without its end. */
static int take_line(struct reading_list *list, const char *at, const char *end)
{
	const char *text;

	list->line++;
	if (end - at > LIST_LINE_MAX)
		return complain(list,
				"is longer than %d bytes; each address is on a line of its own",
				LIST_LINE_MAX);
	if (list->line == 1 && end - at >= 3 && !memcmp(at, "\xef\xbb\xbf", 3))
		at += 3; /* as some editors begin a file */
	while (at < end && is_blank(*at))
		at++;
	for (text = at; at < end && *at != '#' && *at != ';';)
		at++;
	while (at > text && is_blank(at[-1]))
		at--;
	return at == text ? 0 : take_text(list, text, (size_t)(at - text));
}

/* All lines that end in it; how many bytes they are, or a negative errno. */
static ssize_t take_lines(struct reading_list *list, const char *piece, size_t size)
{
	const char *at = piece, *end = piece + size, *line_end;

	while ((line_end = memchr(at, '\n', (size_t)(end - at)))) {
		int r = take_line(list, at, line_end);

		if (r < 0 && r != -EINVAL)
			return r;
		at = line_end + 1;
	}
	return at - piece;
}

/* A line that is longer than a piece is cut, and too long. */
static int read_pieces(struct reading_list *list, int fd, char *piece)
{
	size_t left = 0;
	ssize_t n;

	while ((n = read(fd, piece + left, PIECE - left)) > 0) {
		ssize_t taken = take_lines(list, piece, left + (size_t)n);

		if (taken < 0)
			return (int)taken;
		left += (size_t)n - (size_t)taken;
		memmove(piece, piece + taken, left);
		if (left == PIECE) {
			(void)!take_line(list, piece, piece + left);
			return 0;
		}
	}
	if (n < 0) {
		list->line = 0;
		return complain(list, "cannot be read: %s", strerror(errno));
	}
	return left ? take_line(list, piece, piece + left) : 0;
}

static int check_file(struct reading_list *list, int fd)
{
	struct stat status;

	if (fd < 0 && errno == EACCES)
		return complain(list,
				"cannot be opened: %s; the user that the daemon runs as has "
				"to be able to read it",
				strerror(errno));
	if (fd < 0)
		return complain(list, "cannot be opened: %s", strerror(errno));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return complain(list, "is not a file");
	return 0;
}

int list_read(const char *path, const struct list_reader *reader)
{
	struct reading_list list = {.reader = reader};
	/* nobody may ever write into a FIFO */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *piece = malloc(PIECE);
	int r = piece ? check_file(&list, fd) : -ENOMEM;

	if (r == 0)
		r = read_pieces(&list, fd, piece);
	if (fd >= 0)
		close(fd);
	free(piece);
	if (list.wrong > LIST_TOLD_MAX) {
		char sentence[LIST_WHY_MAX];

		snprintf(sentence, sizeof(sentence), "and %u more lines are wrong",
			 list.wrong - LIST_TOLD_MAX);
		reader->complain(reader->owner, 0, sentence);
	}
	return list.wrong ? -EINVAL : r;
}
